from dataclasses import replace

from good_photos import GOOD

from pipeline.core.parameters import CleanParameters
from pipeline.photos.quantiles import summarise_measures


def test_measures_are_summarised_beside_their_thresholds() -> None:
    rows = [replace(GOOD, path=str(n), sharpness=n / 100) for n in range(101)]
    rows.append(replace(GOOD, error="damaged"))
    lines = {line.rule: line for line in summarise_measures(rows, CleanParameters(min_sharpness=0.1))}
    assert (lines["blurred"].num_tripped, lines["blurred"].threshold, lines["blurred"].trips_below) == (10, 0.1, True)
    assert (lines["blurred"].quantiles["0.05"], lines["blurred"].quantiles["1"]) == (0.05, 1.0)
    assert lines["odd_aspect_ratio"].quantiles["0.5"] == 1.3333
    assert lines["dark"].num_tripped == 0


def test_without_readable_photos_there_is_nothing_to_summarise() -> None:
    assert summarise_measures([replace(GOOD, error="damaged")], CleanParameters()) == []
