"""`verify` names every fault that a dump can have, and finds none where there is none."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse

from conftest import Result
from councilgraph import dump, publish, verify

Run = Callable[..., Result]
Break = Callable[[Path], None]


@pytest.fixture
def folder(world_dump: Path, tmp_path: Path) -> Path:
    """A dump, for a test to break."""
    shutil.copytree(world_dump, tmp_path / "d")
    return tmp_path / "d"


def resum(folder: Path) -> None:
    """Make SHA256SUMS right again, as somebody would who meddles with a dump."""
    names = sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS"
    )
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


def edit(name: str, old: str, new: str) -> Break:
    def change(folder: Path) -> None:
        path = folder / name
        text = path.read_text()
        assert re.search(old, text), f"{old} is not in {name}"
        path.write_text(re.sub(old, new, text, count=1))

    return change


def remove(name: str) -> Break:
    return lambda folder: (folder / name).unlink()


def put(name: str, content: bytes) -> Break:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


def unpacked(change: Callable[[str], str]) -> Break:
    def rewrite(folder: Path) -> None:
        path = folder / "councilgraph.nt.gz"
        path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()).decode()).encode()))

    return rewrite


def without(predicate: str) -> Break:
    """Leave the first statement of a property out of all three syntaxes alike."""

    def change(folder: Path) -> None:
        lines = dump.read(folder / "councilgraph.nt.gz").splitlines(keepends=True)
        lines.remove(next(line for line in lines if line.split()[1].endswith(f"#{predicate}>".encode())))
        triples = [quad.triple for quad in parse(b"".join(lines), format=RdfFormat.N_TRIPLES)]
        (folder / "councilgraph.nt.gz").write_bytes(gzip.compress(publish.ntriples(triples)))
        (folder / "councilgraph.ttl").write_text(publish.turtle(triples))
        (folder / "councilgraph.jsonld").write_text(publish.jsonld(triples))

    return change


def test_a_dump_has_no_fault(world_dump: Path, run: Run, world_root: Path) -> None:
    answer = run("verify", world_dump, "--root", world_root)
    assert (answer.code, answer.out) == (0, "")
    canonical = (world_dump / "RDFC-1.0.sha256").read_text().split()[0]
    assert answer.err.endswith(f"triples, RDFC-1.0 {canonical}.\n")


#: What is done to a dump, whether its sums are made right again, and the rule, the file and the words of a finding.
FAULTS: dict[str, tuple[Break, bool, str, str, str]] = {
    "a file is missing": (remove("queries.ttl"), False, "missing", "queries.ttl", "is missing"),
    "a table is missing": (remove("tables/people.csv"), False, "missing", "tables/people.csv", "is missing"),
    "a needed file was never there": (remove("void.ttl"), True, "missing", "void.ttl", "is missing"),
    "no sums": (remove("SHA256SUMS"), False, "missing", "SHA256SUMS", "is missing"),
    "sums that are none": (put("SHA256SUMS", b"hello\n"), False, "changed", "SHA256SUMS", "line 1 is not a digest"),
    "sums of another folder": (
        put("SHA256SUMS", b"0" * 64 + b"  ../../etc/passwd\n"), False, "changed", "SHA256SUMS", "line 1 is not"
    ),
    "sums that are not text": (put("SHA256SUMS", b"\xff\xfe"), False, "changed", "SHA256SUMS", "is not text"),
    "a file has changed": (
        edit("shapes.ttl", "@prefix", "# \n@prefix"), False, "changed", "shapes.ttl", "its SHA-256 is another"
    ),
    "a file too many": (put("notes.txt", b"x"), False, "extra", "notes.txt", "is not listed in SHA256SUMS"),
    "Turtle that is none": (
        put("councilgraph.ttl", b"@prefix x <"), True, "syntax", "councilgraph.ttl", "is not Turtle"
    ),
    "N-Triples cut off": (
        lambda folder: put("councilgraph.nt.gz", (folder / "councilgraph.nt.gz").read_bytes()[:-99])(folder),
        True, "syntax", "councilgraph.nt.gz", "cannot be read",
    ),
    "N-Triples that unpack without end": (
        put("councilgraph.nt.gz", gzip.compress(b"\n" * 30_000_000)), True, "syntax", "councilgraph.nt.gz", "unpacks to"
    ),
    "a blank node": (
        edit("ontology.ttl", r"\Z", "\n<http://x/a> <http://x/b> [] .\n"), True, "syntax", "ontology.ttl", "has a blank node"
    ),
    "N-Triples say more": (
        unpacked(lambda text: text + '<http://x/a> <http://x/b> "c" .\n'),
        True, "syntaxes", "councilgraph.nt.gz", "says 1 triple that councilgraph.ttl does not, such as <http://x/a>",
    ),
    "JSON-LD says otherwise": (
        edit("councilgraph.jsonld", '"Torbay Council"', '"Torbai Council"'),
        True, "syntaxes", "councilgraph.jsonld", "does not say 1 triple that councilgraph.ttl does",
    ),
    "another hash": (
        edit("RDFC-1.0.sha256", "^.{8}", "00000000"), True, "hash", "RDFC-1.0.sha256", "is not the hash of the graph"
    ),
    "another version": (
        edit("void.ttl", "dcat:hasCurrentVersion dataset:version.", "dcat:hasCurrentVersion dataset:version.0"),
        True, "hash", "void.ttl", "does not name the version that the graph is",
    ),
    "another count": (
        edit("void.ttl", r"void:distinctSubjects (\d+)", r"void:distinctSubjects 1\1"),
        True, "counts", "void.ttl", "void:distinctSubjects of dataset is 1",
    ),
    "a class that is not counted": (
        edit("void.ttl", "dataset:class.cg.Trust ,", ""),
        True, "counts", "void.ttl", "dataset lacks void:classPartition dataset:class.cg.Trust",
    ),
    "a class that is not there": (
        edit("void.ttl", r"\Z", "\n<http://x/a> void:entities 7 .\n"),
        True, "counts", "void.ttl", "<http://x/a> counts what the graph does not have",
    ),
    "another size": (
        edit("void.ttl", r'dcat:byteSize "(\d+)"', r'dcat:byteSize "1\1"'),
        True, "distributions", "void.ttl", "another size or SHA-256 than it has",
    ),
    "a row too few": (
        edit("tables/people.csv", r"\n[^\n]*/alison-botham,[^\n]*", ""),
        True, "tables", "tables/people.csv", "lacks a row that the graph has: person:alison-botham",
    ),
    "a row too many": (
        edit("tables/people.csv", r"\Z", "https://w3id.org/councilgraph/id/person/nobody,nobody,Nobody,x,\n"),
        True, "tables", "tables/people.csv", "has a row of which the graph says nothing: person:nobody",
    ),
    "a table that is none": (
        put("tables/people.csv", b'iri\n"'), True, "tables", "tables/people.csv", "cannot be read"
    ),
    "a shape does not hold": (without("hasCapacity"), True, "Holding-hasCapacity", "", "capacity"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_named(
    folder: Path, run: Run, world_root: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, right_again, rule, file, why = FAULTS[fault]
    change(folder)
    if not fault.startswith("a shape"):  # they take the most time
        monkeypatch.setattr(verify, "_shaped", lambda *_: [])
    if right_again:
        resum(folder)
    answer = run("verify", folder, "--root", world_root, "--format", "json")
    assert answer.code == 1
    found = json.loads(answer.out)
    wanted = [each for each in found if each["file"] == file and why in each["why"]]
    assert wanted, found
    assert rule in {each["rule"].rpartition("#")[2] for each in wanted}
    if not right_again:  # then it is not the content's fault
        assert {each["rule"].rpartition("#")[2] for each in found} <= {
            "missing",
            "changed",
            "extra",
            "distributions",
        }
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("form", ["table", "csv", "junit", "sarif"])
def test_forms(folder: Path, run: Run, world_root: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_shaped", lambda *_: [])
    (folder / "councilgraph.nt.gz").unlink()
    answer = run("verify", folder, "--root", world_root, "--format", form)
    assert answer.code == 1
    assert "councilgraph.nt.gz" in answer.out
    assert "is missing" in answer.out


def test_what_is_no_dump(run: Run, tmp_path: Path) -> None:
    answer = run("verify", tmp_path / "nowhere")
    assert answer.code == 2
    assert "is no folder" in answer.err
    empty = run("verify", tmp_path, "--format", "csv")
    assert empty.code == 1
    assert {row["why"] for row in empty.rows()} == {"is missing"}
