"""The client against a model server that answers what the test tells it to."""

import time
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest

from serving.client import (
    DeadlinePassed,
    ExplainerClient,
    ModelClient,
    ModelServerError,
    NotServed,
    RequestRefused,
    ServedModel,
    ServingUnavailable,
    VersionStatus,
)
from serving.wire import predict_pb2 as wire


@pytest.fixture
def client(fake_server: Any) -> Iterator[ModelClient]:
    with ModelClient(fake_server.address, deadline=10) as client:
        yield client


@pytest.mark.parametrize("packed", (True, False), ids=["packed", "typed"])
def test_predictions_come_photo_by_photo_with_their_classes(
    client: ModelClient, fake_server: Any, packed: bool
) -> None:
    fake_server.packed = packed
    first, second = client.predict([b"one", b"two"], "demo")
    assert first == second
    assert (first.model, first.version) == ("demo", 7)
    assert first.classes == ("crack", "Gewölbe", "sound")
    assert first.probabilities == pytest.approx((0.5, 0.3, 0.2))
    assert list(fake_server.requests[0].inputs["image_bytes"].string_val) == [b"one", b"two"]


def test_predicted_is_the_class_with_the_largest_probability_minus_threshold(client: ModelClient) -> None:
    prediction = client.predict([b""], "demo")[0]
    assert prediction.predicted == "Gewölbe"
    assert max(prediction.probabilities) != prediction.probabilities[1]


def test_the_version_or_label_that_is_asked_goes_on_the_wire(client: ModelClient, fake_server: Any) -> None:
    client.predict([b""], "demo")
    client.predict([b""], "demo", version=3)
    client.predict([b""], "demo", label="canary")
    newest, version, label = [request.model_spec for request in fake_server.requests]
    assert newest.WhichOneof("version_choice") is None
    assert version.version.value == 3
    assert label.version_label == "canary"
    assert {spec.signature_name for spec in (newest, version, label)} == {"predict_bytes"}


def test_the_predicted_class_is_explained_in_one_question(client: ModelClient, fake_server: Any) -> None:
    explanation = client.explain(b"", "demo")
    assert explanation.explained_class == explanation.prediction.predicted == "Gewölbe"
    assert explanation.heatmap.shape == explanation.map.shape == (4, 4)
    assert explanation.heatmap.dtype == np.float32
    assert np.unravel_index(explanation.heatmap.argmax(), (4, 4)) == (0, 1)
    assert explanation.map.max() == 9
    assert len(fake_server.requests) == 1


@pytest.mark.parametrize("asked", ("sound", 2, "2"))
def test_another_class_is_explained_by_name_or_index_on_the_version_that_named_it(
    client: ModelClient, fake_server: Any, asked: str | int
) -> None:
    explanation = client.explain(b"", "demo", asked, label="stable")
    assert explanation.explained_class == "sound"
    assert explanation.prediction.predicted == "Gewölbe"
    assert np.unravel_index(explanation.heatmap.argmax(), (4, 4)) == (0, 2)
    first, second = [request.model_spec for request in fake_server.requests]
    assert first.version_label == "stable"
    assert second.version.value == 7


@pytest.mark.parametrize("asked", ("roof", 3, -1, "-1", "", "²", "9" * 5000), ids=lambda asked: str(asked)[:4])
def test_an_unknown_class_is_refused_with_the_names_of_all(client: ModelClient, asked: str | int) -> None:
    with pytest.raises(RequestRefused) as refused:
        client.explain(b"", "demo", asked)
    assert "crack, Gewölbe, sound" in refused.value.expected


def test_a_class_named_by_digits_goes_before_an_index(client: ModelClient, fake_server: Any) -> None:
    fake_server.classes = ["2", "1", "0"]
    assert client.explain(b"", "demo", "2").explained_class == "2"


def test_status_lists_versions_newest_first_with_their_errors(client: ModelClient) -> None:
    assert client.status("demo") == [VersionStatus(7, "AVAILABLE", ""), VersionStatus(6, "END", "bad")]


def test_a_status_may_be_asked_by_label(client: ModelClient, fake_server: Any) -> None:
    client.status("demo", label="stable")
    assert fake_server.status_requests[0].model_spec.version_label == "stable"


def test_a_label_that_nothing_carries_is_not_served(client: ModelClient, fake_server: Any) -> None:
    fake_server.refusal = (grpc.StatusCode.INVALID_ARGUMENT, "Unrecognized servable version label: stable")
    with pytest.raises(NotServed, match="stable"):
        client.predict([b""], "demo", label="stable")


def test_reload_writes_versions_and_labels(client: ModelClient, fake_server: Any) -> None:
    client.reload([ServedModel("demo", "/served/demo", (3, 4), {"stable": 3}), ServedModel("other", "/served/other")])
    demo, other = fake_server.reloads[0].config.model_config_list.config
    assert list(demo.model_version_policy.specific.versions) == [3, 4]
    assert dict(demo.version_labels) == {"stable": 3}
    assert (demo.base_path, demo.model_platform) == ("/served/demo", "tensorflow")
    assert other.model_version_policy.latest.num_versions == 1


def test_a_reload_that_is_refused_in_the_answer_raises(client: ModelClient, fake_server: Any) -> None:
    fake_server.reload_error = "version 9 is not AVAILABLE"
    with pytest.raises(RequestRefused, match="version 9"):
        client.reload([ServedModel("demo", "/served/demo", (9,), {"stable": 9})])


@pytest.mark.parametrize(
    ("code", "kind"),
    (
        (grpc.StatusCode.UNAVAILABLE, ServingUnavailable),
        (grpc.StatusCode.INTERNAL, ServingUnavailable),
        (grpc.StatusCode.UNKNOWN, ServingUnavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlinePassed),
        (grpc.StatusCode.NOT_FOUND, NotServed),
        (grpc.StatusCode.INVALID_ARGUMENT, RequestRefused),
        (grpc.StatusCode.FAILED_PRECONDITION, RequestRefused),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, RequestRefused),
        (grpc.StatusCode.UNIMPLEMENTED, RequestRefused),
    ),
)
def test_every_refusal_says_what_came_what_was_expected_and_what_to_do(
    client: ModelClient, fake_server: Any, code: grpc.StatusCode, kind: type[ModelServerError]
) -> None:
    fake_server.refusal = (code, "the server's words")
    for ask in (lambda: client.predict([b""], "demo"), lambda: client.status("demo"), lambda: client.reload([])):
        with pytest.raises(ModelServerError, match="the server's words") as refused:
            ask()
        assert type(refused.value) is kind
        assert code.name in refused.value.came
        assert refused.value.expected
        assert refused.value.to_do


def test_a_server_that_is_away_is_named(free_address: str) -> None:
    with ModelClient(free_address, deadline=5) as client, pytest.raises(ServingUnavailable, match=free_address):
        client.status("demo")


def test_a_slow_answer_ends_at_the_deadline(fake_server: Any) -> None:
    fake_server.delay = 30
    start = time.monotonic()
    with ModelClient(fake_server.address, deadline=0.2) as client, pytest.raises(DeadlinePassed):
        client.predict([b""], "demo")
    assert time.monotonic() - start < 20


def test_photos_beyond_grpcs_own_limit_pass(client: ModelClient, fake_server: Any) -> None:
    client.predict([bytes(6 << 20)], "demo")
    assert len(fake_server.requests[0].inputs["image_bytes"].string_val[0]) == 6 << 20


def _without_classes(answer: wire.PredictResponse) -> None:
    del answer.outputs["classes"]


def _with_nan(answer: wire.PredictResponse) -> None:
    answer.outputs["probabilities"].float_val[0] = float("nan")


def _with_other_shape(answer: wire.PredictResponse) -> None:
    answer.outputs["threshold"].tensor_shape.dim[1].size = 2
    del answer.outputs["threshold"].float_val[2:]


def _with_cut_content(answer: wire.PredictResponse) -> None:
    answer.outputs["heatmap"].tensor_content = b"123"


def _with_other_class(answer: wire.PredictResponse) -> None:
    answer.outputs["class_index"].int_val[0] = 3


def _with_numbered_classes(answer: wire.PredictResponse) -> None:
    answer.outputs["classes"].CopyFrom(answer.outputs["probabilities"])


def _with_empty_map(answer: wire.PredictResponse) -> None:
    answer.outputs["heatmap"].tensor_shape.dim[2].size = 0
    del answer.outputs["heatmap"].float_val[:]


@pytest.mark.parametrize(
    "change",
    (
        _without_classes,
        _with_nan,
        _with_other_shape,
        _with_cut_content,
        _with_other_class,
        _with_numbered_classes,
        _with_empty_map,
    ),
)
def test_an_answer_that_breaks_the_contract_is_said_to_do_so(
    client: ModelClient, fake_server: Any, change: Any
) -> None:
    fake_server.change = change
    with pytest.raises(ModelServerError, match="breaks the contract") as broken:
        client.explain(b"", "demo")
    assert type(broken.value) is ModelServerError


def test_an_explainer_that_is_away_is_named(free_address: str) -> None:
    with pytest.raises(ServingUnavailable, match=free_address):
        ExplainerClient(free_address, deadline=5).explain(b"")
    assert not ExplainerClient(free_address, deadline=5).is_ready()
