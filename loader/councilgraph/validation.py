"""SHACL: the shapes on the graph, and each result as a finding in a table. The only importer of pyshacl."""

from __future__ import annotations

from typing import Any, ClassVar

import pyshacl
import pyshacl.helper
import pyshacl.shape
import rdflib
from oxrdflib.store import OxigraphStore
from pyshacl.constraints import ALL_CONSTRAINT_PARAMETERS, CONSTRAINT_PARAMETERS_MAP
from pyshacl.constraints.sparql.sparql_based_constraints import SPARQLBasedConstraint
from pyshacl.helper.sparql_query_helper import SPARQLQueryHelper
from rdflib.namespace import RDF, SH

from councilgraph.bundle import Rooms
from councilgraph.dataset import Graph, turtle
from councilgraph.errors import CouncilgraphError, Finding
from councilgraph.namespaces import compact
from councilgraph.tables import Row

rdflib.NORMALIZE_LITERALS = False  # literals stay the terms that the store has


# pyshacl ships types for its callers, not for those who look inside: hence the exceptions below.


class _Helper(SPARQLQueryHelper):
    """pyshacl's reader of SPARQL constraints, which looks at each text once.

    pyshacl searches the text for what a constraint must not hold again for each focus node, which took half
    the time of a check.
    """

    seen: ClassVar[set[tuple[object, ...]]] = set()

    def check_invalid_sparql(self, sparql_text: str, valuenode: Any = None, extravars: Any = None) -> bool:
        key = (sparql_text, valuenode is None, tuple(extravars or ()))
        if key not in self.seen:
            super().check_invalid_sparql(sparql_text, valuenode, extravars)  # type: ignore[no-untyped-call]
            self.seen.add(key)
        return True


class _Suspects(SPARQLBasedConstraint):
    """pyshacl's SPARQL constraint, asked of all focus nodes at once; pyshacl then looks at those it finds.

    A constraint that keeps `$this` in its outer pattern, as ours do, finds the same nodes with it free as it
    does bound to each of them in turn: 116,000 queries become 63.
    """

    def _evaluate_sparql_constraint(self, constraint: Any, graph: Any, values: dict[Any, Any]) -> Any:
        _, text = constraint.pre_bind_variables(next(iter(values)))
        found = {row.this for row in graph.query(constraint.apply_prefixes(text)) if row.this is not None}
        suspects = {focus: nodes for focus, nodes in values.items() if focus in found}
        return super()._evaluate_sparql_constraint(constraint, graph, suspects)  # type: ignore[no-untyped-call]


# Where pyshacl keeps what it uses: its reader of constraints, its components by parameter, and the parameters
# (a list, searched for each property of each shape for each focus node; a set does).
pyshacl.helper.SPARQLQueryHelperCls = _Helper  # type: ignore[attr-defined]
_COMPONENTS = {**CONSTRAINT_PARAMETERS_MAP, SH.sparql: _Suspects}
pyshacl.shape.CONSTRAINT_PARAMS = (frozenset(ALL_CONSTRAINT_PARAMETERS), _COMPONENTS)  # type: ignore[attr-defined]


class _StoreGraph(rdflib.Graph):
    """The embedded store as an rdflib graph that knows it is not empty without counting it.

    pyshacl asks `datagraph or shapes` for each violation, and rdflib counts the store to answer.
    """

    def __bool__(self) -> bool:
        return True


def shapes(rooms: Rooms) -> rdflib.Graph:
    """The shapes of the rooms, read strictly first."""
    graph = rdflib.Graph()
    for path in sorted(rooms.shapes.glob("*.ttl")):
        turtle([path], rooms.root)
        graph.parse(path, format="turtle")
    return graph


def report(graph: Graph, rooms: Rooms) -> rdflib.Graph:
    """The W3C validation report of the shapes on the graph."""
    data = _StoreGraph(
        store=OxigraphStore(store=graph.store), identifier=rdflib.graph.DATASET_DEFAULT_GRAPH_ID
    )
    try:
        _, results, text = pyshacl.validate(
            data, shacl_graph=shapes(rooms), inplace=True, allow_warnings=True
        )
    except (pyshacl.errors.ShapeLoadError, pyshacl.errors.ConstraintLoadError) as error:
        raise CouncilgraphError("shapes", str(error).splitlines()[0], "Mend the shape.") from error
    if not isinstance(results, rdflib.Graph):
        raise CouncilgraphError("shapes", str(text).splitlines()[0], "Mend the shape.")
    return results


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
