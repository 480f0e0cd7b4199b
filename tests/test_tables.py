"""A cell that is wrong is named: file, line, column, value, and what to do; and the old store still answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Result

Run = Callable[..., Result]


def edit(root: Path, table: str, column: str, value: str, **where: str) -> tuple[int, str]:
    """Put a value into the first row that matches; its line, and what was there before."""
    path = root / "data" / table
    rows = list(csv.reader(io.StringIO(path.read_text())))
    place = rows[0].index(column)
    for number, row in enumerate(rows[1:], 2):
        if all(row[rows[0].index(name)] == wanted for name, wanted in where.items()):
            before, row[place] = row[place], value
            out = io.StringIO()
            csv.writer(out, lineterminator="\n").writerows(rows)
            path.write_text(out.getvalue())
            return number, before
    raise AssertionError(f"no such row in {table}: {where}")


BROKEN = [
    ("inspections.csv", "first_day", "2021-02-30", "is not a day of the calendar"),
    ("inspections.csv", "first_day", "6 December 2021", "is not a date"),
    ("inspections.csv", "published", "2021-12-01", "is not after the last day on site"),
    ("judgements.csv", "grade", "requires improvment", 'did you mean "requires-improvement"?'),
    ("judgements.csv", "grade", "", "blank, and so is the reason"),
    ("judgements.csv", "topic", "leaders", "is not a topic"),
    ("holdings.csv", "until", "1973-01-01", "is not after its start"),
    ("holdings.csv", "until", "", "is blank"),
    ("holdings.csv", "until", "9999-12-31", "is after 2100"),
    ("holdings.csv", "from", "1900-01-01", "which a spreadsheet writes for a blank"),
    ("holdings.csv", "body", "dorset-county-counsil", 'did you mean "dorset-county-council"?'),
    ("holdings.csv", "capacity", "responsible", "is not a capacity"),
    ("holdings.csv", "source", "hearsay", "is not a registered source"),
    ("holdings.csv", "note", "=1+1", "formula"),
    ("holdings.csv", "note", "bell\x07", "control character (U+0007)"),
    ("holdings.csv", "note", "reversed\u202e", "control character (U+202E)"),
    ("holdings.csv", "note", "padded ", "blanks before or after"),
    ("bodies.csv", "kind", "authrity", 'did you mean "authority"?'),
    ("bodies.csv", "body", "Dorset Council", 'Write it like "dorset-council"'),
    ("sources.csv", "url", "www.example.org", "is not a web address"),
    ("identifiers.csv", "code", "E06 000058", "is not a code"),
    ("reorganisations.csv", "vests", "2019-04", "is not a whole day"),
    ("claims.csv", "subject", "body/atlantis", "is not a record"),
    ("claims.csv", "preferred", "perhaps", "is neither yes nor no"),
    ("tenures.csv", "holder", "jane-portman", "is not a record"),
    ("areas.csv", "atoms", "bournemouth;;poole", "empty item"),
]


@pytest.mark.parametrize(
    ("table", "column", "value", "why"), BROKEN, ids=[f"{t}-{c}-{v!r}" for t, c, v, _ in BROKEN]
)
def test_a_broken_cell_is_named(root: Path, run: Run, table: str, column: str, value: str, why: str) -> None:
    where = {"judgements.csv": {"reason": ""}, "areas.csv": {"kind": "area"}}.get(table, {})
    if table == "inspections.csv":
        where = {"inspection": "bournemouth-christchurch-and-poole-council-ilacs-2021-12"}
    line, _ = edit(root, table, column, value, **where)
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert "Traceback" not in answer.err
    named = [text for text in answer.out.splitlines() if text.startswith(f"data/{table}:{line}: {column}: ")]
    assert any(why in text for text in named), answer.out
    found = run("check", "--root", root, "--format", "csv").rows()
    assert any(
        (f["file"], f["line"], f["column"]) == (f"data/{table}", str(line), column) and f["remedy"] + f["why"]
        for f in found
    )


def test_the_store_built_before_still_answers(root: Path, run: Run) -> None:
    ask = ("who", "christchurch", "--on", "2019-03-31", "--format", "csv", "--root", root)
    before = run(*ask)
    edit(root, "holdings.csv", "until", "sometime")
    after = run(*ask)
    assert (after.code, after.out) == (0, before.out)
    assert 'holdings.csv:2: until: "sometime"' in after.err
    assert run("build", "--root", root).code == 1
    assert run(*ask).out == before.out


def test_without_a_store_findings_are_shown_and_nothing_is_answered(root: Path, run: Run) -> None:
    edit(root, "holdings.csv", "until", "sometime")
    answer = run("who", "christchurch", "--root", root)
    assert answer.code == 1
    assert (
        'data/holdings.csv:2: until: "sometime" is not a date. Write 2019-04-01, 2019-04, 2019, ongoing or unknown.'
        in answer.out
    )


def test_an_unknown_column_and_a_missing_one(root: Path, run: Run) -> None:
    path = root / "data/holdings.csv"
    path.write_text(path.read_text().replace("capacity", "capcity", 1))
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert (
        'data/holdings.csv:1: capcity: "capcity" is not a column of this table; did you mean "capacity"?'
        in answer.out
    )


def test_a_column_left_out(root: Path, run: Run) -> None:
    path = root / "data/people.csv"
    path.write_text("".join(line.rpartition(",")[0] + "\n" for line in path.read_text().splitlines()))
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert "data/people.csv:1: note: is missing from the header" in answer.out


def test_a_row_with_a_comma_too_many(root: Path, run: Run) -> None:
    path = root / "data/people.csv"
    lines = path.read_text().splitlines()
    lines[2] += ","
    path.write_text("\n".join(lines) + "\n")
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert "data/people.csv:3: has 5 cells, the header has 4" in answer.out


def test_bytes_that_are_not_utf8(root: Path, run: Run) -> None:
    path = root / "data/people.csv"
    path.write_bytes(path.read_bytes().replace(b"Coughlan", b"Coughl\xe1n", 1))
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert "name: " in answer.out
    assert "is not UTF-8 (byte 0xE1)" in answer.out


def test_a_byte_order_mark(root: Path, run: Run) -> None:
    path = root / "data/people.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert "data/people.csv:1: starts with a byte-order mark" in answer.out


def test_a_quotation_mark_that_is_not_closed(root: Path, run: Run) -> None:
    path = root / "data/people.csv"
    path.write_text(path.read_text() + 'x,"never closed,\n')
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert "cannot be read as CSV" in answer.out


def test_a_key_that_stands_twice(root: Path, run: Run) -> None:
    path = root / "data/people.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n")
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert f"data/people.csv:{len(lines) + 1}: person: " in answer.out
    assert "stands on line 2 of data/people.csv already" in answer.out


def test_a_table_that_is_missing_and_one_too_many(root: Path, run: Run) -> None:
    (root / "data/people.csv").rename(root / "data/peoples.csv")
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert 'data/peoples.csv: is not a table; did you mean "people.csv"?' in answer.out
    assert "data/people.csv: cannot be read" in answer.out


def test_two_accountable_bodies(root: Path, run: Run) -> None:
    line, _ = edit(root, "holdings.csv", "until", "2019-06-01", body="christchurch-borough-council")
    answer = run("check", "--root", root, "--format", "csv")
    assert answer.code == 1
    found = [
        row for row in answer.rows() if row["file"] == "data/holdings.csv" and "accountable" in row["why"]
    ]
    assert str(line) in {row["line"] for row in found}
    assert any(
        "Christchurch Borough Council" in row["why"]
        and "Bournemouth, Christchurch and Poole Council" in row["why"]
        for row in found
    )
    assert all(row["remedy"] for row in found)


def test_a_gap_between_two_holdings(root: Path, run: Run) -> None:
    edit(root, "holdings.csv", "until", "2019-03-01", body="dorset-county-council", area="christchurch")
    answer = run("check", "--root", root, "--format", "csv")
    assert answer.code == 1
    assert any(row["file"] == "data/holdings.csv" and "Christchurch" in row["why"] for row in answer.rows())


def test_a_grade_of_another_scale(root: Path, run: Run) -> None:
    inspection = "bournemouth-christchurch-and-poole-council-ilacs-2021-12"
    line, _ = edit(root, "judgements.csv", "grade", "adequate", inspection=inspection, topic="overall")
    answer = run("check", "--root", root, "--format", "csv")
    assert answer.code == 1
    found = [row for row in answer.rows() if (row["file"], row["line"]) == ("data/judgements.csv", str(line))]
    assert {(row["column"], row["value"]) for row in found} >= {("grade", "adequate")}
    assert all(row["remedy"] for row in found)


def test_broken_rooms_say_so_and_stop(root: Path, run: Run) -> None:
    (root / "ontology/area.ttl").write_text("cg:Area a owl:Class")
    answer = run("check", "--root", root)
    assert answer.code == 3
    assert "ontology/area.ttl:1: is not Turtle" in answer.err
    assert "Traceback" not in answer.err
