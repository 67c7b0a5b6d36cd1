"""A folder of photos in; a table, heat maps and a gallery of one model version's answers out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pipeline.core.errors import DataError, ServingError
from pipeline.core.locks import held_lock
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.progress import with_progress
from pipeline.predict.answers import Answered, Unanswered
from pipeline.predict.asking import Desk, ask_all, stable_version
from pipeline.predict.gallery import Asked, gallery_page
from pipeline.predict.listing import list_photos
from pipeline.predict.output import PAGE, TABLE, check_place, replacing_folder
from pipeline.predict.tables import write_csv
from pipeline.release.journal import current, read_journal
from pipeline.release.lines import ModelLine, line_of
from serving.client import ModelClient, ModelServerError, NotServed, ServingUnavailable
from serving.contract import STABLE_LABEL, PhotoLimits


@dataclass(frozen=True)
class Predicted:
    """What was asked and what came of it."""

    model: str
    version: int
    answered: list[Answered]
    """In the order of their paths, as are those without an answer."""
    unanswered: list[Unanswered]
    page: Path
    """The gallery."""


def predict_folder(
    layout: Layout, parameters: Parameters, source: Path, out: Path | None, model: str, now: datetime
) -> Predicted:
    """Ask the model in service about every photo of a folder, and write table, overlays and gallery.

    Args:
        layout: the checkout.
        parameters: where the model server is, and what it accepts.
        source: a folder of photos, or one photo.
        out: folder of answers; None = `reports/predict/<name of the folder>`.
        model: name of the served model; empty = the one that the parameters name.
        now: goes onto the page.

    Raises:
        ParameterError: the folder of answers cannot be used.
        DataError: there is nothing to ask about, or no photo that could be answered about.
        ServingError: no server, no such model, or no version that stays to the end.
        MachineError: another such run goes on in this checkout.
    """
    if not source.exists():
        raise DataError(f"{source} does not exist", expected="a folder of photos, or a photo", todo="check the path")
    folder = out or layout.reports("predict") / _name_of(source)
    check_place(folder, source)
    files = list_photos(source)
    if not files:
        raise DataError(f"{source} holds no file", expected="photos, in folders or not", todo="check the path")
    name = model or parameters.model.name
    limits = PhotoLimits(max_bytes=parameters.export.max_bytes, max_pixels=parameters.export.max_pixels)
    with (
        held_lock(layout.state / "predict.lock", f"pipeline predict {source}"),
        ModelClient(parameters.serving.grpc_address) as client,
    ):
        version = _version_in_service(client, replace(line_of(layout, parameters), name=name))
        with replacing_folder(folder) as unfinished:
            desk = Desk(client, name, version, limits, unfinished)
            answers = list(with_progress(ask_all(files, desk), "asking", len(files)))
            asked = Asked(source.resolve().name, name, version, now)
            answered, unanswered = _write(unfinished, answers, asked)
    return Predicted(name, version, answered, unanswered, folder / PAGE)


def _name_of(source: Path) -> str:
    return source.resolve().name if source.is_dir() else source.stem


def _write(
    folder: Path, answers: Sequence[Answered | Unanswered], asked: Asked
) -> tuple[list[Answered], list[Unanswered]]:
    answered = [answer for answer in answers if isinstance(answer, Answered)]
    unanswered = [answer for answer in answers if isinstance(answer, Unanswered)]
    if not answered:
        raise DataError(
            f"none of {len(unanswered)} files could be answered about; {unanswered[0].path}: {unanswered[0].error}",
            expected="at least one JPEG, PNG or WebP photo",
            todo="mend or convert the photos, then run the command again; nothing was written",
        )
    write_csv(folder / TABLE, answers)
    (folder / PAGE).write_text(gallery_page(answered, unanswered, asked), encoding="utf-8")
    return answered, unanswered


def _version_in_service(client: ModelClient, line: ModelLine) -> int:
    try:
        return stable_version(client, line.name)
    except ModelServerError as error:
        raise _no_answer(error, line, client.address) from None


def _no_answer(error: ModelServerError, line: ModelLine, address: str) -> ServingError:
    nothing_promoted = current(read_journal(line.journal)) is None
    promote = f"nothing of {line.name!r} is promoted here: run `make repro`, `make release`" if nothing_promoted else ""
    if isinstance(error, ServingUnavailable):
        return ServingError(
            f"the model server gives no answer: {error.came}",
            expected="the model server that params.yaml names under serving.grpc_address",
            todo=f"{f'{promote}, then ' if promote else ''}start it with `make serve`, or everything with `make up`",
        )
    if isinstance(error, NotServed):
        return ServingError(
            f"the model server at {address} serves no model {line.name!r} under the label {STABLE_LABEL!r}",
            expected="a promoted version of the model",
            todo=promote or "promote a version (`pipeline promote`), or name another model with --model",
        )
    return ServingError(error.came, expected=error.expected, todo=error.to_do)
