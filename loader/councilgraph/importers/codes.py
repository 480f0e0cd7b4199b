"""Publications about codes: the history of GSS codes (ONS), and the department's codes by year."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from councilgraph import dates
from councilgraph.importers import causes
from councilgraph.importers.causes import is_blank, read_day
from councilgraph.importers.comparison import Comparison, Draft
from councilgraph.importers.councils import add_code
from councilgraph.importers.files import Layout, Line, read_text
from councilgraph.importers.inspections import OGL, name_of, world_code
from councilgraph.importers.world import World, listed, plain, span

_ONS = {
    "source": "ons-code-history-database-2023-12",
    "title": "Code History Database (December 2023)",
    "publisher": "Office for National Statistics",
    "kind": "official",
    "published": "2023-12",
    "url": "https://geoportal.statistics.gov.uk/",
    "licence": OGL,
}
LAYOUTS = {
    "code-history": (
        Layout(
            "dates",
            {
                "gss": "gss_code",
                "name": "gss_name",
                "start": "start_date",
                "end": "end_date",
                "status": "status",
            },
        ),
        Layout(
            "changes",
            {
                "to": "changed_to_code",
                "to_name": "changed_to_name",
                "gss": "changed_from_code",
                "name": "changed_from_name",
                "day": "date",
            },
        ),
    ),
    "dfe-codes": (
        Layout(
            "years",
            {"dfe": "old_la_code", "gss": "new_la_code", "name": "la_name", "first": "min", "last": "max"},
        ),
        Layout(
            "lookup",
            {
                "ofsted": "urn",
                "dfe": "la_code",
                "gss": "la_code_new",
                "name": "local_authority_ons_name",
                "listed": "ltla23cd",
            },
        ),
    ),
}
_LABELS = {"ofsted": "Ofsted URN", "dfe": "DfE code", "gss": "GSS code"}


def compare(kind: str, path: Path, world: World) -> Comparison:
    """Compare a publication about codes with the tables."""
    layout, lines = read_text(path, LAYOUTS[kind])
    draft = Draft(kind, path, world, _source(layout.name, lines))
    draft.made.read = len(lines)
    each: Callable[[Line, Draft], bool] = {
        "dates": _dates, "changes": _change, "years": _years, "lookup": _lookup,
    }[layout.name]  # fmt: skip
    for line in lines:
        codes = [code for code in (line["gss"], line.cells.get("to", "")) if code]
        if codes and not any(code.startswith("E") for code in codes):
            draft.made.skipped["outside England"] += 1
        elif each(line, draft):
            draft.made.placed += 1
    return draft.made


def _source(layout: str, lines: list[Line]) -> dict[str, str]:
    if layout in ("dates", "changes"):
        return dict(_ONS)
    if layout == "lookup":
        return {
            "source": "data-to-insight-provider-lookup",
            "title": "Provider lookup: local authorities",
            "publisher": "Data to Insight",
            "kind": "secondary",
            "url": "https://github.com/data-to-insight",
            "licence": OGL,
            "note": "Ofsted URN, DfE code and GSS code of each; codes of different years are mixed.",
        }
    first = min((line["first"] for line in lines), default="")
    last = max((line["last"] for line in lines), default="")
    return {
        "source": f"dfe-la-codes-by-year-{first}-{last}",
        "title": f"Children's social care statistics: local authority codes, {first} to {last}",
        "publisher": "Department for Education",
        "kind": "official",
        "published": last,
        "url": "https://explore-education-statistics.service.gov.uk/",
        "licence": OGL,
    }


def _dates(line: Line, draft: Draft) -> bool:
    """A GSS code, from a day to a last day."""
    world, where, code = draft.world, line.where, line["gss"]
    rows = [
        (key, row)
        for key, row in world.rows["identifier"].items()
        if (row.cells["scheme"], row.cells["code"]) == ("gss", code)
    ]
    if not rows:
        named = {n.body for n in world.names.get(plain(line["name"]), ())}
        draft.unplaced(line["name"], "gss", code, f"unknown code{_called(world, named)}", where)
        return False
    start, end = read_day(line["start"]), read_day(line["end"])
    for column, said in (("start", start), ("end", end)):
        if said.why:
            draft.unplaced(line["name"], column, said.text, said.why, where)
    for key, row in rows:
        record, lasts = f"identifier/{key}", span(row.cells)
        if start.day and lasts.start and lasts.start.exact and lasts.start.earliest == start.day:
            born = causes.GSS_BIRTH if start.day == date(2009, 1, 1) else ""
            draft.agrees(record, "from", lasts.start.text, start.text, where, born)
        elif start.day:
            cause = causes.of_start(lasts.start, start.day)
            cause = "the day of a new name, not of the code" if _renamed(world, code, start.day) else cause
            draft.differs(record, "from", row.cells["from"], start.text, cause, where)
        if end.day and lasts.until and lasts.until.exact and lasts.until.earliest == end.day + dates.DAY:
            draft.agrees(record, "until", row.cells["until"], end.text, where, causes.LAST)
        elif end.day:
            cause = causes.LATE if lasts.until and causes.holds(lasts.until, end.day) else "another last day"
            if _renamed(world, code, end.day + dates.DAY):
                cause = "the last day of a former name, not of the code"
            draft.differs(
                record, "until", row.cells["until"], end.text, cause, where,
                finding=f"Its last day was {end.day}.", stance="disputes",
            )  # fmt: skip
        elif not end.why and lasts.until:
            if lasts.until.earliest > dates.parse(_ONS["published"]).latest:
                draft.agrees(record, "until", row.cells["until"], "", where, "ended after the publication")
                continue
            draft.differs(
                record, "until", row.cells["until"], "", "no end there; the code has ended", where,
                finding="It is in use.", stance="disputes",
            )  # fmt: skip
    return True


def _change(line: Line, draft: Draft) -> bool:
    """A code that another took the place of: the same body recoded, or a successor."""
    world, where, day = draft.world, line.where, read_day(line["day"])
    if not day.day:
        draft.unplaced(line["name"], "day", day.text, day.why or "no day", where)
        return False
    before = [
        b
        for b, _, _ in world.codes.get(("gss", line["gss"]), ())
        if world.acts_at_all(b, day.day - dates.DAY)
    ]
    after = [b for b, _, _ in world.codes.get(("gss", line["to"]), ()) if world.acts_at_all(b, day.day)]
    if not before or not after:
        code, name = (line["gss"], line["name"]) if not before else (line["to"], line["to_name"])
        known = ("gss", code) in world.codes
        cause = "body not existing that day" if known else "unknown code"
        draft.unplaced(name, "gss", code, cause, where)
        return False
    for body in sorted(set(before)):
        ours = world.successors(body)
        text, said = listed(ours), listed(sorted(set(after)))
        if body in after:
            draft.agrees(
                f"body/{body}", "gss", line["to"], line["to"], where, "the same body under another code"
            )
        elif set(after) & set(ours):
            draft.agrees(f"body/{body}", "successors", text, said, where)
        else:
            names = " and ".join(world.label(other) for other in sorted(set(after)))
            draft.differs(
                f"body/{body}", "successors", text, said, "another successor, or another day", where,
                finding=f"It was replaced by {names} on {day.day}.", stance="disputes",
            )  # fmt: skip
    return True


def _years(line: Line, draft: Draft) -> bool:
    """A pair of codes, and the first and last year in whose figures it stands."""
    world, where = draft.world, line.where
    if not (line["first"].isdigit() and line["last"].isdigit()):
        draft.unplaced(
            line["name"], "first", f"{line['first']} {line['last']}", "damaged date: not a year", where
        )
        return False
    first, last = int(line["first"]), int(line["last"])
    if not 1974 <= first <= last <= 2100:
        draft.unplaced(line["name"], "first", f"{first} {last}", "damaged date: not a span of years", where)
        return False
    # Figures of a year are as at its 31 March: a code seen in it was in force that day.
    place = world.place(date(last, 3, 31), [("dfe", line["dfe"]), ("gss", line["gss"])], line["name"])
    if not place.body:
        draft.unplaced(line["name"], "dfe", line["dfe"], place.why, where)
        return False
    for scheme in ("dfe", "gss"):
        code = line[scheme]
        spans = [lasts for known, lasts in world.bearers.get((place.body, scheme), ()) if known == code]
        record = f"body/{place.body}"
        if any(s.covers(date(first, 3, 31)) and s.covers(date(last, 3, 31)) for s in spans):
            draft.agrees(record, scheme, code, f"{code}, {first} to {last}", where)
        elif spans:
            begun = spans[0].start
            back = begun and begun.earliest > date(first, 3, 31)
            cause = f"a code of another year: that of {begun.text if begun else ''} carried back to {first}"
            cause = cause if back else f"a code of another year: in force until {spans[0].until_text}"
            draft.differs(
                record, scheme, code, f"{code}, {first} to {last}", cause, where,
                finding=f"Its {_LABELS[scheme]} was {code} from {first} to {last}.", stance="disputes",
            )  # fmt: skip
        else:
            _code(draft, place.body, scheme, code, where)
    name_of(draft, place.body, line["name"], where)
    return True


def _lookup(line: Line, draft: Draft) -> bool:
    """The codes of an authority, of whichever year."""
    world, where = draft.world, line.where
    codes = [("ofsted", line["ofsted"]), ("dfe", line["dfe"]), ("gss", line["gss"])]
    today = world.place(date.today(), codes, line["name"]).body
    found = [today] if today else [body for code in codes for body, _, _ in world.codes.get(code, ())]
    found = found or sorted({name.body for name in world.names.get(plain(line["name"]), ())})
    if not found:
        draft.unplaced(line["name"], "ofsted", line["ofsted"], "unknown code", where)
        return False
    body = found[0]
    for scheme, column in (("ofsted", "ofsted"), ("dfe", "dfe"), ("gss", "gss"), ("gss", "listed")):
        code = line[column]
        if is_blank(code):
            continue
        if any(code == known for known, _ in world.bearers.get((body, scheme), ())):
            draft.agrees(f"body/{body}", scheme, code, code, where)
        else:
            _code(draft, body, scheme, code, where)
    name_of(draft, body, line["name"], where)
    return True


def _code(draft: Draft, body: str, scheme: str, code: str, where: str) -> None:
    """A code that is not the body's: another's, or new."""
    world = draft.world
    if (scheme, code) not in world.codes:
        add_code(draft, body, scheme, code, where)
        return
    ours = listed(sorted({known for known, _ in world.bearers.get((body, scheme), ())}))
    draft.differs(
        f"body/{body}", scheme, ours, code, world_code(world, body, scheme, code), where,
        finding=f"Its {_LABELS[scheme]} is {code}.", stance="disputes",
    )  # fmt: skip


def _renamed(world: World, code: str, day: date) -> bool:
    """Whether a body of a code's area took a name on a day."""
    bodies = {body for body, _, _ in world.codes.get(("gss", code), ())}
    starts = [name.span.start for body in bodies for name in world.called.get(body, ())]
    return any(start and start.exact and start.earliest == day for start in starts)


def _called(world: World, named: set[str]) -> str:
    return f"; {world.label(named.pop())} is called so" if len(named) == 1 else ""
