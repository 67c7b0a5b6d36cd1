"""A change of the served version: intent, load and check, done, and then everything that follows from the history.

Whatever step an earlier command died at, `repaired` brings server and files back to what the history says.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC

from pipeline.core.errors import PipelineError, ServingError
from pipeline.core.locks import held_lock
from pipeline.core.tables import write_text
from pipeline.release.disk import disk_errors
from pipeline.release.golden import TOLERANCE, read_golden
from pipeline.release.journal import Entry, State, append_entry, pending, read_journal
from pipeline.release.lines import ModelLine
from pipeline.release.model_server import ModelServer, Outside
from pipeline.release.publishing import clear_stages
from pipeline.release.server_config import config_text, served_models, with_candidate
from serving.client import ModelServerError, NotServed, ServedModel, VersionStatus

LOAD_SECONDS = 180.0
"""Time for a server to load a version and replay its warm-up."""

_AVAILABLE = "AVAILABLE"
_POLL_SECONDS = 0.05
_OLD_STATE_SECONDS = 1.0
"""For so long after a reload, END may be the state of an earlier attempt."""


@dataclass(frozen=True)
class Workbench:
    """What a change works on; the line's lock is held."""

    line: ModelLine
    server: ModelServer | None
    """The server that answers at the configured address, if any."""
    outside: Outside

    def time(self) -> str:
        """Now, ISO 8601 in UTC."""
        return self.outside.now().astimezone(UTC).isoformat(timespec="seconds")


@contextmanager
def opened(line: ModelLine, address: str, outside: Outside) -> Iterator[Workbench]:
    """Hold a line's lock and find the server that serves it.

    A server that knows no model of the served folder belongs to somebody else, and is left alone.

    Raises:
        MachineError: another release command works on the served folder, or the disk is full.
    """
    with (
        disk_errors(line.folder),
        held_lock(line.lock, "a release command"),
        outside.running_server(address) as server,
    ):
        with _server_errors():
            ours = server is not None and any(versions_known(server, name) for name in served_models(line.served))
        yield Workbench(line, server if ours else None, outside)


def versions_known(server: ModelServer, model: str) -> list[VersionStatus]:
    """Versions that a server knows of a model; none where it does not know the model."""
    try:
        return server.status(model)
    except NotServed:
        return []


def repaired(bench: Workbench) -> list[str]:
    """End what an interrupted command left pending, and let the server follow the history.

    Returns:
        What was repaired, a sentence each.
    """
    line = bench.line
    journal = read_journal(line.journal)
    notes = []
    if journal.torn:
        notes.append(f"{line.journal} ends in half a line, which counts as not written")
    interrupted = pending(journal)
    if interrupted is not None:
        append_entry(line.journal, replace(interrupted, state=State.FAILED, reason="interrupted", time=bench.time()))
        notes.append(f"an interrupted {interrupted.action} of version {interrupted.version} was given up")
    clear_stages(line)
    try:
        follow_journal(bench)
    except ServingError as error:
        notes.append(f"the server cannot serve what the history says: {error.came}")
    return notes


def change_served_version(bench: Workbench, intent: Entry, publish: Callable[[], object]) -> bool:
    """Let another version serve, or leave everything as it was.

    Args:
        bench: the line and its server.
        intent: what is to be done, in state intent.
        publish: makes sure that the version's folder is there and whole.

    Returns:
        Whether a private server had to make the check, because none answers at the configured address.

    Raises:
        ServingError: the version is not served, with the reason; the one before still is.
        MachineError: the disk is full.
    """
    append_entry(bench.line.journal, intent)
    try:
        publish()
        with _server_with(bench, intent.version) as server:
            check_golden(server, bench.line, intent.version)
    except Exception as error:
        reason = error.came if isinstance(error, PipelineError) else repr(error)
        append_entry(bench.line.journal, replace(intent, state=State.FAILED, reason=reason, time=bench.time()))
        with suppress(ServingError):  # the reason of the failure matters more; the next command repairs the server
            follow_journal(bench)
        raise
    append_entry(bench.line.journal, replace(intent, state=State.DONE, time=bench.time()))
    follow_journal(bench)
    return bench.server is None


def follow_journal(bench: Workbench) -> None:
    """Write the server's configuration from the histories of all lines, and have a running server take it.

    Raises:
        ServingError: the server refuses it, or cannot load a version.
    """
    models = served_models(bench.line.served)
    write_text(bench.line.server_config, config_text(models))
    if bench.server is None:
        return
    with _server_errors():
        allowed = _without_early_labels(bench.server, models)
        late = [models[name] for name in models if models[name] != allowed[name]]
        if late:
            bench.server.reload(list(allowed.values()))
            for model in late:
                _wait_until_available(bench.server, model.name, max(model.labels.values()))
        bench.server.reload(list(models.values()))


def check_golden(server: ModelServer, line: ModelLine, version: int) -> None:
    """Check that a server answers the golden photos as evaluation did.

    Raises:
        ServingError: a probability differs by more than 1e-5, or the classes differ.
    """
    golden = read_golden(line.golden(version))
    with _server_errors():
        answers = server.predict([photo.photo for photo in golden], line.name, version=version)
    for photo, answer in zip(golden, answers, strict=True):
        got = dict(zip(answer.classes, answer.probabilities, strict=True))
        if got.keys() != photo.probabilities.keys():
            raise _refused(version, f"it answers with the classes {', '.join(answer.classes)}")
        gap = max(abs(got[name] - expected) for name, expected in photo.probabilities.items())
        if not gap <= TOLERANCE:
            raise _refused(version, f"its probabilities for {photo.path} are {gap:.2g} away from the evaluation's")


@contextmanager
def _server_with(bench: Workbench, version: int) -> Iterator[ModelServer]:
    line = bench.line
    if bench.server is None:
        alone = ServedModel(line.name, str(line.folder), (version,))
        with bench.outside.private_server(alone) as server:
            _wait_until_available(server, line.name, version)
            yield server
        return
    with _server_errors():
        if version not in _available(bench.server, line.name):
            models = with_candidate(line, version)
            bench.server.reload(list(_without_early_labels(bench.server, models).values()))
    _wait_until_available(bench.server, line.name, version)
    yield bench.server


def _available(server: ModelServer, model: str) -> set[int]:
    return {known.version for known in versions_known(server, model) if known.state == _AVAILABLE}


def _without_early_labels(server: ModelServer, models: Mapping[str, ServedModel]) -> dict[str, ServedModel]:
    """The same models with labels on AVAILABLE versions alone; a server refuses a configuration with others."""
    allowed = {}
    for name, model in models.items():
        ready = _available(server, name)
        labels = {label: version for label, version in model.labels.items() if version in ready}
        allowed[name] = replace(model, labels=labels)
    return allowed


def _wait_until_available(server: ModelServer, model: str, version: int) -> None:
    start = time.monotonic()
    while (waited := time.monotonic() - start) < LOAD_SECONDS:
        with _server_errors():
            status = next((known for known in versions_known(server, model) if known.version == version), None)
        if status is not None and status.state == _AVAILABLE:
            return
        if status is not None and status.state == "END" and status.error and waited > _OLD_STATE_SECONDS:
            raise _refused(version, f"the server cannot load it: {status.error}")
        time.sleep(_POLL_SECONDS)
    raise _refused(version, f"it is not AVAILABLE after {LOAD_SECONDS:.0f} s")


@contextmanager
def _server_errors() -> Iterator[None]:
    try:
        yield
    except ModelServerError as error:
        raise ServingError(error.came, expected=error.expected, todo=error.to_do) from error


def _refused(version: int, reason: str) -> ServingError:
    return ServingError(
        f"version {version} does not serve: {reason}",
        expected=f"a version that loads and answers as evaluation did, to {TOLERANCE:g}",
        todo="the version before serves on; export, evaluate and register again",
    )
