"""The stores that the tests push to, each on a port and in a folder of its own, and ended with the test run."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path

import pyoxigraph

import engines
from councilgraph import dataset, endpoint
from councilgraph.endpoint import Remote
from engines import ROOT, START, UnavailableError

PASSWORD = "s3cret/of:the test"  # noqa: S105 — of a server that a test starts


_FILES = tempfile.TemporaryDirectory(prefix="councilgraph-tests-")
_NUMBERS = count()


def text(graph: pyoxigraph.Store) -> dataset.Text:
    """A graph as it is pushed, until the tests end."""
    return dataset.write(graph, Path(_FILES.name) / f"{next(_NUMBERS)}.ttl.gz")


@dataclass
class Store:
    """A server that runs: how it is asked, by whom, and which graph of it the tests use."""

    name: str
    server: Server
    path: str
    user: str = ""
    password: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}{self.path}"

    @property
    def graph(self) -> str:
        return "https://example.org/councils"

    def remote(self, graph: str | None = None, *, without_store: bool = False, timeout: float = 60) -> Remote:
        where = endpoint.address(self.url)
        return Remote(
            endpoint.alone(where) if without_store else where,
            graph or "",
            endpoint.Credentials(self.user, self.password),
            timeout,
        )

    def words(self) -> list[str]:
        """The options that name the user."""
        return ["--user", self.user] if self.user else []


class Server(engines.Server):
    """A server that can be killed and started again, on the same port and folder."""

    def __init__(self, command: list[str], folder: Path, ping: str) -> None:
        super().__init__(command, folder, ping, "", "")

    @property
    def port(self) -> int:
        return self._port

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def restart(self) -> None:
        self.__enter__()

    def _wait(self) -> None:
        """Until it answers anything: one with a password may ask for that."""
        end = time.monotonic() + START
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(self._said(f"ended with {self._process.returncode} as it started"))
            connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
            try:
                connection.request("GET", self._ping)
                if connection.getresponse().status < 500:
                    return
            except (OSError, HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()
        raise RuntimeError(self._said(f"did not answer within {START} s"))


def oxigraph(folder: Path, location: Path | None = None, *, in_memory: bool = False) -> Store:
    """Oxigraph on disk, or in memory, which is quicker."""
    binary = shutil.which("oxigraph", path=str(Path(sys.executable).parent))
    if binary is None:
        raise UnavailableError("no `oxigraph` beside this Python: pip install -e '.[dev]'")
    place = [] if in_memory else ["--location", str(location or folder / "store")]
    command = [binary, "serve", *place, "--bind", "127.0.0.1:PORT"]
    return Store("Oxigraph", Server(command, folder, "/query?query=ASK%7B%7D"), "/query")


def fuseki(folder: Path, *, quick: bool = True) -> Store:
    """Apache Jena Fuseki, TDB2 on disk, with a password (Basic authentication); `quick` to start, not to work."""
    jar, java = engines.fuseki_jar().resolve(), engines.java_binary()
    (folder / "passwd").write_text(f"admin: {PASSWORD}\n")
    (folder / "tdb").mkdir()
    machine = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"] if quick else []
    where = ["--tdb2", f"--loc={folder / 'tdb'}", "--update", "--localhost", "--port=PORT"]
    who = ["--auth=basic", f"--passwd={folder / 'passwd'}", "--ping"]
    server = Server([java, *machine, "-jar", str(jar), *where, *who, "/ds"], folder, "/$/ping")
    return Store("Fuseki", server, "/ds", "admin", PASSWORD)


def virtuoso(folder: Path, *, buffers: int = 20_000) -> Store:
    """Virtuoso as Debian has it, with its own administrator (Digest authentication), and buffers of 8 KiB."""
    binary = shutil.which("virtuoso-t")
    if binary is None:
        raise UnavailableError(
            "no Virtuoso: apt-get install virtuoso-opensource-7-bin (Debian), as .ci/run does"
        )
    (folder / "virtuoso.ini").write_text((ROOT / "tests" / "stores" / "virtuoso.ini").read_text())
    server = Server([binary, "-f", "-c", "virtuoso.ini"], folder, "/sparql?query=ASK%7B%7D")
    # It takes its ports from the file alone.
    text = (folder / "virtuoso.ini").read_text()
    text = text.replace("DIRTY_BUFFERS", str(buffers * 3 // 4)).replace("BUFFERS", str(buffers))
    text = text.replace("HTTP_PORT", str(server.port)).replace("SQL_PORT", str(engines.free_port()))
    (folder / "virtuoso.ini").write_text(text)
    return Store("Virtuoso", server, "/sparql", "dba", "dba")


STORES: dict[str, Callable[[Path], Store]] = {"Oxigraph": oxigraph, "Fuseki": fuseki, "Virtuoso": virtuoso}


def openssl(folder: Path) -> tuple[Path, Path]:
    """A certificate that nobody vouches for, and its key."""
    binary = shutil.which("openssl")
    if binary is None:
        raise UnavailableError("no openssl to make a certificate with")
    cert, key = folder / "cert.pem", folder / "key.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout {key} -out {cert}"
    subprocess.run([binary, *words.split()], check=True, capture_output=True)
    return cert, key
