"""The ontology is complete, says what it means, and has no term that nothing uses."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from pyoxigraph import BlankNode, NamedNode, Quad

from conftest import ROOT
from councilgraph import __version__, bundle, dataset
from councilgraph.concepts import TABLES
from councilgraph.namespaces import PREFIXES, SCHEMES

ROOMS = bundle.rooms(ROOT)
QUADS = dataset.vocabulary(ROOMS)[0]
CG = PREFIXES["cg"]
RDF_TYPE = f"{PREFIXES['rdf']}type"


def said(subject: str, predicate: str) -> list[object]:
    prefix, _, local = predicate.partition(":")
    return [
        q.object
        for q in QUADS
        if q.subject.value == subject and q.predicate.value == PREFIXES[prefix] + local
    ]


TERMS = sorted({q.subject.value for q in QUADS if q.subject.value.startswith(CG)})
CONCEPTS = sorted({q.subject.value for q in QUADS if q.predicate.value == f"{PREFIXES['skos']}inScheme"})


def test_no_blank_node() -> None:
    assert not [q for q in QUADS if isinstance(q.subject, BlankNode) or isinstance(q.object, BlankNode)]


@pytest.mark.parametrize("term", TERMS, ids=lambda t: t.rpartition("#")[2])
def test_a_term_is_labelled_defined_and_sourced(term: str) -> None:
    assert len(said(term, "rdfs:label")) == 1
    definitions = said(term, "skos:definition")
    assert len(definitions) == 1
    assert definitions[0].value.endswith(".")  # type: ignore[attr-defined]
    assert definitions[0].language == "en"  # type: ignore[attr-defined]
    assert said(term, "dcterms:source")
    assert said(term, "rdfs:isDefinedBy") == [NamedNode(CG.rstrip("#"))]
    assert said(term, "skos:example")


@pytest.mark.parametrize("concept", CONCEPTS, ids=lambda c: "/".join(c.split("/")[-2:]))
def test_a_concept_is_labelled_defined_and_in_its_scheme(concept: str) -> None:
    assert len(said(concept, "skos:prefLabel")) == 1
    assert said(concept, "skos:definition")[0].value.endswith(".")  # type: ignore[attr-defined]
    assert said(concept, "skos:inScheme") == [NamedNode(concept.rpartition("/")[0])]


def test_every_scheme_has_a_prefix_and_every_prefix_a_scheme() -> None:
    schemes = {
        q.subject.value
        for q in QUADS
        if q.predicate.value == RDF_TYPE and q.object == NamedNode(f"{PREFIXES['skos']}ConceptScheme")
    }
    assert {s.rpartition("/")[2] for s in schemes} == set(SCHEMES.values())


def test_a_term_is_defined_once() -> None:
    labels = Counter(q.subject.value for q in QUADS if q.predicate.value == f"{PREFIXES['rdfs']}label")
    assert {term: n for term, n in labels.items() if n > 1} == {}


def test_the_ontology_node() -> None:
    node = CG.rstrip("#")
    assert [v.value for v in said(node, "owl:versionInfo")] == [__version__]  # type: ignore[attr-defined]
    for needed in (
        "dcterms:title",
        "dcterms:license",
        "dcterms:creator",
        "owl:versionIRI",
        "vann:preferredNamespacePrefix",
        "vann:preferredNamespaceUri",
    ):
        assert said(node, needed), needed
    assert len([q for q in QUADS if q.object == NamedNode(f"{PREFIXES['owl']}Ontology")]) == 1


def _used() -> set[str]:
    texts = [path.read_text() for room in ("shapes", "queries") for path in (ROOT / room).rglob("*.*")]
    named = set(re.findall(r"\bcg:(\w+)", "\n".join(texts)))
    package = "\n".join(path.read_text() for path in (ROOT / "loader").rglob("*.py"))
    return named | set(re.findall(r"\bCG\.(\w+)", package))


def test_every_term_is_used_by_a_table_a_shape_or_a_query() -> None:
    claimed = {
        q.object.value
        for q in dataset.assemble(ROOMS).store
        if q.predicate.value == f"{PREFIXES['rdf']}predicate"
    }
    used = {CG + name for name in _used()} | claimed
    assert set(TERMS) - used == set()


def test_every_term_that_is_used_is_defined() -> None:
    assert {CG + name for name in _used()} - set(TERMS) - {f"{CG}x"} == set()


def test_every_column_that_says_something_says_a_term_of_a_vocabulary() -> None:
    for table in TABLES.values():
        for predicate in table.predicates():
            base = (
                predicate.rpartition("#")[0] + "#" if "#" in predicate else predicate.rpartition("/")[0] + "/"
            )
            assert base in PREFIXES.values()
            if base == CG:
                assert predicate in TERMS


def test_used_classes_of_the_data_are_defined() -> None:
    types = {
        q.object.value
        for q in dataset.assemble(ROOMS).store
        if q.predicate.value == RDF_TYPE and isinstance(q, Quad)
    }
    assert {t for t in types if t.startswith(CG)} <= set(TERMS)
