"""The graph as a Python program asks it; and its views, with a scenario or without the records nobody official vouches for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pyoxigraph import DefaultGraph, Literal

import councilgraph
from conftest import Result
from councilgraph import dataset, graph, queries
from councilgraph.errors import CouncilgraphError, UsageError
from councilgraph.graph import Graph

Run = Callable[..., Result]
BODY = "https://w3id.org/councilgraph/id/body/"


@pytest.fixture(scope="module")
def world(world_rooms: councilgraph.graph.Rooms, world_graph: dataset.Graph) -> Graph:
    return Graph(world_rooms, world_graph.store)


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature world with a scenario: Plymouth and Torbay merge in 2030."""
    from conftest import WORLD, rooms_with

    root = rooms_with(WORLD / "data", tmp_path_factory.mktemp("proposed"))
    folder = root / "data/scenarios/merger-2030"
    folder.mkdir(parents=True)
    source = "ukpga-1972-70"
    tables = {
        "bodies": [
            "body,name,kind,from,until,source,note",
            f"west-devon-city-council,West Devon City Council,authority,2029-05-01,ongoing,{source},",
        ],
        "reorganisations": [
            "reorganisation,name,stage,decided,vests,instruments,source,note",
            f"devon-2030,A merger in Devon,proposed,,2030-04-01,,{source},",
        ],
        "effects": [
            "reorganisation,body,effect,function,area,article,source,note",
            f"devon-2030,west-devon-city-council,established,principal,,,{source},",
            f"devon-2030,torbay-council,abolished,principal,,,{source},",
        ],
        "holdings": [
            "body,function,area,capacity,acts_for,from,until,observed,source,note",
            f"torbay-council,upper-tier,torbay,accountable,,1998-04-01,2030-04-01,,{source},",
            f"west-devon-city-council,principal,torbay,accountable,,2030-04-01,ongoing,,{source},",
        ],
    }
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return root


def test_rows_are_plain(world: Graph) -> None:
    rows = world.who("christchurch", on=date(2019, 3, 31))
    assert [(row["capacity"], row["label"]) for row in rows] == [
        ("accountable", "Dorset County Council"),
        ("shadow", "Bournemouth, Christchurch and Poole Council"),
    ]
    assert rows[0]["body"] == f"{BODY}dorset-county-council"
    assert rows.columns[:3] == ("capacity", "body", "label")
    assert len(rows) == len(rows[:]) == 2


def test_days_numbers_and_blanks_are_python_s(world: Graph) -> None:
    hops = world.lineage("BCP")
    assert {type(row["depth"]) for row in hops} == {int}
    assert {type(row["date"]) for row in hops} == {date}
    assert world.query("inspection/grade-on", authority="BCP", on="2019-06-01")[0]["grade"] is None


def test_certainty_keeps_one_side(world: Graph) -> None:
    every = world.who("torbay", on="2020-02-15")
    sure = world.who("torbay", on="2020-02-15", certainty="definite")
    perhaps = world.who("torbay", on="2020-02-15", certainty="possible")
    assert [row["capacity"] for row in sure] == ["accountable"]
    assert [row["capacity"] for row in perhaps] == ["managing"]
    assert [*sure, *perhaps] == [*every]


def test_certainty_means_nothing_where_answers_have_none(world: Graph) -> None:
    with pytest.raises(UsageError, match="have no certainty"):
        world.query("authority/find", text="torbay", certainty="definite")


def test_sources_are_records_and_publications(world: Graph) -> None:
    row = world.who("christchurch", on="2019-03-31", sources=True)[0]
    assert (
        row["holding"]
        == f"{BODY[:-5]}holding/dorset-county-council.upper-tier.christchurch.accountable.1974-04-01"
    )
    assert row["source"] == "; ".join(
        f"{BODY[:-5]}source/{slug}" for slug in ("ukpga-1972-70", "uksi-2018-648")
    )
    assert "Local Government Act 1972 (c. 70), section 1, section 195; " in str(row["publication"])


@pytest.mark.parametrize("query", queries.catalogue(councilgraph.bundle.rooms()), ids=lambda q: q.name)
def test_every_query_takes_sources(query: queries.Query, world: Graph) -> None:
    plain, sourced = world.ask(query, {}), world.ask(query, {}, sources=True)
    assert sourced.columns[-2:] == ("source", "publication")
    assert set(query.evidence) <= set(sourced.columns)
    shared = [name for name in plain.columns if name not in ("source", "publication")]
    assert list(dict.fromkeys(tuple(row[name] for name in shared) for row in sourced)) == list(
        dict.fromkeys(tuple(row[name] for name in shared) for row in plain)
    )
    for row in sourced:
        if any(row[name] for name in query.evidence):
            assert row["source"], row


def test_words_that_mean_nothing_are_named(world: Graph) -> None:
    with pytest.raises(UsageError, match=r"no parameter of function/who.*Did you mean area"):
        world.query("function/who", aera="torbay")
    with pytest.raises(UsageError, match="is not a canned query"):
        world.query("function/whom")
    with pytest.raises(UsageError, match="is no direction"):
        world.lineage("BCP", direction="sideways")
    with pytest.raises(UsageError, match="--on"):
        world.who("torbay", on="yesterday")


def test_a_council_goes_before_the_area_of_its_name(world: Graph) -> None:
    def found(word: str) -> str:
        return queries.thing(world.store, world.rooms, word).value.partition("/id/")[2]

    assert found("torbay") == "area/torbay"  # its very slug
    assert found("Torbay Council") == "body/torbay-council"
    assert found("BCP") == "body/bournemouth-christchurch-and-poole-council"
    assert found("John Coughlan") == found("person:john-coughlan") == "person/john-coughlan"
    assert found("inspection/torbay-council-sif-2015-10") == "inspection/torbay-council-sif-2015-10"
    with pytest.raises(UsageError, match=r"THING.*is no body that the graph knows"):
        found("Atlantis")


def test_frames(world: Graph) -> None:
    rows = world.lineage("BCP")
    for name in ("pandas", "polars"):
        pytest.importorskip(name, reason=f"{name} is not installed: it is optional")
    assert list(rows.to_pandas().columns) == rows.to_polars().columns == list(rows.columns)
    assert len(rows.to_pandas()) == rows.to_polars().height == len(rows)
    assert rows.to_polars()["date"][0] == rows[0]["date"]


def test_a_frame_without_its_library_says_what_to_install(
    world: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(CouncilgraphError, match=r"pandas: is not installed. Install it: pip install pandas"):
        world.lineage("BCP").to_pandas()


def test_open_builds_and_answers(root: Path) -> None:
    opened = councilgraph.open(root)
    assert (
        opened.who("christchurch", on="2019-04-01")[0]["label"]
        == "Bournemouth, Christchurch and Poole Council"
    )
    assert opened.label("BCP") == "Bournemouth, Christchurch and Poole Council"
    assert opened.sparql("ASK { body:torbay-council a cg:Authority }") is True
    assert {q.name for q in opened.catalogue()} >= {"function/who", "inspection/grade-on"}


def test_a_view_of_the_graph_as_it_is_says_what_the_graph_says(world: Graph) -> None:
    same = dataset.view(world.store, world.rooms)
    assert set(dataset.triples(same)) == set(dataset.triples(world.store))


def test_a_scenario_is_asked_about_beside_the_graph(proposed: Path) -> None:
    main = councilgraph.open(proposed)
    supposed = councilgraph.open(proposed, scenario="merger-2030")
    assert "scenario merger-2030" in supposed.viewed
    assert [r["label"] for r in supposed.who("torbay", on="2030-04-01")] == ["West Devon City Council"]
    assert [r["label"] for r in supposed.who("torbay", on="2030-03-31")] == ["Torbay Council"]
    hops = supposed.lineage("west-devon-city-council")
    assert ("Torbay Council", "2030-04-01") in {(r["predecessorLabel"], str(r["date"])) for r in hops}
    # and never leaks into it
    assert [r["label"] for r in main.who("torbay", on="2030-04-01")] == ["Torbay Council"]
    with pytest.raises(UsageError, match="is no body"):
        main.lineage("west-devon-city-council")
    for query in queries.catalogue(main.rooms):
        assert "west-devon-city" not in str(main.ask(query, {}).terms)


def test_a_scenario_leaves_no_trace_in_a_dump_or_in_the_derived(
    proposed: Path, run: Run, tmp_path: Path
) -> None:
    councilgraph.open(proposed, scenario="merger-2030")
    assert run("dump", tmp_path / "d", "--root", proposed).code == 0
    assert "west-devon-city" not in (tmp_path / "d/councilgraph.ttl").read_text()
    store = councilgraph.open(proposed).store
    assert not [
        q for q in store.quads_for_pattern(None, None, None, dataset.DERIVED) if "west-devon" in str(q)
    ]


def test_only_official_sources(world: Graph) -> None:
    official = graph.viewed(world, trust="official")
    assert "records left out" in official.viewed
    # John Coughlan's appointment is known from the press alone.
    asked = {"authority": "BCP", "on": "2022-06-01"}
    names = {row["name"] for row in world.query("person/post-holders", **asked)}
    assert "John Coughlan" in names
    assert "John Coughlan" not in {row["name"] for row in official.query("person/post-holders", **asked)}
    # The Act and the order vouch for who was accountable.
    assert [r["label"] for r in official.who("christchurch", on="2019-03-31")] == [
        r["label"] for r in world.who("christchurch", on="2019-03-31")
    ]
    left = {quad.subject for quad in official.store.quads_for_pattern(None, None, None, DefaultGraph())}
    assert not left & queries.distrusted(world.store, world.rooms, "official")


def test_what_is_derived_from_a_record_goes_with_it(world: Graph) -> None:
    """Poole's inspection of 2017 is known from the press: without it, none stands."""
    official = graph.viewed(world, trust="official")
    query = queries.named("inspection/grade-on", world.rooms)
    found = graph.change(world, official, query, {"authority": "borough-of-poole", "on": "2018-06-01"})
    place = found.columns.index("onSiteFrom")
    own = [
        [row[place] for row in rows if row[0] == Literal("own")]
        for rows in (found.kept, found.lost, found.gained)
    ]
    assert own == [[], [Literal("2017-09")], [None]]


def test_unknown_views_are_named(world: Graph) -> None:
    with pytest.raises(UsageError, match=r'--trust: "oficial" is no rule of trust. Did you mean official'):
        graph.viewed(world, trust="oficial")
    with pytest.raises(UsageError, match='--scenario: "x" is no scenario'):
        graph.viewed(world, scenario="x")


def test_compare_on_the_command_line(run: Run, root: Path) -> None:
    answer = run(
        "query",
        "person/post-holders",
        "--authority",
        "BCP",
        "--on",
        "2022-06-01",
        "--trust",
        "official",
        "--compare",
        "--format",
        "csv",
        "--root",
        root,
    )
    assert answer.code == 0
    assert ("goes", "John Coughlan") in {(row["change"], row["name"]) for row in answer.rows()}
    every = run("query", "--trust", "official", "--compare", "--format", "csv", "--root", root)
    assert {row["query"] for row in every.rows()} == {
        q.name for q in queries.catalogue(councilgraph.bundle.rooms(root))
    }
    alone = run("query", "person/post-holders", "--compare", "--root", root)
    assert (alone.code, alone.out) == (2, "")


def test_bound_terms_are_terms(world: Graph) -> None:
    """Several terms go in the place of one, each written as RDF writes it."""
    query = queries.named("function/who", world.rooms)
    text = query.bound(
        {"area": [queries.value(world.store, world.rooms, query.params[0], w) for w in ("poole", "torbay")]}
    )
    assert (
        "VALUES ?area { <https://w3id.org/councilgraph/id/area/poole> <https://w3id.org/councilgraph/id/area/torbay> }"
        in text
    )
