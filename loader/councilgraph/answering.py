"""Queries answered in processes of their own: one that takes too long, or too much memory, is ended there.

A query inside the store cannot be interrupted; a process can be killed. `Answerers` keeps some processes
of this module, and hands each a query at a time: a line of JSON in, a line of JSON and a body out.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from pyoxigraph import (
    NamedNode,
    QueryBoolean,
    QueryResultsFormat,
    QueryTriples,
    RdfFormat,
    Store,
    Triple,
    serialize,
)
from pyoxigraph import parse_query_results as parse

from councilgraph import bundle, dataset, queries, wellknown
from councilgraph.errors import CouncilgraphError, UsageError
from councilgraph.namespaces import PREFIXES

_LARGEST = 64 * 2**20  # bytes of an answer
_START = 60.0  # seconds that a process has to start
_ABOUT = 60.0  # seconds, at least, for what the endpoint says of itself: it counts the whole graph


@dataclass(frozen=True)
class Limits:
    """What a query may have: seconds, rows (or triples), megabytes of memory, servers that it may call."""

    seconds: float
    rows: int
    megabytes: int
    services: tuple[str, ...] = ()

    def patience(self, request: Mapping[str, Any]) -> float:
        """The seconds that a request may take."""
        return max(self.seconds, _ABOUT) if "about" in request else self.seconds


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP: status, media type, body; and whether rows were left out."""

    status: int
    media: str
    body: bytes
    cut: bool = False


def refused(status: int, error: CouncilgraphError) -> Answer:
    """An answer that says what went wrong, in one line."""
    return Answer(status, "text/plain; charset=utf-8", f"{error}\n".encode())


class Answerers:
    """So many processes that answer queries over the store that is in use when a query begins."""

    def __init__(self, root: Path, limits: Limits, count: int) -> None:
        self._limits = limits
        self._settings = json.dumps({"root": str(root), **asdict(limits)})
        self._free: asyncio.LifoQueue[_Process | None] = asyncio.LifoQueue()
        for _ in range(count):
            self._free.put_nowait(None)  # started when it is needed

    async def ask(self, request: dict[str, Any]) -> Answer:
        """The answer to a request, which may wait as long as it may take; cancelled, its query ends."""
        try:
            async with asyncio.timeout(self._limits.seconds):
                process = await self._free.get()
        except TimeoutError:
            return refused(503, CouncilgraphError("server", "is busy", "Ask again in a while."))
        kept = None
        try:
            if process is None or not process.alive:
                process = await _Process.start(self._settings)
            async with asyncio.timeout(self._limits.patience(request)):
                answer = await process.ask(request)
            kept = process
            return answer
        except TimeoutError:
            allowed = f"{self._limits.patience(request):g} seconds"
            error = CouncilgraphError("query", f"was not answered within {allowed}", "Ask for less.")
            return refused(504, error)
        except EOFError:
            assert process
            return refused(500, await process.ending(self._limits.megabytes))
        except CouncilgraphError as error:
            return refused(500, error)
        finally:
            if process and not kept:
                process.kill()
            self._free.put_nowait(kept)

    def close(self) -> None:
        """End the processes that wait."""
        while not self._free.empty():
            process = self._free.get_nowait()
            if process:
                process.kill()


class _Process:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        self._process, self._in, self._out = process, process.stdin, process.stdout

    @classmethod
    async def start(cls, settings: str) -> _Process:
        """A process that is ready; CouncilgraphError where it does not come to be."""
        made = cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "councilgraph.answering", settings),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the server
            )
        )
        ready = False
        try:
            async with asyncio.timeout(_START):
                await made._line()
                ready = True
        except (TimeoutError, EOFError) as error:
            remedy = "Give it more with --memory, and try whether `councilgraph query` works."
            raise CouncilgraphError("server", "cannot start a process that answers", remedy) from error
        finally:
            if not ready:
                made.kill()
        return made

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, request: dict[str, Any]) -> Answer:
        try:
            self._in.write(json.dumps(request).encode() + b"\n")
            await self._in.drain()
            head = await self._line()
            body = await self._out.readexactly(head.pop("length"))
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise EOFError from error
        return Answer(body=body, **head)

    async def _line(self) -> dict[str, Any]:
        line = await self._out.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        found: dict[str, Any] = json.loads(line)
        return found

    async def ending(self, megabytes: int) -> CouncilgraphError:
        """Why it ended."""
        code = await self._process.wait()
        if code in (-signal.SIGABRT, -getattr(signal, "SIGKILL", 9)):
            return _too_much(megabytes)
        return CouncilgraphError("query", f"ended the process that was to answer it ({code})", "Report this.")

    def kill(self) -> None:
        if self.alive:
            self._process.kill()


def _too_much(megabytes: int) -> CouncilgraphError:
    return CouncilgraphError(
        "query", f"needs more memory than it may have ({megabytes:,} MB)", "Ask for less, or in parts."
    )


def main() -> None:
    """Answer the requests of standard input, one after the other, until there are no more."""
    settings = json.loads(sys.argv[1])
    root, limits = Path(settings.pop("root")), Limits(**settings)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limits.megabytes * 2**20,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = sys.stdout.buffer
    _write(out, {})
    for answer in _answers(root, limits):
        head = {"status": answer.status, "media": answer.media, "cut": answer.cut, "length": len(answer.body)}
        _write(out, head, answer.body)


def _write(out: BinaryIO, head: dict[str, Any], body: bytes = b"") -> None:
    out.write(json.dumps(head).encode() + b"\n" + body)
    out.flush()


def _answers(root: Path, limits: Limits) -> Iterator[Answer]:
    rooms, used = bundle.rooms(root), None
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if hasattr(signal, "alarm"):  # should the server be killed, this process ends all the same
            signal.alarm(math.ceil(limits.patience(request)) + 5)
        used = dataset.in_use(rooms, used)
        if used is None:
            remedy = "Build it: councilgraph build."
            answer = refused(503, CouncilgraphError(str(rooms.home), "has no store that opens", remedy))
        else:
            answer = _answer(used.store, request, limits)
        if hasattr(signal, "alarm"):
            signal.alarm(0)
        yield answer


def _answer(store: Store, request: dict[str, Any], limits: Limits) -> Answer:
    try:
        about = request.get("about")
        answer = _about(store, request, limits) if about else _asked(store, request, limits)
    except UsageError as error:
        return refused(400, error)
    except MemoryError:
        return refused(500, _too_much(limits.megabytes))
    except (OSError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())[:300]
        return refused(
            500, CouncilgraphError("query", f"cannot be answered ({why})", "Mend it and ask again.")
        )
    if len(answer.body) > _LARGEST:
        why = f"has an answer of more than {_LARGEST // 2**20} MB"
        return refused(500, CouncilgraphError("query", why, "Ask for less, or in parts."))
    return answer


def _about(store: Store, request: dict[str, Any], limits: Limits) -> Answer:
    endpoint, media = request["endpoint"], request["triples"]
    if request["about"] == "void":
        said = wellknown.described(store, endpoint, request["document"])
    else:
        said = wellknown.service(store, endpoint, limits.services)
    return Answer(200, media, _written(sorted(set(said), key=str), media))


def _asked(store: Store, request: dict[str, Any], limits: Limits) -> Answer:
    default, named = request["default"], request["named"]
    graphs: dict[str, Any] = {}
    if default or named:
        try:
            graphs["default_graph"] = [NamedNode(iri) for iri in default]
            graphs["named_graphs"] = [NamedNode(iri) for iri in named]
        except ValueError as error:
            raise UsageError("graph", f"is no IRI ({error})", "Name the graph by its IRI.") from error
    found = queries.answered(store, request["query"], limits.services, **graphs)
    wanted = request["triples" if isinstance(found, QueryTriples) else "rows"]
    if not wanted:
        kinds = wellknown.TRIPLES if isinstance(found, QueryTriples) else wellknown.ROWS
        why = UsageError("Accept", "has no form that this answer has", f"Take one of: {', '.join(kinds)}.")
        return refused(406, why)
    if isinstance(found, QueryTriples):
        triples = list(islice(found, limits.rows + 1))
        body = _written(triples[: limits.rows], wanted)
        return Answer(200, wanted, body, cut=len(triples) > limits.rows)
    form = wellknown.ROWS[wanted]
    if isinstance(found, QueryBoolean):
        return Answer(200, wanted, found.serialize(format=form) or b"")
    lines, cut = _Lines(limits.rows + 1), False
    try:
        found.serialize(lines, format=QueryResultsFormat.TSV)
    except _EnoughError:
        cut = True
    kept = lines.kept()
    if form != QueryResultsFormat.TSV:
        kept = parse(kept, QueryResultsFormat.TSV).serialize(format=form) or b""
    return Answer(200, wanted, kept, cut)


def _written(triples: list[Triple], media: str) -> bytes:
    """Triples in a form, with the prefixes that they use."""
    plain = serialize(triples, format=RdfFormat.N_TRIPLES) or b""
    known = sorted({**PREFIXES, **wellknown.PREFIXES}.items())
    used = {prefix: base for prefix, base in known if f"<{base}".encode() in plain}
    return serialize(triples, format=wellknown.TRIPLES[media], prefixes=used) or b""


class _EnoughError(Exception):
    """There are more lines than are wanted."""


class _Lines(BytesIO):
    """A file that takes so many lines: of TSV, where a row is a line and every term stands in full."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most, self._count = most, 0

    def write(self, part: bytes, /) -> int:  # type: ignore[override] # IO takes any buffer; pyoxigraph writes bytes
        """Take a part, or stop the writer."""
        self._count += part.count(b"\n")
        written = super().write(part)
        if self._count > self._most or self.tell() > _LARGEST:
            raise _EnoughError
        return written

    def kept(self) -> bytes:
        """The lines that are complete, and no more of them than are wanted."""
        lines = self.getvalue().split(b"\n")
        return b"".join(line + b"\n" for line in lines[: min(self._most, len(lines) - 1)])


if __name__ == "__main__":
    main()
