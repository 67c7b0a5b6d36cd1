"""Charts: values stand where the axes say, in words for those who do not see them, and nothing is unescaped."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from pipeline.pages.charts import Axis, Bar, Chart, Line, Mark, Point, drawn, ticks

CHART = Chart(
    title="Loss <by> epoch",
    description="from 1 to 0 & back",
    x=Axis("epoch", 0.0, 10.0),
    y=Axis("nats", 0.0, 1.0),
    lines=[Line("training", [Point(0, 0, "first"), Point(5, 0.5, "middle"), Point(10, 1, "last", (0.8, 1.0))])],
)


def dots(markup: str) -> list[tuple[float, float]]:
    plot = markup.partition("<figcaption>")[0]
    return [(float(x), float(y)) for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', plot)]


def test_points_stand_where_the_axes_say() -> None:
    first, middle, last = dots(drawn(CHART))
    assert first[0] < middle[0] < last[0]
    assert first[1] > middle[1] > last[1], "SVG counts downwards, values go up"
    assert middle == pytest.approx(((first[0] + last[0]) / 2, (first[1] + last[1]) / 2), abs=0.1)


def test_a_decade_is_as_long_as_the_next_on_a_logarithmic_axis() -> None:
    points = [Point(0, 10.0**power, "") for power in (-4, -3, -2)]
    chart = replace(CHART, y=Axis("rate", 1e-4, 1e-2, logarithmic=True), lines=[Line("rate", points)])
    low, middle, high = (y for _, y in dots(drawn(chart)))
    assert low - middle == pytest.approx(middle - high, abs=0.1)


def test_a_chart_says_what_it_shows_and_is_well_formed() -> None:
    chart = replace(CHART, bands=[Mark(0, "one"), Mark(4, "two")], marks=[Mark(7, "kept")], diagonal="even")
    figure = ElementTree.fromstring(drawn(replace(chart, bars=[Bar(0, 2, 0.5, "a bar")])))
    picture = figure.find("svg")
    assert picture is not None
    assert (picture.get("role"), picture.get("aria-label")) == ("img", "Loss <by> epoch. from 1 to 0 & back")
    assert {title.text for title in picture.iter("title")} == {"first", "middle", "last", "a bar"}
    assert {text.text for text in picture.iter("text")} >= {"one", "two", "epoch", "nats"}
    assert [item[-1].tail for item in figure.iter("li")] == ["training", "kept", "even"]


def test_equal_charts_give_equal_markup() -> None:
    assert drawn(CHART) == drawn(replace(CHART))


@pytest.mark.parametrize(
    ("axis", "expected"),
    (
        (Axis("", 0.0, 1.0), [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (Axis("", 0.5, 24.5), [5, 10, 15, 20]),
        (Axis("", 2e-5, 2e-3, logarithmic=True), [1e-4, 1e-3]),
    ),
)
def test_ticks_are_round_values_within_the_axis(axis: Axis, expected: list[float]) -> None:
    assert ticks(axis) == pytest.approx(expected)
