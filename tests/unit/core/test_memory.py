import gc

import pytest

from pipeline.core.memory import without_garbage_search


@without_garbage_search()
def fail() -> None:
    assert not gc.isenabled()
    raise ValueError("broken")


def test_garbage_is_searched_again_even_where_something_failed() -> None:
    with pytest.raises(ValueError, match="broken"):
        fail()
    assert gc.isenabled()
