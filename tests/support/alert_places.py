"""Places where alerts arrive, on loopback: a mail server, a webhook, and a server that never answers."""

import base64
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


@dataclass
class MailServer:
    """Speaks as much SMTP as sending a mail takes."""

    certificate: Path | None = None
    """A file with certificate and key; STARTTLS is offered where there is one."""
    encrypted: bool = False
    """TLS from the first byte."""
    accounts: dict[str, str] = field(default_factory=dict)
    """Passwords of users."""
    refusals: list[bytes] = field(default_factory=list)
    """Answers to the next mails, in place of taking them."""
    unknown: Sequence[str] = ()
    """Recipients that are not known."""
    mails: list[EmailMessage] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    """Of each mail that was taken."""
    logins: list[str] = field(default_factory=list)
    port: int = 0


@dataclass
class Hook:
    """A web address that takes what is posted."""

    statuses: list[int] = field(default_factory=list)
    """Of the next answers; 200 after them."""
    location: str = ""
    """Where a redirect leads."""
    certificate: Path | None = None
    """A file with certificate and key; HTTPS where there is one."""
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Method, path and body."""
    port: int = 0


@contextmanager
def mail_server(server: MailServer) -> Iterator[MailServer]:
    class Handler(socketserver.StreamRequestHandler):
        timeout = 20

        def handle(self) -> None:
            conversation = _Conversation(self, server)
            try:
                with _quietly():
                    conversation.run()
            finally:
                conversation.end()

    with socketserver.ThreadingTCPServer((HOST, 0), Handler) as listening, _served(listening):
        server.port = listening.server_address[1]
        yield server


@contextmanager
def hook(taken: Hook) -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.requests.append(("POST", self.path, body))
            self.answer()

        def do_GET(self) -> None:
            taken.requests.append(("GET", self.path, b""))
            self.answer()

        def answer(self) -> None:
            self.send_response(taken.statuses.pop(0) if taken.statuses else 200)
            if taken.location:
                self.send_header("Location", taken.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer((HOST, 0), Handler) as listening:
        if taken.certificate:
            listening.socket = _tls(taken.certificate).wrap_socket(listening.socket, server_side=True)
        with _served(listening):
            taken.port = listening.server_address[1]
            yield taken


@contextmanager
def silent_server() -> Iterator[int]:
    """The port of a server that accepts calls and never says a word."""
    over, calls = threading.Event(), []

    def accept(listening: socket.socket) -> None:
        while not over.is_set():
            with _quietly():
                calls.append(listening.accept()[0])

    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(0.1)
        thread = threading.Thread(target=accept, args=(listening,))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()
            for call in calls:
                call.close()


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def write_certificate(path: Path) -> Path:
    """Make a certificate of 127.0.0.1 that vouches for itself, with its key in the same file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail of the tests")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    return path


class _Conversation:
    """One connection to the mail server."""

    def __init__(self, handler: socketserver.StreamRequestHandler, server: MailServer) -> None:
        self.server, self.connection = server, handler.request
        self.is_encrypted = False
        self.stream = self.connection.makefile("rwb")

    def run(self) -> None:
        if self.server.encrypted:
            self.encrypt()
        self.say(b"220 mail of the tests")
        while line := self.stream.readline():
            command, _, rest = line.strip().decode().partition(" ")
            match command.upper():
                case "EHLO":
                    self.greet()
                case "STARTTLS":
                    self.say(b"220 go on")
                    self.encrypt()
                case "AUTH":
                    self.log_in(rest)
                case "MAIL" | "RSET":
                    self.say(b"250 well")
                case "RCPT":
                    recipient = rest.partition("<")[2].partition(">")[0]
                    self.say(b"550 nobody here" if recipient in self.server.unknown else b"250 well")
                case "DATA":
                    self.take()
                case "QUIT":
                    self.say(b"221 so long")
                    return
                case _:
                    self.say(b"502 not understood")

    def say(self, line: bytes) -> None:
        self.stream.write(line + b"\r\n")
        self.stream.flush()

    def end(self) -> None:
        with _quietly():
            self.stream.close()
        self.connection.close()

    def greet(self) -> None:
        words = [b"mail of the tests"]
        words += [b"STARTTLS"] if self.server.certificate and not self.is_encrypted else []
        words += [b"AUTH PLAIN"] if self.server.accounts else []
        for word in words[:-1]:
            self.say(b"250-" + word)
        self.say(b"250 " + words[-1])

    def encrypt(self) -> None:
        assert self.server.certificate is not None
        self.stream.close()
        self.connection = _tls(self.server.certificate).wrap_socket(self.connection, server_side=True)
        self.stream, self.is_encrypted = self.connection.makefile("rwb"), True

    def log_in(self, rest: str) -> None:
        _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        self.server.logins.append(user)
        self.say(b"235 well" if self.server.accounts.get(user) == password else b"535 wrong password")

    def take(self) -> None:
        self.say(b"354 go on")
        lines = []
        while (line := self.stream.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if self.server.refusals:
            self.say(self.server.refusals.pop(0))
            return
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.server.mails.append(mail)
        self.server.was_encrypted.append(self.is_encrypted)
        self.say(b"250 well")


def _tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def _served(listening: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        listening.shutdown()
        thread.join()


@contextmanager
def _quietly() -> Iterator[None]:
    """Callers that hang up, and calls that do not come, are no fault of the test."""
    with suppress(OSError):
        yield
