"""Canned queries: each has expected rows on the miniature world, the same on every engine.

`tests/queries/<folder>/<query>.<case>.csv` begins with a line `#! --param value …`; `pytest --approve`
writes the rows that a query gives now, for a person to review.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode, Store

from conftest import ROOT
from councilgraph import bundle, dataset, queries, render
from councilgraph.bundle import Rooms
from councilgraph.errors import CouncilgraphError
from engines import Select, query_of

CATALOGUE = queries.catalogue(bundle.rooms(ROOT))
EXPECTED = ROOT / "tests" / "queries"
CASES = sorted(EXPECTED.rglob("*.csv"))
#: Texts that would change a query, if a parameter's value could.
HOSTILE = {
    "quote": '" } DROP ALL #',
    "quotes": "'''\"\"\" } DROP ALL #",
    "bracket": "> } DROP ALL #",
    "lines": "torbay\n} DROP ALL #\r\t",
    "backslash": '\\" } DROP ALL #\\',
    "escape": "\\u0022 } DROP ALL #",
    "parameter": "VALUES ?text { 1 }",
    "byte order mark": "\ufefftorbay\u2028",
}


def _values(query: queries.Query, line: str, store: Store, rooms: Rooms) -> dict[str, queries.Term]:
    words = shlex.split(line.removeprefix("#!"))
    names = [word.removeprefix("--").replace("-", "_") for word in words[::2]]
    given = dict(zip(names, words[1::2], strict=True))
    assert set(given) <= {param.name for param in query.params}
    return queries.values(store, rooms, query, given, {})


def test_there_are_questions_enough() -> None:
    assert len(CATALOGUE) >= 40
    assert all(query.title and query.question for query in CATALOGUE)


@pytest.mark.parametrize("query", CATALOGUE, ids=lambda q: q.name)
def test_every_query_has_expected_rows(
    query: queries.Query, request: pytest.FixtureRequest, world_graph: dataset.Graph
) -> None:
    if query.name in map(query_of, CASES):
        return
    assert request.config.getoption("--approve"), (
        f"{query.name} has no expected rows; run pytest --approve, then review tests/queries/{query.name}.default.csv"
    )
    path = EXPECTED / f"{query.name}.default.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!\n" + render.rows(queries.run(world_graph.store, query, {}), "csv"))


@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c.relative_to(EXPECTED).with_suffix("")))
def test_expected_rows(
    case: Path,
    select: Select,
    request: pytest.FixtureRequest,
    world_graph: dataset.Graph,
    world_rooms: Rooms,
) -> None:
    query = queries.named(query_of(case), world_rooms)
    line, _, expected = case.read_text().partition("\n")
    values = _values(query, line, world_graph.store, world_rooms)
    embedded = queries.run(world_graph.store, query, values)
    if request.config.getoption("--approve"):
        expected = render.rows(embedded, "csv")
        case.write_text(f"{line}\n{expected}")
    answer = queries.shown(select(query.bound(values)), query)
    assert render.rows(answer, "csv") == expected
    whole = queries.select(world_graph.store, query.bound(values, evidence=True))
    assert queries.shown(whole, query) == embedded
    assert answer == embedded  # datatypes and languages too, which CSV does not show


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_value_cannot_change_its_query(text: str, select: Select, world_rooms: Rooms) -> None:
    count = "SELECT (COUNT(*) AS ?count) { ?s ?p ?o }"
    before = select(count)
    find = queries.named("authority/find", world_rooms)
    assert select(find.bound({"text": Literal(text)})).rows == []
    echo = replace(find, text="SELECT ?text {\n  VALUES ?text { 1 }\n}")
    # SPARQL lets an engine read \\u0022 as a quote in the string, and rdflib does; it ends no string.
    readings = [[(Literal(text),)], [(Literal(text.replace("\\u0022", '"')),)]]
    assert select(echo.bound({"text": Literal(text)})).rows in readings
    assert select(count) == before


@pytest.mark.parametrize("character", [*'<>"{}|^`\\ \n\t\0'])
def test_an_iri_cannot_end_early(character: str) -> None:
    with pytest.raises(ValueError, match="IRI"):
        NamedNode(f"https://example.org/a{character}b")


@pytest.mark.parametrize("query", CATALOGUE, ids=lambda q: q.name)
def test_style(query: queries.Query) -> None:
    text = query.text
    declared = re.findall(r"^PREFIX (\S+):", text, re.MULTILINE)
    assert declared == sorted(declared)
    body = text[text.index("SELECT") :]
    used = set(re.findall(r"(?<![\w<])([a-z][\w-]*):[\w-]", re.sub(r'"[^"]*"', "", body)))
    used |= set(re.findall(r"\^\^(\w+):", body))
    assert set(declared) == used
    assert "SELECT *" not in text
    assert "ORDER BY" in text
    assert "GROUP_CONCAT" not in text
    assert query.question.endswith("?")
    assert not query.title.endswith(".")


@pytest.mark.parametrize("query", CATALOGUE, ids=lambda q: q.name)
def test_order_is_total(query: queries.Query, world_graph: dataset.Graph) -> None:
    """No two rows of the answer agree in every column that it is ordered by."""
    answer = queries.select(world_graph.store, query.text)
    ordered = set(re.findall(r"\?(\w+)", query.text[query.text.rindex("ORDER BY") :]))
    places = [place for place, name in enumerate(answer.columns) if name in ordered]
    keys = [tuple(row[place] for place in places) for row in answer.rows]
    assert len(keys) == len(set(keys))


HEADERS = [
    ("#+ titel: x\n", r'"titel" is not a key'),
    ("#+ title: x\n#+ question: y?\n", "has no tags"),
    ("#+ title: x\n#+ question: y?\n#+ tags: z\n#+ param on: The day.\n", "parameter on has 0 defaults"),
    (
        "#+ title: x\n#+ question: y?\n#+ tags: z\n#+ param a: A.\n#+ param a: A.\n VALUES ?a { 1 }\n VALUES ?a { 2 }\n",
        "parameter a has 2 defaults",
    ),
    ("#+ title: x\n#+ question: y?\n#+ tags: z\n#+ param a: A.\n VALUES ?a { 1 2 }\n", "is not one term"),
]


@pytest.mark.parametrize(("text", "why"), HEADERS)
def test_a_header_that_is_wrong_is_named(root: Path, text: str, why: str) -> None:
    (root / "queries/area/wrong.rq").write_text(text)
    with pytest.raises(CouncilgraphError, match=why) as error:
        queries.catalogue(bundle.rooms(root))
    assert str(error.value).startswith("queries/area/wrong.rq")
