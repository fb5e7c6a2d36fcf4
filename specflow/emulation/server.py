"""A threaded HTTP/1.1 server that only this machine can reach and only who knows the token can use."""

from __future__ import annotations

import hmac
import ipaddress
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path as FilePath
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from specflow.emulation.faults import Fault, Faults
from specflow.emulation.hold import Hold
from specflow.emulation.log import Entry, RequestLog
from specflow.emulation.messages import Refusal, Request, Response, as_json
from specflow.emulation.routes import Routes
from specflow.emulation.token import kept_token
from specflow.errors import UsageError

__all__ = ["MAX_BODY", "Server"]

MAX_BODY = 1 << 30
"""The most bytes of a request's body."""
LARGE = 2**20
"""Bytes from which on an answer is not copied once more to be sent."""

CONTROL = "/_emulator/"


class Server:
    """An emulator's HTTP side. `url`, `port` and `token` are there from the beginning, answers once it is started."""

    def __init__(
        self,
        routes: Routes,
        shape: Callable[[Refusal], Response],
        *,
        root: FilePath,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Iterable[Fault] = (),
    ) -> None:
        """Bind a port (0: any free one) and make the token; refuse an address that other machines could reach."""
        if not _is_loopback(host):
            raise UsageError(
                f'an emulator does not listen on "{host}"', "it runs what it is sent: use 127.0.0.1 or ::1"
            )
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.token_file = root / "token"
        self.token = kept_token(self.token_file)
        self._hold = Hold(root)
        self.faults = Faults(faults)
        self.routes, self.shape = routes, shape
        try:
            self._http = _Http((host, port), self)
        except OSError as fault:
            self._hold.let_go()
            raise UsageError(f"port {port} of {host} can't be used: {fault.strerror}", "name another one") from fault
        self.log = RequestLog(root / "requests.log")
        self.port: int = self._http.server_address[1]
        address = f"[{host}]" if ":" in host else host
        self.url = f"http://{address}:{self.port}"
        self.hosts = {f"{address}:{self.port}", f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="emulator-http", daemon=True
        )
        self._add_control_routes()

    def start(self) -> None:
        """Answer requests from now on, on threads of the server's own."""
        self._thread.start()

    def stop(self, grace_s: float = 2.0) -> None:
        """Take no new connection, let requests under way end within the grace, and close everything."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.drain(grace_s)
        self.log.close()
        self._hold.let_go()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, request: Request) -> Response:
        """Return the answer to a request whose Host was checked: the handler's, or a refusal in the vendor's shape."""
        try:
            route, params = self.routes.find(request.method, request.path)
            if not route.is_open:
                self._check_token(request)
            found = Request(request.method, request.path, request.query, request.headers, request.body, params)
            return route.handler(found)
        except Refusal as refusal:
            return self.refuse(refusal)
        except Exception as fault:  # a bug in the emulator must not hang its client
            traceback.print_exc(file=sys.stderr)
            return self.refuse(Refusal(500, f"the emulator has a bug: {type(fault).__name__}", "internal"))

    def refuse(self, refusal: Refusal) -> Response:
        """Return a refusal in the vendor's shape."""
        shaped = self.shape(refusal)
        return Response(shaped.status, shaped.body, {**shaped.headers, **refusal.headers})

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(401, "a bearer token is needed", "unauthenticated")
        if not hmac.compare_digest(token.strip().encode(), self.token.encode()):
            raise Refusal(401, "the token is not valid", "unauthenticated")

    def _add_control_routes(self) -> None:
        self.routes.add("GET", f"{CONTROL}faults", lambda _: as_json([fault.as_data() for fault in self.faults.all()]))
        self.routes.add("PUT", f"{CONTROL}faults", self._set_faults)
        self.routes.add("DELETE", f"{CONTROL}faults", lambda _: self._forget_faults())
        self.routes.add("GET", f"{CONTROL}requests", lambda _: as_json([asdict(entry) for entry in self.log.entries()]))

    def _set_faults(self, request: Request) -> Response:
        data = request.json()
        try:
            self.faults.set([Fault.from_data(fault) for fault in data])
        except (ValueError, TypeError, AttributeError) as fault:
            raise Refusal(400, str(fault), "bad-request") from fault
        return as_json({})

    def _forget_faults(self) -> Response:
        self.faults.set(())
        return as_json({})


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: Server) -> None:
        self.owner = owner
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._open: set[socket.socket] = set()
        self._busy = 0
        self._change = threading.Condition()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer would ask the resolver for this machine's name, which can take seconds without a network.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._change:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._change:
            self._open.discard(request)
            self._change.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's
        if not isinstance(sys.exc_info()[1], OSError):  # a client that went away is no news
            traceback.print_exc(file=sys.stderr)

    def is_busy(self, step: int) -> None:
        with self._change:
            self._busy += step
            self._change.notify_all()

    def drain(self, grace_s: float) -> None:
        with self._change:
            self._change.wait_for(lambda: self._busy == 0, grace_s)
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
            self._change.wait_for(lambda: not self._open, grace_s)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    server: _Http

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the request log does."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what could not be read as HTTP in the vendor's shape, and hang up."""
        del explain
        self.close_connection = True
        self._send(self.server.owner.refuse(Refusal(code, message or HTTPStatus(code).phrase, "bad-request")))

    def _handle(self) -> None:
        owner, begun = self.server.owner, time.perf_counter()
        parts = urlsplit(self.path)
        answer, fault = None, None
        self.server.is_busy(1)
        try:
            try:
                request = self._read(parts.path, parts.query)
                if not parts.path.startswith(CONTROL):
                    delay, fault = owner.faults.meet(self.command, parts.path)
                    time.sleep(delay)
                answer = self._answer(request, fault)
            except Refusal as refusal:
                self.close_connection = True  # what is left of the request can't be told from the next one
                answer = owner.refuse(refusal)
            finally:  # before the answer leaves: who has it finds its request in the log
                spent = round((time.perf_counter() - begun) * 1000, 3)
                name, agent = fault.kind if fault else "", self.headers.get("User-Agent", "")
                owner.log.add(Entry(self.command, parts.path, answer.status if answer else 0, spent, name, agent))
            if answer is None:
                self._reset()
            else:
                self._send(answer)
        finally:
            self.server.is_busy(-1)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _handle  # noqa: N815 - the base class's names

    def _answer(self, request: Request, fault: Fault | None) -> Response | None:
        owner = self.server.owner
        if fault is None:
            return owner.answer(request)
        if fault.handled:
            owner.answer(request)
        return None if fault.kind == "reset" else owner.refuse(fault.refusal())

    def _read(self, path: str, query: str) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        target = urlsplit(self.path)
        # A page in a browser whose name was rebound to 127.0.0.1 still sends that name.
        if headers.get("host") not in self.server.owner.hosts or (target.netloc and target.netloc != headers["host"]):
            raise Refusal(421, "this server answers to its own address only", "wrong-host")
        return Request(self.command, path, dict(parse_qsl(query, keep_blank_values=True)), headers, self._read_body())

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            raise Refusal(400, "Content-Length is not a number", "bad-request")
        if int(length) > MAX_BODY:
            raise Refusal(413, f"a body has at most {MAX_BODY} bytes", "too-large")
        return self._read_exactly(int(length))

    def _read_exactly(self, size: int) -> bytes:
        body = self.rfile.read(size)
        if len(body) < size:  # half a request must not be carried out
            raise ConnectionResetError("the client went away in the middle of a body")
        return body

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            word = self.rfile.readline(64).split(b";")[0].strip()
            try:
                size = int(word, 16)
            except ValueError:
                raise Refusal(400, "a chunk has no size", "bad-request") from None
            if size < 0 or len(body) + size > MAX_BODY:
                raise Refusal(413, f"a body has at most {MAX_BODY} bytes", "too-large")
            if size == 0:
                break
            body += self._read_exactly(size)
            self.rfile.readline(64)
        while self.rfile.readline(65_536).strip():
            pass  # trailers
        return bytes(body)

    def _send(self, answer: Response) -> None:
        phrase = HTTPStatus(answer.status).phrase if answer.status in HTTPStatus._value2member_map_ else "-"
        lines = [f"HTTP/1.1 {answer.status} {phrase}", f"Date: {formatdate(usegmt=True)}"]
        headers = {"Content-Length": str(len(answer.body)), **answer.headers}
        if answer.status == 204 or answer.status < 200:
            headers.pop("Content-Length")
        if self.close_connection:
            headers["Connection"] = "close"
        lines += [f"{name}: {_one_line(value)}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        # One write: with two, Nagle's algorithm and delayed ACKs cost some 40 ms a call.
        is_bare = getattr(self, "command", None) == "HEAD" or answer.status == 204
        if is_bare or len(answer.body) > LARGE:
            self.wfile.write(head)
            self.wfile.write(b"" if is_bare else answer.body)
        else:
            self.wfile.write(head + answer.body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")
