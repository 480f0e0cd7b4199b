"""The read-only SPARQL endpoint and its query page. The only importer of Starlette and uvicorn.

Follows the SPARQL 1.1 Protocol (query operation), SPARQL 1.1 Service Description, and VoID's well-known
address. What answers stands in `answering`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl

import mimeparse
import uvicorn
from pyoxigraph import NamedNode
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from councilgraph import queries, wellknown
from councilgraph.answering import Answer, Answerers, Limits, refused
from councilgraph.bundle import PACKAGE, Rooms
from councilgraph.errors import CouncilgraphError, UsageError

_LONGEST = 2**20  # bytes of a request
_FORM, _QUERY = "application/x-www-form-urlencoded", "application/sparql-query"
_PAGE = {"": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
#: Other names that clients give a form by; the first that a client likes best is taken, ours before these.
_ROWS = {"application/json": "application/sparql-results+json"}


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; CouncilgraphError where it cannot."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        # Python adds the address to what the system says; of a name that means nothing there is no number.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        remedy = "Take another --port (0: any that is free) or --host."
        raise CouncilgraphError(f"{host}:{port}", f"cannot be listened at ({why})", remedy) from error


def serve(listening: socket.socket, rooms: Rooms, limits: Limits, count: int) -> None:
    """Answer at a socket until the process is interrupted or told to end."""
    app = application(rooms, limits, count)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        server_header=False,
        timeout_graceful_shutdown=1,
        limit_concurrency=1000,
    )
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        uvicorn.Server(config).run(sockets=[listening])
    except KeyboardInterrupt:
        pass  # it has ended by then
    finally:
        signal.signal(signal.SIGTERM, before)


def application(rooms: Rooms, limits: Limits, count: int) -> ASGIApp:
    """The endpoint as an ASGI application: `/`, `/query`, `/queries.json`, `/.well-known/void`."""
    answerers = Answerers(rooms.root, limits, count)
    canned = [
        {
            "name": q.name,
            "title": q.title,
            "question": q.question,
            "tags": q.tags,
            "text": q.text,
            "params": [{"name": param.name, "help": param.help} for param in q.params],
        }
        for q in queries.catalogue(rooms)
    ]

    async def sparql(request: Request) -> Response:
        return _response(await _answered(request, answerers, _request(request)), limits)

    async def void(request: Request) -> Response:
        return _response(await _answered(request, answerers, _about(request, "void")), limits)

    async def catalogue(_: Request) -> Response:
        return JSONResponse(canned)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        answerers.close()

    routes = [
        Route("/query", sparql, methods=["GET", "POST"]),
        Route("/.well-known/void", void),
        Route("/queries.json", catalogue),
        *(Route(f"/{name}", _file(name, media)) for name, media in _PAGE.items()),
    ]
    return _WithHeaders(
        Starlette(
            routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _failed, Exception: _failed}
        )
    )


class _WithHeaders:
    """An application whose every answer has the headers that keep a browser safe."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, receive, sent)


def _file(name: str, media: str) -> Callable[[Request], Any]:
    content = (PACKAGE / "page" / (name or "index.html")).read_bytes()

    async def file(_: Request) -> Response:
        return Response(content, media_type=media)

    return file


async def _failed(_: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return Response(f"{error.detail}\n", error.status_code, error.headers, "text/plain")
    why = CouncilgraphError("server", f"unforeseen: {type(error).__name__}", "Report what was asked.")
    return Response(f"{why}\n", 500, None, "text/plain")


async def _answered(
    request: Request, answerers: Answerers, reading: Awaitable[dict[str, Any] | Answer]
) -> Answer:
    """The answer to what a request asks; where the client leaves before, the query ends."""
    try:
        asked = await reading
    except UsageError as error:
        return refused(400, error)
    if isinstance(asked, Answer):
        return asked
    asking, gone = asyncio.ensure_future(answerers.ask(asked)), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({asking, gone}, return_when=asyncio.FIRST_COMPLETED)
        return asking.result() if asking.done() else Answer(499, "text/plain", b"")
    finally:
        gone.cancel()
        if asking.cancel():
            with suppress(asyncio.CancelledError):
                await asking


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _response(answer: Answer, limits: Limits) -> Response:
    headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
    if answer.cut:
        headers["X-SPARQL-MaxRows"] = str(limits.rows)
    if answer.status == 503:
        headers["Retry-After"] = "5"
    return Response(answer.body, answer.status, headers, answer.media)


async def _request(request: Request) -> dict[str, Any] | Answer:
    """What the query operation of the SPARQL 1.1 Protocol asks; UsageError where it asks nothing clear."""
    pairs = _pairs(request.url.query)
    if request.method == "POST":
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await _body(request)
        if media == _FORM:
            pairs = _pairs(body)
        elif media == _QUERY:
            pairs += [("query", body)]
        elif media != "application/sparql-update":
            why = f"is not {_QUERY} or {_FORM}"
            return refused(415, UsageError("Content-Type", why, "Send the query as one of these."))
        else:
            pairs += [("update", body)]
    said: dict[str, list[str]] = {}
    for name, value in pairs:
        said.setdefault(name, []).append(value)
    if "update" in said:
        raise UsageError("update", "is not done here", "The store is read only: change data/ and build.")
    texts = said.get("query", [])
    if not texts and request.method != "POST":
        return await _about(request, "service")
    if len(texts) != 1:
        raise UsageError("query", f"is given {len(texts)} times", "Send one.")
    rows = _form(request, [*_ROWS, *reversed(wellknown.ROWS)])
    return {
        "query": texts[0],
        "default": said.get("default-graph-uri", []),
        "named": said.get("named-graph-uri", []),
        "rows": _ROWS.get(rows, rows),
        "triples": _form(request, reversed(wellknown.TRIPLES)),
    }


async def _about(request: Request, about: str) -> dict[str, Any] | Answer:
    """What an endpoint is asked of itself: the service description or VoID."""
    triples = _form(request, reversed(wellknown.TRIPLES)) or next(iter(wellknown.TRIPLES))
    try:
        endpoint = NamedNode(str(request.url_for("sparql"))).value
        document = NamedNode(str(request.url_for("void"))).value
    except ValueError as error:
        raise UsageError("Host", f"is no address ({error})", "Send the server's own.") from error
    return {"about": about, "endpoint": endpoint, "document": document, "triples": triples}


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise UsageError("request", f"cannot be read ({error})", "Send its parameters as UTF-8.") from error


async def _body(request: Request) -> str:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST:
            raise HTTPException(413, f"query: is longer than {_LONGEST // 2**20} MB. Ask in parts.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise UsageError("request", "is not UTF-8", "Send it as UTF-8.") from error


def _form(request: Request, forms: Iterable[str]) -> str:
    """The form that a client likes best, the last of equals; nothing where it takes none."""
    accept = ", ".join(request.headers.getlist("accept")) or "*/*"
    try:
        return str(mimeparse.best_match(list(forms), accept))
    except mimeparse.MimeTypeParseException:
        return ""
