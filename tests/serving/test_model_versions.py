"""Which versions are served, when, and under which name; without TensorFlow."""

import math
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.modelserver.catalogue import Address, Catalogue, CatalogueOptions
from serving.modelserver.configuration import ModelSettings, read_config_file, settings_from_proto
from serving.modelserver.errors import RequestError
from serving.modelserver.model import Model, RetryPolicy
from serving.modelserver.slots import Slots
from serving.modelserver.versions import AllVersions, LatestVersions, SpecificVersions, State, versions_on_disk


class FakeLoader:
    """Loads a version as its folder's name; versions named in `damaged` are refused."""

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.damaged: set[str] = set()

    def __call__(self, path: Path) -> str:
        self.loads.append(path.name)
        if path.name in self.damaged:
            raise RequestError(grpc.StatusCode.DATA_LOSS, f"{path.name} is damaged")
        return path.name


@pytest.fixture
def load() -> FakeLoader:
    return FakeLoader()


@pytest.fixture
def publish(tmp_path) -> Callable[..., None]:
    def publish(*numbers: int) -> None:
        for number in numbers:
            (tmp_path / str(number)).mkdir()

    return publish


@pytest.fixture
def make_model(tmp_path, load) -> Callable[..., Model[str]]:
    def make(policy=LatestVersions(), retries=RetryPolicy()) -> Model[str]:
        return Model(ModelSettings("m", tmp_path, policy), load, retries)

    return make


@pytest.fixture
def make_catalogue(load):
    made = []

    def make(**options) -> Catalogue[str]:
        catalogue = Catalogue(load, CatalogueOptions(poll_seconds=0.02, **options))
        made.append(catalogue)
        return catalogue

    yield make
    for catalogue in made:
        catalogue.close()


def states(model: Model[str]) -> dict[int, State]:
    return {status.number: status.state for status in model.status()}


def test_only_folders_with_numeric_names_are_versions(tmp_path):
    for name in ("1", "007", ".stage-3", "4.tmp", "5.denied", "-6", "٧", "latest"):  # noqa: RUF001
        (tmp_path / name).mkdir()
    (tmp_path / "9").write_text("a file")
    assert {number: path.name for number, path in versions_on_disk(tmp_path).items()} == {1: "1", 7: "007"}


@pytest.mark.parametrize(
    ("policy", "wanted"),
    (
        (LatestVersions(), [10]),
        (LatestVersions(2), [10, 9]),
        (AllVersions(), [10, 9, 1]),
        (SpecificVersions(frozenset({1, 9, 77})), [9, 1]),
    ),
)
def test_policies_choose_newest_first(policy, wanted):
    assert policy.wanted([1, 10, 9]) == wanted


def test_a_new_version_is_loaded_before_the_old_one_is_dropped(publish, make_model):
    model = make_model()
    publish(1)
    model.refresh()
    seen_during_load = []
    model._load = lambda path: seen_during_load.extend(model.available()) or path.name
    publish(2)
    model.refresh()
    assert seen_during_load == [1]
    assert states(model) == {2: State.AVAILABLE, 1: State.END}


def test_calls_in_flight_end_on_their_version(publish, make_model):
    model = make_model()
    publish(1)
    model.refresh()
    with model.lease(None) as lease:
        publish(2)
        model.refresh()
        assert lease.loaded == "1"
        assert states(model) == {2: State.AVAILABLE, 1: State.UNLOADING}
        with model.lease(None) as newer:
            assert newer.number == 2
    assert states(model)[1] is State.END


def test_the_memory_of_a_dropped_version_is_given_back(publish, make_model):
    class Cyclic:
        def __init__(self) -> None:
            self.itself = self

    model = make_model()
    model._load = lambda path: Cyclic()
    publish(1)
    model.refresh()
    with model.lease(None) as lease:
        old = weakref.ref(lease.loaded)
    del lease
    publish(2)
    model.refresh()
    model.refresh()
    assert old() is None


def test_a_refused_version_leaves_the_old_one_serving(publish, make_model, load):
    model = make_model()
    publish(1)
    model.refresh()
    load.damaged.add("2")
    publish(2)
    model.refresh()
    assert model.available() == [1]
    refused = model.status()[0]
    assert (refused.number, refused.state, str(refused.error)) == (2, State.END, "2 is damaged")


def test_a_refused_version_is_retried_a_limited_number_of_times(publish, make_model, load):
    load.damaged.add("1")
    publish(1)
    model = make_model(retries=RetryPolicy(max_num_retries=2, interval_seconds=0))
    for _ in range(6):
        model.refresh()
    assert load.loads == ["1"] * 3


def test_a_refused_version_waits_before_it_is_retried(publish, make_model, load):
    load.damaged.add("1")
    publish(1)
    model = make_model(retries=RetryPolicy(interval_seconds=3600))
    model.refresh()
    model.refresh()
    assert load.loads == ["1"]


def test_a_refused_version_that_is_published_anew_is_loaded_at_once(publish, make_model, load, tmp_path):
    load.damaged.add("1")
    publish(1)
    model = make_model(retries=RetryPolicy(max_num_retries=0))
    model.refresh()
    load.damaged.clear()
    (tmp_path / "1").rename(tmp_path / "1.denied")
    publish(1)
    model.refresh()
    assert model.available() == [1]


def test_a_version_that_is_renamed_away_goes_back_to_the_one_below(publish, make_model, tmp_path):
    publish(6, 7)
    model = make_model()
    model.refresh()
    (tmp_path / "7").rename(tmp_path / "7.denied")
    model.refresh()
    assert states(model) == {7: State.END, 6: State.AVAILABLE}


def test_a_named_version_that_is_renamed_away_is_dropped(publish, make_model, tmp_path):
    publish(6, 7)
    model = make_model(SpecificVersions(frozenset({7})))
    model.refresh()
    (tmp_path / "7").rename(tmp_path / "7.denied")
    model.refresh()
    assert model.available() == []


def test_a_policy_that_waits_for_its_version_drops_nothing(publish, make_model, tmp_path):
    publish(1)
    model = make_model()
    model.refresh()
    model.settings = ModelSettings("m", tmp_path, SpecificVersions(frozenset({2})))
    model.refresh()
    assert model.available() == [1]
    publish(2)
    model.refresh()
    assert model.available() == [2]


def test_a_folder_out_of_reach_drops_nothing(publish, make_model, tmp_path):
    publish(1)
    model = make_model()
    model.refresh()
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    model.refresh()
    assert model.available() == [1]


def test_a_dropped_version_that_is_wanted_again_is_loaded_again(publish, make_model, tmp_path):
    publish(1, 2)
    model = make_model()
    model.refresh()
    model.settings = ModelSettings("m", tmp_path, SpecificVersions(frozenset({1})))
    model.refresh()
    assert model.available() == [1]
    model.settings = ModelSettings("m", tmp_path, SpecificVersions(frozenset({2})))
    model.refresh()
    assert states(model) == {2: State.AVAILABLE, 1: State.END}


def test_a_new_version_is_noticed_and_served(publish, make_catalogue, tmp_path):
    publish(1)
    catalogue = make_catalogue()
    catalogue.start([ModelSettings("m", tmp_path)])
    assert catalogue.is_ready()
    publish(2)
    assert _eventually(lambda: catalogue.status(Address("m", version=1))[0].state is State.END)
    with catalogue.lease(Address("m")) as lease:
        assert lease.number == 2


def test_a_label_leads_to_its_version(publish, make_catalogue, tmp_path):
    publish(1, 2)
    catalogue = make_catalogue()
    settings = ModelSettings("m", tmp_path, AllVersions(), {"stable": 1})
    catalogue.start([settings])
    with catalogue.lease(Address("m", label="stable")) as lease:
        assert lease.number == 1
    catalogue.reload([ModelSettings("m", tmp_path, AllVersions(), {"stable": 2})], seconds=5)
    with catalogue.lease(Address("m", label="stable")) as lease:
        assert lease.number == 2


def test_a_label_that_moves_while_it_is_looked_up_leads_to_a_version_that_serves(publish, make_model, tmp_path):
    class MovesMeanwhile(dict):
        def __getitem__(self, label):
            number = super().__getitem__(label)
            mover.start()
            mover.join(0.3)
            return number

    def move() -> None:
        model.settings = ModelSettings("m", tmp_path, SpecificVersions(frozenset({2})), {"stable": 2})
        model.refresh()

    publish(1, 2)
    model = make_model(AllVersions())
    model.refresh()
    mover = threading.Thread(target=move)
    model.settings = ModelSettings("m", tmp_path, AllVersions(), MovesMeanwhile(stable=1))
    with model.lease(None, "stable") as lease:
        assert lease.loaded == "1"
    mover.join()
    with model.lease(None, "stable") as lease:
        assert lease.loaded == "2"


def test_a_label_never_moves_to_a_version_that_does_not_serve(publish, make_catalogue, tmp_path):
    publish(1)
    catalogue = make_catalogue(labels_may_precede_versions=True)
    catalogue.start([ModelSettings("m", tmp_path, AllVersions(), {"stable": 1})])
    moved = ModelSettings("m", tmp_path, AllVersions(), {"stable": 3})
    with pytest.raises(RequestError, match="label stable of model m names version 3") as caught:
        catalogue.reload([moved], seconds=5)
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    with catalogue.lease(Address("m", label="stable")) as lease:
        assert lease.number == 1


@pytest.mark.parametrize("allowed", (True, False))
def test_a_new_label_may_precede_its_version_only_where_that_is_allowed(publish, make_catalogue, tmp_path, allowed):
    publish(1)
    catalogue = make_catalogue(labels_may_precede_versions=allowed)
    catalogue.start([ModelSettings("m", tmp_path)])
    ahead = ModelSettings("m", tmp_path, LatestVersions(), {"canary": 2})
    if allowed:
        catalogue.reload([ahead], seconds=5)
        with pytest.raises(RequestError, match=r"Specific\(m, 2\)"), catalogue.lease(Address("m", label="canary")):
            pass
    else:
        with pytest.raises(RequestError, match="not AVAILABLE"):
            catalogue.reload([ahead], seconds=5)


@pytest.mark.parametrize(
    ("name", "message"), (("missing", "base_path does not exist"), ("empty", "no version folder"), ("bad", "damaged"))
)
def test_a_reload_with_a_model_that_cannot_serve_changes_nothing(
    publish, make_catalogue, load, tmp_path, name, message
):
    publish(1)
    catalogue = make_catalogue()
    known = ModelSettings("m", tmp_path)
    catalogue.start([known])
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad" / "5").mkdir(parents=True)
    load.damaged.add("5")
    with pytest.raises(RequestError, match=message) as caught:
        catalogue.reload([ModelSettings("new", tmp_path / name)], seconds=5)
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION
    assert catalogue.status(Address("m"))[0].state is State.AVAILABLE
    with pytest.raises(RequestError, match="Could not find"):
        catalogue.status(Address("new"))


def test_a_reload_that_takes_too_long_changes_nothing(publish, make_catalogue, tmp_path):
    publish(1)
    release = threading.Event()
    catalogue = make_catalogue()
    catalogue._load = lambda path: release.wait(10) and path.name
    catalogue.start([])
    with pytest.raises(RequestError, match="not loaded in time") as caught:
        catalogue.reload([ModelSettings("m", tmp_path)], seconds=0.05)
    release.set()
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert not catalogue._models


def test_a_reload_that_waits_too_long_for_another_is_never_applied(publish, make_catalogue, tmp_path):
    publish(1)
    loading, release = threading.Event(), threading.Event()

    def load_slowly(path: Path) -> str:
        loading.set()
        release.wait(30)
        return path.name

    catalogue = make_catalogue()
    catalogue._load = load_slowly
    catalogue.start([])
    first = threading.Thread(target=catalogue.reload, args=([ModelSettings("m", tmp_path)], 30))
    first.start()
    assert loading.wait(20)
    with pytest.raises(RequestError, match="Another configuration") as caught:
        catalogue.reload([], seconds=0.01)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    release.set()
    first.join()
    assert catalogue.status(Address("m"))[0].state is State.AVAILABLE


def test_a_model_left_out_of_a_reload_is_dropped(publish, make_catalogue, tmp_path):
    publish(1)
    catalogue = make_catalogue()
    catalogue.start([ModelSettings("m", tmp_path)])
    catalogue.reload([], seconds=5)
    with pytest.raises(RequestError, match=r"Latest\(m\)"), catalogue.lease(Address("m")):
        pass


def test_a_model_whose_folder_changes_is_replaced_once_the_new_one_serves(publish, make_catalogue, tmp_path):
    publish(1)
    (tmp_path / "other" / "008").mkdir(parents=True)
    catalogue = make_catalogue()
    catalogue.start([ModelSettings("m", tmp_path)])
    catalogue.reload([ModelSettings("m", tmp_path / "other")], seconds=5)
    with catalogue.lease(Address("m")) as lease:
        assert lease.loaded == "008"


def parse(text: str) -> model_server_config_pb2.ModelServerConfig:
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


def test_a_config_becomes_settings():
    (settings,) = settings_from_proto(
        parse(
            """model_config_list { config { name: "m" base_path: "/models/m" model_platform: "tensorflow"
               model_version_policy { specific { versions: 3 versions: 4 } }
               version_labels { key: "stable" value: 3 } version_labels { key: "canary" value: 4 } } }"""
        )
    )
    expected = {"stable": 3, "canary": 4}
    assert settings == ModelSettings("m", Path("/models/m"), SpecificVersions(frozenset({3, 4})), expected)


@pytest.mark.parametrize(
    ("policy", "expected"),
    (
        ("", LatestVersions(1)),
        ("model_version_policy { latest { num_versions: 3 } }", LatestVersions(3)),
        ("model_version_policy { all {} }", AllVersions()),
    ),
)
def test_policies_of_a_config(policy, expected):
    (settings,) = settings_from_proto(parse(f'model_config_list {{ config {{ name: "m" base_path: "b" {policy} }} }}'))
    assert settings.policy == expected


def test_all_that_is_wrong_with_a_config_is_said_at_once():
    config = parse(
        """model_config_list { config { name: "m" base_path: "b" } config { name: "m" base_path: "c" }
           config { model_platform: "pytorch" version_labels { key: "" value: 1 }
                    model_version_policy { specific {} } } }"""
    )
    with pytest.raises(RequestError) as caught:
        settings_from_proto(config)
    for problem in ("more than once", "no name", "no base_path", "not tensorflow", "names no version", "label ''"):
        assert problem in caught.value.message


def test_an_empty_config_file_serves_nothing(tmp_path):
    (tmp_path / "models.config").write_text("model_config_list {}")
    assert read_config_file(tmp_path / "models.config") == []


def test_a_full_queue_refuses_at_once():
    slots = Slots(num_running=1, num_waiting=1)
    done = threading.Event()

    def wait() -> None:
        with slots.held(60):
            done.set()

    with slots.held(None):
        waiter = threading.Thread(target=wait)
        waiter.start()
        assert _eventually(lambda: slots._num_waiting_left == 0)
        with pytest.raises(RequestError) as caught, slots.held(60):
            pass
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    waiter.join()
    assert done.is_set()


def test_a_wait_ends_at_its_limit_and_leaves_its_place():
    slots = Slots(num_running=1, num_waiting=1)
    with slots.held(None):
        for _ in range(2):
            with pytest.raises(RequestError) as caught, slots.held(0.01):
                pass
            assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    with slots.held(0):
        pass


def test_a_call_without_a_deadline_may_wait():
    slots = Slots(num_running=1, num_waiting=1)
    done = threading.Event()

    def wait() -> None:
        with slots.held(math.inf):
            done.set()

    with slots.held(None):
        waiter = threading.Thread(target=wait)
        waiter.start()
        assert _eventually(lambda: slots._num_waiting_left == 0)
    waiter.join()
    assert done.is_set()


def _eventually(condition: Callable[[], object], seconds: float = 5.0) -> object:
    pause = threading.Event()
    for _ in range(int(seconds / 0.01)):
        if condition():
            return condition()
        pause.wait(0.01)
    return condition()
