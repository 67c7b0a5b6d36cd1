"""The sidecar as an ASGI application."""

import io
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import quote

import anyio
from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse

from serving import contract
from serving.answers import Explanation
from serving.client import ModelClient
from serving.overlay import DEFAULT_OPACITY, heatmap_over_photo, hottest_box
from serving.sidecar.front import add_page
from serving.sidecar.guard import Guard
from serving.sidecar.refusal import ANSWERED_ERRORS, Refusal, error_response
from serving.sidecar.upload import photo_bytes, read_photo

HEATMAP_SCALE = (
    "0 = no grounds for the class; 1 = as strong as the strongest grounds usual for this model version. "
    "The scale is the same for all photos of a version; it measures the model's grounds, not damage."
)

_READY_SECONDS = 2.0
_PHOTOS_AT_ONCE = 4  # a photo of 50 megapixels takes half a gigabyte while its overlay is drawn


@dataclass(frozen=True)
class ExplainedModel:
    """Which model the sidecar asks."""

    name: str
    version: int | None = None
    """None = by label, or the newest."""
    label: str | None = None


def create_app(
    client: ModelClient,
    model: ExplainedModel,
    limits: contract.PhotoLimits = contract.PhotoLimits(),
    hosts: frozenset[str] | None = None,
) -> FastAPI:
    """The sidecar as an ASGI application that asks `client` for every answer.

    Args:
        client: connection to the model server.
        model: which model and version to ask.
        limits: of one photo.
        hosts: names under which the sidecar may be asked, see `Guard`; None = any.
    """
    app = FastAPI(title="Explanations of heritage photo models", docs_url=None, redoc_url=None)
    app.add_middleware(Guard, hosts=hosts)
    add_page(app, limits)
    for kind in (Refusal, *ANSWERED_ERRORS, Exception):
        app.add_exception_handler(kind, error_response)
    places = anyio.CapacityLimiter(_PHOTOS_AT_ONCE)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Whether the sidecar is alive."""
        return {"status": "alive"}

    @app.get("/readyz")
    def readyz() -> dict[str, str | int]:
        """Whether the model server answers and serves the model."""
        return {"status": "ready", "model": model.name, "version": _available_version(client, model)}

    @app.post("/v1/explain")
    async def explain(
        request: Request,
        explained_class: Annotated[str | None, Query(alias="class")] = None,
        answer_format: Annotated[Literal["json", "overlay"] | None, Query(alias="format")] = None,
        opacity: Annotated[float, Query(ge=0, le=1)] = DEFAULT_OPACITY,
    ) -> Response:
        """Class, probabilities and heat map of a photo, or its overlay."""
        data = await photo_bytes(request, limits)
        as_overlay = (answer_format or _accepted_format(request)) == "overlay"

        def answer() -> Response:
            photo = read_photo(data, limits)
            wire_bytes = contract.upright_bytes(photo, data)
            explanation = client.explain(
                wire_bytes, model.name, explained_class, version=model.version, label=model.label
            )
            return _overlay(explanation, photo, opacity) if as_overlay else _json(explanation, photo)

        return await anyio.to_thread.run_sync(answer, limiter=places)

    return app


def _available_version(client: ModelClient, model: ExplainedModel) -> int:
    statuses = client.status(model.name, label=model.label, deadline=_READY_SECONDS)
    for status in statuses:
        if status.state == "AVAILABLE" and model.version in (None, status.version):
            return status.version
    found = ", ".join(f"{status.version} {status.state} {status.error}".strip() for status in statuses)
    raise Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"the model server has no version of {model.name} to ask: {found or 'none'}",
        "a version AVAILABLE" if model.version is None else f"version {model.version} AVAILABLE",
        "wait until it is loaded, or promote a version",
    )


def _accepted_format(request: Request) -> str:
    return "overlay" if "image/png" in request.headers.get("accept", "") else "json"


def _json(explanation: Explanation, photo: contract.UprightPhoto) -> Response:
    prediction = explanation.prediction
    probabilities = dict(zip(prediction.classes, prediction.probabilities, strict=True))
    thresholds = dict(zip(prediction.classes, prediction.threshold, strict=True))
    size = photo.image.size
    return JSONResponse(
        {
            "model": prediction.model,
            "version": prediction.version,
            "class": prediction.predicted,
            "probability": probabilities[prediction.predicted],
            "threshold": thresholds[prediction.predicted],
            "classes": prediction.classes,
            "probabilities": probabilities,
            "thresholds": thresholds,
            "explained_class": explanation.explained_class,
            "heatmap": [[round(heat, 4) for heat in row] for row in explanation.heatmap.tolist()],
            "heatmap_scale": HEATMAP_SCALE,
            "hottest_box": _box(hottest_box(explanation.heatmap, size)),
            "width": size[0],
            "height": size[1],
        }
    )


def _box(corners: tuple[int, int, int, int] | None) -> dict[str, int] | None:
    if corners is None:
        return None
    left, top, right, bottom = corners
    return {"left": left, "top": top, "width": right - left, "height": bottom - top}


def _overlay(explanation: Explanation, photo: contract.UprightPhoto, opacity: float) -> Response:
    prediction = explanation.prediction
    explained = prediction.classes.index(explanation.explained_class)
    buffer = io.BytesIO()
    heatmap_over_photo(photo.image, explanation.heatmap, opacity).save(buffer, "PNG", compress_level=1)
    headers = {
        "X-Model": prediction.model,
        "X-Version": str(prediction.version),
        "X-Class": prediction.predicted,
        "X-Explained-Class": explanation.explained_class,
        "X-Probability": repr(prediction.probabilities[explained]),
        "X-Threshold": repr(prediction.threshold[explained]),
    }
    # Headers carry Latin letters only; names come from people.
    return Response(buffer.getvalue(), media_type="image/png", headers={k: quote(v) for k, v in headers.items()})
