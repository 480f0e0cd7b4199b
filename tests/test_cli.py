"""The command line: help with examples, clear errors, exit codes, stable formats, quick start-up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse

from conftest import Result
from councilgraph import cli

Run = Callable[..., Result]
COMMANDS = ["who", "lineage", "query", "sparql", "build", "check", "push", "dump", "verify", "diff", "import"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_root(run: Run, command: str) -> None:
    answer = run(command, "--help")
    assert answer.code == 0
    assert f"councilgraph {command}" in answer.out.split("Examples:")[1]
    assert "--root" in answer.out


def test_help_of_a_query_shows_its_parameters(run: Run) -> None:
    answer = run("query", "inspection/grade-on", "--help")
    assert answer.code == 0
    assert "Which overall grade did a council have" in " ".join(answer.out.split())
    assert "--authority" in answer.out
    assert "--on DAY" in answer.out


def test_the_catalogue(run: Run) -> None:
    rows = run("query", "--format", "csv").rows()
    assert len(rows) >= 12
    assert all(row["title"] and row["question"].endswith("?") for row in rows)
    assert run("query").out.count("\n") == len(rows) + 1


WRONG = [
    (("who", "atlantis"), 'AREA: "atlantis" is no area'),
    (("who", "Torbai"), "Did you mean torbay?"),
    (("who", "Hull"), "Did you mean kingston-upon-hull"),
    (("who", "christchurch", "--on", "2019-02-29"), '--on: "2019-02-29" is not a day'),
    (("who", "christchurch", "--on", "1 April"), "Write it like 2019-04-01"),
    (("who", "christchurch", "--on", "２０１９-04-01"), "is not a day"),
    (("who", "christchurch", "--function", "childrens-servces"), "Did you mean childrens-services?"),
    (("who", ""), "AREA: is empty"),
    (
        ("lineage", "Dorset"),
        "Take one of: dorset-council (Dorset Council); dorset-county-council (Dorset County Council).",
    ),
    (("lineage", "Dorset Coucil"), "Did you mean"),
    (("query", "inspection/grade"), "Did you mean inspection/grade-on?"),
    (("query", "grade-on"), "Did you mean inspection/grade-on?"),
    (("query", "inspection/grade-on", "--council", "x"), "No such option"),
    (("query", "../../etc/passwd"), "is not a canned query"),
    (("sparql",), "needs a query or a file"),
    (("sparql", "SELECT"), "is not SPARQL"),
    (("sparql", "DROP ALL"), "is an update"),
    (("sparql", "PREFIX x: <http://x/> INSERT DATA { x:a x:b x:c }"), "is an update"),
    (("sparql", "-f", "/nowhere/query.rq"), "cannot be read"),
    (("who", "christchurch", "--format", "xml"), "'xml' is not one of"),
    (("whom",), "No such command"),
    (("who",), "Missing argument"),
]


@pytest.mark.parametrize(("words", "why"), WRONG, ids=[" ".join(w) or "-" for w, _ in WRONG])
def test_what_cannot_be_read_is_said_in_one_line(run: Run, words: tuple[str, ...], why: str) -> None:
    answer = run(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert why in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert "Traceback" not in answer.err


INJECTED = [
    "torbay-council> } DROP ALL #",
    '"} DROP ALL #',
    "torbay'council",
    "torbay\ncouncil",
    "torbay\x00council",
    "\ufefftorbay-council",
    "torbay\u202ecouncil",
    "torbay council }",
    "<https://w3id.org/councilgraph/id/body/torbay-council> ?x",
    "x" * 1_000_000,
    "\udcff",
]


@pytest.mark.parametrize("value", INJECTED, ids=lambda v: ascii(v)[:30])
@pytest.mark.parametrize("param", ["--authority", "--on"])
def test_nothing_can_be_injected(run: Run, param: str, value: str) -> None:
    answer = run("query", "inspection/grade-on", param, value)
    assert answer.code == 2
    assert len(answer.err.strip().splitlines()) == 1
    assert len(answer.err) < 600
    assert run("who", "torbay", "--format", "csv").rows()[0]["label"] == "Torbay Council"


@pytest.mark.parametrize("value", ['"} DROP ALL #', "a\\", '"', "${x}", "\\u0022", "> } DROP ALL #"])
def test_no_name_or_code_has_what_sparql_is_made_of(run: Run, value: str) -> None:
    answer = run("query", "authority/find", "--text", value, "--format", "csv")
    assert (answer.code, answer.out) == (2, "")
    assert "No name or code has that" in answer.err


@pytest.mark.parametrize("value", ["'", "?x", "O'Neill", "Telford & Wrekin (not)"])
def test_a_text_parameter_is_a_literal_whatever_it_holds(run: Run, value: str) -> None:
    answer = run("query", "authority/find", "--text", value, "--format", "csv")
    assert (answer.code, answer.out) == (0, "thing,label\n")


SERVICES = [
    "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
    "SELECT * { service silent <http://127.0.0.1:9/> { ?s ?p ?o } }",
    "SELECT * { ?s ?p '#' . SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
    "SELECT * { ?s ?p <http://x/#a> . SERVICE<http://127.0.0.1:9/>{ ?s ?p ?o } }",
    "SELECT * { \\u0053ERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
    'SELECT * { ?s ?p """a"b""" . SERVICE ?s { ?s ?p ?o } }',
    "SELECT * { ?s ?p 'it\\'s' . SERVICE ?s { ?s ?p ?o } }",
    # What a parser takes that knows no blanks around keywords, and what a reader of strings and comments would miss.
    "SELECT * { SERVICESILENT<http://127.0.0.1:9/>{ ?s ?p ?o } }",
    "PREFIX : <http://127.0.0.1:9/> SELECT * { SERVICE:x{ ?s ?p ?o } }",
    "PREFIX s: <http://127.0.0.1:9/> SELECT * { SERVICEs:x { ?s ?p ?o } }",
    "SELECT * { ?s ?p 1SERVICE ?s{ ?s ?p ?o } }",
    "SELECT * { ?s ?p 1 SERVICE # a comment\n?s# {\n{ ?s ?p ?o } }",
    'SELECT * { BIND("\\u0022" AS ?a) SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } BIND("\\u0022" AS ?b) }',
    "PREFIX e: <http://x/> SELECT * { ?s e:a\\# ?b . SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
    "PREFIX e: <http://x/> SELECT * { ?s e:a\\' ?b . SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } ?s ?p \"'\" }",
    "PREFIX e: <http://x/> SELECT * { SERVICE e:a\\# { ?s ?p ?o } }",
]


@pytest.mark.parametrize("query", SERVICES)
def test_no_other_server_is_called(run: Run, query: str) -> None:
    answer = run("sparql", query)
    assert answer.code == 2
    assert "calls another server" in answer.err


@pytest.mark.parametrize(
    "query",
    [
        "SELECT ?service { ?service a cg:Nothing }",
        "SELECT ?service ?aService ?x { ?service a cg:Nothing ; cg:service ?x . GRAPH ?aService { ?x a ?y } }",
        "SELECT ?x { ?x cg:function fn:childrens-services }",
        "# SERVICE\nASK {}",
        "SELECT ?x { ?x skos:note 'SERVICE' }",
        "PREFIX service: <http://x/> SELECT ?x { ?x a service:y }",
    ],
)
def test_the_word_service_is_no_service(run: Run, query: str) -> None:
    assert run("sparql", query).code == 0


@pytest.mark.parametrize("form", ["csv", "tsv", "json", "markdown", "turtle", "table"])
def test_formats(run: Run, form: str) -> None:
    answer = run("who", "christchurch", "--on", "2019-03-31", "--format", form)
    assert answer.code == 0
    assert "Dorset County Council" in answer.out
    if form == "json":
        document = json.loads(answer.out)
        assert document["head"]["vars"] == [
            "capacity",
            "body",
            "label",
            "from",
            "until",
            "certainty",
            "source",
        ]
        assert document["results"]["bindings"][0]["body"] == {
            "type": "uri",
            "value": "https://w3id.org/councilgraph/id/body/dorset-county-council",
        }
    if form == "turtle":
        assert list(parse(answer.out, format=RdfFormat.TURTLE))
    if form == "tsv":
        assert answer.out.startswith("?capacity\t?body")
    assert "\x1b[" not in answer.out


def test_limit(run: Run) -> None:
    assert len(run("query", "inspection/history", "--limit", "3", "--format", "csv").rows()) == 3
    assert len(run("sparql", "SELECT ?s { ?s a cg:Body }", "--limit", "0", "--format", "csv").rows()) == 0


def test_sparql_knows_our_prefixes_and_answers_every_form(run: Run) -> None:
    assert run("sparql", "ASK { body:torbay-council a cg:Authority }").out == "true\n"
    assert "Torbay Council" in run("sparql", "DESCRIBE body:torbay-council").out
    rows = run("sparql", "SELECT (COUNT(*) AS ?n) { ?s a cg:Holding }", "--format", "csv").rows()
    assert int(rows[0]["n"]) > 20


def test_sparql_from_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "q.rq").write_text("SELECT ?label { body:torbay-council skos:prefLabel ?label }")
    assert run("sparql", "-f", tmp_path / "q.rq", "--format", "csv").out == "label\nTorbay Council\n"


def test_lineage_as_a_tree(run: Run) -> None:
    answer = run("lineage", "BCP", "--direction", "both")
    lines = answer.out.splitlines()
    assert lines[0] == "Bournemouth, Christchurch and Poole Council: after"
    christchurch = next(line for line in lines if "Christchurch, until" in line)
    assert "Dorset County Council for Christchurch, until 2019-04-01 (" in christchurch
    assert "2018/648" in christchurch
    assert "nobody: no body held this function there after it" in answer.out


def test_checking_somebody_s_turtle(run: Run, tmp_path: Path, world_dump: Path) -> None:
    good = tmp_path / "good.ttl"
    assert run("check", world_dump / "councilgraph.ttl").code == 0
    good.write_text("")
    assert run("check", good).code == 0
    bad = tmp_path / "bad.ttl"
    bad.write_text("@prefix cg: <https://w3id.org/councilgraph/def#> . <http://example.org/h> a cg:Holding .")
    answer = run("check", bad, "--format", "json")
    assert answer.code == 1
    assert {found["focus"] for found in json.loads(answer.out)} == {"http://example.org/h"}
    assert run("check", bad, "--format", "turtle").out.count("sh:ValidationResult") >= 1
    broken = tmp_path / "broken.ttl"
    broken.write_text("@prefix cg: <x\n")
    answer = run("check", broken)
    assert answer.code == 3
    assert "is not Turtle" in answer.err


def test_start_up_costs_little(run: Run) -> None:
    """Asking a built store imports neither rdflib, pyshacl, a network library nor the tables' reader for people."""
    run("who", "christchurch")
    code = "import sys; sys.argv = ['councilgraph', 'who', 'christchurch', '--format', 'csv']\nfrom councilgraph import cli\ntry: cli.main()\nexcept SystemExit: pass\nprint(*sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Christchurch" in done.stdout
    assert not set(done.stderr.split()) & {
        "rdflib",
        "pyshacl",
        "oxrdflib",
        "rich",
        "http",
        "httpx",
        "urllib3",
        "SPARQLWrapper",
        "requests",
        "ssl",
        "socket",
    }


def test_a_reader_that_stops_reading_is_no_error() -> None:
    command = f"{sys.executable} -m councilgraph query source/behind --format csv | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_an_unforeseen_error_is_one_line_and_a_traceback_on_demand(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(cli, "_open", fail)
    answer = run("who", "christchurch")
    assert answer.code == 3
    assert "the sky fell" in answer.err
    assert "--debug" in answer.err
    monkeypatch.setenv("COUNCILGRAPH_DEBUG", "1")
    monkeypatch.setattr(sys, "argv", ["councilgraph", "who", "christchurch"])
    with pytest.raises(RuntimeError):
        cli.main()


def test_no_colour_where_there_is_no_terminal() -> None:
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    done = subprocess.run(
        [sys.executable, "-m", "councilgraph", "who", "christchurch"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert "\x1b[" not in done.stdout
