"""CPU seconds of `councilgraph who` on a built store, beside `python -c pass`, in the same run."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

RUNS = 15
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "who --format csv": [sys.executable, "-m", "councilgraph", "who", "christchurch", "--format", "csv"],
    "who": [sys.executable, "-m", "councilgraph", "who", "christchurch"],
    "query": [sys.executable, "-m", "councilgraph", "query"],
}


def cpu(command: list[str]) -> float:
    """User and system seconds of one run."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    cpu(COMMANDS["who"])  # builds, if it must
    base = None
    for name, command in COMMANDS.items():
        seconds = median(cpu(command) for _ in range(RUNS))
        base = base or seconds
        print(f"{name:<18} {seconds:.3f} s CPU, {seconds - base:+.3f} s")
