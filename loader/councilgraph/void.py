"""What the graph is, who publishes it, under which licences, and what there is in it.

A dump says so in `void.ttl`, an endpoint at `/.well-known/void`. Follows VoID, DCAT 3 (with DCAT-AP 3's
mandatory properties) and PROV-O. Publisher and licence are the ontology's, those of the publications their
own; every node has an IRI; no day comes from the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from pyoxigraph import DefaultGraph, Literal, NamedNode, Store, Triple

from councilgraph import csvw
from councilgraph.concepts import TABLES
from councilgraph.errors import CouncilgraphError
from councilgraph.namespaces import (
    BASE,
    CG,
    DC,
    DCAT,
    DCTERMS,
    FOAF,
    ID,
    OWL,
    PREFIXES,
    PROV,
    RDF,
    RDFS,
    SPDX,
    VOID,
    XSD,
    compact,
)
from councilgraph.publish import Place

DATASET = NamedNode(f"{BASE}dataset")
#: Where a dump is read when nobody says where it will be.
PUBLISHED = f"{BASE}dump/"
_CATALOGUE = NamedNode(f"{BASE}catalogue")
_TITLE = "councilgraph: England's councils"
_ABOUT = (
    "Who replaced whom, who was responsible for what and when, how they were inspected and graded, and where "
    "government intervened: the principal councils of England, each record with its sources."
)
_PARTS = {
    "ontology": ("ontology.ttl", "", ""),
    "shapes": (
        "shapes.ttl",
        "councilgraph: the shapes",
        "What a right graph looks like, in SHACL, with messages that are sentences about councils.",
    ),
    "queries": (
        "queries.ttl",
        "councilgraph: the canned queries",
        "Questions that the graph answers, each with its parameters, as SHACL's SPARQL executables.",
    ),
}
_MEDIA = "https://www.iana.org/assignments/media-types/"
_FORMATS = "http://www.w3.org/ns/formats/"
#: Ending → media type, and how the W3C calls the RDF format.
_TYPES = {
    ".ttl": ("text/turtle", "Turtle"),
    ".nt.gz": ("application/n-triples", "N-Triples"),
    ".jsonld": ("application/ld+json", "JSON-LD"),
    ".csv": ("text/csv", ""),
}
_TYPE = str(RDF.type).encode()
#: `void:class`, a word that Python keeps for itself.
_CLASS = NamedNode(f"{PREFIXES['void']}class")
#: The properties that `counts` tells of.
COUNTING = {
    _CLASS,
    VOID.classes,
    VOID.classPartition,
    VOID.distinctObjects,
    VOID.distinctSubjects,
    VOID.entities,
    VOID.properties,
    VOID.property,
    VOID.propertyPartition,
    VOID.triples,
}
_ENGLISH = NamedNode("http://publications.europa.eu/resource/authority/language/ENG")


@dataclass(frozen=True)
class File:
    """A file of a dump: its bytes counted, and their SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str


def counts(ntriples: bytes) -> Iterator[Triple]:
    """VoID's statistics of a graph, given as N-Triples: in all, and by class and by property."""
    subjects: set[bytes] = set()
    objects: set[bytes] = set()
    members: dict[bytes, set[bytes]] = {}
    uses: Counter[bytes] = Counter()
    ends: dict[bytes, tuple[set[bytes], set[bytes]]] = {}
    for line in BytesIO(ntriples):
        subject, predicate, rest = line.split(b" ", 2)
        object_ = rest.removesuffix(b" .\n")
        subjects.add(subject)
        objects.add(object_)
        uses[predicate] += 1
        of = ends.setdefault(predicate, (set(), set()))
        of[0].add(subject)
        of[1].add(object_)
        if predicate == _TYPE:
            members.setdefault(object_, set()).add(subject)
    described = sum(1 for node in subjects if node.startswith(f"<{ID}".encode()))
    yield Triple(DATASET, VOID.triples, Literal(uses.total()))
    yield Triple(DATASET, VOID.entities, Literal(described))
    yield Triple(DATASET, VOID.distinctSubjects, Literal(len(subjects)))
    yield Triple(DATASET, VOID.distinctObjects, Literal(len(objects)))
    yield Triple(DATASET, VOID.classes, Literal(len(members)))
    yield Triple(DATASET, VOID.properties, Literal(len(uses)))
    for name, nodes in members.items():
        kind = NamedNode(name[1:-1].decode())
        part = _minted("class", compact(kind.value).replace(":", "."))
        yield Triple(DATASET, VOID.classPartition, part)
        yield Triple(part, _CLASS, kind)
        yield Triple(part, VOID.entities, Literal(len(nodes)))
    for name, count in uses.items():
        predicate_ = NamedNode(name[1:-1].decode())
        part = _minted("property", compact(predicate_.value).replace(":", "."))
        yield Triple(DATASET, VOID.propertyPartition, part)
        yield Triple(part, VOID.property, predicate_)
        yield Triple(part, VOID.triples, Literal(count))
        yield Triple(part, VOID.distinctSubjects, Literal(len(ends[name][0])))
        yield Triple(part, VOID.distinctObjects, Literal(len(ends[name][1])))


def description(
    store: Store,
    ntriples: bytes,
    files: Collection[File] = (),
    published: str = PUBLISHED,
    previous: NamedNode | None = None,
) -> Iterator[Triple]:
    """What is said of the graph in a store, which is given as canonical N-Triples too.

    `files` are those of its dump, `published` the address below which they will be read, `previous` the
    version before this one. CouncilgraphError where the ontology names no publisher or no licence.
    """
    ontology = _Ontology.of(store)
    publisher = _minted("publisher")
    canonical = sha256(ntriples).hexdigest()
    version = version_of(canonical)
    by_name = {each.name: each for each in files}
    common = [
        (DCTERMS.publisher, publisher),
        (DCTERMS.license, ontology.license),
        (DCTERMS.language, _ENGLISH),
    ]

    def dataset(node: NamedNode, title: Literal, about: Literal, parts: Iterable[str]) -> Iterator[Triple]:
        yield Triple(node, RDF.type, DCAT.Dataset)
        yield Triple(node, DCTERMS.title, title)
        yield Triple(node, DCTERMS.description, about)
        yield Triple(_CATALOGUE, DCAT.dataset, node)
        for predicate, value in common:
            yield Triple(node, predicate, value)
        for name in parts:
            if name in by_name:
                yield Triple(node, DCAT.distribution, file(name))
                yield from _distribution(by_name[name], published, ontology.license)

    wholes = [name for name in by_name if name.startswith("councilgraph.") and _type(name)]
    title, about = _english(_TITLE), _english(_ABOUT)
    yield Triple(_CATALOGUE, RDF.type, DCAT.Catalog)
    yield Triple(_CATALOGUE, DCTERMS.title, title)
    yield Triple(_CATALOGUE, DCTERMS.description, about)
    for predicate, value in common:
        yield Triple(_CATALOGUE, predicate, value)
    yield Triple(publisher, RDF.type, FOAF.Agent)
    yield Triple(publisher, FOAF.name, ontology.creator)
    yield Triple(ontology.license, RDF.type, DCTERMS.LicenseDocument)
    yield Triple(_ENGLISH, RDF.type, DCTERMS.LinguisticSystem)

    yield from dataset(DATASET, title, about, wholes)
    yield Triple(DATASET, RDF.type, VOID.Dataset)
    yield Triple(DATASET, VOID.uriSpace, Literal(ID))
    yield Triple(DATASET, DCTERMS.conformsTo, ontology.node)
    yield Triple(ontology.node, RDF.type, DCTERMS.Standard)
    yield Triple(DATASET, PROV.wasAttributedTo, publisher)
    for name in wholes:
        yield Triple(DATASET, VOID.dataDump, NamedNode(published + name))
        yield Triple(DATASET, VOID.feature, NamedNode(_FORMATS + _type(name)[1]))
    for counted in counts(ntriples):
        yield counted
        if counted.predicate in (VOID.property, _CLASS):
            yield from _vocabulary(counted.object)

    yield Triple(DATASET, DCAT.hasCurrentVersion, version)
    yield from dataset(version, title, about, ())
    yield Triple(version, DCAT.isVersionOf, DATASET)
    yield Triple(version, DCAT.version, Literal(canonical[:_SHORT]))
    yield from _checksum(version, _minted("canonical"), canonical, RDFC)
    yield Triple(RDFC, RDF.type, SPDX.ChecksumAlgorithm)
    yield Triple(RDFC, RDFS.label, _english("SHA-256 of the canonical N-Quads (RDFC-1.0)"))
    yield Triple(RDFC, RDFS.seeAlso, NamedNode("https://www.w3.org/TR/rdf-canon/"))
    if previous:
        yield Triple(version, DCAT.previousVersion, previous)
        yield Triple(version, PROV.wasRevisionOf, previous)

    for part, (name, heading, words) in _PARTS.items():
        node = _minted("part", part)
        said = (
            (ontology.title, ontology.description)
            if part == "ontology"
            else (_english(heading), _english(words))
        )
        yield from dataset(node, *said, [name])
        yield Triple(node, DCTERMS.isPartOf, DATASET)
    for predicate, day in ontology.days.items():
        yield Triple(_minted("part", "ontology"), predicate, day)
    yield Triple(_minted("part", "ontology"), OWL.versionInfo, ontology.version)
    metadata = NamedNode(f"{published}{csvw.FOLDER}/{csvw.METADATA}")
    for kind in TABLES.values():
        name = f"{csvw.FOLDER}/{kind.FILE}"
        node = _minted("part", kind.FILE)
        yield from dataset(node, Literal(kind.FILE), _english(f"{csvw.title(kind)}."), [name])
        yield Triple(node, DCTERMS.isPartOf, DATASET)
        yield Triple(DATASET, PROV.wasDerivedFrom, node)
        if name in by_name:
            yield Triple(file(name), RDFS.seeAlso, metadata)
    yield from _publications(store)


def document(address: str) -> Iterator[Triple]:
    """What says all this: the document at an address."""
    node = NamedNode(address)
    yield Triple(node, RDF.type, VOID.DatasetDescription)
    yield Triple(node, FOAF.primaryTopic, DATASET)


RDFC = NamedNode(f"{BASE}dataset/rdfc-1.0-sha256")
_SHORT = 16  # hexadecimal digits of a hash that name a version


def version_of(canonical: str) -> NamedNode:
    """The IRI of the version whose canonical N-Quads have this hash."""
    return _minted("version", canonical[:_SHORT])


def file(name: str) -> NamedNode:
    """The IRI of the distribution that a file of a dump is."""
    return _minted("file", name.replace("/", "."))


def place(node: NamedNode) -> Place:
    """The section of `void.ttl` in which a node stands."""
    kind = node.value.removeprefix(DATASET.value).removeprefix("/").partition(".")[0]
    if node.value.startswith(f"{ID}source/"):
        return Place(
            (5,), "The publications that the records rest on, with their own publishers and licences"
        )
    if not node.value.startswith(BASE):
        return Place((6,), "What else is referred to")
    sections = {
        "part": (1, "The parts: ontology, shapes, canned queries, tables"),
        "file": (2, "The files"),
        "class": (3, "How many there are of each class"),
        "property": (4, "How often each property is used"),
    }
    order, heading = sections.get(kind, (0, "The dataset"))
    return Place((order,), heading)


@dataclass(frozen=True)
class _Ontology:
    """What the graph says of its ontology."""

    node: NamedNode
    title: Literal
    description: Literal
    creator: Literal
    license: NamedNode
    version: Literal
    days: Mapping[NamedNode, Literal]

    @classmethod
    def of(cls, store: Store) -> _Ontology:
        found = next(store.quads_for_pattern(None, RDF.type, OWL.Ontology, DefaultGraph()), None)
        node = found.subject if found else None
        said = store.quads_for_pattern(node, None, None, DefaultGraph()) if node else ()
        facts = {quad.predicate: quad.object for quad in said}

        def one(predicate: NamedNode) -> Literal:
            value = facts.get(predicate)
            if isinstance(value, Literal):
                return value
            raise cls._missing(predicate)

        licence = facts.get(DCTERMS.license)
        if not isinstance(node, NamedNode) or not isinstance(licence, NamedNode):
            raise cls._missing(DCTERMS.license)
        days = {DCTERMS.issued: DCTERMS.created, DCTERMS.modified: DCTERMS.modified}
        return cls(
            node=node,
            title=one(DCTERMS.title),
            description=one(DCTERMS.description),
            creator=one(DCTERMS.creator),
            license=licence,
            version=one(OWL.versionInfo),
            days={name: one(source) for name, source in days.items() if source in facts},
        )

    @staticmethod
    def _missing(predicate: NamedNode) -> CouncilgraphError:
        return CouncilgraphError(
            "ontology", f"has no {compact(predicate.value)}", "Add it to the owl:Ontology: a dump states it."
        )


def _publications(store: Store) -> Iterator[Triple]:
    """Each publication's title, publisher and licence, and which of them some record rests on."""
    sources = {quad.subject for quad in store.quads_for_pattern(None, RDF.type, CG.Source, DefaultGraph())}
    for source in sources:
        yield Triple(source, RDF.type, PROV.Entity)
        for told in (DCTERMS.title, DC.publisher, DCTERMS.license):
            for quad in store.quads_for_pattern(source, told, None, DefaultGraph()):
                yield quad.triple
                if told == DCTERMS.license and isinstance(quad.object, NamedNode):
                    yield Triple(quad.object, RDF.type, DCTERMS.LicenseDocument)
    rested = store.quads_for_pattern(None, DCTERMS.source, None, DefaultGraph())
    for cited in {quad.object for quad in rested} & sources:
        yield Triple(DATASET, PROV.wasDerivedFrom, cited)


def _distribution(of: File, published: str, licence: NamedNode) -> Iterator[Triple]:
    node = file(of.name)
    media = NamedNode(_MEDIA + _type(of.name)[0])
    yield Triple(node, RDF.type, DCAT.Distribution)
    yield Triple(node, DCTERMS.title, Literal(of.name))
    yield Triple(node, DCTERMS.license, licence)
    yield Triple(node, DCAT.accessURL, NamedNode(published + of.name))
    yield Triple(node, DCAT.downloadURL, NamedNode(published + of.name))
    yield Triple(node, DCAT.byteSize, Literal(str(of.size), datatype=XSD.nonNegativeInteger))
    yield Triple(node, DCAT.mediaType, media)
    yield Triple(media, RDF.type, DCTERMS.MediaType)
    if of.name.endswith(".gz"):
        gzip = NamedNode(f"{_MEDIA}application/gzip")
        yield Triple(node, DCAT.compressFormat, gzip)
        yield Triple(gzip, RDF.type, DCTERMS.MediaType)
    yield from _checksum(node, NamedNode(f"{node.value}.sha256"), of.sha256, SPDX.checksumAlgorithm_sha256)
    yield Triple(SPDX.checksumAlgorithm_sha256, RDF.type, SPDX.ChecksumAlgorithm)


def _checksum(of: NamedNode, node: NamedNode, value: str, algorithm: NamedNode) -> Iterator[Triple]:
    yield Triple(of, SPDX.checksum, node)
    yield Triple(node, RDF.type, SPDX.Checksum)
    yield Triple(node, SPDX.algorithm, algorithm)
    yield Triple(node, SPDX.checksumValue, Literal(value, datatype=XSD.hexBinary))


def _vocabulary(term: object) -> Iterator[Triple]:
    """That the graph uses the namespace of a property or class, where we know it."""
    assert isinstance(term, NamedNode)
    name = compact(term.value)
    if "//" not in name:
        yield Triple(DATASET, VOID.vocabulary, NamedNode(PREFIXES[name.partition(":")[0]]))


def _type(name: str) -> tuple[str, str]:
    return next((kinds for ending, kinds in _TYPES.items() if name.endswith(ending)), ("", ""))


def _minted(*parts: str) -> NamedNode:
    return NamedNode(f"{DATASET.value}/{'.'.join(parts)}")


def _english(text: str) -> Literal:
    return Literal(text, language="en")
