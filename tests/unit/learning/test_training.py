import dataclasses
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipeline.core.errors import ParameterError
from pipeline.core.training_parameters import AugmentParameters, TrainParameters
from pipeline.learning.classifier import Classifier, build_classifier
from pipeline.learning.history import EpochRow
from pipeline.learning.schedules import learning_rate_at
from pipeline.learning.training import Observer, TrainingData, TrainingPlan, train_classifier

STEPS_PER_EPOCH = 3
TIMES = ("seconds", "images_per_second")


class Killed(Exception):
    pass


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of two convolutions, since each run and phase builds its graph anew."""

    def build(_: str, __: float | None, image_size: int) -> keras.Model:
        layers = keras.layers
        inputs = keras.Input((image_size, image_size, 3))
        features = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(8, 3, 4, use_bias=False)(inputs))
        return keras.Model(inputs, layers.Conv2D(16, 3, 2, activation="relu")(features))

    monkeypatch.setattr("pipeline.learning.classifier.build_backbone", build)


def ignore(*_: object) -> None:
    pass


def parameters(**values: Any) -> TrainParameters:
    schedule = {"learning_rate": 0.003, "warmup_share": 0.2}
    tiny = {
        "width": 0.25,
        "image_size": 32,
        "batch_size": 9,
        "phases": [{"epochs": 2, "unfreeze_from": 0, "schedule": schedule}],
    }
    return TrainParameters.model_validate({**tiny, **values})


def plan(folder: Path, **values: Any) -> TrainingPlan:
    augment = AugmentParameters(vertical_flip=True, brightness=0.1)
    return TrainingPlan(parameters(**values), augment, 5, folder / "run.npz")


def tiny_classifier(train: TrainParameters) -> Classifier:
    keras.utils.set_random_seed(5)
    return build_classifier(train, 2)


def run(data: TrainingData, chosen: TrainingPlan, on_epoch: Callable[[EpochRow], None] = ignore) -> list[EpochRow]:
    return train_classifier(tiny_classifier(chosen.train), data, chosen, Observer(ignore, on_epoch))


def scripted(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    remaining = iter(losses)

    def measures(*_: object) -> dict[str, float]:
        return {"val_loss": next(remaining), "val_accuracy": 0.5, "val_balanced_accuracy": 0.5}

    monkeypatch.setattr("pipeline.learning.training.validation_measures", measures)


def figures(history: list[EpochRow]) -> list[list[float]]:
    without_times = [field.name for field in dataclasses.fields(EpochRow) if field.name not in TIMES]
    return [[float(getattr(row, name)) for name in without_times] for row in history]


def test_a_network_learns_and_the_rate_and_the_steps_are_told(data: TrainingData, tmp_path: Path) -> None:
    chosen = plan(tmp_path)
    steps: list[tuple[int, int]] = []
    told: list[EpochRow] = []
    history = train_classifier(
        tiny_classifier(chosen.train), data, chosen, Observer(lambda *step: steps.append(step), told.append)
    )
    assert steps == [(step, 2 * STEPS_PER_EPOCH) for step in range(1, 7)]
    assert told == history
    assert [row.epoch for row in history] == [1, 2]
    assert history[1].loss < history[0].loss
    schedule = chosen.train.phases[0].schedule
    assert [row.learning_rate for row in history] == [learning_rate_at(step, 6, schedule) for step in (2, 5)]
    assert all(row.images_per_second == pytest.approx(24 / row.seconds) for row in history)


def test_the_best_epoch_stays_and_the_next_phase_starts_from_it(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, [math.nan, 0.2, 0.9, 0.1, math.nan])
    open_phase = {"epochs": 3, "unfreeze_from": 0, "optimizer": "sgd", "schedule": {"learning_rate": 0.01}}
    chosen = plan(tmp_path, phases=[open_phase, {"epochs": 0}, {"epochs": 2, "schedule": {"learning_rate": 0.01}}])
    classifier = tiny_classifier(chosen.train)
    backbones, heads = [], []

    def look(_: EpochRow) -> None:
        backbones.append(classifier.backbone.get_weights())
        heads.append(classifier.head.get_weights())

    history = train_classifier(classifier, data, chosen, Observer(ignore, look))
    assert [row.kept for row in history] == [False, True, False, True, False]
    assert [row.phase for row in history] == [1, 1, 1, 3, 3]
    for best, last, started in zip(backbones[1], backbones[2], backbones[3], strict=True):
        np.testing.assert_array_equal(started, best)
        assert not np.array_equal(last, best)
    for kept, weight in zip(heads[3], classifier.head.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, kept)
    assert not np.array_equal(heads[4][0], heads[3][0])


def test_a_run_that_never_had_a_finite_loss_is_refused(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, [math.nan, math.inf])
    with pytest.raises(ParameterError, match="diverged"):
        run(data, plan(tmp_path))


@pytest.mark.parametrize(("best_by", "kept"), (("accuracy", 1), ("balanced_accuracy", 2), ("loss", 3)))
def test_the_named_measure_chooses_the_epoch(
    data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, best_by: str, kept: int
) -> None:
    table = iter([(0.9, 0.8, 0.5), (0.8, 0.7, 0.6), (0.7, 0.6, 0.4)])

    def measures(*_: object) -> dict[str, float]:
        return dict(zip(("val_loss", "val_accuracy", "val_balanced_accuracy"), next(table), strict=True))

    monkeypatch.setattr("pipeline.learning.training.validation_measures", measures)
    history = run(data, plan(tmp_path, best_by=best_by, phases=[{"epochs": 3}]))
    assert [row.epoch for row in history if row.kept][-1] == kept


def test_a_killed_run_goes_on_as_if_nothing_had_been(data: TrainingData, tmp_path: Path) -> None:
    values = {
        "phases": [
            {"epochs": 2, "unfreeze_from": 0, "weight_decay": 0.01, "schedule": {"learning_rate": 0.003}},
            {"epochs": 2, "optimizer": "sgd", "schedule": {"learning_rate": 0.01}},
        ],
        "head": {"dropout": 0.3},
        "weight_average": 0.8,
    }
    (tmp_path / "whole").mkdir()
    whole = run(data, plan(tmp_path / "whole", **values))
    chosen = plan(tmp_path, **values)
    numbers = itertools.count(1)

    def kill(row: EpochRow) -> None:
        assert row.epoch == next(numbers)
        raise Killed

    for _ in range(3):
        with pytest.raises(Killed):
            run(data, chosen, kill)
    resumed = run(data, chosen)
    np.testing.assert_allclose(figures(resumed), figures(whole), rtol=1e-4, atol=1e-5)
    finished = tiny_classifier(chosen.train)
    again = train_classifier(finished, data, chosen, Observer(ignore, ignore))
    assert again == resumed


def test_smoothing_and_weights_change_the_training_loss_and_not_the_validation_loss(
    data: TrainingData, tmp_path: Path
) -> None:
    frozen = [{"epochs": 1, "optimizer": "sgd", "schedule": {"learning_rate": 1e-12}}]
    rows = {}
    for name, values in {
        "plain": {"class_weights": "none"},
        "balanced": {"class_weights": "balanced"},
        "smooth": {"class_weights": "none", "label_smoothing": 0.5},
    }.items():
        (tmp_path / name).mkdir()
        rows[name] = run(data, plan(tmp_path / name, phases=frozen, **values))[0]
    assert len({row.val_loss for row in rows.values()}) == 1
    assert len({round(row.loss, 5) for row in rows.values()}) == 3


def test_training_in_16_bits_moves_the_weights_and_stays_finite(
    data: TrainingData, tmp_path: Path, mixed_precision: None
) -> None:
    chosen = plan(tmp_path, mixed_precision=True, weight_average=0.5)
    classifier = tiny_classifier(chosen.train)
    before = classifier.backbone.get_weights()
    history = train_classifier(classifier, data, chosen, Observer(ignore, ignore))
    assert all(math.isfinite(row.loss) and math.isfinite(row.val_loss) for row in history)
    assert any(not np.array_equal(old, new) for old, new in zip(before, classifier.backbone.get_weights(), strict=True))
