"""The folder that is published: the graph in three syntaxes, its parts and tables, and what vouches for them.

Same tables, same bytes. All files are written beside the old ones first and take their places when the last
of them is whole, `SHA256SUMS` at the end: a dump that fails or is killed leaves the old folder.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import sys
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Store,
    Triple,
    parse,
)

from councilgraph import csvw, dataset, publish, queries, void
from councilgraph.bundle import Rooms
from councilgraph.concepts import TABLES
from councilgraph.dataset import Clock, Progress, silent
from councilgraph.errors import CouncilgraphError, FindingsError, UsageError
from councilgraph.iris import kind_of
from councilgraph.namespaces import BASE, DCAT, ID, RDF, SKOS
from councilgraph.publish import Place
from councilgraph.tables import read_rows

TURTLE, NTRIPLES, JSONLD = "councilgraph.ttl", "councilgraph.nt.gz", "councilgraph.jsonld"
SUMS, CANONICAL, VOID = "SHA256SUMS", "RDFC-1.0.sha256", "void.ttl"
_STAGE = ".dump-"
_FORMS = {
    ".gz": RdfFormat.N_TRIPLES,
    ".jsonld": RdfFormat.JSON_LD,
    ".nt": RdfFormat.N_TRIPLES,
    ".ttl": RdfFormat.TURTLE,
}
#: The endings of the files that `read` reads.
READ = tuple(_FORMS)
_UNPACKED = 200  # times its size at most: a graph's N-Triples pack to a thirtieth
_MEND = "Get it again, or mend it."
_REPORT = "Report this with the data."


def dump(
    store: Store,
    rooms: Rooms,
    folder: Path,
    *,
    published: str = void.PUBLISHED,
    previous: Path | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write all that is published of the rooms into a folder; the paths written.

    `store` is what was built from the rooms; `published` is the address below which the folder will be read,
    `previous` the dump before this one, which `void.ttl` then names. What is written is read back by the
    strict parsers first.
    """
    clock = Clock(progress)
    before = version(previous) if previous else None
    files = contents(store, rooms, published, before, clock)
    write(files, folder)
    clock("written", f"{len(files):,} files, {sum(map(len, files.values())):,} bytes")
    return [folder / name for name in files]


def contents(
    store: Store, rooms: Rooms, published: str, before: Sequence[NamedNode] | None, clock: Clock
) -> dict[str, bytes]:
    """The files of a dump by their names, `SHA256SUMS` last."""
    triples = list(dataset.triples(store))
    ntriples = publish.ntriples(triples)
    canonical = _digest(ntriples)  # no blank node, which `readable` refuses: this is its canonical form
    files = {
        CANONICAL: f"{canonical}  {NTRIPLES.removesuffix('.gz')}\n".encode(),
        NTRIPLES: dataset.packed(ntriples),
        TURTLE: _checked(TURTLE, readable(triples), triples),
        JSONLD: _checked(JSONLD, publish.jsonld(triples), triples),
    }
    clock("graph", f"{len(triples):,} triples as Turtle, N-Triples and JSON-LD")
    ontology, known = dataset.vocabulary(rooms)
    parts = {
        "ontology.ttl": [quad.triple for quad in ontology],
        "shapes.ttl": [q.triple for q in dataset.parsed(sorted(rooms.shapes.glob("*.ttl")), rooms.root)],
        "queries.ttl": list(publish.catalogue(queries.catalogue(rooms))),
    }
    files |= {name: _checked(name, publish.turtle(part), part) for name, part in parts.items()}
    rows = 0
    for kind in TABLES.values():
        read, wrong = read_rows(rooms.data / kind.FILE, kind)
        if wrong:
            raise FindingsError(wrong)
        rows += len(read)
        files[f"{csvw.FOLDER}/{kind.FILE}"] = csvw.table(kind, read).encode()
    meanings = _texts(parts["ontology.ttl"], SKOS.definition)
    files[f"{csvw.FOLDER}/{csvw.METADATA}"] = csvw.description(known.concepts, meanings).encode()
    clock("tables", f"{len(TABLES):,} tables, {rows:,} rows")
    now = void.version_of(canonical)
    previous = next((node for node in before or () if node != now), None)
    said = {
        *void.document(f"{published}{VOID}"),
        *void.description(store, ntriples, _files(files), published, previous),
    }
    files[VOID] = _checked(VOID, publish.turtle(said, void.place), said)
    files = dict(sorted(files.items()))
    files[SUMS] = "".join(f"{_digest(content)}  {name}\n" for name, content in files.items()).encode()
    clock("void", f"{len(said):,} triples")
    return files


def readable(triples: Collection[Triple]) -> str:
    """The graph as Turtle for people: a section a table, and behind an IRI that does not say it the label."""
    labels, meanings = _texts(triples, SKOS.prefLabel), _texts(triples, SKOS.definition)
    types: dict[str, set[NamedNode]] = {}
    for triple in triples:
        if triple.predicate == RDF.type and isinstance(triple.object, NamedNode):
            assert isinstance(triple.subject, NamedNode)
            types.setdefault(kind_of(triple.subject.value)[0], set()).add(triple.object)
    derived = {
        kind: " ".join(meanings[each] for each in sorted(types[kind], key=str) if each in meanings)
        for kind in types
    }
    notes = {node: label for node, label in labels.items() if _opaque(node, label)}
    return publish.turtle(triples, _places(labels, derived), notes)


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Put files into a folder, all of them or none, the last of them last.

    What the dump before listed and this one does not have is removed; a file that no dump wrote stays.
    """
    targets = {name: folder / name for name in files}
    # Beside its target each file is on the same disk, and may be written there if anything may.
    staged = {name: path.parent / f"{_STAGE}{os.getpid()}" / path.name for name, path in targets.items()}
    stages = {path.parent for path in staged.values()}
    try:
        for stage in stages:
            stage.parent.mkdir(parents=True, exist_ok=True)
            _sweep(stage.parent)
            stage.mkdir(exist_ok=True)
        before = _listed(folder)
        for name, content in files.items():
            with staged[name].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if targets[name].is_dir():
                raise CouncilgraphError(str(targets[name]), "is a folder", "Move it, or name another folder.")
        for name, target in targets.items():
            staged[name].replace(target)
        for name in before - set(files):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise CouncilgraphError(
            str(folder), f"cannot be written ({error.strerror})", "Free some space, or name another folder."
        ) from error
    finally:
        for stage in stages:
            shutil.rmtree(stage, ignore_errors=True)


def sums(text: str) -> dict[str, str]:
    """What a `SHA256SUMS` lists, files inside the folder → digests; ValueError names a wrong line."""
    listed = {}
    for number, line in enumerate(text.splitlines(), 1):
        digest, _, name = line.partition("  ")
        path = PurePosixPath(name)
        if not re.fullmatch(r"[0-9a-f]{64}", digest) or not name or path.is_absolute() or ".." in path.parts:
            raise ValueError(f"line {number} is not a digest and a file of the folder")
        listed[name] = digest
    return listed


def read(path: Path) -> bytes:
    """What an RDF file says, as sorted N-Triples; CouncilgraphError where it is not what its ending says.

    Neither a file that unpacks without end nor a blank node is taken.
    """
    form = _FORMS[path.suffix]
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as packed:
                content = packed.read(most := path.stat().st_size * _UNPACKED)
                if packed.read(1):
                    raise CouncilgraphError(str(path), f"unpacks to more than {most:,} bytes", _MEND)
        else:
            content = path.read_bytes()
        return publish.ntriples(_named(parse(content, format=form), path))
    except SyntaxError as error:
        why = str(error.msg).split(" at line")[0]
        where = f", line {error.lineno}" if error.lineno else ""
        raise CouncilgraphError(str(path), f"is not {form.name} ({why}{where})", _MEND) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise CouncilgraphError(str(path), f"cannot be read ({error})", _MEND) from error


def _named(quads: Iterable[Quad], path: Path) -> Iterator[Triple]:
    for quad in quads:
        if isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode):
            raise CouncilgraphError(str(path), f"has a blank node ({quad})", "Give it an IRI.")
        yield quad.triple


def version(folder: Path) -> list[NamedNode]:
    """The version that a dump is, and the one before it where it names one."""
    if not (folder / VOID).is_file():
        raise UsageError(str(folder), f"holds no {VOID}", "Name the folder of a dump.")
    said = {quad.triple for quad in dataset.parsed([folder / VOID], folder)}
    now = [t.object for t in said if t.subject == void.DATASET and t.predicate == DCAT.hasCurrentVersion]
    if len(now) != 1:
        raise UsageError(str(folder / VOID), "names no current version", "Name the folder of a dump.")
    earlier = [t.object for t in said if t.subject == now[0] and t.predicate == DCAT.previousVersion]
    return [node for node in (*now, *earlier) if isinstance(node, NamedNode)]


def address(url: str) -> str:
    """The address of a folder on the web, with its last slash; UsageError where it is none."""
    if not re.fullmatch(r"https?://[^\s<>\"{}|\\^`#?]+", url):
        raise UsageError(
            "--url", f'"{url[:60]}" is not the address of a folder', "Write it in full, with https://."
        )
    return url if url.endswith("/") else f"{url}/"


def _places(labels: Mapping[NamedNode, str], derived: Mapping[str, str]) -> Callable[[NamedNode], Place]:
    places: dict[str, Place] = {}
    stem = ""
    for number, table in enumerate(TABLES.values()):
        module = table.__module__
        heading = f"{table.FILE}: {csvw.title(table)}."
        if module != stem:
            stem = module
            line = "=" * 80
            about = (sys.modules[module].__doc__ or "").strip()
            heading = f"{line}\n{module.rpartition('.')[2]}: {about}\n{line}\n{heading}"
        places[table.KIND] = Place((0, number), heading)

    def place(node: NamedNode) -> Place:
        kind, _ = kind_of(node.value)
        if kind in places:
            return places[kind]
        if kind.startswith("concept/"):
            scheme = NamedNode(f"{BASE}{kind}")
            found = Place((2,), f"Concepts: {labels.get(scheme, kind)}")
        elif node.value.startswith(ID):
            found = Place((1,), f"{kind}, which follows from the tables. {derived.get(kind, '')}")
        elif node.value.startswith(BASE):
            return Place((3,), "The ontology")
        else:
            return Place((4,), "What else is spoken of")
        return Place((*found.order, *map(ord, kind)), found.heading)

    return place


def _opaque(node: NamedNode, label: str) -> bool:
    """Whether no word of a record's label can be read in its IRI."""
    if not node.value.startswith(ID):
        return False
    seen = set(re.findall(r"[a-z0-9]+", kind_of(node.value)[1]))
    return not seen & set(re.findall(r"[a-z]{4,}", label.lower()))


def _texts(triples: Iterable[Triple], predicate: NamedNode) -> dict[NamedNode, str]:
    """What a property says of each subject, in words."""
    return {
        triple.subject: triple.object.value
        for triple in triples
        if triple.predicate == predicate
        and isinstance(triple.subject, NamedNode)
        and isinstance(triple.object, Literal)
    }


def _checked(name: str, text: str, triples: Iterable[Triple]) -> bytes:
    """A file's bytes, after the strict parser has read the triples back from it."""
    form = RdfFormat.JSON_LD if name.endswith(".jsonld") else RdfFormat.TURTLE
    try:
        same = publish.ntriples(q.triple for q in parse(text, format=form)) == publish.ntriples(triples)
    except SyntaxError as error:
        raise CouncilgraphError(name, f"would not be {form.name} ({error.msg})", _REPORT) from error
    if not same:
        raise CouncilgraphError(name, "would not say what the graph says", _REPORT)
    return text.encode()


def _files(files: Mapping[str, bytes]) -> list[void.File]:
    return [void.File(name, len(content), _digest(content)) for name, content in files.items()]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _listed(folder: Path) -> set[str]:
    """The files that the dump before listed; none where its list cannot be read."""
    try:
        return set(sums((folder / SUMS).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return set()


def _sweep(folder: Path) -> None:
    """Remove what killed dumps left."""
    for left in folder.glob(f"{_STAGE}*"):
        pid = left.name.removeprefix(_STAGE)
        if pid.isdecimal() and not dataset.alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
