"""Publications as files: the rows of a sheet or a text table, each cell as text; damage is refused.

The only reader of spreadsheets is `python_calamine`; what it is given has passed `archive`.
"""

from __future__ import annotations

import csv
import difflib
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import python_calamine

from councilgraph.errors import UsageError
from councilgraph.importers import archive

#: The longest cell, which is what a spreadsheet itself allows.
MAX_CELL = 32_767
#: How far down a sheet its header may stand, below a title and a note.
MAX_TITLE = 20

_PUBLISHED = (
    "Import the file as published; if the publisher changed it, the importer must learn the new form."
)


@dataclass(frozen=True)
class Layout:
    """A table that a publication holds: what we call its columns, and what it calls them.

    `sheet` names the sheet; blank takes the only one. `name` is what the layout is told apart by.
    """

    name: str
    columns: Mapping[str, str]
    sheet: str = ""
    delimiter: str = ","


@dataclass(frozen=True)
class Line:
    """A row as its publication has it: where it stands there, and its cells by our names of the columns."""

    where: str
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]


@dataclass(frozen=True)
class Sheet:
    """A sheet's cells, and the places of those that hold a formula."""

    name: str
    rows: Sequence[Sequence[object]]
    formulas: frozenset[tuple[int, int]]


class Workbook:
    """A spreadsheet, ODS or XLSX, that has passed every check."""

    def __init__(self, path: Path) -> None:
        self.path = path
        content = content_of(path)
        if not content.startswith(b"PK"):
            raise UsageError(str(path), "is not a spreadsheet (ODS or XLSX)", _PUBLISHED)
        clean, self.marks = archive.unpack(content, str(path))
        try:
            self.book = python_calamine.load_workbook(io.BytesIO(clean))
        except Exception as error:  # whatever the library makes of it
            raise UsageError(str(path), f"cannot be read as a spreadsheet ({error})", _PUBLISHED) from error

    def sheet(self, name: str = "") -> Sheet:
        """A sheet by its name; without a name, the only one."""
        names = self.book.sheet_names
        if not name and len(names) != 1:
            raise UsageError(str(self.path), f"has {len(names)} sheets, and should have one", _PUBLISHED)
        name = name or names[0]
        if name not in names:
            why = f'has no sheet "{name}"{_near(name, names)}'
            raise UsageError(str(self.path), why, _PUBLISHED)
        try:
            rows = self.book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        except Exception as error:  # whatever the library makes of it
            why = f'has a sheet "{name}" that cannot be read ({error})'
            raise UsageError(str(self.path), why, _PUBLISHED) from error
        marks = self.marks.get(name, archive.Marks())
        return Sheet(name, rows, frozenset(marks.formulas))

    def lines(self, layout: Layout) -> list[Line]:
        """The rows of a sheet below its header."""
        sheet = self.sheet(layout.sheet)
        where = f'{self.path}, sheet "{sheet.name}"'
        texts = [[_text(cell) for cell in row] for row in sheet.rows[:MAX_TITLE]]
        top = max(range(len(texts)), key=lambda n: (len(_found(texts[n], layout)), -n), default=-1)
        header = texts[top] if top >= 0 else []
        _complete(header, layout, where)
        places = {name: header.index(theirs) for name, theirs in layout.columns.items()}
        lines = []
        for number, row in enumerate(sheet.rows[top + 1 :], top + 1):
            cells = {}
            for name, place in places.items():
                at = f'{where}, row {number + 1}, column "{layout.columns[name]}"'
                if (number, place) in sheet.formulas:
                    raise UsageError(
                        at, "holds a formula", "Save the sheet with values in place of formulas."
                    )
                cells[name] = _safe(_text(row[place]) if place < len(row) else "", at)
            if any(cells.values()):
                lines.append(Line(f"{sheet.name} row {number + 1}", cells))
        return lines


def content_of(path: Path) -> bytes:
    """The bytes of a file that is not too large."""
    try:
        if path.stat().st_size > archive.MAX_BYTES:
            raise UsageError(str(path), f"is larger than {archive.MAX_BYTES // 1_000_000} MB", _PUBLISHED)
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            str(path), f"cannot be read ({error.strerror})", "Look at its path and rights."
        ) from error


def read_text(path: Path, layouts: Sequence[Layout]) -> tuple[Layout, list[Line]]:
    """The rows of a text table, and which of the layouts it has: its header says."""
    content = content_of(path)
    if content.startswith(b"PK"):
        raise UsageError(str(path), "is a spreadsheet or a zip archive, not a text table", _PUBLISHED)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        why = f"is not UTF-8 (byte 0x{content[error.start]:02X})"
        raise UsageError(f"{path}, row {line}", why, "Save it as UTF-8, or download it again.") from error
    for place, character in enumerate(text):
        if character < " " and character not in "\t\n\r":
            line = text.count("\n", 0, place) + 1
            why = f"holds a control character (U+{ord(character):04X})"
            raise UsageError(f"{path}, row {line}", why, "Download it again.")
    layout = _told(text.partition("\n")[0].rstrip("\r"), layouts, str(path))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter, strict=True)
    lines: list[Line] = []
    try:
        header = next(reader)
        before = reader.line_num
        for row in reader:
            number, before = before + 1, reader.line_num
            if row and len(row) != len(header):
                why = f"has {len(row)} cells, the header has {len(header)}"
                raise UsageError(f"{path}, row {number}", why, "Download it again.")
            cells = {
                name: _safe(_plain(row[header.index(theirs)]), f'{path}, row {number}, column "{theirs}"')
                for name, theirs in layout.columns.items()
                if row
            }
            if any(cells.values()):
                lines.append(Line(f"row {number}", cells))
    except csv.Error as error:
        why = f"cannot be read as a table ({error})"
        raise UsageError(f"{path}, row {reader.line_num}", why, "Download it again.") from error
    return layout, lines


def _told(first: str, layouts: Sequence[Layout], where: str) -> Layout:
    headers = {layout.name: next(csv.reader([first], delimiter=layout.delimiter), []) for layout in layouts}
    best = max(layouts, key=lambda layout: len(_found(headers[layout.name], layout)) / len(layout.columns))
    _complete(headers[best.name], best, where)
    return best


def _found(header: Iterable[str], layout: Layout) -> set[str]:
    return set(header) & set(layout.columns.values())


def _complete(header: Sequence[str], layout: Layout, where: str) -> None:
    """Refuse a header that lacks a column, or has one twice."""
    for theirs in layout.columns.values():
        if theirs not in header:
            others = [name for name in header if name and name not in layout.columns.values()]
            raise UsageError(where, f'has no column "{theirs}"{_near(theirs, others)}', _PUBLISHED)
        if list(header).count(theirs) > 1:
            raise UsageError(where, f'has the column "{theirs}" twice', _PUBLISHED)


def _near(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1, 0.6)
    return f'; "{near[0]}" is near it' if near else ""


def _text(cell: object) -> str:
    """A cell of a spreadsheet as text: days as `2019-04-01`, whole numbers without a point."""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return _plain(str(cell))


def _plain(text: str) -> str:
    """A text without invisible characters, its blanks single."""
    shown = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf")
    return " ".join(shown.split())


def _safe(text: str, where: str) -> str:
    """The text of a cell, unless it could do harm."""
    if len(text) > MAX_CELL:
        raise UsageError(where, f"holds {len(text):,} characters", "Download the file again.")
    strange = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn")), None)
    if strange:
        raise UsageError(
            where, f"holds a control character (U+{ord(strange):04X})", "Download the file again."
        )
    if text.startswith(("=", "@", "+")):
        raise UsageError(where, f'"{text[:40]}" could be run as a formula', "Write it as a plain value.")
    return text
