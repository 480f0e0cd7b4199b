"""Importers: a publication as published, compared with the tables; and what it adds, written into them.

A kind of publication is known by its name (`KINDS`):

    found = compare("ofsted-outcomes", Path("LA_Inspection_Outcomes.ods"), rooms)
    found.counts(), summary(found)
    write(found, rooms)
"""

from __future__ import annotations

from pathlib import Path

from councilgraph.bundle import Rooms
from councilgraph.errors import UsageError
from councilgraph.importers import codes, councils, inspections
from councilgraph.importers.comparison import COLUMNS, Comparison, Item, summary
from councilgraph.importers.ledger import Written, write
from councilgraph.importers.world import World, sound
from councilgraph.tables import choose

#: The kinds of publication, and the importer that reads each.
KINDS = {
    **dict.fromkeys(inspections.PUBLICATIONS, inspections.compare),
    **dict.fromkeys(councils.LAYOUTS, councils.compare),
    **dict.fromkeys(codes.LAYOUTS, codes.compare),
}


def compare(kind: str, path: Path, rooms: Rooms) -> Comparison:
    """Read a publication and compare it with the tables; nothing is written."""
    if kind not in KINDS:
        error = choose(kind, KINDS, "a kind of publication")
        raise UsageError(kind, error.why, error.remedy)
    with sound(rooms):
        return KINDS[kind](kind, path, World(rooms))


__all__ = ["COLUMNS", "KINDS", "Comparison", "Item", "Written", "compare", "summary", "write"]
