from dataclasses import MISSING, fields

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.photos.clusters import Clusters, Company
from pipeline.photos.records import DuplicateRow, PhotoRow

names = st.sampled_from("abcdefghij")


@given(pairs=st.lists(st.tuples(names, names), max_size=20), order=st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_clusters_are_the_same_for_any_order_of_pairs(pairs, order) -> None:
    shuffled = order.sample(pairs, len(pairs))
    first, second = Clusters(), Clusters()
    for pair in pairs:
        first.join(*pair)
    for one, other in shuffled:
        second.join(other, one)
    assert first.all() == second.all()
    for one, other in pairs:
        assert first.root(one) == first.root(other)
        assert {one, other} <= set(first.members(one))


def test_files_of_equal_bytes_are_one_photo() -> None:
    company = Company([row("a"), row("b", sha256="a"), row("c")], [], {"a": 0, "b": 1, "c": 2})
    assert company.within(["b.jpg"], 0) == {"a.jpg", "b.jpg"}
    assert list(company.clusters()) == [["a.jpg", "b.jpg"]]


def test_a_name_without_a_pair_is_a_cluster_of_its_own() -> None:
    clusters = Clusters()
    clusters.join("a", "b")
    clusters.join("b", "c")
    assert clusters.members("z") == ["z"]
    assert clusters.all() == [["a", "b", "c"]]


def row(name: str, sha256: str = "", pixels_sha256: str = "") -> PhotoRow:
    values = {field.name: field.default for field in fields(PhotoRow) if field.default is not MISSING}
    values = {field.name: "" for field in fields(PhotoRow)} | values
    values |= {"path": f"{name}.jpg", "batch": name[0], "sha256": sha256 or name, "pixels_sha256": pixels_sha256}
    return PhotoRow(**values)


def test_company_goes_by_pairs_and_equal_bytes_and_counts_steps() -> None:
    rows = [row("a"), row("b", pixels_sha256="x"), row("c"), row("d"), row("e", pixels_sha256="x"), row("f")]
    pairs = [DuplicateRow(f"{one}.jpg", f"{other}.jpg", 1, 0, 1.0, "wall", "wall") for one, other in ("ab", "bc", "cd")]
    company = Company(rows, pairs, {name: number for number, name in enumerate("abcdef")})
    assert company.within(["a.jpg"], 0) == {"a.jpg"}
    assert company.within(["a.jpg"], 1) == {"a.jpg", "b.jpg", "e.jpg"}
    assert company.within(["a.jpg"], 2) == {"a.jpg", "b.jpg", "c.jpg", "e.jpg"}
    assert company.within(["a.jpg"], 3, until=1) == {"a.jpg", "b.jpg", "e.jpg"}
    assert [sorted(members) for members in company.clusters()] == [[f"{name}.jpg" for name in "abcde"]]
