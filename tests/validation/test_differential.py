"""Whatever the graph and whatever the shapes, the store's engine finds what plain pyshacl finds on rdflib.

`COUNCILGRAPH_EXAMPLES=5000 pytest tests/validation/test_differential.py` draws as many of each kind.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from pathlib import Path

import pyshacl
import pytest
import rdflib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, Triple, parse
from rdflib.namespace import RDF, SH

from conftest import ROOT
from councilgraph import bundle, dataset, validation
from councilgraph.errors import CouncilgraphError
from councilgraph.namespaces import PREFIXES, XSD

logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)  # malformed literals are meant
ROOMS = bundle.rooms(ROOT)
RULES = validation.shapes(ROOMS)
TOPS = sorted(
    {s for s in RULES.subjects(SH.targetClass | SH.targetSubjectsOf, None) if isinstance(s, rdflib.URIRef)}
)
VOCABULARY = [quad.triple for quad in dataset.vocabulary(ROOMS)[0]]
FIXTURES = sorted((ROOT / "tests" / "shapes").glob("*/valid.*.ttl"))
WRONG = rdflib.Literal("wrong")  # the message of the drawn shapes' SPARQL constraints
EXAMPLES = int(os.environ.get("COUNCILGRAPH_EXAMPLES", "60"))
THOROUGH = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="COUNCILGRAPH_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


def _base(path: Path) -> list[Triple]:
    """A fixture's triples, and what the ontology says of the terms that they name."""
    store = Store()
    store.bulk_extend(Quad(t.subject, t.predicate, t.object, DefaultGraph()) for t in VOCABULARY)
    store.extend(
        Quad(q.subject, q.predicate, q.object, DefaultGraph())
        for q in parse(path.read_bytes(), format=RdfFormat.TURTLE)
    )
    dataset.derive(store, ROOMS)
    own = set(dataset.triples(store)) - set(VOCABULARY)
    named = {t.object for t in own} | {t.predicate for t in own}
    kept = {"subClassOf", "type", "prefLabel", "rank", "inScheme", "label"}
    return sorted(
        [
            *own,
            *(
                t
                for t in VOCABULARY
                if (t.subject in named or "subClassOf" in t.predicate.value)
                and t.predicate.value.rpartition("#")[2].rpartition("/")[2] in kept
            ),
        ],
        key=str,
    )


BASES = [_base(path) for path in FIXTURES]
VALUES = st.sampled_from(
    [
        Literal("2019-04-01", datatype=XSD.date),
        Literal("1974-02-29", datatype=XSD.date),
        Literal("2020-02-29", datatype=XSD.date),
        Literal("2019-13-01", datatype=XSD.date),
        Literal("2019-04-01Z", datatype=XSD.date),
        Literal("1900-01-01", datatype=XSD.date),
        Literal("2019-04-01T00:00:00", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#dateTime")),
        Literal("2019-04-01"),
        Literal("4", datatype=XSD.integer),
        Literal("04", datatype=XSD.integer),
        Literal("four", datatype=XSD.integer),
        Literal("4", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#byte")),
        Literal("4.0", datatype=XSD.decimal),
        Literal("true", datatype=XSD.boolean),
        Literal("1", datatype=XSD.boolean),
        Literal("maybe", datatype=XSD.boolean),
        Literal(""),
        Literal("two\nlines"),
        Literal("Dorset", language="en"),
        Literal("Dorset", language="cy"),
        Literal("Dorset", language="en-GB"),
        NamedNode("https://w3id.org/councilgraph/id/body/nobody"),
        NamedNode("https://w3id.org/councilgraph/concept/grade/good"),
        BlankNode("anybody"),
    ]
)


@st.composite
def broken(draw: st.DrawFn) -> list[Triple]:
    """A valid fixture with triples dropped, doubled, moved to another property, or given another value."""
    triples = list(draw(st.sampled_from(BASES)))
    subjects = sorted({t.subject for t in triples}, key=str)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(triples) - 1))
        told = triples[place]
        match draw(st.sampled_from(["drop", "value", "double", "other", "subject", "copy", "type"])):
            case "drop":
                del triples[place]
            case "value":
                triples[place] = Triple(told.subject, told.predicate, draw(VALUES))
            case "double":
                triples.append(Triple(told.subject, told.predicate, draw(VALUES)))
            case "other":
                other = draw(st.sampled_from(triples))
                triples[place] = Triple(told.subject, other.predicate, told.object)
            case "subject":
                triples[place] = Triple(draw(st.sampled_from(subjects)), told.predicate, told.object)
            case "copy":
                other = draw(st.sampled_from(triples))
                triples.append(Triple(told.subject, told.predicate, other.object))
            case _:
                kinds = [t.object for t in triples if t.predicate.value == str(RDF.type)]
                if kinds:
                    triples.append(
                        Triple(told.subject, NamedNode(str(RDF.type)), draw(st.sampled_from(kinds)))
                    )
        if not triples:
            break
    return triples


def _graph(triples: list[Triple]) -> dataset.Graph:
    store = Store()
    said = {Quad(t.subject, t.predicate, t.object, DefaultGraph()) for t in triples}
    store.extend(said)
    lossless = said <= set(store) and dataset.kept(q.object for q in said if isinstance(q.object, Literal))
    exact = None if lossless else sorted({q.triple for q in said}, key=str)
    return dataset.Graph(store, exact=exact)


def _found(report: rdflib.Graph) -> Counter[tuple[str, ...]]:
    """A report's results: focus, path, value, component, shape, severity, constraint, our messages.

    What pyshacl itself says of a shape without a message lists its parts in no fixed order.
    """

    def one(result: rdflib.term.Node, predicate: rdflib.URIRef) -> str:
        value = report.value(result, predicate)
        return "_:" if isinstance(value, rdflib.BNode) else value.n3() if value is not None else "-"

    names = (
        "focusNode",
        "resultPath",
        "value",
        "sourceConstraintComponent",
        "sourceShape",
        "resultSeverity",
        "sourceConstraint",
    )
    return Counter(
        (
            *(one(result, SH[name]) for name in names),
            *sorted(m.n3() for m in report.objects(result, SH.resultMessage) if m.language or m == WRONG),
        )
        for result in report.objects(None, SH.result)
    )


TARGETS = (SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf)


def _judged(triples: list[Triple], rules: rdflib.Graph, tops: list[rdflib.URIRef]) -> rdflib.Graph | None:
    """What plain pyshacl says of the same graph in rdflib."""
    graph, chosen = rdflib.Graph(), rdflib.Graph()
    for prefix, base in PREFIXES.items():
        graph.bind(prefix, base, replace=True)
    for prefix, base in rules.namespaces():
        chosen.bind(prefix, base, replace=True)
    for triple in triples:
        graph.add(tuple(map(validation._from_store, (triple.subject, triple.predicate, triple.object))))
    for s, p, o in rules:
        if not tops or s in tops or p not in TARGETS:
            chosen.add((s, p, o))
    try:
        _, report, _ = pyshacl.validate(graph, shacl_graph=chosen, inplace=True, allow_warnings=True)
    except pyshacl.errors.ReportableRuntimeError:
        return None
    return report if isinstance(report, rdflib.Graph) else None


def _agree(triples: list[Triple], rules: rdflib.Graph, tops: list[rdflib.URIRef]) -> None:
    judged = _judged(triples, rules, tops)
    if judged is None:
        with pytest.raises(CouncilgraphError):
            validation.validate(_graph(triples), rules, only=tops)
        return
    assert _found(validation.validate(_graph(triples), rules, only=tops)) == _found(judged)


@THOROUGH
@given(broken(), st.lists(st.sampled_from(TOPS), min_size=1, max_size=12, unique=True))
def test_our_shapes_on_broken_graphs(triples: list[Triple], tops: list[rdflib.URIRef]) -> None:
    _agree(triples, RULES, tops)


EX = "http://example.org/"
NODES = [f"ex:{n}" for n in "abcd"]
BOUNDS = ["1", "2", '"2019-04-01"^^xsd:date', "1.5"]
TAGS = ['"en"', '"fr" "en"', ""]
LITERALS = [
    '"a"', '"ab"', '"a"@en', '"b"@en-GB', '"b"@fr', "1", "2", "10", '"01"^^xsd:integer', "1.0", "1.5", "true",
    '"1"^^xsd:boolean', '"2019-04-01"^^xsd:date', '"2020-02-29"^^xsd:date', '"2019-02-30"^^xsd:date',
    '"2019-04-02"^^xsd:date', '"x"^^xsd:integer', '"2019-04-01T00:00:00"^^xsd:dateTime', '""',
]  # fmt: skip
TERMS = [*NODES, *LITERALS, "_:x"]
PATHS = ["ex:p", "ex:q", "[ sh:inversePath ex:p ]", "( ex:p ex:q )", "[ sh:alternativePath ( ex:p ex:q ) ]", "[ sh:zeroOrMorePath ex:p ]", "[ sh:oneOrMorePath ex:q ]", "[ sh:zeroOrOnePath ex:p ]"]  # fmt: skip
KINDS = [
    "sh:IRI",
    "sh:BlankNode",
    "sh:Literal",
    "sh:BlankNodeOrIRI",
    "sh:BlankNodeOrLiteral",
    "sh:IRIOrLiteral",
]
TYPES = [
    "xsd:date",
    "xsd:integer",
    "xsd:string",
    "xsd:boolean",
    "rdf:langString",
    "xsd:decimal",
    "xsd:dateTime",
]
PATTERNS = ['"^a"', '"b$"', '"a|b"', '"^[ab]+$"', r'"\\d+"', '"^http://example.org/[a-c]$"', '"."', '"(?i)A"']
SELECTS = [
    "SELECT $this ?value WHERE { $this ex:p ?value . FILTER (isLiteral(?value)) }",
    "SELECT $this WHERE { $this ex:p ?x . FILTER NOT EXISTS { $this ex:q ?y } }",
    "SELECT $this ?value WHERE { $this ex:p ?value . OPTIONAL { $this ex:q ?y } FILTER (!bound(?y)) }",
    "SELECT $this WHERE { FILTER NOT EXISTS { $this ex:p ?x } }",
    "SELECT $this WHERE { { $this ex:p ?x } UNION { $this ex:q ?x } FILTER (?x = $this) }",
    "SELECT $this WHERE { ?x ex:p $this . FILTER (?x != $this) }",
    "SELECT $this WHERE { BIND ($this AS ?x) ?x ex:p ?y }",
    "SELECT $this WHERE { $this ex:p* ?x }",
    "SELECT $this ?value WHERE { $this ex:q? ?value }",
    "SELECT $this WHERE { ?x ex:q* $this . FILTER (?x = $this) }",
    "SELECT $this WHERE { OPTIONAL { $this ex:q ?y } $this ex:p ?x . FILTER (!bound(?y)) }",
    "SELECT $this WHERE { $this ex:p ?x . { $this ex:q ?y } UNION { FILTER (isIRI($this)) } }",
]


@st.composite
def shape(draw: st.DrawFn, path: bool, depth: int = 0) -> str:
    """The constraints of a shape, as Turtle."""
    said = []
    one = st.sampled_from
    for _ in range(draw(st.integers(1, 3))):
        kinds = ["class", "datatype", "nodeKind", "minLength", "maxLength", "pattern", "in", "languageIn", "range", "hasValue", "equals", "disjoint", "sparql"]  # fmt: skip
        kinds += ["minCount", "maxCount", "uniqueLang", "lessThan"] if path else ["closed"]
        kinds += ["property", "node", "not", "and", "or", "xone", "qualified"] if depth < 2 else []
        match draw(one(kinds)):
            case "class":
                said.append(f"sh:class {draw(one(['ex:C', 'ex:D']))}")
            case "datatype":
                said.append(f"sh:datatype {draw(one(TYPES))}")
            case "nodeKind":
                said.append(f"sh:nodeKind {draw(one(KINDS))}")
            case "minLength" | "maxLength" as name:
                said.append(f"sh:{name} {draw(st.integers(0, 2))}")
            case "minCount" | "maxCount" as name:
                said.append(f"sh:{name} {draw(st.integers(0, 2))}")
            case "pattern":
                said.append(f"sh:pattern {draw(one(PATTERNS))}" + draw(one(["", '; sh:flags "i"'])))
            case "in":
                said.append(f"sh:in ( {' '.join(draw(st.lists(one([*NODES, *LITERALS]), max_size=4)))} )")
            case "languageIn":
                said.append(f"sh:languageIn ( {draw(one(TAGS))} )")
            case "range":
                name = draw(one(["minInclusive", "minExclusive", "maxInclusive", "maxExclusive"]))
                said.append(f"sh:{name} {draw(one(BOUNDS))}")
            case "hasValue":
                said.append(f"sh:hasValue {draw(one([*NODES, *LITERALS]))}")
            case "equals" | "disjoint" as name:
                said.append(f"sh:{name} {draw(one(['ex:p', 'ex:q']))}")
            case "lessThan":
                said.append(f"sh:{draw(one(['lessThan', 'lessThanOrEquals']))} {draw(one(['ex:p', 'ex:q']))}")
            case "uniqueLang":
                said.append("sh:uniqueLang true")
            case "closed":
                said.append("sh:closed true ; sh:ignoredProperties ( rdf:type )")
            case "property":
                said.append(f"sh:property {draw(property_shape(depth + 1))}")
            case "node" | "not" as name:
                said.append(f"sh:{name} [ {draw(shape(False, depth + 1))} ]")
            case "and" | "or" | "xone" as name:
                members = draw(st.lists(shape(False, depth + 1), min_size=1, max_size=2))
                said.append(f"sh:{name} ( {' '.join(f'[ {m} ]' for m in members)} )")
            case "qualified":
                if path:
                    said.append(
                        f"sh:qualifiedValueShape [ {draw(shape(False, 2))} ] ; sh:qualifiedMinCount 1"
                    )
            case _:
                said.append(
                    f'sh:sparql [ sh:prefixes ex: ; sh:message "wrong" ; sh:select """{draw(one(SELECTS))}""" ]'
                )
    return " ; ".join(said) or "sh:nodeKind sh:IRI"


@st.composite
def property_shape(draw: st.DrawFn, depth: int = 1) -> str:
    return f"[ sh:path {draw(st.sampled_from(PATHS))} ; {draw(shape(True, depth))} ]"


HEAD = (
    f"@prefix ex: <{EX}> . @prefix sh: <http://www.w3.org/ns/shacl#> . @prefix rdf: <{RDF}> . "
    "@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"
)


@st.composite
def shapes(draw: st.DrawFn) -> str:
    target = draw(st.sampled_from(["sh:targetClass ex:C", "sh:targetClass ex:D, ex:C", "sh:targetNode ex:a, ex:b", 'sh:targetNode "a"', "sh:targetSubjectsOf ex:p", "sh:targetObjectsOf ex:p"]))  # fmt: skip
    severity = draw(st.sampled_from(["", " ; sh:severity sh:Warning"]))
    own = draw(shape(False))
    return (
        f'{HEAD}ex: sh:declare [ sh:prefix "ex" ; sh:namespace "{EX}"^^xsd:anyURI ] .\n'
        f"ex:S a sh:NodeShape ; {target} ; {own}{severity} ."
    )


@st.composite
def data(draw: st.DrawFn) -> str:
    lines = draw(
        st.lists(
            st.tuples(
                st.sampled_from([*NODES, "_:x"]), st.sampled_from(["ex:p", "ex:q"]), st.sampled_from(TERMS)
            ).map(" ".join),
            max_size=8,
        )
    )
    types = draw(
        st.lists(st.tuples(st.sampled_from([*NODES, "_:x"]), st.sampled_from(["ex:C", "ex:D"])), max_size=4)
    )
    lines += [f"{node} a {kind}" for node, kind in types] + ["ex:D rdfs:subClassOf ex:C"]
    return HEAD + " .\n".join(lines) + " ."


@THOROUGH
@given(shapes(), data())
def test_any_shapes_on_any_graph(text: str, told: str) -> None:
    rules = rdflib.Graph().parse(data=text, format="turtle")
    triples = [quad.triple for quad in parse(told, format=RdfFormat.TURTLE)]
    _agree(triples, rules, [])


@pytest.mark.parametrize("text", SELECTS)
@pytest.mark.parametrize("within", ["", "sh:node [ ", "sh:and ( [ "])
def test_a_query_about_a_node_of_which_nothing_is_said(within: str, text: str) -> None:
    rules = (
        f'{HEAD}ex: sh:declare [ sh:prefix "ex" ; sh:namespace "{EX}"^^xsd:anyURI ] .\nex:S a sh:NodeShape ; '
        f'sh:targetNode ex:a, ex:b, ex:nowhere ; {within}sh:sparql [ sh:prefixes ex: ; sh:message "wrong" ; '
        f'sh:select """{text}""" ]{" ] )" if "(" in within else " ]" if within else ""} .'
    )
    told = f"{HEAD}ex:a a ex:C ; ex:p 1 ; ex:q 2 . ex:b a ex:C ; ex:p ex:b . ex:c a ex:C . ex:d ex:q ex:a ."
    triples = [quad.triple for quad in parse(told, format=RdfFormat.TURTLE)]
    _agree(triples, rdflib.Graph().parse(data=rules, format="turtle"), [])


@pytest.mark.parametrize(
    "day",
    [
        '"Dorset"@cy',
        '"2019-13-01"^^xsd:date',
        '"1999-01-01Z"^^xsd:date',
        '"maybe"^^xsd:boolean',
        '"soon"',
        '"2019"^^xsd:gYear',
        '"2019-04"^^xsd:date',
        "2019",
        "<urn:day>",
    ],
)
@pytest.mark.parametrize("which", ["vestsOn", "madeOn", "fromEarliest"])
def test_what_has_no_order_beside_a_day(which: str, day: str) -> None:
    """rdflib puts it before a day or after; SPARQL, as the store has it, does not compare the two."""
    days = dict.fromkeys(("vestsOn", "madeOn", "fromEarliest"), '"2018-05-24"^^xsd:date') | {which: day}
    text = f"""
        PREFIX cg: <https://w3id.org/councilgraph/def#>
        PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
        PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
        <urn:event> a cg:Reorganisation ; skos:prefLabel "event" ; cg:isMadeBy <urn:order> ; cg:vestsOn {days["vestsOn"]} .
        <urn:order> skos:prefLabel "order" ; cg:madeOn {days["madeOn"]} .
        <urn:effect> a cg:Effect ; cg:isEffectOf <urn:event> ; cg:concerns <urn:body> .
        <urn:body> skos:prefLabel "body" ; cg:fromEarliest {days["fromEarliest"]} .
    """
    triples = [quad.triple for quad in parse(text, format=RdfFormat.TURTLE)]
    base = "https://w3id.org/councilgraph/shapes#"
    tops = [rdflib.URIRef(f"{base}{name}") for name in ("Reorganisation-vestsInForce", "Effect-bodyLives")]
    _agree(triples, RULES, tops)


def test_a_day_that_rdflib_alone_puts_after_another_is_found() -> None:
    """As in `test_what_has_no_order_beside_a_day`, and there is something to agree about."""
    text = """
        PREFIX cg: <https://w3id.org/councilgraph/def#>
        PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
        PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
        <urn:event> a cg:Reorganisation ; skos:prefLabel "event" ; cg:isMadeBy <urn:order> ; cg:vestsOn "maybe"^^xsd:boolean .
        <urn:order> skos:prefLabel "order" ; cg:madeOn "2018-05-24"^^xsd:date .
    """
    triples = [quad.triple for quad in parse(text, format=RdfFormat.TURTLE)]
    top = rdflib.URIRef("https://w3id.org/councilgraph/shapes#Reorganisation-vestsInForce")
    judged = _judged(triples, RULES, [top])
    assert judged is not None
    assert _found(judged)
    _agree(triples, RULES, [top])
