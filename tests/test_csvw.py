"""CSV on the Web: the tables are valid by a validator of others, and what their description says is in the graph."""

from __future__ import annotations

import csv
import json
import logging
import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode, Triple

from councilgraph import csvw, dataset
from councilgraph.concepts import TABLES
from councilgraph.namespaces import XSD

validator = pytest.importorskip("csvw", reason="csvw, of the development extra, is not installed")
FOLDER = csvw.FOLDER


def _said(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / FOLDER / csvw.METADATA).read_text())
    return found


class _Kept(logging.Handler):
    """Keeps what is logged: a cell that is wrong is an error of a row, which the validator tells so."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _faults(folder: Path) -> list[str]:
    """What the validator finds wrong."""
    kept = _Kept()
    logging.getLogger("csvw").addHandler(kept)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            group = validator.CSVW(str(folder / FOLDER / csvw.METADATA), validate=True)
            if not group.is_valid:
                kept.lines += [str(found.message) for found in group.warnings] or ["is not valid"]
    except ValueError as error:
        kept.lines.append(str(error))
    finally:
        logging.getLogger("csvw").removeHandler(kept)
    return kept.lines


def test_the_tables_are_valid(world_dump: Path) -> None:
    assert _faults(world_dump) == []


BROKEN = [
    (
        "judgements.csv",
        "borough-of-poole-sif-2017-09,overall",
        "borough-of-nowhere-sif-2017-09,overall",
    ),  # no such row
    ("judgements.csv", ",overall,requires-improvement,", ",overall,requires improvment,"),
    ("judgements.csv", ",overall,requires-improvement,", ",,requires-improvement,"),  # blank
    ("people.csv", "/alison-botham,alison-botham,", "/alison-botham,andy-dempsey,"),  # twice the same key
    ("instruments.csv", ",2018-05-25,", ",25 May 2018,"),
    ("claims.csv", ",no,", ",perhaps,"),
]


@pytest.mark.parametrize(("table", "old", "new"), BROKEN, ids=[f"{t} {n}" for t, _, n in BROKEN])
def test_the_description_finds_what_is_wrong(
    world_dump: Path, tmp_path: Path, table: str, old: str, new: str
) -> None:
    folder = tmp_path / "d"
    shutil.copytree(world_dump / FOLDER, folder / FOLDER)
    path = folder / FOLDER / table
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert _faults(folder)


def test_the_description_is_what_the_tables_declare(world_dump: Path) -> None:
    described = {table["url"]: table for table in _said(world_dump)["tables"]}
    assert list(described) == list(TABLES)
    for name, kind in TABLES.items():
        schema = described[name]["tableSchema"]
        columns = [c for c in schema["columns"] if not c.get("virtual")]
        assert [c["name"] for c in columns] == ["iri", *(c.name for c in kind.columns())]
        assert [bool(c.get("required")) for c in columns[1:]] == [not c.optional for c in kind.columns()]
        assert schema["primaryKey"] == list(kind.KEY)
        with (world_dump / FOLDER / name).open(newline="") as file:
            assert next(csv.reader(file)) == [c["name"] for c in columns]
        for column in columns:
            # each column either says something true or is silent
            assert ("propertyUrl" in column) != bool(column.get("suppressOutput"))
    holdings = described["holdings.csv"]["tableSchema"]
    assert {(k["columnReference"], k["reference"]["resource"]) for k in holdings["foreignKeys"]} == {
        ("body", "bodies.csv"),
        ("area", "areas.csv"),
    }
    capacity = next(c for c in holdings["columns"] if c["name"] == "capacity")
    assert capacity["datatype"]["format"] == "accountable|delivering|managing|secretary-of-state|shadow"
    assert capacity["dc:description"].endswith(".")


def _rdf(folder: Path) -> set[Triple]:
    """What CSV on the Web (csv2rdf, minimal mode) makes of the tables: as much of it as they use."""
    made = set()
    for table in _said(folder)["tables"]:
        if table.get("suppressOutput"):
            continue
        columns = [c for c in table["tableSchema"]["columns"] if not c.get("suppressOutput")]
        with (folder / FOLDER / table["url"]).open(newline="") as file:
            for row in csv.DictReader(file):

                def expanded(template: str, row: dict[str, str] = row) -> NamedNode:
                    return NamedNode(re.sub(r"\{\+(\w+)\}", lambda m: row[m[1]], template))

                about = expanded(table["tableSchema"]["aboutUrl"])
                for column in columns:
                    text = row.get(column["name"], "")
                    if not text and not column.get("virtual"):
                        continue
                    datatype = column.get("datatype", "string")
                    base = datatype if isinstance(datatype, str) else datatype["base"]
                    if "valueUrl" in column:
                        value: NamedNode | Literal = expanded(column["valueUrl"])
                    elif base == "boolean":
                        value = Literal(text == "yes")
                    elif column.get("lang"):
                        value = Literal(text, language=column["lang"])
                    else:
                        value = Literal(text, datatype=getattr(XSD, base))
                    made.add(Triple(about, NamedNode(column["propertyUrl"]), value))
    return made


def test_what_the_description_says_is_in_the_graph(world_dump: Path, world_graph: dataset.Graph) -> None:
    made = _rdf(world_dump)
    said = set(dataset.triples(world_graph.store))
    assert len(made) > 5000
    assert not made - said, sorted(map(str, made - said))[:5]
