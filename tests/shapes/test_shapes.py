"""Each fixture gives the findings beside it, every shape is fired by one, and all shapes are SHACL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyshacl
import pytest
import rdflib
from rdflib.namespace import RDF, SH

from councilgraph import validation
from councilgraph.bundle import Rooms, rooms
from councilgraph.dataset import read_files
from councilgraph.namespaces import compact

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SHAPE = "https://w3id.org/councilgraph/shapes#"
VALID = sorted(HERE.glob("*/valid.*.ttl"))
INVALID = sorted(HERE.glob("*/invalid.*.ttl"))


def _report(path: Path, house: Rooms) -> rdflib.Graph:
    return validation.report(read_files([path], house), house)


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.fixture(scope="module")
def house() -> Rooms:
    return rooms(ROOT)


@pytest.fixture(scope="module")
def rules(house: Rooms) -> rdflib.Graph:
    return validation.shapes(house)


@pytest.fixture(autouse=True)
def _read_once(rules: rdflib.Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shapes are parsed once for all fixtures."""
    monkeypatch.setattr(validation, "shapes", lambda _: rules)


def _found(report: rdflib.Graph) -> list[str]:
    """The findings of a report: severity, shape, focus, path and value, separated by tabs, sorted."""

    def one(result: rdflib.term.Node, predicate: rdflib.URIRef) -> str:
        value = report.value(result, predicate)
        return compact(str(value)).replace("\n", " ") if value is not None else "-"

    return sorted(
        "\t".join(
            (
                one(result, SH.resultSeverity).removeprefix("sh:"),
                one(result, SH.sourceShape).removeprefix(SHAPE),
                one(result, SH.focusNode),
                one(result, SH.resultPath),
                one(result, SH.value),
            )
        )
        for result in report.subjects(RDF.type, SH.ValidationResult)
    )


@pytest.mark.parametrize("path", VALID, ids=_name)
def test_valid(path: Path, house: Rooms) -> None:
    assert [line for line in _found(_report(path, house)) if line.startswith("Violation")] == []


@pytest.mark.parametrize("path", INVALID, ids=_name)
def test_invalid(path: Path, house: Rooms, request: pytest.FixtureRequest) -> None:
    expected = path.with_suffix(".expected")
    report = _report(path, house)
    found = _found(report)
    if request.config.getoption("--approve"):
        expected.write_text("".join(f"{line}\n" for line in found), encoding="utf-8")
    if not expected.exists():
        pytest.fail(f"{expected.name} is missing; run pytest with --approve to write it, and read it")
    assert found == expected.read_text(encoding="utf-8").splitlines()
    assert found, "an invalid graph gives at least one finding"
    messages = sorted({str(message) for message in report.objects(None, SH.resultMessage)})
    assert [message for message in messages if "{?" in message or "{$" in message] == []


def test_every_stem_has_shapes_and_fixtures() -> None:
    stems = {path.stem for path in (ROOT / "shapes").glob("*.ttl")} - {"prefixes"}
    assert stems == {path.parent.name for path in VALID} == {path.parent.name for path in INVALID}
    assert {path.stem for path in HERE.glob("*/*.expected")} == {path.stem for path in INVALID}


def _with_message(rules: rdflib.Graph) -> Iterator[str]:
    """The shapes that say something: in their own sh:message, or in that of their SPARQL constraint."""
    for shape in {*rules.subjects(SH.message), *rules.subjects(SH.sparql)}:
        if (shape, RDF.type, SH.SPARQLConstraint) not in rules:
            yield str(shape).removeprefix(SHAPE)


def test_every_shape_is_fired(rules: rdflib.Graph) -> None:
    texts = [path.read_text(encoding="utf-8") for path in HERE.glob("*/*.expected")]
    fired = {line.split("\t")[1] for text in texts for line in text.splitlines()}
    assert sorted(set(_with_message(rules)) - fired) == []


def test_every_shape_says_what_is_wrong_and_what_to_do(rules: rdflib.Graph) -> None:
    silent = [
        str(shape).removeprefix(SHAPE)
        for shape in {*rules.subjects(RDF.type, SH.PropertyShape), *rules.subjects(SH.sparql)}
        for said in [*rules.objects(shape, SH.message), *rules.objects(shape, SH.sparql / SH.message)]
        if not (str(said).endswith(".") and str(rules.value(shape, SH.description)).endswith("."))
    ]
    spoken = set(_with_message(rules))
    silent += [
        str(shape).removeprefix(SHAPE)
        for shape in rules.subjects(RDF.type, SH.PropertyShape)
        if str(shape).removeprefix(SHAPE) not in spoken
    ]
    assert sorted(silent) == []


def test_shapes_have_no_blank_nodes(rules: rdflib.Graph) -> None:
    assert [term for triple in rules for term in triple if isinstance(term, rdflib.BNode)] == []


def test_shapes_are_shacl(rules: rdflib.Graph) -> None:
    conforms, _, text = pyshacl.validate(rdflib.Graph(), shacl_graph=rules, meta_shacl=True)
    assert conforms, text
