"""Hosts of a web of our own: real TLS servers on loopback, found by names that look public."""

import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.intake.scraping.network import Network

PHOTOS, ARCHIVE, MIRROR = "photos.museum.example", "archive.museum.example", "mirror.example"
WITHOUT_CERTIFICATE = "impostor.example"
PUBLIC = "93.184.215.14"
"""To this address every host resolves unless a test says otherwise; nothing is ever sent there."""
JPEG = b"\xff\xd8\xff\xe0" + b"a photo" * 50

Writer = Callable[[BinaryIO], None]


def reply(body: bytes = b"", status: int = 200, **headers: str | None) -> bytes:
    """A whole HTTP answer; underscores in the names of headers stand for hyphens, None leaves one out."""
    lines = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body


def photo(body: bytes = JPEG, status: int = 200, **headers: str | None) -> bytes:
    """An answer that is a JPEG."""
    return reply(body, status, **{"Content_Type": "image/jpeg", **headers})


def redirect(location: str, status: int = 302) -> bytes:
    """An answer that leads elsewhere."""
    return reply(status=status, Location=location)


def drip(head: bytes, byte: bytes = b"x", pause: float = 0.1) -> Writer:
    """An answer whose body never ends and comes byte by byte."""

    def write(stream: BinaryIO) -> None:
        stream.write(head)
        while True:
            stream.write(byte)
            stream.flush()
            time.sleep(pause)

    return write


class Web:
    """What the hosts answer, and who asked them what."""

    def __init__(self, port: int, trust: Callable[[], ssl.SSLContext]) -> None:
        self.answers: dict[str, bytes | Writer | list[bytes]] = {}
        """By host and path; a list is answered from one after the other, its last for ever."""
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.at: defaultdict[str, list[float]] = defaultdict(list)
        self.addresses: dict[str, list[list[str]]] = {}
        """What hosts resolve to, one look-up after the other, the last for ever."""
        self.connected: list[str] = []
        self.down: set[str] = set()
        """Addresses that refuse connections."""
        self.num_at_once: defaultdict[str, int] = defaultdict(int)
        self.most_at_once: defaultdict[str, int] = defaultdict(int)
        self._port = port
        self._trust = trust
        self._lock = threading.Lock()

    @property
    def network(self) -> Network:
        """The way to these hosts."""
        return Network(resolve=self._resolve, connect=self._connect, trust=self._trust)

    @property
    def photos_asked(self) -> list[str]:
        """What was asked for beside the hosts' rules."""
        return [place for place in self.asked if not place.endswith(("/robots.txt", "/.well-known/tdmrep.json"))]

    def answer(self, place: str, headers: Mapping[str, str]) -> bytes | Writer:
        """Note a request and find its answer."""
        with self._lock:
            self.asked.append(place)
            self.headers.append(dict(headers))
            self.at[place.partition("/")[0]].append(time.monotonic())
            said = self.answers.get(place, reply(status=404))
            if isinstance(said, list):
                return said.pop(0) if len(said) > 1 else said[0]
            return said

    @contextmanager
    def serving(self, host: str) -> Iterator[None]:
        """Count requests that a host answers at once."""
        with self._lock:
            self.num_at_once[host] += 1
            self.most_at_once[host] = max(self.most_at_once[host], self.num_at_once[host])
        try:
            yield
        finally:
            with self._lock:
                self.num_at_once[host] -= 1

    def _resolve(self, host: str) -> list[str]:
        found = self.addresses.get(host, [[PUBLIC]])
        return found.pop(0) if len(found) > 1 else found[0]

    def _connect(self, address: str, seconds: float) -> socket.socket:
        with self._lock:
            self.connected.append(address)
        if address in self.down:
            raise ConnectionRefusedError("connection refused")
        return socket.create_connection(("127.0.0.1", self._port), seconds)


@contextmanager
def web_of_hosts(certificates: Path) -> Iterator[Web]:
    """Serve a web in threads of the test.

    Args:
        certificates: what `make_certificates` wrote.
    """
    server = _Server(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "host.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.web = Web(
        server.server_address[1], lambda: ssl.create_default_context(cafile=str(certificates / "authority.pem"))
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_certificates(folder: Path) -> Path:
    """Write an authority and a certificate of it for the hosts, both new."""
    now = datetime.now(UTC)
    authority_key, host_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of a test")])

    def signed(
        subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> x509.Certificate:
        draft = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + timedelta(days=1),
        )
        for extension in extensions:
            draft = draft.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return draft.sign(authority_key, hashes.SHA256())

    own = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = signed(name, authority_key, x509.BasicConstraints(ca=True, path_length=0), own)
    host = signed(
        x509.Name([]),
        host_key,
        x509.SubjectAlternativeName([x509.DNSName(host) for host in (PHOTOS, ARCHIVE, MIRROR)]),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
    )
    pem = serialization.Encoding.PEM
    key = host_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "host.pem").write_bytes(key + host.public_bytes(pem))
    return folder


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    web: Web

    def handle_error(self, request: object, client_address: object) -> None:
        """Visitors may leave when they have had enough."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        host = self.headers["Host"]
        answer = self.server.web.answer(f"{host}{self.path}", self.headers)
        with self.server.web.serving(host):
            if callable(answer):
                answer(self.wfile)
            else:
                self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass
