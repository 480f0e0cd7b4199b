"""A build that is killed, or that fills the disk, leaves the old graph answering or the new one, never neither.

`COUNCILGRAPH_KILLS=100` kills a hundred builds instead of a dozen; with `COUNCILGRAPH_KILLS_OF=data` builds of
the national graph.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import ROOT, WORLD, Result, rooms_with
from councilgraph import bundle, dataset

Run = Callable[..., Result]
State = tuple[int, str]
KILLS = int(os.environ.get("COUNCILGRAPH_KILLS", "12"))
TABLES = WORLD / "data" if os.environ.get("COUNCILGRAPH_KILLS_OF", "world") == "world" else ROOT / "data"
NAMES = ("Dorset County Council,authority", "County Council of Dorset,authority")


@pytest.fixture
def killed_root(tmp_path: Path) -> Path:
    return rooms_with(TABLES, tmp_path / "root")


def test_a_build_killed_at_any_moment_leaves_one_graph_or_the_other(killed_root: Path) -> None:
    root, draw = killed_root, random.Random(1974)
    known, took = {}, float("inf")
    for name in NAMES:
        _rename(root, name)
        since = time.perf_counter()
        assert _start(root).wait() == 0
        took = min(took, time.perf_counter() - since)
        known[name] = _state(root)
    assert len(set(known.values())) == 2

    parts = [(n + draw.random()) / KILLS for n in range(KILLS)]  # of the whole duration
    draw.shuffle(parts)
    old, came = NAMES[1], {"old": 0, "new": 0, "ended first": 0}
    while parts and came["ended first"] <= KILLS:
        new = NAMES[0] if old == NAMES[1] else NAMES[1]
        _rename(root, new)
        process = _start(root)
        time.sleep(took * parts[-1])
        process.kill()
        ended = process.wait() == 0
        state = _state(root)
        assert state in ([known[new]] if ended else [known[old], known[new]]), f"killed after {parts[-1]:.1%}"
        assert len(list((root / ".councilgraph").iterdir())) <= 4, "`current`, three stores at most"
        came["ended first" if ended else "new" if state == known[new] else "old"] += 1
        old = new if state == known[new] else old
        if ended:  # builds take less time now: the same part again
            took *= parts[-1]
        else:
            parts.pop()
    print(f"builds of {known[old][0]:,} triples and {took:.2f} s killed: {came}")
    assert not parts, "builds take less and less time"
    assert came["old"]

    _rename(root, NAMES[0])
    assert _start(root).wait() == 0
    assert _state(root) == known[NAMES[0]]
    left = sorted(path.name.partition("-")[0] for path in (root / ".councilgraph").iterdir())
    assert set(left) == {"current", "store"}
    assert len(left) <= 4


# What the process does before it is killed by its own hand, one step of a build each.
STEPS = {
    "swept": "dataset._making = die",
    "made": "dataset._point = die",
    "named, not in use": "Path.replace = die",
    "in use": "replace = Path.replace; Path.replace = lambda *a: die(replace(*a))",
}
KILLED = """
import os, signal, sys
from pathlib import Path
from councilgraph import bundle, dataset
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
dataset.assemble = lambda rooms, progress: dataset.Graph(dataset.current(rooms)[0])
{step}
dataset.build(bundle.rooms(Path(sys.argv[1])), lambda graph, rooms: [])
"""


def test_a_build_killed_at_the_same_step_again_and_again_loses_nothing(root: Path) -> None:
    """Two that were killed once their store had its name made a third sweep the one in use away."""
    rooms = bundle.rooms(root)
    dataset.build(rooms, lambda _graph, _rooms: [])
    before = _state(root)
    for step in ("made", *3 * ["named, not in use"], "swept", "in use"):
        code = KILLED.format(step=STEPS[step])
        assert subprocess.run([sys.executable, "-c", code, root], check=False).returncode == -signal.SIGKILL
        assert _state(root) == before, step
        assert len(list((root / ".councilgraph").iterdir())) <= 4, step
    dataset.build(rooms, lambda _graph, _rooms: [])
    assert _state(root) == before
    assert not list((root / ".councilgraph").glob("making-*"))


def test_a_build_does_not_sweep_away_what_another_makes(root: Path) -> None:
    dataset.build(bundle.rooms(root), lambda _graph, _rooms: [])
    home = root / ".councilgraph"
    with dataset._making(home) as made:
        (home / "making-1-1").mkdir()
        (home / "store-0-1").mkdir()
        dataset._sweep(home)
        assert made.is_dir()
        assert not (home / "making-1-1").exists()
        assert (home / "store-0-1").exists(), "the one before is kept"
    assert not made.exists()


@pytest.fixture
def small_disk(root: Path) -> Iterator[Path]:
    """A disk of 24 MB for the store."""
    home = root / ".councilgraph"
    home.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", home], check=False, capture_output=True
        )
        if sys.platform == "linux"
        else None
    )
    if mounted is None or mounted.returncode:
        pytest.skip("a small disk cannot be mounted here: run it as root on Linux")
    try:
        yield home
    finally:
        subprocess.run(["umount", "-l", home], check=True)


def test_a_full_disk_is_one_clear_line_and_the_old_store_answers(
    root: Path, small_disk: Path, run: Run
) -> None:
    ask = ("who", "christchurch", "--on", "2019-03-31", "--format", "csv", "--root", root)
    before = run(*ask)
    assert before.code == 0
    left = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(bytes(left.f_bavail * left.f_frsize - 1_000_000))
    there = sorted(path.name for path in small_disk.iterdir())
    _rename(root, NAMES[1])
    failed = run("build", "--root", root)
    assert failed.code == 3
    assert failed.out == ""
    (line,) = [line for line in failed.err.splitlines() if line.startswith("councilgraph: ")]
    assert "No space left on device" in line
    assert line.endswith("Free some space or give yourself the right to write there.")
    assert sorted(path.name for path in small_disk.iterdir()) == there, "nothing is left behind"
    after = run(*ask)
    assert (after.code, after.out) == (0, before.out)
    assert "answering from the store built before" in after.err
    (small_disk / "ballast").unlink()
    again = run(*ask)
    assert (again.code, "County Council of Dorset" in again.out) == (0, True)


def _rename(root: Path, name: str) -> None:
    path = root / "data" / "bodies.csv"
    text = path.read_text()
    for other in NAMES:
        text = text.replace(other, name)
    path.write_text(text)


def _start(root: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "councilgraph", "build", "--root", str(root)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def _state(root: Path) -> State:
    """How many triples the store answers with, and their hash."""
    store, _ = dataset.current(bundle.rooms(root))
    assert store is not None, "no store answers"
    lines = sorted(
        f"{triple.subject} {triple.predicate} {triple.object} .\n" for triple in dataset.triples(store)
    )
    return len(lines), hashlib.sha256("".join(lines).encode()).hexdigest()
