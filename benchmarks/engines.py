"""Median time of each canned query with its defaults: on disk, in memory, and, on a small graph, in rdflib.

`python benchmarks/engines.py` measures the graph as it stands; `--world` the tests' miniature world, where
rdflib can follow.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import rdflib
from pyoxigraph import RdfFormat, serialize

from councilgraph import bundle, dataset, queries, validation

RUNS = 7
ROOT = Path(__file__).parent.parent


def measured(ask: Callable[[], object]) -> float:
    """Median milliseconds."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


def world(folder: Path) -> Path:
    """A root with the miniature world's tables."""
    for room in ("ontology", "shapes", "queries"):
        shutil.copytree(ROOT / room, folder / room)
    shutil.copytree(ROOT / "tests" / "world" / "data", folder / "data")
    return folder


def main() -> None:
    """Print one Markdown table."""
    small = "--world" in sys.argv
    with tempfile.TemporaryDirectory() as folder:
        rooms = bundle.rooms(world(Path(folder)) if small else None)
        disk, fresh = dataset.current(rooms)
        if disk is None or not fresh:
            disk = dataset.build(rooms, validation.findings)
        graph = dataset.assemble(rooms)
        start = time.perf_counter()
        validation.findings(graph, rooms)
        checked = time.perf_counter() - start
        print(f"{len(graph):,} triples; check {checked:.1f} s; median of {RUNS} in milliseconds\n")
        other = rdflib.Graph()
        if small:
            triples = serialize((q.triple for q in graph.store), format=RdfFormat.N_TRIPLES)
            other.parse(data=triples, format="nt")
        print("| query | on disk | in memory | rdflib |\n|---|--:|--:|--:|")
        for query in queries.catalogue(rooms):
            on_disk = measured(lambda q=query: queries.run(disk, q, {}))
            memory = measured(lambda q=query: queries.run(graph.store, q, {}))
            slow = measured(lambda q=query: list(other.query(q.text))) if small else 0
            ratio = f"{slow:.0f} ({slow / on_disk:.0f}x)" if small else "-"
            print(f"| `{query.name}` | {on_disk:.1f} | {memory:.1f} | {ratio} |")


if __name__ == "__main__":
    main()
