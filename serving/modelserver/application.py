"""The whole server: catalogue, gRPC and REST, put together from flags."""

import functools
import logging
import os
import threading
from collections.abc import Sequence

import grpc
import tensorflow as tf

from serving.modelserver.catalogue import Catalogue, CatalogueOptions
from serving.modelserver.configuration import ModelSettings, read_config_file
from serving.modelserver.errors import RequestError
from serving.modelserver.flags import Flags
from serving.modelserver.grpc_services import RELOAD_SECONDS, build_grpc_server
from serving.modelserver.keeping import KeptPhotos
from serving.modelserver.loading import load_version
from serving.modelserver.model import RetryPolicy
from serving.modelserver.ports import port_taken
from serving.modelserver.rest import RestApi
from serving.modelserver.rest_server import RestServer
from serving.modelserver.savedmodel import SavedModel
from serving.modelserver.slots import Slots

STOP_SECONDS = 5.0
"""How long calls under way may go on after the order to stop."""

_RUNNING_PER_CORE = 2
_WAITING_PER_CORE = 16
_MIN_WAITING = 32
_SPARE_THREADS = 8  # for status calls and refusals while all slots are taken

log = logging.getLogger(__name__)


class ModelServer:
    """A model server within this process.

    Args:
        flags: ports, limits and pauses.
        settings: the models to start with.
    """

    def __init__(self, flags: Flags, settings: Sequence[ModelSettings]) -> None:
        self._flags = flags
        self._settings = list(settings)
        self._stopping = threading.Event()
        self._catalogue: Catalogue[SavedModel] = Catalogue(
            functools.partial(load_version, warm_up=flags.enable_model_warmup),
            CatalogueOptions(
                RetryPolicy(flags.max_num_load_retries, flags.load_retry_interval_seconds),
                flags.file_system_poll_wait_seconds,
                flags.allow_version_labels_for_unavailable_models,
            ),
        )
        num_cores = len(os.sched_getaffinity(0))
        num_running, num_waiting = _RUNNING_PER_CORE * num_cores, max(_MIN_WAITING, _WAITING_PER_CORE * num_cores)
        self._slots = Slots(num_running, num_waiting)
        self._num_threads = flags.grpc_max_threads or num_running + num_waiting + _SPARE_THREADS
        self._kept: KeptPhotos | None = None
        self._grpc: grpc.Server | None = None
        self._rest: RestServer | None = None

    def start(self) -> None:
        """Load the models, then open the ports; a refused version is logged and does not keep the ports closed.

        Raises:
            StartError: a port was taken in the meantime.
        """
        if self._flags.tensorflow_intra_op_parallelism:
            tf.config.threading.set_intra_op_parallelism_threads(self._flags.tensorflow_intra_op_parallelism)
        if self._flags.tensorflow_inter_op_parallelism:
            tf.config.threading.set_inter_op_parallelism_threads(self._flags.tensorflow_inter_op_parallelism)
        if self._flags.kept_photos_folder and self._flags.kept_photos:
            self._kept = KeptPhotos(self._flags.kept_photos_folder, self._flags.kept_photos)
        self._catalogue.start(self._settings)
        if self._flags.port:
            self._grpc = self._open_grpc()
        if self._flags.rest_api_port:
            self._rest = self._open_rest()
        if self._flags.model_config_file and self._flags.model_config_file_poll_wait_seconds:
            threading.Thread(target=self._poll_config_file, name="configuration", daemon=True).start()
        log.info("Ready")

    def stop(self) -> None:
        """Take no more calls, let those under way end within five seconds, drop the models."""
        self._stopping.set()
        grpc_stopped = self._grpc.stop(STOP_SECONDS) if self._grpc else None
        if self._rest:
            self._rest.stop(STOP_SECONDS)
        if grpc_stopped:
            grpc_stopped.wait()
        self._catalogue.close()
        if self._kept:
            self._kept.close()
        log.info("Stopped")

    def _open_grpc(self) -> grpc.Server:
        server = build_grpc_server(self._catalogue, self._slots, self._num_threads, self._kept)
        try:
            server.add_insecure_port(f"{self._flags.host}:{self._flags.port}")
        except RuntimeError:
            raise port_taken("port", self._flags.host, self._flags.port) from None
        server.start()
        log.info("gRPC on %s:%d", self._flags.host, self._flags.port)
        return server

    def _open_rest(self) -> RestServer:
        api = RestApi(self._catalogue, self._slots, self._flags.rest_api_timeout_in_ms / 1000, self._kept)
        try:
            server = RestServer(self._flags.host, self._flags.rest_api_port, api)
        except OSError:
            raise port_taken("rest_api_port", self._flags.host, self._flags.rest_api_port) from None
        server.start()
        log.info("REST on http://%s:%d/v1/models", self._flags.host, self._flags.rest_api_port)
        return server

    def _poll_config_file(self) -> None:
        path = self._flags.model_config_file
        applied = self._settings
        while path and not self._stopping.wait(self._flags.model_config_file_poll_wait_seconds):
            try:
                settings = self._catalogue.as_far_as_served(read_config_file(path))
                if settings != applied:
                    applied = settings  # a refused file is not tried again before it changes
                    self._catalogue.reload(settings, RELOAD_SECONDS)
            except RequestError as error:
                log.error("--model_config_file=%s: %s", path, error.message)
