"""The W3C's SHACL tests: the store's engine says what pyshacl says, and both what the W3C expects."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyshacl
import pytest
import rdflib
from rdflib.namespace import RDF, SH

from conftest import ROOT
from councilgraph import validation
from councilgraph.dataset import read_files
from councilgraph.errors import CouncilgraphError

SUITE = ROOT.parent / "shared" / "suites" / "w3c-shacl"
MF = rdflib.Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
SHT = rdflib.Namespace("http://www.w3.org/ns/shacl-test#")
#: What pyshacl 0.40 does not do as the W3C expects, and why.
KNOWN = {
    "core/property/uniqueLang-002": 'pyshacl takes "1"^^xsd:boolean for true',
    "sparql/pre-binding/shapesGraph-001": "pyshacl does not bind $shapesGraph",
}


def _cases() -> list[tuple[str, Path, rdflib.term.Node]]:
    """Name, file and entry of every test that a manifest lists."""
    found = []
    for path in sorted(SUITE.glob("*/*/*.ttl")):
        if path.name == "manifest.ttl":
            continue
        graph = rdflib.Graph().parse(path, publicID=path.as_uri())
        name = str(path.relative_to(SUITE).with_suffix(""))
        found += [(name, path, entry) for entry in graph.subjects(RDF.type, SHT.Validate)]
    return found


CASES = _cases() if SUITE.is_dir() else []
pytestmark = pytest.mark.skipif(not CASES, reason="../shared/suites/w3c-shacl is not here")


def findings(report: rdflib.Graph, top: rdflib.term.Node | None = None) -> Counter[tuple[str, ...]]:
    """What a report finds, without the names of blank nodes: focus, path, value, component, shape, severity."""
    top = top or report.value(predicate=RDF.type, object=SH.ValidationReport)

    def one(result: rdflib.term.Node, predicate: rdflib.URIRef) -> str:
        value = report.value(result, predicate)
        return "_:" if isinstance(value, rdflib.BNode) else value.n3() if value is not None else "-"

    names = (
        SH.focusNode,
        SH.resultPath,
        SH.value,
        SH.sourceConstraintComponent,
        SH.sourceShape,
        SH.resultSeverity,
    )
    return Counter(tuple(one(result, name) for name in names) for result in report.objects(top, SH.result))


def messages(report: rdflib.Graph) -> Counter[tuple[str, ...]]:
    """The messages of each finding, beside its focus node."""
    return Counter(
        (str(report.value(r, SH.focusNode)), *sorted(m.n3() for m in report.objects(r, SH.resultMessage)))
        for r in report.subjects(RDF.type, SH.ValidationResult)
        if not isinstance(report.value(r, SH.focusNode), rdflib.BNode)
    )


def _graphs(path: Path, entry: rdflib.term.Node) -> tuple[rdflib.Graph, rdflib.term.Node, Path, rdflib.Graph]:
    manifest = rdflib.Graph().parse(path, publicID=path.as_uri())
    action, expected = manifest.value(entry, MF.action), manifest.value(entry, MF.result)

    def file(predicate: rdflib.URIRef) -> Path:
        named = Path(str(manifest.value(action, predicate)).removeprefix("file://"))
        return named if named.suffix else named.with_suffix(".ttl")

    data, shapes = file(SHT.dataGraph), file(SHT.shapesGraph)
    assert expected is not None
    return manifest, expected, data, rdflib.Graph().parse(shapes, publicID=shapes.as_uri())


@pytest.mark.parametrize(("name", "path", "entry"), CASES, ids=[case[0] for case in CASES])
def test_w3c(name: str, path: Path, entry: rdflib.term.Node) -> None:
    manifest, expected, data, rules = _graphs(path, entry)
    graph = read_files([data], None)
    judged = rdflib.Graph().parse(data, publicID=data.as_uri())
    try:
        _, judgement, _ = pyshacl.validate(judged, shacl_graph=rules, inplace=True)
    except NotImplementedError:
        judgement = None
    if not isinstance(judgement, rdflib.Graph):  # a shape that cannot be used
        with pytest.raises(CouncilgraphError):
            validation.validate(graph, rules)
        if name in KNOWN:
            pytest.xfail(KNOWN[name])  # the engine agrees with pyshacl all the same
        assert expected == SHT.Failure
        return
    found = validation.validate(graph, rules)
    assert findings(found) == findings(judgement)
    assert messages(found) == messages(judgement)
    if name in KNOWN:
        pytest.xfail(KNOWN[name])  # the engine agrees with pyshacl all the same
    assert findings(found) == findings(manifest, expected)
