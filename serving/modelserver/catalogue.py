"""All models of a server: looked up, watched, reconfigured."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic

import grpc

from serving.modelserver.configuration import ModelSettings
from serving.modelserver.errors import RequestError, invalid
from serving.modelserver.model import Lease, Loaded, Model, RetryPolicy
from serving.modelserver.versions import VersionStatus

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    """Which model, and which of its versions; neither number nor label = the latest."""

    name: str
    version: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class CatalogueOptions:
    """How a catalogue behaves.

    Args:
        retries: what to do after a refused version.
        poll_seconds: pause between two looks at the version folders; 0 = look once, and after each reload.
        labels_may_precede_versions: whether a new label may name a version that is not AVAILABLE yet.
    """

    retries: RetryPolicy = field(default_factory=RetryPolicy)
    poll_seconds: float = 1.0
    labels_may_precede_versions: bool = False


class Catalogue(Generic[Loaded]):
    """The models that a server serves.

    Args:
        load: see `Model`.
        options: see `CatalogueOptions`.
    """

    def __init__(self, load: Callable[[Path], Loaded], options: CatalogueOptions = CatalogueOptions()) -> None:
        self._load = load
        self._options = options
        self._models: Mapping[str, Model[Loaded]] = {}  # replaced as a whole, so that readers need no lock
        self._reloading = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._watcher = threading.Thread(target=self._watch, name="versions", daemon=True)

    def start(self, settings: Sequence[ModelSettings]) -> None:
        """Load what is wanted, and watch the folders from then on; a refused version does not keep the others away."""
        self._models = {model.name: self._new_model(model) for model in settings}
        _refresh_all(self._models)
        self._watcher.start()

    def close(self) -> None:
        """Stop watching and drop every version; calls under way end on theirs."""
        self._closed = True
        self._wake.set()
        for model in self._models.values():
            model.close()

    @contextmanager
    def lease(self, address: Address) -> Iterator[Lease[Loaded]]:
        """Hold the version that an address names while a call runs on it.

        Raises:
            RequestError: INVALID_ARGUMENT without a name or for an unknown label, NOT_FOUND for an unknown model or
                one without such a version.
        """
        if not address.name:
            raise invalid("ModelSpec has no name specified.")
        model = self._models.get(address.name)
        if model is None:
            asked = f"Latest({address.name})"
            if address.version is not None:
                asked = f"Specific({address.name}, {address.version})"
            raise RequestError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")
        with model.lease(address.version, address.label) as lease:
            yield lease

    def status(self, address: Address) -> list[VersionStatus]:
        """Tell the state of a model's versions, newest first; of one version where the address names one.

        Raises:
            RequestError: INVALID_ARGUMENT without a name or for an unknown label, NOT_FOUND otherwise.
        """
        if not address.name:
            raise invalid("ModelSpec has no name specified.")
        model = self._models.get(address.name)
        number = model.number(address.version, address.label) if model else address.version
        found = [status for status in model.status() if number in (None, status.number)] if model else []
        if not found:
            which = "any versions" if number is None else f"version {number}"
            raise RequestError(grpc.StatusCode.NOT_FOUND, f"Could not find {which} of model {address.name}")
        return found

    def is_ready(self) -> bool:
        """Whether every configured model has a version that answers."""
        return all(model.available() for model in self._models.values())

    def as_far_as_served(self, settings: Sequence[ModelSettings]) -> list[ModelSettings]:
        """The same settings, but labels of known models move to versions that are AVAILABLE alone.

        Other labels stay where they are, and new ones wait; so a reload can load the versions that they will name.
        """
        return [replace(model, labels=self._served_labels(model)) for model in settings]

    def reload(self, settings: Sequence[ModelSettings], seconds: float) -> None:
        """Serve exactly these models; all is checked first, and either everything is applied or nothing.

        Waits for new models, and for known ones whose folder changed, until a version of theirs serves; versions of
        known models are loaded afterwards, in the background.

        Args:
            settings: the models that shall be served; those left out are dropped.
            seconds: how long loading may take.

        Raises:
            RequestError: FAILED_PRECONDITION for a folder that does not exist, a new model without a good version or a
                label on a version that is not AVAILABLE; DEADLINE_EXCEEDED when loading, or a reload before this one,
                takes too long.
        """
        until = time.monotonic() + seconds
        with self._alone(seconds):
            known = self._models
            fresh = {s.name: self._new_model(s) for s in settings if not _same_folder(known.get(s.name), s)}
            try:
                self._bring_up(fresh, until - time.monotonic())
                after = {s.name: fresh.get(s.name) or known[s.name] for s in settings}
                self._check_labels(settings, after)
            except RequestError:
                for model in fresh.values():
                    model.close()
                raise
            for model_settings in settings:
                after[model_settings.name].settings = model_settings
            self._models = after
            for model in known.values():
                if model not in after.values():
                    model.close()
        log.info("Configuration applied: %s", ", ".join(sorted(after)) or "no models")
        self._wake.set()

    def _served_labels(self, wanted: ModelSettings) -> Mapping[str, int]:
        model = self._models.get(wanted.name)
        if model is None:
            return wanted.labels
        live, available = model.settings.labels, model.available()
        moved = {label: number if number in available else live.get(label) for label, number in wanted.labels.items()}
        return {label: number for label, number in moved.items() if number is not None}

    def _new_model(self, settings: ModelSettings) -> Model[Loaded]:
        return Model(settings, self._load, self._options.retries)

    @contextmanager
    def _alone(self, seconds: float) -> Iterator[None]:
        if not self._reloading.acquire(timeout=seconds):
            raise _too_late("Another configuration is still being loaded")
        try:
            yield
        finally:
            self._reloading.release()

    def _bring_up(self, models: Mapping[str, Model[Loaded]], seconds: float) -> None:
        missing = [str(model.settings.base_path) for model in models.values() if not model.settings.base_path.is_dir()]
        if missing:
            raise _refused(f"base_path does not exist: {', '.join(missing)}")
        # A load cannot be interrupted, so it runs beside the call, which can then keep its time limit.
        loading = threading.Thread(target=_refresh_all, args=(models,), daemon=True)
        loading.start()
        loading.join(max(seconds, 0))
        if loading.is_alive():
            raise _too_late("The new models were not loaded in time")
        for name, model in models.items():
            if not model.available():
                errors = [f"version {s.number}: {s.error.message}" for s in model.status() if s.error]
                raise _refused(f"model {name} has no version that loads: {'; '.join(errors) or 'no version folder'}")

    def _check_labels(self, settings: Sequence[ModelSettings], models: Mapping[str, Model[Loaded]]) -> None:
        for wanted in settings:
            model = models[wanted.name]
            live = {} if model.settings is wanted else model.settings.labels
            available = model.available()
            for label, number in wanted.labels.items():
                may_precede = label not in live and self._options.labels_may_precede_versions
                if number not in available and live.get(label) != number and not may_precede:
                    raise _refused(
                        f"label {label} of model {wanted.name} names version {number}, which is not AVAILABLE"
                    )

    def _watch(self) -> None:
        while not self._closed:
            self._wake.wait(self._options.poll_seconds or None)
            self._wake.clear()
            if not self._closed:
                _refresh_all(self._models)


def _refresh_all(models: Mapping[str, Model[Loaded]]) -> None:
    for name, model in models.items():
        try:
            model.refresh()
        except Exception:  # a surprise in one model must not keep the others from being served
            log.exception("Model %s could not be refreshed", name)


def _same_folder(model: Model[Loaded] | None, settings: ModelSettings) -> bool:
    return model is not None and model.settings.base_path == settings.base_path


def _too_late(reason: str) -> RequestError:
    return RequestError(grpc.StatusCode.DEADLINE_EXCEEDED, f"{reason}; nothing changed")


def _refused(reason: str) -> RequestError:
    return RequestError(grpc.StatusCode.FAILED_PRECONDITION, f"Configuration refused, nothing changed: {reason}")
