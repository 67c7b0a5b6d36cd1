"""One request over TLS to an address that was checked, with caps on its bytes and on its time.

Sockets are used as they are: no proxy, cookie, password or second look-up of the name can come in between.
"""

import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, cast

from pipeline.intake.scraping.addresses import is_public
from pipeline.intake.scraping.refusals import Failed, Refused, in_one_line
from pipeline.intake.scraping.urls import Url

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_HTTPS_PORT = 443
_BLOCK_BYTES = 1 << 16
_MAX_HEAD_BYTES = 1 << 20
"""What an answer may hold beside its body: headers, and the sizes of its parts."""
_MAX_ADDRESSES = 4
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_PLAIN_WAYS = {"content-encoding": ("", "identity"), "transfer-encoding": ("", "chunked")}


def system_addresses(host: str) -> list[str]:
    """Numeric addresses of a host, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, _HTTPS_PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect_to(address: str, seconds: float) -> socket.socket:
    """Open a connection to port 443 of a numeric address."""
    return socket.create_connection((address, _HTTPS_PORT), seconds)


@dataclass(frozen=True)
class Network:
    """The way out; tests put servers of their own in its place, and nothing else can.

    What it resolves to is checked all the same.
    """

    resolve: Callable[[str], Sequence[str]] = system_addresses
    connect: Callable[[str, float], socket.socket] = connect_to
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context


class Deadline:
    """Seconds that are left for a photo."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left, above 0.

        Raises:
            TimeoutError: none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"more than {self._seconds:g} s")
        return left

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Let no time count that this process waits of its own will."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - started


@dataclass(frozen=True)
class Answer:
    """What a server answered; its body is still on the way."""

    response: HTTPResponse

    @property
    def status(self) -> int:
        """HTTP's number."""
        return self.response.status

    def header(self, name: str) -> str:
        """A header, all its lines parted by commas; empty where there is none."""
        return ", ".join(self.headers(name))

    def headers(self, name: str) -> list[str]:
        """The lines of a header."""
        return [str(value).strip() for value in self.response.headers.get_all(name) or ()]

    def body(self, max_bytes: int, *, cut: bool = False) -> bytes:
        """The whole body, counted as it comes.

        Args:
            max_bytes: a longer body is refused, or cut.
            cut: take the first `max_bytes` of a longer body.

        Raises:
            Refused: the body is too long, whatever its headers say, or its parts make no sense.
            Failed: it came too slowly, or ended early.
        """
        if not cut and (self.response.length or 0) > max_bytes:
            raise Refused(f"more than {max_bytes} bytes")
        body = bytearray()
        try:
            while block := self.response.read(min(_BLOCK_BYTES, max_bytes + 1 - len(body))):
                body += block
        except TimeoutError as error:
            raise Failed(f"too slow: {error}", answered=True) from None
        except (OSError, HTTPException) as error:
            raise Failed(f"the photo ended early: {type(error).__name__}", answered=True) from None
        except ValueError:  # such as of a negative length
            raise Refused("its host sends no plain HTTP: a part of nonsensical length") from None
        if len(body) > max_bytes:
            if not cut:
                raise Refused(f"more than {max_bytes} bytes")
            return bytes(body[:max_bytes])
        if self.response.length:
            raise Failed(f"the photo ended early: {self.response.length} bytes are missing", answered=True)
        return bytes(body)


@dataclass(frozen=True)
class Client:
    """A network, whom to trust there, and what a server may cost."""

    network: Network
    trust: ssl.SSLContext
    max_bytes: int
    """Of a body."""
    seconds_per_read: float

    @contextmanager
    def ask(self, url: Url, headers: Mapping[str, str], deadline: Deadline) -> Iterator[Answer]:
        """Send a GET request and give the head of its answer.

        Raises:
            Refused: the host has no name or an address that is not public, its certificate is not its own, or it sends
                what is no plain HTTP.
            Failed: it does not answer.
        """
        with ExitStack() as stack:
            try:
                connection = stack.enter_context(self._connection(url.host, deadline))
                connection.settimeout(deadline.left())
                connection.sendall(_request(url, headers))
                source = _Source(connection, deadline, self.seconds_per_read, self.max_bytes + _MAX_HEAD_BYTES)
                response = HTTPResponse(cast(socket.socket, source), method="GET")
                stack.callback(response.close)
                response.begin()
            except ssl.SSLCertVerificationError as error:
                raise Refused(f"the certificate of {url.host} is not valid: {error.verify_message}") from None
            except OSError as error:
                raise Failed(f"{url.host} does not answer: {error or type(error).__name__}") from None
            except (HTTPException, ValueError) as error:
                raise Refused(f"{url.host} sends no plain HTTP: {type(error).__name__}") from None
            answer = Answer(response)
            for name, plain in _PLAIN_WAYS.items():
                if answer.header(name).lower() not in plain:
                    raise Refused(f"it comes packed, which was not asked for: {in_one_line(answer.header(name))}")
            yield answer

    def _connection(self, host: str, deadline: Deadline) -> ssl.SSLSocket:
        addresses = self._addresses(host)
        for address in addresses:
            try:
                plain = self.network.connect(address, min(self.seconds_per_read, deadline.left()))
                break
            except OSError:
                if address == addresses[-1]:
                    raise
        plain.settimeout(deadline.left())
        try:
            return self.trust.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def _addresses(self, host: str) -> list[str]:
        """Addresses to connect to, looked up once, so that a name cannot lead elsewhere after the check."""
        try:
            addresses = list(self.network.resolve(host))
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_NAME:
                raise Refused(f"there is no host {host}") from None
            raise
        inner = [address for address in addresses if not is_public(address)]
        if inner or not addresses:
            raise Refused(f"{host} leads to an address that is not public: {inner[0] if inner else 'none'}")
        return addresses[:_MAX_ADDRESSES]


class _Source:
    """A connection as the reader of answers wants it, every byte and second of which counts."""

    def __init__(self, connection: socket.socket, deadline: Deadline, seconds_per_read: float, max_bytes: int) -> None:
        self._stream = _Stream(connection, deadline, seconds_per_read, max_bytes)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._stream, _BLOCK_BYTES)


class _Stream(io.RawIOBase):
    def __init__(self, connection: socket.socket, deadline: Deadline, seconds_per_read: float, max_bytes: int) -> None:
        self._connection = connection
        self._deadline = deadline
        self._seconds_per_read = seconds_per_read
        self._max_bytes = max_bytes
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        self._connection.settimeout(min(self._seconds_per_read, self._deadline.left()))
        received = self._connection.recv_into(buffer)
        self._bytes += received
        if self._bytes > self._max_bytes:
            raise Refused(f"more than {self._max_bytes - _MAX_HEAD_BYTES} bytes")
        return received


def _request(url: Url, headers: Mapping[str, str]) -> bytes:
    always = {"Host": url.host, "Connection": "close", "Accept-Encoding": "identity"}
    lines = [f"GET {url.target} HTTP/1.1", *(f"{name}: {value}" for name, value in {**always, **headers}.items())]
    return "\r\n".join((*lines, "", "")).encode("ascii")
