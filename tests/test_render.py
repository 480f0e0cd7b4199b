"""Answers as text."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, QueryResultsFormat, parse_query_results

from councilgraph import render
from councilgraph.queries import Rows

BODY = NamedNode("https://w3id.org/councilgraph/id/body/torbay-council")


def test_a_table_that_fits_is_a_table() -> None:
    shown = render.table(("capacity", "label"), [["accountable", "Torbay Council"]], 80, colour=False)
    assert shown == "capacity     label\naccountable  Torbay Council\n"


def test_a_table_that_does_not_fit_is_blocks_of_lines() -> None:
    shown = render.table(
        ("capacity", "body", "label"), [["accountable", "", "Torbay Council"]] * 2, 20, colour=False
    )
    assert (
        shown
        == "capacity  accountable\nlabel     Torbay Council\n\ncapacity  accountable\nlabel     Torbay Council\n"
    )


def test_without_a_terminal_every_row_is_one_line() -> None:
    assert render.table(("a", "b"), [["x" * 300, "y" * 300]], None, colour=False).count("\n") == 2


def test_markup_in_a_cell_is_text() -> None:
    assert "[bold]x[/bold]" in render.table(("a",), [["[bold]x[/bold]"]], 80, colour=False)


def test_short_names() -> None:
    assert render.short(BODY) == "body:torbay-council"
    assert render.short(Literal(f"{BODY.value}; {BODY.value}")) == "body:torbay-council; body:torbay-council"
    assert render.short(Literal("a; b")) == "a; b"
    assert render.short(None) == ""


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=10)
CELLS = st.one_of(
    st.none(),
    st.just(BODY),
    TEXT.map(Literal),
    TEXT.map(lambda t: Literal(t, language="en")),
    st.integers().map(Literal),
)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_csv_and_json_can_be_read_back(rows: list[tuple[object, object]]) -> None:
    answer = Rows(("a", "b"), rows)
    read = list(csv.reader(io.StringIO(render.rows(answer, "csv"))))
    assert read == [["a", "b"], *[[c.value if c is not None else "" for c in row] for row in rows]]
    solutions = parse_query_results(render.rows(answer, "json"), format=QueryResultsFormat.JSON)
    assert [tuple(s[name] for name in ("a", "b")) for s in solutions] == rows
    solutions = parse_query_results(render.rows(answer, "tsv"), format=QueryResultsFormat.TSV)
    assert [tuple(s[name] for name in ("a", "b")) for s in solutions] == rows


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_yes_and_no(form: str) -> None:
    assert json.loads(render.truth(True, "json"))["boolean"] is True
    assert render.truth(False, "csv") == "false\n"
    assert form in render.FORMATS
