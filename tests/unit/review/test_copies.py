from dataclasses import replace

from reported_runs import photo_row
from reviewed_tables import material, pair, row

from pipeline.review.cards import cards_by_sha256
from pipeline.review.copies import ACROSS, CONFLICT, copies
from pipeline.review.material import Material
from pipeline.review.sections import Item

COPY = {"cluster": "photo-1"}
GONE = {"decision": "quarantine", "reasons": "copy_of_kept", **COPY}


def items(given: Material) -> list[Item]:
    return list(copies(given, cards_by_sha256(given)).items)


def test_what_stays_comes_first_and_each_copy_says_how_it_is_like_it() -> None:
    rows = [row("one/a", **GONE), row("one/b", **COPY), row("one/c", **GONE)]
    pairs = [pair("one/a", "one/b", 1), pair("one/a", "one/c", 0), pair("one/b", "one/c", 7, 0.912, "cropped")]
    given = material(rows, pairs)
    (item,) = items(given)
    a, b, c = (one.sha256 for one in rows)
    assert item.photos == (b, a, c)
    assert item.notes == {
        a: "the same picture as photo 1: 1 bit apart, correlation 0.980",
        c: "the same as photo 1 but for its edges: 7 bits apart, correlation 0.912",
    }
    assert item.facets == ("cropped", "the same picture")
    assert item.lines == ("Photo 1 stays.",)


def test_why_it_stays_is_said_by_what_it_is_ahead_in() -> None:
    rows = [row("one/a", **COPY), row("one/b", **GONE)]
    large = photo_row("data/one/a", "wall", width=400, height=300, sharpness=0.1)
    given = material(rows, [pair("one/a", "one/b")], photos=[large], sides={"one/a": "test"})
    (item,) = items(given)
    assert item.lines == ("Photo 1 stays: it is on the test side, it is the largest.",)
    assert ACROSS in item.facets


def test_an_original_stays_before_what_was_made_from_it() -> None:
    rows = [row("one/a", **GONE), row("one/b", **COPY), row("one/c", **GONE)]
    pairs = [
        replace(pair("one/a", "one/b", relation="cropped"), derived="first"),
        replace(pair("one/b", "one/c", relation="captioned"), derived="second"),
    ]
    (item,) = items(material(rows, pairs))
    assert item.lines == ("Photo 1 stays: the others were made from it.",)
    (item,) = items(material(rows, [pairs[0], replace(pairs[1], derived="first")]))
    assert item.lines == ("Photo 1 stays.",)


def test_contradicting_labels_come_first_then_the_least_alike() -> None:
    rows = [row(f"one/{name}", cluster=f"photo-{name[0]}") for name in ("a1", "a2", "b1", "b2", "c1")]
    rows.append(row("one/c2", "arch", cluster="photo-c"))
    pairs = [pair("one/a1", "one/a2", 1, 0.99), pair("one/b1", "one/b2", 8, 0.9), pair("one/c1", "one/c2", 0, 1.0)]
    found = items(material(rows, pairs))
    assert [item.photos[0] for item in found] == [rows[4].sha256, rows[2].sha256, rows[0].sha256]
    assert found[0].labels == ("arch", "wall")
    assert found[0].lines[0] == "Came as arch and as wall."
    assert CONFLICT in found[0].facets
    assert found[1].labels == ()


def test_equal_bytes_are_one_photo_and_asked_about_only_under_two_labels() -> None:
    first = row("one/a", cluster="photo-1")
    second = replace(row("two/a", cluster="photo-1", decision="quarantine"), sha256=first.sha256)
    assert items(material([first, second], [pair("one/a", "two/a", 0, 1.0)])) == []
    (item,) = items(material([first, replace(second, label="arch")], [pair("one/a", "two/a", 0, 1.0)]))
    assert item.title == "2 files of equal bytes"
    assert item.photos == (first.sha256,)
    assert item.labels == ("arch", "wall")


def test_another_proposal_is_another_question() -> None:
    rows = [row("one/a", **COPY), row("one/b", **GONE)]
    (before,) = items(material(rows, [pair("one/a", "one/b")]))
    (same,) = items(material(rows[::-1], [pair("one/a", "one/b", 3)]))
    (after,) = items(material([row("one/a", **GONE), row("one/b", **COPY)], [pair("one/a", "one/b")]))
    assert same.key == before.key
    assert after.key != before.key
