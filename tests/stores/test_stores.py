"""Real stores: a push puts there what the embedded store has, and every canned query is answered in the same bytes."""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

import proxy
from conftest import ROOT, Result
from councilgraph import bundle, dataset, endpoint, graph, publish, push, queries, render
from councilgraph.bundle import Rooms
from councilgraph.endpoint import Remote
from councilgraph.errors import CouncilgraphError, UsageError
from engines import UnavailableError, query_of
from servers import PASSWORD, STORES, text
from servers import Store as Served

Run = Callable[..., Result]
CASES = sorted((ROOT / "tests" / "queries").rglob("*.csv"))
CATALOGUE = queries.catalogue(bundle.rooms(ROOT))
#: The queries that Virtuoso 7.2.5 answers wrongly if it is asked itself, and why; docs/stores.md has them too.
FAULTS = {
    "its compiler fails": (
        "authority/about-on",
        "authority/code-changes",
        "authority/timeline",
        "intervention/chain",
        "pack/posts",
        "person/appointments",
        "person/appointments-of-body",
        "person/two-hats",
        "person/vacancies",
        "source/unconfirmed",
        "trust/trajectory",
    ),
    "it takes an empty day for a day": (
        "inspection/days-inadequate",
        "source/date-differences",
    ),
    "it loses rows, or makes some up, by OPTIONAL and absence": (
        "area/on-day",
        "authority/about",
        "authority/shadows",
        "function/who",
        "inspection/history",
        "inspection/since-graded",
        "intervention/history",
        "intervention/in-force",
        "pack/judgements",
        "person/post-holders",
        "source/claims",
        "source/disagreements",
        "source/unofficial-records",
        "trust/arrangements",
    ),
    "it has no answer after 5 seconds": (
        "inspection/grade-on",
        "inspection/monitoring",
        "intervention/on-area",
        "source/unconfirmed-counts",
    ),
}
WRONG = {name: why for why, names in FAULTS.items() for name in names}
#: Not asked by the tests: they take too long, or nearly.
SLOW = {
    *FAULTS["it has no answer after 5 seconds"],
    "function/who",
    "trust/arrangements",
    "function/holders-on",
    "function/gaps",
}


@pytest.fixture(scope="session", params=STORES)
def served(
    request: pytest.FixtureRequest, world_graph: dataset.Graph, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A store with the miniature world in a named graph."""
    try:
        store = STORES[request.param](tmp_path_factory.mktemp(request.param))
    except UnavailableError as error:
        pytest.skip(str(error))
    with store.server:
        push.push(text(world_graph.store), store.remote(), store.graph)
        yield store


@pytest.fixture(scope="session", autouse=True)
def _world_built(world_rooms: Rooms) -> None:
    """The miniature world's own store is built before any command answers from it."""
    graph.ready(world_rooms)


@pytest.fixture
def password(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNCILGRAPH_PASSWORD", served.password)


def _staging(remote: Remote) -> list[str]:
    """The graphs that a push left beside what it pushed."""
    text = f"SELECT DISTINCT ?g {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(STRSTARTS(STR(?g), '{push.STAGING}')) }}"
    found = remote.query(text)
    assert isinstance(found, queries.Rows)
    return [cell.value for row in found.rows for cell in row if cell]


def _small(count: int) -> dataset.Text:
    """A graph to push that is none of ours, with what stores like to rewrite."""
    store = Store()
    odd = [
        Literal('quote " backslash \\ tab \t line \n'),
        Literal("\\u0022 \\n"),
        Literal("Ynys Môn 🏛"),
        Literal("Cymraeg", language="cy"),
        Literal("true", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#boolean")),
        Literal(""),
    ]
    terms = [*odd, *(Literal(n) for n in range(count - len(odd)))]
    for n, term in enumerate(terms):
        node = NamedNode(f"https://example.org/thing/{n}")
        store.add(Quad(node, NamedNode("https://example.org/says"), term, DefaultGraph()))
    return text(store)


def test_what_was_pushed_is_there_and_nothing_beside_it(served: Served, world_graph: dataset.Graph) -> None:
    remote = served.remote()
    assert remote.count(served.graph) == len(world_graph)
    assert _staging(remote) == []


#: One case of each query: what is the same for one is so for the others, which tests/test_queries.py asks too.
FIRST = {query_of(case): case for case in reversed(CASES)}


@pytest.mark.parametrize("served", ["Oxigraph", "Fuseki"], indirect=True)
@pytest.mark.parametrize("name", sorted(FIRST))
def test_canned_queries_in_the_same_bytes(
    name: str, served: Served, world_graph: dataset.Graph, world_rooms: Rooms
) -> None:
    query = queries.named(name, world_rooms)
    words = shlex.split(FIRST[name].read_text().partition("\n")[0].removeprefix("#!"))
    given = dict(zip((w.removeprefix("--").replace("-", "_") for w in words[::2]), words[1::2], strict=True))
    here = graph.Graph(world_rooms, world_graph.store).ask(query, given, sources=True)
    there = graph.Graph(world_rooms, served.remote(served.graph)).ask(query, given, sources=True)
    assert render.rows(there.terms, "json") == render.rows(here.terms, "json")


def test_a_copy_is_the_same_graph(served: Served, world_graph: dataset.Graph) -> None:
    copy = served.remote(served.graph).copy()
    assert set(dataset.triples(copy)) == set(dataset.triples(world_graph.store))


@pytest.mark.parametrize("served", ["Virtuoso"], indirect=True)
@pytest.mark.parametrize("query", [q for q in CATALOGUE if q.name not in SLOW], ids=lambda q: q.name)
def test_what_virtuoso_itself_answers(
    query: queries.Query,
    served: Served,
    world_graph: dataset.Graph,
    world_rooms: Rooms,
    request: pytest.FixtureRequest,
) -> None:
    """Which canned queries it answers rightly: where it comes to answer another, the list is too long."""
    why = WRONG.get(query.name)
    if why:
        request.applymarker(pytest.mark.xfail(reason=why, strict=True))
    here = graph.Graph(world_rooms, world_graph.store).ask(query, {})
    there = graph.Graph(world_rooms, served.remote(served.graph)).ask(query, {})
    assert render.rows(there.terms, "json") == render.rows(here.terms, "json")


COMMANDS = [
    ("who", "christchurch", "--on", "2019-03-31"),
    ("lineage", "BCP", "--direction", "both"),
    ("history", "torbay", "--format", "csv"),
    ("describe", "christchurch", "--on", "2019-03-31"),
    ("describe", "torbay", "--format", "turtle"),
    (
        "query",
        "inspection/grade-on",
        "--authority",
        "BCP",
        "--on",
        "2019-06-01",
        "--sources",
        "--format",
        "json",
    ),
    (
        "sparql",
        "SELECT ?n (COUNT(*) AS ?c) { ?b a cg:Authority ; skos:prefLabel ?n } GROUP BY ?n ORDER BY ?n",
    ),
    ("sparql", "ASK { body:torbay-council a cg:Authority }"),
    ("sparql", "ASK { body:torbay-council a cg:Trust }"),
    ("sparql", "CONSTRUCT { ?b skos:prefLabel ?n } WHERE { ?b a cg:Authority ; skos:prefLabel ?n }"),
    ("who", "atlantis"),
    ("who", "Torbai"),
    ("sparql", "DROP ALL"),
    ("sparql", "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }"),
    ("sparql", "SELECT"),
]


@pytest.mark.usefixtures("password")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_say_the_same(words: tuple[str, ...], served: Served, world_root: Path, run: Run) -> None:
    here = run(*words, "--root", world_root)
    asked = ("--endpoint", served.url, "--graph", served.graph, *served.words())
    there = run(*words, "--root", world_root, *asked)
    told = there.err.replace(
        "Virtuoso answers some queries wrongly: its graph is fetched, and asked here.\n", ""
    )
    assert (there.code, there.out, told) == (here.code, here.out, here.err)


def test_a_store_is_known_by_what_it_says(served: Served) -> None:
    direct = served.name != "Virtuoso"
    where = served.remote().where
    assert (where.name, where.trusted, where.atomic) == (served.name, direct, direct)
    with proxy.proxied(served.server.port) as between:  # which does not say what it is before
        between.discreet = True
        who = endpoint.Credentials(served.user, served.password)
        where = Remote(endpoint.address(between.at(served.path)), "", who).where
        assert (where.name, where.trusted, where.atomic) == (served.name, direct, False)


@pytest.mark.parametrize("served", ["Oxigraph"], indirect=True)
@pytest.mark.parametrize("discreet", [False, True], ids=["says what it is", "does not"])
def test_a_store_at_sparql_is_not_taken_for_virtuoso(
    discreet: bool, served: Served, world_root: Path, run: Run
) -> None:
    with proxy.proxied(served.server.port) as between:
        between.discreet = discreet
        url = between.at("/sparql")
        done = push.push(_small(1_200), Remote(endpoint.address(url)), f"{served.graph}/sparql")
        assert done.way.endswith("in batches" if discreet else "Protocol")
        asked = ("who", "torbay", "--root", world_root)
        there = run(*asked, "--endpoint", url, "--graph", served.graph)
    assert (there.code, there.out, there.err) == (0, run(*asked).out, "")
    assert served.remote().count(f"{served.graph}/sparql") == 1_200


SAID = [
    ("http://x/sparql", {"Server": "Virtuoso/07.20.3229"}, ("Virtuoso", "/sparql", "/sparql-auth", False)),
    ("http://x/sparql", {"Server": "Oxigraph/0.5.10"}, ("Oxigraph", "/query", "/update", True)),
    ("http://x/query", {"Server": "Oxigraph/0.5.9"}, ("Oxigraph", "/query", "/update", False)),
    ("http://x/query", {"Server": "Oxigraph/1.0.0-beta.1"}, ("Oxigraph", "/query", "/update", True)),
    ("http://x/sparql", {"fuseki-request-id": "7"}, ("Fuseki", "/query", "/update", True)),
    ("http://x/sparql", {"Server": "nginx"}, ("a SPARQL store", "/sparql", "/sparql", False)),
    ("http://x/ds/sparql", {"Server": "nginx"}, ("Fuseki", "/ds/query", "/ds/update", False)),
    ("http://x/a/sparql", {"Server": "Virtuoso/08.03"}, ("Virtuoso", "/a/query", "/a/update", False)),
    ("http://x:8890", {}, ("Oxigraph", "/query", "/update", False)),
    ("http://x/sparql-auth", {"Server": "Virtuoso/7"}, ("Virtuoso", "/sparql-auth", "/sparql-auth", False)),
]


@pytest.mark.parametrize(("url", "headers", "known"), SAID)
def test_what_headers_say(url: str, headers: dict[str, str], known: tuple[str, str, str, bool]) -> None:
    where = endpoint.recognised(endpoint.address(url), httpx.Headers(headers))
    paths = [urlsplit(each).path for each in (where.query, where.update)]
    assert (where.name, *paths, where.atomic) == known
    assert where.trusted is where.own_default is (where.name != "Virtuoso")


@pytest.mark.usefixtures("password")
def test_push_as_a_command(
    served: Served, world_root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("councilgraph.graph.text", lambda *_: _small(1_000))
    graph = f"{served.graph}/by-command"
    asked = ("--graph", graph, *served.words(), "--root", world_root)
    planned = run("push", served.url, *asked, "--dry-run")
    assert planned.code == 0
    assert f"would take the place of 0 in <{graph}>" in planned.out
    assert served.remote().count(graph) == 0
    pushed = run("push", served.url, *asked, "--verify")
    assert pushed.code == 0, pushed.err
    count = served.remote().count(graph)
    assert pushed.out == f"{count:,} triples are in <{graph}>, in the place of 0.\n"
    assert "canonical hash" in pushed.err
    assert PASSWORD not in pushed.err


def test_what_is_wrong_in_a_store_is_found(
    served: Served, world_root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNCILGRAPH_PASSWORD", served.password)
    graph = f"{served.graph}/wrong"
    wrong = Store()
    a = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
    holding = NamedNode("https://w3id.org/councilgraph/def#Holding")
    wrong.add(Quad(NamedNode("http://example.org/h"), a, holding, DefaultGraph()))
    push.push(text(wrong), served.remote(), graph)
    answer = run(
        "check", served.url, "--graph", graph, *served.words(), "--root", world_root, "--format", "csv"
    )
    assert answer.code == 1
    assert {row["focus"] for row in answer.rows()} == {"http://example.org/h"}


WAYS = {"gzip": (True, False), "plain": (False, False), "batches": (False, True)}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_sending(way: str, served: Served) -> None:
    compress, without_store = WAYS[way]
    sent = _small(2_500)
    graph = f"{served.graph}/{way}"
    remote = served.remote(without_store=without_store)
    done = push.push(sent, remote, graph, verify=True, compress=compress)
    assert done.triples == remote.count(graph) == sent.triples == 2_500
    said = {"gzip": "gzip", "plain": "Protocol", "batches": "batches"}[way]
    if way == "gzip" and served.name == "Virtuoso":
        said = "Protocol"  # it refuses what is packed
    assert done.way.endswith(said)
    assert push.push(_small(7), remote, graph, compress=compress).before == 2_500
    assert remote.count(graph) == 7
    assert _staging(remote) == []


def test_the_default_graph(served: Served) -> None:
    remote = served.remote()
    if served.name == "Virtuoso":
        with pytest.raises(UsageError, match="--graph: is needed"):
            push.push(_small(10), remote)
        return
    assert push.push(_small(10), remote, verify=True).triples == 10
    assert push.push(_small(20), remote, verify=True).before == 10
    assert remote.count("") == 20


@pytest.mark.parametrize("graph", ["derived", "derived/x", "scenario/proposals-2028", "staging"])
def test_graphs_that_are_ours_are_not_pushed_into(graph: str, served: Served) -> None:
    with pytest.raises(UsageError, match="Take another"):
        push.push(_small(10), served.remote(), f"https://w3id.org/councilgraph/{graph}")


def test_readers_see_the_old_graph_or_the_new_one(served: Served) -> None:
    graph = f"{served.graph}/watched"
    remote = served.remote()
    push.push(_small(3_000), remote, graph)
    seen: list[int] = []
    over = threading.Event()

    def watch() -> None:
        reader = served.remote()
        while not over.is_set():
            seen.append(reader.count(graph))

    reader = threading.Thread(target=watch)
    reader.start()
    try:
        push.push(_small(4_000), remote, graph)
        time.sleep(0.1)
    finally:
        over.set()
        reader.join(60)
    assert set(seen) == {3_000, 4_000}


def test_what_a_dead_push_left_is_dropped_by_the_next(served: Served) -> None:
    remote = served.remote()
    names = {
        "dead": f"{push.STAGING}/{push._us()}-4194305-1",  # no process has that number
        "old": f"{push.STAGING}/0123456789ab-1-1",
        "under way": f"{push.STAGING}/0123456789ab-1-{time.time_ns()}",
    }
    for name in names.values():
        entry = f"<{name}> <http://purl.org/dc/terms/replaces> 'default'"
        remote.update(f"INSERT DATA {{ GRAPH <{push.STAGING}> {{ {entry} }} GRAPH <{name}> {{ {entry} }} }}")
    push.push(_small(10), remote, f"{served.graph}/swept")
    assert sorted(_staging(remote)) == [push.STAGING, names["under way"]]
    remote.update(f"DROP SILENT GRAPH <{names['under way']}>")
    remote.update(f"DROP SILENT GRAPH <{push.STAGING}>")


def test_a_wrong_password(
    served: Served, run: Run, monkeypatch: pytest.MonkeyPatch, world_root: Path
) -> None:
    if not served.user:
        pytest.skip(f"{served.name} has no passwords")
    monkeypatch.setenv("COUNCILGRAPH_PASSWORD", "a guess of it")
    answer = run(
        "push", served.url, "--graph", f"{served.graph}/never", *served.words(), "--root", world_root
    )
    assert answer.code == 3
    assert "does not let in who asks (401" in answer.err
    assert "a guess of it" not in answer.err
    assert served.remote().count(f"{served.graph}/never") == 0


def test_a_graph_that_cannot_be_compared_alike_is_not_moved(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = f"{served.graph}/compared"
    remote = served.remote()
    push.push(_small(10), remote, graph)
    numbers = map(str, range(9))
    monkeypatch.setattr(publish, "canonical_hash", lambda _: next(numbers))
    with pytest.raises(CouncilgraphError, match="other triples"):
        push.push(_small(20), remote, graph, verify=True)
    assert remote.count(graph) == 10
    assert _staging(remote) == []
