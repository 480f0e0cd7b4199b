"""Which focus nodes a shape may find fault with: each shape as a few SELECTs on the embedded store.

pyshacl says what is wrong; this says where it need not look. For every shape with targets `queries` gives
SELECTs that together find each focus node that may violate it, and perhaps some that do not. A constraint
that is not understood here makes every target a suspect, so nothing is passed over: to understand one more
is to be faster, never to be less strict. Follows SHACL (W3C, 2017), sections 2 to 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

import rdflib
from pyshacl.constraints import ALL_CONSTRAINT_PARAMETERS
from pyshacl.constraints.sparql.sparql_based_constraints import SPARQLBasedConstraint
from pyshacl.errors import ConstraintLoadError, ReportableRuntimeError, ValidationFailure
from pyshacl.helper.path_helper import shacl_path_to_sparql_path
from pyshacl.shape import Shape
from rdflib.namespace import RDF, SH, XSD

Node = rdflib.term.Node
#: Literals whose text is certainly well-formed, by datatype; the rest are suspect.
_WELL_FORMED = {
    XSD.boolean: "^(true|false)$",
    XSD.date: "^(1[0-9]|20)[0-9]{2}-"
    "((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)$",
    XSD.integer: "^(0|-?[1-9][0-9]{0,17})$",
    XSD.string: "",
    RDF.langString: "",
}
#: Datatypes whose well-formed values every engine orders alike.
_ORDERED = (XSD.date, XSD.integer)
_NODE_KINDS = {
    SH.BlankNode: "ISBLANK({v})",
    SH.BlankNodeOrIRI: "(ISBLANK({v}) || ISIRI({v}))",
    SH.BlankNodeOrLiteral: "(ISBLANK({v}) || ISLITERAL({v}))",
    SH.IRI: "ISIRI({v})",
    SH.IRIOrLiteral: "(ISIRI({v}) || ISLITERAL({v}))",
    SH.Literal: "ISLITERAL({v})",
}
#: Parameters of which a shape may have several.
_SEVERAL = (
    SH["and"],
    SH["class"],
    SH.disjoint,
    SH.hasValue,
    SH.lessThan,
    SH.lessThanOrEquals,
    SH.node,
    SH.property,
)
_DEEPEST = 12  # nested shapes; a shape that goes deeper, or round in a circle, has every target suspect
#: What Python's regular expressions and those of the store may read differently.
_ODD = re.compile(r"\\[^dDwWsSbB.\\/()\[\]{}*+?^$|-]|\(\?|\[\[|\[:|&&|--|~~|[^\x00-\x7f]")


class NotUnderstoodError(Exception):
    """Something that pyshacl is to look at for every focus node of a shape."""


@dataclass(frozen=True)
class _Place:
    """Where a constraint stands.

    The variable of its focus node, and the pattern `before` that binds it; its path, if it has one; the
    variable of its value nodes, and the pattern `reach` that binds that too.
    """

    focus: str
    before: str
    path: str | None
    value: str
    reach: str


@dataclass
class _Reader:
    """Reads one shape: `found` grows a graph pattern, in `?this`, for each way of violating it."""

    closure: Callable[[Iterable[Node]], list[str]]
    mixed: Collection[str] = ()
    named: bool = False  # whether the targets are named, and so may be nodes of which the graph says nothing
    found: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # SPARQL constraints, with `$this` free
    apart: list[str] = field(default_factory=list)  # those of them that order values of `mixed`
    names: int = 0

    def fresh(self) -> str:
        self.names += 1
        return f"?v{self.names}"

    def read(self, shape: Shape, focus: str, before: str, depth: int = 0) -> None:
        """Add the patterns under which `focus`, which `before` binds, may violate a shape."""
        if depth > _DEEPEST or shape.find_custom_constraints():
            raise NotUnderstoodError
        said: dict[rdflib.URIRef, list[Node]] = {}
        for predicate, value in shape.sg.predicate_objects(shape.node):
            if predicate in ALL_CONSTRAINT_PARAMETERS:
                said.setdefault(predicate, []).append(value)
        path = None
        value, reach = focus, before
        if shape.is_property_shape:
            path = self.path(shape)
            value = self.fresh()
            reach = f"{before} {focus} {path} {value} ."
        place = _Place(focus, before, path, value, reach)
        wrong: list[str] = []
        for parameter, values in said.items():
            if parameter in (SH.flags, SH.ignoredProperties):
                continue
            if parameter == SH.sparql:
                if focus != "?this":
                    raise NotUnderstoodError
                for text in _constraints(shape, self.named):
                    (self.apart if _orders(text, self.mixed) else self.asked).append(text)
                continue
            if len(values) > 1 and parameter not in _SEVERAL:
                raise NotUnderstoodError  # pyshacl says that this cannot be
            for each in values:
                if parameter in (SH.property, SH.node):
                    self.read(shape.get_other_shape(each), value, reach, depth + 1)
                elif parameter == SH["and"]:
                    for member in shape.sg.graph.items(each):
                        self.read(shape.get_other_shape(member), value, reach, depth + 1)
                elif parameter in _TESTS:
                    wrong.append(_TESTS[parameter](self, shape, each, value))
                elif parameter in _PATTERNS:
                    self.found += _PATTERNS[parameter](self, shape, each, place)
                else:
                    raise NotUnderstoodError
        if wrong:
            self.found.append(f"{reach} FILTER ({' || '.join(wrong)})")

    def path(self, shape: Shape) -> str:
        path = shape.path()
        if isinstance(path, rdflib.URIRef):
            return path.n3()
        text = str(shacl_path_to_sparql_path(shape.sg, path))
        if "*" in text or "?" in text:  # a path of no length from a node of which the graph says nothing
            raise NotUnderstoodError
        return text


def queries(
    shape: Shape, closure: Callable[[Iterable[Node]], list[str]], mixed: Collection[str] = ()
) -> tuple[list[str], list[str]] | None:
    """SELECTs that together find every focus node that may violate a shape; None where all of them may.

    The store answers the first ones as rdflib does, and not the second: they order values of `mixed`, the
    properties with values that rdflib orders, and the store does not. `closure` gives the classes below some
    classes, themselves among them, as SPARQL writes them.
    """
    try:
        targets = _targets(shape, closure)
        reader = _Reader(closure, mixed, any(True for _ in shape.sg.objects(shape.node, SH.targetNode)))
        reader.read(shape, "?this", "")
    except NotUnderstoodError:
        return None
    found = [f"SELECT DISTINCT ?this WHERE {{ {targets} {pattern} }}" for pattern in reader.found]
    asked, apart = ([_aimed(text, targets) for text in texts] for texts in (reader.asked, reader.apart))
    return found + asked, apart


def _aimed(text: str, targets: str) -> str:
    """A SELECT that looks at a shape's targets alone."""
    head, brace, rest = text.partition("{")
    return f"{head}{brace} {targets} {rest}"


def _targets(shape: Shape, closure: Callable[[Iterable[Node]], list[str]]) -> str:
    nodes, classes, implicit, objects, subjects = (list(found) for found in shape.target())
    parts = []
    if nodes:
        parts.append(f"VALUES ?this {{ {' '.join(_term(node) for node in nodes)} }}")
    if classes or implicit:
        below = closure([*classes, *implicit])
        parts.append(f"VALUES ?class {{ {' '.join(below)} }} ?this a ?class .")
    parts += [f"?this {_term(p)} ?any ." for p in subjects]
    parts += [f"?any {_term(p)} ?this ." for p in objects]
    return parts[0] if len(parts) == 1 else " UNION ".join(f"{{ {part} }}" for part in parts)


def _term(node: Node) -> str:
    """A node as SPARQL writes it; blank nodes of the shapes mean nothing in the data."""
    if isinstance(node, rdflib.BNode) or not isinstance(node, rdflib.URIRef | rdflib.Literal):
        raise NotUnderstoodError
    return node.n3()


# Each of these gives the expression that is true, or has no value, where a value is not as it should be.


def _not(expression: str) -> str:
    return f"!COALESCE({expression}, false)"


def _class(reader: _Reader, _: Shape, each: Node, value: str) -> str:
    kind = reader.fresh()
    below = ", ".join(reader.closure([each]))
    return f"NOT EXISTS {{ {value} a {kind} . FILTER ({kind} IN ({below})) }}"


def _datatype(_: _Reader, __: Shape, each: Node, value: str) -> str:
    if each not in _WELL_FORMED:
        raise NotUnderstoodError
    return _not(_typed(value, each))


def _typed(value: str, datatype: Node) -> str:
    assert isinstance(datatype, rdflib.URIRef)
    test = f"DATATYPE({value}) = {datatype.n3()}"
    form = _WELL_FORMED[datatype]
    return f'({test} && REGEX(STR({value}), "{form}"))' if form else test


def _node_kind(_: _Reader, __: Shape, each: Node, value: str) -> str:
    if each not in _NODE_KINDS:
        raise NotUnderstoodError
    assert isinstance(each, rdflib.URIRef)
    return _not(_NODE_KINDS[each].format(v=value))


def _length(sign: str) -> Callable[[_Reader, Shape, Node, str], str]:
    def test(_: _Reader, __: Shape, each: Node, value: str) -> str:
        return f"(ISBLANK({value}) || {_not(f'STRLEN(STR({value})) {sign} {_whole(each)}')})"

    return test


def _pattern(_: _Reader, shape: Shape, each: Node, value: str) -> str:
    flags = list(shape.objects(SH.flags))
    if flags or not isinstance(each, rdflib.Literal) or _ODD.search(str(each)):
        raise NotUnderstoodError
    return f"(ISBLANK({value}) || {_not(f'REGEX(STR({value}), {rdflib.Literal(str(each)).n3()})')})"


def _in(_: _Reader, shape: Shape, each: Node, value: str) -> str:
    same = " || ".join(f"SAMETERM({value}, {_term(member)})" for member in shape.sg.graph.items(each))
    return _not(same) if same else "true"


def _language_in(_: _Reader, shape: Shape, each: Node, value: str) -> str:
    tags = [rdflib.Literal(str(member)).n3() for member in shape.sg.graph.items(each)]
    return _not(" || ".join(f"LANGMATCHES(LANG({value}), {tag})" for tag in tags)) if tags else "true"


def _bound(sign: str) -> Callable[[_Reader, Shape, Node, str], str]:
    def test(_: _Reader, __: Shape, each: Node, value: str) -> str:
        if not isinstance(each, rdflib.Literal) or each.datatype not in _ORDERED:
            raise NotUnderstoodError
        if not re.search(_WELL_FORMED[each.datatype], str(each)):
            raise NotUnderstoodError
        return _not(f"{_typed(value, each.datatype)} && {value} {sign} {each.n3()}")

    return test


# Each of these gives the graph patterns, one for each way of violating a constraint.


def _min_count(_: _Reader, __: Shape, each: Node, at: _Place) -> list[str]:
    least = _whole(each)
    if at.path is None or least > 1:
        raise NotUnderstoodError
    return [f"{at.before} FILTER NOT EXISTS {{ {at.focus} {at.path} {at.value} }}"] if least else []


def _max_count(reader: _Reader, _: Shape, each: Node, at: _Place) -> list[str]:
    most = _whole(each)
    if at.path is None or most > 1:
        raise NotUnderstoodError
    if most == 0:
        return [at.reach]
    other = reader.fresh()
    return [f"{at.reach} {at.focus} {at.path} {other} . FILTER (!SAMETERM({at.value}, {other}))"]


def _has_value(_: _Reader, __: Shape, each: Node, at: _Place) -> list[str]:
    if at.path is None:
        return [f"{at.before} FILTER (!SAMETERM({at.focus}, {_term(each)}))"]
    same = f"FILTER (SAMETERM({at.value}, {_term(each)}))"
    return [f"{at.before} FILTER NOT EXISTS {{ {at.focus} {at.path} {at.value} . {same} }}"]


def _less(sign: str) -> Callable[[_Reader, Shape, Node, _Place], list[str]]:
    def patterns(reader: _Reader, _: Shape, each: Node, at: _Place) -> list[str]:
        other = reader.fresh()
        alike = " || ".join(f"({_typed(at.value, kind)} && {_typed(other, kind)})" for kind in _ORDERED)
        test = _not(f"({alike}) && {at.value} {sign} {other}")
        return [f"{at.reach} {at.focus} {_term(each)} {other} . FILTER ({test})"]

    return patterns


def _disjoint(_: _Reader, __: Shape, each: Node, at: _Place) -> list[str]:
    return [f"{at.reach} {at.focus} {_term(each)} {at.value} ."]


def _closed(reader: _Reader, shape: Shape, each: Node, at: _Place) -> list[str]:
    if at.path is not None or not isinstance(each, rdflib.Literal):
        raise NotUnderstoodError
    if each.value is not True:
        return []
    allowed = [p for held in shape.objects(SH.property) for p in shape.sg.graph.objects(held, SH.path)]
    for ignored in shape.objects(SH.ignoredProperties):
        allowed += shape.sg.graph.items(ignored)
    verb, other = reader.fresh(), reader.fresh()
    listed = ", ".join(p.n3() for p in allowed if isinstance(p, rdflib.URIRef))
    return [f"{at.before} {at.focus} {verb} {other} . FILTER ({verb} NOT IN ({listed}))"]


def _constraints(shape: Shape, named: bool) -> Iterator[str]:
    """The texts of a shape's SPARQL constraints, which find all focus nodes at once where `$this` is free."""
    try:
        for constraint in SPARQLBasedConstraint(shape).sparql_constraints:
            if constraint.deactivated:
                continue
            bound, text = constraint.pre_bind_variables(rdflib.URIRef("urn:x-any"))
            if set(bound) != {"this"} or not asks_alike(text):
                raise NotUnderstoodError
            if named and not {"*", "?"}.isdisjoint(_TOKENS.findall(text)):
                raise NotUnderstoodError  # as in `path`, a node of which the graph says nothing
            yield constraint.apply_prefixes(text)
    except (ConstraintLoadError, NotImplementedError, ReportableRuntimeError, ValidationFailure) as error:
        raise NotUnderstoodError from error  # pyshacl says what is wrong with it


_TOKENS = re.compile(
    r"""<[^<>"{}|^`\\\x00-\x20]*>|\"\"\"(?:[^"\\]|\\.|"(?!""))*\"\"\"|'''(?:[^'\\]|\\.|'(?!''))*'''"""
    r"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\#[^\n]*|[?$]\w+|[\w-]*:[\w.%-]*|\w+|\S""",
    re.DOTALL,
)
_PREFIX = re.compile(r"PREFIX\s+([\w-]*):\s*<([^>]*)>", re.IGNORECASE)


def _orders(text: str, properties: Collection[str]) -> bool:
    """Whether a query orders values, and names one of some properties."""
    bases = dict(_PREFIX.findall(text))
    tokens = set(_TOKENS.findall(_PREFIX.sub("", text)))
    if not properties or tokens.isdisjoint("<>"):
        return False
    spelt = {
        bases.get(prefix, "") + name for prefix, colon, name in (t.partition(":") for t in tokens) if colon
    }
    return not {*spelt, *(token.strip("<>") for token in tokens)}.isdisjoint(properties)


_APART = {"GROUP", "HAVING", "LIMIT", "MINUS", "OFFSET", "SERVICE", "VALUES"}


def asks_alike(text: str) -> bool:
    """Whether a SELECT finds the same focus nodes with `$this` free as bound to each in turn.

    It does where every group that mentions `$this` binds it in a triple pattern first, the outermost one
    among them, and nothing counts or cuts rows, or selects apart.
    """
    groups: list[list[int]] = []  # of each open group: open parentheses, is `$this` bound, is it used unbound
    outermost = False
    for token in _TOKENS.findall(text):
        word = token.upper()
        if word in _APART or (word == "SELECT" and groups) or (word == "EXISTS" and not groups):
            return False
        if token == "{":
            groups.append([0, 0, 0])
        elif token == "}":
            _, bound, unbound = groups.pop()
            if unbound:
                return False
            outermost = outermost or (not groups and bool(bound))
        elif groups and token in ("(", ")"):
            groups[-1][0] += 1 if token == "(" else -1
        elif groups and token in ("$this", "?this"):
            inside, bound, _ = groups[-1]
            if not inside:
                groups[-1][1] = 1
            elif not bound:
                groups[-1][2] = 1
    return outermost


_TESTS: dict[Node, Callable[[_Reader, Shape, Node, str], str]] = {
    SH["class"]: _class,
    SH.datatype: _datatype,
    SH.nodeKind: _node_kind,
    SH.minLength: _length(">="),
    SH.maxLength: _length("<="),
    SH.pattern: _pattern,
    SH["in"]: _in,
    SH.languageIn: _language_in,
    SH.minInclusive: _bound(">="),
    SH.minExclusive: _bound(">"),
    SH.maxInclusive: _bound("<="),
    SH.maxExclusive: _bound("<"),
}
_PATTERNS: dict[Node, Callable[[_Reader, Shape, Node, _Place], list[str]]] = {
    SH.minCount: _min_count,
    SH.maxCount: _max_count,
    SH.hasValue: _has_value,
    SH.lessThan: _less("<"),
    SH.lessThanOrEquals: _less("<="),
    SH.disjoint: _disjoint,
    SH.closed: _closed,
}


def _whole(each: Node) -> int:
    if not isinstance(each, rdflib.Literal) or not re.fullmatch("[0-9]{1,9}", str(each)):
        raise NotUnderstoodError
    return int(str(each))
