"""VoID: it conforms to DCAT-AP, its counts are those of the data, its facts come from the data, in a dump and served."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pyshacl
import pytest
import rdflib
from pyoxigraph import DefaultGraph, NamedNode, QuerySolutions, RdfFormat, Store, parse
from rdflib.namespace import DCTERMS, PROV, RDF, RDFS, SH, VOID

from conftest import ROOT, WORLD
from councilgraph import dataset, publish, void, wellknown
from councilgraph.errors import CouncilgraphError
from councilgraph.namespaces import ID

SUITE = ROOT.parent / "shared" / "suites" / "dcat-ap" / "dcat-ap-3.0.0-SHACL.ttl"
DCAT = rdflib.Namespace("http://www.w3.org/ns/dcat#")
SPDX = rdflib.Namespace("http://spdx.org/rdf/terms#")
DATASET = rdflib.URIRef(void.DATASET.value)
FOAF = rdflib.Namespace("http://xmlns.com/foaf/0.1/")
#: Conditions of DCAT-AP 3.0.0 that are not looked at here, and why.
NOT_APPLIED = {
    "ranges of controlled vocabularies (dcat-ap-SHACL's mdr-vocabularies)": "not in the file at hand; the lists of the "
    "Publications Office would have to be downloaded",
    "ranges of nodes that others describe": "an address (accessURL, downloadURL) is a rdfs:Resource by RDFS's rule rdf4, "
    "which the test states, since the shapes ask for the type and pyshacl draws no conclusion",
    "shapes of classes that a dump has none of": "DataService, DatasetSeries, CatalogRecord, Relationship, Location, "
    "PeriodOfTime, Kind and the like have no focus node",
}


@pytest.fixture(scope="module")
def graph(world_dump: Path) -> rdflib.Graph:
    return rdflib.Graph().parse(world_dump / "void.ttl")


def _conforms(graph: rdflib.Graph) -> tuple[bool, str]:
    data = rdflib.Graph() + graph
    for predicate in (DCAT.accessURL, DCAT.downloadURL):
        for address in set(graph.objects(None, predicate)):
            data.add((address, RDF.type, RDFS.Resource))  # see NOT_APPLIED
    conforms, _, text = pyshacl.validate(data, shacl_graph=rdflib.Graph().parse(SUITE))
    return bool(conforms), text


@pytest.mark.skipif(not SUITE.is_file(), reason="../shared/suites/dcat-ap is not here")
def test_it_conforms_to_dcat_ap(graph: rdflib.Graph) -> None:
    conforms, text = _conforms(graph)
    assert conforms, text
    shapes = rdflib.Graph().parse(SUITE)
    looked_at = {kind for kind in shapes.objects(None, SH.targetClass) if (None, RDF.type, kind) in graph}
    assert {DCAT.Catalog, DCAT.Dataset, DCAT.Distribution, SPDX.Checksum, FOAF.Agent} <= looked_at
    assert DCTERMS.LicenseDocument in looked_at


BROKEN = [
    (DCAT.accessURL, "accessURL"),
    (DCTERMS.title, "title"),
    (DCTERMS.publisher, "publisher"),
    (SPDX.checksumValue, "checksumValue"),
    (FOAF.name, "name"),
]


@pytest.mark.skipif(not SUITE.is_file(), reason="../shared/suites/dcat-ap is not here")
@pytest.mark.parametrize(("predicate", "name"), BROKEN, ids=[name for _, name in BROKEN])
def test_dcat_ap_finds_what_is_left_out(graph: rdflib.Graph, predicate: rdflib.URIRef, name: str) -> None:
    broken = rdflib.Graph() + graph
    broken.remove((None, predicate, None))
    conforms, text = _conforms(broken)
    assert not conforms
    assert name in text


def test_the_counts_are_those_of_the_data(graph: rdflib.Graph, world_dump: Path) -> None:
    """Each number, against a SPARQL query over the dump's own Turtle."""
    store = Store()
    store.bulk_load(path=str(world_dump / "councilgraph.ttl"), format=RdfFormat.TURTLE)

    def rows(text: str) -> list[tuple[str, ...]]:
        answer = store.query(text)
        assert isinstance(answer, QuerySolutions)
        return [tuple(cell.value for cell in row) for row in answer]

    def number(node: rdflib.term.Node, predicate: rdflib.URIRef) -> str:
        (value,) = graph.objects(node, predicate)
        return str(value)

    whole = "(COUNT(*) AS ?n) (COUNT(DISTINCT ?s) AS ?a) (COUNT(DISTINCT ?o) AS ?b)"
    (expected,) = rows(f"SELECT {whole} (COUNT(DISTINCT ?p) AS ?c) {{ ?s ?p ?o }}")
    told = (VOID.triples, VOID.distinctSubjects, VOID.distinctObjects, VOID.properties)
    assert tuple(number(DATASET, p) for p in told) == expected
    (entities,) = rows(
        f"SELECT (COUNT(DISTINCT ?s) AS ?n) {{ ?s ?p ?o FILTER (STRSTARTS(STR(?s), '{ID}')) }}"
    )
    assert (number(DATASET, VOID.entities),) == entities
    classes = rows("SELECT ?k (COUNT(DISTINCT ?s) AS ?n) { ?s a ?k } GROUP BY ?k")
    parts = graph.objects(DATASET, VOID.classPartition)
    assert {(str(graph.value(p, VOID["class"])), number(p, VOID.entities)) for p in parts} == set(classes)
    assert number(DATASET, VOID.classes) == str(len(classes))
    properties = rows(f"SELECT ?p {whole} {{ ?s ?p ?o }} GROUP BY ?p")
    parts = graph.objects(DATASET, VOID.propertyPartition)
    assert {
        (str(graph.value(p, VOID.property)), *(number(p, each) for each in told[:3])) for p in parts
    } == set(properties)


def test_an_endpoint_says_what_a_dump_says_but_for_its_files(
    graph: rdflib.Graph, world_graph: dataset.Graph
) -> None:
    endpoint, document = (f"http://127.0.0.1/{path}" for path in ("query", ".well-known/void"))
    text = publish.turtle(wellknown.described(world_graph.store, endpoint, document))
    served = rdflib.Graph().parse(data=text, format="turtle")
    assert set(served - graph) == {
        (DATASET, VOID.sparqlEndpoint, rdflib.URIRef(endpoint)),
        (rdflib.URIRef(document), RDF.type, VOID.DatasetDescription),
        (rdflib.URIRef(document), FOAF.primaryTopic, DATASET),
    }
    files = {*graph.subjects(RDF.type, DCAT.Distribution), *graph.objects(None, DCAT.mediaType)}
    files |= {*graph.objects(None, DCAT.compressFormat), *graph.subjects(RDF.type, VOID.DatasetDescription)}
    checksums = {checksum for file in files for checksum in graph.objects(file, SPDX.checksum)}
    algorithms = {algorithm for each in checksums for algorithm in graph.objects(each, SPDX.algorithm)}
    naming = {DCAT.distribution, VOID.dataDump, VOID.feature}
    assert not [
        t for t in graph - served if not ({t[0]} & (files | checksums | algorithms) or t[1] in naming)
    ]
    assert not naming & set(served.predicates())
    if SUITE.is_file():
        conforms, found = _conforms(served)
        assert conforms, found


def test_each_file_has_its_size_and_its_sha256(graph: rdflib.Graph, world_dump: Path) -> None:
    seen = set()
    for node in graph.subjects(RDF.type, DCAT.Distribution):
        path = world_dump / str(graph.value(node, DCTERMS.title))
        checksum = graph.value(node, SPDX.checksum)
        assert str(graph.value(node, DCAT.byteSize)) == str(path.stat().st_size)
        assert str(graph.value(checksum, SPDX.checksumValue)) == hashlib.sha256(path.read_bytes()).hexdigest()
        assert str(graph.value(node, DCAT.downloadURL)).endswith(
            f"/{path.relative_to(world_dump).as_posix()}"
        )
        seen.add(path.relative_to(world_dump).as_posix())
    listed = {line.split("  ")[1] for line in (world_dump / "SHA256SUMS").read_text().splitlines()}
    assert seen == listed - {"void.ttl", "RDFC-1.0.sha256", "tables/csv-metadata.json"}


def test_publisher_and_licence_are_those_of_the_ontology(graph: rdflib.Graph) -> None:
    ontology = rdflib.Graph().parse(ROOT / "ontology" / "councilgraph.ttl")
    node = rdflib.URIRef("https://w3id.org/councilgraph/def")
    publisher = graph.value(DATASET, DCTERMS.publisher)
    assert str(graph.value(publisher, FOAF.name)) == str(ontology.value(node, DCTERMS.creator))
    for part in graph.subjects(RDF.type, DCAT.Dataset):
        assert graph.value(part, DCTERMS.license) == ontology.value(node, DCTERMS.license)
    days = {*graph.objects(None, DCTERMS.issued), *graph.objects(None, DCTERMS.modified)}
    assert days == {ontology.value(node, DCTERMS.created), ontology.value(node, DCTERMS.modified)}


def test_every_publication_has_the_publisher_and_the_licence_that_the_table_gives(
    graph: rdflib.Graph,
) -> None:
    with (WORLD / "data" / "sources.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    dc = rdflib.URIRef("http://purl.org/dc/elements/1.1/publisher")
    for row in rows:
        node = rdflib.URIRef(f"{ID}source/{row['source']}")
        assert str(graph.value(node, DCTERMS.title)) == row["title"]
        assert str(graph.value(node, dc)) == row["publisher"]
        assert [str(licence) for licence in graph.objects(node, DCTERMS.license)] == [row["licence"]] * bool(
            row["licence"]
        )
    behind = set(graph.objects(DATASET, PROV.wasDerivedFrom))
    assert rdflib.URIRef(f"{ID}source/uksi-2018-648") in behind
    assert {str(node) for node in behind if str(node).startswith(f"{ID}source/")} <= {
        f"{ID}source/{row['source']}" for row in rows
    }


def test_an_ontology_without_licence_or_publisher_is_said(world_graph: dataset.Graph) -> None:
    ontology = NamedNode("https://w3id.org/councilgraph/def")
    for name in ("license", "creator"):
        lacking = Store()
        lacking.extend(
            quad
            for quad in world_graph.store.quads_for_pattern(ontology, None, None, DefaultGraph())
            if quad.predicate.value != f"http://purl.org/dc/terms/{name}"
        )
        with pytest.raises(CouncilgraphError, match=f"has no dcterms:{name}"):
            list(void.description(lacking, b""))


def test_it_says_nothing_of_this_machine_or_of_now(world_dump: Path) -> None:
    text = (world_dump / "void.ttl").read_text()
    assert str(ROOT) not in text
    assert "_:" not in text
    assert "dateTime" not in text
    assert list(parse(text, format=RdfFormat.TURTLE))
