"""Asking a model server, or the explanation sidecar, in a few lines.

    with ModelClient("127.0.0.1:8500") as client:
        prediction = client.predict([contract.upright(photo)], "demo")[0]
        print(prediction.predicted, prediction.probabilities)

Needs grpc and numpy, no TensorFlow. Servers are asked directly, never through a proxy.
"""

import copy
import http.client
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import grpc
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import Int64Value

from serving import contract
from serving.answers import Explanation, Prediction, class_position, explanation, predictions
from serving.asked import NOT_KEPT
from serving.errors import (
    DeadlinePassed,
    ModelServerError,
    NotServed,
    RequestRefused,
    ServingUnavailable,
    from_explainer_answer,
    from_rpc_error,
)
from serving.wire import predict_pb2 as wire
from serving.wire.tensors import int32_tensor, string_tensor

__all__ = [
    "DeadlinePassed",
    "ExplainerClient",
    "Explanation",
    "ModelClient",
    "ModelServerError",
    "NotServed",
    "Prediction",
    "RequestRefused",
    "ServedModel",
    "ServingUnavailable",
    "VersionStatus",
]

DEADLINE_SECONDS = 30.0
_CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", 64 << 20),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_reconnect_backoff_ms", 2000),  # a server that was away for an hour is found again within seconds
)


@dataclass(frozen=True)
class VersionStatus:
    """State of one version of a model on a server."""

    version: int
    state: str
    """START, LOADING, AVAILABLE, UNLOADING or END."""
    error: str
    """Why it ended, empty where nothing went wrong."""


@dataclass(frozen=True)
class ServedModel:
    """What a server shall serve of one model."""

    name: str
    base_path: str
    """Folder of the version folders, as the server sees it."""
    versions: tuple[int, ...] = ()
    """Versions to serve; none named = the newest."""
    labels: Mapping[str, int] = field(default_factory=dict)
    """Version by label; each must be AVAILABLE when its label is set."""


_Answer = TypeVar("_Answer")


class ModelClient:
    """Asks a TensorFlow Serving compatible server over gRPC; threads may share it.

    Every call raises `ServingUnavailable` where the server is away, `DeadlinePassed` where it is too slow, `NotServed`
    or another `RequestRefused` where it refuses the question, and `ModelServerError` where its answer breaks the
    contract.

    Args:
        address: host:port of the gRPC API.
        deadline: seconds that one call may take.
    """

    def __init__(self, address: str, deadline: float = DEADLINE_SECONDS) -> None:
        self.address = address
        self.deadline = deadline
        self._channel = grpc.insecure_channel(address, options=_CHANNEL_OPTIONS)
        self._metadata: tuple[tuple[str, str], ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def as_trial(self) -> Self:
        """The same connection for questions that try the server: a server that keeps photos keeps none of theirs."""
        trial = copy.copy(self)
        trial._metadata = ((NOT_KEPT, "1"),)
        return trial

    def predict(
        self, photos: Sequence[bytes], model: str, *, version: int | None = None, label: str | None = None
    ) -> list[Prediction]:
        """Classes of photos, in one request.

        Args:
            photos: upright JPEG or PNG bytes, see `serving.contract.upright`.
            model: name of the served model.
            version: version to ask; none = by label, or the newest.
            label: version label to ask, where no version is given.
        """
        spec = _model_spec(model, version, label, contract.PREDICT_BYTES)
        answer = self._predict(spec, {contract.IMAGE_BYTES: string_tensor(photos)})
        with _as_agreed(self.address):
            return predictions(answer, len(photos))

    def explain(
        self,
        photo: bytes,
        model: str,
        explained_class: str | int | None = None,
        *,
        version: int | None = None,
        label: str | None = None,
    ) -> Explanation:
        """Class of a photo, and the grounds for the predicted or another class.

        Args:
            photo: upright JPEG or PNG bytes, see `serving.contract.upright`.
            model: name of the served model.
            explained_class: name or index of the class to explain; none = the predicted class.
            version: version to ask; none = by label, or the newest.
            label: version label to ask, where no version is given.
        """
        answer = self._explain(photo, _model_spec(model, version, label, contract.EXPLAIN), contract.PREDICTED_CLASS)
        if explained_class is None:
            return answer
        prediction = answer.prediction
        index = class_position(explained_class, prediction.classes)
        if prediction.classes[index] == answer.explained_class:
            return answer
        # The version that named its classes explains too, though the label may have moved on meanwhile.
        return self._explain(photo, _model_spec(model, prediction.version, None, contract.EXPLAIN), index)

    def status(self, model: str, *, label: str | None = None, deadline: float | None = None) -> list[VersionStatus]:
        """Versions that the server knows of a model, newest first.

        Args:
            model: name of the served model.
            label: version label to ask; the embedded server then tells of that version alone.
            deadline: seconds that this call may take, where they differ from the client's.
        """
        request = wire.GetModelStatusRequest(model_spec=_model_spec(model, None, label))
        answer = self._call("ModelService/GetModelStatus", request, wire.GetModelStatusResponse.FromString, deadline)
        state_name = wire.ModelVersionStatus.State.Name
        rows = sorted(answer.model_version_status, key=lambda row: row.version, reverse=True)
        return [
            VersionStatus(row.version, state_name(row.state), row.status.error_message if row.status.error_code else "")
            for row in rows
        ]

    def reload(self, models: Sequence[ServedModel]) -> None:
        """Replace what the server serves; models that are not named are dropped.

        The server loads new versions in the background: ask for `status` until a version is AVAILABLE before a label
        names it.
        """
        configs = wire.ModelConfigList(config=[_model_config(model) for model in models])
        request = wire.ReloadConfigRequest(config=wire.ModelServerConfig(model_config_list=configs))
        answer = self._call("ModelService/HandleReloadConfigRequest", request, wire.ReloadConfigResponse.FromString)
        if answer.status.error_code:
            raise RequestRefused(
                f"{self.address} refused the new configuration: {answer.status.error_message}",
                expected="folders that exist, and labels of versions that are AVAILABLE",
                to_do="look at the status of the model, then mend what is named above",
            )

    def _explain(self, photo: bytes, spec: wire.ModelSpec, class_index: int) -> Explanation:
        inputs = {contract.IMAGE_BYTES: string_tensor([photo]), contract.CLASS_INDEX: int32_tensor([class_index])}
        answer = self._predict(spec, inputs)
        with _as_agreed(self.address):
            return explanation(answer)

    def _predict(self, spec: wire.ModelSpec, inputs: Mapping[str, wire.TensorProto]) -> wire.PredictResponse:
        request = wire.PredictRequest(model_spec=spec, inputs=inputs)
        return self._call("PredictionService/Predict", request, wire.PredictResponse.FromString)

    def _call(
        self, method: str, request: Message, read: Callable[[bytes], _Answer], deadline: float | None = None
    ) -> _Answer:
        ask: grpc.UnaryUnaryMultiCallable[Message, _Answer] = self._channel.unary_unary(
            f"/tensorflow.serving.{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=read,
        )
        try:
            return ask(request, timeout=self.deadline if deadline is None else deadline, metadata=self._metadata)
        except grpc.RpcError as error:
            raise from_rpc_error(error, self.address) from None


class ExplainerClient:
    """Asks the explanation sidecar over HTTP; photos go as they are given: `contract.upright` leaves their places out.

    Every call raises `ServingUnavailable`, `DeadlinePassed` or `RequestRefused` with the sidecar's own words.

    Args:
        address: host:port of the sidecar.
        deadline: seconds that each step of one call may take.
    """

    def __init__(self, address: str, deadline: float = DEADLINE_SECONDS) -> None:
        self.address = address
        self.deadline = deadline

    def explain(self, photo: bytes, explained_class: str | int | None = None) -> dict[str, Any]:
        """Class, probabilities, threshold, model version and heat map of a photo in any accepted format."""
        answer: dict[str, Any] = json.loads(self._post(photo, {"format": "json"}, explained_class))
        return answer

    def overlay(self, photo: bytes, explained_class: str | int | None = None, opacity: float | None = None) -> bytes:
        """The heat map over the photo, as a PNG of the photo's own resolution."""
        query = {"format": "overlay"} | ({} if opacity is None else {"opacity": str(opacity)})
        return self._post(photo, query, explained_class)

    def is_ready(self) -> bool:
        """Whether the sidecar answers, and the model server behind it serves the model."""
        try:
            self._ask("GET", "/readyz")
        except ModelServerError:
            return False
        return True

    def _post(self, photo: bytes, query: Mapping[str, str], explained_class: str | int | None) -> bytes:
        asked = dict(query) | ({} if explained_class is None else {"class": str(explained_class)})
        return self._ask("POST", f"/v1/explain?{urlencode(asked)}", photo)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        connection = http.client.HTTPConnection(self.address, timeout=self.deadline)
        try:
            connection.request(method, path, body, {"Content-Type": "application/octet-stream"})
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            kind = DeadlinePassed if isinstance(error, TimeoutError) else ServingUnavailable
            raise kind(
                f"the explainer at {self.address} did not answer: {error}",
                expected="an explainer that answers",
                to_do="start it with `python -m serving.explainer`, or name its address",
            ) from None
        finally:
            connection.close()
        if response.status == http.HTTPStatus.OK:
            return answer
        raise from_explainer_answer(response.status, answer)


def _model_spec(model: str, version: int | None, label: str | None, signature: str = "") -> wire.ModelSpec:
    spec = wire.ModelSpec(name=model, signature_name=signature)
    if version is not None:
        spec.version.CopyFrom(Int64Value(value=version))
    elif label is not None:
        spec.version_label = label
    return spec


def _model_config(model: ServedModel) -> wire.ModelConfig:
    policy = wire.ServableVersionPolicy
    named, newest = policy.Specific(versions=model.versions), policy.Latest(num_versions=1)
    return wire.ModelConfig(
        name=model.name,
        base_path=model.base_path,
        model_platform="tensorflow",
        model_version_policy=policy(specific=named) if model.versions else policy(latest=newest),
        version_labels=model.labels,
    )


@contextmanager
def _as_agreed(address: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ModelServerError(
            f"{address} gave an answer that breaks the contract: {error}",
            expected="the outputs of serving/contract.py",
            to_do="serve a model that `pipeline export` wrote",
        ) from None
