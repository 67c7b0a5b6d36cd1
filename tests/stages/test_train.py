import dataclasses
import shutil
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from learning_checkouts import tiny_parameters

from pipeline.core.errors import DataError, ParameterError
from pipeline.core.paths import Layout
from pipeline.learning.classifier import build_classifier
from pipeline.learning.history import EpochRow, read_history
from pipeline.learning.measures import validation_measures
from pipeline.learning.pixels import PixelLimits
from pipeline.learning.shards import pixel_dataset
from pipeline.stages import train


def figures(row: EpochRow) -> list[float]:
    values = dataclasses.asdict(row)
    return [float(values[name]) for name in values if name not in ("seconds", "images_per_second")]


def with_shards(trained: Any, root: Path) -> Layout:
    layout = Layout(root)
    shutil.copytree(trained.layout.artifacts("augment"), layout.artifacts("augment"))
    return layout


def test_the_history_on_disk_is_the_one_that_was_made(trained: Any) -> None:
    stored = read_history(trained.layout.artifacts("train") / "history.csv")
    assert [figures(row) for row in stored] == [
        pytest.approx(figures(row), rel=1e-5) for row in trained.training.history
    ]
    assert [row.epoch for row in stored] == [1, 2]


def test_the_stored_model_is_the_best_epoch(trained: Any) -> None:
    classifier = build_classifier(trained.parameters.train, 2)
    classifier.network.load_weights(trained.layout.artifacts("train") / "model.keras")
    shards = sorted(trained.layout.artifacts("augment").glob("validation-*.tfrecord"))
    records = tf.data.TFRecordDataset([str(shard) for shard in shards])
    pixels, labels = next(iter(pixel_dataset(records, 32, 100, PixelLimits(10**6, 10**6))))
    measures = validation_measures(classifier.network(pixels, training=False).numpy(), labels.numpy())
    best = trained.training.best
    assert measures["val_loss"] == pytest.approx(best.val_loss, rel=1e-4)
    assert best.val_loss == min(row.val_loss for row in trained.training.history)
    assert trained.training.num_parameters == classifier.network.count_params()


def test_a_finished_run_leaves_no_checkpoint(trained: Any) -> None:
    assert list((trained.layout.state / "checkpoints").iterdir()) == []


def test_a_second_run_gives_the_same_figures(trained: Any, tmp_path: Path) -> None:
    again = train.run(with_shards(trained, tmp_path), trained.parameters)
    assert [figures(row) for row in again.history] == [
        pytest.approx(figures(row), rel=1e-4, abs=1e-5) for row in trained.training.history
    ]


def test_a_killed_run_is_taken_up_by_the_same_parameters_only(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = with_shards(trained, tmp_path)
    seen = []

    def remember(_: object, __: object, plan: Any, ___: object) -> None:
        seen.append(plan.checkpoint)
        raise InterruptedError

    monkeypatch.setattr(train, "train_classifier", remember)
    others = [
        trained.parameters,
        tiny_parameters(train={"batch_size": 9}),
        tiny_parameters(augment={"brightness": 0.2}),
        trained.parameters.model_copy(update={"seed": 8}),
        tiny_parameters(evaluate={"side": "test"}),
    ]
    for parameters in others:
        with pytest.raises(InterruptedError):
            train.run(layout, parameters)
    assert len(set(seen[:4])) == 4
    assert seen[4] == seen[0]
    assert seen[0].parent == layout.state / "checkpoints"


def test_an_unknown_backbone_is_refused_before_anything_is_written(trained: Any, tmp_path: Path) -> None:
    layout = with_shards(trained, tmp_path)
    with pytest.raises(ParameterError, match="MobileNet"):
        train.run(layout, tiny_parameters(train={"backbone": "MobilNet"}))
    assert not layout.artifacts("train").exists()


def test_missing_shards_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro"):
        train.run(Layout(tmp_path), tiny_parameters())
