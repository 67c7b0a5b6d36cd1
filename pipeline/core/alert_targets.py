"""Where alerts can go: the forms of the parameter `notify.target`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

LOG = "log"
"""The target that sends alerts nowhere: they are only kept."""

_PORTS = {"smtp": 25, "smtps": 465}
_WEB = ("http", "https")
_MAIL_KEYS = ("from", "to")
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_PRINTABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Mail:
    """People who read mail, and the server that takes it for them."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    """Whom to log in as; empty = no login."""
    encrypted: bool = False
    """TLS from the first byte (`smtps://`), rather than once the server offers it."""

    @property
    def shown(self) -> str:
        """For people."""
        return f"{', '.join(self.recipients)} by {self.host}:{self.port}"


@dataclass(frozen=True)
class Webhook:
    """An address that takes JSON; whoever knows it can write there, so it is never printed whole."""

    address: str = field(repr=False)

    @property
    def shown(self) -> str:
        """For people: the server alone."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}/..."


def parse_target(text: str) -> Mail | Webhook | None:
    """Read a target.

    Args:
        text: `log`; `smtp://[user@]host[:port]/?from=<address>&to=<address>[,<address>]`, or `smtps://` where TLS
            comes first; or the `http://` or `https://` address of a webhook.

    Returns:
        None for `log`.

    Raises:
        ValueError: the text is none of them; all that is wrong is said, and nothing of the text that may be secret.
    """
    if text == LOG:
        return None
    if problems := list(_problems(text)):
        raise ValueError(f"no place for alerts: {'; '.join(problems)}")
    parts = urlsplit(text)
    if parts.scheme in _WEB:
        return Webhook(text)
    values = _query(parts.query)
    return Mail(
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        sender=values["from"],
        recipients=tuple(values["to"].split(",")),
        user=unquote(parts.username or ""),
        encrypted=parts.scheme == "smtps",
    )


def without_secrets(text: str) -> str:
    """A target that `parse_target` takes, as other people may see it."""
    target = parse_target(text)
    return target.shown if isinstance(target, Webhook) else text


def _problems(text: str) -> Iterator[str]:
    if not _PRINTABLE.fullmatch(text):
        yield "it is empty, or holds a space or a character beyond ASCII; write these as %20 and the like"
        return
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        yield "its server or port cannot be read"
        return
    if parts.scheme not in (*_PORTS, *_WEB):
        yield f"it is neither {LOG!r} nor an address that begins with smtp://, smtps://, http:// or https://"
        return
    if not parts.hostname:
        yield "no server is named after ://"
    if port == 0:
        yield "the port is not from 1 to 65535"
    if parts.scheme in _PORTS:
        yield from _mail_problems(parts)
    elif parts.username is not None:
        yield "a webhook's address takes neither user nor password"


def _mail_problems(parts: SplitResult) -> Iterator[str]:
    values = _query(parts.query)
    if parts.password is not None:
        yield "a password stands in it; leave it out and set HERITAGE_SMTP_PASSWORD in the environment"
    if not _PRINTABLE.fullmatch(unquote(parts.username or "-")):
        yield "the user holds a character that is not plain ASCII"
    if unknown := sorted(values.keys() - set(_MAIL_KEYS)):
        yield f"after the ? stands {', '.join(map(repr, unknown))} beside from=<address> and to=<address>"
    for key in _MAIL_KEYS:
        addresses = values.get(key, "").split(",")
        if not all(_MAIL_ADDRESS.fullmatch(address) for address in addresses):
            yield f"{key}= does not name a mail address" if key in values else f"{key}=<address> is missing after the ?"
    if "," in values.get("from", ""):
        yield "from= names more than one mail address"


def _query(text: str) -> dict[str, str]:
    """Keys and values after the `?`; a plus stays one, for people have it in their mail addresses."""
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {unquote(key): unquote(value) for key, _, value in pairs}
