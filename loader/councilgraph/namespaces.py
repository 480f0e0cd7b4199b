"""The namespaces of the graph and their prefixes: ours, and those that it reuses."""

from __future__ import annotations

from typing import Final

from pyoxigraph import NamedNode

BASE: Final = "https://w3id.org/councilgraph/"
ID: Final = f"{BASE}id/"
CONCEPT: Final = f"{BASE}concept/"

#: A folder of instances each: the prefix, and the kind of thing, have the same name.
KINDS: Final = (
    "ancestry",
    "area",
    "body",
    "claim",
    "designation",
    "effect",
    "framework",
    "holding",
    "identifier",
    "inspection",
    "instrument",
    "intervention",
    "judgement",
    "judgement-area",
    "name",
    "ownership",
    "parameter",
    "passage",
    "person",
    "post",
    "query",
    "reorganisation",
    "source",
    "succession",
    "tenure",
)

#: SKOS schemes: prefix → folder below `concept/`.
SCHEMES: Final = {
    "capacity": "capacity",
    "code": "code-scheme",
    "council": "council-kind",
    "effect-kind": "effect-kind",
    "ending": "ending",
    "fn": "function",
    "grade": "grade",
    "grade2009": "grade-2009",
    "inspection-kind": "inspection-kind",
    "instrument-kind": "instrument-kind",
    "legal-form": "legal-form",
    "manner": "manner",
    "name-kind": "name-kind",
    "nograde": "no-grade-reason",
    "role": "role",
    "send2016": "send-outcome-2016",
    "send2023": "send-outcome-2023",
    "source-kind": "source-kind",
    "stage": "stage",
    "stance": "stance",
    "topic": "topic",
}

PREFIXES: Final[dict[str, str]] = dict(
    sorted(
        {
            "adms": "http://www.w3.org/ns/adms#",
            "cg": f"{BASE}def#",
            "dataset": f"{BASE}dataset/",
            "dc": "http://purl.org/dc/elements/1.1/",
            "dcat": "http://www.w3.org/ns/dcat#",
            "dcterms": "http://purl.org/dc/terms/",
            "eli": "http://data.europa.eu/eli/ontology#",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "geo": "http://www.opengis.net/ont/geosparql#",
            "org": "http://www.w3.org/ns/org#",
            "owl": "http://www.w3.org/2002/07/owl#",
            "prov": "http://www.w3.org/ns/prov#",
            "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
            "schema": "https://schema.org/",
            "sh": "http://www.w3.org/ns/shacl#",
            "spdx": "http://spdx.org/rdf/terms#",
            "skos": "http://www.w3.org/2004/02/skos/core#",
            "vann": "http://purl.org/vocab/vann/",
            "void": "http://rdfs.org/ns/void#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
            **{kind: f"{ID}{kind}/" for kind in KINDS},
            **{prefix: f"{CONCEPT}{folder}/" for prefix, folder in SCHEMES.items()},
        }.items()
    )
)


class Namespace:
    """Terms of one namespace as attributes: `CG.Holding` is the `NamedNode` of `cg:Holding`."""

    def __init__(self, prefix: str) -> None:
        self._base = PREFIXES[prefix]

    def __getattr__(self, name: str) -> NamedNode:
        term = NamedNode(self._base + name)
        setattr(self, name, term)
        return term


CG: Final = Namespace("cg")
DC: Final = Namespace("dc")
DCAT: Final = Namespace("dcat")
DCTERMS: Final = Namespace("dcterms")
FOAF: Final = Namespace("foaf")
ORG: Final = Namespace("org")
OWL: Final = Namespace("owl")
PROV: Final = Namespace("prov")
RDF: Final = Namespace("rdf")
RDFS: Final = Namespace("rdfs")
SCHEMA: Final = Namespace("schema")
SH: Final = Namespace("sh")
SKOS: Final = Namespace("skos")
SPDX: Final = Namespace("spdx")
VOID: Final = Namespace("void")
XSD: Final = Namespace("xsd")


def compact(iri: str) -> str:
    """`body:torbay-council` for the IRI that it stands for; the IRI itself where no prefix fits."""
    for prefix, base in PREFIXES.items():
        if iri.startswith(base) and "/" not in iri[len(base) :]:
            return f"{prefix}:{iri[len(base) :]}"
    return iri
