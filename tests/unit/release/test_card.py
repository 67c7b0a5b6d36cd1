"""The short model card of the registry: what is known, and nothing that Markdown would make into something else."""

import json

from pipeline.release.card import model_card
from pipeline.release.gate_report import Override, override_gate, read_gate


def test_without_figures_the_card_leaves_them_out(checkout) -> None:
    (checkout.layout.reports("evaluate") / "metrics.json").write_text("{}")
    card = model_card(checkout.layout, checkout.parameters, read_gate(checkout.layout))
    assert card.splitlines()[0] == "Gate: passed."
    assert "photos" not in card


def test_figures_stand_beside_their_interval_and_the_baseline(checkout) -> None:
    figures = {"side": "test", "n": 1404, "accuracy": 0.925, "accuracy_interval": [0.9, 0.95], "majority_accuracy": 0.5}
    (checkout.layout.reports("evaluate") / "metrics.json").write_text(json.dumps(figures))
    card = model_card(checkout.layout, checkout.parameters, read_gate(checkout.layout))
    assert "On 1,404 photos of the test side: accuracy .925 (.900 to .950), accuracy of always" in card


def test_an_override_is_told_as_it_was_written(checkout) -> None:
    override_gate(checkout.layout, Override("Ada", "see [this](http://x)"))
    card = model_card(checkout.layout, checkout.parameters, read_gate(checkout.layout))
    assert "overridden by Ada: see \\[this\\](http://x)." in card
