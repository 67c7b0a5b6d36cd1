"""Sections of `params.yaml` on training: what is learnt, by which network, for how long."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.core.parameter_types import Count, Fraction, Positive, Section, Sha256, Share


class AugmentParameters(Section):
    """Random changes per epoch; each is off at 0."""

    horizontal_flip: bool = True
    vertical_flip: bool = False
    rotation_degrees: Annotated[float, Field(ge=0, le=180)] = 0.0
    shift: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Largest shift as a share of the side."""
    min_crop_area: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Smallest share of the area that a random crop keeps; 1 = no crop."""
    brightness: Fraction = 0.0
    contrast: Fraction = 0.0
    saturation: Fraction = 0.0
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    materialised_copies: Annotated[int, Field(ge=0, le=16)] = 0
    """Augmented copies of each training photo written to disk beside the original."""
    shard_megabytes: Annotated[int, Field(ge=1, le=1024)] = 64


class HeadParameters(Section):
    """What stands between the pooled features and the logits."""

    dropout: Share = 0.0
    hidden_units: Annotated[int, Field(ge=0, le=4096)] = 0
    """0 = the pooled features feed the logits directly, which makes the closed-form activation map exact."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    batch_normalisation: bool = False
    activation: Literal["relu", "elu", "gelu", "selu"] = "relu"


class ScheduleParameters(Section):
    """Learning rate over the steps of a phase."""

    kind: Literal["constant", "cosine", "exponential"] = "cosine"
    learning_rate: Positive = 1e-3
    warmup_share: Share = 0.0
    """Share of the steps over which the rate climbs from 0."""
    hold_share: Share = 0.0
    """Share of the steps, after the warm-up, at the full rate."""
    decay_rate: Annotated[float, Field(gt=0, le=1)] = 0.96
    """Exponential only: factor per `decay_steps`."""
    decay_steps: Count = 1000

    @model_validator(mode="after")
    def _leaves_room_for_the_decay(self) -> "ScheduleParameters":
        if self.warmup_share + self.hold_share > 1:
            raise ValueError("warmup_share and hold_share together take more than all steps; their sum is at most 1")
        return self


class PhaseParameters(Section):
    """One phase of training: what is open, for how long, at what rate."""

    epochs: Annotated[int, Field(ge=0, le=1000)]
    unfreeze_from: Annotated[int, Field(ge=0)] | None = None
    """First trainable layer of the backbone, counted from its input; none = the backbone is frozen, 0 = all open."""
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    momentum: Share = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: ScheduleParameters = ScheduleParameters()


class TrainParameters(Section):
    """Network and training."""

    backbone: str = "residual_small"
    """`residual_small`, or the name of a network in `keras.applications`."""
    width: Positive | None = None
    """Width multiplier (alpha) of the MobileNet family."""
    weights: str = "none"
    """`none`, `imagenet` (Keras' own cache), or the path of a weights file without the top."""
    weights_sha256: Sha256 | None = None
    """Hash that the weights file must have; written by `make recipe`."""
    image_size: Annotated[int, Field(ge=16, le=1024)] = 96
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32
    head: HeadParameters = HeadParameters()
    phases: tuple[PhaseParameters, ...] = Field(max_length=4)
    label_smoothing: Share = 0.0
    class_weights: Literal["none", "balanced"] = "balanced"
    """Balanced weights are inverse to the counts and normalised to mean 1 over the photos."""
    best_by: Literal["loss", "accuracy", "balanced_accuracy"] = "loss"
    """Validation measure that chooses the epoch to keep."""
    weight_average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Momentum of an exponential moving average of the weights, which is then what is validated and kept; 0 = off."""
    mixed_precision: bool = False

    @model_validator(mode="after")
    def _trains_at_all(self) -> "TrainParameters":
        if not any(phase.epochs for phase in self.phases):
            raise ValueError("no phase has an epoch; at least one must have epochs of 1 or more")
        return self
