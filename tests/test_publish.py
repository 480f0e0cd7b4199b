"""Dumps: the same bytes from the same tables, strict Turtle, all that the store says, no blank node."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from conftest import Result
from councilgraph import bundle, dataset, publish
from councilgraph.errors import CouncilgraphError
from councilgraph.namespaces import PREFIXES, XSD
from test_build import shuffle

Run = Callable[..., Result]
FILES = ("councilgraph.ttl", "councilgraph.nt.gz", "SHA256SUMS")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_dumping_twice_and_from_shuffled_rows_gives_the_same_bytes(
    root: Path, run: Run, tmp_path: Path
) -> None:
    assert run("dump", tmp_path / "a", "--root", root).code == 0
    assert run("dump", tmp_path / "b", "--root", root).code == 0
    shuffle(root / "data", random.Random(2019))
    assert run("dump", tmp_path / "c", "--root", root).code == 0
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b") == _bytes(tmp_path / "c")


def test_a_dump_says_what_the_store_says(root: Path, run: Run, tmp_path: Path) -> None:
    run("dump", tmp_path / "d", "--root", root)
    store, _ = dataset.current(bundle.rooms(root))
    assert store
    said = {quad.triple for quad in store}
    assert {
        q.triple for q in parse(path=str(tmp_path / "d/councilgraph.ttl"), format=RdfFormat.TURTLE)
    } == said
    lines = gzip.decompress((tmp_path / "d/councilgraph.nt.gz").read_bytes()).decode()
    assert {q.triple for q in parse(lines, format=RdfFormat.N_TRIPLES)} == said
    assert not [t for t in said if isinstance(t.subject, BlankNode) or isinstance(t.object, BlankNode)]
    assert {graph.value for graph in store.named_graphs()} == {dataset.DERIVED.value}  # said in the graph too


def test_checksums_are_those_of_the_files(root: Path, run: Run, tmp_path: Path) -> None:
    run("dump", tmp_path / "d", "--root", root)
    for line in (tmp_path / "d/SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "d" / name).read_bytes()).hexdigest() == digest


def test_a_change_of_one_fact_is_a_small_change_of_the_turtle(root: Path, run: Run, tmp_path: Path) -> None:
    run("dump", tmp_path / "a", "--root", root)
    path = root / "data/people.csv"
    path.write_text(path.read_text().replace("Jane Portman", "Jane A Portman", 1))
    run("dump", tmp_path / "b", "--root", root)
    old = (tmp_path / "a/councilgraph.ttl").read_text().splitlines()
    new = (tmp_path / "b/councilgraph.ttl").read_text().splitlines()
    assert len(old) == len(new)
    changed = [pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]
    assert 1 <= len(changed) <= 4
    assert all("portman" in line.lower() for _, line in changed)


def test_a_folder_that_cannot_be_written(root: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = run("dump", tmp_path / "file" / "d", "--root", root)
    assert answer.code == 3
    assert "cannot be written" in answer.err


def test_a_blank_node_is_refused() -> None:
    with pytest.raises(CouncilgraphError, match="blank node"):
        publish.turtle([Triple(BlankNode(), NamedNode("http://example.org/p"), Literal("x"))])


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NODES = st.builds(
    lambda prefix, local: NamedNode(PREFIXES[prefix] + local),
    st.sampled_from(sorted(PREFIXES)),
    st.from_regex(r"[A-Za-z0-9_.~/%-]{0,9}", fullmatch=True).filter(lambda text: "%" not in text),
)
LITERALS = st.one_of(
    TEXT.map(Literal),
    TEXT.map(lambda text: Literal(text, language="en")),
    st.builds(
        lambda text, kind: Literal(text, datatype=kind),
        TEXT,
        st.sampled_from([XSD.date, XSD.integer, XSD.boolean, XSD.decimal]),
    ),
)


@given(st.lists(st.builds(Triple, NODES, NODES, st.one_of(NODES, LITERALS)), max_size=8))
def test_any_triples_come_back_from_turtle_and_ntriples(triples: list[Triple]) -> None:
    assert {q.triple for q in parse(publish.turtle(triples), format=RdfFormat.TURTLE)} == set(triples)
    assert {q.triple for q in parse(publish.ntriples(triples), format=RdfFormat.N_TRIPLES)} == set(triples)
    assert publish.turtle(triples) == publish.turtle(reversed(triples))
