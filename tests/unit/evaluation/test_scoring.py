"""Scoring: which class is predicted, equal answers for equal photos, and SavedModels that are damaged."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from red_or_blue import photo_of, save_red_or_blue

from pipeline.core.errors import DataError, ServingError
from pipeline.evaluation.scoring import BATCH_SIZE, Scorer, load_scorer, predicted_classes
from serving.contract import PhotoLimits

RED, BLUE = (200, 10, 10), (10, 10, 200)


@pytest.fixture(scope="session")
def scorer(red_or_blue: Path) -> Scorer:
    return load_scorer(red_or_blue)


@settings(max_examples=50)
@given(arrays(np.float32, (5, 4), elements=st.floats(0, 1, width=32)))
def test_equal_thresholds_predict_the_most_probable_class(probabilities: np.ndarray) -> None:
    predicted = predicted_classes(probabilities, (0.0,) * 4)
    np.testing.assert_array_equal(predicted, probabilities.argmax(axis=1))


def test_a_lower_threshold_wins_over_a_larger_probability() -> None:
    probabilities = [[0.6, 0.4], [0.9, 0.1], [0.5, 0.5]]
    assert predicted_classes(probabilities, (0.5, 0.5)).tolist() == [0, 0, 0]
    assert predicted_classes(probabilities, (0.8, 0.2)).tolist() == [1, 0, 1]


def test_no_photos_have_no_predicted_classes() -> None:
    assert predicted_classes(np.zeros((0, 3)), (0.3, 0.3, 0.4)).shape == (0,)


def test_classes_and_thresholds_come_from_the_saved_model(scorer: Scorer) -> None:
    assert (scorer.classes, scorer.thresholds) == (("red", "blue"), (0.5, 0.5))


def test_probabilities_stand_in_class_order(scorer: Scorer) -> None:
    probabilities = scorer.predict([photo_of(RED), photo_of(BLUE)])
    assert probabilities.dtype == np.float32
    assert probabilities[0, 0] > 0.9
    assert probabilities[1, 1] > 0.9
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_photos_beyond_a_batch_are_answered_in_their_order(scorer: Scorer) -> None:
    colours = [RED if index % 3 else BLUE for index in range(2 * BATCH_SIZE + 5)]
    probabilities = scorer.predict([photo_of(colour) for colour in colours])
    assert predicted_classes(probabilities, scorer.thresholds).tolist() == [int(c == BLUE) for c in colours]


def test_files_are_answered_as_their_bytes(scorer: Scorer, tmp_path: Path) -> None:
    photos = [photo_of(RED), photo_of((90, 10, 100)), photo_of(BLUE)]
    paths = [tmp_path / f"{index}.jpg" for index in range(len(photos))]
    for path, data in zip(paths, photos, strict=True):
        path.write_bytes(data)
    np.testing.assert_array_equal(scorer.predict_files(paths), scorer.predict(photos))


def test_no_photos_give_an_empty_answer(scorer: Scorer) -> None:
    assert scorer.predict([]).shape == (0, 2)


def test_maps_are_of_the_class_that_is_asked_for(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(photo_of(RED))
    of_red, of_blue = scorer.explain_files([tmp_path / "red.png"] * 2, [0, 1])
    assert of_red.mean() > 0.7
    assert of_blue.mean() < 0.1


def test_heat_is_on_the_models_own_scale(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(photo_of(RED))
    [heat] = scorer.heatmaps_of_files([tmp_path / "red.png"], [0])
    [map_in_logits] = scorer.explain_files([tmp_path / "red.png"], [0])
    np.testing.assert_allclose(heat, map_in_logits / 2)


def test_an_unreadable_photo_is_named(scorer: Scorer, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(DataError, match=r"text\.jpg: not a photo"):
        scorer.predict_files([tmp_path / "text.jpg"])
    with pytest.raises(DataError, match="photo 2 of 2: not a photo"):
        scorer.predict([photo_of(RED), b"no photo"])


def test_a_missing_photo_is_named(scorer: Scorer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.jpg cannot be read"):
        scorer.predict_files([tmp_path / "gone.jpg"])


def test_a_photo_beyond_the_limits_is_refused_before_it_is_decoded(red_or_blue: Path) -> None:
    scorer = load_scorer(red_or_blue, PhotoLimits(max_pixels=100))
    with pytest.raises(DataError, match="at most 100 pixels"):
        scorer.predict([photo_of(RED, (11, 10))])


def damage_nothing_left(folder: Path) -> None:
    shutil.rmtree(folder)


def damage_graph(folder: Path) -> None:
    (folder / "saved_model.pb").write_bytes(b"\x08\x01 not a graph")


def damage_half_a_graph(folder: Path) -> None:
    data = (folder / "saved_model.pb").read_bytes()
    (folder / "saved_model.pb").write_bytes(data[: len(data) // 2])


def damage_weights(folder: Path) -> None:
    weights = next((folder / "variables").glob("*.data-*"))
    weights.write_bytes(bytes(255 - byte for byte in weights.read_bytes()))


def damage_no_weights(folder: Path) -> None:
    shutil.rmtree(folder / "variables")


def damage_labels(folder: Path) -> None:
    (folder / "assets.extra" / "labels.json").write_text("[")


def damage_number_of_thresholds(folder: Path) -> None:
    (folder / "assets.extra" / "thresholds.json").write_text("[0.5]")


@pytest.mark.parametrize(
    "damage",
    (
        damage_nothing_left,
        damage_graph,
        damage_half_a_graph,
        damage_weights,
        damage_no_weights,
        damage_labels,
        damage_number_of_thresholds,
    ),
)
def test_a_damaged_saved_model_is_an_error_for_people(damage, red_or_blue: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(red_or_blue, tmp_path / "saved_model"))
    damage(folder)
    with pytest.raises(ServingError, match="is no usable SavedModel") as caught:
        load_scorer(folder)
    assert "dvc repro" in caught.value.todo
    assert "\n" not in caught.value.came


def test_labels_that_differ_from_the_wire_are_refused(tmp_path: Path) -> None:
    scorer = load_scorer(save_red_or_blue(tmp_path / "saved_model", ("blue", "red")))
    with pytest.raises(ServingError, match="answers about blue, red"):
        scorer.predict([photo_of(RED)])
