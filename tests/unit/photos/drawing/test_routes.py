import heapq
from itertools import pairwise

import numpy as np
import pytest

from pipeline.photos.drawing.routes import easiest_route, resampled
from pipeline.photos.drawing.streams import Stream


def pixels_of(corners: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Every pixel of a line of upright and level pieces, in order."""
    pixels = [corners[0]]
    for (row, column), (next_row, next_column) in pairwise(corners):
        steps = abs(next_row - row) + abs(next_column - column)
        for step in range(1, steps + 1):
            pixels.append((row + (next_row - row) * step // steps, column + (next_column - column) * step // steps))
    return pixels


def least_price(toll: np.ndarray, start: int, end: int) -> int:
    """Dijkstra's price of the way that never goes up, the first pixel free."""
    prices = {(0, start): 0}
    queue = [(0, 0, start)]
    while queue:
        price, row, column = heapq.heappop(queue)
        if (row, column) == (len(toll) - 1, end):
            return price
        for place in ((row + 1, column), (row, column - 1), (row, column + 1)):
            if place[0] == len(toll) or not 0 <= place[1] < toll.shape[1]:
                continue
            reached = price + int(toll[place])
            if reached < prices.get(place, 1 << 40):
                prices[place] = reached
                heapq.heappush(queue, (reached, *place))
    raise AssertionError("the end was not reached")


@pytest.mark.parametrize("number", range(12))
def test_no_way_is_cheaper(number: int) -> None:
    stream = Stream("routes", number)
    toll = stream.grid(0, 40, (stream.between(1, 14), stream.between(2, 15)))
    start, end = (stream.between(0, toll.shape[1] - 1) for _ in range(2))
    route = pixels_of(easiest_route(toll, start, end))
    assert (route[0], route[-1]) == ((0, start), (len(toll) - 1, end))
    assert all(row <= next_row for (row, _), (next_row, _) in pairwise(route))
    assert sum(int(toll[place]) for place in route[1:]) == least_price(toll, start, end)


def test_a_way_keeps_to_a_cheap_channel() -> None:
    toll = np.full((30, 30), 100, np.int32)
    toll[:, 4] = toll[15, :] = toll[:, 20] = 1
    route = pixels_of(easiest_route(toll, 4, 20))
    assert all(column in (4, 20) or row == 15 for row, column in route)


def test_resampled_places_lie_equally_far_apart_on_the_line() -> None:
    places = resampled([(0, 0), (10, 0), (10, 7)], step=3)
    pixels = [(row // 256, column // 256) for row, column in places]
    assert pixels == [(0, 0), (3, 0), (6, 0), (9, 0), (10, 2), (10, 5), (10, 7)]
