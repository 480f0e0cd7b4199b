"""What a publication says beside what the tables say: new, agreeing, differing, or not to be placed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from councilgraph.importers.world import World
from councilgraph.iris import slugify

#: The property of the ontology that a claim about a column is about.
PROPERTIES = {
    "from": "fromText",
    "first_day": "fromText",
    "until": "untilText",
    "last_day": "lastDayText",
    "published": "publishedText",
    "grade": "awards",
    "kind": "hasInspectionKind",
    "lead": "isLedBy",
    "name": "name",
}
#: What the overview lists for an item, in this order.
COLUMNS = ("status", "table", "record", "column", "ours", "theirs", "cause", "where")


@dataclass(frozen=True)
class Item:
    """One statement of a publication: about which record and column, what we say, what it says, and why.

    `record` is `kind/key`. `cause` is the likely cause of a difference, or why something is not placed.
    `claim` is the claim that records a difference already. `value` and `stance` are what a claim would
    say of it.
    """

    status: str
    table: str
    record: str
    column: str
    ours: str
    theirs: str
    cause: str
    where: str
    claim: str = ""
    value: str = ""
    stance: str = ""
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()  # new: tables' files and the cells to add


@dataclass
class Comparison:
    """All that a publication says, compared; nothing is written by comparing."""

    kind: str
    path: Path
    source: dict[str, str]  # the publication's row of sources.csv
    new: list[Item] = field(default_factory=list)
    agrees: list[Item] = field(default_factory=list)
    differs: list[Item] = field(default_factory=list)
    unplaced: list[Item] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)  # rows that are not about councils here, by reason
    placed: int = 0  # rows whose body was found
    read: int = 0  # rows of the publication

    @property
    def unrecorded(self) -> list[Item]:
        """The differences that no claim records."""
        return [item for item in self.differs if not item.claim]

    def counts(self) -> dict[str, int]:
        """How many items there are of each status, and how many rows were read, placed and skipped."""
        return {
            "rows": self.read,
            "placed": self.placed,
            "new": len(self.new),
            "agrees": len(self.agrees),
            "differs": len(self.differs),
            "unrecorded": len(self.unrecorded),
            "unplaced": len(self.unplaced),
            "skipped": sum(self.skipped.values()),
        }


class Draft:
    """A comparison in the making."""

    def __init__(self, kind: str, path: Path, world: World, source: dict[str, str]) -> None:
        self.made = Comparison(kind, path, source)
        self.world = world
        self.seen: dict[tuple[str, str, str], int] = {}
        self.added: set[tuple[str, str]] = set()
        self.keys: dict[str, object] = {}  # keys given to records that are new, and to which statement
        self.recorded: dict[tuple[str, str, str], str] = {}
        for key, cells in world.claims():
            self.recorded.setdefault((cells["subject"], cells["property"], fold(cells["value"])), key)

    def agrees(self, record: str, column: str, ours: str, theirs: str, where: str, cause: str = "") -> None:
        """Both say the same."""
        self.made.agrees.append(Item("agrees", table_of(record), record, column, ours, theirs, cause, where))

    def differs(
        self,
        record: str,
        column: str,
        ours: str,
        theirs: str,
        cause: str,
        where: str,
        *,
        finding: str = "",
        stance: str = "",
    ) -> None:
        """They say something else; `finding` says it in a sentence where no property of the record can."""
        property_ = "finding" if finding else PROPERTIES[column]
        value = finding or theirs
        stance = stance or ("disputes" if ours else "asserts")
        key = (record, property_, fold(value))
        if key in self.seen:
            return
        claim = self.recorded.get(key, "")
        self.seen[key] = len(self.made.differs)
        item = Item(
            "differs", table_of(record), record, column, ours, theirs, cause, where, claim, value, stance
        )
        self.made.differs.append(item)

    def new(
        self, record: str, theirs: str, where: str, rows: list[tuple[str, dict[str, str]]], cause: str = ""
    ) -> None:
        """They say something that the tables do not hold; `rows` would say it."""
        column = rows[0][0]
        if (record, column) in self.added:
            return
        self.added.add((record, column))
        cells = tuple((file, tuple(found.items())) for file, found in rows)
        item = Item("new", table_of(record), record, "", "", theirs, cause, where, rows=cells)
        self.made.new.append(item)

    def unplaced(self, what: str, column: str, theirs: str, cause: str, where: str) -> None:
        """What they say cannot be said of any record."""
        self.made.unplaced.append(Item("unplaced", "", what, column, "", theirs, cause, where))


def summary(comparison: Comparison) -> list[tuple[str, ...]]:
    """The comparison as rows of text, in the order of `COLUMNS`: what needs a person first."""
    found = [*comparison.new, *comparison.differs, *comparison.unplaced, *comparison.agrees]
    rows = [_row(item) for item in found]
    rows += [
        ("skipped", "", "", "", "", str(count), reason, "")
        for reason, count in sorted(comparison.skipped.items())
    ]
    return rows


def claim_of(item: Item, source: str) -> dict[str, str]:
    """The claim that records a difference; its key is `claim`, and says whose claim it is of what."""
    kind, _, key = item.record.partition("/")
    words = [source, *([] if kind in ("inspection", "body") else [kind]), key, item.column, item.value[:60]]
    disputes = item.stance == "disputes"
    return {
        "claim": slugify(" ".join(words)),
        "subject": item.record,
        "property": "finding" if item.value != item.theirs else PROPERTIES.get(item.column, "finding"),
        "value": item.value,
        "stance": item.stance,
        "preferred": "no" if disputes else "yes",
        "reason": _sentence(item.cause),
        "source": source,
        "note": f"At {item.where}.",
    }


def table_of(record: str) -> str:
    """The stem of the table of a record, as people know it."""
    kind = record.partition("/")[0].replace("-", "_")
    return kind.removesuffix("y") + "ies" if kind.endswith("y") else f"{kind}s"


def _row(item: Item) -> tuple[str, ...]:
    cause = f"{item.cause} (recorded by claim {item.claim})".strip() if item.claim else item.cause
    return item.status, item.table, item.record, item.column, item.ours, item.theirs, cause, item.where


def fold(text: str) -> str:
    """A value as claims are compared by: `requires-improvement` is `Requires improvement`."""
    return " ".join(text.casefold().replace("-", " ").split())


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}" if text else ""
