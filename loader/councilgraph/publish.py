"""Files that say the whole graph: readable Turtle, N-Triples, and their checksums.

Same triples, same bytes: subjects and objects are sorted, numbers inside names by their value.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, parse

from councilgraph import dataset
from councilgraph.errors import CouncilgraphError
from councilgraph.iris import instance
from councilgraph.namespaces import BASE, DCTERMS, PREFIXES, RDF, SCHEMA, SH, XSD
from councilgraph.queries import Query

_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
_DIGITS = re.compile(r"(\d+)")
_BY_LENGTH = sorted(PREFIXES.items(), key=lambda item: -len(item[1]))


def turtle(triples: Iterable[Triple]) -> str:
    """Turtle of these triples: sorted subjects, `a` first, one object a line, the prefixes used.

    Follows RDF 1.1 Turtle; refuses blank nodes, which the graph has none of.
    """
    subjects: dict[NamedNode, dict[NamedNode, set[NamedNode | Literal]]] = {}
    for triple in triples:
        if not isinstance(triple.subject, NamedNode) or not isinstance(triple.object, NamedNode | Literal):
            raise CouncilgraphError("graph", f"has a blank node ({triple})", "Give it an IRI.")
        subjects.setdefault(triple.subject, {}).setdefault(triple.predicate, set()).add(triple.object)
    used: set[str] = set()
    blocks = []
    for subject in sorted(subjects, key=lambda node: _natural(node.value)):
        lines = []
        for predicate in sorted(subjects[subject], key=lambda node: (node != RDF.type, node.value)):
            verb = "a" if predicate == RDF.type else _written(predicate, used)
            objects = sorted(subjects[subject][predicate], key=_order)
            lines.append(f"    {verb} " + " ,\n        ".join(_written(o, used) for o in objects))
        blocks.append(f"{_written(subject, used)}\n" + " ;\n".join(lines) + " .\n")
    head = "".join(f"@prefix {prefix}: <{PREFIXES[prefix]}> .\n" for prefix in sorted(used))
    return "\n".join([head, *blocks])


def catalogue(queries: Iterable[Query]) -> Iterator[Triple]:
    """What canned queries there are, as SHACL's SPARQL executables, each with its parameters.

    Follows SHACL and SHACL Advanced Features (`sh:SPARQLSelectExecutable`, `sh:Parameter`), with
    `schema:keywords` for the tags, as SIB's catalogues of examples have them.
    """
    for query in queries:
        name = query.name.replace("/", ".")
        node = instance("query", name)
        yield Triple(node, RDF.type, SH.SPARQLExecutable)
        yield Triple(node, RDF.type, SH.SPARQLSelectExecutable)
        yield Triple(node, DCTERMS.title, Literal(query.title, language="en"))
        yield Triple(node, DCTERMS.description, Literal(query.question, language="en"))
        yield Triple(node, DCTERMS.identifier, Literal(query.name))
        yield Triple(node, SH.select, Literal(query.text))
        for tag in query.tags:
            yield Triple(node, SCHEMA.keywords, Literal(tag))
        for param in query.params:
            taken = instance("parameter", name, param.name)
            yield Triple(node, SH.parameter, taken)
            yield Triple(taken, RDF.type, SH.Parameter)
            yield Triple(taken, SH.path, NamedNode(f"{BASE}parameter/{param.name}"))
            yield Triple(taken, SH.name, Literal(param.name))
            yield Triple(taken, SH.description, Literal(param.help, language="en"))
            yield Triple(taken, SH.defaultValue, param.default)
            if isinstance(param.default, Literal):
                yield Triple(taken, SH.datatype, param.default.datatype)
            else:
                yield Triple(taken, SH.nodeKind, SH.IRI)


def ntriples(triples: Iterable[Triple]) -> str:
    """N-Triples of these triples, sorted."""
    return "".join(sorted(f"{triple.subject} {triple.predicate} {triple.object} .\n" for triple in triples))


def dump(store: dataset.Quads, folder: Path) -> list[Path]:
    """Write `councilgraph.ttl`, `councilgraph.nt.gz` and `SHA256SUMS` into a folder; the paths written.

    The Turtle is read back by the strict parser before anything is written.
    """
    triples = list(dataset.triples(store))
    text = turtle(triples)
    if set(triples) != {quad.triple for quad in parse(text, format=RdfFormat.TURTLE)}:
        raise CouncilgraphError(
            "dump", "the Turtle does not say what the store says", "Report this with the data."
        )
    files = {
        "councilgraph.nt.gz": gzip.compress(ntriples(triples).encode(), mtime=0),
        "councilgraph.ttl": text.encode(),
    }
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())
    )
    files["SHA256SUMS"] = sums.encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            fresh = folder / f".{name}.new"
            fresh.write_bytes(content)
            fresh.replace(folder / name)
    except OSError as error:
        raise CouncilgraphError(
            str(folder), f"cannot be written ({error.strerror})", "Name another folder."
        ) from error
    return [folder / name for name in files]


def _written(term: NamedNode | Literal, used: set[str]) -> str:
    if isinstance(term, Literal):
        if term.language or term.datatype == XSD.string:
            return str(term)
        if term.datatype == XSD.boolean and term.value in ("true", "false"):
            return term.value
        if term.datatype == XSD.integer and re.fullmatch(r"[+-]?[0-9]+", term.value):
            return term.value
        return f"{Literal(term.value)}^^{_written(term.datatype, used)}"
    for prefix, base in _BY_LENGTH:
        local = term.value[len(base) :]
        if term.value.startswith(base) and _LOCAL.fullmatch(local):
            used.add(prefix)
            return f"{prefix}:{local}"
    return str(term)


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [
        (0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part)
        for part in _DIGITS.split(text)
    ]


def _order(term: NamedNode | Literal) -> tuple[bool, list[tuple[int, int, str]], str]:
    return isinstance(term, Literal), _natural(term.value), str(term)
