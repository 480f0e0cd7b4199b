"""What the tests share: the miniature world, and a flag that writes expected results down."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from councilgraph import bundle, cli, dataset, dump, validation
from councilgraph.bundle import Rooms

ROOT = Path(__file__).parent.parent
WORLD = ROOT / "tests" / "world"
pytest_plugins = ["engines"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--approve", action="store_true", help="Write the results that tests compare with; review them."
    )


def rooms_with(data: Path, folder: Path) -> Path:
    """A root with the project's rooms and another folder's tables, all copies."""
    for room in ("ontology", "shapes", "queries"):
        shutil.copytree(ROOT / room, folder / room)
    shutil.copytree(data, folder / "data")
    return folder


@pytest.fixture(scope="session")
def world_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rooms_with(WORLD / "data", tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def world_rooms(world_root: Path) -> Rooms:
    return bundle.rooms(world_root)


@pytest.fixture(scope="session")
def world_graph(world_rooms: Rooms) -> dataset.Graph:
    return dataset.assemble(world_rooms)


@pytest.fixture(scope="session")
def world_dump(
    world_rooms: Rooms, world_graph: dataset.Graph, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A dump of the miniature world, to read and to copy."""
    folder = tmp_path_factory.mktemp("dump") / "world"
    dump.dump(world_graph.store, world_rooms, folder)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The miniature world, for a test to break."""
    return rooms_with(WORLD / "data", tmp_path / "root")


@pytest.fixture(scope="session", autouse=True)
def _built() -> None:
    """The project's own store is built before any command is judged by what it prints."""
    rooms = bundle.rooms(ROOT)
    if not dataset.current(rooms)[1]:
        dataset.build(rooms, validation.findings)


class Result:
    """What a command answered."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def rows(self) -> list[dict[str, str]]:
        import csv

        return list(csv.DictReader(self.out.splitlines()))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command as the shell would, in this process."""

    def call(*args: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["councilgraph", *map(str, args)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        code = end.value.code
        captured = capsys.readouterr()
        return Result(code if isinstance(code, int) else 1, captured.out, captured.err)

    return call
