"""A build is done where it is needed; one that is not needed is not done."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse

from conftest import WORLD, Result, rooms_with
from councilgraph import bundle, dataset

Run = Callable[..., Result]
ASK = ("who", "christchurch", "--on", "2019-03-31", "--format", "csv", "--root")


def test_the_first_question_builds_and_the_next_does_not(root: Path, run: Run) -> None:
    first = run(*ASK, root)
    assert first.code == 0
    assert "store" in first.err
    assert run(*ASK, root).err == ""


def test_a_changed_table_is_built_again(root: Path, run: Run) -> None:
    run(*ASK, root)
    path = root / "data/bodies.csv"
    path.write_text(
        path.read_text().replace("Dorset County Council,authority", "County Council of Dorset,authority")
    )
    again = run(*ASK, root)
    assert "County Council of Dorset" in again.out
    assert "tables" in again.err


def test_progress_says_rows_triples_and_seconds(root: Path, run: Run) -> None:
    answer = run("build", "--root", root)
    assert answer.code == 0
    assert answer.out == ""
    stages = [line.split()[0] for line in answer.err.splitlines()]
    assert stages == ["ontology", "tables", "lineage", "check", "store"]
    assert " rows, " in answer.err
    assert " triples" in answer.err
    assert all(line.endswith(" s)") for line in answer.err.splitlines())


def test_a_root_that_cannot_be_written_keeps_its_store_in_the_cache(
    root: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    assert run(*ASK, root).code == 0
    assert not (root / ".councilgraph").exists()
    assert list((tmp_path / "cache" / "councilgraph").glob("*/current"))


def test_a_store_that_is_damaged_is_built_again(root: Path, run: Run) -> None:
    before = run(*ASK, root)
    for store in (root / ".councilgraph").glob("store-*"):
        for file in store.iterdir():
            file.unlink()
    assert run(*ASK, root).out == before.out


def test_the_text_beside_a_store_says_what_it_says(root: Path, run: Run) -> None:
    run("build", "--root", root)
    used = dataset.in_use(bundle.rooms(root))
    assert used
    said = list(used.text.said())
    assert set(said) == set(dataset.triples(used.store))
    assert len(said) == used.text.triples == dataset.count(used.store)
    assert sum(map(len, used.text.parts())) == used.text.size
    braced = b"".join(used.text.braced())
    assert {quad.triple for quad in parse(braced, format=RdfFormat.TRIG)} == set(said)
    with pytest.raises(SyntaxError):
        list(parse(braced.removesuffix(b"}\n"), format=RdfFormat.TRIG))


def test_a_store_without_its_text_is_built_again(root: Path, run: Run) -> None:
    before = run(*ASK, root)
    (text,) = (root / ".councilgraph").glob(f"store-*/{dataset.TEXT}")
    text.unlink()
    again = run(*ASK, root)
    assert (again.out, "store" in again.err) == (before.out, True)
    assert run(*ASK, root).err == ""


def test_old_stores_are_swept_away(root: Path, run: Run) -> None:
    for _ in range(4):
        run("build", "--root", root)
    assert len(list((root / ".councilgraph").glob("store-*"))) <= 3


def test_building_twice_is_building_once_and_row_order_does_not_matter(root: Path, tmp_path: Path) -> None:
    straight = dataset.assemble(bundle.rooms(root))
    shuffled = rooms_with(WORLD / "data", tmp_path / "shuffled")
    shuffle(shuffled / "data", random.Random(1997))
    other = dataset.assemble(bundle.rooms(shuffled))
    assert {q.triple for q in straight.store} == {q.triple for q in other.store}


def shuffle(data: Path, draw: random.Random) -> None:
    """Shuffle the rows of every table (no cell holds a line break)."""
    for path in data.glob("*.csv"):
        head, *lines = path.read_text().splitlines()
        draw.shuffle(lines)
        path.write_text("\n".join([head, *lines]) + "\n")
