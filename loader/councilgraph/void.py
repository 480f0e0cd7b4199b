"""What a dump is, who publishes it, under which licences, and what there is in it: `void.ttl`.

Follows VoID, DCAT 3 (with DCAT-AP 3's mandatory properties) and PROV-O. Publisher and licence are the
ontology's, those of the publications their own; every node has an IRI; no day comes from the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, Triple

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
    for line in ntriples.splitlines():
        subject, predicate, rest = line.split(b" ", 2)
        object_ = rest.removesuffix(b" .")
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
    graph: Collection[Triple],
    ntriples: bytes,
    files: Collection[File],
    canonical: str,
    published: str = PUBLISHED,
    previous: NamedNode | None = None,
) -> Iterator[Triple]:
    """What `void.ttl` says of a dump of a graph, which is given as N-Triples too.

    `canonical` is the hash of the graph's canonical N-Quads, `published` the address below which the files
    will be read, `previous` the version before this one. CouncilgraphError where the ontology names no
    publisher or no licence.
    """
    ontology = _Ontology.of(graph)
    publisher = _minted("publisher")
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

    described = NamedNode(f"{published}void.ttl")
    yield Triple(described, RDF.type, VOID.DatasetDescription)
    yield Triple(described, FOAF.primaryTopic, DATASET)
    yield from dataset(DATASET, title, about, wholes)
    yield Triple(DATASET, RDF.type, VOID.Dataset)
    yield Triple(DATASET, VOID.uriSpace, Literal(ID))
    yield Triple(DATASET, DCTERMS.conformsTo, ontology.node)
    yield Triple(ontology.node, RDF.type, DCTERMS.Standard)
    yield Triple(DATASET, PROV.wasAttributedTo, publisher)
    for name in wholes:
        yield Triple(DATASET, VOID.dataDump, NamedNode(published + name))
        yield Triple(DATASET, VOID.feature, NamedNode(_FORMATS + _type(name)[1]))
    for base in sorted(_vocabularies(graph)):
        yield Triple(DATASET, VOID.vocabulary, NamedNode(base))
    yield from counts(ntriples)

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
        yield Triple(file(name), RDFS.seeAlso, metadata)
    yield from _publications(graph)


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
    def of(cls, graph: Iterable[Triple]) -> _Ontology:
        said: dict[NamedNode, dict[NamedNode, NamedNode | Literal]] = {}
        node = None
        for triple in graph:
            subject, object_ = triple.subject, triple.object
            if isinstance(subject, NamedNode) and not subject.value.startswith(ID):
                assert isinstance(object_, NamedNode | Literal)
                said.setdefault(subject, {})[triple.predicate] = object_
                node = subject if object_ == OWL.Ontology else node
        facts = said.get(node, {}) if node else {}

        def one(predicate: NamedNode) -> Literal:
            value = facts.get(predicate)
            if isinstance(value, Literal):
                return value
            raise cls._missing(predicate)

        licence = facts.get(DCTERMS.license)
        if node is None or not isinstance(licence, NamedNode):
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


def _publications(graph: Collection[Triple]) -> Iterator[Triple]:
    """Each publication's title, publisher and licence, and which of them some record rests on."""
    told = {DCTERMS.title, DC.publisher, DCTERMS.license}
    sources = {t.subject for t in graph if t.predicate == RDF.type and t.object == CG.Source}
    for source in sources:
        yield Triple(source, RDF.type, PROV.Entity)
    for triple in graph:
        if triple.subject in sources and triple.predicate in told:
            yield triple
            if triple.predicate == DCTERMS.license:
                yield Triple(triple.object, RDF.type, DCTERMS.LicenseDocument)  # type: ignore[arg-type] # a link
        elif triple.predicate == DCTERMS.source and triple.object in sources:
            yield Triple(DATASET, PROV.wasDerivedFrom, triple.object)


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


def _vocabularies(graph: Iterable[Triple]) -> set[str]:
    """The namespaces of the properties and classes that a graph uses, as far as we know them."""
    terms = {t.predicate.value for t in graph}
    terms |= {t.object.value for t in graph if t.predicate == RDF.type and isinstance(t.object, NamedNode)}
    return {PREFIXES[name.partition(":")[0]] for name in map(compact, terms) if "//" not in name}


def _type(name: str) -> tuple[str, str]:
    return next((kinds for ending, kinds in _TYPES.items() if name.endswith(ending)), ("", ""))


def _minted(*parts: str) -> NamedNode:
    return NamedNode(f"{DATASET.value}/{'.'.join(parts)}")


def _english(text: str) -> Literal:
    return Literal(text, language="en")
