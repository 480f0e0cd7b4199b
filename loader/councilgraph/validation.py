"""SHACL: the shapes on the graph, and each result as a finding in a table. The only importer of pyshacl."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import oxrdflib._converter
import oxrdflib.store
import pyshacl
import pyshacl.shape
import rdflib
from oxrdflib.store import OxigraphStore
from pyoxigraph import Literal, QuerySolutions
from pyparsing import ParseBaseException
from pyshacl.constraints import ALL_CONSTRAINT_PARAMETERS, CONSTRAINT_PARAMETERS_MAP
from pyshacl.constraints.core.property_pair_constraints import (
    LessThanConstraintComponent,
    LessThanOrEqualsConstraintComponent,
)
from pyshacl.graph_abstraction import DataGraph
from pyshacl.validator import Validator
from rdflib.namespace import RDF, RDFS, SH, XSD

from councilgraph import suspects
from councilgraph.bundle import Rooms
from councilgraph.dataset import Graph, parsed, triples
from councilgraph.errors import CouncilgraphError, Finding, unknown
from councilgraph.namespaces import BASE, compact
from councilgraph.tables import Row

_converted = oxrdflib._converter.from_ox
rdflib.NORMALIZE_LITERALS = False  # literals stay the terms that the store has


def _from_store(term: Any) -> Any:
    """A term of the store as rdflib reads it from a file: a plain text has no datatype."""
    if isinstance(term, Literal) and term.datatype.value == str(XSD.string):
        return rdflib.Literal(term.value)
    return _converted(term)


oxrdflib.store.from_ox = oxrdflib._converter.from_ox = _from_store  # type: ignore[attr-defined] # it keeps the name in both


class _LessThan(LessThanConstraintComponent):
    """pyshacl's sh:lessThan, for which values that cannot be compared are a result, as SHACL says."""

    def _compare_lt(self, values: Any, others: Any, graph: Any, focus: Any) -> Any:
        return _pair_by_pair(self, super()._compare_lt, values, others, graph, focus)


class _LessThanOrEquals(LessThanOrEqualsConstraintComponent):
    """pyshacl's sh:lessThanOrEquals, for which values that cannot be compared are a result too."""

    def _compare_ltoe(self, values: Any, others: Any, graph: Any, focus: Any) -> Any:
        return _pair_by_pair(self, super()._compare_ltoe, values, others, graph, focus)


def _pair_by_pair(
    component: Any, compare: Callable[..., Any], values: Any, others: Any, graph: Any, focus: Any
) -> tuple[bool, list[Any]]:
    wrong, reports = False, []
    for value in values:
        for other in others:
            try:
                found, told = compare({value}, {other}, graph, focus)
            except TypeError:  # what rdflib raises for a malformed day beside a day
                found, told = True, [component.make_v_result(graph, focus, value_node=value)]
            wrong = wrong or found
            reports += told
    return wrong, reports


# Where pyshacl keeps what it uses: its components by parameter, and the parameters (a list, searched for each
# property of each shape for each focus node; a set does).
pyshacl.shape.CONSTRAINT_PARAMS = (  # type: ignore[attr-defined] # it sets it itself when first used
    frozenset(ALL_CONSTRAINT_PARAMETERS),
    {**CONSTRAINT_PARAMETERS_MAP, SH.lessThan: _LessThan, SH.lessThanOrEquals: _LessThanOrEquals},
)


class _StoreGraph(rdflib.Graph):
    """The embedded store as an rdflib graph.

    It knows that it is not empty without counting, which pyshacl asks for each violation; and that nothing
    is said of a literal, which the store refuses to look up.
    """

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return 1  # pyshacl's wrapper asks this to know whether there is anything

    def triples(self, triple: Any) -> Any:
        """The triples that match a pattern."""
        return iter(()) if isinstance(triple[0], rdflib.Literal) else super().triples(triple)


def shapes(rooms: Rooms) -> rdflib.Graph:
    """The shapes of the rooms, read strictly first."""
    graph = rdflib.Graph()
    for path in sorted(rooms.shapes.glob("*.ttl")):
        list(parsed([path], rooms.root))
        graph.parse(path, format="turtle")
    return graph


_SILENT = logging.getLogger(
    "councilgraph.pyshacl"
)  # what pyshacl would print beside the error that it raises
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False
# A literal that is not of its datatype is for the shapes to tell of; rdflib would print a traceback for each.
logging.getLogger("rdflib.term").setLevel(logging.ERROR)
ENGINES = ("store", "pyshacl")
Step = Callable[[int, int, str], None]  # shapes done, shapes in all, the shape that comes next


def quiet(done: int, of: int, shape: str) -> None:
    """Show no progress."""


def report(graph: Graph, rooms: Rooms) -> rdflib.Graph:
    """The W3C validation report of the rooms' shapes on the graph."""
    return validate(graph, shapes(rooms))


def validate(
    graph: Graph,
    rules: rdflib.Graph,
    *,
    engine: str = "store",
    only: Collection[rdflib.URIRef] = (),
    step: Step = quiet,
    where: str = "shapes",
) -> rdflib.Graph:
    """The W3C validation report of some shapes, or of those of them that `only` names, on a graph.

    Either engine has pyshacl write it. `pyshacl` shows it every focus node; `store` first asks the store
    which may be at fault, and shows it those alone. A shape that the store cannot be asked about is pyshacl's
    on a copy of the graph in rdflib. CouncilgraphError, which says `where`, where a shape cannot be read.
    """
    copies = _Copies(graph, rules)
    at = where
    results: list[Any] = []
    sound = True
    try:
        validator = Validator(
            copies.stored,
            shacl_graph=rules,
            options={"inplace": True, "allow_warnings": True, "logger": _SILENT},
        )
        executor, shapes_graph = validator.make_executor(), validator.shacl_graph
        chosen = [shape for shape in shapes_graph.shapes if not only or shape.node in only]
        for done, shape in enumerate(chosen):
            step(done, len(chosen), _name(shape.node))
            at = f"{where}: {compact(shape.node)}" if isinstance(shape.node, rdflib.URIRef) else where
            if shape.deactivated or not any(map(list, shape.target())):
                continue
            texts = suspects.queries(shape, copies.below, copies.mixed) if graph.exact is None else None
            focus = None if texts is None else copies.found(*texts)
            data = copies.copied if focus is None or texts is None or texts[1] else copies.stored
            if engine == "pyshacl":
                focus = None
            if focus is None or focus:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", pyshacl.errors.ShapeRecursionWarning)
                    conforms, found = shape.validate(executor, data, focus=focus)
                sound = sound and conforms
                results += found
        step(len(chosen), len(chosen), "")
        at = where
        written, _ = validator.create_validation_report(shapes_graph, sound, results)
    except pyshacl.errors.ShapeRecursionWarning as error:
        why = "leads back to itself, and SHACL says nothing of what such a recursive shape means"
        raise CouncilgraphError(at, why, "Mend the shape.") from error
    except (
        NotImplementedError,
        pyshacl.errors.ReportableRuntimeError,
        pyshacl.errors.ValidationWarning,
        ParseBaseException,
        re.error,
    ) as error:
        why = " ".join(str(getattr(error, "message", error)).split())
        raise CouncilgraphError(at, why, "Mend the shape.") from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        # rdflib has no class of its own for a query that it reads and cannot answer
        raise CouncilgraphError(at, " ".join(str(error).split()), "Mend the shape.") from error
    return written  # type: ignore[no-any-return] # pyshacl has no type for it


class _Copies:
    """The graph as pyshacl reads it: in the store; and copied into rdflib, when that is first asked for."""

    def __init__(self, graph: Graph, rules: rdflib.Graph) -> None:
        self.graph, self.rules = graph, rules
        store = OxigraphStore(store=graph.store)
        self.stored = self._bound(_StoreGraph(store=store, identifier=rdflib.graph.DATASET_DEFAULT_GRAPH_ID))

    def _bound(self, graph: rdflib.Graph) -> DataGraph:
        for prefix, base in self.graph.prefixes.items():
            graph.bind(prefix, base, replace=True)
        return DataGraph.from_rdflib(graph)

    @cached_property
    def copied(self) -> DataGraph:
        """The graph in rdflib, just as files said it."""
        return self._bound(self._said)

    @cached_property
    def _said(self) -> rdflib.Graph:
        graph = rdflib.Graph()
        for triple in triples(self.graph.store) if self.graph.exact is None else self.graph.exact:
            graph.add(tuple(map(_from_store, (triple.subject, triple.predicate, triple.object))))
        return graph

    def below(self, classes: Iterable[Any]) -> list[str]:
        """The classes below some classes, themselves among them, as SPARQL writes them."""
        found = {n for each in classes for n in self.stored.transitive_subjects(RDFS.subClassOf, each)}
        named = [node.n3() for node in found if isinstance(node, rdflib.URIRef)]
        if len(named) < len(found):
            raise suspects.NotUnderstoodError
        return sorted(named)

    @cached_property
    def mixed(self) -> set[str]:
        """The properties whose values are days or numbers by the shapes, and in the graph not all of them."""
        tests: dict[Any, str] = {
            XSD.date: f"DATATYPE(?o) = {XSD.date.n3()} && YEAR(?o) > 0 && STRLEN(STR(?o)) = 10",
            XSD.integer: f"DATATYPE(?o) = {XSD.integer.n3()} && ?o = ?o + 0",
        }
        found = set()
        for shape, datatype in self.rules.subject_objects(SH.datatype):
            path = self.rules.value(shape, SH.path)
            if datatype in tests and isinstance(path, rdflib.URIRef) and str(path) not in found:
                test = f"ISLITERAL(?o) && !COALESCE({tests[datatype]}, false)"
                bad = f"ASK {{ ?s {path.n3()} ?o FILTER ({test}) }}"
                if self.graph.store.query(bad):
                    found.add(str(path))
        return found

    def found(self, texts: Iterable[str], apart: Iterable[str]) -> list[Any] | None:
        """The nodes that SELECTs find, of the store and, `apart`, of rdflib.

        None where the store cannot read one of them.
        """
        found: set[Any] = set()
        for text in texts:
            try:
                rows = self.graph.store.query(text, prefixes=dict(self.graph.prefixes))
            except SyntaxError:
                return None
            assert isinstance(rows, QuerySolutions)
            found |= {_from_store(row["this"]) for row in rows if row["this"] is not None}
        for text in apart:
            answer = self._said.query(text, initNs=dict(self.graph.prefixes))
            found |= {row[_THIS] for row in answer.bindings if _THIS in row}
        return sorted(found)


_THIS = rdflib.Variable("this")


def shapes_from(path: Path) -> rdflib.Graph:
    """Anybody's shapes, from a Turtle file; CouncilgraphError where it is not Turtle, or not SHACL.

    A word in SHACL's namespace that SHACL does not have would be passed over by a validator: here it is an
    error.
    """
    list(parsed([path], Path.cwd()))
    graph = rdflib.Graph().parse(path, format="turtle")
    words = {p for p in graph.predicates() if isinstance(p, rdflib.URIRef) and p.startswith(str(SH))}
    for word in sorted(words):
        if word not in SH:
            name, known = (
                word.removeprefix(str(SH)),
                [str(p).removeprefix(str(SH)) for p in ALL_CONSTRAINT_PARAMETERS],
            )
            why = f"sh:{name} is no word of SHACL"
            raise CouncilgraphError(str(path), why, unknown("", name, known, "word").remedy)
    if not set(graph.objects(None, RDF.type)) & {SH.NodeShape, SH.PropertyShape}:
        raise CouncilgraphError(str(path), "has no shape", "Name a file of SHACL shapes.")
    for shape, node in sorted(graph.subject_objects(SH.property)):
        if (node, SH.path, None) not in graph:
            where = f"{path}: {compact(shape)}" if isinstance(shape, rdflib.URIRef) else str(path)
            raise CouncilgraphError(
                where, f"has a property shape{_named(node)} without sh:path", "Mend the shape."
            )
    return graph


def chosen(
    rules: rdflib.Graph, names: Iterable[str], where: str = "--shape"
) -> dict[rdflib.URIRef, set[rdflib.URIRef]]:
    """The shapes with targets that must be looked at for some rules, and the rules to tell of each.

    A rule is named as findings name it: `Holding-actsFor`, `cgsh:Holding-actsFor` or its IRI. UsageError
    where there is none of that name.
    """
    known = {
        _name(node): node
        for node in rules.subjects(SH.message | SH.property | SH.sparql, None)
        if isinstance(node, rdflib.URIRef) and (None, SH.sparql, node) not in rules
    }
    found: dict[rdflib.URIRef, set[rdflib.URIRef]] = {}
    for name in names:
        node = known.get(name.rpartition("#")[2].removeprefix("cgsh:"))
        if node is None:
            raise unknown(where, name, known, "rule")
        parents = list(rules.subjects(SH.property | SH.sparql, node))
        for top in parents or [node]:
            if isinstance(top, rdflib.URIRef):
                told = {node} if parents and (None, SH.property, node) in rules else {top}
                told |= set(rules.objects(top, SH.property)) if top == node else set()  # type: ignore[arg-type] # properties are nodes
                found.setdefault(top, set()).update(told)
    return found


def explain(rules: rdflib.Graph, name: str) -> dict[str, str]:
    """What a rule says, in words: its name, what it looks at, its message, why and what to do, its terms."""
    top, told = next(iter(chosen(rules, [name], "--explain").items()))
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
        "message": said(node, SH.message) or (said(sparql, SH.message) if sparql else ""),
        "remedy": said(node, SH.description) or said(top, SH.description),
        "rules": said(node, SH.property),
        "query": str(rules.value(sparql, SH.select) or "").strip(),
    }


_DESCRIBING = {SH.description, SH.message, SH.path, SH.property, SH.severity, SH.sparql, SH.targetClass}


def _named(node: Any) -> str:
    return f", {compact(node)}," if isinstance(node, rdflib.URIRef) else ""


def _name(node: Any) -> str:
    return str(node).rpartition("#")[2] or str(node)


def findings(graph: Graph, rooms: Rooms) -> list[Finding]:
    """What the shapes find, each at the cell that it came from, sorted."""
    rules = shapes(rooms)
    return read(validate(graph, rules), graph, rules)


def read(results: rdflib.Graph, graph: Graph, rules: rdflib.Graph) -> list[Finding]:
    """The findings of a validation report, each at the cell that it came from, sorted."""
    return sorted({_finding(results, result, rules, graph) for result in results.objects(None, SH.result)})


def told(
    results: rdflib.Graph, found: Collection[Finding], graph: Graph, rules: rdflib.Graph
) -> rdflib.Graph:
    """A validation report with those of its results alone that some findings tell of."""
    whole = results.value(predicate=RDF.type, object=SH.ValidationReport)
    for result in list(results.objects(whole, SH.result)):
        if _finding(results, result, rules, graph) not in found:
            results.remove((result, None, None))
            results.remove((whole, SH.result, result))
    results.remove((whole, SH.conforms, None))
    conforms = (None, SH.result, None) not in results  # a warning is a result too (SHACL, 3.6.1.1)
    if whole is not None:
        results.add((whole, SH.conforms, rdflib.Literal(conforms)))
    return results


def written(results: rdflib.Graph) -> str:
    """A validation report as Turtle, in an order that does not hang on what blank nodes are called."""

    def said(result: rdflib.term.Node) -> list[tuple[str, str]]:
        return sorted(
            (str(predicate), value.n3())
            for predicate, value in results.predicate_objects(result)
            if not isinstance(value, rdflib.BNode)
        )

    names: dict[rdflib.term.Node, rdflib.BNode] = {}
    for result in sorted(results.subjects(RDF.type, SH.ValidationResult), key=said):
        for node in (result, *(value for _, value in sorted(results.predicate_objects(result)))):
            if isinstance(node, rdflib.BNode):
                names.setdefault(node, rdflib.BNode(f"n{len(names):07}"))
    ordered = rdflib.Graph(namespace_manager=results.namespace_manager)
    for triple in results:
        ordered.add(tuple(names.get(node, node) for node in triple))  # type: ignore[arg-type] # three nodes
    return ordered.serialize(format="turtle")


def as_report(found: Collection[Finding], beside: rdflib.Graph | None = None) -> rdflib.Graph:
    """Findings that no shape made, of tables and of counts, as a validation report; or added to one."""
    graph = rdflib.Graph() if beside is None else beside
    graph.bind("sh", SH)
    whole = graph.value(predicate=RDF.type, object=SH.ValidationReport) or rdflib.BNode()
    graph.add((whole, RDF.type, SH.ValidationReport))
    if found or beside is None:
        graph.set((whole, SH.conforms, rdflib.Literal(not found)))
    for finding in found:
        node = rdflib.BNode()
        graph.add((whole, SH.result, node))
        graph.add((node, RDF.type, SH.ValidationResult))
        graph.add((node, SH.focusNode, rdflib.Literal(f"{finding.file}:{finding.line}")))
        graph.add((node, SH.resultSeverity, SH[finding.severity]))
        graph.add((node, SH.resultMessage, rdflib.Literal(str(finding))))
        graph.add((node, SH.sourceConstraintComponent, rdflib.URIRef(f"{BASE}table")))
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
        rule=rule or one(SH.sourceConstraintComponent),
        focus=focus,
    )


def _column(row: Row | None, path: str) -> str:
    """The column that says a property; of a rule about the whole row, its first key."""
    if not row:
        return ""
    return row.table.predicates().get(path) or row.table.KEY[0]
