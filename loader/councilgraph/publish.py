"""Triples as text that is the same for the same triples: readable Turtle, N-Triples, JSON-LD.

Subjects and objects are sorted, numbers inside names by their value, so that a fact that changes changes the
lines that say it and no others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import (
    CanonicalizationAlgorithm,
    Dataset,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    serialize,
)

from councilgraph.errors import CouncilgraphError
from councilgraph.iris import instance
from councilgraph.namespaces import BASE, DCTERMS, PREFIXES, RDF, SCHEMA, SH, XSD
from councilgraph.queries import Query

_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
_DIGITS = re.compile(r"(\d+)")
_PREFIXES = {base: prefix for prefix, base in PREFIXES.items()}


Term = NamedNode | Literal


@dataclass(frozen=True)
class Place:
    """Where a subject stands in a file that people read: its section, and that section's heading."""

    order: tuple[int, ...] = ()
    heading: str = ""


def turtle(
    triples: Iterable[Triple],
    place: Callable[[NamedNode], Place] = lambda _: Place(),
    notes: Mapping[NamedNode, str] | None = None,
) -> str:
    """Turtle of these triples: sorted subjects, `a` first, one object a line, the prefixes used.

    `place` puts subjects into sections, each under its heading as a comment; `notes` are written as comments
    behind the objects that they are of. Follows RDF 1.1 Turtle; refuses blank nodes, which the graph has
    none of.
    """
    subjects = _grouped(triples)
    places = {subject: place(subject) for subject in subjects}
    used: set[str] = set()
    blocks = []
    heading = ""
    for subject in sorted(subjects, key=lambda node: (places[node].order, natural(node.value))):
        if places[subject].heading != heading:
            heading = places[subject].heading
            blocks.append(_comment(heading))
        blocks.append(_block(subject, subjects[subject], used, notes or {}))
    head = "".join(f"@prefix {prefix}: <{PREFIXES[prefix]}> .\n" for prefix in sorted(used))
    return "\n".join([head, *blocks])


def _block(
    subject: NamedNode,
    said: Sequence[tuple[NamedNode, Sequence[Term]]],
    used: set[str],
    notes: Mapping[NamedNode, str],
) -> str:
    lines = [_written(subject, used)]
    for place, (predicate, objects) in enumerate(said, 1):
        start = f"    {'a' if predicate == RDF.type else _written(predicate, used)} "
        for number, object_ in enumerate(objects, 1):
            more = "," if number < len(objects) else ";" if place < len(said) else "."
            note = notes.get(object_, "") if isinstance(object_, NamedNode) else ""
            comment = f"  # {' '.join(note.split())}" if note else ""
            lines.append(f"{start}{_written(object_, used)} {more}{comment}")
            start = "        "
    return "\n".join(lines) + "\n"


def _comment(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())


def _grouped(triples: Iterable[Triple]) -> dict[NamedNode, list[tuple[NamedNode, list[Term]]]]:
    """What is said of each subject: `a` first, then by predicate; objects sorted, each once."""
    said: dict[NamedNode, dict[NamedNode, list[Term]]] = {}
    for triple in triples:
        subject, object_ = triple.subject, triple.object
        if not isinstance(subject, NamedNode) or not isinstance(object_, NamedNode | Literal):
            raise CouncilgraphError("graph", f"has a blank node ({triple})", "Give it an IRI.")
        said.setdefault(subject, {}).setdefault(triple.predicate, []).append(object_)
    return {
        subject: [
            (predicate, sorted(set(objects), key=_order) if len(objects) > 1 else objects)
            for predicate, objects in sorted(facts.items(), key=lambda fact: _verb(fact[0]))
        ]
        for subject, facts in said.items()
    }


def _verb(predicate: NamedNode) -> tuple[bool, str]:
    return predicate != RDF.type, predicate.value


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


def ntriples(triples: Iterable[Triple]) -> bytes:
    """Canonical N-Triples of these triples, sorted, each once.

    Of a graph without blank nodes this is the canonical form of RDFC-1.0.
    """
    lines = set((serialize(triples, format=RdfFormat.N_TRIPLES) or b"").splitlines(keepends=True))
    return b"".join(sorted(lines))


def canonical_hash(triples: Iterable[Triple]) -> str:
    """The SHA-256 of a graph's canonical N-Quads (RDFC-1.0), in hexadecimal."""
    held = Dataset(Quad(t.subject, t.predicate, t.object) for t in triples)
    held.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    return hashlib.sha256(ntriples(quad.triple for quad in held)).hexdigest()


def jsonld(triples: Iterable[Triple]) -> str:
    """JSON-LD of these triples: one node a line, sorted as in Turtle, with our prefixes as its context.

    Follows JSON-LD 1.1, flattened and compacted with a context that has nothing but prefixes.
    """
    nodes = _grouped(triples)
    used: set[str] = set()
    lines = []
    for subject in sorted(nodes, key=lambda node: natural(node.value)):
        said: dict[str, object] = {"@id": _compact(subject, used)}
        for predicate, objects in nodes[subject]:
            if predicate == RDF.type and not any(isinstance(o, Literal) for o in objects):
                said["@type"] = [_compact(o, used) for o in objects if isinstance(o, NamedNode)]
            else:
                said[_compact(predicate, used)] = [_value(o, used) for o in objects]
        lines.append(json.dumps(said, ensure_ascii=False))
    context = json.dumps({prefix: PREFIXES[prefix] for prefix in sorted(used)}, indent=1)
    return f'{{"@context": {context},\n"@graph": [\n' + ",\n".join(lines) + "\n]}\n"


def _value(term: Term, used: set[str]) -> str | dict[str, str]:
    if isinstance(term, NamedNode):
        return {"@id": _compact(term, used)}
    if term.language:
        return {"@value": term.value, "@language": term.language}
    if term.datatype == XSD.string:
        return term.value
    return {"@value": term.value, "@type": _compact(term.datatype, used)}


def _compact(term: NamedNode, used: set[str]) -> str:
    return _prefixed(term, used) or term.value


def _written(term: Term, used: set[str]) -> str:
    if isinstance(term, Literal):
        if term.language or term.datatype == XSD.string:
            return str(term)
        if term.datatype == XSD.boolean and term.value in ("true", "false"):
            return term.value
        if term.datatype == XSD.integer and re.fullmatch(r"[+-]?[0-9]+", term.value):
            return term.value
        return f"{Literal(term.value)}^^{_written(term.datatype, used)}"
    return _prefixed(term, used) or str(term)


def _prefixed(term: NamedNode, used: set[str]) -> str:
    """The term as a prefixed name that Turtle and JSON-LD read alike; blank where no prefix fits."""
    iri = term.value
    end = max(iri.rfind("/"), iri.rfind("#")) + 1
    prefix = _PREFIXES.get(iri[:end])
    if prefix is None or not _LOCAL.fullmatch(iri, end):
        return ""
    used.add(prefix)
    return f"{prefix}:{iri[end:]}"


def natural(text: str) -> list[tuple[int, int, str]]:
    """What texts are sorted by, for numbers inside them to come in the order of their values."""
    return [
        (0, int(part), part) if part.isdecimal() and part.isascii() else (1, 0, part)
        for part in _DIGITS.split(text)
    ]


def _order(term: Term) -> tuple[bool, list[tuple[int, int, str]], str]:
    return isinstance(term, Literal), natural(term.value), str(term)
