"""The proving ground: what must hold of Dorset, Torbay and Plymouth, asked as a person asks it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conftest import ROOT, Result

Run = Callable[..., Result]
BODY = "https://w3id.org/councilgraph/id/body/"
BCP = "bournemouth-christchurch-and-poole-council"


def _by(rows: list[dict[str, str]], key: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row["label"])
    return found


def test_christchurch_the_day_before_vesting(run: Run) -> None:
    answer = run(
        "who", "christchurch", "--function", "childrens-services", "--on", "2019-03-31", "--format", "csv"
    )
    assert answer.code == 0
    assert answer.out.splitlines()[0] == "capacity,body,label,from,until,certainty,source"
    assert _by(answer.rows(), "capacity") == {
        "accountable": ["Dorset County Council"],
        "shadow": ["Bournemouth, Christchurch and Poole Council"],
    }
    assert {row["certainty"] for row in answer.rows()} == {"definite"}


def test_christchurch_on_vesting_day(run: Run) -> None:
    answer = run(
        "who", "christchurch", "--function", "childrens-services", "--on", "2019-04-01", "--format", "csv"
    )
    assert _by(answer.rows(), "capacity") == {"accountable": ["Bournemouth, Christchurch and Poole Council"]}


def test_christchurch_s_districts_duties_were_its_own_council_s(run: Run) -> None:
    answer = run("who", "christchurch", "--function", "lower-tier", "--on", "2019-03-31", "--format", "csv")
    assert _by(answer.rows(), "capacity")["accountable"] == ["Christchurch Borough Council"]


@pytest.mark.parametrize(
    "area",
    [
        "christchurch",
        "Christchurch",
        "E07000048",
        "area:christchurch",
        "https://w3id.org/councilgraph/id/area/christchurch",
    ],
)
def test_an_area_has_many_names(run: Run, area: str) -> None:
    answer = run("who", area, "--on", "2019-03-31", "--format", "csv")
    assert _by(answer.rows(), "capacity")["accountable"] == ["Dorset County Council"]


def test_a_department_s_code_means_the_area_that_the_council_had_that_day(run: Run) -> None:
    early = run("who", "835", "--on", "1996-06-01", "--function", "lower-tier", "--format", "csv").rows()
    late = run("who", "835", "--on", "2018-01-01", "--function", "lower-tier", "--format", "csv").rows()
    assert "Borough of Poole" in {row["label"] for row in early}
    assert "Borough of Poole" not in {row["label"] for row in late}
    assert "Purbeck District Council" in {row["label"] for row in late}


def test_what_bcp_replaced_for_childrens_services(run: Run) -> None:
    answer = run("lineage", BCP, "--function", "childrens-services", "--direction", "back", "--format", "csv")
    assert (
        answer.out.splitlines()[0]
        == "predecessor,predecessorLabel,successor,successorLabel,area,date,order,depth"
    )
    first = {(row["predecessorLabel"], row["area"]) for row in answer.rows() if row["depth"] == "1"}
    assert first == {
        ("Bournemouth Borough Council", "Bournemouth"),
        ("Borough of Poole", "Poole"),
        ("Dorset County Council", "Christchurch"),
    }
    second = {
        (row["predecessorLabel"], row["area"], row["date"]) for row in answer.rows() if row["depth"] == "2"
    }
    assert second == {
        ("Dorset County Council", "Bournemouth", "1997-04-01"),
        ("Dorset County Council", "Poole", "1997-04-01"),
    }
    assert all("2018/648" in row["order"] for row in answer.rows() if row["depth"] == "1")


@pytest.mark.parametrize("thing", ["E06000058", "839", "2532287", "BCP", "bcp council", f"body:{BCP}"])
def test_a_council_has_many_names(run: Run, thing: str) -> None:
    rows = run("lineage", thing, "--format", "csv").rows()
    assert {row["successor"] for row in rows if row["depth"] == "1"} == {BODY + BCP}


def test_what_bcp_replaced_for_the_lower_tier(run: Run) -> None:
    rows = run("lineage", BCP, "--function", "lower-tier", "--direction", "back", "--format", "csv").rows()
    assert {row["predecessorLabel"] for row in rows} == {
        "Bournemouth Borough Council",
        "Borough of Poole",
        "Christchurch Borough Council",
    }


def test_what_replaced_dorset_county_council(run: Run) -> None:
    rows = run("lineage", "dorset-county-council", "--direction", "forward", "--format", "csv").rows()
    last = {row["area"]: row["successorLabel"] for row in rows if row["date"] == "2019-04-01"}
    assert last["Christchurch"] == "Bournemouth, Christchurch and Poole Council"
    assert {
        last[area]
        for area in ("East Dorset", "North Dorset", "Purbeck", "West Dorset", "Weymouth and Portland")
    } == {"Dorset Council"}


def test_bcp_has_no_grade_of_its_own_at_first(run: Run) -> None:
    rows = run(
        "query", "inspection/grade-on", "--authority", BCP, "--on", "2019-06-01", "--format", "csv"
    ).rows()
    own = [row for row in rows if row["whose"] == "own"]
    assert len(own) == 1
    assert own[0]["grade"] == ""
    assert "none of its own" in own[0]["noGradeBecause"]
    theirs = {row["label"]: row["grade"] for row in rows if row["whose"] == "predecessor's"}
    assert theirs == {
        "Bournemouth Borough Council": "requires improvement",
        "Borough of Poole": "requires improvement",
        "Dorset County Council": "requires improvement",
    }


def test_bcp_s_own_grade_later(run: Run) -> None:
    rows = run(
        "query", "inspection/grade-on", "--authority", BCP, "--on", "2022-03-01", "--format", "csv"
    ).rows()
    assert [(r["whose"], r["grade"], r["onSiteFrom"], r["onSiteTo"], r["published"]) for r in rows] == [
        ("own", "inadequate", "2021-12-06", "2021-12-17", "2022-02-11")
    ]


def test_the_day_before_publication_it_still_had_none(run: Run) -> None:
    rows = run(
        "query", "inspection/grade-on", "--authority", BCP, "--on", "2022-02-10", "--format", "csv"
    ).rows()
    assert [row["grade"] for row in rows if row["whose"] == "own"] == [""]


def test_leaders_inadequate_and_overall_requires_improvement(run: Run) -> None:
    rows = run(
        "query", "inspection/history", "--authority", "bournemouth-borough-council", "--format", "csv"
    ).rows()
    july = {row["judged"]: row["grade"] for row in rows if row["onSiteFrom"] == "2018-07-16"}
    assert july["overall effectiveness"] == "requires improvement"
    assert "inadequate" in {grade for judged, grade in july.items() if "leader" in judged}


def test_bcp_s_direction_and_its_adviser(run: Run) -> None:
    rows = run("query", "intervention/in-force", "--on", "2022-06-01", "--format", "csv").rows()
    bcp = [row for row in rows if row["body"] == BODY + BCP and row["type"] == "statutory direction"]
    assert {
        "adviser": "John Coughlan",
        "accountable": "Bournemouth, Christchurch and Poole Council",
    }.items() <= {row["part"]: row["agentLabel"] for row in bcp}.items()
    assert "commissioner" not in {row["part"] for row in bcp}


def test_torbay_accountable_and_plymouth_managing(run: Run) -> None:
    rows = run("query", "intervention/in-force", "--on", "2018-09-01", "--format", "csv").rows()
    torbay = {(row["part"], row["agentLabel"]) for row in rows if row["bodyLabel"] == "Torbay Council"}
    assert {
        ("accountable", "Torbay Council"),
        ("managing", "Plymouth City Council"),
        ("commissioner", "John Coughlan"),
    } <= torbay
    assert ("accountable", "Plymouth City Council") not in torbay


@pytest.mark.parametrize("on", ["2018-03-31", "2018-09-01", "2019-12-31", "2020-06-01"])
def test_torbay_was_accountable_throughout(run: Run, on: str) -> None:
    rows = run("who", "torbay", "--on", on, "--format", "csv").rows()
    assert [row["label"] for row in rows if row["capacity"] == "accountable"] == ["Torbay Council"]
    managing = [row["label"] for row in rows if row["capacity"] == "managing"]
    assert managing == (["Plymouth City Council"] if on in ("2018-09-01", "2019-12-31") else [])


def test_one_director_for_torbay_and_plymouth(run: Run) -> None:
    rows = run(
        "query",
        "person/post-holders",
        "--authority",
        "torbay-council",
        "--on",
        "2018-08-27",
        "--format",
        "csv",
    ).rows()
    botham = [row for row in rows if row["name"] == "Alison Botham"]
    assert [(row["role"], row["manner"], row["employerLabel"], row["certainty"]) for row in botham] == [
        ("director of children's services", "shared", "Plymouth City Council", "definite")
    ]


def test_bournemouth_s_managing_director(run: Run) -> None:
    rows = run(
        "query",
        "person/post-holders",
        "--authority",
        "bournemouth-borough-council",
        "--on",
        "2018-08-27",
        "--format",
        "csv",
    ).rows()
    portman = [row for row in rows if row["name"] == "Jane Portman" and row["role"] == "chief executive"]
    assert [(row["title"].lower(), row["certainty"]) for row in portman] == [
        ("managing director", "definite")
    ]


@pytest.mark.parametrize(
    ("publication", "names"),
    [("cypnow-2018-08-27", {"Jane Portman", "Alison Botham"}), ("localgov-54024", {"John Coughlan"})],
)
def test_whom_the_two_articles_name(run: Run, publication: str, names: set[str]) -> None:
    rows = run("query", "person/named-in", "--publication", publication, "--format", "csv").rows()
    assert {row["name"] for row in rows} == names
    assert all(row["passage"].startswith("paragraph") for row in rows)


def test_every_paragraph_of_the_articles_that_states_a_fact_is_held(run: Run) -> None:
    """The paragraphs that the facts gathered list, each by a claim or by a record that cites it."""
    wanted = {
        "localgov-54024": {1, 2, 3, 4, 5, 6, 7, 8},
        "cypnow-2018-08-27": {1, 2, 3, 4, 5, 6, 7, 11, 12, 15, 16, 17, 18, 21, 22},
    }
    query = (
        "SELECT DISTINCT ?passage { ?record cg:citesPassage ?passage . ?passage dcterms:isPartOf source:%s }"
    )
    for source, paragraphs in wanted.items():
        rows = run("sparql", query % source, "--format", "csv").rows()
        held = {int(row["passage"].rpartition("-")[2]) for row in rows}
        assert paragraphs <= held, f"{source}: {sorted(paragraphs - held)}"


def test_care_leavers_series(run: Run) -> None:
    """Separate in the SIF, folded into children in care in ILACS until 2022, separate again from January 2023."""
    rows = run("query", "inspection/history", "--authority", "torbay-council", "--format", "csv").rows()
    separate = {row["onSiteFrom"] for row in rows if "care leavers" in row["judged"] and row["grade"]}
    assert {"2015-10-12", "2018-06-11", "2026-01-12"} <= separate
    assert "2022-03-21" not in separate


def test_every_record_has_a_registered_source(run: Run) -> None:
    query = """SELECT ?record { ?record a ?class . FILTER (STRSTARTS(STR(?record), "https://w3id.org/councilgraph/id/"))
      FILTER (?class != cg:Source && ?class != cg:Passage) MINUS { ?record dcterms:source ?source . ?source a cg:Source } }"""
    assert run("sparql", query, "--format", "csv").rows() == []


def test_the_data_has_no_findings(run: Run) -> None:
    answer = run("check")
    assert answer.code == 0, answer.out


def test_facts_gathered_are_all_in(run: Run) -> None:
    """Every graded inspection of these councils in the facts gathered is in the graph, with its overall grade."""
    import csv

    path = ROOT.parent / "shared" / "facts" / "inspections.csv"
    if not path.exists():
        pytest.skip("the facts gathered (../shared/facts) are absent")
    places = {
        "80572": "torbay-council",
        "80538": "plymouth-city-council",
        "80461": "devon-county-council",
        "2532283": "dorset-council",
        "2532287": BCP,
    }
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["urn"] in places]
    query = """SELECT ?inspection ?body ?from ?published ?grade {
      ?inspection cg:inspects ?body ; cg:fromText ?from . OPTIONAL { ?inspection cg:publishedText ?published }
      OPTIONAL { ?judgement cg:isMadeIn ?inspection ; cg:isAbout topic:overall ; cg:awards ?grade } }"""
    held = run("sparql", query, "--format", "csv").rows()
    known = {(row["body"], row["published"] or row["from"]): row["grade"].rpartition("/")[2] for row in held}
    for row in rows:
        if row["framework"] in ("SIF", "ILACS") and row["overall"]:
            key = (BODY + places[row["urn"]], row["publication_date"])
            assert known.get(key) == row["overall"].replace(" ", "-"), row
    assert len(rows) >= 40
    starts = {(row["body"], row["from"]) for row in held}
    published = {(row["body"], row["published"]) for row in held}
    for row in rows:
        body = BODY + places[row["urn"]]
        assert (body, row["start_date"]) in starts or (body, row["publication_date"]) in published, row
