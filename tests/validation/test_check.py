"""The command `check`: what it tells of the tables and of anybody's RDF, in every form, and a clear end to each."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
import rdflib
from pyoxigraph import Quad, RdfFormat, Store, parse
from rdflib.namespace import RDF, SH

from conftest import ROOT, WORLD, Result, rooms_with
from councilgraph import bundle, dataset
from councilgraph.namespaces import PREFIXES

Run = Callable[..., Result]
SHAPE = "https://w3id.org/councilgraph/shapes#"
#: The rule that finds a service managed for a council that is not accountable for it.
SWAP = "Holding-forAccountableStart"
RULES = ("--shape", SWAP, "--shape", "Holding-gap")
HOLDING = f"{PREFIXES['holding']}dorset-county-council.upper-tier.poole.accountable.1974-04-01"
#: The functions of the upper tier that have no parts.
UPPER = {
    "adult social care",
    "children's social care",
    "education",
    "highways",
    "libraries",
    "special educational needs and disability services",
}


def _break(root: Path, table: str, right: str, wrong: str) -> None:
    path = root / "data" / table
    text = path.read_text(encoding="utf-8")
    assert text.count(right) == 1, right
    path.write_text(text.replace(right, wrong), encoding="utf-8")


def _open_gap(root: Path) -> None:
    """Poole has nobody for the upper tier in the year before it became unitary."""
    row = "dorset-county-council,upper-tier,poole,accountable,,1974-04-01,"
    _break(root, "holdings.csv", f"{row}1997-04-01", f"{row}1996-04-01")


def _misname_principal(root: Path) -> None:
    row = "plymouth-city-council,childrens-services,torbay,managing,"
    _break(root, "holdings.csv", f"{row}torbay-council,", f"{row}plymouth-city-council,")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature world with a gap in Poole, and with Plymouth managing Torbay's services for itself."""
    root = rooms_with(WORLD / "data", tmp_path_factory.mktemp("broken"))
    _open_gap(root)
    _misname_principal(root)
    return root


def _rule(row: dict[str, str]) -> str:
    return row["rule"].removeprefix(SHAPE)


def _results(turtle: str) -> tuple[rdflib.Graph, list[rdflib.term.Node]]:
    """A validation report, read strictly, and its results; each has what the W3C says that it must have."""
    assert list(parse(turtle, format=RdfFormat.TURTLE))
    graph = rdflib.Graph().parse(data=turtle, format="turtle")
    (report,) = graph.subjects(RDF.type, SH.ValidationReport)
    results = list(graph.objects(report, SH.result))
    for result in results:
        for predicate in (SH.focusNode, SH.resultSeverity, SH.sourceConstraintComponent):
            assert len(list(graph.objects(result, predicate))) == 1, predicate
    # SHACL 3.6: a graph conforms where there is no result, whatever its severity
    assert graph.value(report, SH.conforms) == rdflib.Literal(not results)
    return graph, results


# what it tells, in every form


@pytest.fixture
def rows(run: Run, broken: Path) -> list[dict[str, str]]:
    """What two rules find in the broken world."""
    answer = run("check", "--root", broken, *RULES, "--format", "csv")
    assert answer.code == 1
    return answer.rows()


def test_findings_stand_by_rule_with_their_number(run: Run, broken: Path, rows: list[dict[str, str]]) -> None:
    answer = run("check", "--root", broken, *RULES)
    assert answer.code == 1
    blocks = {block.splitlines()[0]: block.splitlines()[1:] for block in answer.out.split("\n\n")}
    assert {head.split()[0]: len(lines) for head, lines in blocks.items()} == Counter(map(_rule, rows))
    (swap,) = blocks[f"{SWAP} (1)"]
    assert swap.startswith("data/holdings.csv:")
    assert "Plymouth City Council" in swap
    gaps = blocks["Holding-gap (6)"]
    assert {line.split(" accountable for ")[1].split(" in Poole")[0] for line in gaps} == UPPER
    assert answer.err.splitlines()[-1] == f"{len(rows)} findings."


def test_csv_names_the_cell(rows: list[dict[str, str]], broken: Path) -> None:
    assert Counter(map(_rule, rows)) == {SWAP: 1, "Holding-gap": 6}
    gap = next(row for row in rows if _rule(row) == "Holding-gap")
    lines = (broken / "data" / "holdings.csv").read_text(encoding="utf-8").splitlines()
    assert lines[int(gap["line"]) - 1].startswith("dorset-county-council,upper-tier,poole,")
    assert gap["file"] == "data/holdings.csv"
    assert (gap["column"], gap["value"], gap["severity"]) == ("until", "1996-04-01", "Violation")
    assert gap["focus"] == HOLDING


def test_json_says_what_csv_says(run: Run, broken: Path, rows: list[dict[str, str]]) -> None:
    told = json.loads(run("check", "--root", broken, *RULES, "--format", "json").out)
    assert [{name: str(value) for name, value in finding.items()} for finding in told] == rows


def test_junit_has_a_case_for_a_rule_and_a_failure_for_a_finding(
    run: Run, broken: Path, rows: list[dict[str, str]]
) -> None:
    answer = run("check", "--root", broken, *RULES, "--format", "junit")
    suite = ElementTree.fromstring(answer.out)  # noqa: S314 — our own output
    found = Counter(map(_rule, rows))
    assert (suite.tag, suite.get("tests")) == ("testsuite", str(len(found)))
    assert suite.get("failures") == str(len(rows))
    failures = {case.get("name"): case.findall("failure") for case in suite.iter("testcase")}
    assert {name: len(group) for name, group in failures.items()} == found
    first = failures["Holding-gap"][0]
    assert first.get("type") == "Violation"
    assert (first.get("message") or "").endswith("in Poole from 1996-04-01.")
    assert (first.text or "").startswith("data/holdings.csv:")


def test_junit_without_findings_has_a_case_that_passes(run: Run, broken: Path) -> None:
    answer = run("check", "--root", broken, "--shape", "Holding-actsFor", "--format", "junit")
    assert answer.code == 0
    suite = ElementTree.fromstring(answer.out)  # noqa: S314 — our own output
    assert [suite.get("failures"), len(suite.findall("testcase"))] == ["0", 1]


def test_sarif_has_what_version_2_1_0_requires(run: Run, broken: Path, rows: list[dict[str, str]]) -> None:
    log = json.loads(run("check", "--root", broken, *RULES, "--format", "sarif").out)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (told,) = log["runs"]
    driver = told["tool"]["driver"]
    assert driver["name"] == "councilgraph"
    rules = [rule["id"] for rule in driver["rules"]]
    assert sorted(set(rules)) == rules
    assert Counter(result["ruleId"] for result in told["results"]) == Counter(map(_rule, rows))
    assert {result["ruleId"] for result in told["results"]} == set(rules)
    for result in told["results"]:
        assert result["message"]["text"]
        (place,) = result["locations"]
        physical = place["physicalLocation"]
        assert physical["artifactLocation"]["uri"] == "data/holdings.csv"
        assert physical["region"]["startLine"] > 1
        assert result["level"] == "error" or result["ruleId"] != "Holding-gap"


def test_sarif_without_findings_has_an_empty_list_of_results(run: Run, broken: Path) -> None:
    log = json.loads(run("check", "--root", broken, "--shape", "Holding-actsFor", "--format", "sarif").out)
    assert log["runs"][0]["results"] == []


def test_turtle_is_a_validation_report(run: Run, broken: Path) -> None:
    answer = run("check", "--root", broken, "--format", "turtle")
    assert answer.code == 1
    graph, results = _results(answer.out)
    told = Counter(graph.value(result, SH.sourceShape) for result in results)
    assert told[rdflib.URIRef(f"{SHAPE}Holding-gap")] == 6
    assert (None, SH.focusNode, rdflib.URIRef(HOLDING)) in graph


def test_turtle_tells_of_what_is_asked_for_alone(run: Run, broken: Path, rows: list[dict[str, str]]) -> None:
    answer = run("check", "--root", broken, *RULES, "--only", "holdings", "--format", "turtle")
    assert (answer.code, len(_results(answer.out)[1])) == (1, len(rows))
    answer = run("check", "--root", broken, *RULES, "--only", "people", "--format", "turtle")
    assert (answer.code, len(_results(answer.out)[1])) == (0, 0)


@pytest.mark.parametrize("form", ["table", "csv", "json", "junit", "sarif", "turtle"])
def test_a_table_that_cannot_be_read_is_told_of_in_every_form(run: Run, root: Path, form: str) -> None:
    row = "dorset-county-council,upper-tier,poole,"
    _break(root, "holdings.csv", f"{row}accountable", f"{row}acountable")
    answer = run("check", "--root", root, "--format", form)
    assert answer.code == 1
    assert "acountable" in answer.out
    match form:
        case "csv":
            assert [row["column"] for row in answer.rows()] == ["capacity"]
        case "json":
            assert [finding["line"] for finding in json.loads(answer.out)] == [3]
        case "junit":
            assert ElementTree.fromstring(answer.out).get("failures") == "1"  # noqa: S314 — our own output
        case "sarif":
            assert len(json.loads(answer.out)["runs"][0]["results"]) == 1
        case "turtle":
            assert len(_results(answer.out)[1]) == 1
        case _:
            assert answer.out.startswith("data/holdings.csv:3: capacity:")


# what is asked for


@pytest.mark.parametrize("name", ["Holding-gap", "cgsh:Holding-gap", f"{SHAPE}Holding-gap"])
def test_a_rule_of_its_own(run: Run, broken: Path, name: str) -> None:
    answer = run("check", "--root", broken, "--shape", name, "--format", "csv")
    assert answer.code == 1
    assert Counter(map(_rule, answer.rows())) == {"Holding-gap": 6}


def test_a_rule_about_one_property(run: Run, broken: Path) -> None:
    answer = run("check", "--root", broken, "--shape", "Holding-actsFor")
    assert (answer.code, answer.out) == (0, "")


@pytest.mark.parametrize("option", ["--shape", "--explain"])
def test_a_rule_that_there_is_not(run: Run, world_root: Path, option: str) -> None:
    answer = run("check", "--root", world_root, option, "Holding-gab")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f'councilgraph: {option}: "Holding-gab" is no rule. Did you mean Holding-gap?\n'


@pytest.mark.parametrize("word", ["holdings", "holdings.csv", "data/holdings.csv"])
def test_a_table_of_its_own(run: Run, broken: Path, word: str) -> None:
    answer = run("check", "--root", broken, *RULES, "--only", word, "--format", "csv")
    assert answer.code == 1
    assert {row["file"] for row in answer.rows()} == {"data/holdings.csv"}


def test_another_table(run: Run, broken: Path) -> None:
    answer = run("check", "--root", broken, *RULES, "--only", "people")
    assert (answer.code, answer.out) == (0, "")


@pytest.mark.parametrize("word", [HOLDING, HOLDING.removeprefix("https://w3id.org/councilgraph/id/")])
def test_a_record_of_its_own(run: Run, broken: Path, word: str) -> None:
    answer = run("check", "--root", broken, *RULES, "--only", word, "--format", "csv")
    assert answer.code == 1
    assert {row["focus"] for row in answer.rows()} == {HOLDING}
    assert Counter(map(_rule, answer.rows()))["Holding-gap"] == 6


def test_what_has_changed_since_the_build(run: Run, root: Path) -> None:
    _misname_principal(root)
    dataset.build(bundle.rooms(root), lambda *_: [])  # a store with a fault that is known
    _open_gap(root)
    answer = run("check", "--root", root, *RULES, "--only", "changed", "--format", "csv")
    assert answer.code == 1
    assert {row["focus"] for row in answer.rows()} == {HOLDING}


@pytest.mark.parametrize("word", ["holdngs", "judgments.csv"])
def test_a_table_that_there_is_not(run: Run, world_root: Path, word: str) -> None:
    answer = run("check", "--root", world_root, "--only", word)
    assert (answer.code, answer.out) == (2, "")
    said = answer.err.splitlines()[-1]
    assert said.startswith(f'councilgraph: --only: "{word}" is no ')
    assert f"Did you mean {'holdings' if word == 'holdngs' else 'judgements'}" in said


def test_a_rule_about_a_property_explained(run: Run, world_root: Path) -> None:
    answer = run("check", "--root", world_root, "--explain", "Holding-actsFor")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        f"rule: {SHAPE}Holding-actsFor",
        "severity: Violation",
        "looks at: cg:Holding",
        "path: cg:actsFor",
        "terms: class cg:Body; maxCount 1",
        "message: A holding acts for one body at most.",
        "remedy: Name one body in the column acts_for of data/holdings.csv; give a second council a row of its own.",
    ]


def test_a_rule_in_sparql_explained(run: Run, world_root: Path) -> None:
    answer = run("check", "--root", world_root, "--explain", "Holding-gap")
    assert answer.code == 0
    head, _, query = answer.out.partition("\n\n")
    assert "looks at: cg:Holding" in head.splitlines()
    assert "message: Nobody is recorded as accountable for {?functionLabel} in {?areaLabel}" in head
    assert "remedy: " in head
    assert query.startswith("SELECT $this ")
    assert query.endswith("}\n")


def test_a_group_of_rules_explained(run: Run, world_root: Path) -> None:
    answer = run("check", "--root", world_root, "--explain", "Holding")
    assert answer.code == 0
    assert "Holding-actsFor" in answer.out
    assert "A canned query" not in answer.out


WARNED = next(
    path
    for path in sorted((ROOT / "tests" / "shapes").glob("*/invalid.*.expected"))
    if {line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()} == {"Warning"}
).with_suffix(".ttl")


def test_warnings_count_when_asked(run: Run, world_root: Path) -> None:
    lenient = run("check", WARNED, "--root", world_root)
    strict = run("check", WARNED, "--root", world_root, "--strict")
    assert (lenient.code, strict.code) == (0, 1)
    assert lenient.out == strict.out
    assert ", warning)\n" in strict.out


def test_a_warning_is_no_error_in_sarif(run: Run, world_root: Path) -> None:
    log = json.loads(run("check", WARNED, "--root", world_root, "--format", "sarif").out)
    assert {result["level"] for result in log["runs"][0]["results"]} == {"warning"}


def test_sarif_says_which_file_of_others_it_is(run: Run, world_root: Path) -> None:
    log = json.loads(run("check", WARNED, "--root", world_root, "--format", "sarif").out)
    places = [result["locations"][0]["physicalLocation"] for result in log["runs"][0]["results"]]
    assert {place["artifactLocation"]["uri"] for place in places} == {str(WARNED)}
    assert not any("region" in place for place in places)  # of which line it is, nobody knows


def test_findings_name_which_of_several_files_they_are_of(run: Run, tmp_path: Path) -> None:
    data, *shapes = _theirs(tmp_path, COUNTED)
    more = tmp_path / "more.ttl"
    more.write_text(f"{HEAD} ex:z a ex:Town ; ex:near ex:a .", encoding="utf-8")
    rows = run("check", more, data, *shapes, "--format", "csv").rows()
    told = {(Path(row["file"]).name, row["focus"].removeprefix("http://example.org/")) for row in rows}
    assert told == {("more.ttl", "z"), ("towns.ttl", "b"), ("towns.ttl", "c")}
    (log,) = json.loads(run("check", more, data, *shapes, "--format", "sarif").out)["runs"]
    places = [result["locations"][0]["physicalLocation"]["artifactLocation"] for result in log["results"]]
    assert [Path(place["uri"]).name for place in places] == ["more.ttl", "towns.ttl", "towns.ttl"]


def test_a_report_says_the_same_each_time(tmp_path: Path) -> None:
    paths = _theirs(
        tmp_path, COUNTED.replace("ex:Town-population .", "[ sh:path ex:near ; sh:maxCount 0 ] .", 1)
    )
    (first, _), (second, _) = (_apart(*paths, "--format", "turtle", within=60) for _ in range(2))
    assert len(_results(first.stdout)[1]) == 3
    assert first.stdout == second.stdout


def test_a_malformed_literal_is_a_finding_and_nothing_beside(tmp_path: Path) -> None:
    paths = _theirs(tmp_path, COUNTED, TOWNS.replace("5", '"five"^^xsd:integer'))
    done, _ = _apart(*paths, within=60)
    assert done.returncode == 1
    assert 'http://example.org/population: "five" A town has' in done.stdout
    assert done.stderr.splitlines() == ["3 findings."]


def test_a_report_tells_of_counts_that_are_not_met(run: Run, tmp_path: Path) -> None:
    root = rooms_with(WORLD / "data", tmp_path)
    table = root / "data" / "expectations.csv"
    with table.open("a", encoding="utf-8") as file:
        file.write("wrong,authority/count-on,2023-05-01,,12345,ukpga-1972-70,\n")
    answer = run("check", "--root", root, "--format", "turtle")
    assert answer.code == 1
    graph, (result,) = _results(answer.out)
    assert str(graph.value(result, SH.focusNode)) == "data/expectations.csv:2"
    assert "12345" in str(graph.value(result, SH.resultMessage))


def test_a_shape_that_cannot_be_read_is_named_by_its_file(run: Run, tmp_path: Path) -> None:
    shapes = tmp_path / "mine.ttl"
    shapes.write_text(
        "@prefix sh: <http://www.w3.org/ns/shacl#> .\n"
        '<urn:s> a sh:NodeShape ; sh:targetNode <urn:a> ; sh:property [ sh:path <urn:p> ; sh:pattern "(" ] .\n',
        encoding="utf-8",
    )
    data = tmp_path / "data.ttl"
    data.write_text('<urn:a> <urn:p> "x" .\n', encoding="utf-8")
    answer = run("check", data, "--shapes", shapes)
    assert answer.code == 3
    assert f"councilgraph: {shapes}: " in answer.err


def test_a_report_with_a_warning_does_not_conform(run: Run, world_root: Path) -> None:
    answer = run("check", WARNED, "--root", world_root, "--format", "turtle")
    assert answer.code == 0
    assert _results(answer.out)[1]


def test_both_engines_find_the_same(run: Run, broken: Path) -> None:
    found = run("check", "--root", broken, *RULES, "--format", "csv")
    judged = run("check", "--root", broken, *RULES, "--format", "csv", "--engine", "pyshacl")
    assert found.code == judged.code == 1
    assert found.out == judged.out
    assert len(found.rows()) == 7


# other people's data against our shapes

GAP = ROOT / "tests" / "shapes" / "function" / "invalid.gap.ttl"
FORMS = {
    "ttl": RdfFormat.TURTLE,
    "nt": RdfFormat.N_TRIPLES,
    "jsonld": RdfFormat.JSON_LD,
    "rdf": RdfFormat.RDF_XML,
}


def _converted(path: Path, target: Path, form: RdfFormat) -> Path:
    store = Store()
    store.bulk_extend(
        Quad(q.subject, q.predicate, q.object) for q in parse(path.read_bytes(), RdfFormat.TURTLE)
    )
    store.dump(target, format=form, from_graph=next(iter(store)).graph_name)
    return target


@pytest.mark.parametrize("ending", FORMS)
def test_anybodys_rdf(run: Run, world_root: Path, tmp_path: Path, ending: str) -> None:
    path = _converted(GAP, tmp_path / f"theirs.{ending}", FORMS[ending])
    answer = run("check", path, "--root", world_root, "--format", "csv")
    assert answer.code == 1
    assert "Holding-gap" in set(map(_rule, answer.rows()))
    same = run("check", GAP, "--root", world_root, "--format", "csv").rows()
    assert answer.rows() == [row | {"file": str(path)} for row in same]


def test_several_files_are_one_graph(run: Run, world_root: Path, tmp_path: Path) -> None:
    quads = list(parse(GAP.with_name("valid.christchurch-and-torbay.ttl").read_bytes(), RdfFormat.TURTLE))
    kinds = [q for q in quads if q.predicate.value == str(RDF.type)]
    paths = [tmp_path / "kinds.nt", tmp_path / "rest.nt"]
    for path, part in zip(paths, (kinds, [q for q in quads if q not in kinds]), strict=True):
        path.write_text("".join(f"{quad.triple} .\n" for quad in part), encoding="utf-8")
    assert run("check", *paths, "--root", world_root).code == 0
    assert run("check", paths[0], "--root", world_root).code == 1  # bodies of which nothing is said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("theirs.ttl", "@prefix cg: <https://w3id.org/councilgraph/def#> .\n<a> a cg:Body"),
        ("theirs.nt", "<http://example.org/a> a <http://example.org/B> .\n"),
        ("theirs.jsonld", '{"@id": "http://example.org/a", '),
        ("theirs.rdf", "<rdf:RDF>"),
        ("theirs.ttl", "\udcff"),
    ],
    ids=["turtle", "n-triples", "json-ld", "rdf-xml", "not-utf-8"],
)
def test_a_file_that_is_not_what_its_ending_says(
    run: Run, world_root: Path, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    answer = run("check", tmp_path / name, "--root", world_root)
    assert (answer.code, answer.out) == (3, "")
    (said,) = answer.err.splitlines()
    assert said.startswith(f"councilgraph: {tmp_path / name}")
    assert said.endswith("Mend the file.")
    assert "Parser error" not in said


def test_a_file_that_is_not_there(run: Run, world_root: Path, tmp_path: Path) -> None:
    path = tmp_path / "nowhere.ttl"
    for asked in ((WARNED, path), (WARNED, "--shapes", path)):
        answer = run("check", *asked, "--root", world_root)
        assert (answer.code, answer.out) == (2, "")
        assert answer.err == f"councilgraph: {path}: is not there. Look at its path.\n"


# shapes of theirs

HEAD = (
    "@prefix ex: <http://example.org/> .\n@prefix sh: <http://www.w3.org/ns/shacl#> .\n"
    "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n"
)
TOWNS = f"""{HEAD}
ex:a a ex:Town ; ex:population 5 ; ex:near ex:b .
ex:b a ex:Town ; ex:population "many" ; ex:near ex:a .
ex:c a ex:Town ; ex:near ex:c .
"""
COUNTED = f"""{HEAD}
ex:Town-shape a sh:NodeShape ; sh:targetClass ex:Town ; sh:property ex:Town-population .
ex:Town-population a sh:PropertyShape ; sh:path ex:population ; sh:minCount 1 ; sh:datatype xsd:integer ;
  sh:message "A town has a whole number of people." ; sh:description "Count them." .
"""


def _theirs(folder: Path, shapes: str, data: str = TOWNS) -> tuple[Path, str, Path]:
    (folder / "shapes.ttl").write_text(shapes, encoding="utf-8")
    (folder / "towns.ttl").write_text(data, encoding="utf-8")
    return folder / "towns.ttl", "--shapes", folder / "shapes.ttl"


def test_a_shape_of_theirs(run: Run, tmp_path: Path) -> None:
    answer = run("check", *_theirs(tmp_path, COUNTED), "--format", "csv")
    assert answer.code == 1
    told = [(row["focus"], row["value"], row["why"], row["remedy"]) for row in answer.rows()]
    assert sorted(told) == [
        ("http://example.org/b", "many", "A town has a whole number of people.", "Count them."),
        ("http://example.org/c", "", "A town has a whole number of people.", "Count them."),
    ]


def test_a_shape_of_theirs_without_a_name(run: Run, tmp_path: Path) -> None:
    nameless = f"{HEAD} ex:S a sh:NodeShape ; sh:targetClass ex:Town ; sh:property [ sh:path ex:population ; sh:minCount 1 ] ."
    paths = _theirs(tmp_path, nameless)
    rows = run("check", *paths, "--format", "csv").rows()
    assert [row["focus"] for row in rows] == ["http://example.org/c"]
    suite = ElementTree.fromstring(run("check", *paths, "--format", "junit").out)  # noqa: S314 — our own output
    assert [case.get("name") for case in suite.iter("testcase")] != ["tables"]  # there is no table


def test_their_rules_can_be_chosen_and_explained(run: Run, tmp_path: Path) -> None:
    paths = _theirs(tmp_path, COUNTED)
    name = "http://example.org/Town-population"
    assert run("check", *paths, "--shape", name).code == 1
    assert "terms: datatype xsd:integer; minCount 1" in run("check", *paths, "--explain", name).out
    answer = run("check", *paths, "--shape", "http://example.org/Town-populaton")
    assert answer.code == 2
    assert f"Did you mean {name}?" in answer.err


def test_shapes_of_theirs_need_files(run: Run, tmp_path: Path) -> None:
    answer = run("check", *_theirs(tmp_path, COUNTED)[1:])
    assert (answer.code, answer.out) == (2, "")
    assert "has no files to check" in answer.err


SELECT = "sh:targetClass ex:Town ; sh:sparql [ sh:select '''{}''' ] ."
WRONG = {
    "syntax": ("ex:S a sh:NodeShape ; sh:targetClass ex:Town", "is not Turtle"),
    "word": (
        "ex:S a sh:NodeShape ; sh:targetClass ex:Town ; sh:property [ sh:path ex:population ; sh:minCuont 1 ] .",
        "sh:minCuont is no word of SHACL. Did you mean minCount?",
    ),
    "recursion": (
        "ex:S a sh:NodeShape ; sh:targetClass ex:Town ; sh:property [ sh:path ex:near ; sh:node ex:S ] .",
        "ecursi",
    ),
    "number": (
        'ex:S a sh:NodeShape ; sh:targetClass ex:Town ; sh:property [ sh:path ex:population ; sh:minCount "one" ] .',
        "sh:minCount must be a literal with datatype xsd:integer",
    ),
    "no-path": (
        "ex:S a sh:NodeShape ; sh:targetClass ex:Town ; sh:property ex:P . ex:P sh:minCount 1 .",
        "http://example.org/P",
    ),
    "expression": (
        'ex:S a sh:NodeShape ; sh:targetClass ex:Town ; sh:property [ sh:path ex:population ; sh:pattern "[" ] .',
        "unterminated",
    ),
    "query": (f"ex:S a sh:NodeShape ; {SELECT.format('SELECT $this WHERE { $this ')}", "SelectQuery"),
    "dataset": (
        f"ex:S a sh:NodeShape ; {SELECT.format('SELECT $this WHERE { GRAPH ?g { $this ?p ?o } }')}",
        "dataset",
    ),
    "no-shape": ("ex:a ex:b ex:c .", "shape"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("engine", ["store", "pyshacl"])
def test_a_shape_that_cannot_be_used(run: Run, tmp_path: Path, kind: str, engine: str) -> None:
    shapes, why = WRONG[kind]
    answer = run("check", *_theirs(tmp_path, HEAD + shapes), "--engine", engine)
    assert (answer.code, answer.out) == (3, "")
    (said,) = answer.err.splitlines()
    assert said.startswith(f"councilgraph: {tmp_path / 'shapes.ttl'}:")
    assert why in said
    assert kind in ("syntax", "word", "no-shape", "number") or "http://example.org/S: " in said
    assert "unforeseen" not in said


# a clear end


def _apart(*args: object, within: float) -> tuple[subprocess.CompletedProcess[str], float]:
    """The command in a process of its own, and how many seconds it took."""
    start = time.monotonic()
    command = [sys.executable, "-m", "councilgraph", "check", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=within, check=False)
    return done, time.monotonic() - start


ENDLESS = " ".join(f"?s{n} ?p{n} ?o{n} ." for n in range(12))
NEVER = f"CONCAT({', '.join(f'STR(?o{n})' for n in range(12))}) = STR(?v)"


@pytest.mark.parametrize("engine", ["store", "pyshacl"])
def test_a_query_without_end_is_given_up(tmp_path: Path, engine: str) -> None:
    query = f"SELECT $this WHERE {{ $this ex:near ?v . {ENDLESS} FILTER ({NEVER}) }}"
    query = query.replace("ex:near", "<http://example.org/near>")
    paths = _theirs(tmp_path, f"{HEAD} ex:S a sh:NodeShape ; {SELECT.format(query)}")
    done, took = _apart(*paths, "--engine", engine, "--timeout", "1.5", within=60)
    assert (done.returncode, done.stdout) == (3, "")
    (said,) = done.stderr.splitlines()
    assert said.startswith("councilgraph: check: was not done after 1.5 seconds.")
    assert took < 20  # however busy the machine


def test_ten_thousand_findings(tmp_path: Path) -> None:
    towns = "".join(f'ex:t{n} a ex:Town ; ex:population "x{n}" .\n' for n in range(10_000))
    paths = _theirs(tmp_path, COUNTED, HEAD + towns)
    done, took = _apart(*paths, "--format", "csv", "--timeout", "60", within=90)
    assert done.returncode == 1
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert len(rows) == 10_000
    assert {row["focus"] for row in rows} == {f"http://example.org/t{n}" for n in range(10_000)}
    assert took < 60


LAW = """
source:law a cg:Source ; skos:prefLabel "Law" ; dcterms:title "Law" ; dc:publisher "Parliament" ;
  cg:hasSourceKind source-kind:legislation .
area:town a cg:Atom ; skos:prefLabel "Town" ; cg:hasAtom area:town ; dcterms:source source:law .
instrument:order a cg:Instrument ; skos:prefLabel "Order" ; dcterms:title "Order" ;
  cg:hasInstrumentKind instrument-kind:order ; dcterms:source source:law .
"""


def _day(month: int) -> str:
    """The first of a month, counted from April 1974."""
    return date(1974 + (month + 3) // 12, (month + 3) % 12 + 1, 1).isoformat()


def _held(since: int, until: int | None) -> str:
    end = (
        f'cg:untilEarliest "{_day(until)}"^^xsd:date ; cg:untilLatest "{_day(until)}"^^xsd:date'
        if until is not None
        else "cg:untilStatus cg:Ongoing"
    )
    start = f'cg:fromEarliest "{_day(since)}"^^xsd:date ; cg:fromLatest "{_day(since)}"^^xsd:date'
    return f"{start} ; {end} ; dcterms:source source:law ."


def _body(name: str, since: int, until: int | None) -> str:
    return f"""
body:{name} a cg:Authority ; skos:prefLabel "{name}" ; {_held(since, until)}
name:{name} a cg:NameUse ; skos:prefLabel "{name} (legal name)" ; cg:concerns body:{name} ; cg:name "{name}" ;
  cg:hasNameKind name-kind:legal ; {_held(since, until)}
"""


def _holding(body: str, since: int, until: int | None) -> str:
    return f"""
holding:{body}.{since} a cg:Holding ; skos:prefLabel "{body} in Town" ; cg:isHeldBy body:{body} ;
  cg:coversFunction fn:principal ; cg:coversArea area:town ; cg:hasCapacity capacity:accountable ; {_held(since, until)}
"""


def _reorganisation(month: int, **effects: str) -> str:
    told = f"""
reorganisation:r{month} a cg:Reorganisation ; skos:prefLabel "Reorganisation {month}" ; cg:hasStage stage:in-force ;
  cg:vestsOn "{_day(month)}"^^xsd:date ; cg:isMadeBy instrument:order ; dcterms:source source:law .
"""
    for body, kind in effects.items():
        told += f"""
effect:r{month}.{body} a cg:Effect ; skos:prefLabel "{body} {kind}" ; cg:isEffectOf reorganisation:r{month} ;
  cg:concerns body:{body} ; cg:hasEffectKind effect-kind:{kind} ; cg:coversFunction fn:principal ;
  cg:coversArea area:town ; dcterms:source source:law .
"""
    return told


def _written(path: Path, *parts: str) -> Path:
    prefixes = "".join(f"@prefix {prefix}: <{base}> .\n" for prefix, base in PREFIXES.items())
    path.write_text(prefixes + LAW + "".join(parts), encoding="utf-8")
    return path


def _chain(path: Path, links: int, missing: int | None = None) -> Path:
    """Councils that follow each other month by month; one of them may never have held anything."""
    parts = []
    for n in range(links + 1):
        end = n + 1 if n < links else None
        parts.append(_body(f"c{n}", n, end))
        if n != missing:
            parts.append(_holding(f"c{n}", n, end))
        if n:
            parts.append(_reorganisation(n, **{f"c{n - 1}": "abolished", f"c{n}": "established"}))
    return _written(path, *parts)


def test_a_deep_lineage(run: Run, world_root: Path, tmp_path: Path) -> None:
    answer = run("check", _chain(tmp_path / "chain.ttl", 200), "--root", world_root, "--format", "csv")
    assert [row for row in answer.rows() if row["severity"] == "Violation"] == []
    assert answer.code == 0


def test_a_link_that_is_missing_in_a_lineage(run: Run, world_root: Path, tmp_path: Path) -> None:
    path = _chain(tmp_path / "chain.ttl", 40, missing=30)
    answer = run("check", path, "--root", world_root, "--shape", "Holding-gap", "--format", "csv")
    assert answer.code == 1
    assert {(row["focus"], row["value"]) for row in answer.rows()} == {
        (f"{PREFIXES['holding']}c29.29", _day(30))
    }


def test_a_duty_that_comes_back(run: Run, world_root: Path, tmp_path: Path) -> None:
    """A council that takes back what it gave away is its own predecessor's successor: a circle is told of."""
    path = _written(
        tmp_path / "back.ttl",
        _body("a", 0, None),
        _body("b", 0, None),
        _holding("a", 0, 12),
        _holding("b", 12, 24),
        _holding("a", 24, None),
        _reorganisation(12, a="lost-functions", b="gained-functions"),
        _reorganisation(24, b="lost-functions", a="gained-functions"),
    )
    answer = run("check", path, "--root", world_root, "--format", "csv")
    assert answer.code == 1
    assert _circle(answer) == {("a", "b"), ("b", "a")}
    assert set(map(_rule, answer.rows())) == {"Body-lineage"}


def _circle(answer: Result) -> set[tuple[str, str]]:
    """The councils that are said to come before themselves, each with the other one."""
    body = PREFIXES["body"]
    return {
        (row["focus"].removeprefix(body), row["value"].removeprefix("body:"))
        for row in answer.rows()
        if _rule(row) == "Body-lineage"
    }


def test_typed_predecessors_in_a_circle(run: Run, world_root: Path, tmp_path: Path) -> None:
    path = _written(
        tmp_path / "circle.ttl",
        _body("a", 0, None),
        _body("b", 0, None),
        "body:a cg:predecessor body:b . body:b cg:predecessor body:a .\n"
        "body:a cg:ancestorForChildrensServices body:b . body:b cg:ancestorForChildrensServices body:a .\n",
    )
    answer = run("check", path, "--root", world_root, "--format", "csv")
    assert answer.code == 1
    assert _circle(answer) == {("a", "b"), ("b", "a")}
