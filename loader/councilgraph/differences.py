"""What changed from one graph to another, as people in the field say it, and whose answers changed with it.

A record is compared by the columns of its table: a grade was this and is that. What only follows from the
tables (lineage, bounds, labels made of other labels) is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, Store, parse

from councilgraph import bundle, dataset, dump, graph, publish, queries
from councilgraph.bundle import ROOMS, Rooms
from councilgraph.concepts import TABLES
from councilgraph.dataset import Clock, Progress, silent
from councilgraph.errors import UsageError
from councilgraph.graph import Change, Graph
from councilgraph.iris import kind_of
from councilgraph.namespaces import BASE, CG, ID, OWL, RDF, RDFS, SKOS, compact
from councilgraph.publish import natural
from councilgraph.tables import Record

Values = frozenset[NamedNode | Literal]
Said = dict[NamedNode, Values]  # property → values, of one record
_TABLES = {table.KIND: table for table in TABLES.values()}
_ORDER = {kind: number for number, kind in enumerate(_TABLES)}
#: The kinds of thing that canned questions are asked of, and how many of those touched they are asked of.
_ASKED = ("body", "area", "person")
_MOST = 12
#: Columns that may be part of a record's name: where one of these changes, it is the same record.
_CORRECTED = {"from", "name", "code"}


@dataclass(frozen=True)
class Difference:
    """One thing that changed: a record is `new` or `gone`, or one column of it `changed`.

    With `follows`, `was` and `now` are how many statements of a kind went and came.
    """

    change: str
    kind: str
    record: str
    label: str
    what: str = ""
    was: str = ""
    now: str = ""


@dataclass(frozen=True)
class Answered:
    """A canned query whose answer changed, and what was asked of it, where that is not its default."""

    change: Change
    words: Mapping[str, str]


@dataclass(frozen=True)
class Differences:
    """All that changed."""

    records: list[Difference]
    answers: list[Answered]


@dataclass(frozen=True)
class _Side:
    """One of the two graphs: what it says of what changed, by subject, and how it is asked."""

    said: dict[NamedNode, Said]
    asked: Graph


def differences(old: Path, new: Path, rooms: Rooms, progress: Progress = silent) -> Differences:
    """What changed from one dump, RDF file or root to another; the canned queries are those of `rooms`.

    UsageError where one of the two is none of these.
    """
    clock = Clock(progress)
    texts = [_read(path) for path in (old, new)]
    lines = [set(text.splitlines(keepends=True)) for text in texts]
    clock("read", f"{len(lines[0]):,} and {len(lines[1]):,} triples")
    if lines[0] == lines[1]:
        return Differences([], [])
    changed = {line.partition(b" ")[0] for line in lines[0] ^ lines[1]}
    before, after = (
        _Side(_of(each, changed), Graph(rooms, _store(text, rooms)))
        for each, text in zip(lines, texts, strict=True)
    )
    records, touched = _records(before, after)
    clock("records", f"{len(records):,} differences")
    answers = _answers(before.asked, after.asked, rooms, touched)
    clock("answers", f"{len(answers):,} changed")
    return Differences(records, answers)


def _read(path: Path) -> bytes:
    """What a dump, an RDF file or a root says, as N-Triples."""
    if all((path / room).is_dir() for room in ROOMS):
        return publish.ntriples(dataset.triples(dataset.assemble(bundle.rooms(path)).store))
    files = [path / name for name in (dump.NTRIPLES, dump.TURTLE)] if path.is_dir() else [path]
    file = next((file for file in files if file.is_file() and file.suffix in dump.READ), None)
    if file is None:
        raise UsageError(
            str(path),
            "is neither a dump, nor an RDF file, nor a root" if path.exists() else "is not there",
            f"Name a folder that dump wrote, a root, or a file that ends in {', '.join(dump.READ)}.",
        )
    return dump.read(file)


def _store(ntriples: bytes, rooms: Rooms) -> Store:
    """A graph to be asked; where it lacks the ontology, with that of the rooms and what follows from it."""
    store = Store()
    store.bulk_load(ntriples, RdfFormat.N_TRIPLES)
    if not next(store.quads_for_pattern(None, RDF.type, OWL.Ontology), None):
        store.bulk_extend(dataset.vocabulary(rooms)[0])
        dataset.derive(store, rooms)
    return store


def _of(lines: Iterable[bytes], subjects: Collection[bytes]) -> dict[NamedNode, Said]:
    """What lines of N-Triples say of some subjects."""
    found: dict[NamedNode, dict[NamedNode, set[NamedNode | Literal]]] = {}
    wanted = b"".join(line for line in lines if line.partition(b" ")[0] in subjects)
    for triple in parse(wanted, format=RdfFormat.N_TRIPLES):
        assert isinstance(triple.subject, NamedNode)
        assert isinstance(triple.object, NamedNode | Literal)
        found.setdefault(triple.subject, {}).setdefault(triple.predicate, set()).add(triple.object)
    return {node: {p: frozenset(values) for p, values in facts.items()} for node, facts in found.items()}


class _Labels:
    """What people call things, in the newer graph or else in the older."""

    def __init__(self, before: _Side, after: _Side) -> None:
        self.sides = (after, before)

    def __call__(self, node: NamedNode | Literal) -> str:
        if isinstance(node, Literal):
            return node.value
        for side in self.sides:
            for predicate in (SKOS.prefLabel, RDFS.label):
                quad = next(side.asked.store.quads_for_pattern(node, predicate, None), None)
                if quad and isinstance(quad.object, Literal):
                    return quad.object.value
        return "label" if node == SKOS.prefLabel else compact(node.value)

    def joined(self, values: Iterable[NamedNode | Literal]) -> str:
        return "; ".join(sorted(map(self, values), key=natural))

    def record(self, node: NamedNode, facts: Said) -> str:
        """The label of a record, and that of the record it is named by, where it does not say so itself."""
        label = self(node)
        table = _TABLES.get(kind_of(node.value)[0])
        named = [c for c in table.columns() if c.name in table.KEY and c.read.iri] if table else []
        for column in named:
            for value in facts.get(column.says, ()) if column.says else ():
                if isinstance(value, NamedNode) and value.value.startswith(ID):
                    other = self(value)
                    return label if other in label else f"{label} ({other})"
        return label


def _records(before: _Side, after: _Side) -> tuple[list[Difference], list[NamedNode]]:
    """The differences between records, and the councils, areas and people that they touch."""
    labels = _Labels(before, after)
    nodes = {*before.said, *after.said}
    gone = [node for node in nodes if node not in after.said]
    new = [node for node in nodes if node not in before.said]
    moved = _moved(before, after, gone, new)
    pairs = [(node, node) for node in nodes if node in before.said and node in after.said]
    pairs += moved.items()
    found: list[Difference] = []
    follows: Counter[tuple[str, str, str]] = Counter()
    touched: Counter[NamedNode] = Counter()
    for change, listed, side in (("new", new, after), ("gone", gone, before)):
        for node in listed:
            kind = _kind(node)
            if node in moved or node in moved.values():
                continue
            if not _follows(node):
                label = labels.record(node, side.said[node])
                found.append(Difference(change, kind, compact(node.value), label))
                touched.update(_touched(node, side.said[node]))
            else:
                follows[kind, "records", change] += 1
    for first, second in pairs:
        old, new_ = before.said[first], after.said[second]
        columns, rest = _columns(_TABLES.get(_kind(second)), old, new_)
        if _follows(second):
            columns, rest = [], [predicate for _, predicate in columns]
        for what, predicate in columns:
            was, now = (labels.joined(facts.get(predicate, ())) for facts in (old, new_))
            label = labels.record(second, new_)
            name = labels(predicate) if what is None else what.replace("_", " ")
            found.append(Difference("changed", _kind(second), compact(second.value), label, name, was, now))
        if columns:
            touched.update({*_touched(first, old), *_touched(second, new_)})
        for predicate in rest:
            values = old.get(predicate, frozenset()), new_.get(predicate, frozenset())
            name = labels(predicate)
            follows[_kind(second), name, "gone"] += len(values[0] - values[1])
            follows[_kind(second), name, "new"] += len(values[1] - values[0])
    found += [
        Difference(
            "follows", kind, "", "", what, str(follows[kind, what, "gone"]), str(follows[kind, what, "new"])
        )
        for kind, what in sorted({(kind, what) for kind, what, _ in follows})
    ]
    found.sort(key=_place)
    return found, [node for node, _ in sorted(touched.items(), key=lambda item: (-item[1], item[0].value))]


#: The intervals that records share are no records: they follow.
_INTERVALS = f"{BASE}interval/"


def _kind(node: NamedNode) -> str:
    if node.value.startswith(_INTERVALS):
        return "interval"
    kind, _ = kind_of(node.value)
    return kind.partition("/")[0] or "ontology"


def _follows(node: NamedNode) -> bool:
    """Whether a record is in no table, but made from what is."""
    return _kind(node) not in _TABLES and node.value.startswith((ID, _INTERVALS))


def _place(found: Difference) -> tuple[int, int, str, int, list[tuple[int, int, str]], str]:
    changes = ("new", "gone", "changed", "follows")
    last = found.change == "follows"
    order = _ORDER.get(found.kind, len(_ORDER))
    return (last, order, found.kind, changes.index(found.change), natural(found.record), found.what)


def _moved(
    before: _Side, after: _Side, gone: Iterable[NamedNode], new: Iterable[NamedNode]
) -> dict[NamedNode, NamedNode]:
    """Records that are named by a day, a name or a code too, of which that alone changed: old IRI → new."""
    found: dict[tuple[object, ...], tuple[list[NamedNode], list[NamedNode]]] = {}
    for place, (side, nodes) in enumerate(((before, gone), (after, new))):
        for node in nodes:
            table = _TABLES.get(_kind(node))
            if table and _CORRECTED & set(table.KEY):
                named = set(table.KEY) - _CORRECTED
                key = [c.says for c in table.columns() if c.name in named and c.says]
                values = tuple(side.said[node].get(says, frozenset()) for says in key)
                found.setdefault((table, values), ([], []))[place].append(node)
    return {old[0]: new_[0] for old, new_ in found.values() if len(old) == len(new_) == 1}


def _columns(
    table: type[Record] | None, old: Said, new: Said
) -> tuple[list[tuple[str | None, NamedNode]], list[NamedNode]]:
    """The columns of a table in which two versions of a record differ, each with the property that shows it.

    The second list has the properties that differ besides. Of what is in no table each property is a column.
    """
    differing = [p for p in sorted({*old, *new}, key=str) if old.get(p) != new.get(p)]
    if table is None:
        return [(None, predicate) for predicate in differing], []
    names = {CG.citesPassage.value: "source", **table.predicates()}
    own = next((c.name for c in table.columns() if c.name in ("name", "title") and not c.says), None)
    if own:
        names[SKOS.prefLabel.value] = own
    shown: dict[str, NamedNode] = {}
    for column in table.columns():
        texts = [p for p in names if names[p] == column.name and p.endswith("Text")]
        showing = [column.says.value] if column.says else texts[-1:]
        showing = showing or [p for p in names if names[p] == column.name]
        for predicate in differing:
            if predicate.value in showing:
                shown.setdefault(column.name, predicate)
    return list(shown.items()), [p for p in differing if p not in shown.values()]


def _touched(node: NamedNode, facts: Said) -> set[NamedNode]:
    if _kind(node) not in _TABLES:
        return set()
    nodes = {node, *(v for values in facts.values() for v in values if isinstance(v, NamedNode))}
    return {each for each in nodes if _kind(each) in _ASKED}


def _answers(before: Graph, after: Graph, rooms: Rooms, touched: Collection[NamedNode]) -> list[Answered]:
    """The canned queries whose answers differ, as they lie or of the things that changes touch most."""
    found = []
    for query in queries.catalogue(rooms):
        for words in _asked(query, touched):
            change = graph.change(before, after, query, words)
            if change.lost or change.gained:
                found.append(Answered(change, words))
    return found


def _asked(query: queries.Query, touched: Iterable[NamedNode]) -> Iterator[dict[str, str]]:
    yield {}
    param = next((p for p in query.params if p.kind in _ASKED), None)
    if param:
        things = [node for node in touched if _kind(node) == param.kind and node != param.default]
        yield from ({param.name: kind_of(node.value)[1]} for node in things[:_MOST])
