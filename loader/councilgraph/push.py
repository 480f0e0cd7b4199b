"""Put the graph into a store elsewhere: its readers see the old graph, or the new one, and nothing between.

Where the store is known to carry out a request as one transaction, the triples are put in the place of the
old graph at once. Elsewhere, and to be verified, they go into a staging graph; what arrived there is counted,
and only then moved into that place, which is one update. A push that dies leaves its staging graph: the store
keeps a list of them (in the graph `STAGING`), and the next push drops those whose push has ended.
"""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, parse

from councilgraph import dataset, publish
from councilgraph.dataset import Clock, Progress, Text, silent
from councilgraph.endpoint import Body, PassingError, RefusedError, Remote, iri, named, near
from councilgraph.errors import CouncilgraphError, UsageError
from councilgraph.namespaces import BASE, DCTERMS

#: Lists the staging graphs of a store: each `dcterms:replaces` the name of the graph that it is for.
STAGING = f"{BASE}staging"
#: Seconds after which a push from elsewhere has ended, one way or the other.
_STALE = 86_400
#: The triples of an update where there is no Graph Store Protocol, and the bytes that end one earlier.
_BATCH, _BATCH_BYTES = 1_000, 500_000
#: What a store answers to a PUT where it has no Graph Store Protocol.
_NO_STORE = (404, 405, 501)
_TURTLE, _TRIG = "text/turtle", "application/trig"
#: What parts a form, behind a carriage return: the text has none.
_BOUNDARY = "councilgraph"
#: The triples that the slowest of stores moves in a second, about.
_MOVED = 2_000
Step = Callable[[int, int], None]  # how far, of how much


@dataclass(frozen=True)
class Pushed:
    """What a push put where, or would: triples, in the place of how many, and how.

    `way` is empty where nothing was sent; `digest` is the canonical hash, where it was compared.
    """

    triples: int
    before: int
    way: str = ""
    digest: str = ""


def push(
    text: Text,
    remote: Remote,
    graph: str = "",
    *,
    dry_run: bool = False,
    verify: bool = False,
    compress: bool | None = None,
    progress: Progress = silent,
    step: Step | None = None,
) -> Pushed:
    """Put the graph in the place of a graph of another store, or of its default graph.

    `text` is the graph; memory does not grow with it, save to `verify`, which compares canonical hashes,
    in the staging graph and in its place. `compress` sends gzip where the server takes it, if it is not said:
    to other machines. CouncilgraphError where the push fails: the old graph answers then, whole.
    """
    _allowed(remote, graph)
    clock = Clock(progress)
    before = remote.count(graph)
    clock("reached", f"{remote.where.name}, {before:,} triples in {_called(graph)}")
    count = text.triples
    if dry_run:
        return Pushed(count, before)
    dropped = _sweep(remote)
    if dropped:
        clock("cleaned", f"{dropped} staging graph{'' if dropped == 1 else 's'} of pushes that died")
    staging = f"{STAGING}/{_us()}-{os.getpid()}-{time.time_ns()}"
    entry = f"{NamedNode(staging)} {DCTERMS.replaces} {Literal(graph or 'default')}"
    remote.update(f"INSERT DATA {{ GRAPH <{STAGING}> {{ {entry} }} }}")
    try:
        if compress is None:
            compress = not near(remote.where.store)
        way = _way(remote, staging, compress)
        staged = verify or way == "batches" or not remote.where.atomic
        if way == "batches":
            _insert(remote, staging, text, step)
        elif staged:
            _put(remote, staging, _body(text, way == "gzip", step))
        else:
            whole = _form(text, step) if before and remote.where.as_form else _trig(text, way == "gzip", step)
            remote.replace(graph, whole, before == 0, count / _MOVED)
        digest = publish.canonical_hash(text.said()) if verify else ""
        if staged:
            _arrived(remote, staging, count)
            if digest:
                _same(remote, staging, digest)
        clock("sent", f"{count:,} triples by {_WAYS[way]}{', in one transaction' * (not staged)}")
        if staged:
            _move(remote, staging, graph, count)
    except CouncilgraphError as error:
        if not isinstance(error, RefusedError) or error.status:  # it still answers
            with suppress(CouncilgraphError):
                if remote.count(graph) == before:  # and has not begun to move
                    _drop(remote, staging)
        raise
    _arrived(remote, graph, count)
    if digest:
        _same(remote, graph, digest)
    done = "moved" if staged else "counted"
    clock(done, f"{count:,} triples counted in {_called(graph)}{', canonical hash ' * verify}{digest}")
    _drop(remote, staging)
    return Pushed(count, before, _WAYS[way], digest)


_WAYS = {
    "gzip": "the Graph Store Protocol, gzip",
    "plain": "the Graph Store Protocol",
    "batches": "SPARQL Update, in batches",
}


def _allowed(remote: Remote, graph: str) -> None:
    if graph:
        iri(graph)
        for own in ("derived", "scenario", "staging"):
            if graph == f"{BASE}{own}" or graph.startswith(f"{BASE}{own}/"):
                why = "is where councilgraph keeps what is not the graph"
                raise UsageError("--graph", f"{graph} {why}", f"Take another, such as {BASE}graph.")
    elif not remote.where.own_default:
        why = f"is needed: the default graph of {remote.where.name} is all of its graphs together"
        raise UsageError("--graph", why, f"Name one, such as {BASE}graph.")


def _way(remote: Remote, staging: str, compress: bool) -> str:
    """How the store takes triples: found with one triple, since some say that they took what they did not."""
    if not remote.where.store:
        return "batches"
    line = f"<{staging}> {DCTERMS.replaces} <{staging}> .\n".encode()
    for way in ("gzip", "plain") if compress else ("plain",):
        part = dataset.packed(line) if way == "gzip" else line
        coding = "gzip" if way == "gzip" else ""
        try:
            remote.put(staging, Body(partial(iter, [part]), _TURTLE, coding=coding, size=len(part)))
            if remote.count(staging) == 1:
                return way
        except RefusedError as error:
            if error.status in _NO_STORE:
                return "batches"
            if way == "plain" or error.status in (0, 401, 403, 429, 503):
                raise
    raise CouncilgraphError(remote.where.store, "says that it took a triple that it does not have")


def _body(text: Text, compress: bool, step: Step | None) -> Body:
    """The graph as Turtle, with its length."""
    parts, size = (text.packed, text.file.stat().st_size) if compress else (text.parts, text.size)
    return Body(lambda: _told(parts(), step, size), _TURTLE, coding="gzip" if compress else "", size=size)


def _trig(text: Text, compress: bool, step: Step | None) -> Body:
    """The graph as TriG, in braces: it is refused without the last.

    Fuseki takes one that breaks off before the first, or packed and somewhat later, for an empty graph.
    """

    def parts() -> Iterator[bytes]:
        return _told(text.braced(), step, text.size)

    return Body(lambda: _packed(parts()), _TRIG, coding="gzip") if compress else Body(parts, _TRIG)


def _form(text: Text, step: Step | None) -> Body:
    """The graph as a file in a form (RFC 7578), which is refused without its end.

    Fuseki takes Turtle that breaks off behind a full stop for a whole otherwise.
    """

    def parts() -> Iterator[bytes]:
        yield f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name=graph; filename=graph.ttl\r\n".encode()
        yield f"Content-Type: {_TURTLE}\r\n\r\n".encode()
        yield from _told(text.parts(), step, text.size)
        yield f"\r\n--{_BOUNDARY}--\r\n".encode()

    return Body(parts, f"multipart/form-data; boundary={_BOUNDARY}")


def _told(parts: Iterable[bytes], step: Step | None, size: int) -> Iterator[bytes]:
    """The parts, with how far they are."""
    done = 0
    for part in parts:
        yield part
        done += len(part)
        if step:
            step(done, size)


def _packed(parts: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)  # which is gzip
    for part in parts:
        yield packer.compress(part)
    yield packer.flush()


def _put(remote: Remote, staging: str, body: Body) -> None:
    try:
        remote.put(staging, body)
    except RefusedError as error:
        if error.status != 500:
            raise
        remote.put(staging, body)  # Virtuoso fails so when it is at odds with itself over locks


def _insert(remote: Remote, staging: str, text: Text, step: Step | None) -> None:
    """Insert the triples, so many at a time: what is inserted twice is there once."""
    done = 0
    lines = (f"{triple} .\n" for triple in text.said())
    while batch := _some(lines):
        remote.update(f"INSERT DATA {{ GRAPH <{staging}> {{\n{''.join(batch)}}} }}")
        done += len(batch)
        if step:
            step(done, text.triples)


def _some(lines: Iterator[str]) -> list[str]:
    batch, size = [], 0
    for line in islice(lines, _BATCH):
        batch.append(line)
        size += len(line)
        if size > _BATCH_BYTES:
            break
    return batch


def _arrived(remote: Remote, graph: str, count: int) -> None:
    found = remote.count(graph)
    if found != count:
        why = f"holds {found:,} triples in {_called(graph)} where {count:,} were sent"
        remedy = "Look into its log, and whether somebody else writes there; then push again."
        raise CouncilgraphError(remote.where.query, why, remedy)


def _same(remote: Remote, graph: str, digest: str) -> None:
    with tempfile.TemporaryDirectory(prefix="councilgraph-") as folder:
        file = remote.fetch(graph, Path(folder))
        form = RdfFormat.from_extension(file.suffix.removeprefix("."))
        found = publish.canonical_hash(quad.triple for quad in parse(path=file, format=form))
    if found != digest:
        hashes = f"{found[:12]}…, not {digest[:12]}…"
        why = f"gives back other triples from {_called(graph)} than were sent ({hashes})"
        raise CouncilgraphError(remote.where.query, why, "It rewrites terms: see docs/stores.md.")


def _move(remote: Remote, staging: str, graph: str, count: int) -> None:
    """Move the staging graph into its place. Where the connection breaks, look what was done, and go on."""
    for last in (False, False, True):
        try:
            remote.move(staging, graph, count / _MOVED)
            return
        except PassingError as error:
            held = remote.count(staging)
            if held == 0:  # it was moved, and only the answer was lost
                return
            if last or held != count or error.unsent:
                raise


def _drop(remote: Remote, staging: str) -> None:
    """Drop a staging graph, and take it from the list."""
    remote.update(f"DROP SILENT {named(staging)}")
    remote.update(f"DELETE WHERE {{ GRAPH <{STAGING}> {{ {iri(staging)} ?replaces ?graph }} }}")
    if remote.count(STAGING) == 0:
        remote.update(f"DROP SILENT {named(STAGING)}")


def _sweep(remote: Remote) -> int:
    """Drop the staging graphs of pushes that have ended; how many."""
    dropped = 0
    for node in remote.subjects(STAGING):
        if node.startswith(f"{STAGING}/") and _ended(node.removeprefix(f"{STAGING}/")):
            _drop(remote, node)
            dropped += 1
    return dropped


def _ended(name: str) -> bool:
    """Whether the push whose staging graph has this name has ended."""
    try:
        host, pid, begun = name.split("-")
        if host == _us():
            return not dataset.alive(int(pid))
        return time.time_ns() - int(begun) > _STALE * 1_000_000_000
    except ValueError:
        return True


def _us() -> str:
    """What tells machines apart, without their names."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:12]


def _called(graph: str) -> str:
    return f"<{graph}>" if graph else "the default graph"
