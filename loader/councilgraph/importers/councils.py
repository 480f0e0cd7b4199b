"""Publications about councils: mySociety's names and codes, the GOV.UK register, and the planning data.

All three are a row a council; a layout says which columns each has. A row is placed by the register code,
then by the GSS code, then by the name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from councilgraph import dates
from councilgraph.importers import causes
from councilgraph.importers.causes import Said, read_day
from councilgraph.importers.comparison import Comparison, Draft
from councilgraph.importers.files import Layout, Line, read_text
from councilgraph.importers.inspections import OGL, name_of, world_code
from councilgraph.importers.world import World, listed, plain

#: The kinds of council that the registers know, as ours; the others are no principal councils.
_TYPES = {
    "UA": "unitary",
    "CTY": "county",
    "NMD": "non-metropolitan-district",
    "MD": "metropolitan-district",
    "LBO": "london-borough",
    "CC": "sui-generis",
}
_OTHERS = {"COMB": "combined authorities", "SRA": "the Greater London Authority"}

LAYOUTS = {
    "council-names": (
        Layout(
            "names",
            {
                "code": "local-authority-code",
                "type": "local-authority-type",
                "official": "official-name",
                "name": "nice-name",
                "gss": "gss-code",
                "former": "former-gss-codes",
                "start": "start-date",
                "end": "end-date",
                "replaced": "replaced-by",
                "nation": "nation",
            },
        ),
    ),
    "register": (
        Layout(
            "register",
            {
                "code": "local-authority-eng",
                "type": "local-authority-type",
                "official": "official-name",
                "name": "name",
                "start": "start-date",
                "end": "end-date",
            },
            delimiter="\t",
        ),
        Layout(
            "planning data",
            {
                "code": "reference",
                "type": "local-authority-type",
                "official": "name",
                "gss": "statistical-geography",
                "start": "start-date",
                "end": "end-date",
                "wikidata": "wikidata",
            },
        ),
    ),
}
_SOURCES = {
    "names": {
        "source": "mysociety-uk-local-authorities",
        "title": "UK local authority names and codes",
        "publisher": "mySociety",
        "kind": "secondary",
        "url": "https://pages.mysociety.org/uk_local_authority_names_and_codes/datasets/uk_la_past_current/1",
        "licence": "https://creativecommons.org/licenses/by/4.0/",
    },
    "register": {
        "source": "govuk-register-local-authority-eng",
        "title": "Register of local authorities in England (local-authority-eng)",
        "publisher": "Ministry of Housing, Communities and Local Government (GOV.UK registers, closed)",
        "kind": "official",
        "published": "2018",
        "licence": OGL,
    },
    "planning data": {
        "source": "mhclg-planning-data-local-authority",
        "title": "Planning data: local authority",
        "publisher": "Ministry of Housing, Communities and Local Government",
        "kind": "official",
        "url": "https://www.planning.data.gov.uk/dataset/local-authority",
        "licence": OGL,
    },
}


#: Before these days nobody had a code of the scheme.
_BORN = {"gss": date(2009, 1, 1), "ofsted": date(2007, 4, 1)}


@dataclass(frozen=True)
class Council:
    """A row whose body was found."""

    line: Line
    body: str
    why: str


def compare(kind: str, path: Path, world: World) -> Comparison:
    """Compare a register of councils with the tables."""
    layout, lines = read_text(path, LAYOUTS[kind])
    draft = Draft(kind, path, world, dict(_SOURCES[layout.name]))
    draft.made.read = len(lines)
    councils = [council for line in lines if (council := _placed(line, world, draft))]
    draft.made.placed = len(councils)
    bodies = {council.line["code"]: council.body for council in councils}
    for council in councils:
        _start(council, draft)
        _end(council, draft)
        _names(council, draft)
        _codes(council, draft)
        if "replaced" in council.line.cells:
            _replaced(council, bodies, draft)
    return draft.made


def _placed(line: Line, world: World, draft: Draft) -> Council | None:
    """A row with its body; None, and said so or counted, where it has none here."""
    start = read_day(line["start"])
    outside = line.cells.get("nation", "England") != "England"
    other = "outside England" if outside else _OTHERS.get(line["type"], "")
    if other:
        draft.made.skipped[other] += 1
        if start.why:
            draft.unplaced(line["official"], "start", start.text, f"{start.why} ({other})", line.where)
        return None
    for scheme, code in (("register", line["code"]), ("gss", line.cells.get("gss", ""))):
        bodies = {body for body, _, _ in world.codes.get((scheme, code), ())}
        if len(bodies) > 1:  # one area, several bodies: the name tells which
            bodies = {
                b
                for b in bodies
                if any(plain(n.text) == plain(line["official"]) for n in world.called.get(b, ()))
            }
        if len(bodies) == 1:
            return Council(line, bodies.pop(), scheme)
    day = _alive(line)
    named = {n.body for n in world.names.get(plain(line["official"]), ()) if world.exists(n.body, day)}
    if len(named) == 1:
        return Council(line, named.pop(), "name")
    cause = f"unknown code: register {line['code']}, and no council called so that day"
    draft.unplaced(line["official"], "body", line["code"], cause, line.where)
    if start.why:
        draft.unplaced(line["official"], "start", start.text, start.why, line.where)
    return None


def _alive(line: Line) -> date:
    """A day on which the council of a row was there."""
    end, start = read_day(line["end"]).day, read_day(line["start"]).day
    return end - dates.DAY if end else start or date.today()


def _designation(council: Council, draft: Draft, said: Said) -> tuple[str, dates.Day | None]:
    """The designation that a start speaks of: of the row's kind, of the stated year where one is."""
    kind = _TYPES.get(council.line["type"], "")
    found = [
        (key, lasts.start)
        for key, cells, lasts in draft.world.designations.get(council.body, ())
        if cells["designation"] == kind
    ] or [(key, lasts.start) for key, _, lasts in draft.world.designations.get(council.body, ())]
    found.sort(key=lambda pair: pair[1].earliest if pair[1] else date.min)
    year = said.year or (said.day.year if said.day else 0)
    same = [pair for pair in found if pair[1] and pair[1].earliest.year == year]
    key, start = (same or found or [("", None)])[0]
    return (
        (f"designation/{key}", start)
        if key
        else (f"body/{council.body}", draft.world.spans[council.body].start)
    )


def _start(council: Council, draft: Draft) -> None:
    """Compare the first day: that of the council, or that of its being of its kind."""
    said, where = read_day(council.line["start"]), council.line.where
    if said.why and not said.year:
        draft.unplaced(council.line["official"], "start", said.text, said.why, where)
        return
    record, start = _designation(council, draft, said)
    text = start.text if start else ""
    if said.year:
        agrees = start and start.earliest.year <= said.year <= start.latest.year
        cause = f"{said.why}, {'as ours does' if agrees else f'ours is {text}'}"
        draft.differs(record, "from", text, said.text, cause, where, stance="disputes")
    elif said.day:
        body = draft.world.spans[council.body].start
        if start and start.exact and start.earliest == said.day:
            draft.agrees(record, "from", text, said.text, where)
        elif body and causes.holds(body, said.day):
            draft.agrees(f"body/{council.body}", "from", body.text, said.text, where)
        else:
            cause = causes.of_start(start, said.day)
            if body and said.day < body.earliest and cause == "unknown":
                cause = "before the council there is now: the start of another body, or of the place"
            elif start and said.day > start.earliest and cause == "unknown":
                cause = "a later day of the same council, such as a new status or the loss of its county"
            draft.differs(record, "from", text, said.text, cause, where)


def _end(council: Council, draft: Draft) -> None:
    """Compare the end, which the column gives as a last day, and some rows as the first day without."""
    said, where, body = read_day(council.line["end"]), council.line.where, council.body
    until = draft.world.spans[body].until
    text = draft.world.spans[body].until_text
    if said.why:
        draft.unplaced(council.line["official"], "end", said.text, said.why, where)
    elif said.day and until and until.exact and said.day + dates.DAY == until.earliest:
        draft.agrees(f"body/{body}", "until", text, said.text, where, causes.LAST)
    elif said.day and until and causes.holds(until, said.day):
        ours = f"{text} (last day {until.earliest - dates.DAY})"
        draft.differs(
            f"body/{body}", "until", ours, said.text, causes.LATE, where,
            finding=f"Its last day was {said.day}.", stance="disputes",
        )  # fmt: skip
    elif said.day and not until:
        cause = f"a council that went on ({_went_on(council, draft, said.day)}), counted as two"
        late = "; " + causes.LATE if (said.day.month, said.day.day) == (4, 1) else ""
        draft.differs(
            f"body/{body}", "until", text, said.text, cause + late, where,
            finding=f"Its last day as {council.line['official']} was {said.day}.", stance="disputes",
        )  # fmt: skip
    elif said.day:
        near = causes.of_start(until, said.day)
        cause = "a year early" if until and until.earliest.year - said.day.year == 1 else near
        cause = causes.of_start(until, said.day + dates.DAY) if cause == "unknown" else cause
        draft.differs(f"body/{body}", "until", text, said.text, cause, where)
    elif until and "end" in council.line.cells and until.latest <= date.today() and not _snapshot(draft):
        draft.differs(
            f"body/{body}", "until", text, "", "no end there; the council has ended", where,
            finding="It has not ended.", stance="disputes",
        )  # fmt: skip


def _snapshot(draft: Draft) -> bool:
    """Whether the publication stands still at a day in the past, so that later ends are not its fault."""
    return draft.made.source["source"] == _SOURCES["register"]["source"]


def _went_on(council: Council, draft: Draft, day: date) -> str:
    starts = [s.start for _, _, s in draft.world.designations.get(council.body, ()) if s.start]
    return "unitary from that day" if any(abs((s.earliest - day).days) <= 1 for s in starts) else "renamed"


def _names(council: Council, draft: Draft) -> None:
    """Compare the names."""
    for column in ("official", "name"):
        name = council.line.cells.get(column, "")
        if name:
            name_of(draft, council.body, name, council.line.where)


def _codes(council: Council, draft: Draft) -> None:
    """Compare the codes, present and former."""
    world, body, where = draft.world, council.body, council.line.where
    codes = [("register", council.line["code"]), ("gss", council.line.cells.get("gss", ""))]
    codes += [("gss", part.strip()) for part in council.line.cells.get("former", "").split(",")]
    codes += [("wikidata", council.line.cells.get("wikidata", ""))]
    for scheme, code in codes:
        if not code:
            continue
        if any(code == known for known, _ in world.bearers.get((body, scheme), ())):
            draft.agrees(f"body/{body}", scheme, code, code, where)
        elif (scheme, code) in world.codes:
            label = {"register": "GOV.UK register code", "gss": "GSS code", "wikidata": "Wikidata item"}[
                scheme
            ]
            ours = listed(sorted({known for known, _ in world.bearers.get((body, scheme), ())}))
            draft.differs(
                f"body/{body}", scheme, ours, code, world_code(world, body, scheme, code), where,
                finding=f"Its {label} is {code}.", stance="disputes",
            )  # fmt: skip
        else:
            add_code(draft, body, scheme, code, where)


def add_code(draft: Draft, body: str, scheme: str, code: str, where: str) -> None:
    """The row of a code new to the tables; GSS codes name areas."""
    world = draft.world
    subject = f"body/{body}"
    lasts = world.spans[body]
    if scheme == "gss":
        designations = sorted(
            world.designations.get(body, ()), key=lambda d: d[2].start.earliest if d[2].start else date.min
        )
        if not designations:
            draft.unplaced(body, scheme, code, "a code of a body without an area", where)
            return
        _, cells, lasts = designations[-1]
        subject = f"area/{cells['area']}"
    first = lasts.start.earliest if lasts.start else date(1974, 4, 1)
    first = max(first, _BORN.get(scheme, first))
    published = draft.made.source.get("published", "")
    held = dates.parse(published).latest if published else date.today()
    held = min(held, lasts.until.earliest - dates.DAY) if lasts.until else held
    row = {
        "subject": subject,
        "scheme": scheme,
        "code": code,
        "from": f"{first}..{max(first, held)}",
        "until": lasts.until_text or "unknown",
        "note": "Since when is not known.",
    }
    draft.new(
        f"identifier/{scheme}.{code.lower()}",
        code,
        where,
        [("identifiers.csv", row)],
        "a code not in the tables",
    )


def _replaced(council: Council, bodies: Mapping[str, str], draft: Draft) -> None:
    """Compare the successors with those who held, from the last day on, what the body held until then."""
    codes = [part.strip() for part in council.line["replaced"].split(",") if part.strip()]
    if not codes:
        return
    world, body, where = draft.world, council.body, council.line.where
    unknown = [code for code in codes if code not in bodies]
    theirs = sorted({bodies[code] for code in codes if code in bodies})
    for code in unknown:
        draft.unplaced(council.line["official"], "replaced", code, "unknown code of a successor", where)
    ours = world.successors(body)
    text, said = listed(ours), listed(theirs)
    record = f"body/{body}"
    if theirs == ours:
        draft.agrees(record, "successors", text, said, where)
        return
    if theirs == [body]:
        cause = "a council that went on, counted as its own successor"
    elif set(theirs) < set(ours):
        words = {1: "only one successor", 2: "only two successors"}.get(
            len(theirs), f"only {len(theirs)} successors"
        )
        missing = ", ".join(world.label(other) for other in ours if other not in theirs)
        cause = f"{words} where there are {_number(len(ours))}: {missing} is missing"
    else:
        cause = "other successors"
    names = _and([world.label(other) for other in theirs])
    draft.differs(
        record, "successors", text, said, cause, where,
        finding=f"It was replaced by {names}{' alone' if len(theirs) == 1 else ''}.", stance="disputes",
    )  # fmt: skip


def _number(count: int) -> str:
    return {2: "two", 3: "three"}.get(count, str(count))


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else "nobody known"
