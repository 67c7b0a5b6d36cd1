import math

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.training_parameters import PhaseParameters, ScheduleParameters
from pipeline.learning.schedules import build_optimizer, learning_rate_at

PEAK = 0.01
STEPS = 100


def rates(kind: str, **values: float) -> list[float]:
    parameters = ScheduleParameters.model_validate({"kind": kind, "learning_rate": PEAK, **values})
    return [learning_rate_at(step, STEPS, parameters) for step in range(STEPS)]


def test_a_constant_rate_never_moves() -> None:
    assert rates("constant") == [PEAK] * STEPS


def test_the_climb_is_even_and_ends_at_the_full_rate() -> None:
    climbing = rates("constant", warmup_share=0.1)
    assert climbing[:11] == pytest.approx([PEAK * step / 11 for step in range(1, 12)])
    assert climbing[10:] == [PEAK] * 90


def test_a_plateau_follows_the_climb() -> None:
    held = rates("cosine", warmup_share=0.1, hold_share=0.2)
    assert held[10:31] == pytest.approx([PEAK] * 21)
    assert held[31] < PEAK


def test_a_cosine_falls_from_the_full_rate_to_next_to_nothing() -> None:
    falling = rates("cosine")
    assert falling[0] == PEAK
    assert falling[50] == pytest.approx(PEAK / 2)
    assert falling == pytest.approx([PEAK * math.cos(math.pi * step / 200) ** 2 for step in range(STEPS)])
    assert falling[-1] < PEAK / 1000


def test_an_exponential_decay_goes_down_in_steps() -> None:
    stairs = rates("exponential", decay_rate=0.5, decay_steps=30)
    assert stairs[:30] == [PEAK] * 30
    assert stairs[30:60] == [PEAK / 2] * 30
    assert stairs[90:] == [PEAK / 8] * 10


@given(
    st.sampled_from(("constant", "cosine", "exponential")),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
    st.integers(1, 40),
)
def test_a_rate_is_positive_and_never_above_the_full_one(kind: str, warmup: float, hold: float, steps: int) -> None:
    parameters = ScheduleParameters.model_validate(
        {"kind": kind, "learning_rate": PEAK, "warmup_share": warmup, "hold_share": hold}
    )
    for step in range(steps):
        assert 0 < learning_rate_at(step, steps, parameters) <= PEAK


@pytest.mark.parametrize(
    ("name", "kind"),
    (("adamw", keras.optimizers.AdamW), ("adam", keras.optimizers.Adam), ("sgd", keras.optimizers.SGD)),
)
def test_each_optimiser_is_the_one_that_is_named(name: str, kind: type) -> None:
    phase = PhaseParameters.model_validate({"epochs": 1, "optimizer": name, "weight_decay": 0.02, "momentum": 0.7})
    optimizer = build_optimizer(phase, mixed_precision=False)
    assert type(optimizer) is kind
    assert optimizer.weight_decay == pytest.approx(0.02)
    if name == "sgd":
        assert optimizer.momentum == pytest.approx(0.7)


def test_mixed_precision_scales_the_loss() -> None:
    optimizer = build_optimizer(PhaseParameters(epochs=1), mixed_precision=True)
    assert float(optimizer.scale_loss(1.0)) > 1
