"""Interventions: notices, directions and support that government laid upon a body."""

from __future__ import annotations

from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from councilgraph import dates
from councilgraph.namespaces import CG, DCTERMS, RDF
from councilgraph.tables import Seen, classes, column, day, of, ref, slug, text

KINDS = {
    "best-value-direction": CG.BestValueDirection,
    "improvement-notice": CG.ImprovementNotice,
    "statutory-direction": CG.StatutoryDirection,
    "statement-of-action": CG.StatementOfAction,
    "non-statutory-support": CG.NonStatutorySupport,
}


@dataclass(frozen=True, kw_only=True)
class Intervention(Seen):
    """An intervention in one body's exercise of a function: `interventions.csv`."""

    FILE, KIND, KEY = "interventions.csv", "intervention", ("intervention",)

    start: dates.Day = column(day(), name="from")  # an intervention is issued on a day, unlike a tenure
    key: str = column(slug(), name="intervention")
    name: str = column(text())
    kind: NamedNode = column(classes(KINDS, "a kind of intervention"), says=RDF.type)
    body: NamedNode = column(ref("body"), says=CG.concerns)
    function: NamedNode = column(of("function"), says=CG.coversFunction)
    issuer: NamedNode = column(ref("body"), says=CG.isIssuedBy)
    legal_basis: Literal = column(text(), says=CG.legalBasis)
    ended_because: NamedNode | None = column(of("ending"), says=CG.endsBecause, optional=True)
    replaces: NamedNode | None = column(ref("intervention"), says=DCTERMS.replaces, optional=True)
    prompted_by: NamedNode | None = column(ref("inspection"), says=CG.isPromptedBy, optional=True)


TABLES = (Intervention,)
