"""What stands between a push and a real store, and does at one request what goes wrong in the world."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: Seconds that any exchange may take, and how many a test may have.
LONGEST, MOST = 60, 500


@dataclass
class Request:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """`get`, `probe` (a triple, to see how the store takes it), `put`, `move`, `update` or `query`."""
        if self.method == "GET":
            return "get"
        media = self.headers.get("Content-Type", "").partition(";")[0]
        if media in ("text/turtle", "application/trig", "multipart/form-data"):
            return "probe" if len(self.body) < 500 else "put"
        if not self.body.startswith(b"update="):
            return "query"
        return "move" if re.search(rb"=MOVE|\+INSERT\+%7B", self.body) else "update"


#: The headers of an answer that are passed on; those that say what the store is.
_PASSED = {"content-type", "www-authenticate", "server", "fuseki-request-id"}
_SAYING = {"server", "fuseki-request-id"}
#: What is answered instead of what the store would; None passes the request on.
Fault = Callable[["Handler", Request], bool]


@dataclass
class Proxy:
    """A server on a port of this machine; `fault` answers a request (True), or lets it through (False).

    Where it is `discreet` it does not pass on what server the store says that it is, as many do not.
    """

    to: int
    fault: Fault | None = None
    discreet: bool = False
    port: int = 0
    seen: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.at("/query")

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def count(self, kind: str) -> int:
        return sum(1 for request in self.seen if request.kind == kind)


class Handler(BaseHTTPRequestHandler):
    """Reads a request, and answers it as the fault or the store does."""

    proxy: Proxy
    protocol_version = "HTTP/1.1"
    timeout = LONGEST

    def log_message(self, *_: object) -> None:
        pass

    def _all(self) -> None:
        if "Transfer-Encoding" in self.headers:
            assert not self.proxy.discreet, "chunked: not every store takes that"
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, self.path, dict(self.headers.items()), body)
        self.proxy.seen.append(request)
        if len(self.proxy.seen) > MOST or (self.proxy.fault and self.proxy.fault(self, request)):
            return
        self.pass_on(request)

    def _chunk(self) -> bytes:
        chunk = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return chunk

    do_GET = do_PUT = do_POST = _all  # noqa: N815 — as http.server has it

    def relay(self, request: Request, end: int | None = None) -> http.client.HTTPConnection:
        """Send a request on, its body to an end before its own, without waiting for what comes of it."""
        store = http.client.HTTPConnection("127.0.0.1", self.proxy.to, timeout=LONGEST)
        store.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            if name != "Connection":
                store.putheader(name, value)
        body = request.body[:end]
        chunked = "Transfer-Encoding" in request.headers
        store.endheaders()
        if body:
            store.send(b"%x\r\n%b\r\n" % (len(body), body) if chunked else body)
        if chunked and end is None:
            store.send(b"0\r\n\r\n")
        return store

    def pass_on(self, request: Request) -> None:
        try:
            store = self.relay(request)
            answer = store.getresponse()
            names = _PASSED - _SAYING if self.proxy.discreet else _PASSED
            kept = {k: v for k, v in answer.getheaders() if k.lower() in names}
            self.say(answer.status, answer.read(), kept)
            store.close()
        except OSError:
            self.reset()  # the store is gone, and so is the connection

    def say(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """End the connection as a broken network does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
        self.wfile = open("/dev/null", "wb")  # noqa: SIM115 — closed with the handler


def once(kind: str, do: Callable[[Handler, Request], None], times: int = 1) -> Fault:
    """Does something at the first requests of a kind, and lets everything else through."""
    left = [times]

    def fault(handler: Handler, request: Request) -> bool:
        if request.kind != kind or left[0] == 0:
            return False
        left[0] -= 1
        do(handler, request)
        return True

    return fault


def says(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler, Request], None]:
    """Answers with a status; `Retry_After` is written so."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.say(status, body, named)


def resets(handler: Handler, _: Request) -> None:
    handler.reset()


def done_then_resets(handler: Handler, request: Request) -> None:
    """The store does it, and nobody hears of that."""
    store = handler.relay(request)
    store.getresponse().read()
    store.close()
    handler.reset()


def sleeps(seconds: float) -> Callable[[Handler, Request], None]:
    def slow(handler: Handler, _: Request) -> None:
        time.sleep(seconds)
        handler.reset()

    return slow


@contextmanager
def proxied(to: int, certificate: tuple[Path, Path] | None = None) -> Iterator[Proxy]:
    """A proxy in front of a store on a port, until the end of the `with`."""
    proxy = Proxy(to)
    handler = type("Bound", (Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up is what is tested
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    proxy.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
