"""`diff` says in the words of the tables what changed, and whose answers changed with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import WORLD, Result, rooms_with
from councilgraph import dataset, differences, publish, render
from councilgraph.bundle import Rooms
from councilgraph.concepts import TABLES
from test_dump import edited

Run = Callable[..., Result]
COUNCIL = "west-devon-city-council"


def _added(root: Path, table: str, **cells: str) -> None:
    path = root / "data" / table
    columns = path.read_text().splitlines()[0].split(",")
    assert set(cells) <= set(columns)
    with path.open("a") as file:
        file.write(",".join(cells.get(name, "") for name in columns) + "\n")


@pytest.fixture(scope="module")
def changed_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature world with a grade, days, a person's name, a passage and a source changed, and a new council."""
    root = rooms_with(WORLD / "data", tmp_path_factory.mktemp("changed") / "root")
    inspection = "torbay-council-safeguarding-and-looked-after-2010-09"
    edited(
        root, "judgements.csv", f"{inspection},safeguarding,inadequate", f"{inspection},safeguarding,adequate"
    )
    edited(
        root,
        "judgements.csv",
        "borough-of-poole-sif-2017-09,leadership,,not-stated",
        "borough-of-poole-sif-2017-09,leadership,good,",
    )
    edited(root, "people.csv", ",Alison Botham,", ",Alison B Botham,")
    for table in ("bodies.csv", "names.csv"):
        edited(
            root,
            table,
            "\nwest-surrey-council,West Surrey Council,",
            "\nwest-surrey-council,West Surrey City Council,",
        )
    edited(root, "reorganisations.csv", ",in-force,,1986-04-01,", ",in-force,,1986-04-02,")
    edited(
        root,
        "holdings.csv",
        "torbay-council,upper-tier,torbay,accountable,,1998-04-01,ongoing,,uksi-1996-1865#article-3",
        "torbay-council,upper-tier,torbay,accountable,,1998-04-02,ongoing,,uksi-1996-1865#article-4",
    )
    edited(
        root,
        "interventions.csv",
        ",2016-05-09..2016-05-13,2017-10,2016-05-13,",
        ",2016-05-10..2016-05-13,2017-10,2016-05-13,",
    )
    gone = (root / "data/claims.csv").read_text().splitlines(keepends=True)[-1]
    edited(root, "claims.csv", gone, "")
    source = "uksi-2018-648"
    _added(
        root,
        "bodies.csv",
        body=COUNCIL,
        name="West Devon City Council",
        kind="authority",
        **{"from": "2019-04-01"},
        until="ongoing",
        source=source,
    )
    _added(
        root,
        "names.csv",
        body=COUNCIL,
        name="West Devon City Council",
        kind="legal",
        **{"from": "2019-04-01"},
        until="ongoing",
        source=source,
    )
    _added(
        root,
        "holdings.csv",
        body=COUNCIL,
        function="childrens-services",
        area="plymouth",
        capacity="shadow",
        **{"from": "2019-04-01"},
        until="ongoing",
        source=source,
    )
    return root


@pytest.fixture(scope="module")
def found(world_dump: Path, changed_root: Path, world_rooms: Rooms) -> differences.Differences:
    return differences.differences(world_dump, changed_root, world_rooms)


def _of(found: differences.Differences, change: str, kind: str) -> list[tuple[str, str, str, str, str]]:
    return [
        (d.record, d.label, d.what, d.was, d.now)
        for d in found.records
        if (d.change, d.kind) == (change, kind)
    ]


def test_a_grade(found: differences.Differences) -> None:
    changed = {(record.rpartition(":")[2], *rest) for record, _, *rest in _of(found, "changed", "judgement")}
    assert changed == {
        (
            "torbay-council-safeguarding-and-looked-after-2010-09.safeguarding",
            "grade",
            "inadequate",
            "adequate",
        ),
        ("borough-of-poole-sif-2017-09.leadership", "grade", "", "good"),
        ("borough-of-poole-sif-2017-09.leadership", "reason", "not stated", ""),
    }
    labels = {label for _, label, *_ in _of(found, "changed", "judgement")}
    assert any(label.startswith("safeguarding: adequate (Torbay Council, ") for label in labels)


def test_a_day(found: differences.Differences) -> None:
    ((record, label, what, was, now),) = _of(found, "changed", "intervention")
    assert (record, label) == (
        "intervention:torbay-direction-2016",
        "Statutory direction to Torbay Council, 2016",
    )
    assert what == "from"
    assert (was, now) == ("2016-05-09..2016-05-13", "2016-05-10..2016-05-13")


def test_a_day_that_is_part_of_a_record_s_name_and_its_source_s_article(
    found: differences.Differences,
) -> None:
    assert {tuple(rest) for _, _, *rest in _of(found, "changed", "holding")} == {
        ("from", "1998-04-01", "1998-04-02"),
        (
            "source",
            "Devon (City of Plymouth and Borough of Torbay) (Structural Change) Order 1996 (SI 1996/1865), article 3",
            "Devon (City of Plymouth and Borough of Torbay) (Structural Change) Order 1996 (SI 1996/1865), article 4",
        ),
    }
    assert not _of(found, "gone", "holding")


def test_a_vesting_day(found: differences.Differences) -> None:
    label = "Abolition of the Greater London Council and the metropolitan county councils, 1986"
    assert _of(found, "changed", "reorganisation") == [
        ("reorganisation:metropolitan-councils-1986", label, "vests", "1986-04-01", "1986-04-02")
    ]


def test_a_name_that_is_part_of_a_record_s_name(found: differences.Differences) -> None:
    now = "West Surrey City Council"
    changed = ("name", "West Surrey Council", now)
    assert _of(found, "changed", "body") == [("body:west-surrey-council", now, *changed)]
    ((_, label, *rest),) = _of(found, "changed", "name")
    assert (label, *rest) == (f"{now} (legal name)", *changed)
    assert not _of(found, "gone", "name")


def test_a_name_counts_where_it_is_written(found: differences.Differences) -> None:
    assert _of(found, "changed", "person") == [
        ("person:alison-botham", "Alison B Botham", "name", "Alison Botham", "Alison B Botham")
    ]
    assert not _of(found, "changed", "tenure")
    assert ("", "", "label", "2", "2") in _of(found, "follows", "tenure")


def test_a_new_council(found: differences.Differences) -> None:
    assert [row[:2] for row in _of(found, "new", "body")] == [(f"body:{COUNCIL}", "West Devon City Council")]
    assert [label for _, label, *_ in _of(found, "new", "name")] == ["West Devon City Council (legal name)"]
    assert [label for _, label, *_ in _of(found, "new", "holding")] == [
        "West Devon City Council, shadow for children's services in Plymouth"
    ]
    assert len(_of(found, "gone", "claim")) == 1


def test_what_follows_is_counted_and_comes_last(found: differences.Differences) -> None:
    changes = [d.change for d in found.records]
    assert changes == sorted(changes, key="follows".__eq__)
    kinds = [d.kind for d in found.records if d.change != "follows"]
    assert kinds == sorted(kinds, key=[table.KIND for table in TABLES.values()].index)


def test_answers_that_changed(found: differences.Differences) -> None:
    answers = {(a.change.query.name, *a.words.values()): a.change for a in found.answers}
    assert all(change.lost or change.gained for change in answers.values())
    history = answers["inspection/history", "torbay-council"]
    assert (len(history.lost), len(history.gained)) == (1, 1)
    assert ("authority/about", COUNCIL) in answers
    assert not answers["authority/about", COUNCIL].lost


def test_forms(found: differences.Differences) -> None:
    document: dict[str, Any] = json.loads(render.differences(found, "json", False))
    assert len(document["records"]) == len(found.records)
    assert {"query", "asked", "went", "came", "question"} == set(document["answers"][0])
    lines = render.differences(found, "csv", False).splitlines()
    assert lines[0] == "change,kind,record,label,what,was,is"
    assert "answer,query,inspection/history,--authority torbay-council,rows,1,1" in lines
    assert len(lines) == 1 + len(found.records) + len(found.answers)
    text = render.differences(found, "markdown", False)
    assert f"Records: {len(found.records)} differences" in text
    assert "inadequate" in text
    assert "\x1b[1m" in render.differences(found, "table", True)


def test_the_form_that_people_read(found: differences.Differences) -> None:
    lines = render.differences(found, "table", False).splitlines()
    records = {d.record for d in found.records if d.change != "follows"}
    assert lines[0] == f"Records: {len(records)} new, gone or changed"
    place = lines.index(
        "  changed: Statutory direction to Torbay Council, 2016 (intervention:torbay-direction-2016)"
    )
    assert lines[place - 1] == "intervention"
    assert lines[place + 1] == "    from: 2016-05-09..2016-05-13 → 2016-05-10..2016-05-13"
    assert f"  new: West Devon City Council (body:{COUNCIL})" in lines
    assert "    grade: (blank) → good" in lines
    place = lines.index("inspection/history: Inspection history")
    assert "  --authority torbay-council: 1 row gone, 1 new" in lines[place:]
    assert lines.index("What follows from them") < lines.index(f"Answers: {len(found.answers)} changed")


def test_codes(run: Run, world_dump: Path, world_root: Path, tmp_path: Path) -> None:
    same = run(
        "diff", world_dump / "councilgraph.nt.gz", world_dump / "councilgraph.ttl", "--root", world_root
    )
    assert (same.code, same.out) == (0, "The two say the same.\n")
    assert (
        run("diff", world_dump, world_dump, "--format", "json").out
        == '{\n "records": [],\n "answers": []\n}\n'
    )
    (tmp_path / "x.ttl").write_text("@prefix x <")
    (tmp_path / "y.csv").write_text("")
    for old, code, why in (
        (tmp_path / "nowhere", 2, "is not there"),
        (tmp_path, 2, "is neither a dump, nor an RDF file, nor a root"),
        (tmp_path / "y.csv", 2, "is neither a dump"),
        (tmp_path / "x.ttl", 3, "is not Turtle"),
    ):
        answer = run("diff", old, world_dump)
        assert answer.code == code
        assert why in answer.err
        assert answer.out == ""


def test_files_of_facts_alone_are_asked_with_the_ontology(
    world_graph: dataset.Graph, world_rooms: Rooms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "_MOST", 1)  # the things touched that are asked about: it takes time
    known = {quad.triple for quad in dataset.vocabulary(world_rooms)[0]}
    facts = [t for t in dataset.triples(world_graph.store) if t not in known]
    grade = next(t for t in facts if t.predicate.value.endswith("#awards") and "torbay" in str(t.subject))
    (tmp_path / "old.nt").write_bytes(publish.ntriples(facts))
    (tmp_path / "new.ttl").write_text(publish.turtle(t for t in facts if t != grade))
    found = differences.differences(tmp_path / "old.nt", tmp_path / "new.ttl", world_rooms)
    assert [(d.change, d.kind, d.what, d.now) for d in found.records] == [
        ("changed", "judgement", "grade", "")
    ]
    assert found.records[0].was
    assert found.answers


def test_a_literal_written_otherwise_is_a_difference(tmp_path: Path, world_rooms: Rooms) -> None:
    for name, number in (("old.nt", "01"), ("new.nt", "1")):
        (tmp_path / name).write_text(
            f'<http://x/a> <http://x/b> "{number}"^^<http://www.w3.org/2001/XMLSchema#integer> .\n'
        )
    found = differences.differences(tmp_path / "old.nt", tmp_path / "new.nt", world_rooms)
    assert [(d.change, d.what, d.was, d.now) for d in found.records] == [("changed", "http://x/b", "01", "1")]
