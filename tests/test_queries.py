"""Canned queries: each has expected rows on the miniature world, the same on every engine.

`tests/queries/<folder>/<query>.<case>.csv` begins with a line `#! --param value …`; `pytest --approve`
writes the rows that a query gives now, for a person to review.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import rdflib
from pyoxigraph import Literal, NamedNode, RdfFormat, Store, serialize

from conftest import ROOT
from councilgraph import bundle, dataset, queries, render
from councilgraph.bundle import Rooms
from councilgraph.errors import CouncilgraphError

rdflib.NORMALIZE_LITERALS = False
CATALOGUE = queries.catalogue(bundle.rooms(ROOT))
EXPECTED = ROOT / "tests" / "queries"
CASES = sorted(EXPECTED.rglob("*.csv"))
ENGINES = ["pyoxigraph in memory", "pyoxigraph on disk", "rdflib"]


def _values(query: queries.Query, line: str, store: Store, rooms: Rooms) -> dict[str, queries.Term]:
    words = shlex.split(line.removeprefix("#!"))
    given = dict(zip((w.removeprefix("--") for w in words[::2]), words[1::2], strict=True))
    return {p.name: queries.value(store, rooms, p, given[p.name]) for p in query.params if p.name in given}


@pytest.fixture(scope="session")
def disk(world_graph: dataset.Graph, tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = str(tmp_path_factory.mktemp("disk"))
    store = Store(path)
    store.bulk_extend(world_graph.store)
    store.flush()
    del store
    return Store.read_only(path)


@pytest.fixture(scope="session")
def second_opinion(world_graph: dataset.Graph) -> rdflib.Graph:
    graph = rdflib.Graph()
    graph.parse(
        data=serialize((q.triple for q in world_graph.store), format=RdfFormat.N_TRIPLES), format="nt"
    )
    return graph


def _by_rdflib(graph: rdflib.Graph, query: queries.Query, values: dict[str, queries.Term]) -> queries.Rows:
    answer = graph.query(query.bound(values))
    columns = tuple(str(name) for name in answer.vars or ())

    def term(node: object) -> queries.Cell:
        if isinstance(node, rdflib.URIRef):
            return NamedNode(str(node))
        if isinstance(node, rdflib.Literal):
            if node.language:
                return Literal(str(node), language=node.language)
            return Literal(str(node), datatype=NamedNode(str(node.datatype)) if node.datatype else None)
        return None

    rows = [tuple(term(row[name]) for name in columns) for row in answer]  # type: ignore[index,call-overload]
    return queries.joined(queries.Rows(columns, rows), query.join)


@pytest.mark.parametrize("query", CATALOGUE, ids=lambda q: q.name)
def test_every_query_has_expected_rows(
    query: queries.Query, request: pytest.FixtureRequest, world_graph: dataset.Graph
) -> None:
    if any(
        case.is_relative_to(EXPECTED / query.name.rpartition("/")[0])
        and case.name.startswith(f"{query.name.rpartition('/')[2]}.")
        for case in CASES
    ):
        return
    assert request.config.getoption("--approve"), (
        f"{query.name} has no expected rows; run pytest --approve, then review tests/queries/{query.name}.default.csv"
    )
    path = EXPECTED / f"{query.name}.default.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!\n" + render.rows(queries.run(world_graph.store, query, {}), "csv"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c.relative_to(EXPECTED).with_suffix("")))
def test_expected_rows(
    case: Path,
    engine: str,
    request: pytest.FixtureRequest,
    world_graph: dataset.Graph,
    world_rooms: Rooms,
    disk: Store,
    second_opinion: rdflib.Graph,
) -> None:
    name = case.relative_to(EXPECTED).as_posix().partition(".")[0]
    query = queries.named(name, world_rooms)
    line, _, expected = case.read_text().partition("\n")
    values = _values(query, line, world_graph.store, world_rooms)
    if engine == "rdflib":
        answer = _by_rdflib(second_opinion, query, values)
    else:
        answer = queries.run(disk if "disk" in engine else world_graph.store, query, values)
    found = render.rows(answer, "csv")
    if request.config.getoption("--approve") and engine == ENGINES[0]:
        case.write_text(f"{line}\n{found}")
        expected = found
    assert found == expected


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
