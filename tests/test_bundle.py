"""From where the rooms are read, and when a store is out of date."""

from __future__ import annotations

from pathlib import Path

import pytest

from councilgraph import bundle
from councilgraph.errors import UsageError


def test_a_folder_without_the_rooms_says_which_are_missing(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(UsageError, match=r"has no ontology/ and no shapes/ and no queries/"):
        bundle.rooms(tmp_path)


@pytest.mark.parametrize(
    "file",
    ["data/bodies.csv", "ontology/authority.ttl", "shapes/authority.ttl", "queries/derive/20-succession.rq"],
)
def test_a_room_that_changed_changes_the_fingerprint(root: Path, file: str) -> None:
    before = bundle.rooms(root).fingerprint()
    with (root / file).open("a") as changed:
        changed.write("# x\n")
    assert bundle.rooms(root).fingerprint() != before


def test_canned_queries_do_not_make_a_store_stale(root: Path) -> None:
    before = bundle.rooms(root).fingerprint()
    with (root / "queries/function/who.rq").open("a") as changed:
        changed.write("# x\n")
    assert bundle.rooms(root).fingerprint() == before
