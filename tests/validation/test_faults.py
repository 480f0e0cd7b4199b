"""Seeded faults: whatever is put wrong in a right graph, the rule meant finds it, at its row, with a remedy.

The faults that break a property shape follow from the shape itself; those that break a rule in SPARQL stand in
`EDITS`. `COUNCILGRAPH_SEED=7 COUNCILGRAPH_FAULTS=10 pytest tests/validation/test_faults.py` draws others, and more.
"""

from __future__ import annotations

import csv
import os
import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
import rdflib
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store, Triple
from pyshacl.constraints import ALL_CONSTRAINT_PARAMETERS
from rdflib.namespace import RDF, SH, SKOS

from conftest import ROOT, Result
from councilgraph import bundle, dataset, validation
from councilgraph.errors import Finding
from councilgraph.namespaces import BASE, PREFIXES, XSD, compact
from councilgraph.tables import Row

SEED = os.environ.get("COUNCILGRAPH_SEED", "1974")
EACH = int(os.environ.get("COUNCILGRAPH_FAULTS", "1"))
RULES = validation.shapes(bundle.rooms(ROOT))
Term = NamedNode | Literal

#: Targets none of whose records has a row of its own, and why.
NO_ROW = {
    "cg:Passage": "stands in the cell source of the rows that cite it",
    "cg:Succession": "is derived from holdings and effects",
    "cg:rank": "is said by the ontology",
    "sh:Parameter": "is of the catalogue of queries",
    "sh:SPARQLExecutable": "is of the catalogue of queries",
    "skos:Concept": "is said by the ontology",
}


@dataclass(frozen=True)
class Fault:
    """A small change of the graph, and the rule that must find it."""

    rule: rdflib.URIRef
    parameter: rdflib.URIRef  # the constraint that it breaks: sh:minCount, sh:sparql
    told: str
    records: frozenset[str]  # whose row the finding may name: one, or the two of a pair
    drop: frozenset[Triple]
    add: frozenset[Triple]

    def __str__(self) -> str:
        return f"{_name(self.rule)}: {self.told}: {', '.join(compact(record) for record in sorted(self.records))}"


class World:
    """The miniature world, to be broken and mended again."""

    def __init__(self, graph: dataset.Graph) -> None:
        self.store = Store()
        self.store.bulk_extend(graph.store)
        self.rows = graph.rows
        self.graph = dataset.Graph(self.store, self.rows)
        self.found: dict[str, list[NamedNode]] = {}
        self.before: dict[rdflib.URIRef, set[tuple[str, str]]] = {}

    def ask(self, select: str) -> list[dict[str, Term]]:
        """The rows of a SELECT, sorted."""
        found = self.store.query(select, prefixes=PREFIXES)
        names = [variable.value for variable in found.variables]
        rows = [{name: row[name] for name in names if row[name] is not None} for row in found]
        return sorted(rows, key=str)

    def nodes(self, pattern: str) -> list[NamedNode]:
        """What `?this` stands for in a pattern."""
        if pattern not in self.found:
            rows = self.ask(f"SELECT DISTINCT ?this WHERE {{ {pattern} }}")
            self.found[pattern] = [row["this"] for row in rows]
        return self.found[pattern]

    def instances(self, kind: rdflib.term.Node) -> list[NamedNode]:
        """The records of a class, or of one below it."""
        return self.nodes(TARGETS[SH.targetClass].format(kind))

    def values(self, subject: Term, path: str) -> list[Term]:
        """What the graph says of a property of a record, sorted."""
        quads = self.store.quads_for_pattern(subject, NamedNode(path), None, DefaultGraph())
        return sorted((quad.object for quad in quads), key=str)

    @contextmanager
    def broken(self, faults: list[Fault]) -> Iterator[None]:
        """The world with some faults in it."""
        add = {_quad(triple) for fault in faults for triple in fault.add}
        drop = {_quad(triple) for fault in faults for triple in fault.drop} - add
        gone = [quad for quad in drop if quad in self.store]
        new = [quad for quad in add if quad not in self.store]
        for quad in gone:
            self.store.remove(quad)
        self.store.extend(new)
        try:
            yield
        finally:
            for quad in new:
                self.store.remove(quad)
            self.store.extend(gone)

    def report(self, rule: rdflib.URIRef) -> rdflib.Graph:
        """What the shapes that hold a rule report."""
        return validation.validate(self.graph, RULES, only=list(_tops(rule)))


def _quad(triple: Triple) -> Quad:
    return Quad(triple.subject, triple.predicate, triple.object, DefaultGraph())


def _name(rule: rdflib.term.Node) -> str:
    return str(rule).rpartition("#")[2]


def _ox(term: rdflib.term.Node) -> Term:
    """A term of the shapes as the store has it."""
    if isinstance(term, rdflib.Literal):
        if term.language:
            return Literal(str(term), language=term.language)
        return Literal(str(term), datatype=NamedNode(str(term.datatype or XSD.string.value)))
    return NamedNode(str(term))


def _component(parameter: rdflib.URIRef) -> rdflib.URIRef:
    if parameter == SH.sparql:
        return SH.SPARQLConstraintComponent
    name = _name(parameter)
    return SH[f"{name[0].upper()}{name[1:]}ConstraintComponent"]


# What the shapes require


#: The ways in which a shape says what it looks at, as patterns of `?this`.
TARGETS = {
    SH.targetClass: "?this a/rdfs:subClassOf* <{}>",
    SH.targetNode: "VALUES ?this {{ <{}> }}",
    SH.targetObjectsOf: "?any <{}> ?this",
    SH.targetSubjectsOf: "?this <{}> ?any",
}


def _tops(rule: rdflib.term.Node) -> set[rdflib.URIRef]:
    """The shapes with targets that a rule belongs to, itself perhaps."""
    tops = {rule} if any((rule, how, None) in RULES for how in TARGETS) else set()
    return tops | {top for parent in RULES.subjects(SH.property, rule) for top in _tops(parent)}


def _targets(rule: rdflib.term.Node) -> dict[str, str]:
    """What a rule looks at: the target, and its pattern."""
    found = {(str(node), how) for top in _tops(rule) for how in TARGETS for node in RULES.objects(top, how)}
    return {node: TARGETS[how].format(node) for node, how in sorted(found)}


#: What pyshacl counts among constraints and breaks none.
BESIDE = (SH.property, SH.flags, SH.ignoredProperties)


def _constraints(rule: rdflib.term.Node) -> dict[rdflib.URIRef, list[rdflib.term.Node]]:
    """The constraints of a rule: parameter → its values."""
    found: dict[rdflib.URIRef, list[rdflib.term.Node]] = {}
    for parameter, value in sorted(RULES.predicate_objects(rule)):
        if parameter in ALL_CONSTRAINT_PARAMETERS and parameter not in BESIDE:
            found.setdefault(parameter, []).append(value)
    return found


SHAPES = sorted(
    {
        rule
        for rule in {*RULES.subjects(RDF.type, SH.NodeShape), *RULES.subjects(RDF.type, SH.PropertyShape)}
        if _constraints(rule) and (rule, SH.deactivated, rdflib.Literal(True)) not in RULES
    }
)
#: The rules that can find fault with a row.
FIREABLE = [rule for rule in SHAPES if any(compact(target) not in NO_ROW for target in _targets(rule))]


# Faults that follow from a property shape


@dataclass
class At:
    """A property of a record, as a property shape looks at it."""

    world: World
    rule: rdflib.URIRef
    target: str  # the pattern by which the record is looked at
    path: str
    focus: NamedNode
    draw: random.Random

    @cached_property
    def old(self) -> list[Term]:
        return self.world.values(self.focus, self.path)

    @cached_property
    def right(self) -> list[Term]:
        """Values that the property may have: those that others have, then any of the type."""
        told = f"{self.target} . ?this <{self.path}> ?value"
        found = [row["value"] for row in self.world.ask(f"SELECT DISTINCT ?value WHERE {{ {told} }}")]
        self.draw.shuffle(found)
        for kind in RULES.objects(self.rule, SH["class"]):
            found += self.world.instances(kind)
        form = RULES.value(self.rule, SH.pattern)
        found = [value for value in found if not form or re.search(str(form), value.value)]
        found += SAMPLES.get(_name(RULES.value(self.rule, SH.datatype) or ""), [])
        return [value for value in dict.fromkeys(found) if value not in self.old]

    def instead(self, *wrong: Term) -> list[list[Term]]:
        """The property with each of some values in the place of one of its own."""
        return [[value, *self.old[1:]] for value in wrong]


SAMPLES: dict[str, list[Term]] = {
    "boolean": [Literal(True), Literal(False)],
    "date": [Literal(day, datatype=XSD.date) for day in ("2019-04-01", "2019-04-02")],
    "integer": [Literal(1), Literal(2)],
    "langString": [Literal(text, language="en") for text in ("One thing.", "Another thing.")],
    "string": [Literal("one thing"), Literal("another thing")],
}
MALFORMED = {"boolean": "perhaps", "date": "2019-02-30", "integer": "four"}
ODD: list[Term] = [Literal("£?"), Literal("A b"), Literal(""), Literal("2019")]
NOWHERE = NamedNode(f"{BASE}id/body/never-was")


def _fewer(at: At, least: Any) -> list[list[Term]]:
    return [at.old[: int(least) - 1]]


def _more(at: At, most: Any) -> list[list[Term]]:
    some = [*at.old, *at.right][: max(int(most), len(at.old)) + 1]
    return [some] if len(some) > int(most) else []


def _of_another_class(at: At, kind: Any) -> list[list[Term]]:
    own = {node.value for node in at.world.instances(kind)}
    others = (NamedNode(iri) for iri in at.draw.sample([*at.world.rows], 100) if iri not in own)
    return at.instead(next(others), NOWHERE, Literal("somebody"))


def _of_another_type(at: At, datatype: Any) -> list[list[Term]]:
    name = _name(datatype)
    text = at.old[0].value if at.old else "2019"
    malformed = [Literal(MALFORMED[name], datatype=_ox(datatype))] if name in MALFORMED else []
    return at.instead(
        *malformed, Literal(text, language="en") if name == "string" else Literal(text), NOWHERE
    )


def _of_another_node_kind(at: At, kind: Any) -> list[list[Term]]:
    return at.instead(NOWHERE if kind == SH.Literal else Literal("somebody"))


def _unlike(at: At, form: Any) -> list[list[Term]]:
    concepts: list[Term] = [*at.world.instances(SKOS.Concept)]
    at.draw.shuffle(concepts)
    iris = not at.old or isinstance(at.old[0], NamedNode)
    wrong = [value for value in (concepts if iris else ODD) if not re.search(str(form), value.value)]
    return at.instead(*wrong[:2])


def _of_length(by: int) -> Callable[[At, Any], list[list[Term]]]:
    """A text shorter or longer than it may be."""
    return lambda at, bound: at.instead(Literal("x" * (int(bound) + by)))


def _moved(value: str, by: int) -> Term:
    """A number, or a day, so many further on."""
    if "-" not in value:
        return Literal(int(value) + by)
    return Literal((date.fromisoformat(value) + timedelta(days=by)).isoformat(), datatype=XSD.date)


def _beyond(by: int) -> Callable[[At, Any], list[list[Term]]]:
    """A value beyond a bound."""
    return lambda at, bound: at.instead(_moved(str(bound), by))


def _after(by: int) -> Callable[[At, Any], list[list[Term]]]:
    """A value beyond that of another property."""

    def values(at: At, other: Any) -> list[list[Term]]:
        found = at.world.values(at.focus, str(other))
        return at.instead(_moved(found[-1].value, by)) if found else []

    return values


def _outside(at: At, listed: Any) -> list[list[Term]]:
    allowed = {_ox(member) for member in RULES.items(listed)}
    return at.instead(*[value for value in (NOWHERE, Literal("else")) if value not in allowed])


def _without(at: At, value: Any) -> list[list[Term]]:
    return [[each for each in at.old if each != _ox(value)]]


#: What a property says instead, for each constraint: the ways to break it.
WAYS: dict[rdflib.URIRef, Callable[[At, Any], list[list[Term]]]] = {
    SH.minCount: _fewer,
    SH.maxCount: _more,
    SH["class"]: _of_another_class,
    SH.datatype: _of_another_type,
    SH.nodeKind: _of_another_node_kind,
    SH.pattern: _unlike,
    SH.minLength: _of_length(-1),
    SH.maxLength: _of_length(1),
    SH.minInclusive: _beyond(-1),
    SH.minExclusive: _beyond(0),
    SH.maxInclusive: _beyond(1),
    SH.maxExclusive: _beyond(0),
    SH.lessThan: _after(0),
    SH.lessThanOrEquals: _after(1),
    SH["in"]: _outside,
    SH.hasValue: _without,
}


def _derived(world: World, rule: rdflib.URIRef) -> Iterator[Fault]:
    """The faults that follow from a property shape: of each class it looks at, and in each way, at least one."""
    if not isinstance(RULES.value(rule, SH.path), rdflib.URIRef):
        return
    for parameter, values in _constraints(rule).items():
        for value in values if parameter in WAYS else ():
            draw = random.Random(f"{SEED} {rule} {parameter} {value}")
            yield from _broken(world, rule, parameter, value, draw)


def _broken(
    world: World, rule: rdflib.URIRef, parameter: rdflib.URIRef, value: rdflib.term.Node, draw: random.Random
) -> Iterator[Fault]:
    path = str(RULES.value(rule, SH.path))
    places = []
    most = 0
    for target in _targets(rule).values():
        rowed = [focus for focus in world.nodes(target) if focus.value in world.rows]
        found = [At(world, rule, target, path, focus, draw) for focus in rowed]
        draw.shuffle(found)
        found.sort(key=lambda at: not at.old)  # those that say something of it first
        applicable = [*islice((at for at in found if WAYS[parameter](at, value)), 4 * EACH)]
        if applicable:
            places.append(cycle(applicable))
            most = max(most, len(WAYS[parameter](applicable[0], value)))
    for number in range(max(len(places), most) * EACH if places else 0):
        at = next(places[number % len(places)])
        ways = WAYS[parameter](at, value)
        new = ways[(number + number // len(places)) % len(ways)]
        verb = NamedNode(path)
        shown = " and ".join(term.value for term in new) or "nothing"
        yield Fault(
            rule,
            parameter,
            f"{compact(str(parameter))}: {compact(path)} says {shown}",
            frozenset({at.focus.value}),
            frozenset(Triple(at.focus, verb, term) for term in at.old if term not in new),
            frozenset(Triple(at.focus, verb, term) for term in new if term not in at.old),
        )


# Faults by hand, one at least for each rule in SPARQL


@dataclass(frozen=True)
class Edit:
    """A fault as an edit: where it can be made, what goes, what comes.

    `where` is a group of SPARQL: each solution is one fault. A rule of pairs may name the row of `?this` or that of
    `?that`. `drop` lists patterns, apart; in them a variable that `where` does not bind stands for anything.
    """

    told: str
    where: str
    drop: tuple[str, ...] = ()
    add: str = ""
    breaks: rdflib.URIRef = SH.sparql

    def faults(self, world: World, rule: rdflib.URIRef) -> Iterator[Fault]:
        draw = random.Random(f"{SEED} {rule} {self.told}")
        rows = world.ask(f"SELECT DISTINCT * WHERE {{ {self.where} }}")
        draw.shuffle(rows)
        looked_at = {node for target in _targets(rule).values() for node in world.nodes(target)}
        tables: dict[object, int] = {}
        for row in rows:
            source = world.rows.get(row["this"].value)
            if not source or row["this"] not in looked_at or tables.setdefault(source.table, 0) >= EACH:
                continue
            tables[source.table] += 1
            drop = (_constructed(world, f"CONSTRUCT WHERE {{ {_bound(each, row)} }}") for each in self.drop)
            add = _constructed(world, f"CONSTRUCT {{ {_bound(self.add, row)} }} WHERE {{ }}")
            records = frozenset(row[name].value for name in ("this", "that") if name in row)
            yield Fault(rule, self.breaks, self.told, records, frozenset().union(*drop), frozenset(add))


def _bound(text: str, row: dict[str, Term]) -> str:
    """A pattern with the terms of a solution in the place of its variables."""
    return re.sub(r"\?(\w+)", lambda found: str(row.get(found[1], found[0])), text)


def _constructed(world: World, text: str) -> Iterable[Triple]:
    return world.store.query(text, prefixes=PREFIXES)


DAY = '"P1D"^^xsd:dayTimeDuration'
START = ("?this cg:fromEarliest ?x", "?this cg:fromLatest ?x")
END = ("?this cg:untilEarliest ?x", "?this cg:untilLatest ?x", "?this cg:untilStatus ?x")


def _from(day: str) -> str:
    return f"?this cg:fromEarliest {day} ; cg:fromLatest {day} ."


def _until(day: str) -> str:
    return f"?this cg:untilEarliest {day} ; cg:untilLatest {day} ."


def _early(verb: str, kind: str) -> list[Edit]:
    """Something begins before what it is of."""
    where = f"?this a {kind} ; {verb} ?whole . ?whole cg:fromEarliest ?start"
    return [
        Edit("begins a day early", f"{where} BIND (?start - {DAY} AS ?day)", START, _from("?day")),
        Edit(
            "begins a lifetime early", f'{where} BIND ("1889-04-01"^^xsd:date AS ?day)', START, _from("?day")
        ),
    ]


def _late(verb: str, kind: str) -> list[Edit]:
    """Something goes on after what it is of."""
    where = f"?this a {kind} ; {verb} ?whole . ?whole cg:untilLatest ?end"
    return [
        Edit("ends a day late", f"{where} BIND (?end + {DAY} AS ?day)", END, _until("?day")),
        Edit("is ongoing", where, END, "?this cg:untilStatus cg:Ongoing"),
    ]


def _tier(tier: str) -> list[Edit]:
    held = f"?that cg:coversArea/cg:hasAtom ?this ; cg:hasCapacity capacity:accountable ; cg:coversFunction fn:{tier}"
    first = f'?this a cg:Atom . {held} ; cg:fromLatest "1974-04-01"^^xsd:date'
    return [
        Edit("nobody at first", first, ("?that cg:hasCapacity ?x",), "?that cg:hasCapacity capacity:shadow"),
        Edit(
            "a day late",
            first,
            ("?that cg:fromEarliest ?x",),
            '?that cg:fromEarliest "1974-04-02"^^xsd:date',
        ),
    ]


JUDGED = (
    "?this cg:isAbout topic:overall ; cg:awards ?grade ; cg:isMadeIn ?visit . ?visit cg:follows ?framework"
)
SIF = f"{JUDGED} . FILTER (?framework = framework:sif-2013)"
ILACS = f"{JUDGED} . FILTER (?framework IN (framework:ilacs-2018, framework:ilacs-2023))"
PART = "?part cg:isMadeIn ?visit ; cg:isAbout ?topic ; cg:awards ?worse"
KEY = "FILTER (?topic IN (topic:help-and-protection, topic:in-care))"
HEAD = "FILTER (?role IN (role:chief-executive, role:director-of-childrens-services, role:leader))"
FOR_GOOD = "FILTER NOT EXISTS { ?one cg:hasManner ?how . FILTER (?how IN (manner:acting, manner:interim, manner:shared)) }"
HANDED_ON = (
    "?this a cg:Holding ; cg:hasCapacity capacity:accountable ; cg:untilEarliest ?end ; cg:untilLatest ?end ; cg:coversFunction ?function ; cg:coversArea/cg:hasAtom ?atom . fn:principal cg:includes ?function . "
    "?next cg:fromEarliest ?end ; cg:hasCapacity capacity:accountable ; cg:coversFunction/cg:includes ?function ; cg:coversArea/cg:hasAtom ?atom"
)
#: The faults of each rule in SPARQL.
EDITS: dict[str, list[Edit]] = {
    "Atom-itself": [
        Edit(
            "made of a neighbour",
            "?this a cg:Atom . ?other a cg:Atom . FILTER (?this != ?other)",
            (),
            "?this cg:hasAtom ?other",
        ),
    ],
    "Atom-lowerTier": _tier("lower-tier"),
    "Atom-upperTier": _tier("upper-tier"),
    "Authority-legalName": [
        Edit(
            "no name is legal",
            "?this a cg:Authority",
            ("?name cg:hasNameKind name-kind:legal ; cg:concerns ?this",),
        ),
    ],
    "Body-kind": [
        Edit(
            "a body, no more is said",
            "?this a ?kind . ?kind rdfs:subClassOf cg:Body",
            ("?this a ?kind",),
            "?this a cg:Body",
        ),
    ],
    "Body-lineage": [
        Edit(
            "before what came before it",
            "?this cg:predecessor ?that",
            (),
            "?that cg:predecessor ?this",
        ),
    ],
    "Claim-onePreferred": [
        Edit(
            "both are preferred",
            "?this rdf:subject ?about ; rdf:predicate ?says ; rdf:object ?one . ?that rdf:subject ?about ; rdf:predicate ?says ; rdf:object ?other . FILTER (STR(?one) < STR(?other))",
            ("?this cg:preferred ?x", "?that cg:preferred ?x", "?this cg:hasStance ?x"),
            "?this cg:preferred true ; cg:hasStance stance:disputes . ?that cg:preferred true",
        ),
    ],
    "Claim-predicateIsProperty": [
        Edit(
            "a property that no file defines",
            "?this rdf:predicate ?says",
            ("?this rdf:predicate ?says",),
            "?this rdf:predicate cg:colour",
        ),
        Edit(
            "a class as a property",
            "?this rdf:predicate ?says",
            ("?this rdf:predicate ?says",),
            "?this rdf:predicate cg:Body",
        ),
    ],
    "Claim-subjectExists": [
        Edit(
            "about nobody",
            "?this rdf:subject ?about",
            ("?this rdf:subject ?about",),
            "?this rdf:subject body:never-was",
        ),
    ],
    "Dated-end": [
        Edit("no end, no status", "?this cg:untilText ?text", END),
        Edit(
            "half an end",
            "?this cg:untilLatest ?end . FILTER NOT EXISTS { ?this cg:untilStatus ?status }",
            ("?this cg:untilLatest ?x",),
        ),
    ],
    "Dated-knownEnd": [
        Edit(
            "unknown, and yet a day",
            "?this cg:untilStatus cg:UnknownEnd ; cg:untilEarliest ?end",
            (),
            "?this cg:untilLatest ?end",
        ),
    ],
    "Dated-ongoing": [
        Edit(
            "ongoing, and yet a day",
            "?this cg:untilStatus cg:Ongoing",
            (),
            '?this cg:untilLatest "2030-01-01"^^xsd:date',
        ),
        Edit(
            "a day, and yet ongoing",
            "?this cg:untilLatest ?end",
            ("?this cg:untilStatus ?x",),
            "?this cg:untilStatus cg:Ongoing",
        ),
    ],
    "Dated-sentinelEnd": [
        Edit("a serial number", "?this cg:untilLatest ?end", END, _until('"2005-06-20"^^xsd:date')),
    ],
    "Dated-sentinelStart": [
        Edit(
            "a serial number",
            "?this cg:fromEarliest ?day",
            START,
            _from('"2005-06-20"^^xsd:date'),
        ),
    ],
    "Dated-unknownEnd": [
        Edit("unknown from the first", "?this cg:untilStatus cg:UnknownEnd", ("?this cg:untilEarliest ?x",)),
    ],
    "Designation-ends": _late("cg:concerns", "cg:Designation"),
    "Designation-starts": _early("cg:concerns", "cg:Designation"),
    "Effect-abolition": [
        Edit(
            "the body goes on",
            "?this cg:hasEffectKind effect-kind:abolished ; cg:concerns ?body",
            ("?body cg:untilEarliest ?x", "?body cg:untilLatest ?x"),
            "?body cg:untilStatus cg:Ongoing",
        ),
        Edit(
            "the body ends a day late",
            f"?this cg:hasEffectKind effect-kind:abolished ; cg:concerns ?body . ?body cg:untilLatest ?end BIND (?end + {DAY} AS ?day)",
            ("?body cg:untilEarliest ?x", "?body cg:untilLatest ?x"),
            "?body cg:untilEarliest ?day ; cg:untilLatest ?day",
        ),
    ],
    "Effect-bodyLives": [
        Edit(
            "on a body that is gone",
            "?this cg:concerns ?body ; cg:isEffectOf/cg:vestsOn ?day . ?gone a cg:Authority ; cg:untilLatest ?end . FILTER (?end < ?day)",
            ("?this cg:concerns ?x",),
            "?this cg:concerns ?gone",
        ),
        Edit(
            "on a body yet to come",
            "?this cg:concerns ?body ; cg:isEffectOf/cg:vestsOn ?day . ?next a cg:Authority ; cg:fromEarliest ?start . FILTER (?day < ?start)",
            ("?this cg:concerns ?x",),
            "?this cg:concerns ?next",
        ),
    ],
    "Effect-continuing": [
        Edit(
            "continued, and yet created",
            "?this cg:isEffectOf ?event ; cg:concerns ?body . ?event org:resultingOrganization ?body",
            ("?this cg:hasEffectKind ?x",),
            "?this cg:hasEffectKind effect-kind:continued",
        ),
    ],
    "Effect-establishment": [
        Edit(
            "before its order",
            "?this cg:hasEffectKind effect-kind:established ; cg:concerns ?body ; cg:isEffectOf/cg:isMadeBy/cg:madeOn ?made",
            ("?body cg:fromEarliest ?x", "?body cg:fromLatest ?x"),
            '?body cg:fromEarliest "1965-04-01"^^xsd:date ; cg:fromLatest "1965-04-01"^^xsd:date',
        ),
    ],
    "Effect-isLaw": [
        Edit(
            "of what is only proposed",
            "?this cg:isEffectOf ?event VALUES ?stage { stage:annulled stage:decided stage:draft-laid stage:proposed }",
            ("?event cg:hasStage ?x",),
            "?event cg:hasStage ?stage",
        ),
    ],
    "Effect-once": [
        Edit(
            "created anew",
            "?this cg:hasEffectKind effect-kind:established ; cg:isEffectOf ?event ; cg:concerns ?body . ?later a cg:Reorganisation . FILTER (STR(?event) < STR(?later))",
            (),
            "?later org:resultingOrganization ?body",
        ),
    ],
    "Effect-survivor": [
        Edit(
            "one that goes on is established",
            "?this cg:isEffectOf/cg:vestsOn ?vests ; cg:concerns ?body ; cg:hasEffectKind ?kind . ?held cg:isHeldBy ?body ; cg:hasCapacity capacity:accountable ; cg:fromLatest ?day . FILTER (?day < ?vests && ?kind != effect-kind:established)",
            ("?this cg:hasEffectKind ?x",),
            "?this cg:hasEffectKind effect-kind:established",
        ),
        Edit(
            "accountable as a shadow",
            "?this cg:hasEffectKind effect-kind:established ; cg:isEffectOf/cg:vestsOn ?vests ; cg:concerns ?body . ?held cg:isHeldBy ?body ; cg:hasCapacity capacity:shadow ; cg:fromLatest ?day . FILTER (?day < ?vests)",
            ("?held cg:hasCapacity ?x",),
            "?held cg:hasCapacity capacity:accountable",
        ),
    ],
    "Holding-effectEnd": [
        Edit(
            "no effect on who held it",
            "?this cg:hasCapacity capacity:accountable ; cg:isHeldBy ?body ; cg:untilLatest ?day . ?event cg:vestsOn ?day",
            ("?effect cg:concerns ?body ; cg:isEffectOf ?event",),
        ),
    ],
    "Holding-effectStart": [
        Edit(
            "no effect on who holds it",
            '?this cg:hasCapacity capacity:accountable ; cg:isHeldBy ?body ; cg:fromEarliest ?day . FILTER (?day > "1974-04-01"^^xsd:date) ?event cg:vestsOn ?day',
            ("?effect cg:concerns ?body ; cg:isEffectOf ?event",),
        ),
    ],
    "Holding-ends": _late("cg:isHeldBy", "cg:Holding"),
    "Holding-forAccountableEnd": [
        Edit(
            "for a council that is gone",
            "?this cg:actsFor ?body ; cg:untilStatus cg:Ongoing . ?gone a cg:Authority ; cg:untilLatest ?end . FILTER (?gone != ?body)",
            ("?this cg:actsFor ?x",),
            "?this cg:actsFor ?gone",
        ),
        Edit(
            "the council's own ends",
            "?this cg:actsFor ?body . ?that cg:isHeldBy ?body ; cg:hasCapacity capacity:accountable ; cg:coversArea/cg:hasAtom ?atom ; cg:coversFunction/cg:includes ?function . ?this cg:coversFunction ?function ; cg:coversArea/cg:hasAtom ?atom ; cg:fromLatest ?day",
            ("?that cg:untilLatest ?x", "?that cg:untilEarliest ?x"),
            "?that cg:untilLatest ?day",
        ),
    ],
    "Holding-forAccountableStart": [
        Edit(
            "before the council has it",
            f"?this cg:actsFor ?body . ?body cg:fromEarliest ?start BIND (?start - {DAY} AS ?day)",
            START,
            _from("?day"),
        ),
        Edit(
            "for another area's council",
            "?this cg:actsFor ?body ; cg:coversArea/cg:hasAtom ?atom . ?other a cg:Authority FILTER NOT EXISTS { ?held cg:isHeldBy ?other ; cg:coversArea/cg:hasAtom ?atom }",
            ("?this cg:actsFor ?x",),
            "?this cg:actsFor ?other",
        ),
    ],
    "Holding-forItself": [
        Edit(
            "accountable for another",
            "?this cg:hasCapacity capacity:accountable ; cg:isHeldBy ?body . ?other a cg:Authority . FILTER (?other != ?body)",
            (),
            "?this cg:actsFor ?other",
        ),
        Edit(
            "delivers for itself",
            "?this cg:actsFor ?other ; cg:isHeldBy ?body",
            ("?this cg:actsFor ?x",),
            "?this cg:actsFor ?body",
        ),
    ],
    "Holding-forWhom": [Edit("for nobody", "?this cg:actsFor ?body", ("?this cg:actsFor ?x",))],
    "Holding-gap": [
        Edit(
            "the next begins a day late",
            f"{HANDED_ON} BIND (?end + {DAY} AS ?day)",
            ("?next cg:fromEarliest ?x", "?next cg:fromLatest ?x"),
            "?next cg:fromEarliest ?day ; cg:fromLatest ?day",
        ),
        Edit("ends a day early", f"{HANDED_ON} BIND (?end - {DAY} AS ?day)", END, _until("?day")),
        Edit(
            "the next stays a shadow",
            HANDED_ON,
            ("?next cg:hasCapacity ?x",),
            "?next cg:hasCapacity capacity:shadow",
        ),
    ],
    "Holding-overlap": [
        Edit(
            "goes on a day beside the next",
            f"?this cg:hasCapacity capacity:accountable ; cg:untilEarliest ?end ; cg:untilLatest ?end ; cg:coversArea/cg:hasAtom ?atom ; cg:isHeldBy ?body ; cg:coversFunction ?function . ?that cg:fromLatest ?end ; cg:hasCapacity capacity:accountable ; cg:coversArea/cg:hasAtom ?atom ; cg:isHeldBy ?other ; cg:coversFunction/cg:includes ?function FILTER (?body != ?other) BIND (?end + {DAY} AS ?day)",
            END,
            _until("?day"),
        ),
        Edit(
            "a manager is accountable",
            "?this cg:hasCapacity ?capacity ; cg:isHeldBy ?body ; cg:coversFunction ?function ; cg:coversArea/cg:hasAtom ?atom ; cg:actsFor ?other . ?that cg:isHeldBy ?other ; cg:hasCapacity capacity:accountable ; cg:coversFunction/cg:includes ?function ; cg:coversArea/cg:hasAtom ?atom ; cg:untilStatus cg:Ongoing . FILTER (?capacity IN (capacity:delivering, capacity:managing))",
            ("?this cg:hasCapacity ?x",),
            "?this cg:hasCapacity capacity:accountable",
        ),
    ],
    "Holding-starts": _early("cg:isHeldBy", "cg:Holding"),
    "Identifier-area": [
        Edit(
            "a body's",
            "?this cg:usesCodeScheme code:gss ; cg:identifies ?area . ?was cg:coversArea ?area ; cg:concerns ?body",
            ("?this cg:identifies ?x",),
            "?this cg:identifies ?body",
        ),
    ],
    "Identifier-one": [
        Edit(
            "two codes at once",
            "?this cg:identifies ?thing ; cg:usesCodeScheme ?scheme ; cg:untilStatus cg:Ongoing . ?that cg:usesCodeScheme ?scheme ; cg:identifies ?other ; cg:untilStatus cg:Ongoing . FILTER (?thing != ?other && ?scheme IN (code:dfe, code:gss, code:ofsted))",
            ("?that cg:identifies ?x",),
            "?that cg:identifies ?thing",
        ),
    ],
    "Identifier-subject": [
        Edit(
            "a publication's",
            "?this cg:identifies ?thing ; dcterms:source ?source",
            ("?this cg:identifies ?x",),
            "?this cg:identifies ?source",
        ),
        Edit(
            "nobody's",
            "?this cg:identifies ?thing",
            ("?this cg:identifies ?x",),
            "?this cg:identifies body:never-was",
        ),
    ],
    "Identifier-unique": [
        Edit(
            "another's code",
            "?this cg:usesCodeScheme ?scheme ; skos:notation ?code ; cg:identifies ?thing ; cg:untilStatus cg:Ongoing . ?that cg:usesCodeScheme ?scheme ; cg:identifies ?other ; cg:untilStatus cg:Ongoing . FILTER (?thing != ?other)",
            ("?that skos:notation ?x",),
            "?that skos:notation ?code",
        ),
    ],
    "Inspection-bodyLives": [
        Edit(
            "the successor is inspected",
            "?this cg:inspects ?body ; cg:fromLatest ?day . ?event cg:succeeds ?body ; cg:isSucceededBy ?next . ?next cg:fromEarliest ?start . FILTER (?day < ?start)",
            ("?this cg:inspects ?x",),
            "?this cg:inspects ?next",
        ),
        Edit("on the day that ends the body", "?this cg:inspects/cg:untilLatest ?end", START, _from("?end")),
    ],
    "Inspection-frameworkInForce": [
        Edit(
            "a later revision",
            "?this cg:follows ?framework ; cg:fromLatest ?day . ?later a cg:Framework ; cg:fromEarliest ?start . FILTER (?day < ?start)",
            ("?this cg:follows ?x",),
            "?this cg:follows ?later",
        ),
        Edit(
            "an earlier revision",
            "?this cg:follows ?framework ; cg:fromEarliest ?day . ?earlier a cg:Framework ; cg:untilLatest ?end . FILTER (?day >= ?end)",
            ("?this cg:follows ?x",),
            "?this cg:follows ?earlier",
        ),
    ],
    "Inspection-frameworkPerhapsInForce": [
        Edit(
            "in its first month",
            "?this cg:follows/cg:fromEarliest ?start . ?this cg:follows/cg:fromLatest ?begun . FILTER (?start < ?begun)",
            START,
            _from("?start"),
        ),
        Edit(
            "in its last month",
            "?this cg:follows ?framework . ?framework cg:untilEarliest ?ending ; cg:untilLatest ?end . FILTER (?ending < ?end)",
            START,
            _from("?ending"),
        ),
    ],
    "Intervention-bodyLives": [
        Edit(
            "begins when the body ends",
            "?this a/rdfs:subClassOf* cg:Intervention ; cg:concerns/cg:untilLatest ?end",
            START,
            _from("?end"),
        ),
        Edit(
            "begins before the body",
            f"?this a/rdfs:subClassOf* cg:Intervention ; cg:concerns/cg:fromEarliest ?start BIND (?start - {DAY} AS ?day)",
            START,
            _from("?day"),
        ),
    ],
    "Intervention-kind": [
        Edit(
            "an intervention, no more is said",
            "?this a ?kind . ?kind rdfs:subClassOf cg:Intervention",
            ("?this a ?kind",),
            "?this a cg:Intervention",
        ),
    ],
    "Intervention-promptedBefore": [
        Edit(
            "by a later inspection",
            "?this a/rdfs:subClassOf* cg:Intervention ; cg:fromLatest ?day . ?later a cg:Inspection ; cg:fromEarliest ?start . FILTER (?day < ?start)",
            ("?this cg:isPromptedBy ?x", "?this skos:note ?x"),
            "?this cg:isPromptedBy ?later",
        ),
    ],
    "Intervention-promptedOwn": [
        Edit(
            "by an inspection of another council",
            "?this a/rdfs:subClassOf* cg:Intervention ; cg:concerns ?body . ?visit cg:inspects ?other . FILTER (?body != ?other)",
            ("?this cg:isPromptedBy ?x", "?this skos:note ?x"),
            "?this cg:isPromptedBy ?visit",
        ),
    ],
    "Intervention-replacesAcyclic": [
        Edit("replaces what replaces it", "?this dcterms:replaces ?that", (), "?that dcterms:replaces ?this"),
        Edit(
            "replaces itself",
            "?this a/rdfs:subClassOf* cg:Intervention",
            ("?this dcterms:replaces ?x",),
            "?this dcterms:replaces ?this",
        ),
    ],
    "Intervention-replacesEarlier": [
        Edit(
            "replaces a later one",
            "?this a/rdfs:subClassOf* cg:Intervention ; cg:fromLatest ?day . ?other a/rdfs:subClassOf* cg:Intervention ; cg:fromEarliest ?start . FILTER (?day < ?start)",
            ("?this dcterms:replaces ?x",),
            "?this dcterms:replaces ?other",
        ),
    ],
    "Intervention-replacesOwn": [
        Edit(
            "replaces one in another council",
            "?this a/rdfs:subClassOf* cg:Intervention ; cg:concerns ?body . ?other a/rdfs:subClassOf* cg:Intervention ; cg:concerns ?another . FILTER (?body != ?another)",
            ("?this dcterms:replaces ?x", "?this skos:note ?x"),
            "?this dcterms:replaces ?other",
        ),
    ],
    "Judgement-adequate": [
        Edit(
            "adequate after 2013",
            '?this cg:awards ?grade ; cg:isMadeIn/cg:fromEarliest ?day . FILTER (?day >= "2014-01-01"^^xsd:date)',
            ("?this cg:awards ?x",),
            "?this cg:awards grade2009:adequate",
        ),
    ],
    "Judgement-area": [
        Edit(
            "the inspection follows another framework",
            "?this cg:awards ?grade ; cg:isMadeIn ?visit ; cg:judges/cg:belongsTo ?framework . ?other a cg:Framework . FILTER (?other != ?framework)",
            ("?visit cg:follows ?x",),
            "?visit cg:follows ?other",
        ),
        Edit("a topic of no area", "?this cg:awards ?grade ; cg:judges ?area", ("?this cg:judges ?x",)),
    ],
    "Judgement-careLeavers": [
        Edit(
            "before 2023",
            '?this cg:isAbout topic:in-care ; cg:awards ?grade ; cg:isMadeIn ?visit . ?visit cg:follows framework:ilacs-2018 ; cg:fromLatest ?day . FILTER (?day < "2023-01-01"^^xsd:date)',
            ("?this cg:isAbout ?x",),
            "?this cg:isAbout topic:care-leavers",
        ),
    ],
    "Judgement-gradeOrReason": [
        Edit("neither", "?this cg:awards ?grade", ("?this cg:awards ?x",)),
        Edit(
            "both",
            "?this cg:awards ?grade . ?other cg:lacksGradeBecause ?reason",
            (),
            "?this cg:lacksGradeBecause ?reason",
        ),
    ],
    "Judgement-ilacsTooGood": [
        Edit(
            "good, a part inadequate",
            f"{ILACS} . FILTER (?grade != grade:inadequate) {PART} . {KEY}",
            ("?part cg:awards ?x",),
            "?part cg:awards grade:inadequate",
        ),
        Edit(
            "better than its part",
            f"{ILACS} . {PART} . {KEY} FILTER (?grade = ?worse && ?worse = grade:inadequate)",
            ("?this cg:awards ?x",),
            "?this cg:awards grade:requires-improvement",
        ),
    ],
    "Judgement-once": [
        Edit(
            "the topic of another",
            "?this cg:isMadeIn ?visit ; cg:isAbout ?topic . ?that cg:isMadeIn ?visit . FILTER (?this != ?that)",
            ("?that cg:isAbout ?x",),
            "?that cg:isAbout ?topic",
        ),
    ],
    "Judgement-scale": [
        Edit(
            "a grade of another scheme",
            "?this cg:awards ?grade ; cg:judges/cg:usesScheme ?scheme . ?other cg:rank ?rank FILTER NOT EXISTS { ?other skos:inScheme ?scheme }",
            ("?this cg:awards ?x",),
            "?this cg:awards ?other",
        ),
    ],
    "Judgement-sifTooBad": [
        Edit(
            "inadequate, no part is",
            f"{SIF} . {PART} . FILTER (?topic = topic:leadership) "
            "?care cg:isMadeIn ?visit ; cg:isAbout topic:in-care ; cg:awards ?second . ?help cg:isMadeIn ?visit ; cg:isAbout topic:help-and-protection ; cg:awards ?third "
            "FILTER (grade:inadequate NOT IN (?worse, ?second, ?third))",
            ("?this cg:awards ?x",),
            "?this cg:awards grade:inadequate",
        ),
    ],
    "Judgement-sifTooGood": [
        Edit(
            "good, a part inadequate",
            f"{SIF} . FILTER (?grade != grade:inadequate) {PART} . {KEY}",
            ("?part cg:awards ?x",),
            "?part cg:awards grade:inadequate",
        ),
        Edit(
            "better than its part",
            f"{SIF} . {PART} . {KEY} FILTER (?grade = ?worse && ?worse = grade:inadequate)",
            ("?this cg:awards ?x",),
            "?this cg:awards grade:good",
        ),
    ],
    "Judgement-topic": [
        Edit(
            "about something else",
            "?this cg:judges ?area ; cg:isAbout ?topic . ?area cg:belongsTo ?framework . ?other cg:belongsTo ?framework ; cg:isAbout ?another . FILTER (?topic != ?another)",
            ("?this cg:isAbout ?x",),
            "?this cg:isAbout ?another",
        ),
    ],
    "JudgementArea-foldedIn": [
        Edit(
            "judged apart too",
            "?this cg:belongsTo ?framework . ?other cg:belongsTo ?framework ; cg:isAbout ?topic . FILTER (?this != ?other)",
            (),
            "?this cg:foldsIn ?topic",
        ),
    ],
    "JudgementArea-once": [
        Edit(
            "the topic of another",
            "?this cg:belongsTo ?framework ; cg:isAbout ?topic . ?that cg:belongsTo ?framework . FILTER (?this != ?that)",
            ("?that cg:isAbout ?x",),
            "?that cg:isAbout ?topic",
        ),
    ],
    "NameUse-ends": _late("cg:concerns", "cg:NameUse"),
    "NameUse-starts": _early("cg:concerns", "cg:NameUse"),
    "Ownership-ends": _late("cg:isHeldBy", "cg:Ownership"),
    "Ownership-starts": _early("cg:concerns", "cg:Ownership"),
    "Post-ends": _late("org:postIn", "cg:Post"),
    "Post-once": [
        Edit(
            "a second leader",
            f"?this org:postIn ?body ; cg:hasRole ?role ; cg:untilStatus cg:Ongoing . {HEAD} ?that org:postIn ?body ; cg:untilStatus cg:Ongoing . FILTER (?this != ?that)",
            ("?that cg:hasRole ?x",),
            "?that cg:hasRole ?role",
        ),
    ],
    "Post-starts": _early("org:postIn", "cg:Post"),
    "Record-sentinel": [
        Edit(
            "a spreadsheet's day",
            '?this ?says ?day . FILTER (DATATYPE(?day) = xsd:date) VALUES ?blank { "1900-01-01"^^xsd:date "1899-12-30"^^xsd:date "1970-01-01"^^xsd:date "1905-06-19"^^xsd:date }',
            ("?this ?says ?day",),
            "?this ?says ?blank",
        ),
    ],
    "Reorganisation-instrument": [
        Edit("made by nothing", "?this cg:isMadeBy ?order", ("?this cg:isMadeBy ?x", "?this skos:note ?x")),
    ],
    "Reorganisation-named": [
        Edit(
            "no effect on a body that it names",
            "?this org:originalOrganization|org:resultingOrganization ?body",
            ("?effect cg:concerns ?body ; cg:isEffectOf ?this",),
        ),
    ],
    "Reorganisation-survivor": [
        Edit(
            "creates what goes on",
            "?effect cg:isEffectOf ?this ; cg:concerns ?body ; cg:hasEffectKind ?kind . FILTER (?kind NOT IN (effect-kind:abolished, effect-kind:established))",
            (),
            "?this prov:generated ?body",
        ),
    ],
    "Reorganisation-vestsInForce": [
        Edit(
            "before its order is made",
            f"?this cg:isMadeBy/cg:madeOn ?made BIND (?made - {DAY} AS ?day)",
            ("?this cg:vestsOn ?x",),
            "?this cg:vestsOn ?day",
        ),
    ],
    "Tenure-ends": _late("cg:holdsPost", "cg:Tenure"),
    "Tenure-endsUnder": [
        Edit(
            "after the intervention",
            "?this cg:servesUnder/cg:untilLatest ?end",
            (*END, "?this skos:note ?x"),
            "?this cg:untilStatus cg:Ongoing",
        ),
    ],
    "Tenure-holder": [
        Edit(
            "held by the post",
            "?this cg:holdsPost ?post",
            ("?this cg:isHeldBy ?x",),
            "?this cg:isHeldBy ?post",
        ),
        Edit(
            "held by nobody on record",
            "?this cg:holdsPost ?post",
            ("?this cg:isHeldBy ?x",),
            "?this cg:isHeldBy person:never-was",
        ),
    ],
    "Tenure-overlap": [
        Edit(
            "two at once",
            f"?this cg:holdsPost ?post ; cg:isHeldBy ?holder ; cg:fromLatest ?from . ?post cg:hasRole ?role . {HEAD} "
            "?that cg:holdsPost ?post ; cg:isHeldBy ?other ; cg:fromLatest ?start . FILTER (?holder != ?other && ?from < ?start) "
            f"{FOR_GOOD.replace('?one', '?this')} {FOR_GOOD.replace('?one', '?that')}"
            "FILTER NOT EXISTS { ?that cg:untilEarliest ?over . FILTER (?over <= ?start) }",
            END,
            "?this cg:untilStatus cg:Ongoing",
        ),
    ],
    "Tenure-oversees": [
        Edit(
            "another council's intervention",
            "?this cg:holdsPost/cg:oversees ?body . ?other a/rdfs:subClassOf* cg:Intervention ; cg:concerns ?another . FILTER (?body != ?another)",
            ("?this cg:servesUnder ?x",),
            "?this cg:servesUnder ?other",
        ),
    ],
    "Tenure-starts": _early("cg:holdsPost", "cg:Tenure"),
    "Tenure-startsUnder": [
        Edit(
            "before the intervention",
            f"?this cg:servesUnder/cg:fromEarliest ?start BIND (?start - {DAY} AS ?day)",
            (*START, "?this skos:note ?x"),
            _from("?day"),
        ),
    ],
    "Tenure-towardsWhom": [
        Edit(
            "to nobody",
            "?this cg:holdsPost ?post . ?post cg:hasRole ?role . FILTER (?role IN (role:adviser, role:commissioner))",
            ("?this cg:servesUnder ?x", "?post cg:oversees ?x"),
        ),
    ],
}


# The tests


@pytest.fixture(scope="module")
def world(world_graph: dataset.Graph) -> World:
    return World(world_graph)


@pytest.fixture(scope="module")
def faults(world: World) -> dict[rdflib.URIRef, list[Fault]]:
    """The faults of each rule."""
    return {
        rule: [
            *_derived(world, rule),
            *(fault for edit in EDITS.get(_name(rule), []) for fault in edit.faults(world, rule)),
        ]
        for rule in FIREABLE
    }


def _waves(faults: list[Fault]) -> list[list[Fault]]:
    """The faults in groups of which each can be looked at by itself.

    A property shape looks at one record at a time, so faults of records that differ can be made together.
    """
    waves: list[list[Fault]] = []
    for fault in faults:
        apart = (
            wave
            for wave in waves
            if {fault.parameter, wave[0].parameter} <= set(WAYS)
            and not any(fault.records & each.records for each in wave)
        )
        wave = next(apart, None)
        if wave is None:
            waves.append([fault])
        else:
            wave.append(fault)
    return waves


def _missed(world: World, faults: list[Fault]) -> list[str]:
    """What is wrong with how faults of one rule are found."""
    rule = faults[0].rule
    if rule not in world.before:
        found = validation.read(world.report(rule), world.graph, RULES)
        world.before[rule] = {(each.focus, each.why) for each in found}
    with world.broken(faults):
        report = world.report(rule)
        found = [
            each
            for each in validation.read(report, world.graph, RULES)
            if each.rule == str(rule) and (each.focus, each.why) not in world.before[rule]
        ]
    broken = {
        (str(report.value(result, SH.focusNode)), report.value(result, SH.sourceConstraintComponent))
        for result in report.subjects(SH.sourceShape, rule)
    }
    missed = []
    for fault in faults:
        own = [each for each in found if each.focus in fault.records]
        wrong = [why for each in own for why in _amiss(each, world.rows[each.focus])]
        if not any((each.focus, _component(fault.parameter)) in broken for each in own):
            wrong.append("not found")
        missed += [f"{fault}: {why}" for why in wrong]
    return missed


def _amiss(found: Finding, row: Row) -> Iterator[str]:
    """What a finding about a row does not say, or says wrongly."""
    if (found.file, found.line) != (f"data/{row.table.FILE}", row.line) or row.line < 2:
        yield f"found at {found.file}:{found.line}, stands on line {row.line} of {row.table.FILE}"
    if found.column not in row.cells:
        yield f"{found.column!r} is no column of {found.file}"
    if not found.why or "{?" in found.why or "{$" in found.why:
        yield f"the message is {found.why!r}"
    if not found.remedy:
        yield "without a remedy"


@pytest.mark.parametrize("rule", FIREABLE, ids=_name)
def test_each_fault_is_found(
    rule: rdflib.URIRef, world: World, faults: dict[rdflib.URIRef, list[Fault]]
) -> None:
    assert [why for wave in _waves(faults[rule]) for why in _missed(world, wave)] == []


def test_every_rule_has_a_fault(faults: dict[rdflib.URIRef, list[Fault]]) -> None:
    """A new shape that has none here wants a way in WAYS, or a fault by hand in EDITS."""
    made = {(fault.rule, fault.parameter) for found in faults.values() for fault in found}
    wanted = {(rule, parameter) for rule in FIREABLE for parameter in _constraints(rule)}
    assert sorted(f"{_name(rule)} {compact(str(parameter))}" for rule, parameter in wanted - made) == []
    assert sorted(set(EDITS) - {_name(rule) for rule in FIREABLE}) == [], (
        "faults of rules that there are no more"
    )


def test_there_are_300_faults(faults: dict[rdflib.URIRef, list[Fault]]) -> None:
    drawn = [fault for found in faults.values() for fault in found]
    assert len({(fault.rule, fault.drop, fault.add) for fault in drawn}) >= 300


def test_only_what_has_no_row_is_left_out(world: World) -> None:
    """What has no row yet could have one tomorrow; then its rules want faults."""
    targets = {compact(target) for rule in SHAPES for target in _targets(rule)}
    assert sorted(set(NO_ROW) - targets) == []
    rowed = {
        compact(kind)
        for iri in world.rows
        for node in [NamedNode(iri)]
        for kind in (term.value for term in world.values(node, str(RDF.type)))
    }
    assert sorted(set(NO_ROW) & rowed) == []


def test_the_world_is_as_it_was(world: World, world_graph: dataset.Graph) -> None:
    """Each fault was mended again, so none was found for the sake of another."""
    assert set(world.store) == set(world_graph.store)


# Through the command

#: Cells that the table's reader takes and a shape does not: the table, its row, the column, the cell, the rule.
CELLS = [
    ("bodies.csv", {"body": "care-quality-commission"}, "from", "1900-01-01", "Record-sentinel"),
    ("designations.csv", {"area": "dorset-county-1974"}, "from", "1973-04-01", "Designation-starts"),
    ("effects.csv", {"body": "dorset-council"}, "effect", "abolished", "Effect-abolition"),
    ("frameworks.csv", {"framework": "ilacs-2026"}, "inspectorates", "department-for-education", "Framework-isConductedBy"),
    ("holdings.csv", {"area": "christchurch", "function": "upper-tier"}, "until", "2019-03-31", "Holding-gap"),
    ("identifiers.csv", {"subject": "area/torbay"}, "subject", "body/torbay-council", "Identifier-area"),
    ("inspections.csv", {"inspection": "torbay-council-sif-2018-06"}, "framework", "ilacs-2023", "Inspection-frameworkInForce"),
    ("instruments.csv", {"instrument": "uksi-1995-1771"}, "in_force", "1995-07-10", "Instrument-order"),
    ("interventions.csv", {"intervention": "bcp-direction-2022"}, "from", "2012-04", "Intervention-bodyLives"),
    ("judgements.csv", {"inspection": "torbay-council-sif-2015-10", "topic": "overall"}, "grade", "good", "Judgement-sifTooGood"),
    ("names.csv", {"name": "Dorset County"}, "from", "1966", "NameUse-starts"),
    ("ownerships.csv", {"form": "independent-company"}, "trust", "torbay-council", "Ownership-concerns"),
    ("posts.csv", {"post": "bournemouth-managing-director"}, "until", "ongoing", "Post-ends"),
    ("reorganisations.csv", {"reorganisation": "devon-1998"}, "vests", "1996-04-01", "Reorganisation-vestsInForce"),
    ("sources.csv", {"source": "adcs-ilacs-overview"}, "published", "1905-06-08", "Record-sentinel"),
    ("tenures.csv", {"holder": "person/millie-earl"}, "from", "2017-07-23", "Tenure-starts"),
]  # fmt: skip


def _break(path: Path, row: dict[str, str], column: str, cell: str) -> int:
    """Write a cell of the one row, or the first, that has certain cells; its line."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        names, rows = reader.fieldnames or [], list(reader)
    number = next(n for n, each in enumerate(rows) if row.items() <= each.items())
    assert rows[number][column] != cell
    rows[number][column] = cell
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return number + 2


def test_check_names_table_line_and_remedy(run: Callable[..., Result], root: Path) -> None:
    broken = {
        (f"data/{table}", _break(root / "data" / table, row, column, cell), rule)
        for table, row, column, cell, rule in CELLS
    }
    result = run("check", "--root", root)
    assert result.code == 1
    lines = result.out.splitlines()
    missed = [
        f"{file}:{line} {rule}"
        for file, line, rule in broken
        if not any(
            each.startswith(f"{file}:{line}: ") and each.endswith(f". {_remedy(rule)}") for each in lines
        )
    ]
    assert sorted(missed) == []


def _remedy(rule: str) -> str:
    return str(next(RULES.value(node, SH.description) for node in FIREABLE if _name(node) == rule))


def test_check_finds_a_cell_that_is_put_wrong_alone(run: Callable[..., Result], root: Path) -> None:
    line = _break(
        root / "data" / "holdings.csv",
        {"area": "christchurch", "function": "upper-tier"},
        "until",
        "2019-03-31",
    )
    result = run("check", "--root", root, "--shape", "Holding-gap")
    assert result.code == 1
    assert f"data/holdings.csv:{line}: until: " in result.out
    assert "Add to data/holdings.csv the body that became accountable on that day" in result.out
