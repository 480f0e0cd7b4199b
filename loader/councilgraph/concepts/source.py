"""Publications, and claims: what a source says of a fact that is told otherwise, or not at all, elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from councilgraph import dates
from councilgraph.namespaces import CG, DC, DCTERMS, RDF, RDFS
from councilgraph.tables import (
    Known,
    Record,
    Triple,
    column,
    day,
    exact_day,
    link,
    literal,
    of,
    record,
    slug,
    term,
    text,
    truth,
    whole_number,
    words,
)


def published(iri: NamedNode, when: dates.Day | None) -> Iterator[Triple]:
    """The day of publication, with its bounds."""
    if when:
        yield iri, CG.publishedEarliest, literal(when.earliest)
        yield iri, CG.publishedLatest, literal(when.latest)
        yield iri, CG.publishedText, Literal(when.text)


PUBLISHED = {
    CG.publishedEarliest: "published",
    CG.publishedLatest: "published",
    CG.publishedText: "published",
}


@dataclass(frozen=True, kw_only=True)
class Source(Record):
    """A publication that facts rest on: `sources.csv` (PROV-O, DCMI Terms)."""

    FILE, KIND, KEY, TYPE = "sources.csv", "source", ("source",), CG.Source
    SAYS = PUBLISHED

    key: str = column(slug(), name="source")
    title: Literal = column(text(), says=DCTERMS.title)
    publisher: Literal = column(text(), says=DC.publisher)
    kind: NamedNode = column(of("source-kind"), says=CG.hasSourceKind)
    published: dates.Day | None = column(day(), optional=True)
    url: NamedNode | None = column(link(), says=RDFS.seeAlso, optional=True)
    licence: NamedNode | None = column(link(), says=DCTERMS.license, optional=True)
    source: tuple[tuple[NamedNode, str], ...] = ()  # a source needs none

    def triples(self, known: Known) -> Iterator[Triple]:
        """The publication, and when it came out."""
        yield from super().triples(known)
        yield from published(self.iri, self.published)


@dataclass(frozen=True, kw_only=True)
class Claim(Record):
    """What one source says of one property of one record: `claims.csv` (RDF's reification vocabulary)."""

    FILE, KIND, KEY, TYPE = "claims.csv", "claim", ("claim",), CG.Claim
    SAYS = {RDF.object: "value"}

    key: str = column(slug(), name="claim")
    subject: NamedNode = column(record(), says=RDF.subject)
    property: NamedNode = column(term(), says=RDF.predicate)
    value: Literal = column(words(), says=RDF.object)
    stance: NamedNode = column(of("stance"), says=CG.hasStance)
    preferred: Literal = column(truth(), says=CG.preferred)
    reason: Literal | None = column(words(), says=CG.reason, optional=True)

    def label(self, known: Known) -> str:
        """Whose what is claimed to be what."""
        return f"{known.label(self.subject)}: {self.value.value}"

    def check(self) -> Iterator[tuple[str, str, str]]:
        """A reading that is preferred says why."""
        yield from super().check()
        if self.preferred.value == "true" and not self.reason and self.stance.value.endswith("/disputes"):
            yield "reason", "is blank for a preferred reading", "Say why this reading is preferred."


@dataclass(frozen=True, kw_only=True)
class Expectation(Record):
    """A published total that a canned query must give: `expectations.csv`. It says nothing in the graph."""

    FILE, KIND, KEY = "expectations.csv", "expectation", ("expectation",)

    key: str = column(slug(), name="expectation")
    query: Literal = column(text())
    on: Literal = column(exact_day())
    kind: Literal | None = column(text(), optional=True)
    expected: int = column(whole_number())

    def triples(self, known: Known) -> Iterator[Triple]:  # noqa: ARG002 — Record's
        """Nothing."""
        return iter(())


TABLES = (Source, Claim, Expectation)
