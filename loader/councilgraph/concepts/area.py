"""Areas, and the atoms they are made of: the smallest areas never split since 1974."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyoxigraph import NamedNode

from councilgraph.namespaces import CG, RDF
from councilgraph.tables import Known, Record, Triple, classes, column, refs, slug, text

KINDS = {"atom": CG.Atom, "area": CG.Area}


@dataclass(frozen=True, kw_only=True)
class Area(Record):
    """An atom, or an area made of atoms: `areas.csv` (GeoSPARQL's Feature)."""

    FILE, KIND, KEY = "areas.csv", "area", ("area",)
    SAYS = {CG.hasAtom: "atoms", RDF.type: "kind"}

    key: str = column(slug(), name="area")
    name: str = column(text())
    kind: NamedNode = column(classes(KINDS, "a kind of area"), says=None)
    atoms: tuple[NamedNode, ...] = column(refs("area"), optional=True)

    def check(self) -> Iterator[tuple[str, str, str]]:
        """An area is made of atoms, an atom of itself alone."""
        yield from super().check()
        if self.kind == CG.Atom and self.atoms:
            yield "atoms", "is given for an atom", "Leave it blank, or make this an area."
        if self.kind == CG.Area and not self.atoms:
            yield "atoms", "is blank for an area", "List the atoms it is made of, separated by semicolons."

    def triples(self, known: Known) -> Iterator[Triple]:
        """The area and its atoms; an atom has itself."""
        yield self.iri, RDF.type, self.kind
        yield from super().triples(known)
        for atom in self.atoms or (self.iri,):
            yield self.iri, CG.hasAtom, atom


TABLES = (Area,)
