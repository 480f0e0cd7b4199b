"""`serve`: a read-only endpoint that stops what runs for ever, and a page that shows rows.

`COUNCILGRAPH_CLIENTS_SECONDS=60` keeps ten clients busy for a minute instead of ten seconds.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import rdflib
from pyoxigraph import DefaultGraph, QueryResultsFormat, QuerySolutions, RdfFormat, parse, parse_query_results

from browser import Browser, chromium
from conftest import ROOT, Result
from councilgraph import bundle, dataset, queries, render
from councilgraph.answering import Limits
from councilgraph.bundle import Rooms
from councilgraph.namespaces import RDF
from councilgraph.queries import Rows

Run = Callable[..., Result]
SECONDS = float(os.environ.get("COUNCILGRAPH_CLIENTS_SECONDS", "10"))
TIMEOUT = 2
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
GREEDY = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?a"
JSON, CSV, TURTLE = "application/sparql-results+json", "text/csv", "text/turtle"


class Reply:
    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def media(self) -> str:
        return self.headers["content-type"].partition(";")[0]


class Served:
    """A `councilgraph serve` on a free port, from the beginning of a `with` to its end."""

    def __init__(self, root: Path, *options: str) -> None:
        self._command = [
            sys.executable,
            "-m",
            "councilgraph",
            "serve",
            "--port",
            "0",
            "--root",
            str(root),
            *options,
        ]

    def __enter__(self) -> Served:
        self.process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        self.said = []
        while not self.said or not self.said[-1].startswith("Serving"):
            line = self.process.stderr.readline()
            assert line, self.said
            self.said.append(line)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", self.said[-1])
        assert found
        self.url, self.port = found[0], int(found[1])
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stderr
        self.process.stderr.close()

    def ask(
        self, method: str, path: str, body: bytes | None = None, seconds: float = 30, **headers: str
    ) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def query(self, text: str, accept: str = JSON, **more: Any) -> Reply:
        body = urlencode({"query": text, **more}, doseq=True).encode()
        return self.ask(
            "POST", "/query", body, Content_Type="application/x-www-form-urlencoded", Accept=accept
        )

    def children(self) -> list[int]:
        return [
            int(path.name)
            for path in Path("/proc").glob("[0-9]*")
            if _stat(path) and int(_stat(path)[1]) == self.process.pid
        ]

    def idle(self) -> bool:
        """Whether the server and its processes use no processor, at last."""
        for _ in range(10):
            before = self._used()
            time.sleep(0.3)
            if self._used() - before <= 2:  # hundredths of a second
                return True
        return False

    def _used(self) -> int:
        stats = [_stat(Path(f"/proc/{pid}")) for pid in (self.process.pid, *self.children())]
        return sum(int(stat[11]) + int(stat[12]) for stat in stats if stat)


def _stat(path: Path) -> list[str]:
    try:
        return (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to see processes in")


@pytest.fixture(scope="module")
def built(world_root: Path, world_rooms: Rooms) -> Path:
    if not dataset.current(world_rooms)[1]:
        dataset.build(world_rooms, lambda _graph, _rooms: [])
    return world_root


@pytest.fixture(scope="module")
def server(built: Path) -> Iterator[Served]:
    with Served(built, "--timeout", str(TIMEOUT)) as served:
        yield served


def rows_of(reply: Reply, form: QueryResultsFormat = QueryResultsFormat.JSON) -> Rows:
    assert reply.status == 200, reply.text
    found = parse_query_results(reply.body, form)
    assert isinstance(found, QuerySolutions)
    columns = tuple(variable.value for variable in found.variables)
    return Rows(columns, [tuple(row[name] for name in columns) for row in found])


# The protocol


def test_a_query_comes_by_get_by_form_and_as_it_is(server: Served) -> None:
    text = "SELECT ?name { body:torbay-council skos:prefLabel ?name }"
    replies = [
        server.ask("GET", f"/query?query={quote(text)}", Accept=CSV),
        server.query(text, CSV),
        server.ask("POST", "/query", text.encode(), Content_Type="application/sparql-query", Accept=CSV),
        server.ask(
            "POST",
            "/query",
            text.encode(),
            Content_Type="Application/SPARQL-Query; charset=utf-8",
            Accept=CSV,
        ),
    ]
    assert {(reply.status, reply.text) for reply in replies} == {(200, "name\r\nTorbay Council\r\n")}


@pytest.mark.parametrize(
    ("accept", "media", "form"),
    [
        ("*/*", JSON, QueryResultsFormat.JSON),
        (JSON, JSON, QueryResultsFormat.JSON),
        ("application/json", JSON, QueryResultsFormat.JSON),
        ("application/sparql-results+xml", "application/sparql-results+xml", QueryResultsFormat.XML),
        (CSV, CSV, None),
        ("text/tab-separated-values", "text/tab-separated-values", QueryResultsFormat.TSV),
        (
            f"{CSV};q=0.5, application/sparql-results+xml;q=0.9",
            "application/sparql-results+xml",
            QueryResultsFormat.XML,
        ),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON, QueryResultsFormat.JSON),
    ],
)
def test_rows_come_in_the_form_that_is_liked_best(
    server: Served, accept: str, media: str, form: QueryResultsFormat | None
) -> None:
    text = (
        'SELECT ?a ?b ?c { VALUES (?a ?b ?c) { (body:x "t\\t\\"n\\n"@en 1.50) (UNDEF true "01"^^xsd:byte) } }'
    )
    reply = server.query(text, accept)
    assert reply.media == media
    assert reply.headers["vary"] == "Accept"
    if form:
        assert rows_of(reply, form).rows == rows_of(server.query(text)).rows
    else:
        assert reply.text.startswith("a,b,c\r\n")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", RdfFormat.TURTLE),
        (TURTLE, RdfFormat.TURTLE),
        ("application/n-triples", RdfFormat.N_TRIPLES),
        ("application/ld+json", RdfFormat.JSON_LD),
        ("application/rdf+xml", RdfFormat.RDF_XML),
        ("application/n-triples;q=0.3, text/turtle;q=0.2", RdfFormat.N_TRIPLES),
    ],
)
def test_a_graph_comes_in_the_form_that_is_liked_best(
    server: Served, world_graph: dataset.Graph, accept: str, form: RdfFormat
) -> None:
    reply = server.query("DESCRIBE body:torbay-council", accept)
    assert (reply.status, reply.media) == (200, form.media_type)
    said = {quad.triple for quad in parse(reply.body, format=form)}
    assert said == set(dataset.triples(world_graph.store, next(iter(said)).subject))


@pytest.mark.parametrize(
    ("text", "accept", "answer"),
    [("ASK {}", JSON, '{"head":{},"boolean":true}'), ("ASK { FILTER(false) }", CSV, "false")],
)
def test_yes_or_no(server: Served, text: str, accept: str, answer: str) -> None:
    assert server.query(text, accept).text == answer


def test_the_graphs_that_are_asked_can_be_named(server: Served) -> None:
    count = "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"
    derived = dataset.DERIVED.value
    all_of_it = rows_of(server.query(count)).rows[0][0]
    some = rows_of(server.query(count, **{"default-graph-uri": derived})).rows[0][0]
    assert all_of_it
    assert some
    assert 0 < int(some.value) < int(all_of_it.value)
    nothing = server.query("ASK { ?s ?p ?o }", **{"named-graph-uri": derived})
    assert '"boolean":false' in nothing.text
    assert server.query(count, **{"default-graph-uri": "no iri"}).status == 400


@pytest.mark.parametrize(
    ("method", "path", "media", "body", "status", "says"),
    [
        ("POST", "/query", "application/x-www-form-urlencoded", b"x=1", 400, "query: is given 0 times"),
        ("GET", "/query?query=ASK%7B%7D&query=ASK%7B%7D", "", b"", 400, "query: is given 2 times"),
        ("GET", "/query?query=%FF", "", b"", 400, "cannot be read"),
        ("POST", "/query", "application/sparql-query", b"\xff", 400, "is not UTF-8"),
        ("POST", "/query", "application/sparql-query", b"SELEC", 400, "is not SPARQL"),
        ("POST", "/query", "application/sparql-query", b"#" * (2**20 + 1), 413, "is longer than 1 MB"),
        ("POST", "/query", "text/turtle", b"", 415, "Content-Type"),
        ("GET", "/nothing", "", b"", 404, "Not Found"),
    ],
)
def test_what_is_not_asked_well_is_one_line(
    server: Served, method: str, path: str, media: str, body: bytes, status: int, says: str
) -> None:
    reply = server.ask(method, path, body, Content_Type=media)
    assert reply.status == status
    assert says in reply.text
    assert reply.media == "text/plain"
    assert reply.text.count("\n") == 1


@pytest.mark.parametrize("accept", ["image/png", "gar bage", TURTLE])
def test_a_form_that_is_not_to_be_had_is_refused(server: Served, accept: str) -> None:
    reply = server.query("SELECT ?s { ?s ?p ?o } LIMIT 1", accept)
    assert reply.status == 406
    assert "Take one of: application/sparql-results+json" in reply.text


# Read only, and within limits


@pytest.mark.parametrize(
    ("method", "path", "media", "body"),
    [
        ("POST", "/query", "application/sparql-update", "DROP ALL"),
        ("POST", "/query", "application/x-www-form-urlencoded", urlencode({"update": "DROP ALL"})),
        ("POST", "/query?update=DROP%20ALL", "application/sparql-query", "ASK {}"),
        ("POST", "/query", "application/sparql-query", "INSERT DATA { <a:a> <a:a> <a:a> }"),
        ("GET", "/query?update=DROP%20ALL", "", ""),
        ("PUT", "/query?default", "text/turtle", "<a:a> <a:a> <a:a> ."),
        ("DELETE", "/query?default", "", ""),
        ("POST", "/.well-known/void", "application/sparql-update", "DROP ALL"),
    ],
)
def test_an_update_is_refused_and_nothing_changes(
    server: Served, built: Path, method: str, path: str, media: str, body: str
) -> None:
    def files() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in (built / ".councilgraph").rglob("*") if p.is_file()}

    before = files()
    assert server.ask(method, path, body.encode(), Content_Type=media).status in (400, 405)
    assert files() == before


@needs_proc
def test_a_query_that_runs_for_ever_is_stopped_and_others_are_answered(server: Served) -> None:
    replies: list[tuple[Reply, float]] = []

    def endless() -> None:
        since = time.monotonic()
        replies.append((server.query(ENDLESS), time.monotonic() - since))

    clients = [threading.Thread(target=endless) for _ in range(3)]
    for client in clients:
        client.start()
    time.sleep(0.5)
    since = time.monotonic()
    assert server.query("ASK {}").status == 200
    assert time.monotonic() - since < TIMEOUT, "it waited for the others"
    for client in clients:
        client.join(20)
    assert [reply.status for reply, _ in replies] == [504] * 3
    assert replies[0][0].text == f"query: was not answered within {TIMEOUT} seconds. Ask for less.\n"
    assert max(took for _, took in replies) < TIMEOUT + 3
    assert server.idle(), "the processor is not free again"
    assert server.query("ASK {}").status == 200


@pytest.fixture(scope="module")
def other(built: Path, server: Served) -> Iterator[Served]:
    """A server with patience and few rows, that may ask the first one."""
    options = ("--timeout", "600", "--limit", "3", "--allow-service", f"{server.url}query")
    with Served(built, *options) as served:
        yield served


@needs_proc
def test_a_query_ends_when_its_client_leaves(other: Served) -> None:
    with pytest.raises(TimeoutError):
        other.ask("POST", "/query", ENDLESS.encode(), seconds=1, Content_Type="application/sparql-query")
    assert other.idle()
    assert other.query("ASK {}").status == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process from memory")
def test_a_query_that_needs_too_much_memory_is_stopped(server: Served) -> None:
    reply = server.query(GREEDY)
    if reply.status != 504:  # a slow machine
        assert (reply.status, reply.text) == (
            500,
            "query: needs more memory than it may have (1,000 MB). Ask for less, or in parts.\n",
        )
    assert server.query("ASK {}").status == 200


@pytest.mark.parametrize("accept", [JSON, "application/sparql-results+xml", "text/tab-separated-values"])
def test_no_more_rows_than_the_limit(other: Served, accept: str) -> None:
    reply = other.query("SELECT ?s ?p ?o { ?s ?p ?o }", accept)
    assert (
        len(rows_of(reply, QueryResultsFormat.from_media_type(accept) or QueryResultsFormat.JSON).rows) == 3
    )
    assert reply.headers["x-sparql-maxrows"] == "3"
    whole = other.query("SELECT ?s ?p ?o { ?s ?p ?o } LIMIT 3", accept)
    assert (
        len(rows_of(whole, QueryResultsFormat.from_media_type(accept) or QueryResultsFormat.JSON).rows) == 3
    )
    assert "x-sparql-maxrows" not in whole.headers


def test_no_more_triples_than_the_limit(other: Served) -> None:
    reply = other.query("CONSTRUCT WHERE { ?s ?p ?o }", TURTLE)
    assert len(list(parse(reply.body, format=RdfFormat.TURTLE))) == 3
    assert reply.headers["x-sparql-maxrows"] == "3"


def test_another_server_is_called_only_where_it_is_allowed_by_name(server: Served, other: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as forbidden:
        forbidden.settimeout(0.2)
        place = f"http://127.0.0.1:{forbidden.getsockname()[1]}/"
        for asked in (server, other):
            for call in (
                f"SERVICE <{place}>",
                f"SERVICE SILENT<{place}>",
                f"BIND(<{place}> AS ?e) SERVICE ?e",
            ):
                reply = asked.query(f"SELECT * {{ {call} {{ ?s ?p ?o }} }}")
                assert reply.status == 400
                assert "calls another server (SERVICE)" in reply.text
        with pytest.raises(TimeoutError):
            forbidden.accept()
    text = f"SELECT ?o {{ SERVICE <{server.url}query> {{ <{dataset.BASE}def> a ?o }} }}"
    assert [row[0].value for row in rows_of(other.query(text)).rows if row[0]] == [f"{dataset._OWL}Ontology"]
    assert server.query(text).status == 400


def test_ten_clients_at_once(server: Served, world_rooms: Rooms) -> None:
    canned = queries.catalogue(world_rooms)
    expected = {query.name: server.query(query.text, CSV).body for query in canned}
    wrong: list[str] = []
    took: list[float] = []
    end = time.monotonic() + SECONDS

    def client(number: int) -> None:
        draw = random.Random(number)
        while time.monotonic() < end:
            query, since = draw.choice(canned), time.monotonic()
            try:
                reply = server.query(query.text, CSV)
                if reply.status != 200 or reply.body != expected[query.name]:
                    wrong.append(f"{query.name}: {reply.status} {reply.text[:200]}")
            except OSError as error:
                wrong.append(f"{query.name}: {error}")
            took.append(time.monotonic() - since)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(10)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    took.sort()
    print(
        f"{len(took):,} answers in {SECONDS:g} s, median {took[len(took) // 2]:.3f} s, longest {took[-1]:.3f} s"
    )
    assert not wrong
    assert len(took) > 10


# The same answers as the command line's


def test_canned_queries_answer_as_on_the_command_line(server: Served, built: Path, run: Run) -> None:
    rooms = bundle.rooms(built)
    graph, _ = dataset.current(rooms)
    assert graph
    same = 0
    for query in queries.catalogue(rooms):
        told = render.rows(queries.run(graph, query, {}), "csv")
        found = rows_of(server.query(query.text))
        assert render.rows(queries.shown(found, query), "csv") == told, query.name
        if not (query.join or query.evidence):  # else the command line joins rows and hides records
            assert server.query(query.text, CSV).text.replace("\r\n", "\n") == told, query.name
            same += 1
    assert same > 5
    assert run("query", "authority/identify", "--format", "csv", "--root", built).out == render.rows(
        queries.shown(
            rows_of(server.query(queries.named("authority/identify", rooms).text)),
            queries.named("authority/identify", rooms),
        ),
        "csv",
    )


# What it says of itself


def about(reply: Reply) -> rdflib.Graph:
    assert (reply.status, reply.media) == (200, TURTLE)
    assert list(parse(reply.body, format=RdfFormat.TURTLE))
    return rdflib.Graph().parse(data=reply.text, format="turtle")


def test_the_service_description_is_true(server: Served, other: Served, world_graph: dataset.Graph) -> None:
    sd, void = (
        rdflib.Namespace(f"http://{name}#")
        for name in ("www.w3.org/ns/sparql-service-description", "rdfs.org/ns/void")
    )
    node = rdflib.URIRef(f"{server.url}query")
    said = about(server.ask("GET", "/query"))
    assert said.value(node, sd.endpoint) == node
    assert said.value(node, rdflib.RDF.type) == sd.Service
    assert said.value(node, sd.supportedLanguage) == sd.SPARQL11Query
    assert (node, sd.feature, sd.BasicFederatedQuery) not in said
    assert sd.BasicFederatedQuery in about(other.ask("GET", "/query")).objects(None, sd.feature)
    forms = {str(form).rpartition("/")[2] for form in said.objects(node, sd.resultFormat)}
    assert {"SPARQL_Results_JSON", "SPARQL_Results_CSV", "Turtle", "N-Triples"} <= forms
    whole = said.value(said.value(node, sd.defaultDataset), sd.defaultGraph)
    assert int(said.value(whole, void.triples)) == len(world_graph)
    graphs = {
        str(said.value(g, sd.name)): int(said.value(said.value(g, sd.graph), void.triples))
        for g in said.objects(None, sd.namedGraph)
    }
    stored = world_graph.store.named_graphs()
    assert graphs == {
        g.value: sum(1 for _ in world_graph.store.quads_for_pattern(None, None, None, g)) for g in stored
    }


def test_void_is_true(other: Served, world_graph: dataset.Graph) -> None:
    void = rdflib.Namespace("http://rdfs.org/ns/void#")
    said = about(other.ask("GET", "/.well-known/void"))
    document = rdflib.URIRef(f"{other.url}.well-known/void")
    node = said.value(document, rdflib.FOAF.primaryTopic)
    assert node == said.value(None, rdflib.RDF.type, void.Dataset)
    assert "councilgraph" in said.value(node, rdflib.DCTERMS.title)
    assert said.value(node, void.sparqlEndpoint) == rdflib.URIRef(f"{other.url}query")
    triples = list(dataset.triples(world_graph.store))
    assert int(said.value(node, void.triples)) == len(triples)
    assert int(said.value(node, void.distinctSubjects)) == len({t.subject for t in triples})
    assert int(said.value(node, void.properties)) == len({t.predicate for t in triples})
    types = [t.object.value for t in triples if t.predicate.value == str(rdflib.RDF.type)]
    parts = {
        str(said.value(p, void["class"])): int(said.value(p, void.entities))
        for p in said.objects(node, void.classPartition)
    }
    assert parts == {kind: types.count(kind) for kind in set(types)}
    assert int(said.value(node, void.classes)) == len(parts)


def test_what_it_says_of_itself_may_take_longer_than_a_query() -> None:
    limits = Limits(seconds=0.5, rows=1, megabytes=500)
    assert limits.patience({"query": "ASK {}"}) == 0.5
    assert limits.patience({"about": "void"}) >= 30


def test_an_odd_host_says_nothing(server: Served) -> None:
    for host in ("a b>", '"><x:y> <x:y> <x:z> . <', "x" * 1000, ""):
        reply = server.ask("GET", "/.well-known/void", Host=host)
        assert reply.status in (200, 400)
        assert reply.status == 400 or list(parse(reply.body, format=RdfFormat.TURTLE))
        assert "x:z" not in reply.text


# Beside builds, and where it cannot be started


def test_a_new_store_is_picked_up_and_the_old_one_is_not_missed(root: Path) -> None:
    rooms = bundle.rooms(root)
    dataset.build(rooms, lambda _graph, _rooms: [])
    name = "SELECT ?name { body:dorset-county-council skos:prefLabel ?name }"
    with Served(root, "--workers", "1", "--timeout", "60") as served:
        assert "Dorset County Council" in served.query(name, CSV).text
        slow: list[Reply] = []
        text = "SELECT (COUNT(*) AS ?n) { ?a a ?b . ?c a ?d }"
        known, _ = dataset.current(rooms)
        assert known
        many = sum(1 for _ in known.quads_for_pattern(None, RDF.type, None, DefaultGraph()))
        waiting = threading.Thread(target=lambda: slow.append(served.query(text)))
        waiting.start()
        table = root / "data" / "bodies.csv"
        table.write_text(
            table.read_text().replace("Dorset County Council,authority", "County Council of Dorset,authority")
        )
        for _ in range(3):  # the store that is being asked is swept away
            dataset.build(rooms, lambda _graph, _rooms: [])
        waiting.join(70)
        (row,) = rows_of(slow[0]).rows
        assert row[0]
        assert int(row[0].value) == many**2
        assert "County Council of Dorset" in served.query(name, CSV).text
        shutil.rmtree(rooms.home)
        reply = served.query(name)
        assert (reply.status, reply.headers["retry-after"]) == (503, "5")
        assert "has no store that opens. Build it: councilgraph build." in reply.text


@needs_proc
def test_one_line_at_its_beginning_and_at_its_end_and_no_process_is_left(built: Path) -> None:
    with Served(built) as served:
        assert served.query("ASK {}").status == 200
        assert len(served.said) == 1
        (left,) = served.children()
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(10) == 0
        assert served.process.stderr
        assert served.process.stderr.read() == "Stopped.\n"
        _gone(left)


@needs_proc
def test_a_server_that_is_killed_leaves_no_process(built: Path) -> None:
    with Served(built, "--timeout", "1") as served:
        assert served.query("ASK {}").status == 200
        (left,) = served.children()
        served.process.kill()
        served.process.wait()
        _gone(left)


def _gone(pid: int) -> None:
    for _ in range(100):
        stat = _stat(Path(f"/proc/{pid}"))
        if not stat or stat[0] == "Z":
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("a process is left")


def test_a_port_in_use_is_one_line(server: Served, built: Path, run: Run) -> None:
    answer = run("serve", "--port", server.port, "--root", built)
    assert (answer.code, answer.out) == (3, "")
    assert answer.err == (
        f"councilgraph: 127.0.0.1:{server.port}: cannot be listened at (Address already in use). "
        "Take another --port (0: any that is free) or --host.\n"
    )


def test_a_store_that_cannot_be_built_is_not_served(root: Path, run: Run) -> None:
    (root / "data" / "bodies.csv").write_text("nothing\n")
    answer = run("serve", "--port", "0", "--root", root)
    assert answer.code == 1
    assert "data/bodies.csv" in answer.out
    assert "Serving" not in answer.err


def test_what_it_needs_is_named_where_it_is_not_installed(
    built: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "councilgraph.serving", raising=False)
    monkeypatch.delattr("councilgraph.serving", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    answer = run("serve", "--root", built)
    assert answer.code == 3
    assert "Install what it needs: pip install 'councilgraph[serve]'." in answer.err
    assert answer.err.count("\n") == 1


# The page


def test_the_page_takes_nothing_from_elsewhere(server: Served) -> None:
    for path in ("/", "/page.js", "/page.css"):
        reply = server.ask("GET", path)
        assert reply.status == 200
        policy = dict(
            part.strip().partition(" ")[::2] for part in reply.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert not re.search(
            r"(src|href)=[\"']?(https?:)?//|@import|innerHTML|eval\(|onclick|<style| style=", reply.text
        )
    page = server.ask("GET", "/").text
    places = [place for place in re.findall(r'(?:src|href|action)="([^"]*)"', page) if place != "data:,"]
    assert "query" in places
    assert {place: server.ask("GET", f"/{place}").status for place in places} == dict.fromkeys(places, 200)
    canned = json.loads(server.ask("GET", "/queries.json").text)
    assert {query["name"] for query in canned} == {
        query.name for query in queries.catalogue(bundle.rooms(ROOT))
    }


@contextmanager
def browsing(folder: Path, **size: int) -> Iterator[Browser]:
    binary = chromium()
    if binary is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with Browser(binary, folder, **size) as browser:
        yield browser


def test_a_canned_query_is_chosen_run_and_its_rows_are_shown(
    server: Served, world_graph: dataset.Graph, world_rooms: Rooms, tmp_path: Path
) -> None:
    query = queries.named("function/who", world_rooms)
    expected = queries.select(world_graph.store, query.text)
    with browsing(tmp_path / "profile") as browser:
        browser.open(server.url)
        browser.wait("document.querySelector('[data-name=\"function/who\"]')?.innerText.length")
        browser.click('[data-name="function/who"]')
        assert browser.value("document.getElementById('query').value") == query.text
        browser.click("#run")
        browser.wait("document.querySelectorAll('#answer tbody tr').length")
        shown = browser.value(
            "[...document.querySelectorAll('#answer tbody tr')].map(r => [...r.cells].map(c => c.querySelector('a')?.title ?? c.textContent))"
        )
        assert shown == [[cell.value if cell else "" for cell in row] for row in expected.rows]
        assert browser.value("document.getElementById('status').textContent") == f"{len(shown)} rows."
        if keep := os.environ.get("COUNCILGRAPH_PICTURES"):
            browser.picture(Path(keep) / "page.png")

        # A field for each parameter, whose value takes the place of the one in the query.
        fields = browser.value(
            "[...document.querySelectorAll('#params input')].map(i => [i.dataset.param, i.value])"
        )
        assert fields == [[param.name, param.example] for param in query.params]
        browser.value(
            """(i => { i.value = "2019-04-01"; i.dispatchEvent(new Event("input")); })(document.querySelector("[data-param=on]"))"""
        )
        changed = query.text.replace('?on { "2019-03-31"^^xsd:date }', '?on { "2019-04-01"^^xsd:date }')
        assert changed != query.text
        assert browser.value("document.getElementById('query').value") == changed
        assert browser.value(
            """fetch("queries.json").then(r => r.json()).then(all => all.map(q => {
                document.querySelector(`[data-name="${q.name}"]`).click();
                return [q.name, [...document.querySelectorAll("#params input")].map(i => i.dataset.param)]; }))"""
        ) == [[q.name, [p.name for p in q.params]] for q in queries.catalogue(world_rooms)]

        # What the data says is text, whatever it says.
        hostile = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
        text = f"SELECT ?a ?b {{ VALUES (?a ?b) {{ ('''{hostile}''' <javascript:alert(1)>) }} }}"
        browser.open(f"{server.url}#query={quote(text)}")
        browser.wait("document.querySelector('#answer td')?.textContent.includes('onerror')")
        assert (
            browser.value("document.querySelectorAll('#answer img, #answer script, #answer a').length") == 0
        )
        assert browser.value("document.title") == "councilgraph: ask"

        browser.open(f"{server.url}#query={quote('DESCRIBE body:torbay-council')}")
        browser.wait("document.querySelector('#answer pre')?.textContent.includes('Torbay Council')")
        browser.open(f"{server.url}#query={quote('ASK { body:torbay-council a cg:Authority }')}")
        browser.wait("document.getElementById('status').textContent === 'Yes.'")
        assert browser.failed == []
        browser.open(f"{server.url}#query={quote('SELEC')}")
        browser.wait("document.getElementById('status').textContent.includes('is not SPARQL')")


def test_the_page_fits_a_phone_and_names_its_controls(server: Served, tmp_path: Path) -> None:
    with browsing(tmp_path / "profile", width=500, height=800) as browser:
        browser.say(
            "Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True
        )
        browser.open(f"{server.url}#query={quote('SELECT * { ?s ?p ?o } LIMIT 5')}")
        browser.wait("document.querySelectorAll('#answer tbody tr').length")
        assert browser.value("document.documentElement.scrollWidth") <= 360, "it must be dragged sideways"
        if keep := os.environ.get("COUNCILGRAPH_PICTURES"):
            browser.picture(Path(keep) / "phone.png")
        nodes = browser.say("Accessibility.getFullAXTree")["nodes"]
        roles = {"textbox", "searchbox", "button", "link", "region", "table"}
        named = [
            (n["role"]["value"], n.get("name", {}).get("value"))
            for n in nodes
            if n.get("role", {}).get("value") in roles
        ]
        assert ("button", "Run") in named
        assert all(name for _, name in named), named
