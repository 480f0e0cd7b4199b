"""Publications as published: what is new, agrees, differs and cannot be placed; and what is written of it."""

from __future__ import annotations

import csv
import hashlib
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest

from conftest import ROOT, rooms_with
from councilgraph import bundle, dataset, dates, importers
from councilgraph.bundle import Rooms
from councilgraph.errors import CouncilgraphError, UsageError
from councilgraph.importers import archive, causes, files, inspections
from councilgraph.importers.comparison import Comparison, Item

UPSTREAM = ROOT.parent / "shared" / "upstream"
STATISTICS = "LA_Inspection_Outcomes_as_at_31_March_2025.ods"

Cell = str | int | tuple[str, str]  # a text, a number, or a formula and its value


# Small spreadsheets, written part by part.


def zipped(path: Path, parts: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, part in parts.items():
            out.writestr(name, part)
    return path


def letters(column: int) -> str:
    return (letters(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)


def xlsx_sheet(rows: Sequence[Sequence[Cell]]) -> str:
    def cell(value: Cell, place: str) -> str:
        if isinstance(value, tuple):
            return f'<c r="{place}"><f>{escape(value[0])}</f><v>{value[1]}</v></c>'
        if isinstance(value, int):
            return f'<c r="{place}"><v>{value}</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>' if value else ""

    body = "".join(
        f'<row r="{r}">' + "".join(cell(v, f"{letters(c)}{r}") for c, v in enumerate(row)) + "</row>"
        for r, row in enumerate(rows, 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'


def xlsx_parts(sheets: dict[str, Sequence[Sequence[Cell]]]) -> dict[str, str | bytes]:
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    names = list(sheets)
    return {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(f'<sheet name={quoteattr(n)} sheetId="{i}" r:id="r{i}"/>' for i, n in enumerate(names, 1))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        + "".join(
            f'<Relationship Id="r{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(names) + 1)
        )
        + "</Relationships>",
        **{f"xl/worksheets/sheet{i}.xml": xlsx_sheet(sheets[n]) for i, n in enumerate(names, 1)},
    }


def ods_parts(sheets: dict[str, Sequence[Sequence[Cell]]]) -> dict[str, str | bytes]:
    def cell(value: Cell) -> str:
        formula = ""
        if isinstance(value, tuple):
            formula, value = f" table:formula={quoteattr(value[0])}", value[1]
        if value == "":
            return "<table:table-cell/>"
        if len(str(value)) == 10 and str(value)[4:5] == "-" and str(value)[:4].isdigit():
            return (
                f'<table:table-cell{formula} office:value-type="date" office:date-value="{value}">'
                f"<text:p>{value}</text:p></table:table-cell>"
            )
        return f'<table:table-cell{formula} office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'

    tables = "".join(
        f"<table:table table:name={quoteattr(name)}>"
        + "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
        + '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        + "</table:table>"
        for name, rows in sheets.items()
    )
    oasis = "urn:oasis:names:tc:opendocument:xmlns"
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{oasis}:office:1.0" '
        f'xmlns:table="{oasis}:table:1.0" xmlns:text="{oasis}:text:1.0"><office:body><office:spreadsheet>'
        f"{tables}</office:spreadsheet></office:body></office:document-content>",
        "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{oasis}:manifest:1.0"/>',
    }


# Small publications: rows by our names of the columns.


def table(layout: files.Layout, rows: Sequence[dict[str, Cell]]) -> list[list[Cell]]:
    return [list(layout.columns.values()), *([row.get(name, "") for name in layout.columns] for row in rows)]


def statistics(
    path: Path, history: Sequence[dict[str, Cell]], in_year: Sequence[dict[str, Cell]] = ()
) -> Path:
    one, two = inspections.PUBLICATIONS["ofsted-outcomes"].layouts
    sheets: dict[str, Sequence[Sequence[Cell]]] = {
        "Cover": [["Local authority inspection outcomes as at 31 March 2025"]],
        two.sheet: [["In-year"], ["A note."], *table(two, in_year)],
        one.sheet: [["History"], ["A note."], *table(one, history)],
    }
    return zipped(path, ods_parts(sheets))


def overview(path: Path, kind: str, rows: Sequence[dict[str, Cell]]) -> Path:
    return zipped(path, xlsx_parts({"overview": table(inspections.PUBLICATIONS[kind].layouts[0], rows)}))


def text_table(path: Path, layout: files.Layout, rows: Sequence[dict[str, Cell]]) -> Path:
    out = io.StringIO()
    csv.writer(out, delimiter=layout.delimiter, lineterminator="\n").writerows(table(layout, rows))
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


BCP_2021: dict[str, Cell] = {
    "gss": "E06000058",
    "name": "Bournemouth, Christchurch & Poole",
    "first_day": "2021-12-06",
    "published": "2022-02-11",
    "kind": "ILACS Standard Inspection",
    "overall": "Inadequate",
    "leadership": "Inadequate",
    "help-and-protection": "Inadequate",
    "in-care": "Requires improvement to be good",
}
TORBAY_2022: dict[str, Cell] = {
    "urn": "80572",
    "dfe": "880",
    "gss": "E06000027",
    "name": "torbay",
    "first_day": "21/03/2022",
    "last_day": "01/04/2022",
    "published": "18/05/22",
    "kind": "standard",
    "lead": "andy whippey",
    "overall": "good",
    "leadership": "good",
    "help-and-protection": "good",
    "in-care": "good",
    "care-leavers": "inspection_pre_dates_judgement",
}
TORBAY_SEND: dict[str, Cell] = {
    "urn": "80572",
    "dfe": "880",
    "gss": "E06000027",
    "name": "torbay",
    "first_day": "17/03/25",
    "last_day": "21/03/25",
    "published": "25/06/25",
    "previous": "19/11/2021",
    "area-send-outcome": "2.0",
}
TORBAY_JTAI: dict[str, Cell] = {
    "urn": "80572",
    "dfe": "880",
    "gss": "E06000027",
    "name": "torbay",
    "first_day": "30/01/24",
    "published": "30/01/24",
    "theme": "Serious youth violence in torbay.",
}


def digest(rooms: Rooms) -> dict[str, str]:
    return {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(rooms.data.rglob("*"))
        if p.is_file()
    }


def causes_of(comparison: Comparison) -> list[str]:
    return [item.cause for item in comparison.differs]


# Days and their damage.


@pytest.mark.parametrize(
    ("text", "day", "year", "why"),
    [
        ("2019-04-01", date(2019, 4, 1), 0, ""),
        ("01/04/2019", date(2019, 4, 1), 0, ""),
        ("01/04/19", date(2019, 4, 1), 0, ""),
        ("2019-04-01 00:00:00", date(2019, 4, 1), 0, ""),
        ("", None, 0, ""),
        ("nan", None, 0, ""),
        ("01/01/1900", None, 0, "blank"),
        ("1905-06-19", None, 1997, "stands for the year 1997"),
        ("2005-06-19", None, 1997, "with a century added"),
        ("2005-05-27", None, 1974, "stands for the year 1974"),
        ("2005-06-30", None, 2008, "stands for the year 2008"),
        ("2005-04-01", date(2005, 4, 1), 0, ""),
        ("31/02/2022", None, 0, "is not a day of the calendar"),
        ("6 December", None, 0, "is not a day"),
        ("٢٠١٩-04-01", date(2019, 4, 1), 0, ""),
    ],
)
def test_days_are_read_with_their_damage(text: str, day: date | None, year: int, why: str) -> None:
    said = causes.read_day(text)
    if text[0:1] == "٢":  # digits of another script are no day, or the same day: never a crash
        assert said.why or said.day == day
        return
    assert (said.day, said.year) == (day, year)
    assert why in said.why
    assert bool(why) == bool(said.why)


@pytest.mark.parametrize(
    ("ours", "theirs", "published", "last", "cause"),
    [
        ("2023-11-13", "2024-01-30", "2024-01-30", "", causes.REPEATS),
        ("", "2024-01-30", "2024-01-30", "", causes.REPEATS),
        ("1997-04-01", "2009-01-01", "", "", causes.GSS_BIRTH),
        ("2016-12-05", "2016-12-09", "2017-02-01", "2016-12-09", "the last day on site given as the first"),
        (
            "2015-10-12",
            "2016-10-12",
            "2016-01-05",
            "",
            "the year of the publication for that of the inspection",
        ),
        ("2023-07-11", "2023-07-10", "2023-08-25", "", "a day apart"),
        ("2021-04-01", "2020-04-01", "", "", "the same day of another year (2020 for 2021)"),
        ("2022-04-05", "2022-05-04", "", "", "day and month changed places"),
        ("2016-10-17", "2016-12-02", "2016-12-05", "", "a day between the visit and the publication"),
        ("2016-10-17", "2018-12-02", "", "", "unknown"),
        ("", "2018-12-02", "", "", "not in the tables"),
    ],
)
def test_likely_causes_of_another_first_day(
    ours: str, theirs: str, published: str, last: str, cause: str
) -> None:
    def day(text: str) -> dates.Day | None:
        return dates.parse(text) if text else None

    said = causes.of_start(day(ours), date.fromisoformat(theirs), day(published), day(last))
    assert said.startswith(cause)


def test_a_publication_with_the_year_of_the_inspection_says_so() -> None:
    first, published = dates.parse("2021-12-06"), dates.parse("2022-02-11")
    cause = causes.of_publication(published, date(2021, 2, 11), first)
    assert cause == "the year of the inspection for that of the publication"


# Inspections.


def test_statistics_agree_with_the_tables(tmp_path: Path, world_rooms: Rooms) -> None:
    path = statistics(tmp_path / "s.ods", [BCP_2021])
    made = importers.compare("ofsted-outcomes", path, world_rooms)
    assert (made.read, made.placed, made.new, made.differs, made.unplaced) == (1, 1, [], [], [])
    assert made.source["source"] == "ofsted-la-inspection-outcomes-2025-03-31"
    assert {item.where for item in made.agrees} == {"ILACS_inspection_history row 4"}
    assert len(made.agrees) == 9  # two days, the kind, four grades, the code, the name


@pytest.mark.parametrize(
    ("kind", "base", "change", "column", "cause"),
    [
        (
            "ilacs-overview",
            TORBAY_2022,
            {"published": "19/05/22"},
            "published",
            "a day apart",
        ),
        (
            "ilacs-overview",
            TORBAY_2022,
            {"first_day": "18/05/2022"},
            "first_day",
            causes.REPEATS,
        ),
        (
            "ilacs-overview",
            TORBAY_2022,
            {"first_day": "01/04/2022"},
            "first_day",
            "the last day on site given as the first",
        ),
        (
            "ilacs-overview",
            TORBAY_2022,
            {"in-care": "inadequate"},
            "grade",
            "a grade copied wrongly, or corrected since",
        ),
        (
            "ilacs-overview",
            TORBAY_2022,
            {"care-leavers": "good"},
            "care-leavers",
            "no separate judgement of care leavers under ilacs-2018",
        ),
        ("ilacs-overview", TORBAY_2022, {"kind": "short"}, "kind", "another kind of inspection"),
        (
            "ilacs-overview",
            TORBAY_2022,
            {"lead": "andrew whippey"},
            "lead",
            "the name of the inspector is read otherwise",
        ),
        (
            "ilacs-overview",
            TORBAY_2022,
            {"gss": "E06000026"},
            "gss",
            "the code of Plymouth City Council",
        ),
        (
            "ilacs-overview",
            TORBAY_2022,
            {"dfe": "835"},
            "dfe",
            "an abolished code: that of Dorset County Council",
        ),
        ("ilacs-overview", TORBAY_2022, {"name": "torquay"}, "name", "a name that the tables do not hold"),
        ("send-overview", TORBAY_SEND, {"previous": "01/01/1900"}, "previous", causes.BLANK),
        ("jtai-overview", TORBAY_JTAI, {}, "first_day", causes.REPEATS),
    ],
)
def test_overviews_differ_for_a_likely_cause(
    tmp_path: Path,
    world_rooms: Rooms,
    kind: str,
    base: dict[str, Cell],
    change: dict[str, Cell],
    column: str,
    cause: str,
) -> None:
    made = importers.compare(kind, overview(tmp_path / "o.xlsx", kind, [base | change]), world_rooms)
    assert [(item.column, item.cause) for item in made.differs if item.column == column] == [(column, cause)]
    assert made.placed == 1
    assert not made.new


def test_grades_that_slipped_by_a_line_are_recognised(tmp_path: Path, world_rooms: Rooms) -> None:
    row = BCP_2021 | {"help-and-protection": "Requires improvement to be good", "in-care": "Inadequate"}
    made = importers.compare("ofsted-outcomes", statistics(tmp_path / "s.ods", [row]), world_rooms)
    assert set(causes_of(made)) == {"the grade of another judgement of the same inspection: lines shifted"}
    assert {item.record.partition(".")[2] for item in made.differs} == {"help-and-protection", "in-care"}


def test_an_ampersand_is_recognised(tmp_path: Path, world_rooms: Rooms) -> None:
    row = BCP_2021 | {"name": "Bournemouth, Christchurch & Poole Council"}
    made = importers.compare("ofsted-outcomes", statistics(tmp_path / "s.ods", [row]), world_rooms)
    assert [(i.record, i.cause) for i in made.differs] == [
        ("body/bournemouth-christchurch-and-poole-council", '"&" for "and"')
    ]


def test_the_body_is_the_one_of_that_day_whatever_code_is_printed(tmp_path: Path, world_rooms: Rooms) -> None:
    row = BCP_2021 | {
        "gss": "E06000059",
        "name": "Dorset",
        "first_day": "2018-05-14",
        "published": "2018-07-02",
    }
    made = importers.compare("ofsted-outcomes", statistics(tmp_path / "s.ods", [row]), world_rooms)
    assert [item.record for item in made.new] == ["inspection/dorset-county-council-ilacs-2018-05"]
    assert [(i.record, i.ours, i.theirs, i.cause) for i in made.differs] == [
        (
            "inspection/dorset-county-council-ilacs-2018-05",
            "E10000009",
            "E06000059",
            "the code of Dorset Council",
        )
    ]


@pytest.mark.parametrize(
    ("change", "column", "cause"),
    [
        ({"first_day": "2018-06-04", "published": "2018-07-02"}, "body", "body not existing that day"),
        ({"gss": "E06009999", "name": "Atlantis"}, "body", "unknown code: gss E06009999"),
        ({"first_day": "31 Feb"}, "first_day", "damaged date"),
        ({"kind": "Thematic survey"}, "kind", "unknown kind of inspection"),
        ({"in-care": "Splendid"}, "in-care", '"Splendid" is not a grade'),
        ({"first_day": "1905-06-19"}, "first_day", "spreadsheet damage"),
    ],
)
def test_what_cannot_be_placed_is_said(
    tmp_path: Path, world_rooms: Rooms, change: dict[str, Cell], column: str, cause: str
) -> None:
    made = importers.compare(
        "ofsted-outcomes", statistics(tmp_path / "s.ods", [BCP_2021 | change]), world_rooms
    )
    assert [(i.column, i.cause[: len(cause)]) for i in made.unplaced] == [(column, cause)]
    assert not made.new


NEW_VISITS = [
    {
        "gss": "E06000027",
        "name": "Torbay",
        "first_day": "2024-06-04",
        "published": "2024-07-05",
        "kind": "ILACS Focused Visit",
        "theme": "Care leavers",
    },
    {
        "gss": "E06000027",
        "name": "Torbay",
        "first_day": "2024-06-25",
        "published": "2024-07-26",
        "kind": "ILACS Focused Visit",
        "theme": "Front door",
    },
]


def test_new_inspections_are_written_once(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    full = BCP_2021 | {"first_day": "2024-01-15", "published": "2024-03-04", "care-leavers": "Good"}
    wrong = BCP_2021 | {"leadership": "Good"}
    path = statistics(tmp_path / "s.ods", [full, wrong], NEW_VISITS)
    made = importers.compare("ofsted-outcomes", path, rooms)
    assert [item.record.partition("/")[2] for item in made.new] == [
        "bournemouth-christchurch-and-poole-council-ilacs-2024-01",
        "torbay-council-focused-visit-2024-06",
        "torbay-council-focused-visit-2024-06-25",
    ]
    assert importers.write(made, rooms).rows == {"inspections.csv": 3, "judgements.csv": 7, "claims.csv": 1}
    after = digest(rooms)
    again = importers.compare("ofsted-outcomes", path, rooms)
    assert (again.new, again.unrecorded, len(again.differs)) == ([], [], 1)
    assert again.differs[0].claim.startswith("ofsted-la-inspection-outcomes-2025-03-31-judgement-bournemouth")
    assert not importers.write(again, rooms)
    assert not importers.write(made, rooms)
    assert digest(rooms) == after
    graph = dataset.assemble(rooms)  # the tables' own reader takes what was written
    base = "https://w3id.org/councilgraph/id/"
    assert f"{base}judgement/torbay-council-focused-visit-2024-06.overall" in graph.rows


def test_lines_that_were_there_stay_as_they_are(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    before = {p.name: p.read_text().splitlines() for p in rooms.data.glob("*.csv")}
    importers.write(
        importers.compare("ofsted-outcomes", statistics(tmp_path / "s.ods", [], NEW_VISITS), rooms), rooms
    )
    for name, lines in before.items():
        now = (rooms.data / name).read_text().splitlines()
        added = [line for line in now if line not in lines]
        assert [line for line in now if line not in added] == lines
        assert now[0] == lines[0]
        assert len(added) == {"inspections.csv": 2, "judgements.csv": 2}.get(name, 0)


def test_a_row_takes_its_place_in_a_sorted_table(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    path = rooms.data / "inspections.csv"
    header, *lines = path.read_text().splitlines()
    lines.sort(key=lambda line: next(csv.reader([line]))[2])
    path.write_text("\n".join([header, *lines]) + "\n")
    importers.write(
        importers.compare("ofsted-outcomes", statistics(tmp_path / "s.ods", [], NEW_VISITS), rooms), rooms
    )
    keys = [row["inspection"] for row in csv.DictReader(path.open())]
    assert keys == sorted(keys)
    assert len(keys) == len(lines) + 2


def test_a_new_source_is_registered_once(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    path = overview(tmp_path / "o.xlsx", "jtai-overview", [TORBAY_JTAI])
    made = importers.compare("jtai-overview", path, rooms)
    assert importers.write(made, rooms).rows == {"claims.csv": 1, "sources.csv": 1}
    text = (rooms.data / "sources.csv").read_text()
    assert text.count("\ndata-to-insight-jtai,") == 1
    assert not importers.write(importers.compare("jtai-overview", path, rooms), rooms)
    claim = list(csv.DictReader((rooms.data / "claims.csv").open()))[-1]
    assert claim["subject"] == "inspection/torbay-council-jtai-2023-11"
    assert (claim["property"], claim["value"], claim["stance"]) == ("fromText", "2024-01-30", "disputes")
    assert claim["note"] == "At overview row 2."


def test_new_rows_of_overviews(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    send = TORBAY_SEND | {
        "gss": "E06000059",
        "dfe": "838",
        "urn": "2532283",
        "name": "dorset",
        "previous": "02/02/2020",
    }
    made = importers.compare("send-overview", overview(tmp_path / "s.xlsx", "send-overview", [send]), rooms)
    assert [item.record for item in made.new] == [
        "inspection/dorset-council-area-send-2025-03",
        "inspection/dorset-council-area-send-2020-02",
    ]
    importers.write(made, rooms)
    jtai = TORBAY_JTAI | {"gss": "E06000059", "dfe": "838", "urn": "2532283", "name": "dorset"}
    made = importers.compare("jtai-overview", overview(tmp_path / "j.xlsx", "jtai-overview", [jtai]), rooms)
    importers.write(made, rooms)
    ilacs = TORBAY_2022 | {
        "first_day": "27/04/2026",
        "last_day": "01/05/2026",
        "published": "17/06/26",
        "overall": "nan",
        "care-leavers": "good",
        "kind": "None",
        "lead": "jane doe",
    }
    made = importers.compare(
        "ilacs-overview", overview(tmp_path / "i.xlsx", "ilacs-overview", [ilacs]), rooms
    )
    importers.write(made, rooms)
    rows = {row["inspection"]: row for row in csv.DictReader((rooms.data / "inspections.csv").open())}
    assert rows["dorset-council-jtai-2024-01"]["first_day"] == ""
    assert rows["dorset-council-area-send-2020-02"]["kind"] == "recalled"
    new = rows["torbay-council-ilacs-2026-04"]
    assert (new["framework"], new["lead"]) == ("ilacs-2026", "")
    assert new["note"].startswith("Led by Jane Doe.")
    judged = [
        (row["topic"], row["grade"] or row["reason"])
        for row in csv.DictReader((rooms.data / "judgements.csv").open())
        if row["inspection"] == "torbay-council-ilacs-2026-04"
    ]
    assert ("overall", "no-overall-since-april-2026") in judged
    assert ("care-leavers", "good") in judged
    dataset.assemble(rooms)


# Councils.

NAMES = importers.councils.LAYOUTS["council-names"][0]
REGISTER, PLANNING = importers.councils.LAYOUTS["register"]
DATES, CHANGES = importers.codes.LAYOUTS["code-history"]
YEARS, LOOKUP = importers.codes.LAYOUTS["dfe-codes"]


def council(code: str, kind: str, official: str, gss: str, **more: Cell) -> dict[str, Cell]:
    return {
        "code": code,
        "type": kind,
        "official": official,
        "name": official,
        "gss": gss,
        "nation": "England",
        **more,
    }


COUNCILS = [
    council("DOR", "CTY", "Dorset County Council", "E10000009", start="1974-04-01", end="2019-03-31", replaced="DST"),
    council("DST", "UA", "Dorset Council", "E06000059", start="2019-04-01"),
    council("BPC", "UA", "Bournemouth, Christchurch and Poole Council", "E06000058", start="2009-01-01"),
    council("BOU", "UA", "Bournemouth Borough Council", "E06000028", start="2005-06-19", end="2019-04-01", replaced="BPC"),
    council("TOB", "UA", "Torbay Council", "E06000027", start="2009-01-01"),
    council("PLY", "UA", "Plymouth City Council", "E06000026", start="2005-06-20"),
    council("ABD", "SCO", "Aberdeenshire Council", "S12000034", start="2005-06-18", nation="Scotland"),
    council("ABE", "SCO", "Aberdeen City Council", "S12000033", start="1996-04-01", nation="Scotland"),
    council("WECA", "COMB", "West of England Combined Authority", "E47000009"),
    council("ATL", "UA", "Atlantis Council", "E06009999", start="1905-06-19"),
]  # fmt: skip


def test_council_names(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    path = text_table(tmp_path / "n.csv", NAMES, COUNCILS)
    made = importers.compare("council-names", path, rooms)
    differs = {(item.record, item.column): item for item in made.differs}
    lost = differs["body/dorset-county-council", "successors"]
    assert lost.cause == (
        "only one successor where there are two: Bournemouth, Christchurch and Poole Council is missing"
    )
    damaged = differs["designation/bournemouth-borough-council.unitary.1997-04-01", "from"]
    assert damaged.cause == (
        "spreadsheet damage: 2005-06-19 is the serial number 1997, with a century added; "
        "it stands for the year 1997, as ours does"
    )
    assert damaged.claim == "dis033-bournemouth-start-mysociety"
    late = differs["body/bournemouth-borough-council", "until"]
    assert (late.ours, late.theirs, late.cause) == (
        "2019-04-01 (last day 2019-03-31)",
        "2019-04-01",
        causes.LATE,
    )
    born = differs["designation/torbay-council.unitary.1998-04-01", "from"]
    assert born.cause == causes.GSS_BIRTH
    ends = [i for i in made.agrees if i.column == "until"]
    assert [(i.record, i.theirs, i.cause) for i in ends] == [
        ("body/dorset-county-council", "2019-03-31", causes.LAST)
    ]
    assert made.skipped == {"outside England": 2, "combined authorities": 1}
    unplaced = [(i.record, i.column, i.theirs) for i in made.unplaced]
    assert unplaced == [
        ("Aberdeenshire Council", "start", "2005-06-18"),
        ("Atlantis Council", "body", "ATL"),
        ("Atlantis Council", "start", "1905-06-19"),
    ]
    importers.write(made, rooms)
    again = importers.compare("council-names", path, rooms)
    assert (again.new, again.unrecorded) == ([], [])
    dataset.assemble(rooms)


@pytest.mark.parametrize("layout", [REGISTER, PLANNING], ids=lambda layout: layout.name)
def test_registers_are_told_apart_by_their_header(tmp_path: Path, root: Path, layout: files.Layout) -> None:
    rooms = bundle.rooms(root)
    rows = [
        council("BOU", "UA", "Bournemouth Borough Council", "E06000028", start="1905-06-19", end="2018-03-31"),
        council("DOR", "CTY", "Dorset County Council", "E10000009", start="1889-01-01", end="2019-03-31"),
        council("PLY", "UA", "Plymouth City Council", "E06000026", start="1999-04-01", wikidata="Q1"),
    ]  # fmt: skip
    path = text_table(tmp_path / "r", layout, rows)
    made = importers.compare("register", path, rooms)
    assert made.placed == 3
    found_ = {item.column: item.cause for item in made.differs if "bournemouth" in item.record}
    assert found_["from"].startswith("spreadsheet damage: 1905-06-19 is the serial number 1997; it stands")
    assert found_["until"] == "a year early"
    others = {
        item.record.split("/")[1].split(".")[0]: item.cause for item in made.differs if item.column == "from"
    }
    assert others["dorset-county-council"].startswith("before the council there is now")
    assert others["plymouth-city-council"] == "the same day of another year (1999 for 1998)"
    assert len(made.new) >= 3  # the codes of the register are not in the small world
    importers.write(made, rooms)
    again = importers.compare("register", path, rooms)
    assert (again.new, again.unrecorded) == ([], [])
    dataset.assemble(rooms)


def test_a_council_that_went_on_is_not_two(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    rows = [
        council("TO1", "NMD", "Torbay Borough Council", "E06000027", start="1974-04-01", end="1998-03-31", replaced="TOB"),
        council("TOB", "UA", "Torbay Council", "E06000027", start="1998-04-01"),
    ]  # fmt: skip
    made = importers.compare("council-names", text_table(tmp_path / "n.csv", NAMES, rows), rooms)
    assert {item.column: item.cause for item in made.differs} == {
        "until": "a council that went on (unitary from that day), counted as two",
        "successors": "a council that went on, counted as its own successor",
    }


def test_code_history(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    rows: list[dict[str, Cell]] = [
        {"gss": "E06000028", "name": "Bournemouth", "start": "2009-01-01", "end": "2019-03-31"},
        {"gss": "E06000029", "name": "Poole", "start": "2009-01-01", "end": "2019-04-01"},
        {"gss": "E06000027", "name": "Torbay", "start": "2010-01-01"},
        {"gss": "E07000048", "name": "Christchurch", "start": "2009-01-01"},
        {"gss": "W06000001", "name": "Anglesey", "start": "2009-01-01"},
        {"gss": "E06009999", "name": "Atlantis", "start": "2009-01-01"},
    ]
    path = text_table(tmp_path / "d.csv", DATES, rows)
    made = importers.compare("code-history", path, rooms)
    assert {(i.theirs, i.cause) for i in made.agrees} >= {
        ("2009-01-01", causes.GSS_BIRTH),
        ("2019-03-31", causes.LAST),
    }
    assert [(i.column, i.cause) for i in made.differs] == [
        ("until", causes.LATE),
        ("from", "the same day of another year (2010 for 2009)"),
        ("until", "no end there; the code has ended"),
    ]
    assert made.skipped == {"outside England": 1}
    assert [i.cause for i in made.unplaced] == ["unknown code"]
    importers.write(made, rooms)
    assert importers.compare("code-history", path, rooms).unrecorded == []


def test_code_changes(tmp_path: Path, world_rooms: Rooms) -> None:
    rows: list[dict[str, Cell]] = [
        {"to": "E06000058", "to_name": "BCP", "gss": "E06000028", "name": "Bournemouth", "day": "2019-04-01"},
        {"to": "E06000059", "to_name": "Dorset", "gss": "E06000028", "name": "Bournemouth", "day": "2019-04-01"},
        {"to": "E06009999", "to_name": "Atlantis", "gss": "E06000028", "name": "Bournemouth", "day": "2019-04-01"},
        {"to": "E06000059", "to_name": "Dorset", "gss": "E06000028", "name": "Bournemouth", "day": "2012-04-01"},
    ]  # fmt: skip
    made = importers.compare("code-history", text_table(tmp_path / "c.csv", CHANGES, rows), world_rooms)
    assert [(i.record, i.column) for i in made.agrees] == [("body/bournemouth-borough-council", "successors")]
    assert [i.cause for i in made.differs] == ["another successor, or another day"]
    assert [i.cause for i in made.unplaced] == ["unknown code", "body not existing that day"]


def test_dfe_codes(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    rows: list[dict[str, Cell]] = [
        {"dfe": "835", "gss": "E10000009", "name": "Dorset", "first": "2013", "last": "2019"},
        {"dfe": "838", "gss": "E06000059", "name": "Dorset", "first": "2013", "last": "2025"},
        {"dfe": "999", "gss": "E06009999", "name": "Atlantis", "first": "2013", "last": "2025"},
        {"dfe": "880", "gss": "E06000027", "name": "Torbay", "first": "20l3", "last": "2025"},
    ]
    path = text_table(tmp_path / "y.csv", YEARS, rows)
    made = importers.compare("dfe-codes", path, rooms)
    assert {i.cause for i in made.differs} == {
        "a code of another year: that of 2019-04-01 carried back to 2013"
    }
    assert [i.cause.partition(":")[0] for i in made.unplaced] == ["unknown code", "damaged date"]
    assert made.source["source"] == "dfe-la-codes-by-year-2013-2025"
    importers.write(made, rooms)
    assert importers.compare("dfe-codes", path, rooms).unrecorded == []


def test_the_provider_lookup(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    rows: list[dict[str, Cell]] = [
        {"ofsted": "2532283", "dfe": "838", "gss": "E06000059", "name": "Dorset", "listed": "E10000009"},
        {"ofsted": "137316", "dfe": "836", "name": "Poole", "listed": "E06000029"},
        {"ofsted": "1", "dfe": "999", "gss": "E06009999", "name": "Atlantis"},
    ]
    path = text_table(tmp_path / "l.csv", LOOKUP, rows)
    made = importers.compare("dfe-codes", path, rooms)
    assert [(i.record, i.theirs, i.cause) for i in made.differs] == [
        ("body/dorset-council", "E10000009", "an abolished code: that of Dorset County Council")
    ]
    assert [i.record for i in made.new] == ["identifier/ofsted.137316"]
    assert [i.record for i in made.unplaced] == ["Atlantis"]
    importers.write(made, rooms)
    again = importers.compare("dfe-codes", path, rooms)
    assert (again.new, again.unrecorded) == ([], [])
    dataset.assemble(rooms)


def test_a_summary_is_plain_rows(tmp_path: Path, world_rooms: Rooms) -> None:
    made = importers.compare("council-names", text_table(tmp_path / "n.csv", NAMES, COUNCILS), world_rooms)
    rows = importers.summary(made)
    assert {len(row) for row in rows} == {len(importers.COLUMNS)}
    assert all(isinstance(cell, str) for row in rows for cell in row)
    assert [row[0] for row in rows] == sorted(
        (row[0] for row in rows), key=["new", "differs", "unplaced", "agrees", "skipped"].index
    )
    damaged = next(row for row in rows if row[5] == "2005-06-19")
    assert damaged[1] == "designations"
    assert damaged[6].endswith("(recorded by claim dis033-bournemouth-start-mysociety)")
    assert damaged[7] == "row 5"
    assert made.counts()["skipped"] == 3


# Files that are refused: one clear line, nothing written.


def broken(change: Callable[[dict[str, str | bytes]], None], kind: str = "xlsx") -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        if kind == "xlsx":
            columns = inspections.PUBLICATIONS["ilacs-overview"].layouts[0]
            parts = xlsx_parts({"overview": table(columns, [TORBAY_2022])})
        else:
            statistics(path, [BCP_2021])
            with zipfile.ZipFile(path) as old:
                parts = {name: old.read(name).decode() for name in old.namelist()}
        change(parts)
        return zipped(path, parts)

    return make


def replaced(part: str, old: str, new: str) -> Callable[[dict[str, str | bytes]], None]:
    def change(parts: dict[str, str | bytes]) -> None:
        text = parts[part]
        assert isinstance(text, str)
        assert old in text
        parts[part] = text.replace(old, new)

    return change


SHEET = "xl/worksheets/sheet1.xml"
ENTITY = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


def written(content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


def bomb(path: Path) -> Path:
    return zipped(path, {"xl/workbook.xml": "<x/>", "xl/worksheets/sheet1.xml": b" " * 60_000_000})


def huge(path: Path) -> Path:
    zipped(path, {"xl/workbook.xml": "<x/>", "a.xml": b"x" * 100})
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02")  # the last entry of the directory: its declared size
    content[place + 24 : place + 28] = (200_000_000).to_bytes(4, "little")
    path.write_bytes(content)
    return path


def truncated(path: Path) -> Path:
    statistics(path, [BCP_2021])
    path.write_bytes(path.read_bytes()[:-200])
    return path


def flipped(path: Path) -> Path:
    zipped(path, xlsx_parts({"overview": [["x" * 50]]}))
    content = bytearray(path.read_bytes())
    content[content.index(b"xl/worksheets/sheet1.xml") + 60] ^= 0xFF
    path.write_bytes(content)
    return path


def twice(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("xl/workbook.xml", "<x/>")
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr("xl/workbook.xml", "<y/>")
    return path


def formula_in(column: str, kind: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        if kind == "ods":
            return statistics(path, [BCP_2021 | {column: ("of:=1+1", "2021-12-06")}])
        return overview(path, "ilacs-overview", [TORBAY_2022 | {column: ("1+1", "2")}])

    return make


def with_cells(**cells: Cell) -> Callable[[Path], Path]:
    return lambda path: overview(path, "ilacs-overview", [TORBAY_2022 | cells])


def with_span(path: Path) -> Path:
    """A cell styled as a span of time, longer than any that Python knows."""
    parts = xlsx_parts({"overview": [["a"], [99999999999]]})
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts["xl/styles.xml"] = (
        f'<styleSheet xmlns="{main}"><cellXfs count="1"><xf numFmtId="46"/></cellXfs></styleSheet>'
    )
    link = f'<Relationship Id="s" Type="{office}/styles" Target="styles.xml"/></Relationships>'
    replaced("xl/_rels/workbook.xml.rels", "</Relationships>", link)(parts)
    replaced(SHEET, '<c r="A2">', '<c r="A2" s="0">')(parts)
    return zipped(path, parts)


REFUSED: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "not a zip": ("ilacs-overview", written(b"urn,la_code\n1,2\n"), "is not a spreadsheet"),
    "empty": ("ilacs-overview", written(b""), "is not a spreadsheet"),
    "a zip of something": ("ilacs-overview", lambda p: zipped(p, {"a.xml": "<a/>"}), "neither an ODS nor an XLSX"),
    "cut off": ("ofsted-outcomes", truncated, "is damaged"),
    "a byte changed": ("ilacs-overview", flipped, "is damaged"),
    "not XML": ("ilacs-overview", broken(replaced(SHEET, "</sheetData>", "")), "XML cannot be read"),
    "not XML in ODS": ("ofsted-outcomes", broken(replaced("content.xml", "</table:table>", ""), "ods"), "XML cannot be read"),
    "an entity": ("ilacs-overview", broken(replaced(SHEET, "<worksheet", f"{ENTITY}<worksheet")), "document type"),
    "an entity elsewhere": ("ilacs-overview", broken(lambda p: p.update({"docProps/app.xml": f"{ENTITY}<x>&b;</x>"})), "document type"),
    "an entity in ODS": ("ofsted-outcomes", broken(replaced("content.xml", "<office:document-content", f"{ENTITY}<office:document-content"), "ods"), "document type"),
    "a part twice": ("ilacs-overview", twice, "twice"),
    "a zip bomb": ("ilacs-overview", bomb, "times its size"),
    "too large": ("ilacs-overview", huge, "more than the 100 MB allowed"),
    "a sheet to the last cell": ("ilacs-overview", broken(replaced(SHEET, "</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')), "a sheet"),
    "no such cell": ("ilacs-overview", broken(replaced(SHEET, 'r="A1"', 'r="ZZZZ1"')), "is no cell"),
    "a row a million times": ("ofsted-outcomes", broken(replaced("content.xml", '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/>', '<table:table-row table:number-rows-repeated="1048000"><table:table-cell office:value-type="string" table:number-columns-repeated="9000"><text:p>x</text:p></table:table-cell>'), "ods"), "a sheet"),
    "a row repeated absurdly": ("ofsted-outcomes", broken(replaced("content.xml", "1048000", "99999999999"), "ods"), "has no place"),
    "a sheet lost": ("ilacs-overview", broken(lambda p: p.pop(SHEET)), "is not in it"),
    "no sheet of that name": ("ofsted-outcomes", broken(replaced("content.xml", "ILACS_inspection_history", "ILACS_history"), "ods"), 'has no sheet "ILACS_inspection_history"; "ILACS_history" is near it'),
    "no cover": ("ofsted-outcomes", broken(replaced("content.xml", '"Cover"', '"Front"'), "ods"), 'has no sheet "Cover"'),
    "another cover": ("ofsted-outcomes", broken(replaced("content.xml", "outcomes as at", "outcomes on"), "ods"), "does not say"),
    "a column renamed": ("ofsted-outcomes", broken(replaced("content.xml", "Publication date", "Published date"), "ods"), 'has no column "Publication date"; "Published date" is near it'),
    "a column renamed in XLSX": ("ilacs-overview", broken(replaced(SHEET, "in_care_grade", "care_grade")), 'has no column "in_care_grade"'),
    "a column twice": ("ilacs-overview", broken(replaced(SHEET, "local_authority", "urn")), "column"),
    "an empty sheet": ("ilacs-overview", lambda p: zipped(p, xlsx_parts({"overview": []})), "has no column"),
    "two sheets": ("ilacs-overview", lambda p: zipped(p, xlsx_parts({"a": [], "b": []})), "has 2 sheets"),
    "another kind": ("ilacs-overview", lambda p: overview(p, "jtai-overview", [TORBAY_JTAI]), "has no column"),
    "a formula": ("ilacs-overview", formula_in("overall", "xlsx"), "holds a formula"),
    "a formula in ODS": ("ofsted-outcomes", formula_in("first_day", "ods"), 'column "Inspection date": holds a formula'),
    "a text like a formula": ("ilacs-overview", with_cells(name='=HYPERLINK("x")'), "could be run as a formula"),
    "a huge cell": ("ilacs-overview", with_cells(name="x" * 40_000), "holds 40,000 characters"),
    "a private character": ("ilacs-overview", with_cells(name="a\ue000b"), "U+E000"),
    "a span beyond all bounds": ("ilacs-overview", with_span, "cannot be read"),
    "a NUL in XML": ("ilacs-overview", broken(replaced(SHEET, "torbay", "tor\x00bay")), "XML cannot be read"),
    "text: a spreadsheet": ("council-names", lambda p: overview(p, "jtai-overview", []), "not a text table"),
    "text: not UTF-8": ("council-names", lambda p: written(text_table(p, NAMES, COUNCILS).read_bytes() + b"\xff\xfe\n")(p), "row 12: is not UTF-8 (byte 0xFF)"),
    "text: NUL": ("council-names", lambda p: written(text_table(p, NAMES, COUNCILS).read_bytes() + b"a\x00b\n")(p), "row 12: holds a control character (U+0000)"),
    "text: a column renamed": ("council-names", lambda p: written(text_table(p, NAMES, COUNCILS).read_bytes().replace(b"start-date", b"start_date"))(p), 'has no column "start-date"; "start_date" is near it'),
    "text: a column twice": ("council-names", lambda p: written(text_table(p, NAMES, COUNCILS).read_bytes().replace(b"nation", b"nice-name", 1))(p), "column"),
    "text: a short row": ("council-names", lambda p: written(text_table(p, NAMES, COUNCILS).read_bytes() + b"a,b\n")(p), "row 12: has 2 cells, the header has 10"),
    "text: a quotation mark": ("council-names", lambda p: written(text_table(p, NAMES, COUNCILS).read_bytes() + b'"a,b\n')(p), "cannot be read as a table"),
    "text: a huge cell": ("council-names", lambda p: text_table(p, NAMES, [COUNCILS[0] | {"official": "x" * 40_000}]), "40,000 characters"),
    "text: beyond all bounds": ("council-names", lambda p: text_table(p, NAMES, [COUNCILS[0] | {"official": "x" * 140_000}]), "cannot be read as a table"),
    "text: a formula": ("council-names", lambda p: text_table(p, NAMES, [COUNCILS[0] | {"official": "=1+1"}]), "could be run as a formula"),
    "text: empty": ("dfe-codes", written(b""), "has no column"),
    "text: another kind": ("code-history", lambda p: text_table(p, YEARS, []), "has no column"),
    "no such file": ("council-names", lambda p: p, "cannot be read (No such file or directory)"),
    "a folder": ("ilacs-overview", lambda p: p.mkdir() or p, "cannot be read (Is a directory)"),
    "no such kind": ("council-name", lambda p: p, 'did you mean "council-names"?'),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_trusted_is_refused(tmp_path: Path, world_rooms: Rooms, case: str) -> None:
    kind, make, why = REFUSED[case]
    path = make(tmp_path / "file")
    before = digest(world_rooms)
    with pytest.raises(CouncilgraphError) as error:
        importers.compare(kind, path, world_rooms)
    assert isinstance(error.value, UsageError)
    text = str(error.value)
    assert why in text
    assert "\n" not in text
    assert text.endswith((".", "?"))
    assert len(text) < 600
    assert digest(world_rooms) == before


def test_formulas_where_nothing_is_read_do_no_harm(tmp_path: Path, world_rooms: Rooms) -> None:
    """Ofsted's links are formulas."""
    layout = inspections.PUBLICATIONS["ilacs-overview"].layouts[0]
    rows: list[list[Cell]] = table(layout, [TORBAY_2022])
    rows = [["link", *rows[0]], [('HYPERLINK("https://example.org")', "1"), *rows[1]]]
    made = importers.compare(
        "ilacs-overview", zipped(tmp_path / "o.xlsx", xlsx_parts({"overview": rows})), world_rooms
    )
    assert (made.placed, made.differs) == (1, [])


def test_nothing_is_written_when_a_table_cannot_be_replaced(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = bundle.rooms(root)
    made = importers.compare("ofsted-outcomes", statistics(tmp_path / "s.ods", [], NEW_VISITS), rooms)
    before = digest(rooms)
    real = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if Path(target).name == "judgements.csv":
            raise OSError(28, "No space left on device", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(CouncilgraphError, match="No space left on device"):
        importers.write(made, rooms)
    assert digest(rooms) == before  # and no file is left beside them


def test_nothing_is_written_that_a_table_would_not_take(tmp_path: Path, root: Path) -> None:
    rooms = bundle.rooms(root)
    rows = [NEW_VISITS[0], NEW_VISITS[1] | {"published": "2024-06-25"}]
    made = importers.compare("ofsted-outcomes", statistics(tmp_path / "s.ods", [], rows), rooms)
    file, cells = made.new[0].rows[0]
    made.new[0] = Item(
        "new",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        rows=((file, (*cells, ("kind", "thematic"))), *made.new[0].rows[1:]),
    )
    before = digest(rooms)
    with pytest.raises(
        CouncilgraphError, match=r'"thematic" is not a inspection-kind.*Nothing was written\.'
    ):
        importers.write(made, rooms)
    assert digest(rooms) == before


@pytest.mark.parametrize(
    ("table_", "old", "new"),
    [
        ("bodies.csv", "body,name", "council,name"),
        ("designations.csv", "1974-04-01", "1974-13-01"),
        ("inspections.csv", "2021-12-06,", "2021-12-66,"),
        ("holdings.csv", ",1998-04-01,", ",yesterday,"),
    ],
)
def test_tables_whose_findings_stand_in_the_way_are_not_compared(
    tmp_path: Path, root: Path, table_: str, old: str, new: str
) -> None:
    path = root / "data" / table_
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CouncilgraphError):
        importers.compare("ofsted-outcomes", statistics(tmp_path / "s.ods", [BCP_2021]), bundle.rooms(root))


def test_invisible_characters_are_dropped(tmp_path: Path, world_rooms: Rooms) -> None:
    row = TORBAY_2022 | {"name": "tor\u200bbay\u00a0", "lead": "andy\u00a0whippey"}
    made = importers.compare(
        "ilacs-overview", overview(tmp_path / "o.xlsx", "ilacs-overview", [row]), world_rooms
    )
    assert made.differs == []


@pytest.mark.parametrize("seed", range(60))
def test_damage_anywhere_is_an_error_in_one_line_or_does_no_harm(
    tmp_path: Path, world_rooms: Rooms, seed: int
) -> None:
    chance = random.Random(seed)
    kind = chance.choice(["ofsted-outcomes", "ilacs-overview"])
    path = tmp_path / "file"
    parts = (
        xlsx_parts({"overview": table(inspections.PUBLICATIONS[kind].layouts[0], [TORBAY_2022])})
        if kind == "ilacs-overview"
        else {}
    )
    if not parts:
        statistics(path, [BCP_2021])
        with zipfile.ZipFile(path) as old:
            parts = {name: old.read(name) for name in old.namelist()}
    name = chance.choice([name for name in parts if name.endswith((".xml", ".rels"))])
    part = parts[name]
    content = bytearray(part.encode() if isinstance(part, str) else part)
    for _ in range(chance.randint(1, 4)):  # a well-formed archive of damaged parts
        place = chance.randrange(len(content))
        content[place : place + chance.randint(0, 3)] = bytes(
            chance.choices(b'<>/"0 9A\xff&', k=chance.randint(0, 3))
        )
    zipped(path, parts | {name: bytes(content)})
    try:
        importers.compare(kind, path, world_rooms)
    except CouncilgraphError as error:
        assert "\n" not in str(error)  # noqa: PT017 — either outcome is right


def test_cells_have_names() -> None:
    marks = archive._xlsx(xlsx_sheet([["a"], ["", ("1+1", "2")]]).encode(), "x")
    assert (marks.rows, marks.columns, marks.formulas) == (2, 2, {(1, 1)})


# The real publications, with the national tables.


@pytest.fixture(scope="module")
def national() -> Rooms:
    if not UPSTREAM.is_dir():
        pytest.skip(f"{UPSTREAM} is absent: the publications are not part of the project")
    rooms = bundle.rooms(ROOT)
    with (rooms.data / "bodies.csv").open(encoding="utf-8") as file:
        if sum(1 for _ in file) < 300:
            pytest.skip("data/ does not hold the councils of England yet")
    return rooms


def test_the_statistics_hold_nothing_new(national: Rooms) -> None:
    made = importers.compare("ofsted-outcomes", UPSTREAM / STATISTICS, national)
    history = [item for item in made.agrees if item.where.startswith("ILACS_inspection_history")]
    assert len({item.where for item in history}) == 271
    assert (made.read, made.placed, made.new, made.unplaced) == (383, 383, [], [])
    assert made.differs
    assert made.unrecorded == []
    codes = {item.record: item.theirs for item in made.differs}
    assert codes["inspection/north-yorkshire-council-ilacs-2018-07"] == "E06000065"


def test_the_overview_of_inspections_differs_where_it_errs(national: Rooms) -> None:
    made = importers.compare("ilacs-overview", UPSTREAM / "ilacs.xlsx", national)
    assert (made.read, made.placed, made.new, made.unplaced) == (153, 153, [], [])
    graded = {item.record for item in made.differs if item.column in ("grade", "care-leavers")}
    assert graded == {
        "inspection/nottingham-city-council-ilacs-2022-07",
        "judgement/st-helens-council-ilacs-2023-07.care-leavers",
        "judgement/st-helens-council-ilacs-2023-07.help-and-protection",
        "judgement/st-helens-council-ilacs-2023-07.in-care",
    }


@pytest.mark.parametrize(
    ("kind", "file", "rows"), [("send-overview", "send.xlsx", 72), ("jtai-overview", "jtai.xlsx", 49)]
)
def test_the_other_overviews_are_placed(national: Rooms, kind: str, file: str, rows: int) -> None:
    made = importers.compare(kind, UPSTREAM / file, national)
    assert (made.read, made.placed, made.new, made.unplaced) == (rows, rows, [], [])
    expected = {"send-overview": (causes.BLANK, 26), "jtai-overview": (causes.REPEATS, 46)}
    cause, count = expected[kind]
    assert causes_of(made).count(cause) == count


@pytest.mark.parametrize("file", ["mysoc_current.csv", "mysoc_future.csv"])
def test_council_names_are_damaged_and_late(national: Rooms, file: str) -> None:
    made = importers.compare("council-names", UPSTREAM / file, national)
    items = [*made.differs, *made.unplaced]
    assert sum("spreadsheet damage" in item.cause for item in items) == 77
    assert sum(causes.LATE in item.cause for item in items) == 28
    assert sum(item.cause == causes.LAST for item in made.agrees) == 20
    lost = next(
        i for i in made.differs if i.record == "body/dorset-county-council" and i.column == "successors"
    )
    assert lost.cause.startswith("only one successor where there are two")
    assert made.skipped["outside England"] == 90
    assert {item.column for item in made.unplaced} == {"start"}


@pytest.mark.parametrize(
    ("kind", "file", "rows", "skipped"),
    [
        ("register", "or_la_eng.tsv", 354, 1),
        ("register", "dl_la.csv", 380, 15),
        ("code-history", "gsscoder_dates.csv", 409, 26),
        ("code-history", "gsscoder_changes.csv", 90, 3),
        ("dfe-codes", "dfe_la_codes_by_year.csv", 161, 0),
        ("dfe-codes", "provider_lookup.csv", 156, 0),
    ],
)
def test_registers_and_codes_are_placed(
    national: Rooms, kind: str, file: str, rows: int, skipped: int
) -> None:
    made = importers.compare(kind, UPSTREAM / file, national)
    assert (made.read, made.placed) == (rows, rows - skipped)
    assert {item.column for item in made.unplaced} <= {"start"}


def test_importing_the_publications_again_adds_nothing(national: Rooms, tmp_path: Path) -> None:
    rooms = bundle.rooms(rooms_with(national.data, tmp_path / "root"))
    for kind, file in (
        ("ilacs-overview", "ilacs.xlsx"),
        ("council-names", "mysoc_current.csv"),
        ("register", "dl_la.csv"),
        ("dfe-codes", "provider_lookup.csv"),
    ):
        importers.write(importers.compare(kind, UPSTREAM / file, rooms), rooms)
        after = digest(rooms)
        again = importers.compare(kind, UPSTREAM / file, rooms)
        assert (again.new, again.unrecorded) == ([], [])
        assert not importers.write(again, rooms)
        assert digest(rooms) == after
    known = dataset.vocabulary(rooms)[1]
    dataset.read(rooms, known)
