"""What an endpoint says of itself: SPARQL 1.1 Service Description, and VoID at `/.well-known/void`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, QueryResultsFormat, QuerySolutions, RdfFormat, Store, Triple

from councilgraph.namespaces import BASE, DCTERMS, ID, RDF, XSD

#: The media types of tables, and of graphs, that an endpoint answers in; the first is the usual one.
ROWS = {
    form.media_type: form
    for form in (
        QueryResultsFormat.JSON,
        QueryResultsFormat.XML,
        QueryResultsFormat.CSV,
        QueryResultsFormat.TSV,
    )
}
TRIPLES = {
    form.media_type: form
    for form in (
        RdfFormat.TURTLE,
        RdfFormat.N_TRIPLES,
        RdfFormat.JSON_LD,
        RdfFormat.RDF_XML,
        RdfFormat.N_QUADS,
        RdfFormat.TRIG,
        RdfFormat.N3,
    )
}
#: Prefixes of what is said here, beside ours.
PREFIXES = {
    "void": "http://rdfs.org/ns/void#",
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "formats": "http://www.w3.org/ns/formats/",
}
_ONTOLOGY = NamedNode(f"{BASE}def")


def service(store: Store, endpoint: str, services: Collection[str] = ()) -> Iterator[Triple]:
    """The service description of an endpoint over a store, which may call the servers named (SERVICE).

    Follows SPARQL 1.1 Service Description: language, forms of answers, graphs with their sizes.
    """
    node, dataset, default = (NamedNode(f"{endpoint}{part}") for part in ("", "#dataset", "#default-graph"))
    yield Triple(node, RDF.type, _sd("Service"))
    yield Triple(node, _sd("endpoint"), node)
    yield Triple(node, _sd("supportedLanguage"), _sd("SPARQL11Query"))
    for iri in (*(form.iri for form in ROWS.values()), *(form.iri for form in TRIPLES.values())):
        yield Triple(node, _sd("resultFormat"), NamedNode(iri))
    if services:
        yield Triple(node, _sd("feature"), _sd("BasicFederatedQuery"))
    yield Triple(node, _sd("defaultDataset"), dataset)
    yield Triple(dataset, RDF.type, _sd("Dataset"))
    yield Triple(dataset, _sd("defaultGraph"), default)
    yield Triple(default, RDF.type, _sd("Graph"))
    yield Triple(default, _void("triples"), _count(store, "{ ?s ?p ?o }"))
    for name in sorted(str(graph.value) for graph in store.named_graphs()):
        place = NamedNode(f"{endpoint}#{name.removeprefix(BASE)}")
        graph = NamedNode(f"{place.value}-graph")
        yield Triple(dataset, _sd("namedGraph"), place)
        yield Triple(place, RDF.type, _sd("NamedGraph"))
        yield Triple(place, _sd("name"), NamedNode(name))
        yield Triple(place, _sd("graph"), graph)
        yield Triple(graph, RDF.type, _sd("Graph"))
        yield Triple(graph, _void("triples"), _count(store, f"{{ GRAPH <{name}> {{ ?s ?p ?o }} }}"))


def void(store: Store, endpoint: str, node: str) -> Iterator[Triple]:
    """VoID of the graph in a store, as the dataset `node`: title, licence, counts, a partition a class."""
    dataset = NamedNode(node)
    yield Triple(dataset, RDF.type, _void("Dataset"))
    yield Triple(
        dataset,
        DCTERMS.title,
        Literal("councilgraph: a knowledge graph of England's councils", language="en"),
    )
    for quad in store.quads_for_pattern(_ONTOLOGY, DCTERMS.license, None):
        yield Triple(dataset, DCTERMS.license, quad.object)
    yield Triple(dataset, _void("sparqlEndpoint"), NamedNode(endpoint))
    yield Triple(dataset, _void("uriSpace"), Literal(ID))
    yield Triple(dataset, _void("vocabulary"), NamedNode(f"{BASE}def#"))
    yield Triple(dataset, _void("triples"), _count(store, "{ ?s ?p ?o }"))
    yield Triple(dataset, _void("distinctSubjects"), _count(store, "{ ?s ?p ?o }", "DISTINCT ?s"))
    yield Triple(dataset, _void("properties"), _count(store, "{ ?s ?p ?o }", "DISTINCT ?p"))
    yield Triple(dataset, _void("classes"), _count(store, "{ ?s a ?c }", "DISTINCT ?c"))
    classes = store.query("SELECT ?c (COUNT(?s) AS ?n) { ?s a ?c } GROUP BY ?c ORDER BY ?c")
    assert isinstance(classes, QuerySolutions)
    for row in classes:
        kind, count = row["c"], row["n"]
        assert isinstance(kind, NamedNode)
        assert isinstance(count, Literal)
        partition = NamedNode(f"{node}-{quote(kind.value.removeprefix(BASE), safe='')}")
        yield Triple(dataset, _void("classPartition"), partition)
        yield Triple(partition, _void("class"), kind)
        yield Triple(partition, _void("entities"), count)


def _count(store: Store, pattern: str, what: str = "*") -> Literal:
    answer = store.query(f"SELECT (COUNT({what}) AS ?n) {pattern}")
    assert isinstance(answer, QuerySolutions)
    count = next(answer)["n"]
    assert isinstance(count, Literal)
    return Literal(count.value, datatype=XSD.integer)


def _sd(name: str) -> NamedNode:
    return NamedNode(PREFIXES["sd"] + name)


def _void(name: str) -> NamedNode:
    return NamedNode(PREFIXES["void"] + name)
