from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.photos.clusters import Clusters, Standing, choose
from pipeline.photos.listing import FoundFile
from pipeline.photos.reading import read_photo
from pipeline.photos.records import DuplicateRow
from serving.contract import PhotoLimits

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


def test_a_name_without_a_pair_is_a_cluster_of_its_own() -> None:
    clusters = Clusters()
    clusters.join("a", "b")
    clusters.join("b", "c")
    assert clusters.members("z") == ["z"]
    assert clusters.all() == [["a", "b", "c"]]


def test_a_newcomer_that_joins_two_kept_photos_displaces_neither() -> None:
    standing = Standing(
        candidates={name: read_photo(Path(), FoundFile(name, "one", "wall"), PhotoLimits()) for name in "abc"},
        test=set(),
        kept_by_person=set(),
    )
    pairs = [DuplicateRow("a", "b", 1, 0, 1.0, "wall", "wall"), DuplicateRow("b", "c", 1, 0, 1.0, "wall", "wall")]
    in_two_batches = choose([{"a", "c"}, {"b"}], pairs, standing)
    assert in_two_batches.copies == {"b"}
    in_one_batch = choose([{"a", "b", "c"}], pairs, standing)
    assert in_one_batch.copies == {"b", "c"}
