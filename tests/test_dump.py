"""Dumps: the same bytes from the same tables anywhere, strict Turtle, all that the store says, whole or not at all."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, RdfFormat, parse

from conftest import ROOT, WORLD, Result, rooms_with
from councilgraph import bundle, dataset, dump, publish
from councilgraph.concepts import TABLES
from councilgraph.errors import CouncilgraphError
from test_build import shuffle

Run = Callable[..., Result]
FILES = {
    "councilgraph.ttl",
    "councilgraph.nt.gz",
    "councilgraph.jsonld",
    "ontology.ttl",
    "shapes.ttl",
    "queries.ttl",
    "void.ttl",
    "RDFC-1.0.sha256",
    "SHA256SUMS",
    "tables/csv-metadata.json",
    *(f"tables/{name}" for name in TABLES),
}


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_dump_has_its_files_and_no_other(world_dump: Path) -> None:
    assert set(contents(world_dump)) == FILES


def test_two_processes_give_the_same_sums(world_dump: Path, tmp_path: Path) -> None:
    """From another clone, its rows in another order, with another hash seed, locale, time zone and umask."""
    clone = rooms_with(WORLD / "data", tmp_path / "other clone")
    shuffle(clone / "data", random.Random(2019))
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "LC_ALL": "C", "TZ": "Pacific/Auckland"}
    command = [sys.executable, "-m", "councilgraph", "dump", "out", "--root", str(clone)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, env=environment, umask=0o077)
    assert (tmp_path / "out/SHA256SUMS").read_bytes() == (world_dump / "SHA256SUMS").read_bytes()
    assert contents(tmp_path / "out") == contents(world_dump)


def test_a_dump_says_what_the_store_says(world_dump: Path, world_graph: dataset.Graph) -> None:
    said = set(dataset.triples(world_graph.store))
    named = world_graph.store.named_graphs()
    assert {graph.value for graph in named} == {dataset.DERIVED.value}, (
        "a scenario is apart, and the world has none"
    )
    derived = {q.triple for q in world_graph.store.quads_for_pattern(None, None, None, dataset.DERIVED)}
    assert derived < said, "what is derived is said in the graph too"
    packed = gzip.decompress((world_dump / "councilgraph.nt.gz").read_bytes())
    assert {q.triple for q in parse(packed, format=RdfFormat.N_TRIPLES)} == said
    for name, form in (("councilgraph.ttl", RdfFormat.TURTLE), ("councilgraph.jsonld", RdfFormat.JSON_LD)):
        assert {q.triple for q in parse(path=str(world_dump / name), format=form)} == said


@pytest.mark.parametrize("name", sorted(name for name in FILES if name.endswith(".ttl")))
def test_every_turtle_file_passes_the_strict_parser_and_has_no_blank_node(
    world_dump: Path, name: str
) -> None:
    quads = list(parse(path=str(world_dump / name), format=RdfFormat.TURTLE))
    assert quads
    assert not [q for q in quads if isinstance(q.subject, BlankNode) or isinstance(q.object, BlankNode)]


def test_the_parts_say_what_the_rooms_say(world_dump: Path) -> None:
    for room in ("ontology", "shapes"):
        said = {
            q.triple
            for path in (ROOT / room).glob("*.ttl")
            for q in parse(path=str(path), format=RdfFormat.TURTLE)
        }
        assert {
            q.triple for q in parse(path=str(world_dump / f"{room}.ttl"), format=RdfFormat.TURTLE)
        } == said
    queries = (world_dump / "queries.ttl").read_text()
    assert queries.count("a sh:Parameter") > 40
    assert queries.count("sh:SPARQLSelectExecutable") >= 40


def test_the_sums_are_those_of_the_files(world_dump: Path) -> None:
    listed = dump.sums((world_dump / "SHA256SUMS").read_text())
    assert set(listed) == FILES - {"SHA256SUMS"}
    for name, digest in listed.items():
        assert hashlib.sha256((world_dump / name).read_bytes()).hexdigest() == digest


def test_the_hash_is_that_of_the_canonical_nquads(world_dump: Path) -> None:
    canonical = Dataset(parse(path=str(world_dump / "councilgraph.ttl"), format=RdfFormat.TURTLE))
    canonical.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    lines = sorted(f"{quad.subject} {quad.predicate} {quad.object} .\n" for quad in canonical)
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert (world_dump / "RDFC-1.0.sha256").read_text() == f"{expected}  councilgraph.nt\n"
    # so `gunzip` and `sha256sum -c` check it without us
    assert (
        hashlib.sha256(gzip.decompress((world_dump / "councilgraph.nt.gz").read_bytes())).hexdigest()
        == expected
    )


def test_the_turtle_is_grouped_by_concept_with_headings_and_labels(world_dump: Path) -> None:
    text = (world_dump / "councilgraph.ttl").read_text()
    headings = re.findall(r"^# (\w+\.csv): ", text, re.MULTILINE)
    assert headings == [name for name in TABLES if name != "expectations.csv"]
    holdings = text[text.index("\n# holdings.csv") : text.index("\n# instruments.csv")]
    assert set(re.findall(r"^([a-z-]+):\S+$", holdings, re.MULTILINE)) == {"holding"}
    order = "source:uksi-2018-648 [,;.]  # Bournemouth, Dorset and Poole (Structural Changes) Order 2018"
    assert re.search(re.escape(order).replace(r"\[,;\.\]", "[,;.]"), holdings)
    assert "source:ofsted-torbay-sif-2016-01-05 ;  #" not in text  # it says itself what it is


def edited(root: Path, table: str, old: str, new: str) -> None:
    path = root / "data" / table
    text = path.read_text()
    assert text.count(old) == 1, f"{old} stands {text.count(old)} times in {table}"
    path.write_text(text.replace(old, new))


def test_a_change_of_one_fact_is_a_change_of_two_lines(root: Path, world_dump: Path) -> None:
    inspection = "torbay-council-safeguarding-and-looked-after-2010-09"
    topic = f"{inspection},looked-after-children"
    edited(root, "judgements.csv", f"{topic},adequate", f"{topic},good")
    triples = list(dataset.triples(dataset.assemble(bundle.rooms(root)).store))
    written = {"councilgraph.ttl": dump.readable(triples), "councilgraph.jsonld": publish.jsonld(triples)}
    for name, most in (
        ("councilgraph.ttl", 2),
        ("councilgraph.jsonld", 1),
    ):  # the grade, and the label with it
        old, new = (world_dump / name).read_text().splitlines(), written[name].splitlines()
        assert len(old) == len(new)
        assert len([pair for pair in zip(old, new, strict=True) if pair[0] != pair[1]]) == most


def test_a_name_that_changes_changes_the_lines_that_it_stands_in(root: Path, world_dump: Path) -> None:
    edited(root, "people.csv", ",Jane Portman,", ",Jane A Portman,")
    new = dump.readable(list(dataset.triples(dataset.assemble(bundle.rooms(root)).store))).splitlines()
    old = (world_dump / "councilgraph.ttl").read_text().splitlines()
    changed = [line for before, line in zip(old, new, strict=True) if before != line]
    assert 1 <= len(changed) <= 4
    assert all("jane a portman" in line.lower() for line in changed)


def test_the_version_before_and_the_addresses_are_those_given(
    root: Path, run: Run, tmp_path: Path, world_dump: Path
) -> None:
    edited(root, "people.csv", ",Jane Portman,", ",Jane A Portman,")
    out = tmp_path / "out"
    for options, why in (
        (("--previous", tmp_path), "holds no void.ttl"),
        (("--url", "https://example.org/open data"), "is not the address of a folder"),
    ):
        answer = run("dump", out, "--root", root, *options)
        assert answer.code == 2
        assert why in answer.err
        assert not out.exists()
    where = ("--root", root, "--url", "https://example.org/data")
    assert run("dump", out, *where, "--previous", world_dump).code == 0
    now, before = dump.version(out)
    assert [before] == dump.version(world_dump)
    assert now != before
    assert "dcat:downloadURL <https://example.org/data/councilgraph.ttl>" in (out / "void.ttl").read_text()
    first = contents(out)
    assert run("dump", out, *where, "--previous", out).code == 0  # the same version: the same one before it
    assert contents(out) == first


def test_a_dump_is_of_the_tables_as_they_are_or_not_at_all(root: Path, run: Run, tmp_path: Path) -> None:
    dataset.build(bundle.rooms(root), lambda _graph, _rooms: [])
    edited(root, "people.csv", ",Jane Portman,", ",,")
    answer = run("dump", tmp_path / "d", "--root", root)
    assert answer.code == 1
    assert "data/people.csv" in answer.out
    assert not (tmp_path / "d").exists()


def test_what_no_dump_wrote_stays_and_what_one_wrote_and_is_no_more_goes(
    world_dump: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "public"
    shutil.copytree(world_dump, folder)
    (folder / "index.html").write_text("ours")
    (folder / "tables/wards.csv").write_text("iri\n")
    for left in (
        ".dump-999999999",
        f"tables/.dump-{os.getpid()}",
    ):  # what killed processes left; in a container the next has their number
        (folder / left).mkdir()
    outside = tmp_path / "outside"
    outside.write_text("x")
    digest = hashlib.sha256(b"iri\n").hexdigest()
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{digest}  tables/wards.csv\n")
    dump.write(contents(world_dump), folder)
    assert set(contents(folder)) == FILES | {"index.html"}
    assert not list(folder.rglob(".dump-*"))
    (folder / "SHA256SUMS").write_text(f"{digest}  ../outside\n")
    dump.write(contents(world_dump), folder)
    assert outside.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path, world_root: Path, run: Run) -> None:
    (tmp_path / "file").write_text("")
    answer = run("dump", tmp_path / "file" / "d", "--root", world_root)
    assert answer.code == 3
    assert "cannot be written (Not a directory). Free some space, or name another folder.\n" in answer.err


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no /dev/shm to be another disk")  # noqa: S108 — a disk, not a name
def test_tables_on_another_disk(tmp_path: Path) -> None:
    """A file cannot be moved from one disk to another: half of them would have been."""
    with TemporaryDirectory(dir="/dev/shm") as disk:
        (tmp_path / "tables").symlink_to(disk)
        dump.write({"a": b"1", "tables/b": b"1", "SHA256SUMS": b""}, tmp_path)
        assert contents(Path(disk)) == {"b": b"1"}


def test_a_file_that_the_strict_parser_would_not_take(world_graph: dataset.Graph) -> None:
    triples = list(dataset.triples(world_graph.store))[:9]
    for text, why in (("@prefix x <", "would not be Turtle"), ("", "would not say what the graph says")):
        with pytest.raises(CouncilgraphError, match=f"shapes.ttl: {why}.*Report this"):
            dump._checked("shapes.ttl", text, triples)


def test_a_folder_in_the_place_of_a_file(tmp_path: Path) -> None:
    dump.write({"a": b"1", "b": b"1"}, tmp_path)
    (tmp_path / "b").unlink()
    (tmp_path / "b").mkdir()
    with pytest.raises(CouncilgraphError, match="is a folder"):
        dump.write({"a": b"2", "b": b"2"}, tmp_path)
    assert (tmp_path / "a").read_bytes() == b"1"
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_a_full_disk_leaves_the_old_folder(world_dump: Path, tmp_path: Path) -> None:
    """A limit on the size of a file stands for the disk: writing fails half-way through a file."""
    folder = tmp_path / "d"
    shutil.copytree(world_dump, folder)
    code = (
        "import resource, signal, sys; from pathlib import Path; from councilgraph import dump, errors\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "files = {'RDFC-1.0.sha256': b'new', 'councilgraph.ttl': b'x' * 200_000, 'SHA256SUMS': b'new'}\n"
        "try: dump.write(files, Path(sys.argv[1]))\n"
        "except errors.CouncilgraphError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    assert "cannot be written (File too large). Free some space" in done.stdout
    assert contents(folder) == contents(world_dump)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_kill_while_writing_leaves_the_old_folder(world_dump: Path, tmp_path: Path, after: int) -> None:
    folder = tmp_path / "d"
    shutil.copytree(world_dump, folder)
    code = (
        "import os, sys, time; from pathlib import Path; from councilgraph import dump\n"
        "sync, left = os.fsync, [int(sys.argv[2])]\n"
        "def slow(file):\n"
        "    sync(file)\n"
        "    if not left[0]: print('now', flush=True); time.sleep(60)\n"
        "    left[0] -= 1\n"
        "os.fsync = slow\n"
        "dump.write({name: b'new' for name in ('councilgraph.ttl', 'void.ttl', 'queries.ttl', 'SHA256SUMS')}, Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder), str(after)], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline() == b"now\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    stage = f".dump-{process.pid}/"
    assert {n: c for n, c in contents(folder).items() if not n.startswith(stage)} == contents(world_dump)
    dump.write({"SHA256SUMS": (world_dump / "SHA256SUMS").read_bytes()}, folder)
    assert not list(folder.glob(".dump-*"))


def test_the_sums_take_their_place_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[str] = []
    replace = Path.replace

    def told(self: Path, target: Path) -> Path:
        moved.append(target.name)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", told)
    dump.write({"a": b"", "tables/b": b"", "SHA256SUMS": b""}, tmp_path)
    assert moved == ["a", "b", "SHA256SUMS"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.nt.gz", b"\x1f\x8b no gzip", "cannot be read"),
        ("x.nt.gz", gzip.compress(b"<a> <b> <c> ."), "is not N-Triples"),
        ("x.nt.gz", gzip.compress(b" " * 50_000_000), "unpacks to more than"),
        ("x.nt.gz", gzip.compress(b"# a comment" * 50)[:-9], "cannot be read"),
        ("x.ttl", b"<http://x/a> <http://x/b> [] .", "has a blank node"),
        ("x.ttl", b"\xff", "is not Turtle"),
        ("x.jsonld", b'{"@context": "http://127.0.0.1:9/c", "@id": "a:b", "c": "d"}', "is not JSON-LD"),
        ("x.jsonld", b"{", "is not JSON-LD"),
    ],
)
def test_files_that_are_not_what_they_say(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    start = time.monotonic()
    with pytest.raises(CouncilgraphError, match=why):
        dump.read(tmp_path / name)
    assert time.monotonic() - start < 5
