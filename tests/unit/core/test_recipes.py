from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import ParameterError
from pipeline.core.parameters import Parameters, load_parameters, parse_parameters
from pipeline.core.recipes import load_recipe, render, with_choices

PROJECT = Path(__file__).resolve().parents[3]
RECIPES = sorted(path.stem for path in (PROJECT / "recipes").glob("*.yaml"))


def read_back(parameters: Parameters) -> Parameters:
    return parse_parameters(yaml.safe_load(render(parameters)), "test")


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("offline", (False, True))
def test_every_recipe_is_whole_and_comes_back_from_its_rendering(name: str, offline: bool) -> None:
    parameters = load_recipe(PROJECT / "recipes", name).parameters(offline)
    assert parameters.recipe == name
    assert parameters.model.name == name
    assert read_back(parameters) == parameters


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_that_needs_weights_has_a_substitute_without_the_same(name: str) -> None:
    recipe = load_recipe(PROJECT / "recipes", name)
    if recipe.parameters().train.weights != "none":
        assert recipe.parameters(offline=True).train.backbone != recipe.parameters().train.backbone


def test_the_params_file_of_the_project_is_what_its_recipe_renders() -> None:
    path = PROJECT / "params.yaml"
    parameters = load_parameters(path)
    assert path.read_text(encoding="utf-8") == render(parameters)


def test_a_rendering_spells_every_default_out_with_its_comment() -> None:
    needed = {"recipe": "test", "model": {"name": "test"}, "train": {"phases": [{"epochs": 1}, {"epochs": 2}]}}
    text = render(parse_parameters(needed, "test"))
    values = yaml.safe_load(text)
    assert values == parse_parameters(needed, "test").model_dump(mode="json", by_alias=True)
    lines = text.splitlines()
    at = lines.index("  min_side: 32")
    assert lines[at - 1] == "  # Shorter side, pixels."
    assert lines.count("    - epochs: 1") == 1
    assert lines.count("    - epochs: 2") == 1


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12), max_size=3),
    st.floats(1e-12, 1e6),
    st.none() | st.floats(0.01, 10),
)
def test_any_values_come_back_from_a_rendering(globs: list[str], rate: float, width: float | None) -> None:
    parameters = parse_parameters(
        {
            "recipe": "test",
            "model": {"name": "test"},
            "photos": {"batches": globs},
            "train": {"width": width, "phases": [{"epochs": 1, "schedule": {"learning_rate": rate}}]},
        },
        "test",
    )
    assert read_back(parameters) == parameters


def test_a_recipe_may_tell_its_purpose_and_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("model: {purpose: sorts}\ntrain: {phases: [{epochs: 1}]}\n", encoding="utf-8")
    model = load_recipe(tmp_path, "mine").parameters().model
    assert (model.name, model.purpose, model.limits) == ("mine", "sorts", "")


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    with pytest.raises(ParameterError, match=", ".join(RECIPES)):
        load_recipe(PROJECT / "recipes", "elemnts")


@pytest.mark.parametrize("text", ("", "- a", "a: ["))
def test_a_recipe_that_holds_no_sections_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=r"mine\.yaml"):
        load_recipe(tmp_path, "mine")


def test_a_recipe_with_unknown_names_is_refused_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("train: {epoch: 3}\noffline: {width: 1}\n", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"recipes/mine\.yaml(.|\n)*train\.epoch: unknown"):
        load_recipe(tmp_path, "mine").parameters(offline=True)


def test_choices_change_the_batches_and_the_side_alone() -> None:
    parameters = load_recipe(PROJECT / "recipes", "elements").parameters()
    chosen = with_choices(parameters, ["ahe-*", "own-*"], "test")
    assert chosen.photos.batches == ("ahe-*", "own-*")
    assert chosen.evaluate.side == "test"
    assert with_choices(chosen, parameters.photos.batches, parameters.evaluate.side) == parameters
    assert with_choices(parameters, [], None) == parameters


def test_an_unknown_side_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"evaluate\.side"):
        with_choices(load_recipe(PROJECT / "recipes", "demo").parameters(), [], "tset")
