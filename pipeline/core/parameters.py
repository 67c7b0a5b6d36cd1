"""Everything a person may turn, one frozen model per section of `params.yaml`.

Every problem of a file is reported at once, with its path (`train.batch_size`) and, for a misspelt key, the
nearest name.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from pipeline.core.errors import ParameterError
from pipeline.core.operation_parameters import (
    AutomationParameters,
    IntakeParameters,
    NotifyParameters,
    ReleaseParameters,
    ServingParameters,
    TrackingParameters,
    WatchParameters,
)
from pipeline.core.parameter_types import Count, Fraction, Name, Positive, Section, Sha256, Share
from pipeline.core.problems import in_words
from pipeline.core.sections import read_sections
from pipeline.core.training_parameters import AugmentParameters, TrainParameters


class ModelParameters(Section):
    """Which line of models a run belongs to, and what people should know of it."""

    name: Name
    """Registered model, served folder and promotion history of this line."""
    purpose: str = ""
    """What the model is for, in a sentence or two, for its model card."""
    limits: str = ""
    """What it must not be used for and where it fails, for its model card."""


class PhotosParameters(Section):
    """Which photos a run sees."""

    batches: tuple[str, ...] = ("*",)
    """Globs over batch names."""
    classes: tuple[str, ...] = ()
    """Class names to keep; none given = all that are found."""


class ValidateParameters(Section):
    """What counts as a readable photo, and how many may fail."""

    max_pixels: Count = 50_000_000
    max_bytes: Count = 20_000_000
    max_unreadable_share: Fraction = 0.2
    """A run stops when a larger share of the files cannot be read."""
    workers: Annotated[int, Field(ge=1, le=64)] = 2
    """Processes of this machine that read photos."""
    executor: Literal["local", "dask"] = "local"
    """Who reads photos: processes of this machine, or the workers of a Dask cluster that see the same files."""
    scheduler: str | None = None
    """Address of the Dask scheduler, such as `tcp://127.0.0.1:8786`."""

    @model_validator(mode="after")
    def _names_the_cluster(self) -> "ValidateParameters":
        if self.executor == "dask" and not self.scheduler:
            raise ValueError("executor is dask, but no scheduler is named; name its address, or set executor to local")
        return self


class EmbedParameters(Section):
    """The frozen network whose vectors tell same scenes; off unless it is named."""

    backbone: str | None = None
    """Name of a network in `keras.applications`; none = off."""
    width: Positive | None = None
    """Width multiplier (alpha) of the MobileNet family."""
    weights_sha256: Sha256 | None = None
    """Hash of its ImageNet weights; written by `make recipe`."""
    image_size: Annotated[int, Field(ge=32, le=1024)] = 128


class CleanParameters(Section):
    """Thresholds of the quality rules and of the search for copies."""

    min_side: Count = 32
    """Shorter side, pixels."""
    max_aspect_ratio: Annotated[float, Field(gt=1)] = 4.0
    min_brightness: Fraction = 0.15
    """99th percentile of luma, of 1: photos below are dark."""
    max_brightness: Fraction = 0.95
    """5th percentile of luma, of 1: photos above are washed out."""
    min_entropy: Annotated[float, Field(ge=0, le=8)] = 2.0
    """Bits of the grey histogram: photos below hold next to nothing."""
    min_sharpness: Annotated[float, Field(ge=0)] = 0.28
    """Finest detail over detail four times as coarse: photos below are blurred; sharp ones have 0.5 to 1, large or
    small."""
    max_colourless: Fraction = 0.01
    """Mean spread between the channels, of 1: photos below are flagged as colourless."""
    max_size_spread: Positive = 3.0
    """Rare sizes so many interquartile ranges beyond the quartiles of all (logarithm of the root of the area) are
    flagged as odd."""
    max_outlier_spread: Positive = 1.25
    """Photos that lie farther from their class are listed as suspects: interquartile ranges of these distances above
    their median."""
    min_signal_strength: Fraction = 0.4
    """Properties such as light, size or source that tell a class this well are reported: 0 = guessing, 1 = always."""
    max_hash_distance: Annotated[int, Field(ge=0, le=7)] = 7
    """Bits between perceptual hashes of candidates for the same photo."""
    min_correlation: Fraction = 0.9
    """Pearson correlation of grey thumbnails, once aligned, that confirms the same photo."""
    min_detail: Fraction = 0.9
    """The same of their fine detail, which look-alikes lack; where nothing was moved, 0.1 less,
    and more where a hand with a camera may have moved it."""
    partial_copies: bool = True
    """Whether copies that were cropped, captioned or turned by a few degrees are searched too."""
    min_scene_cosine: Fraction = 0.9
    """Cosine of embedding vectors that makes two photos the same scene."""
    max_scene_photos: Annotated[int, Field(ge=2, le=10_000)] = 50
    """Most photos of a scene; its weakest links are left, so that a chain of likeness swallows no class."""


class SplitParameters(Section):
    """Shares of the sides among photos that no pin or twin places."""

    validation: Share = 0.15
    test: Share = 0.15

    @model_validator(mode="after")
    def _leaves_training(self) -> "SplitParameters":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing for training; their sum must be below 1")
        return self


class ExportParameters(Section):
    """What the served artefact accepts and how its heat maps are scaled."""

    max_pixels: Count = 50_000_000
    max_bytes: Count = 20_000_000
    heatmap_quantile: Annotated[float, Field(gt=0.5, le=1)] = 0.995
    """Quantile of the positive logit map over validation photos that becomes 1 on the fixed scale."""


class EvaluateParameters(Section):
    """Which side is measured, and how intervals are drawn."""

    side: Literal["validation", "test"] = "validation"
    bootstrap_samples: Annotated[int, Field(ge=100, le=100_000)] = 2000
    calibration_bins: Annotated[int, Field(ge=2, le=100)] = 15


class GateParameters(Section):
    """Rules of the release gate; none set = not judged."""

    min_accuracy: Fraction | None = None
    min_balanced_accuracy: Fraction | None = None
    min_class_recall: Fraction | None = None
    max_calibration_error: Fraction | None = None
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Largest loss of accuracy against the champion that is accepted, of 1."""


class Parameters(Section):
    """The whole of `params.yaml`."""

    recipe: Name
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 7
    model: ModelParameters
    photos: PhotosParameters = PhotosParameters()
    validate_: ValidateParameters = Field(default=ValidateParameters(), alias="validate")
    embed: EmbedParameters = EmbedParameters()
    clean: CleanParameters = CleanParameters()
    split: SplitParameters = SplitParameters()
    augment: AugmentParameters = AugmentParameters()
    train: TrainParameters
    export: ExportParameters = ExportParameters()
    evaluate: EvaluateParameters = EvaluateParameters()
    gate: GateParameters = GateParameters()
    release: ReleaseParameters = ReleaseParameters()
    serving: ServingParameters = ServingParameters()
    tracking: TrackingParameters = TrackingParameters()
    intake: IntakeParameters = IntakeParameters()
    automation: AutomationParameters = AutomationParameters()
    notify: NotifyParameters = NotifyParameters()
    watch: WatchParameters = WatchParameters()


def load_parameters(path: Path) -> Parameters:
    """Read and check a parameters file.

    Raises:
        ParameterError: the file is missing or not YAML, or any value is unknown or out of range; all at once.
    """
    return parse_parameters(read_sections(path), str(path))


def parse_parameters(values: Any, source: str) -> Parameters:
    """Check values that were read from `source` and give them types.

    Raises:
        ParameterError: with every problem of the values in one message.
    """
    try:
        return Parameters.model_validate(values)
    except ValidationError as error:
        problems = [in_words(problem, Parameters) for problem in error.errors()]
        raise ParameterError(
            f"{source} has {len(problems)} problem{'s' if len(problems) > 1 else ''}:\n  - " + "\n  - ".join(problems),
            expected="the names and ranges of the *parameters.py in pipeline/core/",
            todo=f"mend what is named above in {source}",
        ) from None
