"""Telling: an alert for what was found, and for each version only once."""

import json
from pathlib import Path

from pipeline.alerts.alert import Alert, Kind
from pipeline.alerts.sending import send
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.watch.findings import CALIBRATION, Findings


def tell(findings: Findings, layout: Layout, parameters: Parameters) -> bool:
    """Send an alert where something was found that has not been told of this version yet.

    Returns:
        Whether an alert was sent.
    """
    note = layout.home / ".heritage" / "watch" / f"{findings.served.model}.json"
    told = _told(note, findings.served.version)
    if set(findings.alarms) <= told:
        return False
    send(alert_of(findings, parameters), parameters.notify.target, layout.home / ".heritage")
    known = {"version": findings.served.version, "told": sorted(told | set(findings.alarms))}
    write_text(note, json.dumps(known) + "\n")
    return True


def alert_of(findings: Findings, parameters: Parameters) -> Alert:
    """The alert about what was found, with its grounds and what to do."""
    served, limits = findings.served, parameters.watch
    what = []
    if findings.drifted:
        what.append(f"photos that are asked about have drifted ({', '.join(findings.drifted)})")
    if findings.is_miscalibrated:
        what.append("probabilities are not to be trusted")
    lines = [f"{findings.num_photos} photos that version {served.version} was asked about were looked at."]
    lines += [
        f"{one.name}: drift {one.drift:.2f} (limit {limits.max_drift:g}), p = {one.p_value:.4f}"
        for one in findings.comparisons
        if one.name in findings.drifted
    ]
    calibration = findings.calibration
    if findings.is_miscalibrated and calibration is not None:
        lines.append(
            f"{CALIBRATION}: error {calibration.error:.2f} (limit {limits.max_calibration_error:g}), "
            f"p = {calibration.p_value:.4f}, on {calibration.num_photos} photos labelled since: the model says "
            f"{calibration.certainty:.2f} and is right on {calibration.accuracy:.2f} of them"
        )
    lines.append(
        f"{findings.num_labelled_since} labelled photos came since: retraining can use them."
        if findings.num_labelled_since
        else "No labelled photo came since: label those that the page shows, and put them into the inbox."
    )
    subject = f"{served.model} version {served.version}: {'; '.join(what)}"
    return Alert(Kind.DRIFT, subject, "\n".join(lines), str(Path(findings.page).resolve()))


def _told(note: Path, version: int) -> set[str]:
    """What was told of a version; nothing where the note is of another version, missing or damaged."""
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
        return set(known["told"]) if known["version"] == version else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()
