"""The page of a watch: what was compared, how it came out, and the photos that are worth labelling."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from pipeline.core.parameters import Parameters
from pipeline.evaluation.calibration import ReliabilityBin
from pipeline.pages.charts import Axis, Chart, Line, Point, drawn
from pipeline.pages.page import figure, share, templates_of
from pipeline.pages.pictures import thumbnail
from pipeline.photos.provenance import Credit, credit_of
from pipeline.release.profile import COMPARED
from pipeline.watch.comparison import MAX_P_VALUE, Comparison
from pipeline.watch.findings import CERTAINTY, CLASSES, VECTORS, Findings
from pipeline.watch.ranking import Candidate
from serving.contract import PhotoLimits, UnreadablePhoto, read_upright_small

THUMBNAIL_PIXELS = 240
"""Longer side."""

_STEPS = 12
_ENDS = (1, 99)
"""Percentiles at which the charts end."""
_WORDS = {
    **{name: words.rstrip(",") for name, (_, words, _) in COMPARED.items()},
    CERTAINTY: "probability of the predicted class",
    VECTORS: "distance to the nearest photos of training",
}


@dataclass(frozen=True)
class _Row:
    """A line of the table of measures."""

    name: str
    words: str
    trained: str
    """Median of the photos of training."""
    asked: str
    drift: float
    p_value: float
    verdict: str
    is_drifted: bool
    chart: Markup


@dataclass(frozen=True)
class _ClassRow:
    name: str
    trained: float
    asked: float


@dataclass(frozen=True)
class _Tile:
    picture: str
    """A `data:` address; empty where the photo is gone."""
    name: str
    predicted: str
    probability: float
    lead: float
    source: str
    credit: Credit


def page_of(
    findings: Findings, classes: Sequence[str], names: Sequence[str], parameters: Parameters, now: datetime
) -> str:
    """Draw the page of one version; it needs nothing beside it.

    Args:
        findings: of the version.
        classes: that the model knows, in class order.
        names: file names of the photos that are worth labelling.
        parameters: the limits, and where the inbox is.
        now: goes into the heading.
    """
    limits = PhotoLimits(parameters.validate_.max_bytes, parameters.validate_.max_pixels)
    rows = [_row(one, parameters.watch.max_drift) for one in findings.comparisons]
    by_name = {one.name: one for one in findings.comparisons}
    calibration = findings.calibration
    return (
        templates_of("pipeline.watch")
        .get_template("watch.html")
        .render(
            findings=findings,
            served=findings.served,
            limits=parameters.watch,
            max_p_value=MAX_P_VALUE,
            now=now.isoformat(timespec="seconds"),
            inbox=parameters.intake.inbox,
            rows=rows,
            classes=_class_rows(by_name[CLASSES], classes) if CLASSES in by_name else [],
            reliability=drawn(_reliability(calibration.bins)) if calibration is not None else "",
            tiles=[_tile(one, name, limits) for one, name in zip(findings.label_next, names, strict=True)],
            num_unlabelled=sum(not one.times for one in findings.label_next),
        )
    )


def _row(one: Comparison, max_drift: float) -> _Row:
    is_drifted = one.has_drifted(max_drift)
    verdict = "drifted" if is_drifted else "some change" if one.p_value < MAX_P_VALUE else "alike"
    of_classes = one.name == CLASSES
    medians = ["see below"] * 2 if of_classes else [f"{np.median(side):.3g}" for side in (one.reference, one.asked)]
    return _Row(
        name=one.name,
        words="which classes are predicted" if of_classes else _WORDS[one.name],
        trained=medians[0],
        asked=medians[1],
        drift=one.drift,
        p_value=one.p_value,
        verdict=verdict,
        is_drifted=is_drifted,
        chart=Markup() if of_classes else drawn(_distributions(one)),
    )


def _distributions(one: Comparison) -> Chart:
    low, high = np.percentile(np.concatenate([one.reference, one.asked]), _ENDS).tolist()
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _STEPS + 1)
    trained, asked = _shares(one.reference, edges), _shares(one.asked, edges)
    middles = (edges[:-1] + edges[1:]) / 2
    medians = [np.median(side) for side in (one.reference, one.asked)]

    def line(name: str, shares: NDArray[np.float64]) -> Line:
        points = zip(middles.tolist(), shares.tolist(), strict=True)
        return Line(name, [Point(x, y, f"{name}, about {x:.3g}: {share(y)}") for x, y in points])

    return Chart(
        title=_WORDS[one.name],
        description=f"Median of training {medians[0]:.3g}, of photos that are asked about {medians[1]:.3g}.",
        x=Axis(_WORDS[one.name], low, high, "{:.3g}".format),
        y=Axis("share of the photos", 0.0, 1.08 * float(max(trained.max(), asked.max())), share),
        lines=[line(_reference_name(one.name), trained), line("asked about", asked)],
    )


def _reference_name(measure: str) -> str:
    return {CERTAINTY: "evaluation", VECTORS: "held out from training"}.get(measure, "training")


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of equally wide steps; what lies beyond the ends counts to the last step."""
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    shares: NDArray[np.float64] = counts / len(values)
    return shares


def _class_rows(one: Comparison, classes: Sequence[str]) -> list[_ClassRow]:
    return [
        _ClassRow(name, float((one.reference == index).mean()), float((one.asked == index).mean()))
        for index, name in enumerate(classes)
    ]


def _reliability(bins: Sequence[ReliabilityBin]) -> Chart:
    filled = [(row, row.mean_probability, row.accuracy) for row in bins]
    points = [
        Point(mean, right, f"{figure(row.low, 1)} to {figure(row.high, 1)}: {figure(right)} of {row.n} right", interval)
        for row, mean, right in filled
        if mean is not None and right is not None and (interval := row.accuracy_interval)
    ]
    return Chart(
        title="Share that is right, on photos labelled since",
        description="; ".join(point.says for point in points),
        x=Axis("probability of the predicted class", 0.0, 1.0),
        y=Axis("share that is right", 0.0, 1.0),
        lines=[Line("model, with 95 % interval", points, is_joined=False)],
        diagonal="right as often as said",
    )


def _tile(one: Candidate, name: str, limits: PhotoLimits) -> _Tile:
    asked = "asked about once" if one.times == 1 else f"asked about {one.times} times"
    return _Tile(
        picture=_picture(one, limits),
        name=name,
        predicted=one.prediction.predicted,
        probability=one.probability,
        lead=one.lead,
        source=asked if one.times else one.row.path,
        credit=credit_of(one.row),
    )


def _picture(one: Candidate, limits: PhotoLimits) -> str:
    try:
        return thumbnail(read_upright_small(one.location.read_bytes(), limits, THUMBNAIL_PIXELS), THUMBNAIL_PIXELS)
    except (OSError, UnreadablePhoto):
        return ""
