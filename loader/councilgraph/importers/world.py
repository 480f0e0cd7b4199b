"""What the tables hold, as importers ask for it: who was there on a day, under which codes and names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from councilgraph import dataset, dates
from councilgraph.bundle import Rooms
from councilgraph.concepts import TABLES
from councilgraph.errors import FindingsError
from councilgraph.iris import slugify
from councilgraph.tables import Known, Row, key_of, read_rows

#: Functions whose accountable holder answers for children's services, and for a district's.
UPPER = frozenset({"principal", "upper-tier", "childrens-services", "childrens-social-care"})
LOWER = frozenset({"principal", "lower-tier"})


@dataclass(frozen=True)
class Span:
    """From a day until another, as well as each is known; `until` is None where no end is stated."""

    start: dates.Day | None
    until: dates.Day | None
    until_text: str = ""

    def covers(self, day: date) -> bool:
        """Whether it may have held on a day."""
        begun = not self.start or self.start.earliest <= day
        return begun and (not self.until or day < self.until.latest)


def span(cells: Mapping[str, str]) -> Span:
    """The span of a row's `from` and `until`."""
    until = cells["until"]
    end = None if until in ("ongoing", "unknown", "") else dates.parse(until)
    return Span(dates.parse(cells["from"]) if cells["from"] else None, end, until)


@dataclass(frozen=True)
class Place:
    """The body that a row of a publication speaks of, and how it was found; or why there is none."""

    body: str = ""
    why: str = ""


@dataclass(frozen=True)
class Name:
    """A name that a body bore."""

    body: str
    text: str
    kind: str
    span: Span


@contextmanager
def sound(rooms: Rooms) -> Iterator[None]:
    """Say what is wrong with the tables (FindingsError) where that is why the work inside failed."""
    try:
        yield
    except (KeyError, ValueError):
        dataset.read(rooms, dataset.vocabulary(rooms)[1])
        raise


class World:
    """The tables of a root, read once and indexed."""

    def __init__(self, rooms: Rooms) -> None:
        self.known: Known = dataset.vocabulary(rooms)[1]
        self.rows: dict[str, dict[str, Row]] = self.known.rows
        findings = []
        for table in TABLES.values():
            found, wrong = read_rows(rooms.data / table.FILE, table)
            findings += wrong
            self.rows[table.KIND] = {key_of(row): row for row in found}
        if findings:
            raise FindingsError(sorted(findings))
        self._days()

    def _days(self) -> None:
        self.spans = {key: span(row.cells) for key, row in self.rows["body"].items()}
        self.designations: dict[str, list[tuple[str, Mapping[str, str], Span]]] = {}
        self.areas: dict[str, set[str]] = {}  # area → bodies that ever had it
        for key, row in self.rows["designation"].items():
            self.designations.setdefault(row.cells["body"], []).append((key, row.cells, span(row.cells)))
            self.areas.setdefault(row.cells["area"], set()).add(row.cells["body"])
        self.codes: dict[tuple[str, str], list[tuple[str, str, Span]]] = {}  # → body, identifier, span
        self.bearers: dict[tuple[str, str], list[tuple[str, Span]]] = {}  # body, scheme → code, span
        for key, row in self.rows["identifier"].items():
            kind, _, subject = row.cells["subject"].partition("/")
            scheme, code, lasts = row.cells["scheme"], row.cells["code"], span(row.cells)
            for body in sorted([subject] if kind == "body" else self.areas.get(subject, ())):
                self.codes.setdefault((scheme, code), []).append((body, key, lasts))
                self.bearers.setdefault((body, scheme), []).append((code, lasts))
        self.names: dict[str, list[Name]] = {}
        self.called: dict[str, list[Name]] = {}
        for row in self.rows["name"].values():
            name = Name(row.cells["body"], row.cells["name"], row.cells["kind"], span(row.cells))
            self.names.setdefault(plain(name.text), []).append(name)
            self.called.setdefault(name.body, []).append(name)
        self.holdings: dict[str, list[tuple[str, str, Span]]] = {}  # body → function, atom, span
        self.held: dict[str, list[tuple[str, str, Span]]] = {}  # atom → body, function, span
        for row in self.rows["holding"].values():
            if row.cells["capacity"] == "accountable":
                body, function, lasts = row.cells["body"], row.cells["function"], span(row.cells)
                for atom in self.atoms(row.cells["area"]):
                    self.holdings.setdefault(body, []).append((function, atom, lasts))
                    self.held.setdefault(atom, []).append((body, function, lasts))

    def atoms(self, area: str) -> list[str]:
        """The atoms of an area."""
        row = self.rows["area"].get(area)
        return [part.strip() for part in (row.cells["atoms"] if row else "").split(";") if part.strip()] or [
            area
        ]

    def label(self, body: str) -> str:
        """What a body is called."""
        row = self.rows["body"].get(body)
        return row.cells["name"] if row else body

    def cell(self, kind: str, key: str, column: str) -> str:
        """A cell of a record, blank where there is no such record."""
        row = self.rows[kind].get(key)
        return row.cells.get(column, "") if row else ""

    def acts(self, body: str, day: date, functions: frozenset[str] = UPPER) -> bool:
        """Whether a body was accountable for one of some functions on a day."""
        return any(f in functions and s.covers(day) for f, _, s in self.holdings.get(body, ()))

    def acts_at_all(self, body: str, day: date) -> bool:
        """Whether a body was accountable for anything on a day."""
        return any(lasts.covers(day) for _, _, lasts in self.holdings.get(body, ()))

    def exists(self, body: str, day: date) -> bool:
        """Whether a body existed on a day."""
        found = self.spans.get(body)
        return bool(found and found.covers(day))

    def in_force(self, body: str, scheme: str, day: date) -> list[str]:
        """The codes of a body, or of its area, in a scheme on a day."""
        return sorted({code for code, lasts in self.bearers.get((body, scheme), ()) if lasts.covers(day)})

    def place(self, day: date, codes: Sequence[tuple[str, str]], name: str) -> Place:
        """The children's-services authority that a row of a day speaks of, whatever code its source prints.

        A code in force that day is followed first; then a code of another year, where its body was
        accountable that day; then the name borne that day.
        """
        known = [(scheme, code, self.codes.get((scheme, code), [])) for scheme, code in codes if code]
        for in_force in (True, False):
            for scheme, code, found in known:
                bodies = {
                    body
                    for body, _, lasts in found
                    if self.acts(body, day) and (lasts.covers(day) or not in_force)
                }
                if len(bodies) == 1:
                    return Place(
                        bodies.pop(), "" if in_force else f"the {scheme} code {code} is of another year"
                    )
        bodies = {n.body for n in self.names.get(plain(name), ()) if self.acts(n.body, day)}
        if len(bodies) == 1:
            codes_ = ", ".join(f"{scheme} code {code}" for scheme, code, _ in known) or "no code"
            return Place(bodies.pop(), f"placed by its name; the {codes_} is of another body or year")
        others = sorted({body for _, _, found in known for body, _, _ in found})
        others = others or sorted({n.body for n in self.names.get(plain(name), ())})
        if others:
            listed = ", ".join(f"{self.label(b)} ({self.lasted(b)})" for b in others[:3])
            return Place(why=f"body not existing that day: {listed}")
        listed = ", ".join(f"{scheme} {code}" for scheme, code in codes if code)
        return Place(why=f"unknown code: {listed or 'none'}, and no council called {name or 'so'} that day")

    def lasted(self, body: str) -> str:
        """From when until when a body was accountable for anything, in words."""
        spans = [s for _, _, s in self.holdings.get(body, ())] or [self.spans[body]]
        first = min((s.start.earliest for s in spans if s.start), default=None)
        ends = [s.until.latest for s in spans if s.until]
        until = f" until {max(ends)}" if len(ends) == len(spans) else ""
        return f"from {first}{until}"

    def successors(self, body: str) -> list[str]:
        """The bodies that held, from its last day on, what a body held until then."""
        end = self.spans[body].until
        if not end:
            return []
        found = set()
        for function, atom, lasts in self.holdings.get(body, ()):
            if lasts.until and lasts.until.text == end.text:
                tiers = [tier for tier in (UPPER, LOWER) if function in tier]
                for other, theirs, after in self.held.get(atom, ()):
                    same_day = after.start and after.start.earliest == lasts.until.earliest
                    if other != body and same_day and any(theirs in tier for tier in tiers):
                        found.add(other)
        return sorted(found)

    def claims(self) -> Iterator[tuple[str, Mapping[str, str]]]:
        """The claims, each with its key."""
        return ((key, row.cells) for key, row in self.rows["claim"].items())


def plain(name: str) -> str:
    """A name without what sources write differently: case, points, `&` for `and`, a leading `the`."""
    return slugify(name).removeprefix("the-")


def listed(items: Iterable[str]) -> str:
    """Several slugs as a cell holds them."""
    return "; ".join(items)
