"""The main job on drawn photos: the same commands a person would give, one after the other, then a served answer."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipeline.console import say
from pipeline.core.errors import ParameterError, PipelineError, ServingError
from pipeline.core.parameters import Parameters
from pipeline.core.paths import Layout
from pipeline.core.recipes import load_recipe
from pipeline.core.tables import read_rows
from pipeline.photos.records import Side, SplitRow
from pipeline.release.model_server import free_port, stop_process
from serving.client import ExplainerClient
from serving.contract import upright

RECIPE = "demo"

_PIPELINE = (sys.executable, "-m", "pipeline")
_STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("draw photos of masonry and take them in", (*_PIPELINE, "sample")),
    ("run the stages: validate to evaluate", (sys.executable, "-m", "dvc", "repro")),
    ("lay out the photos that a person should look at", (*_PIPELINE, "review")),
    ("log the run to MLflow", (*_PIPELINE, "track")),
    ("judge the candidate, and make the report", (*_PIPELINE, "gate")),
    ("register it", (*_PIPELINE, "register")),
    ("let it serve, once a server has answered for it", (*_PIPELINE, "promote")),
)
_START_SECONDS = 120.0


class StepFailed(PipelineError):
    """A step of the demo ended with an error, which it has already told."""


def run_demo(layout: Layout, parameters: Parameters) -> None:
    """Run the main job from drawn photos to heat maps of held-out photos.

    Raises:
        ParameterError: params.yaml holds another recipe or other photos; it is left as it is.
        StepFailed: a step failed; its exit code is taken over.
        ServingError: the model server or the explainer does not answer.
    """
    own = load_recipe(layout.root / "recipes", RECIPE).parameters()
    if (parameters.recipe, parameters.photos) != (own.recipe, own.photos):
        raise ParameterError(
            f"params.yaml holds the recipe {parameters.recipe!r} over the batches "
            f"{', '.join(parameters.photos.batches)}, which the demo does not overwrite",
            expected=f"the recipe {RECIPE!r} over the drawn batches, {', '.join(own.photos.batches)}",
            todo="keep your params.yaml elsewhere (git has it), run `make recipe NAME=demo`, then `make demo`",
        )
    started = time.monotonic()
    for number, (what, command) in enumerate(_STEPS, start=1):
        say(f"\n[{number}/{len(_STEPS) + 1}] {what}:  {_as_typed(command)}")
        _run(command, layout.root)
    say(f"\n[{len(_STEPS) + 1}/{len(_STEPS) + 1}] serve it, and ask about photos that it has not seen")
    overlays = _ask(layout, parameters)
    say(f"\nDone in {time.monotonic() - started:.0f} s. To look at:")
    for path in (layout.report, layout.review, *overlays):
        say(f"  {path}")
    say("  make up: MLflow, the model server and the explanation page, to ask about photos of your own")


def _run(command: Sequence[str], folder: Path) -> None:
    code = subprocess.run(command, cwd=folder, check=False).returncode
    if code:
        failure = StepFailed(
            f"{_as_typed(command)} ended with exit code {code}",
            expected="each step to end with 0",
            todo="mend what it says above, then run `make demo` again; finished stages are not repeated",
        )
        failure.exit_code = code if code in range(1, 7) else 1
        raise failure


def _as_typed(command: Sequence[str]) -> str:
    return " ".join(["python", *command[1:]])


def _ask(layout: Layout, parameters: Parameters) -> list[Path]:
    """Ask about a held-out photo of each class over HTTP and gRPC; give the paths of the overlays."""
    rows = read_rows(layout.artifacts("split") / "photos.parquet", SplitRow)
    held_out = sorted((row for row in rows if row.side == Side.TEST), key=lambda row: (not row.mask, row.path))
    chosen = {str(row.label): row for row in reversed(held_out)}
    folder = layout.reports("demo")
    folder.mkdir(parents=True, exist_ok=True)
    overlays = []
    with _servers(layout, parameters) as explainer:
        for label, row in sorted(chosen.items()):
            photo = upright((layout.root / row.path).read_bytes())
            answer = explainer.explain(photo)
            say(
                f"  {row.path}: {answer['class']} (probability {answer['probability']:.3f}, "
                f"threshold {answer['threshold']:.3f}, {answer['model']} version {answer['version']}; labelled {label})"
            )
            overlay = folder / f"{label}.png"
            overlay.write_bytes(explainer.overlay(photo))
            overlays.append(overlay)
    return overlays


@contextmanager
def _servers(layout: Layout, parameters: Parameters) -> Iterator[ExplainerClient]:
    """Run the model server and the explainer on free loopback ports for the length of a block."""
    grpc_port, http_port = free_port(), free_port()
    config = layout.home / parameters.serving.folder / "models.config"
    log = layout.reports("demo") / "servers.log"
    server = ("serving.server", f"--port={grpc_port}", f"--model_config_file={config}")
    explainer = (
        "serving.explainer",
        f"--port={http_port}",
        f"--server=127.0.0.1:{grpc_port}",
        f"--model={parameters.model.name}",
    )
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        for arguments in (server, explainer):
            process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=output, stderr=output)
            stack.callback(stop_process, process)
        client = ExplainerClient(f"127.0.0.1:{http_port}")
        _wait_until_ready(client, log)
        yield client


def _wait_until_ready(client: ExplainerClient, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if client.is_ready():
            return
        time.sleep(0.2)
    raise ServingError(
        f"the servers did not answer within {_START_SECONDS:.0f} s",
        expected="a model server and an explainer on loopback",
        todo=f"read {log}",
    )
