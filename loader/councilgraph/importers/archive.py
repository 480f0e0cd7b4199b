"""Spreadsheets as zip archives: what is refused before any library reads one, and where formulas stand.

Every part is unpacked once, within bounds and against its checksum; its XML goes through expat, which is
told to refuse a document type and with it every entity; and the parts that passed are put into a fresh
archive. The reader of spreadsheets is given that archive alone.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from councilgraph.errors import UsageError

#: Bounds of an archive: bytes on disk and unpacked, unpacked to packed, parts, and cells of a sheet's box.
MAX_BYTES = 100_000_000
MAX_RATIO = 200
MAX_PARTS = 5_000
MAX_CELLS = 2_000_000
_SMALL = 1_000_000  # a part below this may be packed tighter than MAX_RATIO: it does no harm
_SHEET = (1_048_576, 16_384)  # rows and columns that a sheet can have

_BOMB = "Take the file from its publisher again; if it is really that large, import a part of it."
_AGAIN = "Download it again; import the file as published."

Start = Callable[[str, Mapping[str, str]], None]
End = Callable[[str], None]


@dataclass
class Marks:
    """What the XML of a sheet says beside its values: cells that hold a formula, and the box of all cells."""

    formulas: set[tuple[int, int]] = field(default_factory=set)  # row and column, from 0
    rows: int = 0
    columns: int = 0

    def fill(self, row: int, column: int) -> None:
        """Count a cell that holds something."""
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)


def unpack(content: bytes, where: str) -> tuple[bytes, dict[str, Marks]]:
    """A clean copy of a spreadsheet, XLSX or ODS, and the marks of each of its sheets by name."""
    parts = _parts(content, where)
    marks: dict[str, Marks] = {}
    if "content.xml" in parts:
        _ods(parts["content.xml"], where, marks)
    elif "xl/workbook.xml" in parts:
        marks = {name: _xlsx(parts[part], where) for name, part in _sheets(parts, where).items()}
    else:
        raise UsageError(
            where,
            "is a zip archive, but neither an ODS nor an XLSX spreadsheet",
            "Import the file as published.",
        )
    for name, mark in marks.items():
        if mark.rows * mark.columns > MAX_CELLS:
            why = f'has a sheet "{name}" of {mark.rows:,} rows and {mark.columns:,} columns'
            raise UsageError(where, why, _BOMB)
    for name, part in parts.items():
        if name.endswith((".xml", ".rels")):
            read_xml(part, f"{where}, {name}", lambda _, __: None)
    clean = io.BytesIO()
    with zipfile.ZipFile(clean, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return clean.getvalue(), marks


def read_xml(content: bytes, where: str, start: Start, end: End | None = None) -> None:
    """Call `start` and `end` with the local name of each element; refuse damage and any document type."""
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: object) -> None:
        raise UsageError(where, "declares a document type or an entity, as no spreadsheet does", _AGAIN)

    def opened(name: str, attributes: dict[str, str]) -> None:
        start(_local(name), {_local(key): value for key, value in attributes.items()})

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = opened
    if end:
        parser.EndElementHandler = lambda name: end(_local(name))
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UsageError(where, f"is damaged: its XML cannot be read ({error})", _AGAIN) from error


def _parts(content: bytes, where: str) -> dict[str, bytes]:
    """The parts of an archive that matter, unpacked and checked."""
    parts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            _weigh(infos, where)
            for info in infos:
                if info.filename in parts:
                    raise UsageError(where, f'holds the part "{info.filename}" twice', _AGAIN)
                if info.filename.endswith((".xml", ".rels")) or info.filename == "mimetype":
                    with archive.open(info) as part:
                        parts[info.filename] = part.read()
    except (
        zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError,
    ) as error:  # fmt: skip
        why = f"is damaged or is no spreadsheet ({str(error) or type(error).__name__})"
        raise UsageError(where, why, _AGAIN) from error
    return parts


def _weigh(infos: list[zipfile.ZipInfo], where: str) -> None:
    """Refuse what would unpack to too much, by the sizes that the archive itself declares."""
    size = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if len(infos) > MAX_PARTS:
        raise UsageError(where, f"holds {len(infos):,} parts", _BOMB)
    if size > MAX_BYTES:
        why = f"would unpack to {size / 1e6:,.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB allowed"
        raise UsageError(where, why, _BOMB)
    for info in infos:
        if info.flag_bits & 1:
            raise UsageError(where, "is encrypted", "Save it without a password.")
        if info.file_size > _SMALL and info.file_size > MAX_RATIO * max(info.compress_size, 1):
            ratio = info.file_size // max(info.compress_size, 1)
            why = f'holds "{info.filename}", which unpacks to {ratio:,} times its size (at most {MAX_RATIO})'
            raise UsageError(where, why, _BOMB)
    if size > MAX_RATIO * max(packed, 1) and size > _SMALL:
        raise UsageError(where, f"unpacks to {size // max(packed, 1):,} times its size", _BOMB)


def _sheets(parts: Mapping[str, bytes], where: str) -> dict[str, str]:
    """The part of each sheet of an XLSX workbook, by the sheet's name."""
    targets: dict[str, str] = {}
    names: dict[str, str] = {}

    def relation(name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
            targets[attributes.get("Id", "")] = posixpath.normpath(path)

    def sheet(name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet":
            names[attributes.get("name", "")] = attributes.get("id", "")

    read_xml(parts.get("xl/_rels/workbook.xml.rels", b"<none/>"), where, relation)
    read_xml(parts["xl/workbook.xml"], where, sheet)
    found = {name: targets.get(key, "") for name, key in names.items()}
    lost = [name for name, part in found.items() if part not in parts]
    if lost:
        raise UsageError(where, f'is damaged: the sheet "{lost[0]}" is not in it', _AGAIN)
    return found


def _xlsx(content: bytes, where: str) -> Marks:
    marks = Marks()
    at = [-1, -1]  # the row and the column of the cell that is being read

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if name == "row":
            at[0] = _number(attributes.get("r", ""), at[0] + 2, _SHEET[0], where) - 1
            at[1] = -1
        elif name == "c":
            at[1] += 1
            place = attributes.get("r", "")
            if place:
                at[:] = _place(place, where)
        elif name == "f":
            marks.formulas.add((at[0], at[1]))
            marks.fill(*at)
        elif name in ("v", "is"):
            marks.fill(*at)

    read_xml(content, where, start)
    return marks


def _place(text: str, where: str) -> tuple[int, int]:
    """Row and column, from 0, of a cell's name such as `B12`."""
    match = re.fullmatch(r"([A-Z]{1,3})(\d{1,7})", text)
    column = 0
    for letter in match.group(1) if match else "":
        column = column * 26 + ord(letter) - 64
    if not match or column > _SHEET[1] or not 0 < int(match.group(2)) <= _SHEET[0]:
        raise UsageError(where, f'is damaged: "{text[:20]}" is no cell', _AGAIN)
    return int(match.group(2)) - 1, column - 1


def _ods(content: bytes, where: str, marks: dict[str, Marks]) -> None:
    at = [0, 0, 1, 1]  # row, column, how often the row and the cell stand
    current = Marks()

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal current
        if name == "table":
            current = marks.setdefault(attributes.get("name", ""), Marks())
            at[:] = 0, 0, 1, 1
        elif name == "table-row":
            at[1:] = 0, _number(attributes.get("number-rows-repeated", ""), 1, _SHEET[0], where), 1
        elif name in ("table-cell", "covered-table-cell"):
            at[3] = _number(attributes.get("number-columns-repeated", ""), 1, _SHEET[1], where)
            if "formula" in attributes:
                current.formulas.add((at[0], at[1]))
            if "formula" in attributes or "value-type" in attributes:
                current.fill(at[0] + at[2] - 1, at[1] + at[3] - 1)
        elif name == "p":
            current.fill(at[0] + at[2] - 1, at[1] + at[3] - 1)

    def end(name: str) -> None:
        if name == "table-row":
            at[0] += at[2]
        elif name in ("table-cell", "covered-table-cell"):
            at[1] += at[3]

    read_xml(content, where, start, end)


def _number(text: str, default: int, most: int, where: str) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= most and len(text) < 9):
        raise UsageError(where, f'is damaged: a sheet has no place "{text[:20]}"', _AGAIN)
    return int(text)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
