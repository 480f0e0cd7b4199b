"""Publications about inspections: Ofsted's statistics, and the overviews of Data to Insight.

Each is described by data: its sheets and columns, the codes by which a row names its body, what it states of
an inspection. One comparison serves them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from councilgraph import dates
from councilgraph.errors import UsageError
from councilgraph.importers import causes
from councilgraph.importers.causes import Said, is_blank, read_day
from councilgraph.importers.comparison import Comparison, Draft
from councilgraph.importers.files import Layout, Line, Workbook
from councilgraph.importers.world import World, plain
from councilgraph.iris import slugify
from councilgraph.tables import Row

OGL = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
_NEAR = timedelta(days=31)

_GRADES = {
    "outstanding": "outstanding",
    "good": "good",
    "requires improvement": "requires-improvement",
    "requires improvement to be good": "requires-improvement",
    "inadequate": "inadequate",
    "inspection_pre_dates_judgement": "",
}
_OUTCOMES = {"1": "typically-positive", "2": "inconsistent", "3": "widespread-failings"}
_KINDS = {
    "ilacs standard inspection": "standard",
    "ilacs short inspection": "short",
    "ilacs focused visit": "focused-visit",
    "la monitoring visit": "monitoring-visit",
    "ilacs monitoring visit": "monitoring-visit",
    "standard": "standard",
    "short": "short",
}
_VISITS = ("focused-visit", "monitoring-visit")
_FAMILIES = {"ilacs": "ilacs-", "area-send": "area-send-", "jtai": "jtai-"}


@dataclass(frozen=True)
class Publication:
    """What a publication about inspections is, as data.

    The columns of a layout are called: urn, dfe, gss, name (of the body); first_day, last_day, published,
    kind, theme, lead, previous; and a topic for each grade. `inspected` says that the code printed is meant
    as that of the day of inspection, not of the day of publication.
    """

    family: str
    layouts: tuple[Layout, ...]
    source: Callable[[Workbook, Sequence[Line]], dict[str, str]]
    grades: Mapping[str, str] = field(default_factory=lambda: _GRADES)
    kind: str = ""  # of all its inspections, where no column says it
    inspected: bool = False


@dataclass(frozen=True)
class Stated:
    """What one row states of one inspection."""

    line: Line
    body: str
    first: Said
    last: Said
    published: Said
    kind: str
    grades: Mapping[str, str]  # topic → grade, blank where none

    @property
    def day(self) -> date:
        """The day that places it: on site, or before publication."""
        day = self.first.day or self.published.day
        assert day
        return day


_D2I = {"urn": "urn", "dfe": "la_code", "gss": "ltla23cd", "name": "local_authority"}
_TOPICS = {
    "overall": "Overall effectiveness",
    "leadership": "The impact of leaders on social work practice with children and families",
    "help-and-protection": "The experiences and progress of children who need help and protection",
    "in-care": "The experiences and progress of children in care",
    "care-leavers": "The experiences and progress of care leavers",
}
_OFSTED = {
    "gss": "Local authority area code",
    "name": "Local authority name",
    "published": "Publication date",
    **_TOPICS,
}
_AS_AT = re.compile(r"Local authority inspection outcomes as at (\d{1,2}) (\w+) (\d{4})")
_MONTHS = [date(2000, month, 1).strftime("%B") for month in range(1, 13)]


def _statistics(book: Workbook, _: Sequence[Line]) -> dict[str, str]:
    """The official statistics say on their cover as at which day they are."""
    cover = [str(cell) for row in book.sheet("Cover").rows[:5] for cell in row]
    for text in cover:
        match = _AS_AT.match(text)
        if match and match.group(2) in _MONTHS:
            day = f"{match.group(3)}-{_MONTHS.index(match.group(2)) + 1:02}-{int(match.group(1)):02}"
            return {
                "source": f"ofsted-la-inspection-outcomes-{day}",
                "title": f"Local authority inspection outcomes as at {' '.join(match.groups())}",
                "publisher": "Ofsted",
                "kind": "official",
                "published": match.group(3),
                "url": "https://www.gov.uk/government/collections/childrens-social-care-statistics",
                "licence": OGL,
            }
    raise UsageError(
        f'{book.path}, sheet "Cover"',
        'does not say "Local authority inspection outcomes as at" a day',
        "Import Ofsted's statistics as published.",
    )


def _overview(
    slug: str, title: str, tool: str, *, yearly: bool
) -> Callable[[Workbook, Sequence[Line]], dict[str, str]]:
    """An overview of Data to Insight: of the year of its latest report, where it is kept a source a year."""

    def source(_: Workbook, lines: Sequence[Line]) -> dict[str, str]:
        days = [day for line in lines if (day := read_day(line["published"]).day)]
        latest = max(days, default=None)
        return {
            "source": f"{slug}-{latest.year}" if latest and yearly else slug,
            "title": title,
            "publisher": "Data to Insight",
            "kind": "secondary",
            "published": f"{latest:%Y-%m}" if latest and yearly else "",
            "url": f"https://github.com/data-to-insight/{tool}",
            "licence": OGL,
            "note": "Scraped from Ofsted's reports; its code is under the MIT licence.",
        }

    return source


PUBLICATIONS = {
    "ofsted-outcomes": Publication(
        family="ilacs",
        layouts=(
            Layout(
                "history",
                {**_OFSTED, "first_day": "Inspection date", "kind": "Inspection type"},
                sheet="ILACS_inspection_history",
            ),
            Layout(
                "in-year",
                {
                    **_OFSTED,
                    "first_day": "Inspection/Visit date",
                    "kind": "Inspection/Visit type",
                    "theme": "Visit Theme",
                },
                sheet="In-year_inspections",
            ),
        ),
        source=_statistics,
        inspected=True,
    ),
    "ilacs-overview": Publication(
        family="ilacs",
        layouts=(
            Layout(
                "overview",
                {
                    **_D2I,
                    "first_day": "inspection_start_date",
                    "last_day": "inspection_end_date",
                    "published": "publication_date",
                    "kind": "inspection_framework",
                    "lead": "inspector_name",
                    "overall": "overall_effectiveness_grade",
                    "leadership": "impact_of_leaders_grade",
                    "help-and-protection": "help_and_protection_grade",
                    "in-care": "in_care_grade",
                    "care-leavers": "care_leavers_grade",
                },
            ),
        ),
        source=_overview(
            "data-to-insight-ilacs", "ILACS outcomes summary", "ofsted-ilacs-scrape-tool", yearly=True
        ),
    ),
    "send-overview": Publication(
        family="area-send",
        layouts=(
            Layout(
                "overview",
                {
                    **_D2I,
                    "first_day": "inspection_start_date",
                    "last_day": "inspection_end_date",
                    "published": "publication_date",
                    "previous": "previous_inspection_date",
                    "area-send-outcome": "outcome_grade",
                },
            ),
        ),
        source=_overview(
            "data-to-insight-area-send",
            "Area SEND inspection outcomes summary",
            "ofsted-send-scrape-tool",
            yearly=False,
        ),
        grades=_OUTCOMES,
        kind="area-send",
    ),
    "jtai-overview": Publication(
        family="jtai",
        layouts=(
            Layout(
                "overview",
                {
                    **_D2I,
                    "first_day": "inspection_start_date",
                    "published": "publication_date",
                    "theme": "inspection_theme",
                },
            ),
        ),
        source=_overview(
            "data-to-insight-jtai",
            "Joint targeted area inspections summary",
            "ofsted-jtai-scrape-tool",
            yearly=False,
        ),
        kind="joint",
    ),
}


def compare(kind: str, path: Path, world: World) -> Comparison:
    """Compare a publication about inspections with the tables."""
    publication = PUBLICATIONS[kind]
    book = Workbook(path)
    lines = [line for layout in publication.layouts for line in book.lines(layout)]
    draft = Draft(kind, path, world, publication.source(book, lines))
    draft.made.read = len(lines)
    stated = [found for line in lines if (found := _placed(line, publication, world, draft))]
    draft.made.placed = len(stated)
    for found, ours in _matched(stated, publication, world):
        if ours:
            _days(found, ours, draft)
            _grades(found, ours, draft)
        else:
            _add(found, publication, draft)
        _codes(found, ours, publication, draft)
        if "previous" in found.line.cells:
            _previous(found, ours, publication, draft)
    return draft.made


def _placed(line: Line, publication: Publication, world: World, draft: Draft) -> Stated | None:
    """What a row states, with its body; None, and said so, where it cannot be placed."""
    name = line["name"]
    days = {column: read_day(line.cells.get(column, "")) for column in ("first_day", "last_day", "published")}
    damaged = [(c, s) for c, s in days.items() if s.why]
    for column, said in damaged:
        draft.unplaced(name, column, said.text, said.why, line.where)
    day = days["first_day"].day or days["published"].day
    if not day:
        if not damaged:
            draft.unplaced(name, "first_day", "", "no day of inspection or publication", line.where)
        return None
    kind = publication.kind or ("" if is_blank(line["kind"]) else _KINDS.get(line["kind"].casefold(), "?"))
    if kind == "?":
        draft.unplaced(name, "kind", line["kind"], "unknown kind of inspection", line.where)
        return None
    codes = [("ofsted", line.cells.get("urn", "")), ("dfe", line.cells.get("dfe", "")), ("gss", line["gss"])]
    place = world.place(day, codes, name)
    if not place.body:
        draft.unplaced(name, "body", listed_codes(codes), place.why, line.where)
        return None
    grades = {}
    for topic in line.cells.keys() & {*_TOPICS, "area-send-outcome"}:
        text = line[topic].casefold().removesuffix(".0")
        grade = "" if is_blank(text) else publication.grades.get(text)
        if grade is None:
            draft.unplaced(name, topic, line[topic], f'"{line[topic][:40]}" is not a grade', line.where)
        else:
            grades[topic] = grade
    return Stated(line, place.body, days["first_day"], days["last_day"], days["published"], kind, grades)


def listed_codes(codes: Sequence[tuple[str, str]]) -> str:
    """Codes in words."""
    return ", ".join(f"{scheme} {code}" for scheme, code in codes if code)


def _matched(
    stated: Sequence[Stated], publication: Publication, world: World
) -> Iterator[tuple[Stated, Row | None]]:
    """Each statement with our inspection of the same body: of the same days, else the nearest left."""
    ours: dict[str, list[Row]] = {}
    for row in world.rows["inspection"].values():
        if row.cells["framework"].startswith(_FAMILIES[publication.family]):
            ours.setdefault(row.cells["body"], []).append(row)
    exact: dict[int, Row] = {}
    for number, found in enumerate(stated):
        rows = [row for row in ours.get(found.body, ()) if _alike(found.kind, row.cells["kind"])]
        rows.sort(key=lambda row: -_points(found, row))
        if rows and _points(found, rows[0]):
            exact[number] = rows[0]
    taken = {id(row) for row in exact.values()}
    for number, found in enumerate(stated):
        rows = [
            row
            for row in ours.get(found.body, ())
            if id(row) not in taken and _alike(found.kind, row.cells["kind"]) and _near(found, row)
        ]
        yield found, exact.get(number) or (rows[0] if rows else None)


def _alike(theirs: str, ours: str) -> bool:
    """Whether two kinds of inspection can be one: visits are told apart, full inspections are not."""
    return (theirs if theirs in _VISITS else "") == (ours if ours in _VISITS else "")


def _points(found: Stated, row: Row) -> int:
    same = [(found.first, "first_day", 2), (found.published, "published", 2), (found.last, "last_day", 1)]
    return sum(
        points + (1 if ours.exact else 0)
        for said, column, points in same
        if said.day and (ours := _day(row, column)) and causes.holds(ours, said.day)
    )


def _near(found: Stated, row: Row) -> bool:
    pairs = [(found.first, "first_day"), (found.published, "published"), (found.published, "first_day")]
    near = [
        abs(said.day - ours.earliest) for said, column in pairs if said.day and (ours := _day(row, column))
    ]
    return bool(near) and min(near) <= _NEAR


def _day(row: Row, column: str) -> dates.Day | None:
    return dates.parse(row.cells[column]) if row.cells[column] else None


def _days(found: Stated, ours: Row, draft: Draft) -> None:
    """Compare the days, the kind and the lead of an inspection that is in the tables."""
    record, where = f"inspection/{ours.cells['inspection']}", found.line.where
    first, last, published = (_day(ours, c) for c in ("first_day", "last_day", "published"))
    for column, said, our in (
        ("first_day", found.first, first),
        ("last_day", found.last, last),
        ("published", found.published, published),
    ):
        if not said.day:
            continue
        text = ours.cells[column]
        if our and our.exact and our.earliest == said.day:
            draft.agrees(record, column, text, said.text, where)
        elif our and causes.holds(our, said.day):
            draft.differs(record, column, text, said.text, "more precise than ours", where, stance="supports")
        else:
            cause = {
                "first_day": lambda d: causes.of_start(first, d, published or _as_day(found.published), last),
                "last_day": lambda d: causes.of_start(last, d, published),
                "published": lambda d: causes.of_publication(published, d, first),
            }[column](said.day)
            stance = "disputes" if cause == causes.REPEATS else ""
            draft.differs(record, column, text, said.text, cause, where, stance=stance)
    if found.kind:
        if found.kind == ours.cells["kind"]:
            draft.agrees(record, "kind", ours.cells["kind"], found.kind, where)
        else:
            draft.differs(record, "kind", ours.cells["kind"], found.kind, "another kind of inspection", where)
    lead = slugify(found.line.cells.get("lead", ""))
    if lead and not is_blank(lead):
        our_lead = ours.cells["lead"]
        if lead == our_lead:
            draft.agrees(record, "lead", our_lead, lead, where)
        else:
            cause = "the name of the inspector is read otherwise" if our_lead else "not in the tables"
            draft.differs(record, "lead", our_lead, lead, cause, where)


def _as_day(said: Said) -> dates.Day | None:
    return dates.parse(said.text) if said.day else None


def _grades(found: Stated, ours: Row, draft: Draft) -> None:
    """Compare the grades of an inspection that is in the tables."""
    world, inspection, where = draft.world, ours.cells["inspection"], found.line.where
    for topic, grade in sorted(found.grades.items()):
        record = f"judgement/{inspection}.{topic}"
        our = world.rows["judgement"].get(f"{inspection}.{topic}")
        judged = f"{ours.cells['framework']}.{topic}" in world.rows["judgement-area"]
        if not our and not judged:
            if grade:
                label = topic.replace("-", " ").capitalize()
                said = f"{label} were judged {grade.replace('-', ' ')} by themselves."
                draft.differs(
                    f"inspection/{inspection}", topic, "", grade,
                    f"no separate judgement of {label.lower()} under {ours.cells['framework']}", where,
                    finding=said, stance="disputes",
                )  # fmt: skip
            continue
        text = our.cells["grade"] or our.cells["reason"] if our else ""
        if our and grade == our.cells["grade"]:
            draft.agrees(record, "grade", text, grade, where)
        elif not our and grade:
            row = {"inspection": inspection, "topic": topic, "grade": grade}
            draft.new(record, grade, where, [("judgements.csv", row)])
        elif our and grade:
            others = {
                world.cell("judgement", f"{inspection}.{other}", "grade")
                for other in found.grades
                if other != topic
            }
            if not our.cells["grade"]:
                cause = "no grade in the tables"
            elif grade in others:
                cause = "the grade of another judgement of the same inspection: lines shifted"
            else:
                cause = "a grade copied wrongly, or corrected since"
            stance = "disputes" if our.cells["grade"] else "asserts"
            draft.differs(record, "grade", text, grade, cause, where, stance=stance)


def _codes(found: Stated, ours: Row | None, publication: Publication, draft: Draft) -> None:
    """Compare the code and the name that a row prints with those of its body."""
    world, body, where = draft.world, found.body, found.line.where
    for scheme, column in (("ofsted", "urn"), ("dfe", "dfe"), ("gss", "gss")):
        code = found.line.cells.get(column, "")
        if is_blank(code):
            continue
        in_force = world.in_force(body, scheme, found.day)
        label = {"ofsted": "Ofsted URN", "dfe": "DfE code", "gss": "GSS code"}[scheme]
        if code in in_force:
            draft.agrees(f"body/{body}", scheme, code, code, where)
        elif publication.inspected and scheme == "gss":
            key = ours.cells["inspection"] if ours else _slug(found, publication, draft)
            draft.differs(
                f"inspection/{key}", "code", "; ".join(in_force), code,
                world_code(world, body, scheme, code), where,
                finding=f"The GSS code of the council inspected is {code}.",
            )  # fmt: skip
        else:
            cause = world_code(world, body, scheme, code)
            draft.differs(
                f"body/{body}", scheme, "; ".join(in_force), code, cause, where,
                finding=f"Its {label} is {code}.", stance="disputes",
            )  # fmt: skip
    name_of(draft, body, found.line["name"], where)


def world_code(world: World, body: str, scheme: str, code: str) -> str:
    """The likely cause of a code that is not the body's on the day."""
    found = world.codes.get((scheme, code), [])
    if any(other == body for other, _, _ in found):
        return "a code of another year of the same body"
    if not found:
        return "a code that the tables do not hold"
    other = found[0][0]
    gone = world.spans[other].until
    cause = (
        f"an abolished code: that of {world.label(other)}" if gone else f"the code of {world.label(other)}"
    )
    none = "; the tables hold no code of its own, and it may have kept this one"
    return cause if world.bearers.get((body, scheme)) else cause + none


def name_of(draft: Draft, body: str, name: str, where: str) -> None:
    """Compare a name with those that a body bears."""
    called = draft.world.called.get(body, [])
    if not name or name.casefold() in {found.text.casefold() for found in called}:
        draft.agrees(f"body/{body}", "name", name, name, where)
        return
    longer = [found for found in called if f" {name.casefold()} " in f" {found.text.casefold()} "]
    if longer:
        draft.agrees(f"body/{body}", "name", longer[0].text, name, where, "a part of the name")
        return
    same = [found for found in called if plain(found.text) == plain(name)]
    if same and ("&" in name) != ("&" in same[0].text):
        cause = '"&" for "and"' if "&" in name else '"and" for "&"'
    elif same:
        cause = "the same name in another spelling"
    else:
        cause = "a name that the tables do not hold"
    ours = (same or [found for found in called if found.kind in ("short", "legal")] or called)[:1]
    draft.differs(f"body/{body}", "name", ours[0].text if ours else "", name, cause, where, stance="disputes")


def _previous(found: Stated, ours: Row | None, publication: Publication, draft: Draft) -> None:
    """Compare the day of the inspection before it, which may be any of that inspection's days."""
    said, where = read_day(found.line["previous"]), found.line.where
    record = (
        f"inspection/{ours.cells['inspection']}" if ours else f"inspection/{_slug(found, publication, draft)}"
    )
    if said.why == causes.BLANK:
        draft.differs(
            record, "previous", "", said.text, said.why, where,
            finding="The inspection before it was on 1 January 1900.", stance="disputes",
        )  # fmt: skip
    elif said.why:
        draft.unplaced(found.line["name"], "previous", said.text, said.why, where)
    elif said.day:
        day = said.day
        before = [
            row
            for row in draft.world.rows["inspection"].values()
            if row.cells["framework"].startswith(_FAMILIES[publication.family])
            and any(
                causes.holds(our, day)
                for c in ("first_day", "last_day", "published")
                if (our := _day(row, c))
            )
        ]
        same = [row for row in before if row.cells["body"] == found.body]
        codes = [("dfe", found.line["dfe"])]
        body = draft.world.place(day, codes, found.line["name"]).body
        same = same or [row for row in before if row.cells["body"] == body]
        if same:
            draft.agrees(
                f"inspection/{same[0].cells['inspection']}", "first_day", said.text, said.text, where
            )
        elif not body:
            draft.unplaced(found.line["name"], "previous", said.text, "body not existing that day", where)
        else:
            text = f"{day:%Y-%m}"
            key = f"{body}-area-send-{text}"
            note = f"A listing of later inspections gives {day} as the day of the previous one, not which."
            rows = [
                ("inspections.csv", {
                    "inspection": key, "body": body, "framework": _framework(day, publication, draft.world),
                    "kind": "recalled", "first_day": text, "note": note,
                }),
                ("judgements.csv", {"inspection": key, "topic": "area-send-outcome", "reason": "not-stated"}),
            ]  # fmt: skip
            draft.new(f"inspection/{key}", said.text, where, rows, "the inspection before another")


def _framework(day: date, publication: Publication, world: World) -> str:
    """The revision of the family's framework that was in force on a day."""
    prefix = _FAMILIES[publication.family]
    found = [
        (row.cells["from"], key)
        for key, row in world.rows["framework"].items()
        if key.startswith(prefix) and dates.parse(row.cells["from"]).earliest <= day
    ]
    return max(found)[1] if found else ""


def _slug(found: Stated, publication: Publication, draft: Draft) -> str:
    """The key of a new inspection: the body, what it is, the month; the day where the month is taken."""
    what = found.kind if found.kind in _VISITS else publication.family
    key = f"{found.body}-{what}-{found.day:%Y-%m}"
    own = (found.body, what, found.day)
    if key in draft.world.rows["inspection"] or draft.keys.setdefault(key, own) != own:
        key = f"{key}-{found.day:%d}"
    return key


def _add(found: Stated, publication: Publication, draft: Draft) -> None:
    """The rows that an inspection new to the tables would take."""
    world, line = draft.world, found.line
    framework = _framework(found.day, publication, world)
    if not framework:
        draft.unplaced(line["name"], "first_day", found.first.text, "before the framework began", line.where)
        return
    key, published = _slug(found, publication, draft), found.published.day
    first = found.first.day if not published or not found.first.day or found.first.day < published else None
    last = found.last.day if first and found.last.day and found.last.day >= first else None
    notes = []
    if found.first.day and not first:
        notes.append(f"The source gives {found.first.day} as first day, which is not before the publication.")
    lead = slugify(line.cells.get("lead", ""))
    if lead and not is_blank(lead) and lead not in world.rows["person"]:
        notes.append(f"Led by {line['lead'].title()}.")
    theme = line.cells.get("theme", "")
    row = {
        "inspection": key,
        "body": found.body,
        "framework": framework,
        "kind": found.kind or "standard",
        "first_day": first.isoformat() if first else "",
        "last_day": last.isoformat() if last else "",
        "published": published.isoformat() if published else "",
        "lead": lead if lead in world.rows["person"] else "",
        "theme": "" if is_blank(theme) or len(theme) > 200 else theme.rstrip(".").lstrip("-+ "),
        "note": " ".join(
            [*notes, *([] if found.kind else ["Whether it was short or standard is not stated."])]
        ),
    }
    rows = [("inspections.csv", row)]
    judgements = _judgements(found, framework, publication, world)
    rows += [("judgements.csv", {"inspection": key, **judgement}) for judgement in judgements]
    draft.new(f"inspection/{key}", line["name"], line.where, rows)


def _judgements(
    found: Stated, framework: str, publication: Publication, world: World
) -> Iterator[dict[str, str]]:
    if found.kind in _VISITS:
        yield {"topic": "overall", "reason": "ungraded-visit"}
        return
    if publication.family == "ilacs" and f"{framework}.overall" not in world.rows["judgement-area"]:
        yield {"topic": "overall", "reason": "no-overall-since-april-2026"}
    for row in world.rows["judgement-area"].values():
        if row.cells["framework"] == framework:
            topic = row.cells["topic"]
            grade = found.grades.get(topic, "")
            yield {"topic": topic, **({"grade": grade} if grade else {"reason": "not-stated"})}
