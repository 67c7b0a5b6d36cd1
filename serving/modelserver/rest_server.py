"""The sockets of the REST API."""

import functools
import http.server
import logging
import re
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from serving.modelserver.rest import Answer, RestApi, error_answer

MAX_BODY_BYTES = 32 * 1024 * 1024
CLIENT_SECONDS = 30.0
"""How long a client may keep silent in the middle of a request, or between two on one connection."""

STOP_CHECK_SECONDS = 0.1

_LENGTH = re.compile("[0-9]{1,12}")

log = logging.getLogger(__name__)


class RestServer(http.server.ThreadingHTTPServer):
    """Listens and answers, a thread per connection.

    Args:
        host: address to listen on.
        port: TCP port.
        api: what answers.

    Raises:
        OSError: the port cannot be had.
    """

    request_queue_size = 128

    def __init__(self, host: str, port: int, api: RestApi) -> None:
        super().__init__((host, port), functools.partial(_Handler, api))
        self._thread = threading.Thread(target=self.serve_forever, args=(STOP_CHECK_SECONDS,), name="rest", daemon=True)
        self._changed = threading.Condition()
        self._num_requests = 0

    def server_bind(self) -> None:
        """Bind without asking a name server for this machine's full name, as the base class would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Note a connection that broke, in one line."""
        log.info("REST connection from %s ended early: %s", client_address, sys.exception())

    def start(self) -> None:
        """Answer from now on, in the background."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Take no more connections, and let the requests under way end.

        Args:
            seconds: how long they may take.
        """
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._changed:
            self._changed.wait_for(lambda: self._num_requests == 0, seconds)

    @contextmanager
    def request_under_way(self) -> Iterator[None]:
        """Let `stop` know of a request, from its headers to the last byte of its answer."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changed:
            self._num_requests += change
            self._changed.notify_all()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: RestServer
    protocol_version = "HTTP/1.1"
    server_version = "heritage-model-server"
    sys_version = ""
    timeout = CLIENT_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    error_content_type = "application/json"
    error_message_format = '{"error": "HTTP error %(code)d"}'

    def __init__(self, api: RestApi, *arguments: object) -> None:
        self._api = api
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        with self.server.request_under_way():
            self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def _answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not _LENGTH.fullmatch(length):
            self._refuse(411, "The body needs a Content-Length")
        elif int(length) > MAX_BODY_BYTES:
            self._refuse(413, f"The body has {int(length):,} bytes; at most {MAX_BODY_BYTES:,} are accepted")
        else:
            body = self.rfile.read(int(length))
            self._send(self._api.answer(self.command, self.path.partition("?")[0], body))

    def handle_expect_100(self) -> bool:
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def log_message(self, format: str, *args: object) -> None:
        log.debug("REST " + format, *args)

    def _refuse(self, status: int, message: str) -> None:
        self.close_connection = True  # the body was not read
        self._send(error_answer(status, message))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()
