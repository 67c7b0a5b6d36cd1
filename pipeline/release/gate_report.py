"""The gate's verdict on disk, and what people see of it."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from pipeline.core.errors import GateRefused, ParameterError, ServingError
from pipeline.core.paths import Layout
from pipeline.core.tables import write_text
from pipeline.export.manifest import FILE_NAME, manifest_sha256, read_manifest
from pipeline.pages.page import figure
from pipeline.release.gate import Rule, Verdict


@dataclass(frozen=True)
class Override:
    """Somebody's decision to go on in spite of the verdict."""

    name: str
    reason: str


@dataclass(frozen=True)
class GateReport:
    """`reports/gate.json`: a verdict, its grounds, and what it was about."""

    verdict: Verdict
    rules: tuple[Rule, ...]
    manifest: str
    """Manifest hash of the candidate."""
    champion_version: int | None
    """The version it was compared with; None = nothing serves yet."""
    data_hash: str
    seed: int
    n: int
    """Test photos scored."""
    override: Override | None = None

    @property
    def may_go_on(self) -> bool:
        """Whether the candidate may be registered."""
        return self.verdict is Verdict.PASSED or self.override is not None

    def in_words(self) -> str:
        """The verdict on one line, with whoever overrode it."""
        if self.override is None:
            return str(self.verdict)
        return f"{self.verdict}, overridden by {self.override.name}: {self.override.reason}"


def write_gate(layout: Layout, report: GateReport) -> None:
    """Write `reports/gate.json`."""
    write_text(layout.gate, json.dumps(dataclasses.asdict(report), indent=2, ensure_ascii=False) + "\n")


def read_gate(layout: Layout) -> GateReport:
    """Read `reports/gate.json`.

    Raises:
        GateRefused: the gate has not run, or the file is damaged.
    """
    try:
        values: dict[str, Any] = json.loads(layout.gate.read_text(encoding="utf-8"))
        rules = tuple(Rule(**rule) for rule in values["rules"])
        override = Override(**values["override"]) if values["override"] else None
        return GateReport(**values | {"verdict": Verdict(values["verdict"]), "rules": rules, "override": override})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GateRefused(
            f"{layout.gate} cannot be read: {error}", expected="the gate's verdict", todo="run `pipeline gate`"
        ) from None


def gate_of_candidate(layout: Layout) -> GateReport | None:
    """The verdict on the exported model, whose files are not read; None where the gate judged no model or another."""
    try:
        gate = read_gate(layout)
        manifest = manifest_sha256(read_manifest(layout.artifacts("export") / FILE_NAME))
    except (GateRefused, ServingError):
        return None
    return gate if gate.manifest == manifest else None


def override_by(name: str, reason: str) -> Override:
    """Somebody's decision, checked before anything is scored for it.

    Raises:
        ParameterError: the name or the reason is empty.
    """
    if not name.strip() or not reason.strip():
        raise ParameterError(
            f"an override by {name!r} for the reason {reason!r}",
            expected="a name and a reason, which go into the history",
            todo="give both",
        )
    return Override(name.strip(), reason.strip())


def override_gate(layout: Layout, override: Override) -> GateReport:
    """Record that somebody lets the candidate go on in spite of the verdict.

    Raises:
        GateRefused: there is no verdict to override.
    """
    report = dataclasses.replace(read_gate(layout), override=override)
    write_gate(layout, report)
    return report


def gate_table(report: GateReport) -> Table:
    """The rules as a table for people."""
    table = Table(title=f"Gate: {report.in_words()}", title_justify="left")
    for heading in ("rule", "value", "limit", "champion", "photos", "met", "note"):
        table.add_column(heading, justify="right" if heading in ("value", "limit", "champion", "photos") else "left")
    for rule in report.rules:
        met = {True: "yes", False: "no", None: "not judged"}[rule.passed]
        figures = [figure_of_rule(value) for value in (rule.value, rule.limit, rule.baseline)]
        table.add_row(rule.name, *figures, str(rule.n), met, rule.note)
    if not report.rules:
        table.caption = "no rules are set under `gate` in params.yaml, so nothing is judged"
    return table


def figure_of_rule(value: float | None) -> str:
    """A figure of a rule for people: counts as whole numbers, all else as `.925`."""
    if value is not None and value.is_integer() and abs(value) > 1:
        return f"{value:.0f}"
    return figure(value)
