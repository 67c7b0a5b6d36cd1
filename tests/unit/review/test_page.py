import json
from pathlib import Path

import pytest
from reviewed_runs import HOSTILE_LABEL, cleaned, review_parameters, sha256_of

from pipeline.core.errors import DataError
from pipeline.core.paths import Layout
from pipeline.photos.decisions import HumanDecision, write_decisions
from pipeline.review.page import run


def data_of(page: Path) -> dict[str, object]:
    text = page.read_text(encoding="utf-8")
    return json.loads(text.split('id="data">', 1)[1].split("</script>", 1)[0])


def test_equal_tables_give_equal_bytes(layout: Layout) -> None:
    run(layout, review_parameters())
    first = layout.review.read_bytes()
    run(layout, review_parameters())
    assert layout.review.read_bytes() == first


def test_no_value_ends_the_script_or_becomes_markup(layout: Layout) -> None:
    run(layout, review_parameters())
    text = layout.review.read_text(encoding="utf-8")
    assert HOSTILE_LABEL not in text
    block = text.split('id="data">', 1)[1].split("</script>", 1)[0]
    assert not set("<>&") & set(block)
    assert HOSTILE_LABEL in data_of(layout.review)["labels"]


def test_the_page_names_no_place_of_the_machine_and_no_address_of_the_net(layout: Layout) -> None:
    run(layout, review_parameters())
    text = layout.review.read_text(encoding="utf-8")
    assert str(layout.root) not in text
    assert "http://" not in text
    assert "https://" not in text


def test_decisions_that_match_nothing_or_were_overruled_are_told(layout: Layout) -> None:
    broken = sha256_of(layout)["one/wall/broken.jpg"]
    write_decisions(layout.decisions, [HumanDecision("f" * 64, "drop"), HumanDecision(broken, "keep")])
    cleaned(layout)
    made = run(layout, review_parameters())
    assert made.num_unmatched == 1
    assert data_of(layout.review)["overruled"] == [broken]


def test_remarks_of_the_run_are_shown_once(layout: Layout) -> None:
    run(layout, review_parameters())
    assert layout.review.read_text(encoding="utf-8").count("Photos of arch are larger than others.") == 1


def test_without_a_run_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro"):
        run(Layout(tmp_path), review_parameters())
