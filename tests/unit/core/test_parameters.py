from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.core.errors import ParameterError
from pipeline.core.parameters import load_parameters, parse_parameters

NEEDED: dict[str, Any] = {"recipe": "test", "model": {"name": "test"}, "train": {"phases": [{"epochs": 1}]}}


def refused(values: Any) -> str:
    with pytest.raises(ParameterError) as caught:
        parse_parameters(values, "params.yaml")
    assert caught.value.exit_code == 2
    return str(caught.value)


def with_train(**values: Any) -> dict[str, Any]:
    return {**NEEDED, "train": {**NEEDED["train"], **values}}


def test_what_is_not_named_has_its_default() -> None:
    parameters = parse_parameters(NEEDED, "test")
    assert parameters.train.backbone == "residual_small"
    assert parameters.split.test == 0.15
    assert parameters.embed.backbone is None


def test_all_problems_are_told_at_once_with_their_paths() -> None:
    message = refused(
        {
            "recipe": "test",
            "trian": {},
            "seed": -1,
            "train": {"batch_sizes": 8, "phases": [{"epochs": 1, "schedule": {"learning_rat": 1}}]},
        }
    )
    assert "5 problems" in message
    assert "trian: unknown; did you mean train?" in message
    assert "train.batch_sizes: unknown; did you mean batch_size?" in message
    assert "train.phases.0.schedule.learning_rat: unknown; did you mean learning_rate?" in message
    assert "model: missing" in message
    assert "seed: " in message
    assert "(came: -1)" in message


def test_a_section_is_known_by_the_name_in_the_file() -> None:
    assert "validate_: unknown; did you mean validate?" in refused({**NEEDED, "validate_": {}})
    assert "validate.max_pixel: unknown; did you mean max_pixels?" in refused({**NEEDED, "validate": {"max_pixel": 1}})


def test_a_name_near_to_none_is_only_called_unknown() -> None:
    assert "qqqq: unknown\n" in refused({**NEEDED, "qqqq": 1})


@pytest.mark.parametrize(
    ("values", "problem"),
    (
        ({**NEEDED, "split": {"validation": 0.5, "test": 0.5}}, "split: validation and test together"),
        (with_train(phases=[]), "train: no phase has an epoch"),
        (with_train(phases=[{"epochs": 1}] * 5), "train.phases: "),
        (with_train(phases=[{"epochs": 0}]), "train: no phase has an epoch"),
        (with_train(phases=[{"epochs": 1, "optimizer": "adamm"}]), "train.phases.0.optimizer"),
        (
            with_train(phases=[{"epochs": 1, "schedule": {"warmup_share": 0.6, "hold_share": 0.6}}]),
            "train.phases.0.schedule: warmup_share and hold_share",
        ),
        (with_train(phases=[{"epochs": 1, "weight_decay": float("inf")}]), "train.phases.0.weight_decay"),
        (with_train(phases=[{"epochs": 1, "weight_decay": float("nan")}]), "train.phases.0.weight_decay"),
        (with_train(weights_sha256="abc"), "train.weights_sha256"),
        ({**NEEDED, "model": {"name": "../other"}}, "model.name"),
        ({**NEEDED, "evaluate": {"side": "train"}}, "evaluate.side"),
    ),
)
def test_what_cannot_be_used_is_refused(values: dict[str, Any], problem: str) -> None:
    assert f"- {problem}" in refused(values)


def test_a_rate_may_be_written_as_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(
        "recipe: a\nmodel: {name: a}\ntrain: {phases: [{epochs: 1, schedule: {learning_rate: 1e-3}}]}\n",
        encoding="utf-8",
    )
    assert load_parameters(path).train.phases[0].schedule.learning_rate == 0.001


def test_parameters_are_frozen() -> None:
    parameters = parse_parameters(NEEDED, "test")
    with pytest.raises(ValidationError, match="frozen"):
        parameters.seed = 8
    with pytest.raises(ValidationError, match="frozen"):
        parameters.train.batch_size = 8


def test_a_missing_file_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="make recipe"):
        load_parameters(tmp_path / "params.yaml")


@pytest.mark.parametrize("text", ("", "- a\n- b\n", "42", "a: [", "\x00"))
def test_a_file_that_holds_no_sections_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=r"params\.yaml (holds|is not YAML)"):
        load_parameters(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParameterError, match="not YAML"):
        load_parameters(path)
