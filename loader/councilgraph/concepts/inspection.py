"""Inspections under the revision of a framework that was in force, and a judgement for each of its areas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from councilgraph import dates
from councilgraph.concepts.source import PUBLISHED, published
from councilgraph.iris import SLUG, concept, instance, kind_of, scheme
from councilgraph.namespaces import CG, CONCEPT
from councilgraph.tables import (
    Dated,
    Known,
    Reader,
    Record,
    Triple,
    bounds,
    choose,
    column,
    day,
    of,
    ref,
    refs,
    several,
    slug,
    text,
    truth,
    words,
)

#: The schemes that a judgement area may be graded in.
GRADE_SCHEMES = ("grade", "grade-2009", "send-outcome-2016", "send-outcome-2023")


def _scheme(value: str, _: Known) -> NamedNode:
    if value not in GRADE_SCHEMES:
        raise choose(value, GRADE_SCHEMES, "a scheme of grades")
    return scheme(value)


def _grade(value: str, known: Known) -> str:
    grades = {slug_ for name in GRADE_SCHEMES for slug_ in known.concepts.get(name, {})}
    if value not in grades:
        raise choose(value, grades, "a grade")
    return value


@dataclass(frozen=True, kw_only=True)
class Framework(Dated):
    """A revision of an inspection framework: `frameworks.csv`."""

    FILE, KIND, KEY, TYPE = "frameworks.csv", "framework", ("framework",), CG.Framework

    key: str = column(slug(), name="framework")
    name: str = column(text())
    inspectorates: tuple[NamedNode, ...] = column(refs("body"), says=CG.isConductedBy)


@dataclass(frozen=True, kw_only=True)
class JudgementArea(Record):
    """What a framework judges, on which scale: `judgement_areas.csv`."""

    FILE, KIND, TYPE = "judgement_areas.csv", "judgement-area", CG.JudgementArea
    KEY = ("framework", "topic")

    framework: NamedNode = column(ref("framework"), says=CG.belongsTo)
    topic: NamedNode = column(of("topic"), says=CG.isAbout)
    scheme: NamedNode = column(Reader(_scheme, form="|".join(GRADE_SCHEMES), iri=CONCEPT), says=CG.usesScheme)
    folds_in: tuple[NamedNode, ...] = column(several(of("topic")), says=CG.foldsIn, optional=True)

    def label(self, known: Known) -> str:
        """The topic, and the framework it is judged under."""
        return f"{known.label(self.topic)} ({known.label(self.framework)})"


@dataclass(frozen=True, kw_only=True)
class Inspection(Dated):
    """An inspection or a visit: `inspections.csv`. Its bounds are days on site."""

    FILE, KIND, KEY, TYPE = "inspections.csv", "inspection", ("inspection",), CG.Inspection
    SAYS = {
        **PUBLISHED,
        **{p: {"from": "first_day", "until": "last_day"}[c] for p, c in Dated.SAYS.items()},
        CG.lastDayText: "last_day",
    }

    key: str = column(slug(), name="inspection")
    body: NamedNode = column(ref("body"), says=CG.inspects)
    framework: NamedNode = column(ref("framework"), says=CG.follows)
    kind: NamedNode = column(of("inspection-kind"), says=CG.hasInspectionKind)
    start: dates.Day | None = column(day(), name="first_day", optional=True)
    until: dates.Day | None = column(day(), name="last_day", optional=True)  # type: ignore[assignment] # others end; a visit has a last day, or it is unknown
    published: dates.Day | None = column(day(), optional=True)
    lead: NamedNode | None = column(ref("person"), says=CG.isLedBy, optional=True)
    theme: Literal | None = column(words(), says=CG.theme, optional=True)
    priority_action: Literal | None = column(truth(), says=CG.priorityAction, optional=True)

    def label(self, known: Known) -> str:
        """Who was inspected how, and when."""
        when = self.start or self.published
        framework = known.label(self.framework)
        kind, day_ = known.label(self.kind), when.text if when else "day unknown"
        return f"{known.label(self.body)}, {framework}, {kind}, {day_}"

    def check(self) -> Iterator[tuple[str, str, str]]:
        """First day, last day, publication: in that order (facts: start ≤ end < published)."""
        if not (self.start or self.published):
            yield "first_day", "is blank, and so is published", "Give at least one of the two."
        if self.start and self.until and self.until.latest < self.start.earliest:
            yield "last_day", f"is before the first day, {self.start.text}", "Correct one of the two."
        last = self.until or self.start
        if last and self.published and self.published.latest <= last.earliest:
            yield "published", f"is not after the last day on site, {last.text}", "Correct one of the two."

    def triples(self, known: Known) -> Iterator[Triple]:
        """The inspection, its days on site and its publication."""
        yield from Record.triples(self, known)
        until = dates.after_last(self.until) if self.until else dates.UNKNOWN
        out = self.published
        floor = dates.parse(known.row(self.framework).cells["from"]).earliest
        ceiling = self.until.latest if self.until else out.latest - dates.DAY if out else None
        yield from bounds(self.iri, self.start, until, (), floor, ceiling)
        if self.until:
            yield self.iri, CG.lastDayText, Literal(self.until.text)
        yield from published(self.iri, out)


@dataclass(frozen=True, kw_only=True)
class Judgement(Record):
    """What was judged of one area, or why nothing was: `judgements.csv`."""

    FILE, KIND, TYPE = "judgements.csv", "judgement", CG.Judgement
    KEY = ("inspection", "topic")
    SAYS = {CG.judges: "topic", CG.awards: "grade"}

    inspection: NamedNode = column(ref("inspection"), says=CG.isMadeIn)
    topic: NamedNode = column(of("topic"), says=CG.isAbout)
    grade: str | None = column(Reader(_grade, form=SLUG.pattern), optional=True)
    reason: NamedNode | None = column(of("no-grade-reason"), says=CG.lacksGradeBecause, optional=True)

    def label(self, known: Known) -> str:
        """What was judged, and the grade."""
        return f"{known.label(self.topic)}: {(self.grade or 'no grade').replace('-', ' ')}"

    def check(self) -> Iterator[tuple[str, str, str]]:
        """A grade, or a reason for none (MODEL, law 4)."""
        yield from super().check()
        if bool(self.grade) == bool(self.reason):
            which = "both given" if self.grade else "blank, and so is the reason"
            yield "grade", f"is {which}", "Give a grade, or a reason for none."

    def triples(self, known: Known) -> Iterator[Triple]:
        """The judgement, read on the scale of its area under the framework."""
        yield from super().triples(known)
        framework = known.row(self.inspection).cells["framework"]
        key = f"{framework}.{kind_of(self.topic.value)[1]}"
        area = known.rows["judgement-area"].get(key)
        if area:
            yield self.iri, CG.judges, instance("judgement-area", key)
        if self.grade:
            own = area.cells["scheme"] if area else ""
            # A grade of another scale is said as such: the shapes find it.
            schemes = [name for name in GRADE_SCHEMES if self.grade in known.concepts[name]]
            yield self.iri, CG.awards, concept(own if own in schemes else schemes[0], self.grade)


TABLES = (Framework, JudgementArea, Inspection, Judgement)
