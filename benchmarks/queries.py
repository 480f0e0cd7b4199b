"""Median time of each canned query with its defaults, by engine and by size; and the goals that are missed.

    python benchmarks/queries.py [--sizes world,national,1m,10m]
        [--engines disk,memory,oxigraph,fuseki,rdflib] [--only NAME…]
        [--runs N] [--limit SECONDS] [--folder DIR] [--save FILE.json]

The embedded store on disk is what the commands use, and what the goals are for; the others are what somebody
would take instead. It prints Markdown; how far it is goes to stderr.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from math import exp, log
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from statistics import fmean, median
from typing import Any

import generator
import rdflib
from pyoxigraph import RdfFormat, Store, serialize

from councilgraph import bundle, dataset, queries, render

# The tests know how to start the engines.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import engines
from conftest import WORLD, rooms_with

#: The goals: milliseconds on the national graph and, where the answer does not grow, at the largest size;
#: and the exponent of growth that is still linear.
NATIONAL, LARGEST, LINEAR = 50, 1000, 1.1
#: How many triples a size has, where it is the national graph repeated.
SIZES = {"world": 0, "national": 0, "1m": 1_000_000, "10m": 10_000_000}
#: Seconds to load the largest graph into a server.
LOAD = 3600
NAMES = {
    "disk": "embedded, on disk",
    "memory": "embedded, in memory",
    "oxigraph": "oxigraph serve",
    "fuseki": "Fuseki, in memory",
    "rdflib": "rdflib",
}
#: A virtual machine is slow until it has compiled what it does: it answers everything a few times before.
WARMED, WARM_RUNS = {"fuseki"}, 5
#: rdflib takes minutes for some queries at 100,000 triples: it follows on the miniature world alone.
ONLY_WORLD = {"rdflib"}
Report = dict[str, Any]
#: Opens, in the process that measures, what asks an engine.
Open = Callable[[], engines.Select]


@dataclass(frozen=True)
class Made:
    """A graph of some size: its store on disk, its triples for those that read a file, and what is pushed."""

    store: Path
    triples: Path
    text: dataset.Text

    @property
    def count(self) -> int:
        return self.text.triples


def made(size: str, folder: Path) -> Made:
    """The graph of a size, made if the folder does not have it yet."""
    store, triples, kept = (folder / f"{size}{end}" for end in ("", ".nt", ".ttl.gz"))
    if not kept.exists():
        shutil.rmtree(store, ignore_errors=True)
        fresh = Store(str(store))
        if size == "world":
            with tempfile.TemporaryDirectory() as root:
                rooms = bundle.rooms(rooms_with(WORLD / "data", Path(root)))
                fresh.bulk_extend(dataset.assemble(rooms).store)
        elif size == "national":
            fresh.bulk_extend(generator.national())
        else:
            fresh.bulk_extend(generator.repeated(generator.national(), SIZES[size]))
        fresh.flush()
        text = dataset.write(fresh, folder / f"{size}.partly")
        serialize(text.said(), triples, RdfFormat.N_TRIPLES)
        text.file.rename(kept)
    with triples.open("rb") as lines:
        count = sum(1 for _ in lines)
    with gzip.open(kept) as unpacked:
        return Made(store, triples, dataset.Text(kept, count, unpacked.seek(0, os.SEEK_END)))


def on_disk(graph: Made) -> engines.Select:
    return partial(queries.select, Store.read_only(str(graph.store)))


def in_memory(graph: Made) -> engines.Select:
    store = Store()
    store.bulk_load(path=graph.triples, format=RdfFormat.N_TRIPLES)
    return partial(queries.select, store)


def in_rdflib(graph: Made) -> engines.Select:
    copy = rdflib.Graph()
    copy.parse(graph.triples, format="nt")
    return partial(engines.by_rdflib, copy)


@contextmanager
def embedded(
    load: Callable[[Made], engines.Select], graph: Made, _folder: Path, _limit: int
) -> Iterator[Open]:
    yield partial(load, graph)


@contextmanager
def on_oxigraph(graph: Made, folder: Path, limit: int) -> Iterator[Open]:
    with engines.oxigraph(folder, graph.store, limit) as server:
        yield lambda: server.select


@contextmanager
def on_fuseki(graph: Made, folder: Path, limit: int) -> Iterator[Open]:
    with engines.fuseki(folder, [] if graph.count < 5_000_000 else ["-Xmx10g"], limit) as server:
        with graph.triples.open("rb") as triples:
            server.load(triples, LOAD)
        yield lambda: server.select


ENGINES: dict[str, Callable[[Made, Path, int], AbstractContextManager[Open]]] = {
    "disk": partial(embedded, on_disk),
    "memory": partial(embedded, in_memory),
    "oxigraph": on_oxigraph,
    "fuseki": on_fuseki,
    "rdflib": partial(embedded, in_rdflib),
}


class Worker:
    """A process that asks an engine: it can be ended when a query takes too long, and begins anew."""

    def __init__(self, open_: Open) -> None:
        self._open = open_
        self._process: BaseProcess | None = None
        self.start()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> None:
        """Begin, and wait until the engine is open; RuntimeError where it ends instead."""
        processes = multiprocessing.get_context("fork")
        self._told, other = processes.Pipe()
        self._process = processes.Process(target=work, args=(self._open, other))
        self._process.start()
        other.close()
        try:
            self._told.recv()
        except EOFError as error:
            self.end()
            raise RuntimeError("ended as it was opened") from error

    def end(self) -> None:
        if self._process:
            self._process.kill()
            self._process.join()
            self._told.close()
        self._process = None

    def measure(self, query: queries.Query, runs: int, limit: int) -> Report:
        """The median milliseconds of a query; fewer runs where they would take longer than the limit."""
        if not self._process:
            self.start()
        found: list[tuple[float, int, str]] = []
        try:
            while len(found) < runs and sum(took for took, *_ in found) < 1000 * limit:
                self._told.send(query)
                if not self._told.poll(limit):
                    self.end()
                    return {"over": limit}
                found.append(self._told.recv())
        except (EOFError, OSError):
            self.end()
            return {"failed": True}
        times, rows, digests = zip(*found, strict=True)
        return {"ms": median(times), "runs": len(found), "rows": rows[-1], "digest": digests[-1]}


def work(open_: Open, asked: Connection) -> None:
    """Answer queries for ever: the milliseconds of each, its number of rows and their digest."""
    select = open_()
    asked.send(None)
    while True:
        query: queries.Query = asked.recv()
        start = time.perf_counter()
        rows = queries.shown(select(query.bound({})), query)
        took = 1000 * (time.perf_counter() - start)
        digest = hashlib.sha256(render.rows(rows, "csv").encode()).hexdigest()[:16]
        asked.send((took, len(rows.rows), digest))


def measure(catalogue: list[queries.Query], args: argparse.Namespace, folder: Path, report: Report) -> None:
    """Fill in a report of these queries, size by size and engine by engine."""
    for size in args.sizes:
        tell(f"{size}: making the graph")
        graph = made(size, folder)
        sheet = report["sizes"][size] = {"triples": graph.count, "engines": {}}
        for engine in args.engines:
            if engine in ONLY_WORLD and size != "world":
                continue
            column: Report = {"queries": {}}
            sheet["engines"][engine] = column
            tell(f"{size}: {graph.count:,} triples: loading {NAMES[engine]}")
            start = time.perf_counter()
            with tempfile.TemporaryDirectory() as own, ExitStack() as stack:
                try:
                    open_ = stack.enter_context(ENGINES[engine](graph, Path(own), args.limit))
                    worker = stack.enter_context(Worker(open_))
                except (engines.UnavailableError, RuntimeError, OSError) as error:
                    column["without"] = str(error)
                    tell(f"{size}: {NAMES[engine]}: {error}")
                    continue
                column["load"] = time.perf_counter() - start
                for query in catalogue if engine in WARMED else []:
                    tell(f"{size}: {NAMES[engine]}: {query.name}: warming")
                    column["queries"][query.name] = worker.measure(query, WARM_RUNS, args.limit)
                for query in catalogue:
                    found = column["queries"].get(query.name)
                    if not found or "ms" in found:  # one that took too long is not waited for again
                        found = column["queries"][query.name] = worker.measure(query, args.runs, args.limit)
                    tell(f"{size}: {NAMES[engine]}: {query.name}: {shown(found)}")
            if args.save:
                args.save.write_text(json.dumps(report, indent=1) + "\n")


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def machine() -> str:
    """What the numbers were measured on, and with."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("pyoxigraph", "oxigraph", "rdflib"))
    servers = ""
    try:
        jar = engines.fuseki_jar()
        said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S607 — whichever Java is there
        java = re.search(r'version "([^"]+)', said)
        servers = f", Fuseki {jar.stem.rpartition('-')[2]}, Java {java[1] if java else '?'}"
    except (engines.UnavailableError, OSError):
        pass
    day = f"{date.today():%d %B %Y}".lstrip("0")
    hardware = f"{os.cpu_count()} cores, {memory:.0f} GiB"
    return f"{day}, {hardware}, Python {sys.version.split()[0]}, {packages}{servers}"


def shown(cell: Report | None) -> str:
    """Milliseconds; or that it took too long, or failed."""
    if not cell:
        return ""
    if "ms" not in cell:
        return f"> {cell['over']} s" if "over" in cell else "failed"
    return f"{cell['ms']:.1f}" if cell["ms"] < 100 else f"{cell['ms']:,.0f}"


def against(cell: Report | None, disk: Report | None) -> str:
    """Milliseconds, how many times those of the embedded store on disk, and whether the rows are others."""
    text = shown(cell)
    if cell and disk and "ms" in cell and "ms" in disk:
        text += f" ({cell['ms'] / disk['ms']:.1f}x)"
        if cell["digest"] != disk["digest"]:
            text += " **other rows**"
    return text


def tables(report: Report) -> str:
    """The report in Markdown: a table for each size, then growth and goals."""
    parts = [f"{report['machine']}; median of {report['runs']} in milliseconds"]
    for size, sheet in report["sizes"].items():
        columns = {engine: column for engine, column in sheet["engines"].items() if column["queries"]}
        lines = [["query", "rows", *(NAMES[engine] for engine in columns)]]
        for name in sorted({name for column in columns.values() for name in column["queries"]}):
            disk = sheet["engines"].get("disk", {"queries": {}})["queries"].get(name)
            cells = [column["queries"].get(name) for column in columns.values()]
            rows = {f"{cell['rows']:,}": None for cell in (disk, *cells) if cell and "rows" in cell}
            times = [
                shown(cell) if engine == "disk" else against(cell, disk)
                for engine, cell in zip(columns, cells, strict=True)
            ]
            lines.append([f"`{name}`", " or ".join(rows), *times])
        parts += [f"### {size}: {sheet['triples']:,} triples", markdown(lines)]
        loads = [f"{NAMES[e]} {column['load']:.1f} s" for e, column in columns.items()]
        parts.append(f"Opened, or loaded, in: {', '.join(loads)}.")
        parts += [
            f"{NAMES[engine]} is not there: {column['without'].splitlines()[0]}"
            for engine, column in sheet["engines"].items()
            if "without" in column
        ]
        parts += [line for line in (ratio(engine, sheet) for engine in columns) if line]
    return "\n\n".join([*parts, *growth(report)])


def markdown(lines: list[list[str]]) -> str:
    head, *rest = (f"| {' | '.join(line)} |" for line in lines)
    rule = f"|---|{'--:|' * (len(lines[0]) - 1)}"
    return "\n".join([head, rule, *rest])


def ratio(engine: str, sheet: Report) -> str:
    """How many times as long as the embedded store on disk an engine takes: the geometric mean."""
    disk = sheet["engines"].get("disk", {"queries": {}})["queries"]
    mine = sheet["engines"][engine]["queries"]
    both = [log(mine[n]["ms"] / disk[n]["ms"]) for n in mine if "ms" in mine[n] and "ms" in disk.get(n, {})]
    if engine == "disk" or not both:
        return ""
    late = sum("over" in cell for cell in mine.values())
    more = f", without {late} that took too long" if late else ""
    return f"{NAMES[engine]}: {exp(fmean(both)):.1f}x the time of the embedded store on disk{more}."


def growth(report: Report) -> list[str]:
    """How the times of the embedded store on disk grow with the graph, and the goals that are missed."""
    sizes = [s for s in report["sizes"] if s != "world" and "disk" in report["sizes"][s]["engines"]]
    if not sizes:
        return []
    sheets = {size: report["sizes"][size]["engines"]["disk"]["queries"] for size in sizes}
    triples = {size: report["sizes"][size]["triples"] for size in sizes}
    first, last = sizes[0], sizes[-1]
    steps = list(pairwise(sizes))
    titles = [f"growth to {larger}" for _, larger in steps]
    lines = [["query", *(f"rows, {s}" for s in (first, last)), *sizes, *titles, "misses"]]
    missing = 0
    for name in sorted(sheets[first]):
        cells = {size: sheets[size].get(name, {}) for size in sizes}
        exponents = [
            log(cells[b]["ms"] / cells[a]["ms"]) / log(triples[b] / triples[a])
            if "ms" in cells[a] and "ms" in cells[b]
            else None
            for a, b in steps
        ]
        misses = [*missed(cells, exponents[-1] if exponents else None)]
        missing += bool(misses)
        rows = [f"{c['rows']:,}" if "rows" in c else "" for c in (cells[first], cells[last])]
        times = [shown(cell) for cell in cells.values()]
        grows = ["" if exponent is None else f"{exponent:.2f}" for exponent in exponents]
        lines.append([f"`{name}`", *rows, *times, *grows, "; ".join(misses)])
    count = len(lines) - 1
    return [
        "### Growth, embedded store on disk",
        markdown(lines),
        f"{count - missing} of {count} queries meet every goal: {NATIONAL} ms on the national graph; "
        f"{LARGEST / 1000:g} s at 10 million triples, where the answer does not grow; and, in the last step, "
        f"time that grows as the triples to the power of {LINEAR} at most.",
    ]


def missed(cells: dict[str, Report], exponent: float | None) -> Iterator[str]:
    """The goals that a query's times miss."""
    national, largest = cells.get("national"), cells.get("10m")
    if national is not None and national.get("ms", NATIONAL + 1) > NATIONAL:
        yield f"national > {NATIONAL} ms"
    same = largest and national and largest.get("rows") == national.get("rows")
    if largest is not None and ("ms" not in largest or (same and largest["ms"] > LARGEST)):
        yield f"10m > {LARGEST / 1000:g} s"
    if exponent is not None and exponent > LINEAR:
        yield f"growth > {LINEAR}"


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default=",".join(SIZES), help="of %(default)s")
    parser.add_argument("--engines", default=",".join(ENGINES), help="of %(default)s")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these queries alone")
    parser.add_argument("--runs", type=int, default=7, help="of each query (%(default)s)")
    parser.add_argument("--limit", type=int, default=20, help="seconds for a query's run (%(default)s)")
    parser.add_argument("--folder", type=Path, help="where the graphs are made, and kept for the next time")
    parser.add_argument("--save", type=Path, metavar="FILE.json", help="where the numbers are written too")
    args = parser.parse_args()
    for option, known in (("sizes", SIZES), ("engines", ENGINES)):
        chosen = getattr(args, option).split(",")
        if strange := set(chosen) - set(known):
            parser.error(f"--{option}: {', '.join(sorted(strange))}: take {', '.join(known)}")
        setattr(args, option, [name for name in known if name in chosen])
    catalogue = queries.catalogue(bundle.rooms())
    if strange := set(args.only or ()) - {query.name for query in catalogue}:
        parser.error(f"--only: {', '.join(sorted(strange))}: no such query")
    asked = [query for query in catalogue if not args.only or query.name in args.only]
    report: Report = {"machine": machine(), "runs": args.runs, "sizes": {}}
    with ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        measure(asked, args, folder, report)
    print(tables(report))


if __name__ == "__main__":
    main()
