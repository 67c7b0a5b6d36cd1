"""A model server that answers what a test tells it to, in our own messages; no TensorFlow."""

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
import numpy as np

from serving.wire import predict_pb2 as wire

CLASSES = ["crack", "Gewölbe", "sound"]


def tensor(array: np.ndarray, packed: bool = False) -> wire.TensorProto:
    shape = wire.TensorShapeProto(dim=[wire.TensorShapeProto.Dim(size=size) for size in array.shape])
    if array.dtype == object:
        return wire.TensorProto(dtype=wire.DT_STRING, tensor_shape=shape, string_val=array.ravel().tolist())
    dtype = wire.DT_FLOAT if array.dtype == np.float32 else wire.DT_INT32
    if packed:
        return wire.TensorProto(dtype=dtype, tensor_shape=shape, tensor_content=array.tobytes())
    values = array.ravel().tolist()
    if dtype == wire.DT_FLOAT:
        return wire.TensorProto(dtype=dtype, tensor_shape=shape, float_val=values)
    return wire.TensorProto(dtype=dtype, tensor_shape=shape, int_val=values)


@dataclass
class FakeModelServer:
    """Answers every photo alike; the heat of class k lies in cell (0, k)."""

    classes: list[str] = field(default_factory=lambda: list(CLASSES))
    probabilities: list[float] = field(default_factory=lambda: [0.5, 0.3, 0.2])
    threshold: list[float] = field(default_factory=lambda: [0.45, 0.1, 0.33])
    version: int = 7
    packed: bool = False
    delay: float = 0
    """Seconds before an answer; the end of the test ends it too."""
    refusal: tuple[grpc.StatusCode, str] | None = None
    refuses: Callable[[wire.PredictRequest], tuple[grpc.StatusCode, str] | None] = lambda _: None
    """Refusal of a single question, or None."""
    change: Callable[[wire.PredictResponse], None] = lambda _: None
    statuses: list[tuple[int, str, str]] = field(default_factory=lambda: [(6, "END", "bad"), (7, "AVAILABLE", "")])
    reload_error: str = ""
    requests: list[wire.PredictRequest] = field(default_factory=list)
    reloads: list[wire.ReloadConfigRequest] = field(default_factory=list)
    status_requests: list[wire.GetModelStatusRequest] = field(default_factory=list)
    address: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def predict(self, request: wire.PredictRequest, context: grpc.ServicerContext) -> wire.PredictResponse:
        self._before(context)
        self.requests.append(request)
        if refusal := self.refuses(request):
            context.abort(*refusal)
        count = len(request.inputs["image_bytes"].string_val)
        outputs = {
            "classes": np.array([[name.encode() for name in self.classes]] * count, dtype=object),
            "probabilities": np.array([self.probabilities] * count, dtype=np.float32),
            "threshold": np.array([self.threshold] * count, dtype=np.float32),
        }
        if request.model_spec.signature_name == "explain":
            asked = request.inputs["class_index"].int_val[0]
            index = int(np.argmax(np.subtract(self.probabilities, self.threshold))) if asked == -1 else asked
            heatmap = np.zeros((1, 4, 4), dtype=np.float32)
            heatmap[0, 0, index] = 1
            outputs |= {"class_index": np.array([index], dtype=np.int32), "map": heatmap * 9, "heatmap": heatmap}
        answer = wire.PredictResponse(outputs={name: tensor(array, self.packed) for name, array in outputs.items()})
        answer.model_spec.name = request.model_spec.name
        answer.model_spec.version.value = self.version
        self.change(answer)
        return answer

    def status(self, request: wire.GetModelStatusRequest, context: grpc.ServicerContext) -> wire.GetModelStatusResponse:
        self._before(context)
        self.status_requests.append(request)
        rows = [
            wire.ModelVersionStatus(
                version=version, state=state, status=wire.StatusProto(error_code=2 if error else 0, error_message=error)
            )
            for version, state, error in self.statuses
        ]
        return wire.GetModelStatusResponse(model_version_status=rows)

    def reload(self, request: wire.ReloadConfigRequest, context: grpc.ServicerContext) -> wire.ReloadConfigResponse:
        self._before(context)
        self.reloads.append(request)
        code = 9 if self.reload_error else 0
        return wire.ReloadConfigResponse(status=wire.StatusProto(error_code=code, error_message=self.reload_error))

    def _before(self, context: grpc.ServicerContext) -> None:
        self.over.wait(self.delay)
        if self.refusal:
            context.abort(*self.refusal)


@contextmanager
def running_fake() -> Iterator[FakeModelServer]:
    """A fake model server on a loopback port, for the length of a block."""
    fake = FakeModelServer()
    methods = {
        "PredictionService": {"Predict": (fake.predict, wire.PredictRequest)},
        "ModelService": {
            "GetModelStatus": (fake.status, wire.GetModelStatusRequest),
            "HandleReloadConfigRequest": (fake.reload, wire.ReloadConfigRequest),
        },
    }
    server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", 64 << 20)])
    for service, calls in methods.items():
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                call, request_deserializer=request.FromString, response_serializer=lambda m: m.SerializeToString()
            )
            for name, (call, request) in calls.items()
        }
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(f"tensorflow.serving.{service}", handlers),)
        )
    fake.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield fake
    fake.over.set()
    server.stop(None).wait()
