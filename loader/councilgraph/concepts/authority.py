"""Bodies; the kind of council each was, its names and its codes, from when until when."""

from __future__ import annotations

from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from councilgraph.namespaces import CG, RDF, SKOS
from councilgraph.tables import Dated, Known, classes, code, column, of, record, ref, slug, text

KINDS = {
    "authority": CG.Authority,
    "department": CG.Department,
    "inspectorate": CG.Inspectorate,
    "trust": CG.Trust,
}


@dataclass(frozen=True, kw_only=True)
class Body(Dated):
    """A body as the law knows it, one row for ever: `bodies.csv` (W3C Organization Ontology)."""

    FILE, KIND, KEY = "bodies.csv", "body", ("body",)

    key: str = column(slug(), name="body")
    name: str = column(text())
    kind: NamedNode = column(classes(KINDS, "a kind of body"), says=RDF.type)


@dataclass(frozen=True, kw_only=True)
class Designation(Dated):
    """The kind of council that a body was, and its area: `designations.csv` (Local Government Act 1972)."""

    FILE, KIND, TYPE = "designations.csv", "designation", CG.Designation
    KEY = ("body", "designation", "from")

    body: NamedNode = column(ref("body"), says=CG.concerns)
    designation: NamedNode = column(of("council-kind"), says=CG.hasDesignation)
    area: NamedNode = column(ref("area"), says=CG.coversArea)

    def label(self, known: Known) -> str:
        """Who was what."""
        return f"{known.label(self.body)}, {known.label(self.designation)}"


@dataclass(frozen=True, kw_only=True)
class NameUse(Dated):
    """A name that a body bore: `names.csv`."""

    FILE, KIND, TYPE = "names.csv", "name", CG.NameUse
    KEY = ("body", "kind", "name")

    body: NamedNode = column(ref("body"), says=CG.concerns)
    name: Literal = column(text(), says=CG.name)
    kind: NamedNode = column(of("name-kind"), says=CG.hasNameKind)

    def label(self, known: Known) -> str:
        """The name, and of what kind it is."""
        return f"{self.name.value} ({known.label(self.kind)})"


@dataclass(frozen=True, kw_only=True)
class Identifier(Dated):
    """A code that somebody gave to a body or to an area: `identifiers.csv` (ADMS).

    GSS codes name areas; the department's and Ofsted's name bodies.
    """

    FILE, KIND, TYPE = "identifiers.csv", "identifier", CG.Identifier
    KEY = ("scheme", "code", "subject")

    subject: NamedNode = column(record("body", "area"), says=CG.identifies)
    scheme: NamedNode = column(of("code-scheme"), says=CG.usesCodeScheme)
    code: Literal = column(code(), says=SKOS.notation)

    def label(self, known: Known) -> str:
        """The code, and whose it is."""
        return f"{known.label(self.scheme)} {self.code.value}"


TABLES = (Body, Designation, NameUse, Identifier)
