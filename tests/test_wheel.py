"""From an installed wheel, in an empty directory, without a checkout, the commands work."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conftest import ROOT
from test_dump import FILES


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    return next(folder.glob("councilgraph-*.whl"))


def test_the_wheel_carries_the_rooms(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for room in ("ontology", "shapes", "queries", "data"):
        for path in (ROOT / room).rglob("*.*"):
            if path.is_file():
                assert f"councilgraph/_bundle/{path.relative_to(ROOT).as_posix()}" in names
    assert {f"councilgraph/page/{name}" for name in ("index.html", "page.css", "page.js")} <= names
    assert {name.partition("/")[0] for name in names if not name.startswith("councilgraph-")} == {
        "councilgraph"
    }


def test_commands_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "councilgraph", *words]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=empty, env=environment, check=False
        )

    first = ask("who", "christchurch", "--on", "2019-03-31", "--format", "csv")
    assert first.returncode == 0, first.stderr
    assert "Dorset County Council" in first.stdout
    assert ask("query").returncode == 0
    assert ask("lineage", "BCP", "--format", "csv").stdout.count("\n") > 4
    assert ask("check").returncode == 0
    assert ask("dump", "out").returncode == 0
    made = {p.relative_to(empty / "out").as_posix() for p in (empty / "out").rglob("*") if p.is_file()}
    assert made == FILES
    assert ask("sparql", "ASK { body:torbay-council a cg:Authority }").stdout == "true\n"
    assert not (site / "councilgraph" / "_bundle" / ".councilgraph").exists()
    assert (tmp_path / "cache" / "councilgraph").exists()
