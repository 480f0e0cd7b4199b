"""`history`, `describe` and `pack`: several answers about one thing, as people and machines read them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Result

Run = Callable[..., Result]


def test_history_is_one_timeline_with_predecessors_labelled(run: Run, world_root: Path) -> None:
    rows = run("history", "BCP", "--root", world_root, "--format", "csv").rows()
    assert {row["what"] for row in rows} >= {"reorganisation", "inspection", "intervention", "post", "name"}
    whose = {(row["label"], row["whose"]) for row in rows}
    assert ("Bournemouth, Christchurch and Poole Council", "own") in whose
    assert ("Dorset County Council", "predecessor's") in whose
    assert "Christchurch Borough Council" not in {row["label"] for row in rows}  # it never held the duty
    days = [row["from"] for row in rows if re.fullmatch(r"\d{4}-\d\d-\d\d", row["from"])]
    assert days == sorted(days)


def test_a_predecessor_s_history_ends_when_it_gave_up_the_area(run: Run, world_root: Path) -> None:
    """Devon County Council goes on, but what happened to it after 1998 is no history of Torbay's."""
    rows = run("history", "torbay-council", "--root", world_root, "--format", "csv").rows()
    devon = [row["from"] for row in rows if row["label"] == "Devon County Council"]
    assert devon
    assert max(devon) <= "1998-04-01"


def test_history_of_a_person(run: Run, world_root: Path) -> None:
    rows = run("history", "john-coughlan", "--root", world_root, "--format", "csv").rows()
    assert "Torbay Council" in {row["overseesLabel"] for row in rows}


def test_describe_an_area_on_a_day(run: Run, world_root: Path) -> None:
    answer = run("describe", "christchurch", "--on", "2019-03-31", "--format", "json", "--root", world_root)
    found = json.loads(answer.out)
    assert (found["label"], found["subject"].rpartition("/")[2]) == ("Christchurch", "christchurch")
    place = {row["what"]: row["agentLabel"] for section in found["sections"] for row in section["rows"]}
    assert place["accountable for children's services"] == "Dorset County Council"
    assert place["shadow for children's services"] == "Bournemouth, Christchurch and Poole Council"
    assert place["intervention in force"] == "none recorded"


@pytest.mark.parametrize(
    ("thing", "shown"),
    [
        ("BCP", "Bournemouth, Christchurch and Poole Council"),
        ("person:john-coughlan", "Torbay Council"),
        ("source/localgov-54024", "statutory direction"),
        ("inspection:bournemouth-borough-council-ilacs-2018-07", "requires improvement"),
        ("holding:torbay-council.upper-tier.torbay.accountable.1998-04-01", "upper-tier functions"),
    ],
)
def test_describe_a_thing_of_any_kind(run: Run, world_root: Path, thing: str, shown: str) -> None:
    for form in ("table", "markdown", "json"):
        answer = run("describe", thing, "--root", world_root, "--format", form)
        assert answer.code == 0, answer.err
        assert shown in answer.out
    turtle = run("describe", thing, "--root", world_root, "--format", "turtle")
    assert turtle.out.startswith("@prefix")


def test_what_nobody_knows_is_named(run: Run, world_root: Path) -> None:
    for command in ("describe", "history", "pack"):
        answer = run(command, "Atlantis", "--root", world_root)
        assert answer.code == 2
        assert "Atlantis" in answer.err


def test_the_pack_of_a_council_of_the_past(run: Run, world_root: Path) -> None:
    """North Northamptonshire took over from a county in intervention whose trust went on."""
    answer = run("pack", "north-northamptonshire-council", "--format", "json", "--root", world_root)
    found = json.loads(answer.out)
    sections = {section["query"]: section["rows"] for section in found["sections"]}
    assert list(sections) == sorted(sections)
    taken = {(row["areaLabel"], row["predecessorLabel"]) for row in sections["pack/areas"]}
    assert {
        ("Corby", "Corby Borough Council"),
        ("Corby", "Northamptonshire County Council"),
        ("Kettering", "Northamptonshire County Council"),
    } <= taken
    assert {row["agentLabel"] for row in sections["pack/arrangements"]} == {
        "Northamptonshire Children's Trust"
    }
    judged = {(row["whose"], row["label"]) for row in sections["pack/judgements"]}
    assert ("predecessor's", "Northamptonshire County Council") in judged
    assert not [row for row in sections["pack/judgements"] if row["whose"] == "own" and row["grade"]]
    cited = {iri for section in found["sections"] for row in section["rows"] for iri in row["source"]}
    assert cited
    assert cited == {row["source"] for row in found["sources"]}


def test_the_pack_as_markdown_numbers_its_sources(run: Run, world_root: Path, tmp_path: Path) -> None:
    path = tmp_path / "pack.md"
    assert run("pack", "BCP", "-o", path, "--root", world_root).code == 0
    text = path.read_text()
    assert text.startswith("# Inheritance pack: Bournemouth, Christchurch and Poole Council\n")
    body, _, sources = text.partition("\n## Sources\n")
    listed = {int(n) for n in re.findall(r"^(\d+)\. ", sources, re.MULTILINE)}
    used = {int(n) for n in re.findall(r"\[(\d+)\](?!\()", body)}
    assert used == listed == set(range(1, len(listed) + 1))
    assert "2018/648" in sources


def test_a_pack_that_cannot_be_written(run: Run, world_root: Path, tmp_path: Path) -> None:
    answer = run("pack", "BCP", "-o", tmp_path / "no" / "pack.md", "--root", world_root)
    assert answer.code == 3
    assert "cannot be written" in answer.err


def test_the_pack_of_a_proposed_council(run: Run) -> None:
    """Norfolk's councils are proposals: their packs say that no area and no article is stated."""
    answer = run("pack", "west-norfolk-council", "--scenario", "proposals-2028")
    assert answer.code == 0
    assert "This is a view: scenario proposals-2028." in answer.out
    assert "Norfolk County Council" in answer.out
    assert "area not stated" in answer.out
    alone = run("pack", "west-norfolk-council")
    assert alone.code == 2
    assert "is no body that the graph knows" in alone.err
