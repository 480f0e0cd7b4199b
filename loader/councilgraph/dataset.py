"""Tables → triples → derived lineage → store. The only module that opens a store.

A store is built beside the old one and taken into use by replacing one small file, `current`, so that a
build that fails or is killed leaves the old store answering.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shutil
import sys
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, cast

from pyoxigraph import (
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    QuerySolutions,
    QueryTriples,
    RdfFormat,
    Store,
    Triple,
    parse,
    serialize,
)

from councilgraph.bundle import Rooms
from councilgraph.concepts import TABLES
from councilgraph.errors import CouncilgraphError, Finding, FindingsError
from councilgraph.iris import kind_of
from councilgraph.namespaces import BASE, PREFIXES, RDF, SKOS, XSD
from councilgraph.tables import Known, Row, choose, key_of, parse_row, read_rows

Progress = Callable[[str, str, float], None]  # stage, what came of it, seconds
_OWL = "http://www.w3.org/2002/07/owl#"
#: The derived triples once more, so that a view can leave them out and derive its own.
DERIVED = NamedNode(f"{BASE}derived")


@dataclass
class Graph:
    """The whole graph in memory, and the row of a table that each record came from."""

    store: Store
    rows: Mapping[str, Row] = field(default_factory=dict)
    #: What files say, where the store says it otherwise: it writes "01" as "1", and a byte as an integer.
    exact: Sequence[Triple] | None = None
    #: The prefixes that files declare.
    prefixes: Mapping[str, str] = field(default_factory=lambda: PREFIXES)

    def __len__(self) -> int:
        return sum(1 for _ in triples(self.store))


def silent(stage: str, result: str, seconds: float) -> None:
    """Show no progress."""


def parsed(paths: Iterable[Path], root: Path, prefixes: dict[str, str] | None = None) -> Iterator[Quad]:
    """The triples of RDF files, as they are read, strictly; an error names file and line.

    `prefixes` takes those that the files declare.
    """
    for path in paths:
        name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
        form = RdfFormat.from_extension(path.suffix.removeprefix(".")) or RdfFormat.TURTLE
        try:
            with path.open("rb") as file:
                reader = parse(file, format=form, base_iri=path.resolve().as_uri())
                yield from reader
            if prefixes is not None:
                prefixes.update(reader.prefixes)
        except SyntaxError as error:
            where = f"{name}:{error.lineno}" if error.lineno else name
            told = str(error.msg)  # which says the line again, before what is wrong
            told = told.partition(": ")[2] if told.startswith("Parser error at ") else told
            why = f"is not {form.name} ({told})"
            raise CouncilgraphError(where, why, "Mend the file.") from error
        except OSError as error:
            raise CouncilgraphError(
                name, f"cannot be read ({error.strerror})", "Look at its path and rights."
            ) from error


def vocabulary(rooms: Rooms) -> tuple[list[Quad], Known]:
    """The ontology's triples, and what cells may take from it."""
    quads = list(parsed(sorted(rooms.ontology.glob("*.ttl")), rooms.root))
    said = [(q.subject.value, q.predicate, q.object.value) for q in quads]  # type: ignore[union-attr] # RDF 1.1
    labels = {subject: value for subject, predicate, value in said if predicate == SKOS.prefLabel}
    concepts: dict[str, dict[str, str]] = {}
    terms = set()
    for subject, predicate, value in said:
        if predicate == SKOS.inScheme:
            folder, slug = kind_of(subject)
            concepts.setdefault(folder.removeprefix("concept/"), {})[slug] = labels.get(subject, slug)
        elif predicate == RDF.type and value in (f"{_OWL}ObjectProperty", f"{_OWL}DatatypeProperty"):
            terms.add(subject.rsplit("#", 1)[-1])
    return quads, Known(concepts=concepts, terms=frozenset(terms))


def read(rooms: Rooms, known: Known, folder: Path | None = None) -> tuple[dict[str, Row], list[Quad]]:
    """Every table's rows by the IRI of their record, and all that they say.

    `folder` holds a scenario's tables, beside those that `known` has. FindingsError lists what is wrong.
    """
    place = folder or rooms.data
    where = place.relative_to(rooms.root).as_posix()
    findings = [_not_a_table(path, where) for path in sorted(place.glob("*.csv")) if path.name not in TABLES]
    rows: list[Row] = []
    for table in TABLES.values():
        if folder and not (folder / table.FILE).exists():
            continue
        keys = known.rows.setdefault(table.KIND, {})
        found, wrong = read_rows(place / table.FILE, table, where)
        findings += wrong
        if wrong:  # what refers to a row that could not be read is not wrong for that
            known.unread.add(table.KIND)
        for row in found:
            key = key_of(row)
            first = keys.setdefault(key, row)
            if folder and first.file.startswith("data/") and not first.file.startswith(where):
                first = keys[key] = row  # a scenario says a row of the main tables anew
            if first is not row:
                columns = ", ".join(table.KEY)
                why = f"stands on line {first.line} of {first.file} already"
                remedy = f"Remove one of the two rows, or tell them apart ({columns})."
                findings.append(Finding(row.file, row.line, columns, row.cells[table.KEY[0]], why, remedy))
            else:
                rows.append(row)
    by_iri: dict[str, Row] = {}
    records = []
    for row in rows:
        made, wrong = parse_row(row, known)
        findings += wrong
        if made:
            by_iri[made.iri.value] = row
            records.append(made)
    if findings:
        raise FindingsError(sorted(findings))
    return by_iri, [Quad(*triple, DefaultGraph()) for made in records for triple in made.triples(known)]


def _not_a_table(path: Path, where: str) -> Finding:
    error = choose(path.name, TABLES, "a table")
    return Finding(f"{where}/{path.name}", 0, "", "", error.why, error.remedy or "Move it elsewhere.")


def scenario(rooms: Rooms, known: Known, folder: Path) -> list[Quad]:
    """What a scenario's tables say, in a named graph of its own: a reorganisation that is not yet law.

    Its tables have the columns of the main ones and may refer to their rows, or say one of them anew (the
    same key, another end); nothing in the main graph refers to it.
    """
    within = Known(
        rows={kind: dict(rows) for kind, rows in known.rows.items()},
        concepts=known.concepts,
        terms=known.terms,
    )
    _, quads = read(rooms, within, folder)
    graph = _scenario(folder.name)
    return [Quad(quad.subject, quad.predicate, quad.object, graph) for quad in quads]


def _scenario(name: str) -> NamedNode:
    return NamedNode(f"{BASE}scenario/{name}")


def derive(store: Store, rooms: Rooms) -> int:
    """Run `queries/derive/*.rq` in the order of their names, adding what each constructs; how much is new.

    What is new stands in the named graph `DERIVED` too.
    """
    count = 0
    for path in sorted((rooms.queries / "derive").glob("*.rq")):
        try:
            made = store.query(path.read_text(encoding="utf-8"))
            assert isinstance(made, QueryTriples), f"{path.name} is no CONSTRUCT"
            constructed = list(made)  # all of it, before any is added
        except SyntaxError as error:
            where = str(path.relative_to(rooms.root))
            raise CouncilgraphError(where, f"is not SPARQL ({error})", "Mend the query.") from error
        said = {Quad(t.subject, t.predicate, t.object, DefaultGraph()) for t in constructed}
        fresh = [quad for quad in said if quad not in store]
        store.extend(fresh)
        store.extend(Quad(quad.subject, quad.predicate, quad.object, DERIVED) for quad in fresh)
        count += len(fresh)
    return count


def assemble(rooms: Rooms, progress: Progress = silent) -> Graph:
    """The whole graph in memory: ontology, tables, and what is derived from them."""
    clock = Clock(progress)
    ontology, known = vocabulary(rooms)
    clock("ontology", f"{len(ontology):,} triples")
    rows, said = read(rooms, known)
    clock("tables", f"{len(rows):,} rows, {len(said):,} triples")
    store = Store()
    store.bulk_extend(ontology)
    store.bulk_extend(said)
    clock("lineage", f"{derive(store, rooms):,} triples derived")
    for folder in sorted(path for path in (rooms.data / "scenarios").glob("*") if path.is_dir()):
        supposed = scenario(rooms, known, folder)
        store.bulk_extend(supposed)
        clock("scenario", f"{folder.name}: {len(supposed):,} triples, apart from the graph")
    return Graph(store, rows)


def scenarios(store: Store) -> list[str]:
    """The names of the scenarios that a store holds."""
    base = _scenario("").value
    graphs = (graph.value for graph in store.named_graphs() if isinstance(graph, NamedNode))
    return sorted(name.removeprefix(base) for name in graphs if name.startswith(base))


def view(store: Store, rooms: Rooms, scenario: str = "", without: Collection[NamedNode] = ()) -> Store:
    """The graph as it would be with a scenario, or without some records: a store in memory of its own.

    Lineage and whatever else is derived is derived anew from what is left. A record that the scenario says
    anew is the scenario's.
    """
    supposed = list(store.quads_for_pattern(None, None, None, _scenario(scenario))) if scenario else []
    own = {quad.subject for quad in supposed if _base(quad.subject) != "passage"}
    derived = {q.triple for q in store.quads_for_pattern(None, None, None, DERIVED)}
    made = Store()
    made.bulk_extend(
        quad
        for quad in store.quads_for_pattern(None, None, None, DefaultGraph())
        if quad.subject not in own and quad.subject not in without and quad.triple not in derived
    )
    made.extend(Quad(q.subject, q.predicate, q.object, DefaultGraph()) for q in supposed)
    derive(made, rooms)
    return made


def _base(node: object) -> str:
    return kind_of(node.value)[0] if isinstance(node, NamedNode) else ""


Gate = Callable[[Graph, Rooms], list[Finding]]


def build(rooms: Rooms, gate: Gate, progress: Progress = silent) -> Store:
    """Build the store on disk, take it into use, and open it; FindingsError if the gate finds a violation."""
    fingerprint = rooms.fingerprint()
    graph = assemble(rooms, progress)
    clock = Clock(progress)
    findings = gate(graph, rooms)
    clock("check", f"{len(findings):,} finding{'' if len(findings) == 1 else 's'}")
    if any(finding.severity == "Violation" for finding in findings):
        raise FindingsError(findings)
    home = rooms.home
    name = f"store-{fingerprint}-{time.time_ns()}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        _sweep(home)
        with _making(home) as made:
            store = Store(str(made))
            store.bulk_extend(graph.store)
            store.flush()
            del store
            text = write(graph.store, made / TEXT)
            pointer = {"fingerprint": fingerprint, "triples": text.triples, "bytes": text.size}
            _point(home, made, name, {"store": name} | pointer)
    except OSError as error:
        remedy = "Free some space or give yourself the right to write there."
        raise CouncilgraphError(
            str(home), f"cannot be written ({error.strerror or error})", remedy
        ) from error
    clock("store", f"{text.triples:,} triples in {name}")
    return Store.read_only(str(home / name))


#: The graph as text, among the files of its store.
TEXT = "graph.ttl.gz"
_HEAD = re.compile(rb"(?:@prefix .*\n)*")


@dataclass(frozen=True)
class Text:
    """A graph as a packed file of Turtle, sorted by subject: how many triples, and bytes unpacked.

    It goes elsewhere from here several times as fast as a store says it, and memory does not grow with it.
    """

    file: Path
    triples: int
    size: int

    def parts(self) -> Iterator[bytes]:
        """The text (RDF 1.1 Turtle), in parts; CouncilgraphError where the file is not what was written."""
        with self._read(), gzip.open(self.file) as text:
            while part := text.read(1 << 18):
                yield part

    def braced(self) -> Iterator[bytes]:
        """The text as a graph of TriG, whose end is a brace; CouncilgraphError as for the parts."""
        parts = self.parts()
        first = next(parts, b"")
        found = _HEAD.match(first)
        end = found.end() if found else 0
        yield first[:end] + b"{\n" + first[end:]
        yield from parts
        yield b"}\n"

    def packed(self) -> Iterator[bytes]:
        """The file itself (gzip, RFC 1952), in parts; CouncilgraphError where it cannot be read."""
        with self._read(), self.file.open("rb") as file:
            while part := file.read(1 << 18):
                yield part

    def said(self) -> Iterator[Triple]:
        """Its triples; CouncilgraphError as for the parts."""
        with self._read(), gzip.open(self.file) as text:
            for quad in parse(cast("IO[bytes]", text), format=RdfFormat.TURTLE):
                yield quad.triple

    @contextmanager
    def _read(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, zlib.error, SyntaxError) as error:
            why = f"cannot be read ({getattr(error, 'strerror', None) or error})"
            remedy = "Remove it: it is made anew with the store."
            raise CouncilgraphError(str(self.file), why, remedy) from error


def write(store: Store, file: Path) -> Text:
    """Write a graph as text, which needs several times its size in memory."""
    said = store.dump(format=RdfFormat.N_TRIPLES, from_graph=DefaultGraph()) or b""
    lines = sorted(said.splitlines(keepends=True))
    triples = parse(b"".join(lines), format=RdfFormat.N_TRIPLES)
    text = serialize(triples, format=RdfFormat.TURTLE, prefixes=PREFIXES) or b""
    with file.open("wb") as out:
        out.write(packed(text))
        out.flush()
        os.fsync(out.fileno())
    return Text(file, len(lines), len(text))


def packed(text: bytes) -> bytes:
    """A text packed by gzip, the same on every machine that has the same zlib: no name, no day, no system."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as file:
        file.write(text)
    return out.getvalue()


@dataclass(frozen=True)
class InUse:
    """The store in use: its name, what it was built from, the store, opened to be read, and its text."""

    name: str
    fingerprint: str
    store: Store
    text: Text


def in_use(rooms: Rooms, before: InUse | None = None) -> InUse | None:
    """The store in use now, if there is one that opens; `before` itself where it still is the one."""
    for _ in range(3):  # a build may take another into use, and sweep this one away, in between
        pointer = _pointer(rooms.home)
        if before and before.name == pointer.get("store"):
            return before
        try:
            folder = rooms.home / pointer["store"]
            text = Text(folder / TEXT, pointer.get("triples", 0), pointer.get("bytes", 0))
            store = Store.read_only(str(folder))
            return InUse(folder.name, pointer.get("fingerprint", ""), store, text)
        except (OSError, KeyError, TypeError):
            continue
    return None


def current(rooms: Rooms) -> tuple[Store | None, bool]:
    """The store in use, if there is one that opens; and whether it says what the rooms say now."""
    found = in_use(rooms)
    if found is None:
        return None, False
    return found.store, found.text.file.is_file() and found.fingerprint == rooms.fingerprint()


class Quads(Protocol):
    """What holds a graph: a store, or a store elsewhere."""

    def quads_for_pattern(
        self,
        subject: NamedNode | None,
        predicate: NamedNode | None,
        object: NamedNode | Literal | None,
        graph_name: DefaultGraph | None = None,
        /,
    ) -> Iterator[Quad]:
        """The quads with these terms."""


def triples(store: Quads, subject: NamedNode | None = None) -> Iterator[Triple]:
    """Every triple of the graph, or of one of its subjects; a scenario's are not of it."""
    return (quad.triple for quad in store.quads_for_pattern(subject, None, None, DefaultGraph()))


def count(store: Store, graph: NamedNode | None = None) -> int:
    """How many triples a named graph of a store has; the graph itself, where none is named."""
    within = f"GRAPH {graph} {{ ?s ?p ?o }}" if graph else "?s ?p ?o"
    answer = store.query(f"SELECT (COUNT(*) AS ?count) {{ {within} }}")
    assert isinstance(answer, QuerySolutions)
    counted = next(answer)["count"]
    assert isinstance(counted, Literal)
    return int(counted.value)


def changed(graph: Graph, before: Store | None) -> set[str]:
    """The records of which a graph says something else than a store did."""
    old = set(triples(before)) if before else set()
    new = set(triples(graph.store))
    return {triple.subject.value for triple in old ^ new if isinstance(triple.subject, NamedNode)}


def read_files(paths: Iterable[Path], rooms: Rooms | None) -> Graph:
    """RDF files of anybody's: Turtle, N-Triples, JSON-LD, RDF/XML, by their endings.

    With `rooms` the ontology and the concepts stand beside them, and what follows from them is derived.
    """
    prefixes: dict[str, str] = dict(PREFIXES) if rooms else {}
    root = rooms.root if rooms else Path.cwd()
    files = list(paths)
    known = vocabulary(rooms)[0] if rooms else []
    typed: set[Literal] = set()

    def said() -> Iterator[Quad]:
        yield from known
        for quad in parsed(files, root, prefixes):
            value = quad.object
            if isinstance(value, Literal) and not value.language and value.datatype != XSD.string:
                typed.add(value)
            yield Quad(quad.subject, quad.predicate, value, DefaultGraph())

    store = Store()
    store.bulk_extend(said())
    if rooms:
        derive(store, rooms)
    if kept(typed):
        return Graph(store, prefixes=prefixes)
    exact = {quad.triple for quad in (*known, *parsed(files, root))}
    exact |= {quad.triple for quad in store.quads_for_pattern(None, None, None, DERIVED)}
    return Graph(store, exact=list(exact), prefixes=prefixes)


def said_in(paths: Iterable[Path], nodes: Collection[str]) -> dict[str, int]:
    """Which of some files, counted from 0, is the first to say something of a node; or else names it."""
    about: dict[str, int] = {}
    named: dict[str, int] = {}
    for place, path in enumerate(paths):
        for quad in parsed([path], Path.cwd()):
            for node, places in ((quad.subject, about), (quad.object, named)):
                if isinstance(node, NamedNode) and node.value in nodes:
                    places.setdefault(node.value, place)
    return named | about


def kept(literals: Iterable[Literal]) -> bool:
    """Whether the store keeps each of these as it is: it rewrites numbers such as 01."""
    store = Store()
    said = {Quad(RDF.type, RDF.type, literal) for literal in literals}
    store.bulk_extend(said)
    return said == set(store)


@contextmanager
def _making(home: Path) -> Iterator[Path]:
    """A new folder that no other build sweeps away; what stands there at the end is removed."""
    made = home / f"making-{os.getpid()}-{time.time_ns()}"
    made.mkdir()
    with _holding(made):
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _point(home: Path, made: Path, name: str, pointer: dict[str, Any]) -> None:
    """Take a store that was made into use, under its name."""
    fresh = made / "pointer"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(pointer, file)
        file.flush()
        os.fsync(file.fileno())
    made.rename(home / name)
    try:
        (home / name / fresh.name).replace(home / "current")
    except OSError:
        shutil.rmtree(home / name, ignore_errors=True)
        raise


def _pointer(home: Path) -> dict[str, Any]:
    """What `current` says; nothing where there is none, or it cannot be read."""
    try:
        said = json.loads((home / "current").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _sweep(home: Path) -> None:
    """Remove what killed builds left, and stores older than the one in use and the one before it."""
    used = str(_pointer(home).get("store", ""))
    stores = sorted((path.name for path in home.glob("store-*")), key=_made_at)
    older = [name for name in stores if _made_at(name) < _made_at(used)]
    for left in [*home.glob("making-*"), *home.glob("store-*")]:
        if left.name not in (used, *older[-1:]):
            with _holding(left) as ours:  # else another build is about to take it into use
                if ours:
                    shutil.rmtree(left, ignore_errors=True)


def _made_at(name: str) -> str:
    return name.rpartition("-")[2]


@contextmanager
def _holding(folder: Path) -> Iterator[bool]:
    """Hold a folder, as long as the process lives; whether it is ours, or another process holds it."""
    if sys.platform == "win32":  # where what is open cannot be removed
        yield True
        return
    import fcntl

    descriptor = None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = True
    except OSError:
        ours = False
    try:
        yield ours
    finally:
        if descriptor is not None:
            os.close(descriptor)


def alive(pid: int) -> bool:
    """Whether a process of this machine still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Clock:
    """Tells progress how long each stage took."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.since = progress, time.perf_counter()

    def __call__(self, stage: str, result: str) -> None:
        """Tell what came of a stage that has just ended."""
        now = time.perf_counter()
        self.progress(stage, result, now - self.since)
        self.since = now
