"""Canned queries: read a `.rq` file's header, bind parameters as RDF terms, run, return rows.

A `.rq` file is SPARQL that runs as it lies. Lines that begin with `#+` say `title`, `question`, `tags`,
`param NAME: help`, `join` (columns whose several values are joined into one row) and `evidence` (columns of
the records that a row rests on, joined too, and shown where they are asked for). A parameter is a line
`VALUES ?name { term }`: the term is the example, the default, and the type at once; where a query needs it
in several groups the line is repeated.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from pyoxigraph import (
    DefaultGraph,
    Literal,
    NamedNode,
    QueryBoolean,
    QuerySolutions,
    QueryTriples,
    Store,
    Triple,
)

from councilgraph import dataset
from councilgraph.bundle import Rooms
from councilgraph.dataset import Graph
from councilgraph.errors import CouncilgraphError, Finding, UsageError
from councilgraph.iris import concept, instance, kind_of, slugify
from councilgraph.namespaces import ID, KINDS, PREFIXES, SKOS, XSD, compact

Term = NamedNode | Literal
Cell = Term | None
_KEYS = {"title", "question", "tags", "param", "join", "evidence"}
#: Where a canned query says which columns it has, and which terms its parameters have by default.
_SELECT = re.compile(r"^SELECT DISTINCT .*$", re.MULTILINE)
_VALUES = re.compile(r"^[ ]*VALUES \?(\w+) \{ (\S.*?) \}[ ]*$", re.MULTILINE)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ufeff\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_LONGEST = 500  # characters of a value: longer than any name, code or IRI of ours
#: The kinds that a word may name, the first that fits first: a council goes before the area of its name.
_FIRST = ("body", "area", "person", *(k for k in KINDS if k not in ("body", "area", "person")))
#: Rooms of queries that are not questions.
_INTERNAL = {"derive", "distrust"}


@dataclass(frozen=True)
class Parameter:
    """A parameter of a canned query: what it is for, and the term that is its default and its type."""

    name: str
    help: str
    default: Term

    @property
    def kind(self) -> str:
        """`body`, `area`, `concept/function`, … for a resource; else the datatype's local name."""
        if isinstance(self.default, NamedNode):
            return kind_of(self.default.value)[0]
        return self.default.datatype.value.rsplit("#", 1)[1]

    @property
    def example(self) -> str:
        """The default, as a person types it."""
        return kind_of(self.default.value)[1] if isinstance(self.default, NamedNode) else self.default.value


@dataclass(frozen=True)
class Query:
    """A canned query: its name is its folder and its file, `inspection/grade-on`."""

    name: str
    text: str
    title: str
    question: str
    tags: tuple[str, ...]
    params: tuple[Parameter, ...]
    join: tuple[str, ...]
    evidence: tuple[str, ...]

    def bound(self, values: Mapping[str, Term | Sequence[Term]], evidence: bool = False) -> str:
        """The query's text with these terms in the place of its defaults; of several, it answers for each.

        Without `evidence` it does not ask for the records that a row rests on, so that rows that differ in
        those alone are one.
        """
        lines = {
            name: f"VALUES ?{name} {{ {' '.join(map(str, [terms] if isinstance(terms, Term) else terms))} }}"
            for name, terms in values.items()
        }
        text = _VALUES.sub(lambda match: lines.get(match[1], match[0]), self.text)
        if evidence or not self.evidence:
            return text
        columns = re.compile(rf" \?(?:{'|'.join(self.evidence)})\b")
        return _SELECT.sub(lambda match: columns.sub("", match[0]), text, count=1)


@dataclass(frozen=True)
class Rows:
    """The rows of an answer, under the names of their columns; a cell without a value is None."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]


class Source(dataset.Quads, Protocol):
    """What answers: the embedded store, or a store elsewhere (`endpoint.Remote`)."""

    def query(
        self, query: str, /, *, prefixes: dict[str, str] | None = None
    ) -> QuerySolutions | QueryBoolean | QueryTriples | Rows | bool | list[Triple]:
        """The answer to a query; SyntaxError where it is none."""


def parse(path: Path, rooms: Rooms) -> Query:
    """Read one `.rq` file; its header's mistakes are errors with file and line."""
    where = str(path.relative_to(rooms.root))
    text = path.read_text(encoding="utf-8")
    said: dict[str, str] = {}
    params: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("#+"):
            continue
        key, _, value = line[2:].strip().partition(":")
        word, _, name = key.partition(" ")
        if word not in _KEYS or (word == "param") != bool(name):
            raise CouncilgraphError(
                f"{where}:{number}", f'"{key}" is not a key', f"Take {', '.join(sorted(_KEYS))}."
            )
        if name:
            params[name] = value.strip()
        else:
            said[word] = value.strip()
    for needed in ("title", "question", "tags"):
        if not said.get(needed):
            raise CouncilgraphError(where, f"has no {needed}", f"Add a line `#+ {needed}: …`.")
    defaults: dict[str, set[str]] = {}
    for name, term in _VALUES.findall(text):
        defaults.setdefault(name, set()).add(term)
    found = []
    for name, help_ in params.items():
        terms = defaults.get(name, set())
        if len(terms) != 1:
            raise CouncilgraphError(
                where,
                f"parameter {name} has {len(terms)} defaults",
                f"Write one `VALUES ?{name} {{ term }}`.",
            )
        found.append(Parameter(name, help_, _term(terms.pop(), where)))
    return Query(
        name=path.relative_to(rooms.queries).with_suffix("").as_posix(),
        text=text,
        title=said["title"],
        question=said["question"],
        tags=_listed(said["tags"]),
        params=tuple(found),
        join=_listed(said.get("join", "")),
        evidence=_listed(said.get("evidence", "")),
    )


def rules(rooms: Rooms) -> list[str]:
    """What `--trust` takes: each `queries/distrust/*.rq` finds the records that it leaves out."""
    return sorted(path.stem for path in (rooms.queries / "distrust").glob("*.rq"))


def distrusted(store: Source, rooms: Rooms, rule: str) -> set[NamedNode]:
    """The records that a rule of trust leaves out."""
    query = parse(rooms.queries / "distrust" / f"{rule}.rq", rooms)
    return {row[0] for row in select(store, query.text).rows if isinstance(row[0], NamedNode)}


def catalogue(rooms: Rooms) -> list[Query]:
    """Every canned query, by name."""
    return [parse(path, rooms) for path in _files(rooms)]


def named(name: str, rooms: Rooms) -> Query:
    """The canned query of a name; UsageError suggests where there is none."""
    files = {path.relative_to(rooms.queries).with_suffix("").as_posix(): path for path in _files(rooms)}
    if name not in files:
        near = difflib.get_close_matches(name, [*files, *(f.rpartition("/")[2] for f in files)], 1)
        full = [f for f in files if near and (f == near[0] or f.endswith(f"/{near[0]}"))]
        did = f"Did you mean {full[0]}?" if full else "`councilgraph query` lists them."
        raise UsageError(f'"{_shown(name)}"', "is not a canned query", did)
    return parse(files[name], rooms)


def run(store: Source, query: Query, values: Mapping[str, Term | Sequence[Term]]) -> Rows:
    """The rows of a canned query's answer, without the records that they rest on."""
    return shown(select(store, query.bound(values)), query)


def shown(answer: Rows, query: Query, evidence: bool = False) -> Rows:
    """An answer's rows as people see them: joined, and with their evidence only where it is asked for."""
    rows = joined(answer, (*query.join, *query.evidence))
    places = [i for i, name in enumerate(rows.columns) if evidence or name not in query.evidence]
    return Rows(tuple(rows.columns[i] for i in places), [tuple(row[i] for i in places) for row in rows.rows])


def certain(answer: Rows, query: Query, certainty: str | None) -> Rows:
    """The rows that are `definite`, or those that are `possible`; all where neither is asked for.

    A row is possible where any of its certainties is. One that has none says that something is missing, and
    stays. UsageError where the query's answers have no certainty.
    """
    if certainty is None:
        return answer
    places = [i for i, name in enumerate(answer.columns) if name.lower().endswith("certainty")]
    if not places:
        raise UsageError("--certainty", f"means nothing to {query.name}", "Its answers have no certainty.")
    kept = []
    for row in answer.rows:
        said = {cell.value for place in places if (cell := row[place]) is not None}
        if not said or certainty == ("possible" if "possible" in said else "definite"):
            kept.append(row)
    return Rows(answer.columns, kept)


def parts(cell: Cell) -> list[str]:
    """The values of a cell that may be joined."""
    return cell.value.split("; ") if cell else []


def select(store: Source, text: str) -> Rows:
    """The rows of a SELECT."""
    answer = store.query(text)
    if isinstance(answer, Rows):
        return answer
    assert isinstance(answer, QuerySolutions)
    return rows(answer)


def unmet(graph: Graph, rooms: Rooms) -> list[Finding]:
    """The published totals (`data/expectations.csv`) that the graph's canned queries do not give."""
    found = []
    for row in graph.rows.values():
        if row.file != "data/expectations.csv":
            continue
        try:
            query = named(row.cells["query"], rooms)
        except UsageError as error:
            found.append(Finding(row.file, row.line, "query", row.cells["query"], error.why, error.remedy))
            continue
        answer = run(graph.store, query, {"on": Literal(row.cells["on"], datatype=XSD.date)})
        kind, place = row.cells["kind"], answer.columns.index("count")
        cells = [line[place] for line in answer.rows if not kind or line[0] == Literal(kind)]
        counted = sum(int(cell.value) for cell in cells if cell is not None)
        if str(counted) != row.cells["expected"]:
            why = f"is what the source counts; the graph counts {counted:,}"
            remedy = f"Look what changed: councilgraph query {query.name} --on {row.cells['on']}."
            found.append(Finding(row.file, row.line, "expected", row.cells["expected"], why, remedy))
    return found


def ask(store: Source, text: str) -> Rows | bool | list[Triple]:
    """The answer to anybody's SPARQL, our prefixes known: rows, yes or no, or triples. It reads only.

    UsageError where it is not a query, or asks other servers (SERVICE).
    """
    answer = answered(store, text)
    try:
        if isinstance(answer, QuerySolutions):
            return rows(answer)
        if isinstance(answer, QueryBoolean):
            return bool(answer)
        return list(answer) if isinstance(answer, QueryTriples) else answer
    except (OSError, ValueError) as error:
        raise UsageError("query", f"cannot be answered ({error})", "Mend it and ask again.") from error


def answered(store: Source, text: str, allowed: Collection[str] = (), **graphs: Any) -> Any:
    """The answer to anybody's SPARQL as the store gives it; it may call the servers that are `allowed`.

    `graphs` are the store's own words for the graphs that are asked. UsageError as `ask` has it.
    """
    if not services(text) <= set(allowed):
        named = f" It may call {', '.join(sorted(allowed))}, written <so>." if allowed else ""
        raise UsageError(
            "query",
            "calls another server (SERVICE)",
            f"Ask that server itself; this store answers for itself only.{named}",
        )
    try:
        query: Callable[..., Any] = store.query
        return query(text, prefixes=PREFIXES, **graphs)
    except SyntaxError as error:
        updates = re.match(
            r"\s*(PREFIX\s+\S+\s+\S+\s*)*(INSERT|DELETE|LOAD|CLEAR|DROP|CREATE|ADD|MOVE|COPY|WITH)\b",
            text,
            re.I,
        )
        if updates:
            raise UsageError(
                "query", "is an update", "The store is read only: change data/ and build."
            ) from error
        raise UsageError(
            "query", f"is not SPARQL ({str(error).strip()})", "Mend it and ask again."
        ) from error
    except (OSError, ValueError) as error:
        raise UsageError("query", f"cannot be answered ({error})", "Mend it and ask again.") from error


def values(
    store: Source, rooms: Rooms, query: Query, words: Mapping[str, str], called: Mapping[str, str]
) -> dict[str, Term]:
    """The terms that a person's words for a query's parameters stand for.

    Where there is a day among them, it says which area a council had, or which council an area; `called`
    has what the user calls a parameter, if not by its name.
    """
    on = next((p for p in query.params if p.name == "on"), None)
    day = value(store, rooms, on, words["on"]) if on and "on" in words else on.default if on else None
    when = date.fromisoformat(day.value) if day else None
    return {
        p.name: value(store, rooms, p, words[p.name], when, called.get(p.name, ""))
        for p in query.params
        if p.name in words
    }


def value(
    store: Source, rooms: Rooms, param: Parameter, text: str, on: date | None = None, where: str = ""
) -> Term:
    """The RDF term that a person's word for a parameter stands for; UsageError says what would do.

    `on` picks among the areas that a body had, where an area is wanted and a body is named; `where` is what
    the user calls the parameter, if not by its name.
    """
    where = where or f"--{param.name.replace('_', '-')}"
    text = _plain(text, where, param.example)
    shown = _shown(text)
    if param.kind == "date":
        return _date(text, where)
    if param.kind == "integer":
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            raise UsageError(where, f'"{shown}" is not a whole number', f"Write it like {param.example}.")
        return Literal(int(text))
    if param.kind == "string":
        odd = re.search(r'[<>{}"\\^`|#;]', text)
        if odd:
            raise UsageError(where, f'"{shown}" holds {odd[0]}', "No name or code has that; type it again.")
        return Literal(text.lower())  # what it is compared with is a `cg:key`
    if param.kind.startswith("concept/"):
        return _concept(store, param, text, where)
    if param.name == "record":  # of any kind, whatever kind the example is
        return thing(store, rooms, text, where)
    return _resource(store, rooms, param.kind, text, where, on)


def _plain(text: str, where: str, example: str) -> str:
    """A person's word without the blanks around it; UsageError where it cannot be the name of anything."""
    if len(text) > _LONGEST:
        raise UsageError(
            where, f"is {len(text):,} characters long", f"No name or code has more than {_LONGEST}."
        )
    if _UNSEEN.search(text) or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise UsageError(where, f'"{_shown(text)}" holds a control character', "Type it again.")
    if not text.strip():
        raise UsageError(where, "is empty", f"Give a value such as {example}.")
    return text.strip()


def thing(store: Source, rooms: Rooms, text: str, where: str = "THING") -> NamedNode:
    """The thing of any kind that a person's word stands for: a council before an area, and so on by kind.

    UsageError says what would do.
    """
    text = _plain(text, where, "bournemouth-christchurch-and-poole-council")
    spelt = text.strip("<>").removeprefix(ID)
    prefix = re.match(r"([a-z-]+)[:/]", spelt)
    kinds = [prefix[1]] if prefix and prefix[1] in KINDS else list(_FIRST)
    for kind in kinds:
        exact = _known(store, kind, text)
        if exact:
            return exact
    found = run(store, named("authority/find", rooms), {"text": Literal(text.lower())}).rows
    nodes = [row[0] for row in found if isinstance(row[0], NamedNode)]
    for kind in kinds:
        if any(kind_of(node.value)[0] == kind for node in nodes):
            return _resource(store, rooms, kind, text, where, None)
    return _resource(store, rooms, kinds[0], text, where, None)


def _resource(store: Source, rooms: Rooms, kind: str, text: str, where: str, on: date | None) -> NamedNode:
    exact = _known(store, kind, text)
    if exact:
        return exact
    finder = named("authority/find", rooms)
    found = run(store, finder, {"text": Literal(text.lower())}).rows
    named_so = [thing for thing, _ in found if isinstance(thing, NamedNode)]
    things = [thing for thing in named_so if kind_of(thing.value)[0] == kind]
    if not things and kind in ("area", "body"):
        other = _known(store, "body" if kind == "area" else "area", text)
        things = _designated([other] if other else named_so, kind, store, rooms, on)
    if len(things) == 1:
        return things[0]
    if things:
        choices = "; ".join(f"{kind_of(t.value)[1]} ({label(store, t)})" for t in things)
        raise UsageError(where, f'"{_shown(text)}" may be several', f"Take one of: {choices}.")
    names = _names(store, kind)
    within = [name for name in sorted(names, key=len) if re.search(rf"\b{re.escape(text.lower())}\b", name)]
    near = difflib.get_close_matches(text.lower(), names, 3, 0.6)
    slugs = list(dict.fromkeys(names[name] for name in (*within, *near)))[:3]
    remedy = (
        f"Did you mean {' or '.join(slugs)}?"
        if slugs
        else "`councilgraph query authority/find --text …` looks names and codes up."
    )
    raise UsageError(where, f'"{_shown(text)}" is no {kind} that the graph knows', remedy)


def _designated(
    others: list[NamedNode], kind: str, store: Source, rooms: Rooms, on: date | None
) -> list[NamedNode]:
    """The areas that bodies were the councils of, or the councils that areas had: on a day, or else ever."""
    name, param = ("area/of-body", "authority") if kind == "area" else ("area/councils", "area")
    query = named(name, rooms)
    rows = [row for other in others for row in run(store, query, {param: other}).rows]
    # `ongoing` and `unknown` sort after every day.
    then = [r for r in rows if on and r[3] and r[4] and r[3].value <= on.isoformat() < r[4].value]
    return list(dict.fromkeys(row[0] for row in then or rows if isinstance(row[0], NamedNode)))


def _known(store: Source, kind: str, text: str) -> NamedNode | None:
    """The resource that a slug, a prefixed name or an IRI names, if the graph has it."""
    base = instance(kind, "").value
    prefix = f"{kind}:"
    slug = text[1:-1] if text.startswith("<") and text.endswith(">") else text
    slug = slug.removeprefix(base).removeprefix(prefix).removeprefix(f"{kind}/")
    if not re.fullmatch(r"[a-z0-9.-]+", slug.lower()):
        return None
    node = instance(kind, slug.lower())
    return node if next(store.quads_for_pattern(node, None, None, DefaultGraph()), None) else None


def _names(store: Source, kind: str) -> dict[str, str]:
    """Every name of the resources of a kind, lower case → slug: for suggestions."""
    base = instance(kind, "").value
    names = {}
    for quad in store.quads_for_pattern(None, SKOS.prefLabel, None, DefaultGraph()):
        subject = quad.subject
        if (
            isinstance(subject, NamedNode)
            and subject.value.startswith(base)
            and isinstance(quad.object, Literal)
        ):
            slug = subject.value[len(base) :]
            names[quad.object.value.lower()] = slug
            names[slug] = slug
    return names


def _concept(store: Source, param: Parameter, text: str, where: str) -> NamedNode:
    scheme = param.kind.removeprefix("concept/")
    base = concept(scheme, "").value
    slug = slugify(text.strip("<>").removeprefix(base).rpartition(":")[2])
    node = concept(scheme, slug)
    if slug and next(store.quads_for_pattern(node, SKOS.prefLabel, None, DefaultGraph()), None):
        return node
    options = sorted(
        quad.subject.value[len(base) :]
        for quad in store.quads_for_pattern(None, SKOS.prefLabel, None, DefaultGraph())
        if isinstance(quad.subject, NamedNode) and quad.subject.value.startswith(base)
    )
    near = difflib.get_close_matches(slug, options, 1)
    remedy = f"Did you mean {near[0]}?" if near else f"Take one of: {', '.join(options)}."
    raise UsageError(where, f'"{_shown(text)}" is no {param.name}', remedy)


def _date(text: str, where: str) -> Literal:
    if text == "today":
        return Literal(date.today().isoformat(), datatype=XSD.date)
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return Literal(date.fromisoformat(text).isoformat(), datatype=XSD.date)
    except ValueError:
        raise UsageError(
            where, f'"{_shown(text)}" is not a day', "Write it like 2019-04-01, or today."
        ) from None


def label(store: Source, node: Term) -> str:
    """What a person calls a resource."""
    quad = (
        next(store.quads_for_pattern(node, SKOS.prefLabel, None, DefaultGraph()), None)
        if isinstance(node, NamedNode)
        else None
    )
    return quad.object.value if quad and isinstance(quad.object, Literal) else compact(node.value)


def _shown(text: str) -> str:
    cut = text if len(text) <= 60 else f"{text[:60]}…"
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in cut
    )


def _files(rooms: Rooms) -> list[Path]:
    return sorted(path for path in rooms.queries.glob("*/*.rq") if path.parent.name not in _INTERNAL)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _term(text: str, where: str) -> Term:
    """A term as SPARQL writes it, with our prefixes."""
    try:
        answer = Store().query(f"SELECT ({text} AS ?term) {{}}", prefixes=PREFIXES)
        assert isinstance(answer, QuerySolutions)
        term = next(answer)["term"]
        assert isinstance(term, NamedNode | Literal)
    except (SyntaxError, AssertionError, StopIteration) as error:
        raise CouncilgraphError(where, f"{text} is not one term", "Write an IRI or a literal.") from error
    return term


def rows(answer: QuerySolutions) -> Rows:
    """The rows of a SELECT's answer."""
    columns = tuple(variable.value for variable in answer.variables)
    return Rows(columns, [tuple(solution) for solution in answer])


def joined(answer: Rows, join: tuple[str, ...]) -> Rows:
    """Rows that differ in the joined columns alone as one: those cells' values in order, joined by "; "."""
    places = [answer.columns.index(name) for name in join if name in answer.columns]
    if not places:
        return answer
    groups: dict[tuple[object, ...], list[tuple[Cell, ...]]] = {}
    for row in answer.rows:
        key = tuple(cell for place, cell in enumerate(row) if place not in places)
        groups.setdefault(key, []).append(row)
    rows = []
    for group in groups.values():
        merged = list(group[0])
        for place in places:
            cells = list(dict.fromkeys(cell for row in group if (cell := row[place]) is not None))
            if len(cells) > 1:
                merged[place] = Literal("; ".join(sorted(cell.value for cell in cells)))
        rows.append(tuple(merged))
    return Rows(answer.columns, rows)


_BLANK = r"(?:\s|\#[^\n\r]*+)*+"
#: SERVICE, where it calls, as the store's parser takes it: with no blank before or after it too. What stands
#: before is not read, save that it is no variable's name, so that no string, comment or name can hide a call.
_SERVICE = re.compile(
    rf"""[?$]\w+ | (?P<call>service){_BLANK}(?:silent{_BLANK})?
    (?: <(?P<iri>[^<>"{{}}|^`\\\x00-\x20]*)> | <[^<>]*>  # an IRI, or an odd one
    | [?$][^\s{{}}<>"]+ | [^\s{{}}<>"]*?:[^\s{{}}<>"]*  # a variable, a prefixed name
    ){_BLANK}\{{""",
    re.IGNORECASE | re.VERBOSE,
)


def services(text: str) -> set[str]:
    """The servers that a query calls (SERVICE): their IRIs; "" for one that is no IRI as it stands there."""
    # SPARQL reads \u escapes anywhere before it reads anything else; not every parser does.
    plain = re.sub(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})", lambda m: _character(m[1] or m[2]), text)
    found = (match for way in (text, plain) for match in _SERVICE.finditer(way))
    return {match["iri"] or "" for match in found if match["call"]}


def _character(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if number < 0x110000 else ""


def iris(rows: Rows) -> Iterator[NamedNode]:
    """Every IRI of ours in an answer, once, in order."""
    seen: dict[NamedNode, None] = {}
    for row in rows.rows:
        for cell in row:
            if isinstance(cell, NamedNode):
                seen[cell] = None
    return iter(seen)
