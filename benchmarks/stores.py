"""A push to each store beside the store's own bulk loader: seconds, and peak memory of client and server.

    python benchmarks/stores.py [--sizes world,national,1m,10m] [--stores Oxigraph,Fuseki,Virtuoso]
        [--limit SECONDS] [--folder DIR] [--save FILE.json]

Both begin with an empty store on disk, and fill its default graph, or in Virtuoso a named one. The loader
reads a file of N-Triples, the push the same triples as `build` keeps them; neither waits for its file to be
written. A push is counted from its first request to the last, and once more over the graph that it put: no
loader does that. What takes longer than the limit is ended. It prints Markdown; how far it is goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pyoxigraph import Store

from queries import SIZES, Made, machine, made, markdown

# The tests know how to start the stores.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "stores"))
import engines
import servers
from councilgraph import dataset, endpoint, push

#: The stages of a push, and what the table calls them; the last is empty where the graph was put at once.
STAGES = {"sent": "sending", "moved": "moving"}
#: The goal: how many times as long as the loader a push may take.
GOAL = 1.3
Report = dict[str, Any]


def run(command: Sequence[str], folder: Path, limit: float) -> Report:
    """Run a loader to its end: its seconds, and its peak memory in bytes."""
    log = folder / "loader.log"
    start = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        late = threading.Timer(limit, process.kill)
        late.start()
        _, status, used = os.wait4(process.pid, 0)
        late.cancel()
    if time.perf_counter() - start > limit:
        return {"failed": f"not done after {limit:,.0f} s"}
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return {"failed": " ".join(log.read_text(errors="replace").split())[-200:]}
    return {"seconds": time.perf_counter() - start, "server": used.ru_maxrss * 1024}


def by_oxigraph(graph: Made, folder: Path, limit: float) -> Report:
    binary = str(Path(sys.executable).parent / "oxigraph")
    words = ["load", "--location", str(folder / "store"), "--file", str(graph.triples)]
    return run([binary, *words], folder, limit)


def by_fuseki(graph: Made, folder: Path, limit: float) -> Report:
    words = ["tdb2.tdbloader", "--loc", str(folder / "tdb"), str(graph.triples)]
    return run([engines.java_binary(), "-cp", str(engines.fuseki_jar().resolve()), *words], folder, limit)


def by_virtuoso(graph: Made, folder: Path, limit: float) -> Report:
    """By `ld_dir` and `rdf_loader_run` in a server that runs; the file has to be in its folder."""
    if shutil.which("isql-vt") is None:
        raise engines.UnavailableError("no isql-vt: apt-get install virtuoso-opensource-7-bin")
    store = SERVERS["Virtuoso"](folder)
    (folder / "graph.nt").symlink_to(graph.triples.resolve())
    port = re.findall(r"^ServerPort = 127.0.0.1:(\d+)", (folder / "virtuoso.ini").read_text(), re.MULTILINE)[
        0
    ]
    text = f"ld_dir('.', 'graph.nt', '{store.graph}'); rdf_loader_run(); checkpoint;"
    with store.server as server:
        start = time.perf_counter()
        done = run(["isql-vt", port, "dba", "dba", f"exec={text}"], folder, limit)
        if "failed" in done:
            return done
        count = store.remote(timeout=limit).count(store.graph)
        if count != graph.count:
            return {"failed": f"{count:,} triples of {graph.count:,} arrived"}
        return {"seconds": time.perf_counter() - start, "server": peak(server.pid)}


LOADERS: dict[str, Callable[[Made, Path, float], Report]] = {
    "Oxigraph": by_oxigraph,
    "Fuseki": by_fuseki,
    "Virtuoso": by_virtuoso,
}


#: Each as one would run it to work with, where the tests want it to start quickly and to be small.
SERVERS: dict[str, Callable[[Path], servers.Store]] = {
    "Oxigraph": servers.oxigraph,
    "Fuseki": partial(servers.fuseki, quick=False),
    "Virtuoso": partial(servers.virtuoso, buffers=340_000),
}


def peak(pid: int) -> int:
    """The most memory that a process has had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def pushed(graph: Made, name: str, folder: Path, limit: float) -> dict[str, Report]:
    """Push twice to a fresh store, each from a process of its own."""
    store = SERVERS[name](folder)
    found: dict[str, Report] = {}
    with store.server as server:
        place = "" if store.remote().where.own_default else store.graph
        for how in ("push", "again"):
            context = multiprocessing.get_context("spawn")
            here, there = context.Pipe()
            asked = (store.url, store.user, store.password, place, limit)
            process = context.Process(target=one, args=(there, graph.text, *asked))
            process.start()
            there.close()
            try:
                told = here.recv() if here.poll(limit) else {"failed": f"not done after {limit:,.0f} s"}
                found[how] = told | {"server": peak(server.pid)}
            except EOFError:
                found[how] = {"failed": "ended as it pushed"}
            process.terminate()
            process.join()
            if "failed" in found[how]:
                break
    return found


def one(
    told: Connection,
    text: dataset.Text,
    url: str,
    user: str,
    password: str,
    graph: str,
    limit: float,
) -> None:
    """One push, and the stages of it."""
    stages: dict[str, float] = {}
    start = time.perf_counter()
    try:
        who = endpoint.Credentials(user, password)
        push.push(
            text,
            endpoint.Remote(endpoint.address(url), "", who, limit),
            graph,
            progress=lambda stage, _, seconds: stages.__setitem__(stage, seconds),
        )
        seconds = time.perf_counter() - start
        told.send({"seconds": seconds, "client": peak(os.getpid()), "stages": stages})
    except Exception as error:
        told.send({"failed": str(error)})


def prepared(size: str, folder: Path) -> tuple[Made, float]:
    """The graph of a size, and the seconds that it takes to write what is pushed from its store.

    To be called in a process of its own: what one has held counts as memory of the loaders that it starts.
    """
    graph = made(size, folder)
    start = time.perf_counter()
    with tempfile.NamedTemporaryFile(dir=folder) as out:
        dataset.write(Store.read_only(str(graph.store)), Path(out.name))
    return graph, time.perf_counter() - start


def measure(args: argparse.Namespace, folder: Path) -> Report:
    """Every size, store by store."""
    report: Report = {"machine": machine(), "sizes": {}}
    for size in args.sizes:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
            graph, file = apart.submit(prepared, size, folder).result()
        sheet = report["sizes"][size] = {"triples": graph.count, "file": file, "stores": {}}
        for name in args.stores:
            print(f"{size}: {name}", file=sys.stderr)
            try:
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    loaded = LOADERS[name](graph, Path(place), args.limit)
                with tempfile.TemporaryDirectory(dir=folder) as place:
                    sheet["stores"][name] = {"loader": loaded, **pushed(graph, name, Path(place), args.limit)}
            except engines.UnavailableError as error:
                sheet["stores"][name] = {"without": str(error)}
            if args.save:
                args.save.write_text(json.dumps(report, indent=1))
    return report


def tables(report: Report) -> str:
    parts = [f"Measured {report['machine']}."]
    for size, sheet in report["sizes"].items():
        lines = [["store", "how", "seconds", "of the loader's", *STAGES.values(), "client", "server"]]
        for name, cells in sheet["stores"].items():
            if "without" in cells:
                parts.append(f"{name} is not there: {cells['without']}")
                continue
            loader = cells["loader"].get("seconds")
            for how, title in (("loader", "its loader"), ("push", "push"), ("again", "push over it")):
                cell = cells.get(how, {"failed": "not tried"})
                if "failed" in cell:
                    lines.append([name, title, f"failed: {cell['failed']}", *[""] * (3 + len(STAGES))])
                    continue
                times = f"{cell['seconds'] / loader:.1f}" if loader and how != "loader" else ""
                if how == "push" and times and float(times) > GOAL:
                    times += " (missed)"
                stages = cell.get("stages", {})
                took = [f"{stages[s]:.1f}" if s in stages else "" for s in STAGES]
                memory = [f"{cell[s] / 1e6:,.0f} MB" if s in cell else "" for s in ("client", "server")]
                lines.append([name, title, f"{cell['seconds']:.1f}", times, *took, *memory])
        about = f"Writing the file that is pushed, once, from the store on disk: {sheet['file']:.1f} s."
        parts += [f"### {size}: {sheet['triples']:,} triples", about, markdown(lines)]
    return "\n\n".join(parts)


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="national,1m,10m", help="of world,national,1m,10m (%(default)s)")
    parser.add_argument("--stores", default=",".join(LOADERS), help="of %(default)s")
    parser.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="of each (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the graphs are made, and kept for the next time")
    parser.add_argument("--save", type=Path, metavar="FILE.json", help="where the numbers are written too")
    args = parser.parse_args()
    for option, known in (("sizes", SIZES), ("stores", LOADERS)):
        chosen = getattr(args, option).split(",")
        if strange := set(chosen) - set(known):
            parser.error(f"--{option}: {', '.join(sorted(strange))}: take {', '.join(known)}")
        setattr(args, option, [name for name in known if name in chosen])
    with ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        print(tables(measure(args, folder)))


if __name__ == "__main__":
    main()
