"""The tables as they stand: what they cover, what they leave out, and what stays apart from them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pyoxigraph import DefaultGraph, NamedNode

from conftest import ROOT, Result
from councilgraph import bundle, dataset
from councilgraph.concepts import TABLES

Run = Callable[..., Result]
PAGE = ROOT / "data" / "README.md"
MARK = re.compile(r"(?<=<!-- completeness -->\n).*?(?=<!-- /completeness -->)", re.DOTALL)


def _rows(name: str) -> list[dict[str, str]]:
    with (ROOT / "data" / name).open(newline="") as file:
        return list(csv.DictReader(file))


def _completeness() -> str:
    lines = ["| table | rows | column | filled | of which unknown or not stated |", "|---|--:|---|--:|--:|"]
    for name, table in sorted(TABLES.items()):
        rows = _rows(name)
        for place, column in enumerate(table.columns()):
            cells = [row[column.name] for row in rows]
            filled = sum(map(bool, cells))
            unknown = sum(cell in ("unknown", "not-stated") for cell in cells)
            share = f"{100 * filled / len(rows):.0f}%" if rows else "–"
            first = (f"`{name}`", f"{len(rows):,}") if place == 0 else ("", "")
            lines.append(f"| {first[0]} | {first[1]} | {column.name} | {share} | {unknown or ''} |")
    return "\n".join(lines) + "\n"


def test_the_page_about_the_data_says_how_complete_it_is(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text()
    made = MARK.sub(lambda _: _completeness(), text)
    assert "<!-- completeness -->" in text
    if request.config.getoption("--approve"):
        PAGE.write_text(made)
    assert PAGE.read_text() == made


def test_every_record_cites_a_registered_source() -> None:
    registered = {row["source"] for row in _rows("sources.csv")}
    for name in TABLES:
        if name == "sources.csv":
            continue
        for row in _rows(name):
            cited = {part.strip().partition("#")[0] for part in row["source"].split(";")}
            assert cited
            assert cited <= registered, f"{name}: {cited - registered}"


def test_every_source_is_cited_by_something() -> None:
    folders = [ROOT / "data", *(ROOT / "data" / "scenarios").glob("*")]
    cited = set()
    for folder in folders:
        for path in folder.glob("*.csv"):
            if path.name != "sources.csv":
                with path.open(newline="") as file:
                    for row in csv.DictReader(file):
                        cited |= {part.strip().partition("#")[0] for part in row["source"].split(";")}
    assert {row["source"] for row in _rows("sources.csv")} - cited == set()


def test_a_source_under_a_licence_that_asks_for_credit_is_credited() -> None:
    readme = (ROOT / "README.md").read_text()
    for licence in {row["licence"] for row in _rows("sources.csv") if row["licence"]}:
        assert licence.rstrip("/") in readme, licence


def test_published_totals_come_out(run: Run) -> None:
    """`check` holds the graph against every row; these are the ones that the project was asked for."""
    expected = {
        (row["query"], row["on"], row["kind"]): int(row["expected"]) for row in _rows("expectations.csv")
    }
    for on, total in {"1998": 388, "2010": 353, "2019": 343, "2020": 339, "2021": 333, "2023": 317}.items():
        assert expected["authority/count-on", f"{on}-05-01", ""] == total
        rows = run("query", "authority/count-on", "--on", f"{on}-05-01", "--format", "csv").rows()
        assert sum(int(row["count"]) for row in rows) == total
        assert {row["total"] for row in rows} == {str(total)}
    for on, total in {"2009": 152, "2019": 151, "2021": 152, "2023": 153}.items():
        assert expected["function/count-on", f"{on}-05-01", ""] == total


def test_a_total_that_does_not_come_out_is_a_finding(root: Path, run: Run) -> None:
    path = root / "data/expectations.csv"
    path.write_text(
        path.read_text()
        + "wrong,authority/count-on,2023-05-01,,317,ukpga-1972-70,\nno-query,authority/count,2023-05-01,,1,ukpga-1972-70,\n"
    )
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert (
        'data/expectations.csv:2: expected: "317" is what the source counts; the graph counts' in answer.out
    )
    assert (
        'data/expectations.csv:3: query: "authority/count" is not a canned query. Did you mean authority/count-on?'
        in answer.out
    )


def test_a_trust_that_no_source_shows_today_is_not_said_to_go_on(run: Run) -> None:
    """Birmingham's trust was shown at work on 26 May 2023; whether it is today is possible, not definite."""
    for on, certainty in {
        "2020-01-01": "definite",
        "2023-05-26": "definite",
        "2026-11-22": "possible",
    }.items():
        rows = run("who", "birmingham", "--on", on, "--format", "csv").rows()
        found = [(row["until"], row["certainty"]) for row in rows if row["capacity"] == "delivering"]
        assert found == [("unknown", certainty)]


def test_a_scenario_stays_apart() -> None:
    store = dataset.current(bundle.rooms(ROOT))[0]
    assert store
    assert dataset.scenarios(store) == ["proposals-2028"]
    graph = NamedNode("https://w3id.org/councilgraph/scenario/proposals-2028")
    assert {g for g in store.named_graphs() if g != dataset.DERIVED} == {graph}
    main = {quad.subject for quad in store.quads_for_pattern(None, None, None, DefaultGraph())}
    supposed = {
        quad.subject
        for quad in store.quads_for_pattern(None, None, None, graph)
        if "/passage/" not in str(quad.subject)
    }
    assert supposed
    assert not main & supposed
    mentioned = {quad.object for quad in store.quads_for_pattern(None, None, None, DefaultGraph())}
    assert not mentioned & supposed


def test_a_scenario_s_council_cannot_be_asked_of_the_main_graph(run: Run) -> None:
    answer = run("lineage", "west-norfolk-council")
    assert answer.code == 2
    assert "is no body that the graph knows" in answer.err


def test_a_broken_cell_of_a_scenario_is_named(root: Path, run: Run) -> None:
    folder = root / "data/scenarios/what-if"
    folder.mkdir(parents=True)
    (folder / "bodies.csv").write_text(
        "body,name,kind,from,until,source,note\nx,X,authority,soon,ongoing,ukpga-1972-70,\n"
    )
    answer = run("check", "--root", root)
    assert answer.code == 1
    assert 'data/scenarios/what-if/bodies.csv:2: from: "soon" is not a date' in answer.out


CASES = [
    (
        "Somerset 2023: one continuing body",
        "ASK { ?d cg:concerns body:somerset-council ; cg:hasDesignation council:county . ?e cg:concerns body:somerset-council ; cg:hasDesignation council:unitary } ",
    ),
    (
        "Cumbria 2023: two new bodies",
        "ASK { body:cumberland-council cg:predecessorForChildrensServices body:cumbria-county-council . body:westmorland-and-furness-council cg:predecessorForChildrensServices body:cumbria-county-council }",
    ),
    (
        "Northamptonshire's trust delivers for the county, then for North and for West",
        "ASK { ?a cg:isHeldBy ?trust ; cg:hasCapacity capacity:delivering ; cg:actsFor body:northamptonshire-county-council ; cg:fromText '2020-11-01' . ?b cg:isHeldBy ?trust ; cg:actsFor body:north-northamptonshire-council ; cg:fromText '2021-04-01' . ?c cg:isHeldBy ?trust ; cg:actsFor body:west-northamptonshire-council ; cg:fromText '2021-04-01' }",
    ),
    (
        "East and West Surrey exist before they hold a duty",
        "ASK { body:east-surrey-council a cg:Authority . ?h cg:isHeldBy body:east-surrey-council ; cg:hasCapacity capacity:shadow }",
    ),
    (
        "An intervention may outlive its council (Spelthorne)",
        "ASK { ?i a cg:BestValueDirection ; cg:concerns ?b ; cg:untilLatest ?over . ?b cg:untilLatest ?gone FILTER (?over > ?gone) }",
    ),
    (
        "Leaders inadequate, overall requires improvement: Bournemouth, Herefordshire, Doncaster, Slough",
        "SELECT (COUNT(DISTINCT ?i) AS ?n) { ?l cg:isMadeIn ?i ; cg:isAbout topic:leadership ; cg:awards grade:inadequate . ?o cg:isMadeIn ?i ; cg:isAbout topic:overall ; cg:awards grade:requires-improvement }",
    ),
    (
        "No atom without an accountable body for education on a day in the middle of things",
        "SELECT (COUNT(?a) AS ?n) { ?a a cg:Atom MINUS { ?h cg:coversArea/cg:hasAtom ?a ; cg:hasCapacity capacity:accountable ; cg:coversFunction/cg:includes fn:education ; cg:fromLatest ?f . OPTIONAL { ?h cg:untilEarliest ?u } FILTER (?f <= '1998-06-01'^^xsd:date && COALESCE(?u > '1998-06-01'^^xsd:date, true)) } }",
    ),
]
ANSWERS = ["true", "true", "true", "true", "true", "4", "0"]


@pytest.mark.parametrize(
    ("case", "answer"), list(zip(CASES, ANSWERS, strict=True)), ids=[c for c, _ in CASES]
)
def test_the_proving_ground_beyond_dorset(run: Run, case: tuple[str, str], answer: str) -> None:
    found = run("sparql", case[1], "--format", "csv").out.split()
    assert found[-1] == answer
