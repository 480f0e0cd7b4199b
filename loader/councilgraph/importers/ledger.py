"""What a comparison found, written into the tables: rows for what is new, claims for what differs.

Tables are changed by adding lines; a line that is there stays as it is. All tables are made and checked
before the first is replaced, and each is written beside the old one and put in its place at once.
"""

from __future__ import annotations

import bisect
import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from councilgraph.bundle import Rooms
from councilgraph.concepts import TABLES
from councilgraph.errors import CouncilgraphError
from councilgraph.importers.comparison import Comparison, claim_of, fold
from councilgraph.importers.world import World, sound
from councilgraph.tables import Record, Row, key_of, parse_row, read_rows

_NOTHING = "Nothing was written."


@dataclass
class Written:
    """How many rows were added to each table, by its file."""

    rows: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.rows.values())


def write(comparison: Comparison, rooms: Rooms) -> Written:
    """Add to the tables what is new and a claim for each difference; what is there already is left alone."""
    with sound(rooms):
        world = World(rooms)
    added = _added(comparison, world)
    if not added:
        return Written()
    _check(added, world)
    texts = {file: _inserted(rooms.data / file, TABLES[file], rows) for file, rows in added.items()}
    _replace({rooms.data / file: text for file, text in texts.items()})
    return Written({file: len(rows) for file, rows in added.items()})


def _added(comparison: Comparison, world: World) -> dict[str, list[Row]]:
    """The rows to add, by file, in the order in which they were found."""
    source = comparison.source["source"]
    added: dict[str, list[Row]] = {}

    def add(file: str, cells: Mapping[str, str]) -> None:
        table = TABLES[file]
        names = [column.name for column in table.columns()]
        row = Row(table, 0, {name: cells.get(name, "") for name in names})
        known = world.rows[table.KIND]
        if known.setdefault(key_of(row), row) is row:
            added.setdefault(file, []).append(row)

    for item in comparison.new:
        for file, pairs in item.rows:
            add(file, {"source": source, **dict(pairs)})
    said = {(c["subject"], c["property"], fold(c["value"])) for _, c in world.claims()}
    for item in comparison.differs:
        claim = claim_of(item, source)
        if item.claim or (claim["subject"], claim["property"], fold(claim["value"])) in said:
            continue
        number, key = 1, claim["claim"]
        while claim["claim"] in world.rows["claim"]:
            number += 1
            claim["claim"] = f"{key}-{number}"
        add("claims.csv", claim)
    if added:
        add("sources.csv", comparison.source)
    return added


def _check(added: Mapping[str, list[Row]], world: World) -> None:
    """Refuse to write a row that the tables' own reader would refuse."""
    findings = []
    for rows in added.values():
        for row in rows:
            findings += parse_row(row, world.known)[1]
    if findings:
        why = f"would write what no table takes ({sorted(findings)[0]})"
        raise CouncilgraphError("import", why, _NOTHING)


def _inserted(path: Path, table: type[Record], rows: list[Row]) -> str:
    """The text of a table with rows added: in place where it is sorted by key, else at the end."""
    text = path.read_bytes().decode("utf-8")
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    header = next(csv.reader(lines[:1]))
    keys = [key_of(Row(table, 0, dict(zip(header, cells, strict=True)))) for cells in csv.reader(lines[1:])]
    if len(keys) != len(lines) - 1:
        raise CouncilgraphError(
            f"data/{table.FILE}",
            "has blank lines or cells with line breaks",
            "Remove them; then import again.",
        )
    ordered = len(keys) > 1 and keys == sorted(keys)
    for row in rows:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerow([row.cells[name] for name in header])
        place = bisect.bisect(keys, key_of(row)) if ordered else len(keys)
        keys.insert(place, key_of(row))
        lines.insert(place + 1, out.getvalue())
    return "".join(lines)


def _replace(texts: Mapping[Path, str]) -> None:
    """Put new texts in the place of files: all of them, or none."""
    made: dict[Path, Path] = {}
    old: dict[Path, bytes] = {}
    try:
        for path, text in texts.items():
            fresh = path.with_name(f".{path.name}-{os.getpid()}")
            made[path] = fresh
            with fresh.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            wrong = read_rows(fresh, TABLES[path.name])[1]
            if wrong:
                raise CouncilgraphError("import", f"would write what no table takes ({wrong[0]})", _NOTHING)
        for path, fresh in made.items():
            before = path.read_bytes()
            fresh.replace(path)
            old[path] = before
    except OSError as error:
        for path, content in old.items():
            path.write_bytes(content)
        raise CouncilgraphError(
            str(error.filename or "data"),
            f"cannot be written ({error.strerror}), and nothing was",
            "Look at its rights and the space left.",
        ) from error
    finally:
        for fresh in made.values():
            fresh.unlink(missing_ok=True)
