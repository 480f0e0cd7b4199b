"""Where the rooms are: in a checkout, in a wheel, or where `--root` points; and whether they changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from councilgraph.errors import UsageError

PACKAGE = Path(__file__).parent
ROOMS = ("ontology", "shapes", "queries", "data")
#: The modules that say what a store holds; the others only read it.
_BUILDERS = ("dataset", "dates", "iris", "namespaces", "suspects", "tables", "validation")


@dataclass(frozen=True)
class Rooms:
    """A root and its rooms: `ontology/`, `shapes/`, `queries/`, `data/`."""

    root: Path

    @property
    def ontology(self) -> Path:
        """The ontology and the SKOS schemes."""
        return self.root / "ontology"

    @property
    def shapes(self) -> Path:
        """The SHACL shapes."""
        return self.root / "shapes"

    @property
    def queries(self) -> Path:
        """The canned queries."""
        return self.root / "queries"

    @property
    def data(self) -> Path:
        """The reviewed tables."""
        return self.root / "data"

    @property
    def home(self) -> Path:
        """Where the store is kept: in the root, or in the user's cache where that cannot be written to."""
        inside = self.root / ".councilgraph"
        if self.root != PACKAGE / "_bundle" and os.access(inside if inside.exists() else self.root, os.W_OK):
            return inside
        from platformdirs import user_cache_path

        return user_cache_path("councilgraph", appauthor=False) / _digest([str(self.root).encode()])[:16]

    def fingerprint(self) -> str:
        """A hash of all that a store is built from: a room that changed changes it."""
        files = [*self.data.rglob("*.csv"), *self.ontology.glob("*.ttl"), *self.shapes.glob("*.ttl")]
        files += [
            *(self.queries / "derive").glob("*.rq"),
            *(PACKAGE / f"{module}.py" for module in _BUILDERS),
            *PACKAGE.glob("concepts/*.py"),
        ]
        parts = (
            (path.as_posix().removeprefix(self.root.as_posix()).encode(), path.read_bytes())
            for path in sorted(files)
            if path.is_file()
        )
        return _digest(part for pair in parts for part in pair)[:32]


def rooms(root: Path | None = None) -> Rooms:
    """The rooms below `root`; without one, those of the checkout or wheel that this package is part of."""
    if root is None:
        checkout = PACKAGE.parent.parent
        root = checkout if all((checkout / room).is_dir() for room in ROOMS) else PACKAGE / "_bundle"
    missing = [room for room in ROOMS if not (root / room).is_dir()]
    if missing:
        raise UsageError(
            str(root),
            f"has no {' and no '.join(f'{room}/' for room in missing)}",
            "--root takes a folder that holds ontology/, shapes/, queries/ and data/.",
        )
    return Rooms(root.resolve())


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
