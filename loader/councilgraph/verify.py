"""Whether a dump is whole and true: its files, its three syntaxes, its hash, its counts, and the shapes.

Nothing is fetched, and nothing of the folder is trusted: the shapes are those of the rooms.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, Triple, parse

from councilgraph import csvw, dump, validation, void
from councilgraph.bundle import Rooms
from councilgraph.concepts import TABLES
from councilgraph.dataset import Clock, Graph, Progress, silent
from councilgraph.errors import CouncilgraphError, Finding, UsageError
from councilgraph.iris import kind_of
from councilgraph.namespaces import BASE, DCAT, RDF, SPDX, compact
from councilgraph.validation import Step, quiet

_GRAPHS = (dump.TURTLE, dump.NTRIPLES, dump.JSONLD)
_PARTS = ("ontology.ttl", "shapes.ttl", "queries.ttl")
_METADATA = f"{csvw.FOLDER}/{csvw.METADATA}"
#: What every dump has.
_NEEDED = (*_GRAPHS, *_PARTS, dump.VOID, dump.CANONICAL, _METADATA)
_AGAIN = "Get it again, or make the dump anew."
_ANEW = "Make the dump anew."


@dataclass
class Verified:
    """What is wrong with a dump, and what was looked at."""

    findings: list[Finding] = field(default_factory=list)
    files: int = 0
    triples: int = 0
    canonical: str = ""


def verify(folder: Path, rooms: Rooms, progress: Progress = silent, step: Step = quiet) -> Verified:
    """Check a dump's folder offline; every fault is a finding.

    UsageError where there is no such folder, CouncilgraphError where a file of it cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(str(folder), "is no folder", "Name the folder of a dump.")
    clock = Clock(progress)
    found = Verified()
    there = _digests(folder)
    listed = _sums(folder, found.findings)
    found.files = len(there)
    found.findings += _compared(there, listed)
    clock("files", f"{len(there):,} files")
    said: dict[str, bytes] = {}
    for name in (*_GRAPHS, *_PARTS, dump.VOID):
        if name in there:
            try:
                said[name] = dump.read(folder / name)
            except CouncilgraphError as error:
                found.findings.append(_finding("syntax", name, error.why, _AGAIN))
    clock("syntax", f"{len(said):,} files of RDF")
    void_said = set(_triples(said.get(dump.VOID, b"")))
    graphs = [name for name in _GRAPHS if name in said]
    if graphs:
        graph = said[graphs[0]]
        for name in graphs[1:]:
            found.findings += _differing(name, said.pop(name), graphs[0], graph)
        triples = list(_triples(graph))
        found.triples = len(triples)
        found.canonical = hashlib.sha256(graph).hexdigest()  # no blank node: this is its canonical form
        found.findings += _hashed(folder, there, found.canonical)
        if dump.VOID in said:
            found.findings += _counted(void_said, graph, found.canonical)
        found.findings += _tables(folder, there, triples)
        clock("graph", f"{len(triples):,} triples")
        found.findings += _shaped(triples, rooms, step)
        clock("shapes", "looked at")
    found.findings += _distributed(void_said, folder, there)
    found.findings.sort()
    return found


def _triples(ntriples: bytes) -> Iterator[Triple]:
    return (quad.triple for quad in parse(ntriples, format=RdfFormat.N_TRIPLES))


def _finding(rule: str, file: str, why: str, remedy: str, value: str = "") -> Finding:
    return Finding(file, 0, "", value, why, remedy, rule=f"{BASE}verify#{rule}")


def _digests(folder: Path) -> dict[str, str]:
    """The files that are there, each with its SHA-256."""
    found = {}
    for place, _, names in os.walk(folder):
        for path in (Path(place) / name for name in names):
            try:
                if path.is_file():
                    with path.open("rb") as file:
                        digest = hashlib.file_digest(file, "sha256").hexdigest()
                    found[path.relative_to(folder).as_posix()] = digest
            except OSError as error:
                raise CouncilgraphError(
                    str(path), f"cannot be read ({error.strerror})", "Look at its rights."
                ) from error
    return found


def _sums(folder: Path, findings: list[Finding]) -> dict[str, str] | None:
    """What SHA256SUMS lists; None where there is none that can be read."""
    try:
        return dump.sums((folder / dump.SUMS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        findings.append(_finding("missing", dump.SUMS, "is missing", _AGAIN))
    except OSError as error:
        findings.append(_finding("missing", dump.SUMS, f"cannot be read ({error.strerror})", _AGAIN))
    except ValueError as error:
        why = str(error) if str(error).startswith("line ") else "is not text"
        findings.append(_finding("changed", dump.SUMS, why, _AGAIN))
    return None


def _compared(there: Mapping[str, str], listed: dict[str, str] | None) -> Iterator[Finding]:
    for name in sorted({*(listed or ()), *_NEEDED} - set(there)):
        yield _finding("missing", name, "is missing", _AGAIN)
    if listed is None:
        return
    for name, digest in sorted(listed.items()):
        if there.get(name, digest) != digest:
            why = f"is not the file that {dump.SUMS} lists: its SHA-256 is another"
            yield _finding("changed", name, why, _AGAIN)
    for name in sorted(set(there) - set(listed) - {dump.SUMS}):
        yield _finding("extra", name, f"is not listed in {dump.SUMS}", "Remove it: it is not of the dump.")


def _differing(name: str, said: bytes, other: str, graph: bytes) -> Iterator[Finding]:
    if said == graph:
        return
    lines, right = set(said.splitlines()), set(graph.splitlines())
    for extra, word, verb in ((lines - right, "says", "does not"), (right - lines, "does not say", "does")):
        if extra:
            what = f"{len(extra):,} triple{'' if len(extra) == 1 else 's'}"
            first = min(extra).decode().removesuffix(" .")
            yield _finding("syntaxes", name, f"{word} {what} that {other} {verb}, such as {first}", _ANEW)


def _hashed(folder: Path, there: Collection[str], canonical: str) -> Iterator[Finding]:
    if dump.CANONICAL not in there:
        return
    text = (folder / dump.CANONICAL).read_bytes()[:200].decode("ascii", "replace")
    if text.partition(" ")[0] != canonical:
        why = f"is not the hash of the graph's canonical N-Quads, which is {canonical}"
        yield _finding("hash", dump.CANONICAL, why, _ANEW, text.partition(" ")[0][:64])


def _counted(said: set[Triple], graph: bytes, canonical: str) -> Iterator[Finding]:
    """What void.ttl counts otherwise than the graph has it."""
    right = set(void.counts(graph))
    told = {triple for triple in said if triple.predicate in void.COUNTING}
    for triple in sorted(right - told, key=str):
        wrong = [
            _short(t.object) for t in told if (t.subject, t.predicate) == (triple.subject, triple.predicate)
        ]
        of, what = (_short(term).removeprefix(f"{BASE}") for term in (triple.subject, triple.predicate))
        right_ = _short(triple.object)
        why = (
            f"{what} of {of} is {wrong[0]}, not {right_}"
            if len(wrong) == 1
            else f"{of} lacks {what} {right_}"
        )
        yield _finding("counts", dump.VOID, why, _ANEW)
    for subject in sorted({str(t.subject) for t in told - right} - {str(t.subject) for t in right}):
        yield _finding("counts", dump.VOID, f"{subject} counts what the graph does not have", _ANEW)
    current = Triple(void.DATASET, DCAT.hasCurrentVersion, void.version_of(canonical))
    if current not in said:
        why = f"does not name the version that the graph is, {current.object.value}"  # type: ignore[union-attr] # an IRI
        yield _finding("hash", dump.VOID, why, _ANEW)


def _short(term: object) -> str:
    return compact(term.value) if isinstance(term, NamedNode | Literal) else str(term)


def _tables(folder: Path, there: Collection[str], graph: Iterable[Triple]) -> Iterator[Finding]:
    """Tables that have rows of which the graph says nothing, or lack some of which it does."""
    records: dict[str, set[str]] = {}
    for triple in graph:
        if triple.predicate == RDF.type and isinstance(triple.subject, NamedNode):
            records.setdefault(kind_of(triple.subject.value)[0], set()).add(triple.subject.value)
    for kind in TABLES.values():
        name = f"{csvw.FOLDER}/{kind.FILE}"
        if name not in there or not csvw.tells(kind):
            continue
        try:
            with (folder / name).open(encoding="utf-8", newline="") as file:
                rows = {row.get(csvw.IRI) or "" for row in csv.DictReader(file, strict=True)}
        except (OSError, ValueError, csv.Error) as error:
            yield _finding("tables", name, f"cannot be read ({error})", _AGAIN)
            continue
        for iri in sorted(rows ^ records.get(kind.KIND, set())):
            which = (
                "has a row of which the graph says nothing"
                if iri in rows
                else "lacks a row that the graph has"
            )
            yield _finding("tables", name, f"{which}: {compact(iri)}", _ANEW)


def _shaped(graph: Sequence[Triple], rooms: Rooms, step: Step) -> list[Finding]:
    store = Store()
    store.bulk_extend(Quad(t.subject, t.predicate, t.object, DefaultGraph()) for t in graph)
    lossless = {quad.triple for quad in store} == set(graph)
    made = Graph(store, exact=None if lossless else graph)
    rules = validation.shapes(rooms)
    return validation.read(validation.validate(made, rules, step=step), made, rules)


def _distributed(said: set[Triple], folder: Path, there: Mapping[str, str]) -> Iterator[Finding]:
    """Files that have another size or digest than void.ttl says, and files of which it says neither."""
    values: dict[tuple[object, NamedNode], object] = {(t.subject, t.predicate): t.object for t in said}
    for name in sorted(set(there) - {dump.VOID, dump.SUMS, dump.CANONICAL, _METADATA}):
        node = void.file(name)
        size, checksum = values.get((node, DCAT.byteSize)), values.get((node, SPDX.checksum))
        digest = values.get((checksum, SPDX.checksumValue))
        if size is None and digest is None:
            continue  # a file that is not of the dump, which is said already
        right = (str((folder / name).stat().st_size), there[name])
        if (_short(size), _short(digest)) != right:
            yield _finding(
                "distributions", dump.VOID, f"gives {name} another size or SHA-256 than it has", _ANEW
            )
