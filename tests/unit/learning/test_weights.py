from pathlib import Path
from typing import Any

import pytest

from pipeline.core.errors import MachineError, ParameterError
from pipeline.core.recipes import Recipe
from pipeline.learning.weights import resolve

OWN = {"backbone": "ResNet50", "weights": "imagenet", "phases": [{"epochs": 1}]}
SUBSTITUTE = {"backbone": "MobileNet", "width": 0.25}


def recipe(offline: dict[str, Any] | None = None, **sections: Any) -> Recipe:
    return Recipe("mine", {"train": OWN, **sections}, offline or {})


@pytest.fixture
def at_hand(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the networks whose weights can be loaded, which tests fill."""
    names: set[str] = set()

    def load(backbone: str, name: str, width: float | None, weights: str) -> str:
        if name not in names:
            raise MachineError("out of reach", expected="weights", todo="bring them")
        return f"{len(name):064x}"

    monkeypatch.setattr("pipeline.learning.weights.load_weights", load)
    monkeypatch.setattr("pipeline.learning.weights.build_backbone", lambda name, *_: name)
    return names


def test_a_network_from_scratch_needs_no_weights() -> None:
    scratch = Recipe("mine", {"train": {"phases": [{"epochs": 1}]}}, {})
    parameters, chosen = resolve(scratch)
    assert parameters == scratch.parameters()
    assert "from scratch" in chosen


def test_weights_at_hand_are_named_by_their_hash(at_hand: set[str]) -> None:
    at_hand.add("ResNet50")
    parameters, chosen = resolve(recipe(SUBSTITUTE))
    assert parameters.train.backbone == "ResNet50"
    assert parameters.train.weights_sha256 == f"{8:064x}"
    assert "its own weights" in chosen


def test_the_substitute_steps_in_and_is_said_to(at_hand: set[str]) -> None:
    at_hand.add("MobileNet")
    parameters, chosen = resolve(recipe(SUBSTITUTE))
    assert (parameters.train.backbone, parameters.train.width) == ("MobileNet", 0.25)
    assert parameters.train.weights_sha256 == f"{9:064x}"
    assert "MobileNet in place of ResNet50" in chosen


@pytest.mark.parametrize("offline", (None, SUBSTITUTE))
def test_weights_out_of_reach_are_refused_where_nothing_steps_in(at_hand: set[str], offline: dict[str, Any]) -> None:
    with pytest.raises(MachineError, match="out of reach"):
        resolve(recipe(offline))


def test_the_embedding_is_on_when_its_weights_are_at_hand_and_off_when_not(at_hand: set[str]) -> None:
    at_hand.add("ResNet50")
    with_embedding = recipe(embed={"backbone": "MobileNetV2", "width": 0.35, "image_size": 96})
    assert resolve(with_embedding)[0].embed.backbone is None
    at_hand.add("MobileNetV2")
    embed = resolve(with_embedding)[0].embed
    assert (embed.backbone, embed.weights_sha256) == ("MobileNetV2", f"{11:064x}")


def test_an_unknown_backbone_is_not_taken_for_missing_weights() -> None:
    unknown = Recipe("mine", {"train": {**OWN, "backbone": "ResNet5"}}, SUBSTITUTE)
    with pytest.raises(ParameterError, match="ResNet50"):
        resolve(unknown)


def test_the_weights_beside_the_checkout_serve_a_recipe(shared_weights: Path) -> None:
    parameters, _ = resolve(Recipe("mine", {"train": {**OWN, **SUBSTITUTE, "image_size": 32}}, {}))
    assert parameters.train.weights_sha256 is not None
