"""Triples as text: all of them come back, whatever they hold; the same triples, the same text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    parse,
)

from councilgraph import publish
from councilgraph.errors import CouncilgraphError
from councilgraph.namespaces import PREFIXES, XSD


def test_a_blank_node_is_refused() -> None:
    triples = [Triple(BlankNode(), NamedNode("http://example.org/p"), Literal("x"))]
    for write in (publish.turtle, publish.jsonld):
        with pytest.raises(CouncilgraphError, match="blank node"):
            write(triples)


def test_sections_have_headings_and_references_notes_that_are_comments() -> None:
    one, two, knows = (NamedNode(f"http://example.org/{name}") for name in ("1", "2", "knows"))
    text = publish.turtle(
        [Triple(one, knows, two), Triple(one, knows, Literal("x")), Triple(two, knows, one)],
        lambda node: publish.Place((0,), "First\n\nof two") if node == two else publish.Place((1,), "Last"),
        {two: 'The "second" <one> .\n<http://example.org/3> a <x> .'},
    )
    assert text == (
        "\n# First\n#\n# of two\n"
        "\n<http://example.org/2>\n    <http://example.org/knows> <http://example.org/1> .\n"
        "\n# Last\n"
        "\n<http://example.org/1>\n    <http://example.org/knows> <http://example.org/2> ,"
        '  # The "second" <one> . <http://example.org/3> a <x> .\n        "x" .\n'
    )
    assert len(list(parse(text, format=RdfFormat.TURTLE))) == 3


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NODES = st.builds(
    lambda prefix, local: NamedNode(PREFIXES[prefix] + local),
    st.sampled_from(sorted(PREFIXES)),
    st.from_regex(r"[A-Za-z0-9_.~/%-]{0,9}", fullmatch=True).filter(lambda text: "%" not in text),
)
LITERALS = st.one_of(
    TEXT.map(Literal),
    TEXT.map(lambda text: Literal(text, language="en")),
    st.builds(
        lambda text, kind: Literal(text, datatype=kind),
        TEXT,
        st.sampled_from([XSD.date, XSD.integer, XSD.boolean, XSD.decimal]),
    ),
)


@given(st.lists(st.builds(Triple, NODES, NODES, st.one_of(NODES, LITERALS)), max_size=8))
def test_any_triples_come_back_from_turtle_ntriples_and_jsonld(triples: list[Triple]) -> None:
    assert {q.triple for q in parse(publish.turtle(triples), format=RdfFormat.TURTLE)} == set(triples)
    assert {q.triple for q in parse(publish.ntriples(triples), format=RdfFormat.N_TRIPLES)} == set(triples)
    assert {q.triple for q in parse(publish.jsonld(triples), format=RdfFormat.JSON_LD)} == set(triples)
    for write in (publish.turtle, publish.ntriples, publish.jsonld):
        assert write(triples) == write(reversed(triples))
    assert json.loads(publish.jsonld(triples))["@graph"] is not None


@given(st.lists(st.builds(Triple, NODES, NODES, st.one_of(NODES, LITERALS)), max_size=8))
def test_sorted_ntriples_are_the_canonical_form(triples: list[Triple]) -> None:
    canonical = Dataset(Quad(t.subject, t.predicate, t.object) for t in triples)
    canonical.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    assert publish.ntriples(q.triple for q in canonical) == publish.ntriples(triples)
