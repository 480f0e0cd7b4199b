"""SHACL: the shapes on the graph, and each result as a finding in a table. The only importer of pyshacl."""

from __future__ import annotations

from collections.abc import Iterable
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
from councilgraph.dataset import Graph, turtle
from councilgraph.errors import CouncilgraphError, Finding
from councilgraph.namespaces import compact
from councilgraph.tables import Row

rdflib.NORMALIZE_LITERALS = False  # literals stay the terms that the store has


def _from_store(term: Any) -> Any:
    """A term of the store as rdflib reads it from a file: a plain text has no datatype."""
    if isinstance(term, Literal) and term.datatype == XSD.string:
        return rdflib.Literal(term.value)
    return from_ox(term)


oxrdflib.store.from_ox = _from_store


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
        turtle([path], rooms.root)
        graph.parse(path, format="turtle")
    return graph


ENGINES = ("store", "pyshacl")


def report(graph: Graph, rooms: Rooms, engine: str = "store") -> rdflib.Graph:
    """The W3C validation report of the shapes on the graph.

    Either engine has pyshacl write it; `store` first asks the store which focus nodes may be at fault, and
    shows pyshacl those alone.
    """
    return validate(graph.store, shapes(rooms), engine)


def validate(store: Store, rules: rdflib.Graph, engine: str = "store") -> rdflib.Graph:
    """The W3C validation report of some shapes on a store's default graph."""
    data = _StoreGraph(store=OxigraphStore(store=store), identifier=rdflib.graph.DATASET_DEFAULT_GRAPH_ID)
    options = {"inplace": True, "allow_warnings": True}
    try:
        validator = Validator(DataGraph.from_rdflib(data), shacl_graph=rules, options=options)
        if engine == "pyshacl":
            _, results, text = validator.run()
        else:
            results, text = _suspected(store, validator)
    except (pyshacl.errors.ShapeLoadError, pyshacl.errors.ConstraintLoadError) as error:
        raise CouncilgraphError("shapes", str(error).splitlines()[0], "Mend the shape.") from error
    except pyshacl.errors.ValidationFailure as error:
        raise CouncilgraphError("shapes", str(error.message).splitlines()[0], "Mend the shape.") from error
    if not isinstance(results, rdflib.Graph):
        raise CouncilgraphError("shapes", str(text).splitlines()[0], "Mend the shape.")
    return results


def _suspected(store: Store, validator: Validator) -> tuple[rdflib.Graph, str]:
    """What pyshacl says of the suspects of each shape."""
    sound = True
    results: list[Any] = []
    executor = validator.make_executor()
    shapes_graph = validator.shacl_graph

    def closure(classes: Iterable[Any]) -> list[str]:
        return sorted(
            node.n3() for each in classes for node in data.transitive_subjects(RDFS.subClassOf, each)
        )

    data = validator.data_graph
    for shape in shapes_graph.shapes:
        focus = (
            None
            if shape.deactivated
            else _suspects(store, shape, shapes_graph.lookup_shape_from_node, closure, data)
        )
        if focus is not None and not focus:
            continue
        conforms, found = shape.validate(executor, data, focus=focus)
        sound = sound and conforms
        results += found
    return validator.create_validation_report(shapes_graph, sound, results)  # type: ignore[no-any-return]


def _suspects(store: Store, shape: Shape, get: Any, closure: Any, data: Any) -> list[Any] | None:
    """The focus nodes of a shape that may violate it; None where all of them may."""
    if not any(map(list, shape.target())):
        return []
    texts = suspects.queries(shape, get, closure)
    if texts is None:
        return None
    found: set[Any] = set()
    for text in texts:
        for row in store.query(text):  # type: ignore[union-attr]
            if row["this"] is not None:
                found.add(_from_store(row["this"]))
    return [node for node in shape.focus_nodes(data) if node in found] if found else []


def findings(graph: Graph, rooms: Rooms) -> list[Finding]:
    """What the shapes find, each at the cell that it came from, sorted."""
    return read(report(graph, rooms), graph, rooms)


def read(results: rdflib.Graph, graph: Graph, rooms: Rooms) -> list[Finding]:
    """The findings of a validation report, each at the cell that it came from, sorted."""
    rules = shapes(rooms)
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
