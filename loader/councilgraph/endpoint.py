"""Graphs in SPARQL stores elsewhere: asked as the embedded store is, fetched, and written to.

`Remote` is a `queries.Source`: it gives the terms that the store has, and refuses what the embedded store
refuses. Queries go by the SPARQL 1.1 Protocol (SPARQLWrapper, always POST), graphs by the SPARQL 1.1 Graph
Store Protocol and updates by the Protocol (httpx). What may be asked twice is asked again, a few times,
where a server says that it is busy or a connection breaks. No redirect is followed: it would carry the
question, and who asks, to where nobody sent them.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from pyoxigraph import (
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    QueryBoolean,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Store,
    Triple,
    parse,
    parse_query_results,
)
from SPARQLWrapper import ASK, CONSTRUCT, POST, SELECT, SPARQLWrapper

from councilgraph import queries
from councilgraph.errors import CouncilgraphError, UsageError
from councilgraph.queries import Rows

T = TypeVar("T")
#: Seconds that an answer may take; that a server may be silent while it is written to.
ANSWER, SILENCE = 60.0, 600.0
#: Seconds before a thing is tried again; the longest that a server may ask us to wait.
_WAITS, _LONGEST_WAIT = (0.5, 1.0, 2.0), 30.0
#: Bytes of the largest answer that is read into memory, and of an error's text.
_LARGEST, _ERROR_TEXT = 1 << 30, 1 << 16
_AGENT = "councilgraph"
_RESULTS = "application/sparql-results+json"
_TRIPLES = "application/n-triples, text/turtle;q=0.5"
_GRAPHS = {
    "application/n-triples": RdfFormat.N_TRIPLES,
    "text/plain": RdfFormat.N_TRIPLES,  # as it was called before RDF 1.1, and still is by some
    "text/turtle": RdfFormat.TURTLE,
    "application/x-turtle": RdfFormat.TURTLE,
}


@dataclass(frozen=True)
class Layout:
    """The addresses that a kind of store has: the shape of any of them, and what the others are from it.

    `store` is that of its Graph Store Protocol, empty where it has none. `own_default` says whether its
    default graph is a graph of its own; elsewhere it is all graphs together, and none can be put there.
    `bulk` is what it wants said in the address of a graph to load it as its bulk loader does, for graphs that
    nobody reads yet, or that hold nothing. `move` is the update that moves a graph.
    """

    name: str
    shape: str
    query: str
    update: str
    store: str
    own_default: bool = True
    bulk: str = ""
    move: str = "MOVE {named} TO {graph}"


#: The first Oxigraph whose PUT is one transaction, as Fuseki's is.
_ATOMIC = (0, 5, 10)
#: What MOVE does, said otherwise: Fuseki 5.6 with TDB2 loses triples by MOVE and COPY where the graph that
#: they go to is not empty. One request is one transaction there.
_COPIED = "DROP SILENT {graph} ; INSERT {{ {triples} }} WHERE {{ {named} {{ ?s ?p ?o }} }} ; DROP {named}"

#: The first whose shape an address has is taken, until the server says what it is; shapes are what each
#: store's manual gives.
LAYOUTS = (
    Layout(
        "Amazon Neptune",
        r"(?P<base>https?://[^/]+\.neptune\.amazonaws\.com(?:\.cn)?(?::\d+)?)(?:/sparql(?:/gsp)?)?",
        "{base}/sparql",
        "{base}/sparql",
        "{base}/sparql/gsp/",
        own_default=False,
    ),
    Layout(
        "RDF4J or GraphDB",
        r"(?P<base>https?://.+/repositories/[^/]+)(?:/statements|/rdf-graphs/service)?",
        "{base}",
        "{base}/statements",
        "{base}/rdf-graphs/service",
        own_default=False,
    ),
    Layout(
        "Blazegraph",
        r"(?P<base>https?://.+/(?:bigdata|blazegraph)(?:/namespace/[^/]+)?/sparql)",
        "{base}",
        "{base}",
        "",
        own_default=False,
    ),
    Layout(
        "Virtuoso",
        r"(?P<base>https?://[^/]+)(?:/sparql(?P<auth>-auth)?|/sparql-graph-crud(?:-auth)?|(?<=:8890))",
        "{base}/sparql{auth}",
        "{base}/sparql-auth",
        "{base}/sparql-graph-crud-auth",
        own_default=False,
    ),
    Layout(
        "Stardog",
        r"(?P<base>https?://[^/]+:5820/[^/]+)(?:/query|/update)?",
        "{base}/query",
        "{base}/update",
        "{base}",
    ),
    Layout(
        "QLever",
        r"(?P<base>https?://[^/]+:70[0-2]\d)",
        "{base}/",
        "{base}/",
        "{base}/",
        own_default=False,
    ),
    Layout("a SPARQL store", r"(?P<base>https?://[^/]+/sparql)", "{base}", "{base}", ""),
    Layout(
        "Oxigraph",
        r"(?P<base>https?://[^/]+)(?:/query|/sparql|/update|/store)?",
        "{base}/query",
        "{base}/update",
        "{base}/store",
        bulk="no_transaction",
    ),
    Layout(
        "Fuseki",
        r"(?P<base>https?://[^/]+(?:/.+?)??)(?:/query|/sparql|/update|/data|/get)?",
        "{base}/query",
        "{base}/update",
        "{base}/data",
        move=_COPIED,
    ),
)


@dataclass(frozen=True)
class Address:
    """Where a store answers queries, takes updates, and (`store`) graphs, and how: see `Layout`.

    Where it is not `trusted` it answers some canned queries wrongly: better to fetch the graph and ask that.
    Where it is `atomic` it puts a graph in the place of another in one transaction, but takes what breaks off
    at its beginning for an empty graph where it has to be put `as_form`. `others` are what the address is by
    the shape of other layouts.
    """

    name: str
    query: str
    update: str
    store: str
    own_default: bool
    bulk: str = ""
    move: str = Layout.move
    trusted: bool = True
    atomic: bool = False
    as_form: bool = False
    others: tuple[Address, ...] = ()

    @property
    def unsafe(self) -> bool:
        """Whether a secret would travel to another machine for all to read."""
        addresses = (self.query, self.update, self.store)
        return any(url.startswith("http:") and not near(url) for url in addresses)


def near(url: str) -> bool:
    """Whether an address is of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def address(url: str, update: str = "", store: str = "") -> Address:
    """The addresses of a store of which a person knows one; `update` and `store` say what cannot be guessed.

    UsageError where one of them is no plain http or https address.
    """
    for where, given in (("ENDPOINT", url), ("--update", update), ("--store", store)):
        if given or where == "ENDPOINT":
            _plain(where, given)
    found = tuple(
        Address(
            layout.name,
            layout.query.format(**parts),
            update or layout.update.format(**parts),
            store or layout.store.format(**parts),
            layout.own_default,
            "" if store else layout.bulk,
            layout.move,
        )
        for layout in LAYOUTS
        if (parts := _parts(layout, url.rstrip("/"))) is not None
    )
    if not found:
        raise UsageError("ENDPOINT", "is no address of a store", "Write it like http://localhost:7878/query.")
    return replace(found[0], others=found[1:])


def _parts(layout: Layout, url: str) -> dict[str, str] | None:
    found = re.fullmatch(layout.shape, url)
    return {name: part or "" for name, part in found.groupdict().items()} if found else None


def recognised(where: Address, headers: Mapping[str, str], strange: bool = False) -> Address:
    """What an address is, by the headers of an answer from there.

    A machine in between may have taken away what the server says that it is. Then the shape says it, but for
    Virtuoso, whose answers are `strange`: a row, to a question of yes or no.
    """
    server, name = headers.get("Server") or "", ""
    version = re.match(r"Oxigraph/(\d+)\.(\d+)\.(\d+)", server)
    if strange or server.startswith("Virtuoso/"):
        name = "Virtuoso"
    elif version:
        name = "Oxigraph"
    elif "Fuseki-Request-Id" in headers:
        name = "Fuseki"
    known = [each for each in (where, *where.others) if each.name == name]
    likely = [each for each in (where, *where.others) if each.name != "Virtuoso"]
    found = (known or likely or [where])[0]
    return replace(
        found,
        name=name or found.name,
        own_default=found.own_default and name != "Virtuoso",
        trusted=name != "Virtuoso",
        as_form=name == "Fuseki",
        atomic=name == "Fuseki" or (version is not None and tuple(map(int, version.groups())) >= _ATOMIC),
    )


def _plain(where: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = None, None
    if parts is None or parts.scheme not in ("http", "https") or not host or re.search(r"[^!-~]", url):
        remedy = "Write it like http://localhost:7878/query."
        raise UsageError(where, "is no http or https address", remedy)
    if "@" in parts.netloc:
        remedy = "Give --user NAME; the password is asked for, or taken from COUNCILGRAPH_PASSWORD."
        raise UsageError(where, "holds a user name or a password", remedy)
    if parts.query or parts.fragment:
        raise UsageError(where, "has a ? or a # in it", "Give the address alone; --graph names a graph.")


@dataclass(frozen=True)
class Credentials:
    """Who asks: a user and a password, or (without a user) a bearer token. Neither is ever shown."""

    user: str = ""
    secret: str = field(default="", repr=False)

    def hidden(self, text: str) -> str:
        """A server's text without what it was told in confidence."""
        if not self.secret:
            return text
        basic = b64encode(f"{self.user}:{self.secret}".encode()).decode()
        for secret in (self.secret, basic):
            text = text.replace(secret, "…")
        return text


class RefusedError(CouncilgraphError):
    """A server answered with an error, whose `status` is HTTP's; or with nothing, and it is 0."""

    def __init__(self, where: str, why: str, remedy: str, status: int) -> None:
        super().__init__(where, why, remedy)
        self.status = status


class PassingError(RefusedError):
    """What may pass: a busy server, a broken connection.

    `after` has the seconds to wait, where the server says so; `unsent` says that nothing was done.
    """

    def __init__(
        self,
        where: str,
        why: str,
        remedy: str,
        status: int = 0,
        after: float | None = None,
        unsent: bool = False,
    ) -> None:
        super().__init__(where, why, remedy, status)
        self.after, self.unsent = after, unsent


_RIGHTS = "Ask its keeper for the right to it, or give other credentials (--user, --token-env)."
_ADDRESS = "Look at the address; push takes --update and --store for what cannot be guessed."
_BULK = "Raise its limit, or load the files of `councilgraph dump` with its own loader (docs/stores.md)."
#: What a status means, and what to do; others are told as they are.
_STATUS = {
    400: ("does not understand what it is asked", "See docs/stores.md for what is known of it."),
    401: (
        "does not let in who asks",
        "Give --user NAME (its password from COUNCILGRAPH_PASSWORD, or typed) or --token-env VAR.",
    ),
    403: ("forbids this", _RIGHTS),
    404: ("is not there", _ADDRESS),
    405: ("does not do this", _ADDRESS),
    413: ("takes nothing as large as this", _BULK),
    429: ("has been asked too often", "Try again later."),
    503: ("is busy or shut", "Try again later."),
    507: ("has no space left", "Give it more."),
}
_FAILED = ("failed", "Look into its log, and try again.")
#: What a store may answer that knows no ASK.
_NO_ASK = (400, 404, 500, 501)
#: Nothing was done where one of these is the answer; the others may be asked again where that is safe.
_BUSY = (429, 503)


#: How a connection ends that a server, or the network, broke.
_BROKEN = (ConnectionError, http.client.HTTPException, httpx.NetworkError, httpx.ProtocolError)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect as an error."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """There is no request after a redirect."""


class _Wrapper(SPARQLWrapper):
    """SPARQLWrapper by an opener of our own: the global one takes credentials along as it is redirected."""

    opener: urllib.request.OpenerDirector

    def _query(self) -> tuple[http.client.HTTPResponse, str]:
        return self.opener.open(self._createRequest(), timeout=self.timeout), self.returnFormat


class _Auth(httpx.Auth):
    """Basic or Digest, whichever the server asks for."""

    def __init__(self, user: str, password: str) -> None:
        self._both: dict[str, httpx.Auth] = {
            "digest": httpx.DigestAuth(user, password),
            "basic": httpx.BasicAuth(user, password),
        }
        self._chosen: httpx.Auth | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask, and once more as the server wants it; from then on as it wanted it."""
        if self._chosen is None:
            response = yield request
            asked = " ".join(response.headers.get_list("www-authenticate")).lower()
            wanted = [kind for kind in self._both if re.search(rf"\b{kind}\b", asked)]
            if response.status_code != 401 or not wanted:
                return
            self._chosen = self._both[wanted[0]]
        yield from self._chosen.auth_flow(request)


class Body:
    """Bytes as the body of a request: streamed, and sent again from their beginning.

    `parts` gives them, `media` is their media type. Without a `size` they go in chunks.
    """

    def __init__(
        self, parts: Callable[[], Iterator[bytes]], media: str, *, coding: str = "", size: int | None = None
    ) -> None:
        self._parts = parts
        self.headers = {"Content-Type": media}
        if coding:
            self.headers["Content-Encoding"] = coding
        if size is not None:
            self.headers["Content-Length"] = str(size)

    def __iter__(self) -> Iterator[bytes]:
        return self._parts()


class Remote:
    """A store elsewhere, and the graph in it that is asked: without one, its default graph.

    `timeout` is in seconds: that a whole answer may take, and that the store may be silent.
    CouncilgraphError where it cannot be reached, refuses, or answers with what is no answer.
    """

    def __init__(
        self,
        where: Address,
        graph: str = "",
        credentials: Credentials | None = None,
        timeout: float = ANSWER,
    ) -> None:
        self.graph, self.timeout = graph, timeout
        self._where, self._recognised = where, False
        self._headers: Mapping[str, str] = {}  # of the last answer to a query
        self._credentials = credentials or Credentials()
        if graph:
            iri(graph)
        trust = ssl.create_default_context()
        user, secret = self._credentials.user, self._credentials.secret
        handlers: list[urllib.request.BaseHandler] = [
            urllib.request.HTTPSHandler(context=trust),
            _NoRedirect(),
        ]
        if user:
            known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            known.add_password(None, where.query, user, secret)
            handlers += [
                urllib.request.HTTPDigestAuthHandler(known),
                urllib.request.HTTPBasicAuthHandler(known),
            ]
        self._opener = urllib.request.build_opener(*handlers)
        self._token = {} if user or not secret else {"Authorization": f"Bearer {secret}"}
        self._client = httpx.Client(
            auth=_Auth(user, secret) if user else None,
            headers={"User-Agent": _AGENT, **self._token},
            verify=trust,
            timeout=self._patience(0),
            follow_redirects=False,
        )

    @property
    def where(self) -> Address:
        """Where the store is, and how it is written to: it is asked once what it is."""
        if not self._recognised:
            try:
                answer = self._results(self._asked("ASK {}", ASK, _RESULTS, whole=True))
                self._where = recognised(self._where, self._headers, isinstance(answer, Rows))
            except RefusedError as error:
                if error.status not in _NO_ASK:
                    raise
                self._where = recognised(self._where, {})
            self._recognised = True
        return self._where

    # -- asking

    def query(self, text: str, *, prefixes: Mapping[str, str] | None = None) -> Rows | bool | list[Triple]:
        """What the graph answers to a query: rows, yes or no, or triples.

        SyntaxError where the text is no query, as the embedded store has it; an update is none.
        """
        kind = type(Store().query(text, prefixes=dict(prefixes or {})))
        text = _declared(text, prefixes or {})
        if kind is QuerySolutions:
            answer = self._asked(text, SELECT, _RESULTS)
            return self._rows(answer)
        if kind is QueryBoolean:
            return self._truth(self._asked(text, ASK, _RESULTS))
        return [quad.triple for quad in self._graph(*self._asked(text, CONSTRUCT, _TRIPLES))]

    def quads_for_pattern(
        self,
        subject: NamedNode | None,
        predicate: NamedNode | None,
        object: NamedNode | Literal | None,
        graph_name: DefaultGraph | None = None,
        /,
    ) -> Iterator[Quad]:
        """The graph's triples with these terms, sorted, as `pyoxigraph.Store` gives its default graph's."""
        given = {"s": subject, "p": predicate, "o": object}
        terms = [f"?{name}" if term is None else str(term) for name, term in given.items()]
        free = [f"?{name}" for name, term in given.items() if term is None] or ["(1 AS ?one)"]
        order = "ORDER BY ?s ?p ?o" if any(term is None for term in given.values()) else ""
        answer = self.query(f"SELECT {' '.join(free)} WHERE {{ {' '.join(terms)} }} {order}")
        assert isinstance(answer, Rows)
        for row in answer.rows:
            found = given | dict(zip(answer.columns, row, strict=True))
            s, p, o = found["s"], found["p"], found["o"]
            if isinstance(s, NamedNode) and isinstance(p, NamedNode) and isinstance(o, NamedNode | Literal):
                yield Quad(s, p, o, graph_name or DefaultGraph())

    def count(self, graph: str) -> int:
        """The triples of a graph; of the default graph where it is the empty text."""
        asked = f"SELECT (COUNT(*) AS ?count) WHERE {{ {_within(graph)} }}"
        answer = self._rows(self._asked(asked, SELECT, _RESULTS, whole=True))
        cell = answer.rows[0][0] if len(answer.rows) == 1 and answer.rows[0] else None
        if not isinstance(cell, Literal) or not cell.value.isdecimal():
            raise self._nonsense(self._where.query, "counts to no number")
        return int(cell.value)

    def subjects(self, graph: str) -> list[str]:
        """The IRIs of which a graph says something."""
        asked = f"SELECT DISTINCT ?s WHERE {{ {_within(graph)} }} ORDER BY ?s"
        answer = self._rows(self._asked(asked, SELECT, _RESULTS, whole=True))
        return [cell.value for row in answer.rows for cell in row if isinstance(cell, NamedNode)]

    def _asked(self, text: str, kind: str, accept: str, whole: bool = False) -> tuple[bytes, str]:
        """The body of the answer to a query, and its media type; of the `whole` store, or of the graph."""
        body = bytearray()

        def keep(part: bytes) -> None:
            body.extend(part)
            if len(body) > _LARGEST:
                raise self._nonsense(self._where.query, f"answers with more than {_LARGEST:,} bytes")

        def attempt() -> str:
            body.clear()
            return self._streamed(text, kind, accept, keep, whole, self.timeout)

        media = again(attempt)
        return bytes(body), media

    def _streamed(
        self,
        text: str,
        kind: str,
        accept: str,
        keep: Callable[[bytes], None],
        whole: bool,
        seconds: float | None,
    ) -> str:
        """Ask once and hand the answer on part by part, within so many seconds; its media type."""
        url = self._where.query
        wrapper = _Wrapper(url, agent=_AGENT, defaultGraph=None if whole else self.graph or None)
        wrapper.opener = self._opener
        wrapper.setMethod(POST)
        wrapper.setOnlyConneg(True)
        wrapper.setQuery(text)
        wrapper.queryType = kind  # it guesses, and takes a name such as <…/address/> for an ADD
        wrapper.timeout = self.timeout  # type: ignore[assignment] # it is typed int; urllib takes fractions
        for name, value in {"Accept": accept, **self._token}.items():
            wrapper.addCustomHttpHeader(name, value)
        end = None if seconds is None else time.monotonic() + seconds
        try:
            with wrapper.query().response as response:
                while part := response.read1(1 << 16):
                    keep(part)
                    if end and time.monotonic() > end:
                        raise TimeoutError
                if response.length:
                    raise http.client.IncompleteRead(b"", response.length)
                self._headers = httpx.Headers(response.headers.items())
                limit = response.headers.get("X-SPARQL-MaxRows")
                if limit:  # so says Virtuoso where it leaves the rest out
                    why = f"gives the first {_shown(limit)} rows only"
                    raise self._nonsense(url, why, "Raise that limit of it.")
                return str(response.headers.get_content_type())
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(url, error.code, dict(error.headers.items()), _some(error)) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(url, error) from error

    def _rows(self, answer: tuple[bytes, str]) -> Rows:
        found = self._results(answer)
        if isinstance(found, Rows):
            return found
        raise self._nonsense(self._where.query, "answers yes or no, not with rows")

    def _truth(self, answer: tuple[bytes, str]) -> bool:
        """Yes or no; Virtuoso gives a row for yes, and none for no."""
        found = self._results(answer)
        return found if isinstance(found, bool) else bool(found.rows)

    def _results(self, answer: tuple[bytes, str]) -> Rows | bool:
        body, media = answer
        if media not in (_RESULTS, "application/json"):
            raise self._no_answer(self._where.query, media, "results of SPARQL")
        try:
            found = parse_query_results(body, QueryResultsFormat.JSON)
            return bool(found) if isinstance(found, QueryBoolean) else queries.rows(found)
        except (SyntaxError, ValueError) as error:
            raise self._nonsense(self._where.query, "answers with broken results of SPARQL") from error

    def _graph(self, body: bytes, media: str) -> Iterator[Quad]:
        try:
            yield from parse(body, format=self._format(self._where.query, media))
        except SyntaxError as error:
            raise self._nonsense(self._where.query, "answers with broken RDF") from error

    def _format(self, url: str, media: str) -> RdfFormat:
        if media not in _GRAPHS:
            raise self._no_answer(url, media, "RDF")
        return _GRAPHS[media]

    # -- fetching

    def fetch(self, graph: str, folder: Path) -> Path:
        """Write a graph into a file in a folder, as it comes: N-Triples or Turtle, by the file's ending."""
        expected = self.count(graph)
        try:
            file = again(lambda: self._got(graph, folder)) if self.where.store else None
        except RefusedError as error:
            if error.status not in (404, 405, 406, 501):
                raise
            file = None  # it has no Graph Store Protocol there
        file = file or again(lambda: self._constructed(graph, folder))
        form = RdfFormat.from_extension(file.suffix.removeprefix("."))
        try:
            count = len(set(parse(path=file, format=form))) if expected else 0
        except SyntaxError as error:
            raise self._nonsense(self.where.query, "sends broken RDF") from error
        if count != expected:
            why = f"counts {expected:,} triples in {named(graph)} but sends {count:,}"
            raise self._nonsense(self.where.query, why, "Does it limit answers? Raise that limit of it.")
        return file

    def copy(self) -> Store:
        """The graph in memory, to be asked here."""
        with TemporaryDirectory(prefix="councilgraph-") as folder:
            file = self.fetch(self.graph, Path(folder))
            store = Store()
            store.bulk_load(path=file, format=RdfFormat.from_extension(file.suffix.removeprefix(".")))
        return store

    def _got(self, graph: str, folder: Path) -> Path:
        file = folder / "fetched"
        with self._answered("GET", self._of(graph), headers={"Accept": _TRIPLES}) as response:
            media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            form = self._format(self.where.store, media)
            with _opened(file) as write:
                for part in response.iter_bytes(1 << 16):
                    write(part)
        return file.replace(file.with_suffix(f".{form.file_extension}"))

    def _constructed(self, graph: str, folder: Path) -> Path:
        file = folder / "fetched"
        text = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {_within(graph)} }}"
        with _opened(file) as write:
            media = self._streamed(text, CONSTRUCT, _TRIPLES, write, True, None)
        return file.replace(file.with_suffix(f".{self._format(self.where.query, media).file_extension}"))

    # -- writing

    def put(self, graph: str, body: Body) -> None:
        """Put triples in the place of what a graph holds, that nobody reads yet; again where need be."""
        self._send("PUT", graph, body, self.where.bulk)

    def replace(self, graph: str, body: Body, empty: bool, seconds: float) -> None:
        """Put triples in the place of a graph in one transaction, where the store is `atomic`; as `put` does.

        To one that is `empty` they are added, in Oxigraph by its bulk loader: at once too, and twice is once.
        """
        bulk = self.where.bulk if empty else ""
        self._send("POST" if empty else "PUT", graph, body, bulk, seconds)

    def _send(self, method: str, graph: str, body: Body, bulk: str, seconds: float = 0) -> None:
        url = self._of(graph) + (f"&{bulk}" if bulk else "")

        def attempt() -> None:
            timeout = self._patience(seconds)
            with self._answered(method, url, content=body, headers=body.headers, timeout=timeout):
                pass

        again(attempt)

    def _patience(self, seconds: float) -> httpx.Timeout:
        """For what may take so many seconds."""
        return httpx.Timeout(max(seconds, self.timeout), connect=min(self.timeout, ANSWER))

    def update(self, text: str, safe: bool = True, seconds: float = 0) -> None:
        """Do an update; `safe` says that doing it twice is doing it once, `seconds` how long it may take."""

        def attempt() -> None:
            timeout = self._patience(seconds)
            with self._answered("POST", self.where.update, data={"update": text}, timeout=timeout):
                pass

        again(attempt, safe)

    def move(self, source: str, graph: str, seconds: float) -> None:
        """Move a graph into the place of another, in so many seconds at most; it is asked for once."""
        text = self.where.move.format(named=named(source), graph=named(graph), triples=_within(graph))
        self.update(text, safe=False, seconds=seconds)

    def _of(self, graph: str) -> str:
        return f"{self.where.store}?" + (f"graph={quote(graph, safe='')}" if graph else "default")

    @contextmanager
    def _answered(self, method: str, url: str, **how: Any) -> Iterator[httpx.Response]:
        """A response that is no error, to be read."""
        where = url.partition("?")[0]
        try:
            with self._client.stream(method, url, **how) as response:
                if not response.is_success:
                    text = b""
                    for part in response.iter_bytes():
                        text += part
                        if len(text) > _ERROR_TEXT:
                            break
                    raise self._refused(where, response.status_code, response.headers, text)
                yield response
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._lost(where, error) from error

    # -- what goes wrong

    def _refused(self, url: str, status: int, given: Mapping[str, str], body: bytes) -> RefusedError:
        headers = httpx.Headers(given)
        text = re.sub(r"<style.*?</style>|<[^<>]*>", " ", body.decode(errors="replace"), flags=re.DOTALL)
        said = _shown(self._credentials.hidden(text))
        status_said = f"{status}: {said}" if said else str(status)
        if status in range(300, 400):
            to = urlsplit(headers.get("Location", ""))
            place = f"{to.scheme}://{to.netloc.rpartition('@')[2]}{to.path}"
            there = f" to {_shown(place)}" if to.netloc else ""
            remedy = "Redirects are not followed: give that address itself, if you trust it."
            return RefusedError(url, f"redirects{there} ({status})", remedy, status)
        why, remedy = _STATUS.get(status, _FAILED)
        why = f"{why} ({status_said})"
        if status in _BUSY:
            return PassingError(url, why, remedy, status, _after(headers.get("Retry-After", "")), unsent=True)
        return RefusedError(url, why, remedy, status)

    def _lost(self, url: str, error: BaseException) -> RefusedError:
        """What became of a connection, from the first cause that says it."""
        for cause in _causes(error):
            if isinstance(cause, ssl.SSLError):
                reason = getattr(cause, "verify_message", "") or cause.reason or str(cause)
                remedy = "Mend its certificate, or name the authority's file in SSL_CERT_FILE."
                return RefusedError(url, f"cannot be trusted ({_shown(reason)})", remedy, 0)
            if isinstance(cause, TimeoutError | httpx.TimeoutException):
                why = f"has not answered within {self.timeout:g} seconds"
                return RefusedError(url, why, "Try again later, or give it longer with --timeout.", 0)
            if isinstance(cause, socket.gaierror):
                return RefusedError(url, "has a host that nobody knows", "Look at the address.", 0)
            if isinstance(cause, ConnectionRefusedError):
                remedy = "Is it running, and at that address?"
                return PassingError(url, "cannot be reached", remedy, unsent=True)
            if isinstance(cause, _BROKEN):
                return PassingError(url, "broke the connection", "Look into its log, and try again.")
        reason = _shown(self._credentials.hidden(str(error)))
        return RefusedError(url, f"cannot be asked ({reason})", "Look at the address.", 0)

    def _no_answer(self, url: str, media: str, wanted: str) -> CouncilgraphError:
        return self._nonsense(url, f"answers with {_shown(media) or 'nothing known'}, which is not {wanted}")

    def _nonsense(self, url: str, why: str, remedy: str = "") -> CouncilgraphError:
        return CouncilgraphError(url, why, remedy or "Is that the address of a SPARQL service?")


def again(attempt: Callable[[], T], safe: bool = True) -> T:
    """Do a thing, again where what stopped it may pass; where it is not `safe`, only if nothing was done."""
    for wait in (*_WAITS, None):
        try:
            return attempt()
        except PassingError as error:
            pause = wait if error.after is None else error.after
            if wait is None or pause is None or pause > _LONGEST_WAIT or not (safe or error.unsent):
                raise
            time.sleep(pause)
    raise AssertionError  # the last attempt returned or raised


def iri(text: str) -> NamedNode:
    """The IRI of a graph; UsageError where it is none."""
    try:
        if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
            raise ValueError
        return NamedNode(text)
    except ValueError:
        shown = _shown(text)
        remedy = "Write it like https://example.org/councils."
        raise UsageError("--graph", f'"{shown}" is no IRI', remedy) from None


def named(graph: str) -> str:
    """A graph as SPARQL Update names it: `GRAPH <…>`, or `DEFAULT` for the default graph."""
    return f"GRAPH {iri(graph)}" if graph else "DEFAULT"


def alone(where: Address) -> Address:
    """The same store as if it had no Graph Store Protocol."""
    return replace(where, store="")


def _within(graph: str) -> str:
    return f"GRAPH {iri(graph)} {{ ?s ?p ?o }}" if graph else "?s ?p ?o"


def _declared(text: str, prefixes: Mapping[str, str]) -> str:
    """A query with the prefixes before it that it uses and does not declare."""
    used = set(re.findall(r"([\w.-]*):", text)) & prefixes.keys()
    own = set(re.findall(r"\bPREFIX\s+([\w.-]*):", text, re.IGNORECASE))
    return "".join(f"PREFIX {name}: <{prefixes[name]}>\n" for name in sorted(used - own)) + text


def _after(text: str) -> float | None:
    """Seconds that a `Retry-After` asks for: a number, or a day and time."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _some(response: Any) -> bytes:
    """The beginning of an error's text, if it can be had."""
    try:
        return bytes(response.read(_ERROR_TEXT))
    except (OSError, http.client.HTTPException):
        return b""


def _causes(error: BaseException) -> Sequence[BaseException]:
    """An error and what it came from, the innermost first."""
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in found:
        found.append(at)
        reason = getattr(at, "reason", None)
        at = reason if isinstance(reason, BaseException) else at.__cause__ or at.__context__
    return found[::-1]


def _shown(text: str) -> str:
    """A server's text on one line, short, without what a terminal would obey."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= 200 else f"{plain[:200]}…"


@contextmanager
def _opened(file: Path) -> Iterator[Callable[[bytes], None]]:
    """What writes to a file; CouncilgraphError where that fails, which is no failure of a connection."""

    def failed(error: OSError) -> CouncilgraphError:
        remedy = "Free some space, or name another folder in TMPDIR."
        return CouncilgraphError(str(file.parent), f"cannot be written ({error.strerror or error})", remedy)

    def write(part: bytes) -> None:
        try:
            out.write(part)
        except OSError as error:
            raise failed(error) from error

    try:
        out = file.open("wb", buffering=0)
    except OSError as error:
        raise failed(error) from error
    with out:
        yield write
