"""Reorganisations, the instruments that made them, and what they did to each body."""

from __future__ import annotations

from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from councilgraph.namespaces import CG, DCTERMS, RDFS
from councilgraph.tables import Known, Record, column, exact_day, link, of, ref, refs, slug, text


@dataclass(frozen=True, kw_only=True)
class Instrument(Record):
    """An Act, an order, a direction: `instruments.csv` (ELI; IRIs of legislation.gov.uk)."""

    FILE, KIND, KEY, TYPE = "instruments.csv", "instrument", ("instrument",), CG.Instrument

    key: str = column(slug(), name="instrument")
    title: Literal = column(text(), says=DCTERMS.title)
    kind: NamedNode = column(of("instrument-kind"), says=CG.hasInstrumentKind)
    made: Literal | None = column(exact_day(), says=CG.madeOn, optional=True)
    in_force: Literal | None = column(exact_day(), says=CG.inForceOn, optional=True)
    url: NamedNode | None = column(link(), says=RDFS.seeAlso, optional=True)


@dataclass(frozen=True, kw_only=True)
class Reorganisation(Record):
    """A change of the structure of local government: `reorganisations.csv` (ORG's ChangeEvent)."""

    FILE, KIND, KEY, TYPE = "reorganisations.csv", "reorganisation", ("reorganisation",), CG.Reorganisation

    key: str = column(slug(), name="reorganisation")
    name: str = column(text())
    stage: NamedNode = column(of("stage"), says=CG.hasStage)
    decided: Literal | None = column(exact_day(), says=CG.decidedOn, optional=True)
    vests: Literal = column(exact_day(), says=CG.vestsOn)
    instruments: tuple[NamedNode, ...] = column(refs("instrument"), says=CG.isMadeBy, optional=True)


@dataclass(frozen=True, kw_only=True)
class Effect(Record):
    """What a reorganisation did to one body: `effects.csv`."""

    FILE, KIND, TYPE = "effects.csv", "effect", CG.Effect
    KEY = ("reorganisation", "body", "effect", "area")

    reorganisation: NamedNode = column(ref("reorganisation"), says=CG.isEffectOf)
    body: NamedNode = column(ref("body"), says=CG.concerns)
    effect: NamedNode = column(of("effect-kind"), says=CG.hasEffectKind)
    function: NamedNode | None = column(of("function"), says=CG.coversFunction, optional=True)
    area: NamedNode | None = column(ref("area"), says=CG.coversArea, optional=True)
    article: Literal | None = column(text(), says=CG.article, optional=True)

    def label(self, known: Known) -> str:
        """What happened to whom."""
        return f"{known.label(self.body)} {known.label(self.effect)}"


TABLES = (Instrument, Reorganisation, Effect)
