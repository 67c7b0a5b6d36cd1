"""Stage `train`: a classifier from the shards, by phases."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from pipeline.core.hashing import sha256_of_file, sha256_of_value
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.progress import progress_bar
from pipeline.core.tables import read_rows
from pipeline.learning.classifier import build_classifier, load_pretrained
from pipeline.learning.handover import MODEL, SHARD_TABLE, pixel_limits, read_classes
from pipeline.learning.history import EpochRow, write_history
from pipeline.learning.training import Observer, TrainingData, TrainingPlan, train_classifier
from pipeline.photos.records import ShardRow, Side

HISTORY = "history.csv"


@dataclass(frozen=True)
class TrainResult:
    """What the stage made."""

    history: list[EpochRow]
    num_parameters: int

    @property
    def best(self) -> EpochRow:
        """The epoch whose weights were kept."""
        return [row for row in self.history if row.kept][-1]


def run(layout: Layout, parameters: Parameters) -> TrainResult:
    """Train on the shards in `layout`; a run that was killed goes on from its last epoch.

    Raises:
        DataError: there are no shards.
        ParameterError: the backbone is unknown or does not fit the image size, or training diverged.
        MachineError: the named weights are out of reach.
    """
    policy = "mixed_float16" if parameters.train.mixed_precision else "float32"
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(parameters.seed)
    classes = read_classes(layout)
    data = _training_data(layout, parameters, classes)
    classifier = build_classifier(parameters.train, len(classes))
    load_pretrained(classifier, parameters.train)
    plan = TrainingPlan(parameters.train, parameters.augment, parameters.seed, _checkpoint(layout, data, parameters))
    folder = layout.artifacts("train")
    with progress_bar() as progress:
        task = progress.add_task("training")

        def on_epoch(row: EpochRow) -> None:
            progress.console.print(_epoch_line(row), highlight=False, soft_wrap=True)

        observer = Observer(lambda done, total: progress.update(task, completed=done, total=total), on_epoch)
        history = train_classifier(classifier, data, plan, observer)
    folder.mkdir(parents=True, exist_ok=True)
    write_history(folder / HISTORY, history)
    classifier.network.save(folder / MODEL)
    plan.checkpoint.unlink(missing_ok=True)
    return TrainResult(history, classifier.network.count_params())


def _epoch_line(row: EpochRow) -> str:
    return (
        f"epoch {row.epoch:3d} (phase {row.phase})  loss {row.loss:.4f}  accuracy {row.accuracy:.4f}  "
        f"val_loss {row.val_loss:.4f}  val_accuracy {row.val_accuracy:.4f}  rate {row.learning_rate:.2e}  "
        f"{row.images_per_second:.0f} photos/s{'  kept' if row.kept else ''}"
    )


def _training_data(layout: Layout, parameters: Parameters, classes: Sequence[str]) -> TrainingData:
    folder = layout.artifacts("augment")
    rows = read_rows(folder / SHARD_TABLE, ShardRow)
    counts = Counter(row.label for row in rows if row.side == Side.TRAIN)
    return TrainingData(
        train_shards=_shards_of(folder, rows, Side.TRAIN),
        validation_shards=_shards_of(folder, rows, Side.VALIDATION),
        class_counts=tuple(counts[label] for label in classes),
        limits=pixel_limits(parameters),
    )


def _shards_of(folder: Path, rows: Sequence[ShardRow], side: Side) -> list[Path]:
    return [folder / name for name in sorted({row.shard for row in rows if row.side == side})]


def _checkpoint(layout: Layout, data: TrainingData, parameters: Parameters) -> Path:
    """Path that depends on everything that shapes the run, so that only the same run resumes from it."""
    shards = [sha256_of_file(shard) for shard in [*data.train_shards, *data.validation_shards]]
    key = sha256_of_value(
        {
            "shards": list(shards),
            "train": parameters.train.model_dump(mode="json"),
            "augment": parameters.augment.model_dump(mode="json"),
            "seed": parameters.seed,
        }
    )
    return layout.state / "checkpoints" / f"{key[:16]}.npz"
