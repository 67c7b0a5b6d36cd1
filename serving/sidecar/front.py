"""The explanation page for people: its files, and what they need to know of the sidecar."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from serving import contract
from serving.overlay import DEFAULT_OPACITY, colour_table

PAGE = Path(__file__).parent / "page"


def add_page(app: FastAPI, limits: contract.PhotoLimits) -> None:
    """Serve the page at `/`, its files below `/page/` and its settings at `/page/settings.json`."""
    files = StaticFiles(directory=PAGE)

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(request: Request) -> Response:
        """The page."""
        return await files.get_response("index.html", request.scope)

    @app.get("/page/settings.json", include_in_schema=False)
    def settings() -> dict[str, Any]:
        """Limits, and the colours that the overlay has too."""
        table = colour_table()
        return {
            "max_bytes": limits.max_bytes,
            "max_pixels": limits.max_pixels,
            "formats": contract.PHOTO_FORMATS,
            "opacity": DEFAULT_OPACITY,
            "colours": [list(table[step : step + 3]) for step in range(0, len(table), 3)],
        }

    app.mount("/page", files)
