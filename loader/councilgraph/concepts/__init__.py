"""The tables, a module a concept: a frozen dataclass for each, and the triples that its rows say."""

from __future__ import annotations

from councilgraph.concepts import (
    area,
    authority,
    function,
    inspection,
    intervention,
    person,
    reorganisation,
    source,
    trust,
)
from councilgraph.tables import Record

#: Every table of `data/`, by its file; a file that is none of them is a finding.
TABLES: dict[str, type[Record]] = {
    table.FILE: table
    for module in (source, area, authority, function, reorganisation, inspection, intervention, person, trust)
    for table in module.TABLES
}
