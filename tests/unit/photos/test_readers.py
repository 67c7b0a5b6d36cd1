import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from reading_work import death, fail, minus, squares, squares_or_death

from pipeline.core.errors import MachineError
from pipeline.photos import readers
from pipeline.photos.readers import Readers, Work, do_tasks, in_processes, in_this_process

TASKS = [list(range(start, start + 10)) for start in range(0, 120, 10)]


@pytest.mark.parametrize("kind", (in_this_process(), Readers(ThreadPoolExecutor, 4), in_processes(2)))
def test_results_come_in_the_order_of_the_tasks(kind: Readers) -> None:
    results = list(do_tasks(TASKS, Work(squares, minus), kind))
    assert [list(one) for one in results] == [[item * item for item in task] for task in TASKS]


def test_an_item_that_kills_its_worker_costs_itself_alone() -> None:
    results = [one for ones in do_tasks(TASKS, Work(squares_or_death, minus), in_processes(2)) for one in ones]
    assert results == [-item if item % 100 == 13 else item * item for item in range(120)]


def test_a_machine_on_which_every_worker_dies_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_DEATHS_BORNE", 1)
    with pytest.raises(MachineError, match="killed over 2 files") as caught:
        list(do_tasks([[1, 2], [3]], Work(death, minus), in_processes(2)))
    assert "validate.workers" in caught.value.todo


def test_an_error_of_the_work_itself_is_not_taken_for_a_death() -> None:
    with pytest.raises(ValueError, match="a fault of the program"):
        list(do_tasks(TASKS, Work(fail, minus), in_this_process()))


def test_no_worker_is_started_for_nothing() -> None:
    def refuse(count: int) -> ThreadPoolExecutor:
        raise AssertionError("started")

    assert list(do_tasks([], Work(squares, minus), Readers(refuse, 2))) == []


def test_whoever_waits_long_looks_whether_anything_will_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "_CHECK_SECONDS", 0.01)

    def lost() -> None:
        raise MachineError("lost", expected="a worker", todo="start one")

    kind = Readers(ThreadPoolExecutor, 1, check=lost)
    with pytest.raises(MachineError, match="lost"):
        list(do_tasks([[4]], Work(lambda items: time.sleep(0.3) or squares(items), minus), kind))
