"""The engines that every canned query must be answered alike by, and the table of what each answered.

An engine is opened on a graph and gives a function from a SELECT to its rows. Three are embedded; two are
servers, started on a free port of this machine and given the graph by the Graph Store Protocol. One that
cannot be had here is skipped, and the table at the end of a run says why and what to do.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPException
from io import BufferedReader, BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
import rdflib
from pyoxigraph import (
    Literal,
    NamedNode,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Store,
    parse_query_results,
    serialize,
)

from councilgraph import dataset, queries
from councilgraph.queries import Cell, Rows

# Otherwise rdflib rewrites literals as it reads them, and answers with others than it was given.
rdflib.NORMALIZE_LITERALS = False

ROOT = Path(__file__).parent.parent
#: Seconds that a server has to start, and to answer.
START, ANSWER = 90, 60
Select = Callable[[str], Rows]


class UnavailableError(Exception):
    """An engine that cannot be had here: why, and what to do."""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Server:
    """A SPARQL server on a port of this machine, from the beginning of a `with` to its end."""

    def __init__(self, command: Sequence[str], folder: Path, ping: str, query: str, data: str) -> None:
        self._port = free_port()
        self._command = [word.replace("PORT", str(self._port)) for word in command]
        self._folder, self._log = folder, folder / "log"
        self._ping, self._query, self._data = ping, query, data

    def __enter__(self) -> Server:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def select(self, text: str, seconds: float = ANSWER) -> Rows:
        """The rows of a SELECT, sent as a form: a server may refuse or hang on the other ways."""
        headers = {
            "Accept": "application/sparql-results+json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode({"query": text}).encode()
        answer = parse_query_results(
            self._send("POST", self._query, body, headers, seconds), QueryResultsFormat.JSON
        )
        assert isinstance(answer, QuerySolutions)
        columns = tuple(variable.value for variable in answer.variables)
        return Rows(columns, [tuple(solution[name] for name in columns) for solution in answer])

    def load(self, triples: BufferedReader | BytesIO, seconds: float = ANSWER) -> None:
        """Put N-Triples into the default graph, in the place of what is there."""
        self._send("PUT", self._data, triples, {"Content-Type": "application/n-triples"}, seconds)

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | BufferedReader | BytesIO | None = None,
        headers: dict[str, str] | None = None,
        seconds: float = ANSWER,
    ) -> bytes:
        headers = dict(headers or {})
        if isinstance(body, BufferedReader | BytesIO):
            # Without its length it would go in chunks, which not every server stores.
            headers["Content-Length"] = str(body.seek(0, os.SEEK_END))
            body.seek(0)
        connection = HTTPConnection("127.0.0.1", self._port, timeout=seconds)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise RuntimeError(self._said(f"{path} answered {answer.status}: {text[:500].decode()}"))
        return text

    def _wait(self) -> None:
        end = time.monotonic() + START
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(self._said(f"ended with {self._process.returncode} as it started"))
            try:
                self._send("GET", self._ping, seconds=5)
            except (OSError, HTTPException):
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(self._said(f"did not answer within {START} s"))

    def _said(self, what: str) -> str:
        tail = self._log.read_text(errors="replace").splitlines()[-20:]
        return "\n".join([f"{self._command[0]}: {what}. Its log ends:", *tail])


def oxigraph(folder: Path, location: Path | None = None, seconds: int = ANSWER) -> Server:
    """Oxigraph's own server: in memory, or on a store on disk that it may only read."""
    binary = shutil.which("oxigraph", path=str(Path(sys.executable).parent))
    if binary is None:
        raise UnavailableError("no `oxigraph` beside this Python: pip install -e '.[dev]'")
    serve = ["serve"] if location is None else ["serve-read-only", "--location", str(location.resolve())]
    command = [binary, *serve, "--bind", "127.0.0.1:PORT", "--timeout-s", str(seconds)]
    return Server(command, folder, "/query?query=ASK%7B%7D", "/query", "/store?default")


def fuseki(folder: Path, java: Sequence[str] = (), seconds: int = ANSWER) -> Server:
    """Apache Jena Fuseki, in memory; `java` has options of its virtual machine."""
    jar, binary = fuseki_jar(), java_binary()
    options = ["--mem", "--update", "--localhost", "--port=PORT", "--ping", f"--timeout={1000 * seconds}"]
    command = [binary, *java, "-jar", str(jar.resolve()), *options, "/ds"]
    return Server(command, folder, "/$/ping", "/ds/query", "/ds/data?default")


def java_binary() -> str:
    """Java, new enough for Fuseki."""
    binary = shutil.which("java")
    if binary is None:
        raise UnavailableError("no Java: install a Java 17 runtime (or newer) and run .ci/run once")
    said = subprocess.run([binary, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < 17:
        raise UnavailableError("Java is older than 17: install a Java 17 runtime (or newer)")
    return binary


def fuseki_jar() -> Path:
    """The jar that COUNCILGRAPH_FUSEKI names, else the one that `.ci/run` fetched; empty, it means none."""
    kept = sorted((ROOT / ".cache").glob("jena-fuseki-server-*.jar"))
    named = os.environ.get("COUNCILGRAPH_FUSEKI", str(kept[-1]) if kept else "")
    if not named:
        raise UnavailableError("no jar of Fuseki: run .ci/run once, or name one in COUNCILGRAPH_FUSEKI")
    if not Path(named).is_file():
        raise UnavailableError(f"COUNCILGRAPH_FUSEKI names {named}, which is not there")
    return Path(named)


@contextmanager
def _in_memory(graph: Store, _folder: Path) -> Iterator[Select]:
    yield partial(queries.select, graph)


@contextmanager
def _on_disk(graph: Store, folder: Path) -> Iterator[Select]:
    store = Store(str(folder))
    store.bulk_extend(graph)
    store.flush()
    del store  # it may not be open for writing while it is read
    yield partial(queries.select, Store.read_only(str(folder)))


@contextmanager
def _on_oxigraph(graph: Store, folder: Path) -> Iterator[Select]:
    with oxigraph(folder) as server:
        server.load(_n_triples(graph))
        yield server.select


@contextmanager
def _on_fuseki(graph: Store, folder: Path) -> Iterator[Select]:
    # A quick start matters more here than what the virtual machine comes to later.
    with fuseki(folder, ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]) as server:
        server.load(_n_triples(graph))
        yield server.select


@contextmanager
def _in_rdflib(graph: Store, _folder: Path) -> Iterator[Select]:
    copy = rdflib.Graph()
    copy.parse(_n_triples(graph), format="nt")
    with _patience():
        yield partial(_in_time, copy)


def _in_time(graph: rdflib.Graph, text: str) -> Rows:
    signal.alarm(ANSWER)
    try:
        return by_rdflib(graph, text)
    finally:
        signal.alarm(0)


@contextmanager
def _patience() -> Iterator[None]:
    """Where a query multiplies out what it does not connect, rdflib would take hours and all memory."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"rdflib has not answered within {ANSWER} s: connect what one group says")

    before = signal.signal(signal.SIGALRM, give_up)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def by_rdflib(graph: rdflib.Graph, text: str) -> Rows:
    """The rows of a SELECT as rdflib gives them, with the terms of the embedded store."""
    answer = graph.query(text)
    columns = tuple(str(name) for name in answer.vars or ())
    rows = [tuple(_term(row[name]) for name in columns) for row in answer]
    return Rows(columns, rows)


def _term(node: object) -> Cell:
    if isinstance(node, rdflib.URIRef):
        return NamedNode(str(node))
    if isinstance(node, rdflib.Literal):
        if node.language:
            return Literal(str(node), language=node.language)
        return Literal(str(node), datatype=NamedNode(str(node.datatype)) if node.datatype else None)
    return None


def _n_triples(graph: Store) -> BytesIO:
    return BytesIO(serialize(dataset.triples(graph), format=RdfFormat.N_TRIPLES) or b"")


#: Opened on a graph, in a folder of its own.
ENGINES: dict[str, Callable[[Store, Path], AbstractContextManager[Select]]] = {
    "pyoxigraph in memory": _in_memory,
    "pyoxigraph on disk": _on_disk,
    "oxigraph serve": _on_oxigraph,
    "Fuseki": _on_fuseki,
    "rdflib": _in_rdflib,
}


@pytest.fixture(scope="session", params=ENGINES)
def select(
    request: pytest.FixtureRequest, world_graph: dataset.Graph, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Select]:
    """An engine on the miniature world: each is started once, and ended before the next begins."""
    with ExitStack() as stack:
        try:
            opened = ENGINES[request.param](world_graph.store, tmp_path_factory.mktemp("engine"))
            ask = stack.enter_context(opened)
        except UnavailableError as error:
            pytest.skip(str(error))
        yield ask


def query_of(case: Path) -> str:
    """The name of the query that a case is of: `tests/queries/<folder>/<query>.<case>.csv`."""
    return f"{case.parent.name}/{case.name.partition('.')[0]}"


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test of one case on one engine reports which, for the table."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    if {"case", "select"} <= params.keys():
        item.user_properties.append(("cell", (query_of(params["case"]), params["select"])))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what came of each query on each engine."""
    cells: dict[tuple[str, str], list[str]] = defaultdict(list)
    reasons = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            cell = dict(getattr(report, "user_properties", ())).get("cell")
            if cell:
                cells[cell].append(outcome)
                if outcome == "skipped" and isinstance(report.longrepr, tuple):
                    reasons[cell[1]] = report.longrepr[2].removeprefix("Skipped: ")
    if not cells:
        return
    terminalreporter.section("cases passed, query by engine")
    names = sorted({query for query, _ in cells})
    width = max(map(len, names))
    terminalreporter.write_line("  ".join([" " * width, *ENGINES]))
    for name in names:
        shown = [_shown(cells[name, engine]).rjust(len(engine)) for engine in ENGINES]
        terminalreporter.write_line("  ".join([name.ljust(width), *shown]))
    for engine, reason in reasons.items():
        terminalreporter.write_line(f"{engine} skipped: {reason}")


def _shown(outcomes: list[str]) -> str:
    if {"failed", "error"} & set(outcomes):
        return "FAIL"
    return "skip" if "skipped" in outcomes else str(len(outcomes) or "")
