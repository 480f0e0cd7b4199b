"""What an endpoint says of itself: SPARQL 1.1 Service Description, and VoID at `/.well-known/void`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pyoxigraph import Literal, NamedNode, QueryResultsFormat, RdfFormat, Store, Triple

from councilgraph import publish, void
from councilgraph.dataset import count, triples
from councilgraph.namespaces import BASE, RDF, VOID

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
    "sd": "http://www.w3.org/ns/sparql-service-description#",
    "formats": "http://www.w3.org/ns/formats/",
}


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
    yield Triple(default, VOID.triples, Literal(count(store)))
    for name in sorted(str(graph.value) for graph in store.named_graphs()):
        place = NamedNode(f"{endpoint}#{name.removeprefix(BASE)}")
        graph = NamedNode(f"{place.value}-graph")
        yield Triple(dataset, _sd("namedGraph"), place)
        yield Triple(place, RDF.type, _sd("NamedGraph"))
        yield Triple(place, _sd("name"), NamedNode(name))
        yield Triple(place, _sd("graph"), graph)
        yield Triple(graph, RDF.type, _sd("Graph"))
        yield Triple(graph, VOID.triples, Literal(count(store, NamedNode(name))))


def described(store: Store, endpoint: str, document: str) -> Iterator[Triple]:
    """What a dump of the graph says of it, with the endpoint in the place of the files."""
    yield from void.document(document)
    yield Triple(void.DATASET, VOID.sparqlEndpoint, NamedNode(endpoint))
    yield from void.description(store, publish.ntriples(triples(store)))


def _sd(name: str) -> NamedNode:
    return NamedNode(PREFIXES["sd"] + name)
