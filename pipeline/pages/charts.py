"""Charts as SVG inside a page: they follow its colours in light, dark and print, their text stays text, and every point
says its value."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import LogLocator, MaxNLocator

from pipeline.pages.page import templates_of

WIDTH, HEIGHT = 420.0, 272.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 12.0, 32.0, 44.0
_MAX_TICKS = 6


@dataclass(frozen=True)
class Axis:
    """What an axis shows, from end to end."""

    label: str
    low: float
    high: float
    text: Callable[[float], str] = "{:g}".format
    """Of a tick."""
    logarithmic: bool = False
    """Both ends must be positive then."""


@dataclass(frozen=True)
class Point:
    """A point, in the units of the axes."""

    x: float
    y: float
    says: str
    """Shown when a reader points at it."""
    interval: tuple[float, float] | None = None
    """Low and high, drawn as a whisker."""


@dataclass(frozen=True)
class Line:
    """Points in their order; lines of a chart differ in colour, dash and shape of the point."""

    name: str
    points: Sequence[Point]
    is_joined: bool = True


@dataclass(frozen=True)
class Bar:
    """A bar that stands on the lower end of the y axis."""

    low: float
    """Left edge, in units of x."""
    high: float
    y: float
    says: str


@dataclass(frozen=True)
class Mark:
    """A line across the chart at some x."""

    x: float
    name: str


@dataclass(frozen=True)
class Chart:
    """What is drawn; later parts lie above earlier ones."""

    title: str
    description: str
    """What the chart shows, in a sentence with its numbers, for readers who do not see it."""
    x: Axis
    y: Axis
    bands: Sequence[Mark] = ()
    """Stretches of x, each from its `x` to the next one's; named in the chart."""
    bars: Sequence[Bar] = ()
    lines: Sequence[Line] = ()
    """At most three."""
    marks: Sequence[Mark] = ()
    diagonal: str = ""
    """What the line from corner to corner stands for; none = it is not drawn."""


@dataclass(frozen=True)
class _Tick:
    place: float
    text: str


def drawn(chart: Chart) -> Markup:
    """A chart as a `<figure>`; equal charts give equal markup."""
    template = templates_of("pipeline.pages").get_template("chart.html")
    markup = template.render(
        chart=chart,
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        top=_TOP,
        bottom=HEIGHT - _BOTTOM,
        across=lambda x: _across(chart.x, x),
        up=lambda y: _up(chart.y, y),
        columns=[_Tick(_across(chart.x, value), chart.x.text(value)) for value in ticks(chart.x)],
        rows=[_Tick(_up(chart.y, value), chart.y.text(value)) for value in ticks(chart.y)],
    )
    return Markup(markup)  # noqa: S704 - escaped by the template


def ticks(axis: Axis) -> list[float]:
    """Round values on an axis, at most seven."""
    locator = LogLocator(numticks=_MAX_TICKS) if axis.logarithmic else MaxNLocator(_MAX_TICKS, steps=[1, 2, 5, 10])
    slack = 1e-9 * (axis.high - axis.low)
    values = [float(value) for value in locator.tick_values(axis.low, axis.high)]
    return [value for value in values if axis.low - slack <= value <= axis.high + slack]


def _across(axis: Axis, value: float) -> float:
    return round(_LEFT + _share(axis, value) * (WIDTH - _LEFT - _RIGHT), 1)


def _up(axis: Axis, value: float) -> float:
    return round(HEIGHT - _BOTTOM - _share(axis, value) * (HEIGHT - _TOP - _BOTTOM), 1)


def _share(axis: Axis, value: float) -> float:
    """How far along the axis a value lies, of 1."""
    scale = math.log10 if axis.logarithmic else float
    low, high, at = scale(axis.low), scale(axis.high), scale(value)
    return (at - low) / (high - low)
