"""Reviewed CSV tables → typed rows; what is wrong with a cell is a finding, with file, line and column.

A table is a frozen dataclass (`concepts/`): its fields are columns, each with a kind of cell and, where
the cell is said as it stands, the predicate that says it. Reading takes two passes, since rows refer to rows:
first every file's rows and keys, then every cell.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from pyoxigraph import Literal, NamedNode

from councilgraph import dates
from councilgraph.errors import Finding
from councilgraph.iris import SLUG, concept, instance, kind_of, slugify
from councilgraph.namespaces import CG, CONCEPT, DCTERMS, ID, RDF, SKOS, XSD

Triple = tuple[NamedNode, NamedNode, NamedNode | Literal]

_UNPRINTABLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
_LAST_YEAR = 2100  # a later day stands for "no end" in somebody's table
_FORMULA = ("=", "+", "-", "@")


class CellError(ValueError):
    """A cell cannot be read: why, and what to do."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


@dataclass
class Known:
    """What a cell may refer to: rows of every table, concepts of every scheme, the ontology's properties."""

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)  # kind → key → row
    unread: set[str] = field(default_factory=set)  # kinds whose table could not be read whole
    concepts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # scheme → slug → label
    terms: frozenset[str] = frozenset()  # local names of cg:'s properties

    def row(self, iri: NamedNode) -> Row:
        """The row that a reference refers to."""
        kind, key = kind_of(iri.value)
        return self.rows[kind][key]

    def label(self, iri: NamedNode) -> str:
        """What a person calls a record or a concept."""
        folder, slug = kind_of(iri.value)
        if folder.startswith("concept/"):
            return self.concepts[folder.removeprefix("concept/")][slug]
        row = self.rows[folder][slug]
        return row.table.label_of(row.cells) or slug


@dataclass(frozen=True)
class Reader:
    """How the cells of a column are read, and what they are to whoever reads the table without us (CSVW).

    `base` and `form` are CSVW's datatype and its format: of a text, a regular expression that each value
    matches. `iri` is what stands before a value in the IRI that it names, None where it names none; `kind`
    is the kind of record whose key it is, `scheme` the SKOS scheme that it is a concept of.
    """

    read: Callable[[str, Known], Any]
    base: str = "string"
    form: str = ""
    lang: str = ""
    iri: str | None = None
    kind: str = ""
    scheme: str = ""
    several: bool = False

    def __call__(self, value: str, known: Known) -> Any:
        """The value of a cell; CellError says why it cannot be read."""
        return self.read(value, known)


def choose(value: str, options: Iterable[str], what: str) -> CellError:
    """The error for a value that is none of the options: with the nearest of them, or a few."""
    names = sorted(options)
    near = difflib.get_close_matches(value, names, 1, 0.6)
    if near:
        return CellError(f'is not {what}; did you mean "{near[0]}"?')
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return CellError(f"is not {what}", f"Take one of: {listed}." if names else "")


def text() -> Reader:
    """A plain text."""
    return Reader(lambda value, _: Literal(value))


def words() -> Reader:
    """A text of ours, in English."""
    return Reader(lambda value, _: Literal(value, language="en"), lang="en")


def slug() -> Reader:
    """The key of a row: lower-case letters, digits and hyphens."""

    def read(value: str, _: Known) -> str:
        if not SLUG.fullmatch(value):
            raise CellError("is not a slug", f'Write it like "{slugify(value) or "torbay-council"}".')
        return value

    return Reader(read, form=SLUG.pattern)


def ref(kind: str) -> Reader:
    """The key of a row of another table."""

    def read(value: str, known: Known) -> NamedNode:
        if value not in known.rows[kind] and kind not in known.unread:
            raise choose(value, known.rows[kind], f"a registered {kind}")
        return instance(kind, value)

    return Reader(read, iri=f"{ID}{kind}/", kind=kind)


def refs(kind: str) -> Reader:
    """Keys of rows of another table, separated by semicolons."""
    return several(ref(kind))


def record(*kinds: str) -> Reader:
    """Any record of some kinds, as `kind/key`: `person/jane-portman`; of all kinds where none is named."""

    def read(value: str, known: Known) -> NamedNode:
        allowed = kinds or tuple(known.rows)
        kind, _, key = value.partition("/")
        if kind not in allowed or (key not in known.rows[kind] and kind not in known.unread):
            raise choose(value, (f"{k}/{s}" for k in allowed for s in known.rows[k]), "a record")
        return instance(kind, key)

    form = f"(?:{'|'.join(kinds)})/" if kinds else "[a-z-]+/"
    return Reader(read, form=f"{form}[a-z0-9.-]+", iri=ID)


def of(scheme: str, what: str = "") -> Reader:
    """A concept of a SKOS scheme."""

    def read(value: str, known: Known) -> NamedNode:
        options = known.concepts.get(scheme, {})
        if value not in options:
            raise choose(value, options, what or f"a {scheme}")
        return concept(scheme, value)

    return Reader(read, iri=f"{CONCEPT}{scheme}/", scheme=scheme)


def several(one: Reader) -> Reader:
    """A list of cells in one, separated by semicolons."""
    return replace(
        one, read=lambda value, known: tuple(one(part, known) for part in split(value)), several=True
    )


def term() -> Reader:
    """A property of the ontology, by its local name."""

    def read(value: str, known: Known) -> NamedNode:
        if value not in known.terms:
            raise choose(value, known.terms, "a property of the ontology")
        return NamedNode(CG.x.value[:-1] + value)

    return Reader(read, form="[A-Za-z]+", iri=CG.x.value[:-1])


def classes(options: Mapping[str, NamedNode], what: str) -> Reader:
    """A word for a class."""

    def read(value: str, _: Known) -> NamedNode:
        if value not in options:
            raise choose(value, options, what)
        return options[value]

    return Reader(read, form="|".join(options))


def day() -> Reader:
    """A day, to the precision of its source."""

    def read(value: str, _: Known) -> dates.Day:
        try:
            found = dates.parse(value)
        except ValueError as error:
            raise CellError(str(error), "Write 2019-04-01, 2019-04 or 2019.") from error
        if found.latest.year > _LAST_YEAR:
            raise CellError(
                f"is after {_LAST_YEAR}", "Write ongoing for what has no end, unknown for an unknown one."
            )
        return found

    return Reader(read, form=dates.PATTERN)


def exact_day() -> Reader:
    """A day that is known to the day."""
    one = day()

    def read(value: str, known: Known) -> Literal:
        found = one(value, known)
        if not found.exact:
            raise CellError(
                "is not a whole day", "Write it like 2019-04-01, or leave it blank and say so in the note."
            )
        return literal(found.earliest)

    return Reader(read, base="date", form="yyyy-MM-dd")


def end() -> Reader:
    """The day from which something no longer holds, or `ongoing`, or `unknown`."""
    one = day()

    def read(value: str, known: Known) -> dates.End:
        if value == "ongoing":
            return dates.ONGOING
        if value == "unknown":
            return dates.UNKNOWN
        try:
            return dates.end_of(one(value, known))
        except CellError as error:
            raise CellError(error.why, "Write 2019-04-01, 2019-04, 2019, ongoing or unknown.") from error

    return Reader(read, form=f"{dates.PATTERN}|ongoing|unknown")


def truth() -> Reader:
    """`yes` or `no`."""

    def read(value: str, _: Known) -> Literal:
        if value not in ("yes", "no"):
            raise CellError("is neither yes nor no", "Write yes or no.")
        return Literal(value == "yes")

    return Reader(read, base="boolean", form="yes|no")


def whole_number() -> Reader:
    """A count."""

    def read(value: str, _: Known) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value):
            raise CellError("is not a whole number", "Write it in figures, such as 317.")
        return int(value)

    return Reader(read, base="nonNegativeInteger")


def link() -> Reader:
    """A web address."""

    def read(value: str, _: Known) -> NamedNode:
        if not re.fullmatch(r"https?://[^\s<>\"{}|\\^`]+", value):
            raise CellError("is not a web address", "Write it in full, with https://, spaces as %20.")
        return NamedNode(value)

    return Reader(read, base="anyURI", iri="")


def code() -> Reader:
    """A code in somebody's scheme: letters, digits and hyphens."""

    def read(value: str, _: Known) -> Literal:
        if not re.fullmatch(form, value):
            raise CellError("is not a code", "Write letters, digits and hyphens only.")
        return Literal(value)

    form = "[A-Za-z0-9-]+"
    return Reader(read, form=form)


def citations() -> Reader:
    """Registered sources, with the place in each where known: `localgov-54024#paragraph-5; uksi-2018-648`."""
    one = ref("source")

    def read(value: str, known: Known) -> tuple[tuple[NamedNode, str], ...]:
        found = []
        for part in split(value):
            source, _, place = part.partition("#")
            if place and not SLUG.fullmatch(place):
                raise CellError(f'has a place "{place}" that is not a slug', 'Write it like "#paragraph-5".')
            found.append((one(source, known), place))
        return tuple(found)

    return Reader(read, form=f"{SLUG.pattern}(?:#{SLUG.pattern})?", several=True)


def column(reader: Reader, *, says: NamedNode | None = None, name: str = "", optional: bool = False) -> Any:
    """A column of a table: how its cells are read, and the predicate that says them as they are, if any."""
    meta = {"read": reader, "says": says, "name": name, "optional": optional}
    return field(metadata=meta, default=None) if optional else field(metadata=meta)


@dataclass(frozen=True)
class Column:
    """A column as its table declares it."""

    field: str
    name: str
    read: Reader
    says: NamedNode | None
    optional: bool


@dataclass(frozen=True, kw_only=True)
class Record:
    """A row of a table: one fact that has a source. Its subclasses are the tables.

    `FILE` is the table's file, `KIND` the folder of its IRIs, `KEY` the columns that together name a row,
    `TYPE` the class it is an instance of (where a column does not say it).
    """

    FILE: ClassVar[str]
    KIND: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]
    TYPE: ClassVar[NamedNode | None] = None
    #: Predicates that a row says by code, and the column each of them comes from.
    SAYS: ClassVar[Mapping[NamedNode, str]] = {}

    iri: NamedNode
    note: Literal | None = column(words(), says=SKOS.note, optional=True)
    source: tuple[tuple[NamedNode, str], ...] = column(citations())

    @classmethod
    @cache
    def columns(cls) -> tuple[Column, ...]:
        """The columns as a table writes them: what is said, from, until, observed, source, note."""
        found = [
            Column(
                f.name,
                f.metadata["name"] or f.name,
                f.metadata["read"],
                f.metadata["says"],
                f.default is not MISSING,
            )
            for f in fields(cls)
            if f.metadata
        ]
        last = ("from", "until", "observed", "source", "note")
        return tuple(
            sorted(found, key=lambda c: last.index(c.name) if c.name in last and c.field != "key" else -1)
        )

    @classmethod
    def predicates(cls) -> dict[str, str]:
        """Which column says a predicate: IRI → name."""
        said = {c.says.value: c.name for c in cls.columns() if c.says} | {DCTERMS.source.value: "source"}
        return {**{p.value: name for p, name in cls.SAYS.items()}, **said}

    @classmethod
    def label_of(cls, cells: Mapping[str, str]) -> str:
        """What other rows call this one, from its raw cells; blank where nothing refers to it by name."""
        return cells.get("name", "") or cells.get("title", "")

    def label(self, known: Known) -> str:
        """What a person calls the record."""
        return known.label(self.iri)

    def check(self) -> Iterator[tuple[str, str, str]]:
        """What cells say of each other that cannot be: (column, why, what to do)."""
        return iter(())

    def triples(self, known: Known) -> Iterator[Triple]:
        """What the row says, as triples."""
        if self.TYPE:
            yield self.iri, RDF.type, self.TYPE
        yield self.iri, SKOS.prefLabel, Literal(self.label(known))
        for col in self.columns():
            if col.says:
                for value in _each(getattr(self, col.field)):
                    yield self.iri, col.says, value
        yield from cite(self.iri, self.source, known)


@dataclass(frozen=True, kw_only=True)
class Dated(Record):
    """A record that holds from a day until another."""

    SAYS: ClassVar[Mapping[NamedNode, str]] = {
        CG.fromEarliest: "from",
        CG.fromLatest: "from",
        CG.fromText: "from",
        CG.untilEarliest: "until",
        CG.untilLatest: "until",
        CG.untilStatus: "until",
        CG.untilText: "until",
    }

    start: dates.Day | None = column(day(), name="from")
    until: dates.End = column(end())

    def check(self) -> Iterator[tuple[str, str, str]]:
        """The end comes after the start."""
        yield from super().check()
        if self.start and self.until.latest and self.until.latest <= self.start.earliest:
            yield (
                "until",
                f"is not after its start, {self.start.text}",
                "Correct one of the two; until is the first day it no longer held.",
            )

    def triples(self, known: Known) -> Iterator[Triple]:
        """The record's triples, and its bounds."""
        yield from super().triples(known)
        yield from bounds(self.iri, self.start, self.until)


@dataclass(frozen=True, kw_only=True)
class Seen(Dated):
    """A record that holds from a day until another, and was seen to hold on some days (`observed`)."""

    SAYS: ClassVar[Mapping[NamedNode, str]] = {**Dated.SAYS, CG.observedOn: "observed"}

    start: dates.Day | None = column(day(), name="from", optional=True)
    observed: tuple[dates.Day, ...] = column(several(day()), optional=True)

    def check(self) -> Iterator[tuple[str, str, str]]:
        """It begins on a day or is seen on one, and the days on which it is seen lie inside it."""
        yield from super().check()
        if not (self.start or self.observed):
            yield "from", "is blank, and so is observed", "Give at least one of the two."
        for when in self.observed or ():
            if self.start and when.latest < self.start.earliest:
                yield "observed", f"is before the start, {self.start.text}", "Correct one of the two."
            if self.until.latest and when.earliest >= self.until.latest:
                yield "observed", f"is not before the end, {self.until.text}", "Correct one of the two."

    def triples(self, known: Known) -> Iterator[Triple]:
        """The record, its bounds as far as the days seen give them, and those days."""
        yield from Record.triples(self, known)
        yield from bounds(self.iri, self.start, self.until, self.observed or ())
        for seen in self.observed or ():
            yield self.iri, CG.observedText, Literal(seen.text)
            if seen.exact:
                yield self.iri, CG.observedOn, literal(seen.earliest)


def bounds(
    iri: NamedNode,
    start: dates.Day | None,
    until: dates.End,
    seen: tuple[dates.Day, ...] = (),
    floor: date | None = None,
    ceiling: date | None = None,
) -> Iterator[Triple]:
    """The bounds of an interval (MODEL: Time).

    `seen` are days on which it held; `floor` and `ceiling` the first and last day on which it can have
    begun, for a start that no source states (where there is no floor, `queries/derive/` finds one).
    """
    first = start.earliest if start else floor
    last = start.latest if start else ceiling
    last = min((*([last] if last else []), *(day_.latest for day_ in seen)), default=None)
    if first:
        yield iri, CG.fromEarliest, literal(first)
    if last:
        yield iri, CG.fromLatest, literal(last)
    yield iri, CG.fromText, Literal(start.text if start else "unknown")
    yield iri, CG.untilText, Literal(until.text)
    held = [day_.earliest + dates.DAY for day_ in seen]
    if until.earliest and until.latest:
        least = max(until.earliest, *held) if held else until.earliest
        yield iri, CG.untilEarliest, literal(least)
        yield iri, CG.untilLatest, literal(until.latest)
        if first and last:
            yield iri, CG.shortestDays, Literal(max(0, (least - last).days))
            yield iri, CG.longestDays, Literal((until.latest - first).days)
    elif until is dates.ONGOING:
        yield iri, CG.untilStatus, CG.Ongoing
    else:
        held += [first + dates.DAY] if first else []
        if held:
            yield iri, CG.untilEarliest, literal(max(held))
        yield iri, CG.untilStatus, CG.UnknownEnd


def cite(iri: NamedNode, citations_: tuple[tuple[NamedNode, str], ...], known: Known) -> Iterator[Triple]:
    """The sources of a record, and the places in them."""
    for source, place in citations_:
        yield iri, DCTERMS.source, source
        if place:
            passage = instance("passage", source.value.rsplit("/", 1)[1], place)
            words_ = place.replace("-", " ")
            yield iri, CG.citesPassage, passage
            yield passage, RDF.type, CG.Passage
            yield passage, DCTERMS.isPartOf, source
            yield passage, CG.locator, Literal(words_)
            yield passage, SKOS.prefLabel, Literal(f"{known.label(source)}, {words_}")


def literal(value: date) -> Literal:
    """A day as `xsd:date`, without a time zone."""
    return Literal(value.isoformat(), datatype=XSD.date)


@dataclass(frozen=True)
class Row:
    """A row as its file has it."""

    table: type[Record]
    line: int
    cells: Mapping[str, str]
    folder: str = "data"

    @property
    def file(self) -> str:
        """The path of the table below the root."""
        return f"{self.folder}/{self.table.FILE}"


def read_rows(path: Path, table: type[Record], folder: str = "data") -> tuple[list[Row], list[Finding]]:
    """The rows of one table, and what is wrong with it before any cell is understood.

    `folder` is the table's folder as findings name it.
    """
    name = f"{folder}/{table.FILE}"
    try:
        content = path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        return [], [Finding(name, 0, "", "", f"cannot be read ({error.strerror})", "Restore the table.")]
    if content.startswith("\ufeff"):
        return [], [
            Finding(
                name, 1, "", "", "starts with a byte-order mark", 'Save it as "UTF-8", not "UTF-8 with BOM".'
            )
        ]
    rows: list[Row] = []
    findings: list[Finding] = []
    expected = [c.name for c in table.columns()]
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        header = next(reader, [])
        findings += _header(name, header, expected)
        if findings:
            return [], findings
        before = reader.line_num
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not cells:
                continue
            if len(cells) != len(header):
                why = f"has {len(cells)} cells, the header has {len(header)}"
                findings.append(
                    Finding(name, line, "", "", why, "Add or remove commas; quote a cell that holds one.")
                )
                continue
            row = Row(table, line, dict(zip(header, cells, strict=True)), folder)
            wrong = [found for col in header if (found := _dirty(row, col))]
            findings += wrong
            if not wrong:
                rows.append(row)
    except csv.Error as error:
        why = f"cannot be read as CSV ({error})"
        findings.append(
            Finding(name, reader.line_num, "", "", why, "Look for a quotation mark that is not closed.")
        )
    return rows, findings


def _header(name: str, header: list[str], expected: list[str]) -> list[Finding]:
    findings = []
    for position, found in enumerate(header):
        if found not in expected:
            error = choose(found, set(expected) - set(header), "a column of this table")
            shown = _printable(found) or f"column {position + 1}"
            findings.append(Finding(name, 1, shown, shown, error.why, error.remedy))
        elif found in header[:position]:
            findings.append(
                Finding(name, 1, found, found, "stands twice in the header", "Remove one of the two.")
            )
    findings += [
        Finding(name, 1, missing, "", "is missing from the header", f"Add the column {missing}.")
        for missing in expected
        if missing not in header and not findings
    ]
    return findings


def _dirty(row: Row, col: str) -> Finding | None:
    value = row.cells[col]
    why = remedy = ""
    strange = next((c for c in value if unicodedata.category(c) in _UNPRINTABLE), None)
    if strange and "\udc80" <= strange <= "\udcff":
        why, remedy = f"is not UTF-8 (byte 0x{ord(strange) - 0xDC00:02X})", "Save the table as UTF-8."
    elif strange:
        why, remedy = f"holds a control character (U+{ord(strange):04X})", "Remove it."
    elif value.startswith(_FORMULA):
        why, remedy = (
            "could be run as a formula by a spreadsheet",
            f'Write it without the leading "{value[0]}".',
        )
    elif value != value.strip():
        why, remedy = "has blanks before or after", "Remove them."
    elif value != unicodedata.normalize("NFC", value):
        why, remedy = "has accents as separate characters", "Save it in Unicode's composed form (NFC)."
    return Finding(row.file, row.line, col, _printable(value), why, remedy) if why else None


def _printable(value: str) -> str:
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in value
    )[:80]


def key_of(row: Row) -> str:
    """The slug that names a row: its key columns as slugs, joined by full stops."""
    return ".".join(filter(None, (slugify(row.cells[name]) for name in row.table.KEY)))


def parse_row(row: Row, known: Known) -> tuple[Record | None, list[Finding]]:
    """The typed row, or what is wrong with its cells."""
    values: dict[str, Any] = {}
    findings = []
    for col in row.table.columns():
        value = row.cells[col.name]
        if not value:
            if not col.optional:
                findings.append(Finding(row.file, row.line, col.name, "", "is blank", _blank(col)))
            continue
        try:
            values[col.field] = col.read(value, known)
        except CellError as error:
            findings.append(Finding(row.file, row.line, col.name, _printable(value), error.why, error.remedy))
    if findings:
        return None, findings
    made = row.table(iri=instance(row.table.KIND, key_of(row)), **values)
    for name, why, remedy in made.check():
        findings.append(Finding(row.file, row.line, name, row.cells[name], why, remedy))
    return (None if findings else made), findings


def _blank(col: Column) -> str:
    if col.name == "until":
        return "Write a day, ongoing or unknown."
    if col.name == "source":
        return "Name a source that data/sources.csv registers."
    return "Fill it in; this column is always known."


def split(value: str) -> list[str]:
    """The items of a cell that lists several; CellError where one of them is empty."""
    parts = [part.strip() for part in value.split(";")]
    if not all(parts):
        raise CellError("has an empty item between semicolons", "Remove the semicolon too many.")
    return parts


def _each(value: object) -> tuple[NamedNode | Literal, ...]:
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)
