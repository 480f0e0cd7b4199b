"""Median time of each canned query with its defaults, on disk, in memory and in rdflib, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import rdflib
from pyoxigraph import RdfFormat, serialize

from councilgraph import bundle, dataset, queries, validation

RUNS = 7


def measured(ask: Callable[[], object]) -> float:
    """Median milliseconds."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


if __name__ == "__main__":
    rooms = bundle.rooms()
    disk, fresh = dataset.current(rooms)
    if disk is None or not fresh:
        disk = dataset.build(rooms, validation.findings)
    graph = dataset.assemble(rooms)
    other = rdflib.Graph()
    other.parse(data=serialize((q.triple for q in graph.store), format=RdfFormat.N_TRIPLES), format="nt")
    print(f"{len(graph):,} triples; median of {RUNS}, milliseconds\n")
    print("| query | on disk | in memory | rdflib |\n|---|--:|--:|--:|")
    for query in queries.catalogue(rooms):
        on_disk = measured(lambda q=query: queries.run(disk, q, {}))
        memory = measured(lambda q=query: queries.run(graph.store, q, {}))
        slow = measured(lambda q=query: list(other.query(q.text)))
        print(f"| `{query.name}` | {on_disk:.1f} | {memory:.1f} | {slow:.0f} ({slow / on_disk:.0f}x) |")
