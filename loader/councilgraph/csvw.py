"""The tables as CSV on the Web: each as a sorted CSV file, and one description of them all.

Follows the W3C's Model for Tabular Data and Metadata Vocabulary for Tabular Data. What is described is what
the tables declare (`tables`, `concepts/`). A column has a `propertyUrl` where the graph says of its cells
just what CSV on the Web makes of them; the others are silent (`suppressOutput`).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pyoxigraph import NamedNode

from councilgraph.concepts import TABLES
from councilgraph.iris import instance
from councilgraph.namespaces import RDF
from councilgraph.publish import natural
from councilgraph.tables import Column, Record, Row, key_of, split

#: Where the tables and their description stand in a dump; the description has the name that the W3C reserves.
FOLDER = "tables"
METADATA = "csv-metadata.json"
#: The first column of every table, which `data/` does not have: the IRI of the row's record.
IRI = "iri"
_LIST = "; "


def table(kind: type[Record], rows: Iterable[Row]) -> str:
    """A table as CSV (RFC 4180, with line feeds): its records' IRIs, its columns as declared, rows by key."""
    columns = kind.columns()
    keyed = {key_of(row): row for row in rows}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([IRI, *(column.name for column in columns)])
    for key in sorted(keyed, key=natural):
        cells = [_cell(column, keyed[key].cells[column.name]) for column in columns]
        writer.writerow([instance(kind.KIND, key).value, *cells])
    return out.getvalue()


def description(concepts: Mapping[str, Mapping[str, str]], definitions: Mapping[NamedNode, str]) -> str:
    """The description of every table, as JSON.

    `concepts` are the slugs of each SKOS scheme, which a column may take; `definitions` say what properties
    mean.
    """
    group = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dialect": {"encoding": "utf-8", "header": True, "lineTerminators": ["\n"]},
        "tables": [_table(kind, concepts, definitions) for kind in TABLES.values()],
    }
    return json.dumps(group, ensure_ascii=False, indent=1) + "\n"


def title(kind: type[Record]) -> str:
    """What a row of a table is: the first words of its class's docstring."""
    return (kind.__doc__ or kind.KIND).split(f": `{kind.FILE}`")[0]


def tells(kind: type[Record]) -> bool:
    """Whether the rows of a table are records of the graph."""
    return kind.TYPE is not None or RDF.type.value in kind.predicates()


def _cell(column: Column, text: str) -> str:
    return _LIST.join(split(text)) if column.read.several and text else text


def _table(
    kind: type[Record], concepts: Mapping[str, Mapping[str, str]], definitions: Mapping[NamedNode, str]
) -> dict[str, Any]:
    iri = {"name": IRI, "titles": IRI, "datatype": "anyURI", "required": True, "suppressOutput": True}
    columns = [iri, *(_column(column, concepts, definitions) for column in kind.columns())]
    if kind.TYPE:
        virtual = {"virtual": True, "propertyUrl": RDF.type.value, "valueUrl": kind.TYPE.value}
        columns.append({"name": "type", **virtual})
    schema: dict[str, Any] = {"columns": columns, "primaryKey": list(kind.KEY), "aboutUrl": f"{{+{IRI}}}"}
    keyed = {table.KIND: table for table in TABLES.values() if len(table.KEY) == 1}
    # A list or a blank refers to no row, which CSV on the Web takes for a fault.
    referring = [c for c in kind.columns() if c.read.kind and not (c.read.several or c.optional)]
    if referring:
        schema["foreignKeys"] = [
            {
                "columnReference": c.name,
                "reference": {"resource": other.FILE, "columnReference": other.KEY[0]},
            }
            for c in referring
            for other in (keyed[c.read.kind],)
        ]
    described: dict[str, Any] = {"url": kind.FILE, "dc:title": title(kind), "tableSchema": schema}
    if not tells(kind):
        described["suppressOutput"] = True
    return described


def _column(
    column: Column, concepts: Mapping[str, Mapping[str, str]], definitions: Mapping[NamedNode, str]
) -> dict[str, Any]:
    read, says = column.read, column.says
    form = "|".join(sorted(concepts.get(read.scheme, ()))) or read.form
    said: dict[str, Any] = {"name": column.name, "titles": column.name}
    if says and says in definitions:
        said["dc:description"] = definitions[says]
    said["datatype"] = {"base": read.base, "format": form} if form else read.base
    if read.lang:
        said["lang"] = read.lang
    if not column.optional:
        said["required"] = True
    if read.several:
        said["separator"] = _LIST
    # The value of a template is that of a whole cell; and a class is named by a word of the table alone.
    if says is None or read.several or says == RDF.type:
        said["suppressOutput"] = True
        return said
    said["propertyUrl"] = says.value
    if read.iri is not None:
        said["valueUrl"] = f"{read.iri}{{+{column.name}}}"
    return said
