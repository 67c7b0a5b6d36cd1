"""Whom the sidecar answers: programs and its own page, but no page of another site."""

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.sidecar.refusal import Refusal, as_response

LOOPBACK_NAMES = frozenset({"127.0.0.1", "::1", "localhost"})
"""Names of this machine, as its own browser may write them."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_SAME_SITE = ("same-origin", "none")  # none = typed or opened by the person, not asked for by a page


class Guard:
    """Refuses what pages of other sites send, and holds the page to files of its own.

    A browser lets any page send a photo anywhere; it says which page asks, and that must be the sidecar's own. Programs
    such as curl say nothing of the kind and are served.

    Args:
        app: the application behind.
        hosts: names under which the sidecar may be asked; None = any. Where it listens on loopback alone, any other
            name belongs to a site that has pointed its name at this machine.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None = None) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(MutableHeaders(scope=message))
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        await (as_response(refusal) if refusal else self._app)(scope, receive, send_with_headers)

    def _refusal(self, method: str, headers: Headers) -> Refusal | None:
        host = headers.get("host", "")
        if self._hosts is not None and _name_of(f"//{host}") not in self._hosts:
            return Refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                f"a request for the host {host or 'without a name'}",
                f"one of {', '.join(sorted(self._hosts))}",
                "open the page under one of these names, or let the explainer listen on an address with --host",
            )
        if method not in ("GET", "HEAD") and _comes_from_another_site(headers, host):
            return Refusal(
                HTTPStatus.FORBIDDEN,
                f"a photo sent by a page of {headers.get('origin', 'another site')}",
                "the explainer's own page, or a program",
                f"open http://{host}/ and give the photo there",
            )
        return None


def _comes_from_another_site(headers: Headers, host: str) -> bool:
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in _SAME_SITE
    return origin is not None and origin.partition("://")[2] != host


def _name_of(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:  # no address at all
        return None


def _add_headers(headers: MutableHeaders) -> None:
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    # Files of the page carry an ETag to ask with; answers about photos are nobody else's.
    headers.setdefault("Cache-Control", "no-cache" if "etag" in headers else "no-store")
