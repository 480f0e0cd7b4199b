"""Whatever goes wrong on the way: the old graph answers, whole; one clear line; and the next push works."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

import proxy
from conftest import Result
from councilgraph import dataset, endpoint, graph, push
from councilgraph.errors import CouncilgraphError
from engines import UnavailableError
from proxy import Handler, Proxy, Request, once, says
from servers import STORES, openssl, oxigraph, text
from servers import Store as Served

Run = Callable[..., Result]
GRAPH = "https://example.org/councils"
PASSWORD = "open sesame"  # noqa: S105 — of a server that a test starts
OLD = NamedNode("https://example.org/old")


#: The triples that are pushed here, unless a test says otherwise.
COUNT = int(os.environ.get("COUNCILGRAPH_PUSHED", "2000"))


@pytest.fixture(autouse=True)
def _pushed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `push` pushes: what goes wrong goes wrong with a small graph too."""
    new = Store()
    for n in range(COUNT):
        node = NamedNode(f"https://example.org/thing/{n}")
        new.add(Quad(node, OLD, Literal(n), DefaultGraph()))
    monkeypatch.setattr(graph, "text", lambda *_: text(new))


@pytest.fixture
def whole(_pushed: None, world_graph: dataset.Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    """The miniature world is pushed."""
    monkeypatch.setattr(graph, "text", lambda *_: text(world_graph.store))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An Oxigraph in memory."""
    try:
        served = oxigraph(tmp_path_factory.mktemp("faults"), in_memory=True)
    except UnavailableError as error:
        pytest.skip(str(error))
    with served.server:
        yield served


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Served]:
    """An Oxigraph on disk, to be killed, with an old graph."""
    try:
        served = oxigraph(tmp_path)
    except UnavailableError as error:
        pytest.skip(str(error))
    with served.server:
        _reset(served)
        yield served


@pytest.fixture
def between(store: Served) -> Iterator[Proxy]:
    """A proxy in front of the store, which has an old graph."""
    _reset(store)
    with proxy.proxied(store.server.port) as between:
        yield between


def _reset(store: Served) -> None:
    old = Store()
    old.add(Quad(OLD, OLD, Literal("old"), DefaultGraph()))
    push.push(text(old), store.remote(), GRAPH)


#: Where a push can go wrong: `staged` is the `put` into a staging graph, where the store does not say what it
#: is, and `move` follows on it; elsewhere there is none.
STEPS = ["query", "probe", "put", "staged", "move"]


def _by(between: Proxy, step: str) -> str:
    """The kind of request that a step is; how the push will go is seen to."""
    between.discreet = step in ("staged", "move")
    return "put" if step == "staged" else step


def _old_answers(store: Served) -> None:
    remote = store.remote()
    assert remote.count(GRAPH) == 1
    assert remote.subjects(GRAPH) == [OLD.value]


def _one_line(answer: Result, *parts: str) -> None:
    last = answer.err.strip().splitlines()[-1]
    assert sum(line.startswith("councilgraph: ") for line in answer.err.splitlines()) == 1
    assert "Traceback" not in answer.err
    assert len(last) < 500
    for part in parts:
        assert part in last
    assert answer.out == ""


def _push(run: Run, url: str, root: Path, *more: object) -> Result:
    return run("push", url, "--graph", GRAPH, "--root", root, *more)


def _the_next_works(run: Run, store: Served, root: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(push.dataset, "alive", lambda _: False)  # as if those before had been other processes
        answer = _push(run, store.url, root, *store.words())
    assert answer.code == 0, answer.err
    remote = store.remote()
    assert remote.count(GRAPH) == COUNT
    assert remote.count(push.STAGING) == 0


REFUSED = {
    "401": (says(401), "does not let in who asks (401)"),
    "403": (says(403, b"<html><p>no\x1b[31m rights</p>"), "forbids this (403: no [31m rights)"),
    "413": (says(413, b"too large"), "takes nothing as large as this (413: too large)"),
    "500": (says(500, b"x" * 100_000), "failed (500: xxx"),
    "507": (says(507), "has no space left (507)"),
    "503 for long": (says(503, Retry_After="3600"), "is busy or shut (503)"),
    "redirect": (
        says(307, Location="http://user:pw@elsewhere.example/x?y"),
        "redirects to http://elsewhere.example/x (307)",
    ),
}


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("fault", REFUSED)
def test_refusals(fault: str, kind: str, run: Run, store: Served, between: Proxy, world_root: Path) -> None:
    what, why = REFUSED[fault]
    kind = _by(between, kind)
    between.fault = once(kind, what, times=99)
    answer = _push(run, between.url, world_root)
    assert answer.code == 3
    _one_line(answer, why, f"http://127.0.0.1:{between.port}/")
    _old_answers(store)
    between.fault = None
    if fault == "500":
        _the_next_works(run, store, world_root)


@pytest.mark.parametrize("kind", [*STEPS, "update"])
@pytest.mark.parametrize(
    "fault",
    [
        says(503, Retry_After="0"),
        says(429, Retry_After="Wed, 25 Nov 2026 00:00:00 GMT"),
        proxy.resets,
        proxy.done_then_resets,
    ],
    ids=["503", "429", "reset", "reset when done"],
)
def test_what_passes_is_tried_again(
    fault: Callable[[Handler, Request], None],
    kind: str,
    run: Run,
    store: Served,
    between: Proxy,
    world_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endpoint, "_WAITS", (0.01, 0.01, 0.01))
    kind = _by(between, kind)
    between.fault = once(kind, fault, times=1)
    answer = _push(run, between.url, world_root)
    assert answer.code == 0, answer.err
    assert store.remote().count(GRAPH) == COUNT


@pytest.mark.parametrize("kind", STEPS)
def test_a_connection_that_always_breaks(
    kind: str, run: Run, store: Served, between: Proxy, world_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_WAITS", (0.01, 0.01, 0.01))
    kind = _by(between, kind)
    between.fault = once(kind, proxy.resets, times=99)
    answer = _push(run, between.url, world_root)
    assert answer.code == 3
    _one_line(answer, "broke the connection")
    assert between.count(kind) == (3 if kind == "move" else 4)  # a few times, and no more
    _old_answers(store)


@pytest.mark.parametrize("kind", ["query", "put", "move"])
def test_a_slow_server(
    kind: str, run: Run, store: Served, between: Proxy, world_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "_MOVED", 10**9)
    between.fault = once(_by(between, kind), proxy.sleeps(2.5), times=9)
    answer = _push(run, between.url, world_root, "--timeout", "1.5")
    assert answer.code == 3
    _one_line(answer, "has not answered within 1.5 seconds", "--timeout")
    _old_answers(store)


def test_an_answer_that_comes_by_drops(between: Proxy, run: Run, world_root: Path) -> None:
    def drop(handler: Handler, _: Request) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/sparql-results+json")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(30):
            handler.wfile.write(b" ")
            proxy.time.sleep(0.1)
        handler.reset()

    between.fault = once("query", drop)
    answer = run("sparql", "ASK {}", "--endpoint", between.url, "--timeout", "0.5", "--root", world_root)
    assert answer.code == 3
    _one_line(answer, "has not answered within 0.5 seconds")


NONSENSE = {
    "a page": (
        200,
        {"Content-Type": "text/html"},
        b"<html>Welcome</html>",
        "answers with text/html, which is not results",
    ),
    "nothing known": (200, {}, b"", "which is not results of SPARQL"),
    "broken": (
        200,
        {"Content-Type": "application/sparql-results+json"},
        b'{"head',
        "broken results of SPARQL",
    ),
    "not results": (200, {"Content-Type": "application/json"}, b'{"error": "no"}', "results of SPARQL"),
    "not UTF-8": (200, {"Content-Type": "application/json"}, b"\xff\xfe", "broken results of SPARQL"),
    "cut off": (
        200,
        {"Content-Type": "application/sparql-results+json", "X-SPARQL-MaxRows": "10000"},
        b'{"head":{"vars":["s"]},"results":{"bindings":[]}}',
        "gives the first 10000 rows only",
    ),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_answers_that_are_no_answers(
    case: str, between: Proxy, run: Run, world_root: Path, store: Served
) -> None:
    status, headers, body, why = NONSENSE[case]
    between.fault = once("query", lambda handler, _: handler.say(status, body, headers), times=99)
    for words in (("who", "torbay"), ("sparql", "SELECT ?s { ?s ?p ?o }")):
        answer = run(*words, "--endpoint", between.url, "--root", world_root)
        assert answer.code == 3
        _one_line(answer, why)
    answer = _push(run, between.url, world_root)
    assert answer.code == 3
    _one_line(answer, why if case != "cut off" else "rows only")
    assert between.count("put") == 0
    _old_answers(store)


GRAPHS = {
    "a page": ("text/html", b"<html>Welcome</html>", "which is not RDF"),
    "broken": ("text/turtle", b"@prefix broken", "sends broken RDF"),
    "less": (
        "application/n-triples",
        b"",
        "counts 1 triples in GRAPH <https://example.org/councils> but sends 0",
    ),
}


@pytest.mark.parametrize("case", GRAPHS)
def test_graphs_that_are_no_graphs(case: str, between: Proxy, run: Run, world_root: Path) -> None:
    media, body, why = GRAPHS[case]
    between.fault = once("get", lambda handler, _: handler.say(200, body, {"Content-Type": media}), times=99)
    answer = run("check", between.url, "--graph", GRAPH, "--root", world_root)
    assert answer.code == 3
    _one_line(answer, why)


@pytest.mark.parametrize("kind", ["query", "put", "move"])
def test_a_redirect_to_another_host_gets_nothing(
    kind: str, run: Run, store: Served, between: Proxy, world_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what is asked nor who asks goes there; nor is the password shown when the server says it aloud."""
    monkeypatch.setenv("TOKEN", PASSWORD)
    kind = _by(between, kind)
    with proxy.proxied(store.server.port) as other:
        for status in (302, 307) if kind == "query" else (308,):
            there = says(status, f"you said {PASSWORD}".encode(), Location=other.url)
            between.fault = once(kind, there, times=99)
            answer = _push(run, between.url, world_root, "--token-env", "TOKEN")
            assert answer.code == 3
            _one_line(answer, f"redirects to http://127.0.0.1:{other.port}/query ({status})", "not followed")
            assert PASSWORD not in answer.err
        assert other.seen == []
    assert any(request.headers.get("Authorization") == f"Bearer {PASSWORD}" for request in between.seen)
    _old_answers(store)


def test_a_secret_is_not_repeated(
    between: Proxy, run: Run, world_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNCILGRAPH_PASSWORD", PASSWORD)

    def aloud(handler: Handler, request: Request) -> None:
        said = f"{request.headers.get('Authorization', '')} {PASSWORD}".encode()
        handler.say(401, said, {"WWW-Authenticate": 'Basic realm="x"'})

    between.fault = once("query", aloud, times=99)
    for words in (("who", "torbay", "--endpoint"), ("push",)):
        answer = run(*words, between.url, "--user", "me", "--root", world_root)
        assert answer.code == 3
        _one_line(answer, "does not let in who asks (401: ")
        assert PASSWORD not in answer.err
        assert "bWU6b3BlbiBzZXNhbWU=" not in answer.err


def test_a_certificate_that_nobody_vouches_for(
    store: Served, run: Run, world_root: Path, tmp_path: Path
) -> None:
    try:
        made = openssl(tmp_path)
    except UnavailableError as error:
        pytest.skip(str(error))
    _reset(store)
    with proxy.proxied(store.server.port, made) as between:
        url = between.url.replace("http:", "https:")
        for words in (("push", url), ("who", "torbay", "--endpoint", url)):
            answer = run(*words, "--root", world_root)
            assert answer.code == 3
            _one_line(answer, "cannot be trusted (self-signed certificate)", "SSL_CERT_FILE")
        assert between.seen == []
    _old_answers(store)


def test_nobody_there(run: Run, world_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_WAITS", (0.01, 0.01, 0.01))
    for words in (("push",), ("who", "torbay", "--endpoint"), ("check",)):
        answer = run(*words, "http://127.0.0.1:9/query", "--root", world_root)
        assert answer.code == 3
        _one_line(answer, "http://127.0.0.1:9/query: cannot be reached", "Is it running")


@contextmanager
def _killed_in_the_middle(store: Served, between: Proxy, kind: str) -> Iterator[None]:
    """The store is killed with half of a request of a kind read."""

    def half(handler: Handler, request: Request) -> None:
        connection = handler.relay(request, len(request.body) // 2)
        proxy.time.sleep(0.2)
        store.server.kill()
        connection.close()
        handler.reset()

    between.fault = once(kind, half)
    try:
        yield
    finally:
        between.fault = None
        if store.server._process.poll() is not None:
            store.server.restart()


@pytest.mark.parametrize("kind", ["probe", "put", "staged", "update", "move"])
def test_a_server_killed_in_the_middle(
    kind: str, kept: Served, run: Run, world_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_WAITS", (0.01, 0.01, 0.01))
    with (
        proxy.proxied(kept.server.port) as between,
        _killed_in_the_middle(kept, between, _by(between, kind)),
    ):
        answer = _push(run, between.url, world_root)
    assert answer.code == 3
    _one_line(answer, "broke the connection")
    _old_answers(kept)
    _the_next_works(run, kept, world_root)


@pytest.fixture(scope="module", params=STORES)
def mortal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A store on disk, to be killed."""
    try:
        served = STORES[request.param](tmp_path_factory.mktemp(request.param))
    except UnavailableError as error:
        pytest.skip(str(error))
    with served.server:
        yield served


#: Seconds after which a store is killed; Java takes as long as ten to start again.
KILLED = {"Oxigraph": (0.0, 0.02, 0.1), "Fuseki": (0.02, 0.1), "Virtuoso": (0.02, 0.1)}


@pytest.mark.parametrize("old", [1, 0], ids=["over a graph", "where there was none"])
def test_a_server_killed_as_it_replaces(
    old: int, mortal: Served, run: Run, world_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any moment, it has the old graph or the new one, and never neither or a part."""
    monkeypatch.setattr(endpoint, "_WAITS", (0.01, 0.01, 0.01))
    monkeypatch.setenv("COUNCILGRAPH_PASSWORD", mortal.password)
    if not old and mortal.name != "Oxigraph":
        pytest.skip("only Oxigraph is written to otherwise there")
    for wait in KILLED[mortal.name]:
        for kind in ("put", "move") if mortal.name == "Oxigraph" else (_replacing(mortal),):

            def killed(handler: Handler, request: Request, wait: float = wait) -> None:
                connection = handler.relay(request)
                proxy.time.sleep(wait)
                mortal.server.kill()
                connection.close()
                handler.reset()

            _reset(mortal)
            if not old:
                mortal.remote().update(f"DROP GRAPH <{GRAPH}>")
            with proxy.proxied(mortal.server.port) as between:
                between.fault = once(_by(between, kind), killed)
                answer = _push(run, between.at(mortal.path), world_root, *mortal.words())
            assert answer.code == 3, answer.err
            mortal.server.restart()
            assert mortal.remote().count(GRAPH) in (old, COUNT)
    _the_next_works(run, mortal, world_root)


def _replacing(store: Served) -> str:
    """The request by which a store replaces a graph."""
    return "put" if store.remote().where.atomic else "move"


BROKEN = {
    "cut": lambda text: text,
    "packed wrongly": lambda text: text + bytes(8),
    "not packed": lambda _: b"<http://x/s> <http://x/p> <http://x/o> .\n",
}


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("how", BROKEN)
def test_a_graph_that_cannot_be_read_to_its_end(
    how: str, compress: bool, mortal: Served, tmp_path: Path
) -> None:
    """It breaks off behind a line, where N-Triples might be taken for a whole."""
    _reset(mortal)
    whole = graph.text(None, None)
    half = b"".join(gzip.decompress(whole.file.read_bytes()).splitlines(keepends=True)[: COUNT // 2])
    packer = zlib.compressobj(wbits=31)
    begun = packer.compress(half) + packer.flush(zlib.Z_FULL_FLUSH)
    broken = replace(whole, file=tmp_path / "graph.ttl.gz")
    broken.file.write_bytes(BROKEN[how](begun))
    with pytest.raises(CouncilgraphError, match=r"graph.ttl.gz: cannot be read \(.+\)\. Remove it") as error:
        push.push(broken, mortal.remote(), GRAPH, compress=compress)
    assert "\n" not in str(error.value)
    _old_answers(mortal)


#: Where a body is cut short: after so many bytes; or behind the last line before so much of it. Not after 14
#: or 15 of a form: Fuseki takes its first boundary alone for the whole (docs/stores.md).
CUTS = {
    "at once": (0, 1, 2, 3),
    "its beginning": (10, 13, 18, 30),
    "its head": (60, 110, 120, 200),
    "lines": (0.1, 0.5, 0.9, 0.999999),
}


@pytest.mark.parametrize("old", [1, 0], ids=["over a graph", "where there was none"])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("sent", CUTS)
def test_a_body_that_is_cut_short(
    sent: str,
    compress: bool,
    old: int,
    mortal: Served,
    run: Run,
    world_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a store that is put to directly makes of a client that dies, or a network that breaks."""
    if not mortal.remote().where.atomic:
        pytest.skip(f"{mortal.name} is not put to directly")
    monkeypatch.setattr(endpoint, "_WAITS", (0.01, 0.01, 0.01))
    monkeypatch.setattr(push, "near", lambda _: not compress)
    monkeypatch.setenv("COUNCILGRAPH_PASSWORD", mortal.password)
    _reset(mortal)
    if not old:
        mortal.remote().update(f"DROP GRAPH <{GRAPH}>")
    cuts = iter(CUTS[sent])

    def cut(handler: Handler, request: Request) -> None:
        end = next(cuts)
        if isinstance(end, float):
            end = request.body.rfind(b"\n", 0, int(len(request.body) * end)) + 1
        handler.relay(request, end).close()
        handler.reset()

    with proxy.proxied(mortal.server.port) as between:
        between.fault = once("put", cut, times=4)
        answer = _push(run, between.at(mortal.path), world_root, *mortal.words())
    assert answer.code == 3
    assert next(cuts, None) is None
    _one_line(answer, "broke the connection")
    end = proxy.time.monotonic() + 1
    while proxy.time.monotonic() < end:
        assert mortal.remote().count(GRAPH) == old
    _the_next_works(run, mortal, world_root)


@contextmanager
def _small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    place = folder / "small"
    place.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("a small disk needs the right to mount one")
    words = [mount, "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.usefixtures("whole")
def test_a_full_disk_of_ours(
    between: Proxy, store: Served, run: Run, world_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _small_disk(tmp_path, 1) as place:
        monkeypatch.setattr(push.tempfile, "tempdir", str(place))
        answer = _push(run, between.url, world_root, "--verify")  # which fetches what arrived
        assert list(place.iterdir()) == []
        assert answer.code == 3
        _one_line(answer, "cannot be written (No space left on device)", "TMPDIR")
        _old_answers(store)
        assert _push(run, between.url, world_root).code == 0, "nothing else needs a disk"


@pytest.mark.usefixtures("whole")
def test_a_full_disk_of_the_server(
    run: Run, world_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "_WAITS", (0.01, 0.01, 0.01))
    with _small_disk(tmp_path, 12) as place:
        served = oxigraph(tmp_path, place / "store")
        with served.server:
            _reset(served)
            answer = _push(run, served.url, world_root)
            assert answer.code == 3
            _one_line(answer, f"http://127.0.0.1:{served.server.port}/")
            _old_answers(served)


USAGE = [
    (("push", "http://me:secret@127.0.0.1:9/query"), "holds a user name or a password"),
    (("push", "ftp://127.0.0.1/query"), "is no http or https address"),
    (("push", "file:///etc/passwd"), "is no http or https address"),
    (("push", "http://127.0.0.1:9/query?graph=x"), "has a ? or a # in it"),
    (("push", "http://127.0.0.1:9/query", "--graph", "no iri"), "is no IRI"),
    (("push", "http://127.0.0.1:9/query", "--graph", "http://x/> } DROP ALL #"), "is no IRI"),
    (("push", "http://127.0.0.1:9/query", "--user", "me"), "has no password"),
    (("push", "http://127.0.0.1:9/query", "--token-env", "NOT_SET_AT_ALL"), "is not set"),
    (
        ("push", "http://127.0.0.1:9/query", "--user", "me", "--token-env", "HOME"),
        "cannot stand beside --user",
    ),
    (
        ("push", "http://127.0.0.1:9/query", "--update", "javascript:x"),
        "--update: is no http or https address",
    ),
    (("who", "torbay", "--graph", "http://x/g"), "--graph: is for a store elsewhere"),
    (
        ("who", "torbay", "--endpoint", "http://127.0.0.1:9/query", "--trust", "official"),
        "--trust: is for the embedded store",
    ),
    (
        ("query", "--compare", "--trust", "official", "--endpoint", "http://127.0.0.1:9/q"),
        "Ask without --endpoint",
    ),
    (("check", "--user", "me"), "--user: is for a store elsewhere"),
]


@pytest.mark.parametrize(("words", "why"), USAGE, ids=[" ".join(words)[:60] for words, _ in USAGE])
def test_what_cannot_be_done_is_said_at_once(
    words: tuple[str, ...], why: str, run: Run, world_root: Path
) -> None:
    answer = run(*words, "--root", world_root)
    assert answer.code == 2
    assert "secret" not in answer.err
    _one_line(answer, why)


@pytest.mark.parametrize(
    "text", ["DROP ALL", "prefix a: <http://x/add/> INSERT DATA { a:x a:y a:z }", "# ask\nCLEAR ALL"]
)
def test_an_update_is_never_sent(text: str, between: Proxy, run: Run, world_root: Path) -> None:
    answer = run("sparql", text, "--endpoint", between.url, "--root", world_root)
    assert answer.code == 2
    assert {request.body for request in between.seen} <= {b"query=ASK+%7B%7D"}  # what are you?


def test_a_query_that_looks_like_an_update_is_sent_as_a_query(
    between: Proxy, run: Run, world_root: Path
) -> None:
    text = f"prefix a: <http://x/address/> # insert\nselect ?s {{ graph <{GRAPH}> {{ ?s ?p ?o }} }}"
    answer = run("sparql", text, "--endpoint", between.url, "--root", world_root, "--format", "csv")
    assert (answer.code, answer.out) == (0, f"s\n{OLD.value}\n")
    assert all(b"update=" not in request.body and request.method == "POST" for request in between.seen)
