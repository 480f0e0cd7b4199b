"""SHACL: the shapes on the graph, and each result as a finding in a table. The only importer of pyshacl."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import oxrdflib.store
import pyshacl
import rdflib
from oxrdflib._converter import from_ox
from oxrdflib.store import OxigraphStore
from pyoxigraph import Literal, Store
from pyshacl.graph_abstraction import DataGraph
from pyshacl.shape import Shape
from pyshacl.validator import Validator
from rdflib.namespace import RDF, RDFS, SH, XSD

from councilgraph import suspects
from councilgraph.bundle import Rooms
from councilgraph.dataset import Graph, parsed
from councilgraph.errors import CouncilgraphError, Finding, unknown
from councilgraph.namespaces import compact
from councilgraph.tables import Row

rdflib.NORMALIZE_LITERALS = False  # literals stay the terms that the store has


def _from_store(term: Any) -> Any:
    """A term of the store as rdflib reads it from a file: a plain text has no datatype."""
    if isinstance(term, Literal) and term.datatype == XSD.string:
        return rdflib.Literal(term.value)
    return from_ox(term)


oxrdflib.store.from_ox = _from_store  # type: ignore[attr-defined] # it imports the name, and keeps it


class _StoreGraph(rdflib.Graph):
    """The embedded store as an rdflib graph.

    It knows that it is not empty without counting, which pyshacl asks for each violation; and that nothing
    is said of a literal, which the store refuses to look up.
    """

    def __bool__(self) -> bool:
        return True

    def triples(self, triple: Any) -> Any:
        """The triples that match a pattern."""
        return iter(()) if isinstance(triple[0], rdflib.Literal) else super().triples(triple)


def shapes(rooms: Rooms) -> rdflib.Graph:
    """The shapes of the rooms, read strictly first."""
    graph = rdflib.Graph()
    for path in sorted(rooms.shapes.glob("*.ttl")):
        parsed([path], rooms.root)
        graph.parse(path, format="turtle")
    return graph


ENGINES = ("store", "pyshacl")
Step = Callable[[int, int, str], None]  # shapes done, shapes in all, the shape that comes next


def quiet(done: int, of: int, shape: str) -> None:
    """Show no progress."""


def report(graph: Graph, rooms: Rooms) -> rdflib.Graph:
    """The W3C validation report of the rooms' shapes on the graph."""
    return validate(graph.store, shapes(rooms))


def validate(
    store: Store,
    rules: rdflib.Graph,
    *,
    engine: str = "store",
    only: Collection[rdflib.URIRef] = (),
    step: Step = quiet,
) -> rdflib.Graph:
    """The W3C validation report of some shapes, or of those of them that `only` names, on a default graph.

    Either engine has pyshacl write it. `pyshacl` shows it every focus node; `store` first asks the store
    which may be at fault, and shows it those alone. CouncilgraphError where a shape cannot be read.
    """
    data = _StoreGraph(store=OxigraphStore(store=store), identifier=rdflib.graph.DATASET_DEFAULT_GRAPH_ID)
    options = {"inplace": True, "allow_warnings": True}
    results: list[Any] = []
    sound = True
    try:
        validator = Validator(DataGraph.from_rdflib(data), shacl_graph=rules, options=options)
        executor, graph = validator.make_executor(), validator.data_graph
        chosen = [shape for shape in validator.shacl_graph.shapes if not only or shape.node in only]
        for done, shape in enumerate(chosen):
            step(done, len(chosen), _name(shape.node))
            focus = _suspects(store, shape, graph) if engine == "store" and not shape.deactivated else None
            if focus is None or focus:
                conforms, found = shape.validate(executor, graph, focus=focus)
                sound = sound and conforms
                results += found
        step(len(chosen), len(chosen), "")
        written, _ = validator.create_validation_report(validator.shacl_graph, sound, results)
    except (pyshacl.errors.ReportableRuntimeError, pyshacl.errors.ValidationWarning) as error:
        why = " ".join(str(getattr(error, "message", error)).split())
        raise CouncilgraphError("shapes", why, "Mend the shape.") from error
    return written  # type: ignore[no-any-return]


def _suspects(store: Store, shape: Shape, data: Any) -> list[Any] | None:
    """The focus nodes of a shape that may violate it; None where all of them may."""

    def closure(classes: Iterable[Any]) -> list[str]:
        below = {node for each in classes for node in data.transitive_subjects(RDFS.subClassOf, each)}
        named = [node.n3() for node in below if isinstance(node, rdflib.URIRef)]
        if len(named) < len(below):
            raise suspects.NotUnderstoodError
        return sorted(named)

    if not any(map(list, shape.target())):
        return []
    texts = suspects.queries(shape, shape.sg.lookup_shape_from_node, closure)
    if texts is None:
        return None
    found: set[Any] = set()
    for text in texts:
        try:
            rows = store.query(text)
        except SyntaxError:  # pyshacl says so, of the constraint as it stands
            return None
        found |= {_from_store(row["this"]) for row in rows if row["this"] is not None}  # type: ignore[union-attr]
    return [node for node in shape.focus_nodes(data) if node in found] if found else []


def shapes_from(path: Path) -> rdflib.Graph:
    """Anybody's shapes, from a Turtle file; CouncilgraphError where it is not Turtle, or not SHACL.

    A word in SHACL's namespace that SHACL does not have would be passed over by a validator: here it is an
    error.
    """
    parsed([path], path.parent)
    graph = rdflib.Graph().parse(path, format="turtle")
    for word in sorted(
        {p for p in graph.predicates() if isinstance(p, rdflib.URIRef) and p.startswith(str(SH))}
    ):
        name = word.removeprefix(str(SH))
        if name not in dir(SH):
            raise CouncilgraphError(
                str(path), f"sh:{name} is no word of SHACL", unknown("", name, dir(SH), "word").remedy
            )
    return graph


def chosen(rules: rdflib.Graph, names: Iterable[str]) -> dict[rdflib.URIRef, set[rdflib.URIRef]]:
    """The shapes with targets that must be looked at for some rules, and the rules to tell of each.

    A rule is named as findings name it: `Holding-actsFor`, `cgsh:Holding-actsFor` or its IRI. UsageError
    where there is none of that name.
    """
    known = {
        _name(node): node
        for node in rules.subjects(SH.message | SH.property | SH.sparql, None)
        if (None, SH.sparql, node) not in rules
    }
    found: dict[rdflib.URIRef, set[rdflib.URIRef]] = {}
    for name in names:
        node = known.get(name.rpartition("#")[2].removeprefix("cgsh:"))
        if not isinstance(node, rdflib.URIRef):
            raise unknown("--shape", name, known, "rule")
        parents = list(rules.subjects(SH.property | SH.sparql, node))
        for top in parents or [node]:
            if isinstance(top, rdflib.URIRef):
                told = {node} if parents and (None, SH.property, node) in rules else {top}
                told |= set(rules.objects(top, SH.property)) if top == node else set()  # type: ignore[arg-type]
                found.setdefault(top, set()).update(told)
    return found


def explain(rules: rdflib.Graph, name: str) -> dict[str, str]:
    """What a rule says, in words: its name, what it looks at, its message, why and what to do, its terms."""
    top, told = next(iter(chosen(rules, [name]).items()))
    node = next(iter(told)) if len(told) == 1 else top
    sparql = rules.value(node, SH.sparql)

    def said(subject: Any, *predicates: rdflib.URIRef) -> str:
        values = {str(v) for p in predicates for v in rules.objects(subject, p)}
        return "; ".join(sorted(compact(value) for value in values))

    severity = rules.value(node, SH.severity) or SH.Violation
    terms = sorted(
        f"{compact(str(p)).removeprefix('sh:')} {compact(str(v))}"
        for p, v in rules.predicate_objects(node)
        if str(p).startswith(str(SH)) and p not in _DESCRIBING
    )
    return {
        "rule": str(node),
        "severity": str(severity).rsplit("#", 1)[-1],
        "looks at": said(top, SH.targetClass, SH.targetNode, SH.targetSubjectsOf, SH.targetObjectsOf),
        "path": said(node, SH.path),
        "terms": "; ".join(terms),
        "message": said(node, SH.message) or said(sparql, SH.message),
        "remedy": said(node, SH.description) or said(top, SH.description),
        "query": str(rules.value(sparql, SH.select) or "").strip(),
    }


_DESCRIBING = {SH.description, SH.message, SH.path, SH.property, SH.severity, SH.sparql, SH.targetClass}


def _name(node: Any) -> str:
    return str(node).rpartition("#")[2] or str(node)


def findings(graph: Graph, rooms: Rooms) -> list[Finding]:
    """What the shapes find, each at the cell that it came from, sorted."""
    rules = shapes(rooms)
    return read(validate(graph.store, rules), graph, rules)


def read(results: rdflib.Graph, graph: Graph, rules: rdflib.Graph) -> list[Finding]:
    """The findings of a validation report, each at the cell that it came from, sorted."""
    return sorted(
        {
            _finding(results, result, rules, graph)
            for result in results.subjects(RDF.type, SH.ValidationResult)
        }
    )


def written(results: rdflib.Graph) -> str:
    """A validation report as Turtle."""
    return results.serialize(format="turtle")


def as_report(found: list[Finding]) -> rdflib.Graph:
    """Findings of the tables themselves, before there is a graph, as a validation report."""
    graph = rdflib.Graph()
    graph.bind("sh", SH)
    whole = rdflib.BNode()
    graph.add((whole, RDF.type, SH.ValidationReport))
    graph.add((whole, SH.conforms, rdflib.Literal(not found)))
    for finding in found:
        node = rdflib.BNode()
        graph.add((whole, SH.result, node))
        graph.add((node, RDF.type, SH.ValidationResult))
        graph.add((node, SH.focusNode, rdflib.Literal(f"{finding.file}:{finding.line}")))
        graph.add((node, SH.resultSeverity, SH[finding.severity]))
        graph.add((node, SH.resultMessage, rdflib.Literal(str(finding))))
    return graph


def _finding(results: rdflib.Graph, result: Any, rules: rdflib.Graph, graph: Graph) -> Finding:
    def one(predicate: Any) -> str:
        value = results.value(result, predicate)
        return str(value) if isinstance(value, rdflib.URIRef | rdflib.Literal) else ""

    focus, path, rule = one(SH.focusNode), one(SH.resultPath), one(SH.sourceShape)
    row = graph.rows.get(focus)
    column = _column(row, path)
    messages = sorted(str(m) for m in results.objects(result, SH.resultMessage))
    shape = rdflib.URIRef(rule)
    remedy = rules.value(shape, SH.description)
    return Finding(
        file=row.file if row else "",
        line=row.line if row else 0,
        column=column or compact(path),
        value=row.cells.get(column, "") if row else compact(one(SH.value)),
        why=" ".join(messages),
        remedy=str(remedy or ""),
        severity=one(SH.resultSeverity).rsplit("#", 1)[-1],
        rule=rule,
        focus=focus,
    )


def _column(row: Row | None, path: str) -> str:
    """The column that says a property; of a rule about the whole row, its first key."""
    if not row:
        return ""
    return row.table.predicates().get(path) or row.table.KEY[0]
