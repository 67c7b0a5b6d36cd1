import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss

from pipeline.learning.measures import class_weights, validation_measures


@given(st.lists(st.integers(1, 5000), min_size=2, max_size=12))
def test_balanced_weights_have_mean_1_over_the_photos_and_give_each_class_the_same_say(counts: list[int]) -> None:
    weights = np.array(class_weights(counts, "balanced"))
    assert (weights * counts).sum() / sum(counts) == pytest.approx(1)
    np.testing.assert_allclose(weights * counts, sum(counts) / len(counts))


def test_no_weights_are_1_each() -> None:
    assert class_weights([1, 100], "none") == [1.0, 1.0]


@pytest.mark.parametrize("scale", (1.0, 300.0), ids=("unsure", "too sure for a plain exponential"))
def test_measures_are_those_of_scikit_learn(scale: float) -> None:
    generator = np.random.default_rng(0)
    labels = generator.choice(3, 60, p=(0.7, 0.2, 0.1))
    logits = scale * generator.normal(size=(60, 3)).astype("float32")
    shifted = np.exp((logits - logits.max(axis=1, keepdims=True)).astype("float64"))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    measures = validation_measures(logits, labels)
    assert measures["val_accuracy"] == pytest.approx(accuracy_score(labels, logits.argmax(axis=1)))
    assert measures["val_balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, logits.argmax(axis=1)))
    if scale == 1.0:
        assert measures["val_loss"] == pytest.approx(log_loss(labels, probabilities), rel=1e-5)
    assert np.isfinite(measures["val_loss"])


def test_a_class_without_validation_photos_does_not_count() -> None:
    measures = validation_measures(np.array([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]]), np.array([0, 1]))
    assert measures["val_balanced_accuracy"] == 0.5
