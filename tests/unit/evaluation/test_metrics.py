"""Metrics: against scikit-learn, on many matrices at once, and where a class has no photo."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from pipeline.evaluation import metrics

CLASSES = ("apse", "column", "dome", "vault")

answers = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@settings(max_examples=60)
@given(answers)
def test_figures_of_a_confusion_matrix_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T
    confusion = metrics.confusion_matrix(labels, predicted, 4)
    present = np.unique(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "accuracy": oracle.accuracy_score(labels, predicted),
            "balanced_accuracy": oracle.balanced_accuracy_score(labels, predicted),
            "mcc": oracle.matthews_corrcoef(labels, predicted),
            "macro_f1": oracle.f1_score(labels, predicted, labels=present, average="macro", zero_division=0),
        }
    np.testing.assert_array_equal(confusion, oracle.confusion_matrix(labels, predicted, labels=range(4)))
    assert {name: float(measure(confusion)) for name, measure in metrics.MEASURES.items()} == pytest.approx(expected)


def test_many_matrices_are_measured_as_each_alone() -> None:
    confusions = np.random.default_rng(1).integers(0, 9, (7, 3, 3))
    confusions[0] = 0
    for measure in metrics.MEASURES.values():
        np.testing.assert_allclose(measure(confusions), [measure(confusion) for confusion in confusions])


def test_rows_are_the_truth_and_columns_the_prediction() -> None:
    confusion = metrics.confusion_matrix(np.array([0, 0, 0]), np.array([1, 1, 0]), 2)
    assert confusion.tolist() == [[1, 2], [0, 0]]


def test_the_majority_baseline_answers_the_most_frequent_class() -> None:
    confusion = np.array([[1, 2, 0], [3, 3, 0], [1, 0, 0]])
    baseline = metrics.majority_baseline(confusion)
    assert baseline.tolist() == [[0, 3, 0], [0, 6, 0], [0, 1, 0]]
    assert metrics.accuracy(baseline) == 0.6
    assert metrics.balanced_accuracy(baseline) == pytest.approx(1 / 3)
    assert metrics.matthews_correlation(baseline) == 0


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    """Labels of the first three classes, and probabilities of four."""
    generator = np.random.default_rng(4)
    labels = generator.integers(0, 3, 90)
    logits = generator.normal(size=(90, 4)) + 2 * np.eye(4)[labels]
    return labels, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_the_class_table_agrees_with_scikit_learn(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = scored
    predicted = probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(labels, predicted, 4)
    table = metrics.class_table(confusion, labels, probabilities, CLASSES)
    precision, recall, f1, n = oracle.precision_recall_fscore_support(labels, predicted, labels=[0, 1, 2])
    for index in range(3):
        row = table[index]
        assert (row.label, row.n, row.num_predicted) == (CLASSES[index], n[index], (predicted == index).sum())
        assert (row.precision, row.recall, row.f1) == pytest.approx((precision[index], recall[index], f1[index]))
        assert row.recall_interval[0] < row.recall < row.recall_interval[1]
        assert row.precision_interval[0] < row.precision < row.precision_interval[1]
        assert row.roc_auc == oracle.roc_auc_score(labels == index, probabilities[:, index])


def test_a_class_without_photos_has_no_recall_and_no_curve(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = scored
    confusion = metrics.confusion_matrix(labels, probabilities.argmax(axis=1), 4)
    vault = metrics.class_table(confusion, labels, probabilities, CLASSES)[3]
    assert (vault.n, vault.recall, vault.f1, vault.roc_auc, vault.pr_auc) == (0, None, None, None, None)
    assert [curve.label for curve in metrics.roc_curves(labels, probabilities, CLASSES)] == list(CLASSES[:3])


def test_a_class_that_is_never_predicted_has_no_precision() -> None:
    labels, probabilities = np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]])
    table = metrics.class_table(metrics.confusion_matrix(labels, np.array([0, 0]), 2), labels, probabilities, "ab")
    assert (table[1].precision, table[1].recall, table[1].f1) == (None, 0.0, 0.0)


def test_a_side_of_one_class_has_no_curves_and_warns_of_nothing() -> None:
    labels, probabilities = np.zeros(3, np.int64), np.tile([0.7, 0.3], (3, 1))
    table = metrics.class_table(np.array([[3, 0], [0, 0]]), labels, probabilities, "ab")
    assert [row.roc_auc for row in table] == [None, None]
    assert metrics.roc_curves(labels, probabilities, "ab") == []


def test_curves_run_from_nothing_to_everything(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, probabilities = scored
    for curve in metrics.roc_curves(labels, probabilities, CLASSES):
        assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
        assert np.isfinite(curve.thresholds).all()
    for curve in metrics.precision_recall_curves(labels, probabilities, CLASSES):
        assert (curve.x[0], curve.x[-1]) == (1, 0)
        assert len(curve.x) == len(curve.y) == len(curve.thresholds)


def test_confusions_are_listed_most_photos_first() -> None:
    confusion = np.array([[5, 1, 0], [4, 9, 0], [0, 2, 2]])
    listed = metrics.top_confusions(confusion, CLASSES[:3], limit=2)
    assert [(cell.label, cell.predicted, cell.n) for cell in listed] == [("column", "apse", 4), ("dome", "column", 2)]
    assert listed[0].share == pytest.approx(4 / 13)
