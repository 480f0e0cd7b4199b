"""The graph as people ask it: open it, ask a canned query in words, get plain rows.

    import councilgraph

    graph = councilgraph.open()
    for row in graph.who("christchurch", on="2019-03-31"):
        print(row["capacity"], row["label"])

Everything that answers, the command line too, asks through `Graph`. What is asked stands in `queries/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar, overload

from pyoxigraph import Literal, NamedNode, Store, Triple

from councilgraph import bundle, dataset, queries
from councilgraph.bundle import Rooms
from councilgraph.dataset import Progress, Text, silent
from councilgraph.errors import CouncilgraphError, Finding, FindingsError, UsageError, unknown
from councilgraph.iris import kind_of
from councilgraph.namespaces import XSD
from councilgraph.queries import Cell, Query, Rows, Source

#: A value as Python has it: IRIs and texts are `str`.
T = TypeVar("T")
Plain = str | int | float | bool | date | None
Word = str | int | date
CERTAINTIES = ("definite", "possible")

#: What `describe` asks of a thing of a kind: canned queries, and what the thing is to each.
_DESCRIBED: dict[str, tuple[tuple[str, str], ...]] = {
    "area": (("area/councils", "area"), ("area/on-day", "area")),
    "body": (
        ("authority/about", "authority"),
        ("inspection/grade-on", "authority"),
        ("intervention/history", "authority"),
        ("person/post-holders", "authority"),
    ),
    "person": (("person/career", "person"),),
    "source": (("source/claims", "publication"), ("person/named-in", "publication")),
}
#: The same where a day is given.
_DESCRIBED_ON = {
    **_DESCRIBED,
    "area": (("area/on-day", "area"),),
    "body": (
        ("authority/about-on", "authority"),
        ("inspection/grade-on", "authority"),
        ("person/post-holders", "authority"),
    ),
}


@dataclass(frozen=True)
class Answer(Sequence[dict[str, Plain]]):
    """The rows of an answer, each a dict from a column's name to a plain value; a cell without one is None.

    `terms` has the same rows as RDF terms.
    """

    terms: Rows
    query: Query | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.terms.columns

    def __len__(self) -> int:
        return len(self.terms.rows)

    def __iter__(self) -> Iterator[dict[str, Plain]]:
        return (self._plain(row) for row in self.terms.rows)

    @overload
    def __getitem__(self, index: int) -> dict[str, Plain]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Plain]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Plain] | list[dict[str, Plain]]:
        if isinstance(index, slice):
            return [self._plain(row) for row in self.terms.rows[index]]
        return self._plain(self.terms.rows[index])

    def _plain(self, row: tuple[Cell, ...]) -> dict[str, Plain]:
        return dict(zip(self.columns, map(plain, row), strict=True))

    def to_pandas(self) -> Any:
        """A pandas DataFrame of these rows; CouncilgraphError where pandas is not installed."""
        frame = _library("pandas").DataFrame(list(self), columns=list(self.columns), dtype=object)
        return frame.infer_objects()

    def to_polars(self) -> Any:
        """A polars DataFrame of these rows; CouncilgraphError where polars is not installed."""
        columns = {name: [row[name] for row in self] for name in self.columns}
        return _library("polars").DataFrame(columns, strict=False)


@dataclass(frozen=True)
class Document:
    """Several answers about one thing, under one heading: what `describe` and `pack` give.

    `sections` are in the order in which they are read; `sources` are the publications that they rest on.
    """

    title: str
    subject: str
    label: str
    sections: tuple[Answer, ...]
    sources: Answer | None = None


@dataclass(frozen=True)
class Graph:
    """A graph that can be asked: the one in the store, or a view of it.

    Its methods take words as a person types them: slugs, codes, names in any case, IRIs; days as `date` or
    `2019-04-01`. UsageError says what would do where a word means nothing, or several things.
    """

    rooms: Rooms
    #: What answers: the embedded store, a view, or a store elsewhere.
    store: Source
    viewed: str = field(default="", kw_only=True)
    #: What a view was made of: names and codes are looked up there too, whoever vouches for them.
    whole: Source | None = field(default=None, kw_only=True)

    def query(
        self,
        name: str,
        /,
        *,
        certainty: str | None = None,
        sources: bool = False,
        **words: Word,
    ) -> Answer:
        """The answer to a canned query, with these words for its parameters (`from_` for one named `from`).

        `certainty` keeps only what is `definite`, or only what is `possible`; `sources` adds the records
        that each row rests on, and their publications.
        """
        query = queries.named(name, self.rooms)
        said = {key.rstrip("_"): str(word) for key, word in words.items()}
        for key in said:
            if key not in {p.name for p in query.params}:
                raise unknown(key, key, [p.name for p in query.params], f"parameter of {name}")
        return self.ask(query, said, certainty=certainty, sources=sources)

    def ask(
        self,
        query: Query,
        words: Mapping[str, str],
        *,
        called: Mapping[str, str] | None = None,
        certainty: str | None = None,
        sources: bool = False,
    ) -> Answer:
        """What `query` does, of a query that was read already.

        `called` has what the user calls a parameter, if not by its name.
        """
        values = self._meant(lambda store: queries.values(store, self.rooms, query, words, called or {}))
        found = queries.certain(queries.select(self.store, query.bound(values, sources)), query, certainty)
        rows = queries.shown(found, query, evidence=sources)
        return Answer(self._sourced(rows, query) if sources else rows, query)

    def who(self, area: str, function: str = "childrens-services", on: Word = "today", **how: Any) -> Answer:
        """Which bodies held a function for an area on a day, and in which capacity."""
        return self.query("function/who", area=area, function=function, on=on, **how)

    def lineage(
        self, thing: str, function: str = "childrens-services", direction: str = "back", **how: Any
    ) -> Answer:
        """Whom a council replaced (`back`), or what replaced it (`forward`), hop by hop, area by area."""
        name = {"back": "predecessors", "forward": "successors"}.get(direction)
        if name is None:
            raise unknown("direction", direction, ["back", "forward"], "direction")
        return self.query(f"reorganisation/{name}", authority=thing, function=function, **how)

    def history(self, thing: str, **how: Any) -> Answer:
        """All that happened to a council, or the posts that a person held, on one timeline."""
        node = self.thing(thing)
        kind = kind_of(node.value)[0]
        if kind == "person":
            return self.query("person/career", person=node.value, **how)
        return self.query("authority/timeline", authority=node.value if kind == "body" else thing, **how)

    def describe(self, thing: str, on: Word | None = None, **how: Any) -> Document:
        """What is known of a thing of any kind; of a council or an area, as on a day where one is given."""
        node = self.thing(thing)
        asked = (_DESCRIBED if on is None else _DESCRIBED_ON).get(
            kind_of(node.value)[0], (("source/said", "record"),)
        )
        sections = []
        for name, param in asked:
            query = queries.named(name, self.rooms)
            words = {param: node.value}
            if any(p.name == "on" for p in query.params):
                words["on"] = str(on or "today")
            sections.append(self.ask(query, words, **how))
        label = queries.label(self.store, node)
        return Document(label, node.value, label, tuple(sections))

    def pack(self, authority: str) -> Document:
        """The inheritance pack of a council: what it takes over, from whom and by what, and what is left."""
        node = queries.value(
            self.store,
            self.rooms,
            queries.named("pack/areas", self.rooms).params[0],
            authority,
            where="THING",
        )
        assert isinstance(node, NamedNode)
        found = [
            self.ask(query, {"authority": node.value}, sources=True)
            for query in queries.catalogue(self.rooms)
            if query.name.startswith("pack/")
        ]
        label = queries.label(self.store, node)
        records = dict.fromkeys(r for answer in found for r in _records(answer))
        return Document(
            f"Inheritance pack: {label}", node.value, label, tuple(found), Answer(self._publications(records))
        )

    def sparql(self, text: str) -> Answer | bool | list[Triple]:
        """The answer to any SPARQL query, our prefixes known: rows, yes or no, or triples. It reads only."""
        answer = queries.ask(self.store, text)
        return Answer(answer) if isinstance(answer, Rows) else answer

    def thing(self, word: str) -> NamedNode:
        """The thing of any kind that a word stands for: a council before an area, and so on."""
        return self._meant(lambda store: queries.thing(store, self.rooms, word))

    def label(self, thing: str) -> str:
        """What a person calls the thing that a word stands for."""
        return queries.label(self.store, self.thing(thing))

    def catalogue(self) -> list[Query]:
        """Every canned query: name, title, question, parameters."""
        return queries.catalogue(self.rooms)

    def _meant(self, look: Callable[[Source], T]) -> T:
        """What a word means in this graph, or else in the one that it is a view of."""
        try:
            return look(self.store)
        except UsageError:
            if self.whole is None:
                raise
            return look(self.whole)

    def _sourced(self, rows: Rows, query: Query) -> Rows:
        """Rows with the publications behind their evidence, and the places in them, in two more columns."""
        places = [rows.columns.index(name) for name in query.evidence]
        records = [[r for place in places for r in queries.parts(row[place])] for row in rows.rows]
        found = self._of_records(dict.fromkeys(r for each in records for r in each))
        columns = [name for name in rows.columns if name not in ("source", "publication")]
        kept = [rows.columns.index(name) for name in columns]
        sourced = []
        for row, behind in zip(rows.rows, records, strict=True):
            said = dict.fromkeys(pair for record in behind for pair in found.get(record, ()))
            cells = [_joined(dict.fromkeys(pair[i] for pair in said)) for i in (0, 1)]
            sourced.append((*(row[place] for place in kept), *cells))
        return Rows((*columns, "source", "publication"), sourced)

    def _of_records(self, records: Mapping[str, None]) -> dict[str, list[tuple[str, str]]]:
        """The publications that each record rests on: IRI, and title with the place in it."""
        if not records:
            return {}
        query = queries.named("source/of-record", self.rooms)
        rows = queries.run(self.store, query, {"record": [NamedNode(record) for record in records]})
        found: dict[str, list[tuple[str, str]]] = {}
        for row in Answer(rows):
            place = f", {str(row['passage']).replace('; ', ', ')}" if row["passage"] else ""
            found.setdefault(str(row["record"]), []).append((str(row["source"]), f"{row['title']}{place}"))
        return found

    def _publications(self, records: Mapping[str, None]) -> Rows:
        query = queries.named("source/of-record", self.rooms)
        columns = ("source", "title", "publisher", "kind", "published", "url")
        if not records:
            return Rows(columns, [])
        rows = queries.run(self.store, query, {"record": [NamedNode(record) for record in records]})
        places = [rows.columns.index(name) for name in columns]
        seen = dict.fromkeys(tuple(row[place] for place in places) for row in rows.rows)
        return Rows(columns, sorted(seen, key=lambda row: str(row[0])))


def open(
    root: str | PathLike[str] | None = None,
    *,
    scenario: str = "",
    trust: str = "",
    endpoint: Source | None = None,
    progress: Progress = silent,
    warn: Callable[[str], None] = lambda _: None,
) -> Graph:
    """The graph of the project's rooms, or of those below `root`; its store is built where need be.

    With a `scenario`, that of the main graph and what the scenario supposes; with `trust="official"`, that of
    the records that rest on an official source. Either is a view in memory: the store does not change.
    With an `endpoint` (`councilgraph.endpoint.Remote`), the graph that a store elsewhere holds.
    FindingsError where the tables have findings and there is no store from before.
    """
    rooms = bundle.rooms(Path(root) if root is not None else None)
    if endpoint is not None:
        if scenario or trust:
            why = "is for the embedded store: a view is made from its tables"
            raise UsageError("--scenario" if scenario else "--trust", why, "Ask without --endpoint.")
        return Graph(rooms, endpoint)
    graph = Graph(rooms, ready(rooms, progress, warn))
    return graph if not (scenario or trust) else viewed(graph, scenario, trust)


def viewed(graph: Graph, scenario: str = "", trust: str = "") -> Graph:
    """A graph with a scenario, or without the records that a rule of trust leaves out, or both."""
    assert isinstance(graph.store, Store), "a view is made from the tables"
    if scenario and scenario not in dataset.scenarios(graph.store):
        raise unknown("--scenario", scenario, dataset.scenarios(graph.store), "scenario")
    if trust and trust not in queries.rules(graph.rooms):
        raise unknown("--trust", trust, queries.rules(graph.rooms), "rule of trust")
    without = queries.distrusted(graph.store, graph.rooms, trust) if trust else set()
    words = [f"scenario {scenario}"] if scenario else []
    words += [f"{trust} sources only, {len(without):,} records left out"] if trust else []
    store = dataset.view(graph.store, graph.rooms, scenario, without)
    return Graph(graph.rooms, store, viewed="; ".join(words), whole=graph.store)


def ready(rooms: Rooms, progress: Progress = silent, warn: Callable[[str], None] = lambda _: None) -> Store:
    """The store as the rooms have it now, built where need be; the one before where they have findings."""
    store, fresh = dataset.current(rooms)
    if store is not None and fresh:
        return store
    try:
        return build(rooms, progress)
    except CouncilgraphError as error:
        if store is None:
            raise
        first = f" The first: {error.findings[0]}" if isinstance(error, FindingsError) else ""
        warn(f"answering from the store built before, since {error}{first}")
        return store


def text(rooms: Rooms, progress: Progress = silent, warn: Callable[[str], None] = lambda _: None) -> Text:
    """What the store that `ready` gives says, as text."""
    ready(rooms, progress, warn)
    found = dataset.in_use(rooms)
    if found is None:
        raise CouncilgraphError(str(rooms.home), "has lost its store", "Run it again: it is built anew.")
    return found.text


def build(rooms: Rooms, progress: Progress = silent) -> Store:
    """Build the store from the rooms; FindingsError where shapes or published totals find something wrong."""
    from councilgraph import validation

    def gate(graph: dataset.Graph, rooms: Rooms) -> list[Finding]:
        return [*validation.findings(graph, rooms), *queries.unmet(graph, rooms)]

    return dataset.build(rooms, gate, progress)


@dataclass(frozen=True)
class Change:
    """How a canned query's answer differs between two graphs: rows in both, in the one, in the other."""

    query: Query
    columns: tuple[str, ...]
    kept: list[tuple[Cell, ...]]
    lost: list[tuple[Cell, ...]]
    gained: list[tuple[Cell, ...]]


def change(before: Graph, after: Graph, query: Query, words: Mapping[str, str], **how: Any) -> Change:
    """How the answer to one query differs between two graphs.

    Where one of them has nothing for a word, its answer has no rows; UsageError where neither has.
    """
    answers: list[Rows | None] = []
    wrong: UsageError | None = None
    for side in (before, after):
        try:
            answers.append(side.ask(query, words, **how).terms)
        except UsageError as error:
            answers.append(None)
            wrong = error
    known = [answer for answer in answers if answer]
    if not known:
        assert wrong
        raise wrong
    first, second = (answer or Rows(known[0].columns, []) for answer in answers)
    old, new = set(first.rows), set(second.rows)
    return Change(
        query,
        first.columns,
        [row for row in first.rows if row in new],
        [row for row in first.rows if row not in new],
        [row for row in second.rows if row not in old],
    )


def plain(cell: Cell) -> Plain:
    """A cell as Python has it."""
    if cell is None or isinstance(cell, NamedNode):
        return cell.value if cell else None
    kind, text = cell.datatype, cell.value
    if kind == XSD.date:
        return date.fromisoformat(text)
    if kind == XSD.integer:
        return int(text)
    if kind == XSD.boolean:
        return text in ("true", "1")
    if kind in (XSD.decimal, XSD.double, XSD.float):
        return float(text)
    return text


def _records(answer: Answer) -> Iterator[str]:
    if not answer.query:
        return
    places = [answer.columns.index(name) for name in answer.query.evidence]
    for row in answer.terms.rows:
        for place in places:
            yield from queries.parts(row[place])


def _joined(texts: Mapping[str, None]) -> Cell:
    return Literal("; ".join(texts)) if texts else None


def _library(name: str) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        raise CouncilgraphError(name, "is not installed", f"Install it: pip install {name}.") from error
