"""Answers as text: a table for people; CSV, TSV, JSON, Markdown for machines and documents."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any, TextIO

from pyoxigraph import Literal, NamedNode

from councilgraph.errors import Finding
from councilgraph.graph import Answer, Change, Document
from councilgraph.namespaces import BASE, XSD, compact
from councilgraph.queries import Cell, Rows

if TYPE_CHECKING:
    from councilgraph.differences import Differences

FORMATS = ("table", "csv", "tsv", "json", "markdown", "turtle")
#: The forms of several answers about one thing.
DOCUMENTS = ("table", "json", "markdown", "turtle")


def rows(answer: Rows, form: str) -> str:
    """An answer in a form that needs no terminal: csv, tsv, json or markdown."""
    if form == "csv":
        return delimited([answer.columns, *([_plain(c) for c in row] for row in answer.rows)])
    if form == "tsv":
        head = "\t".join(f"?{name}" for name in answer.columns)
        return "".join(
            f"{line}\n" for line in [head, *("\t".join(_tsv(c) for c in row) for row in answer.rows)]
        )
    if form == "json":
        return _json(answer)
    return markdown(answer.columns, [[short(c) for c in row] for row in answer.rows])


def delimited(lines: list[Any]) -> str:
    """Lines as CSV (RFC 4180, with line feeds)."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def markdown(columns: Sequence[str], lines: list[list[str]]) -> str:
    """Lines as a Markdown table."""
    cells = [[_inline(cell) for cell in line] for line in lines]
    bars = [list(columns), ["---"] * len(columns), *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in bars)


def _inline(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def short(cell: Cell) -> str:
    """A cell for people: prefixed names for IRIs, literals as they are."""
    if cell is None or not cell.value.startswith(BASE):
        return _plain(cell)
    return "; ".join(compact(part) for part in cell.value.split("; "))  # a joined cell holds several


def _plain(cell: Cell) -> str:
    return "" if cell is None else cell.value


def _tsv(cell: Cell) -> str:
    return "" if cell is None else str(cell).replace("\t", "\\t")


def _json(answer: Rows) -> str:
    """SPARQL 1.1 Query Results JSON Format."""
    bindings = [
        {name: _binding(cell) for name, cell in zip(answer.columns, row, strict=True) if cell is not None}
        for row in answer.rows
    ]
    document = {"head": {"vars": list(answer.columns)}, "results": {"bindings": bindings}}
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _binding(cell: NamedNode | Literal) -> dict[str, str]:
    if isinstance(cell, NamedNode):
        return {"type": "uri", "value": cell.value}
    found = {"type": "literal", "value": cell.value}
    if cell.language:
        found["xml:lang"] = cell.language
    elif cell.datatype != XSD.string:
        found["datatype"] = cell.datatype.value
    return found


def table(columns: tuple[str, ...], lines: list[list[str]], width: int | None, colour: bool) -> str:
    """A table for a terminal of a width, or without one each row on one line, however long.

    Where the columns do not fit the terminal, each row is a block of lines, a line for each value.
    """
    if width is not None:
        widths = [max(map(len, column)) for column in zip(columns, *lines, strict=True)]
        if sum(widths) + 2 * len(widths) > width:
            return _blocks(columns, lines, colour)
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    for name in columns:
        grid.add_column(name, overflow="fold", no_wrap=width is None)
    for line in lines:
        grid.add_row(*(Text(cell) for cell in line))
    out = io.StringIO()
    console = Console(
        file=out, width=width or 100_000, force_terminal=colour, no_color=not colour, legacy_windows=False
    )
    console.print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _blocks(columns: tuple[str, ...], lines: list[list[str]], colour: bool) -> str:
    space = max(map(len, columns))
    bold, plain = ("\x1b[1m", "\x1b[0m") if colour else ("", "")
    blocks = (
        "".join(f"{bold}{n:<{space}}{plain}  {cell}\n" for n, cell in zip(columns, line, strict=True) if cell)
        for line in lines
    )
    return "\n".join(blocks)


def lineage(answer: Rows, body: NamedNode | Literal, label: str, way: str, colour: bool) -> str:
    """A lineage as a tree: under each council those before it (or after it), with area, day and order."""
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    places = {name: place for place, name in enumerate(answer.columns)}
    here, there = ("successor", "predecessor") if way == "back" else ("predecessor", "successor")

    def cell(row: tuple[Cell, ...], name: str) -> str:
        return _plain(row[places[name]])

    def grow(tree: Tree, node: str, areas: set[str] | None, depth: int) -> None:
        hops: dict[tuple[str, str, str, str], list[str]] = {}
        for row in answer.rows:
            area = cell(row, "area")
            if (
                cell(row, here) == node
                and int(cell(row, "depth")) == depth
                and (areas is None or area in areas)
            ):
                key = (cell(row, there), cell(row, f"{there}Label"), cell(row, "date"), cell(row, "order"))
                hops.setdefault(key, []).append(area)
        for (other, name, day, order), found in hops.items():
            line = Text(name, style="bold")
            line.append(
                f" for {', '.join(found)}, " + (f"until {day}" if way == "back" else f"from {day}"),
                style="not bold",
            )
            line.append(f" ({order})" if order else "", style="not bold dim")
            grow(tree.add(line), other, set(found), depth + 1)

    root = Tree(Text(f"{label}: {'after' if way == 'back' else 'followed by'}", style="bold"))
    grow(root, body.value, None, 1)
    if not root.children:
        root.add(
            "nobody: no body held this function there " + ("before" if way == "back" else "after") + " it"
        )
    out = io.StringIO()
    Console(file=out, width=100_000, force_terminal=colour, no_color=not colour, legacy_windows=False).print(
        root
    )
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def document(found: Document, form: str, viewed: str = "") -> str:
    """Several answers about one thing: a JSON object, or Markdown with its sources numbered at the end."""
    if form == "json":
        view = {"view": viewed} if viewed else {}
        sources = {"sources": list(found.sources)} if found.sources is not None else {}
        content = {
            "title": found.title,
            "subject": found.subject,
            "label": found.label,
            **view,
            "sections": [_section(section) for section in found.sections],
            **sources,
        }
        return json.dumps(content, ensure_ascii=False, indent=1, default=date.isoformat) + "\n"
    numbers = {str(row["source"]): n for n, row in enumerate(found.sources or (), 1)}
    lines = [f"# {found.title}\n", f"<{found.subject}>\n"]
    lines += [f"This is a view: {viewed}.\n"] if viewed else []
    for section in found.sections:
        assert section.query
        lines += [f"## {section.query.title}\n", f"*{section.query.question}*\n"]
        lines.append(_linked(section, numbers) if len(section) else "None is recorded.\n")
    if found.sources is not None:
        lines.append("## Sources\n")
        listed = []
        for row in found.sources:
            said = ". ".join(str(part) for part in (row["title"], row["publisher"], row["published"]) if part)
            url = f" <{row['url']}>" if row["url"] else ""
            listed.append(f"{numbers[str(row['source'])]}. {_inline(said)}.{url}\n")
        lines.append("".join(listed) or "None.\n")
    return "\n".join(lines)


def _section(section: Answer) -> dict[str, Any]:
    assert section.query
    several = {*section.query.evidence, "source"} & set(section.columns)
    rows = [dict(row) | {name: _parts(row[name]) for name in several} for row in section]
    return {
        "query": section.query.name,
        "title": section.query.title,
        "question": section.query.question,
        "columns": list(section.columns),
        "rows": rows,
    }


def _parts(value: object) -> list[str]:
    return str(value).split("; ") if value else []


def _linked(section: Answer, numbers: dict[str, int]) -> str:
    """A section as a Markdown table: labels that link, no records, publications by their numbers."""
    assert section.query
    columns = section.columns
    labels = {name: _label_of(name, columns) for name in columns}
    hidden = {*section.query.evidence, "publication", *(label for label in labels.values() if label)}
    shown = [name for name in columns if name not in hidden]

    def cell(row: dict[str, Any], name: str) -> str:
        value, label = row[name], labels[name]
        if name == "source" and numbers:
            return " ".join(f"[{numbers[iri]}]" for iri in _parts(value) if iri in numbers)
        if label and value:
            return f"[{row[label]}]({value})"
        if label:
            return str(row[label] or "")
        return short(Literal(str(value))) if value is not None else ""

    return markdown(shown, [[cell(row, name) for name in shown] for row in section])


def _label_of(name: str, columns: Sequence[str]) -> str:
    """The column that has the label of what another column names."""
    usual = {"body": "label", "person": "name", "thing": "label"}.get(name, "")
    return next((label for label in (f"{name}Label", usual) if label in columns), "")


def sections(found: Document, width: int | None, colour: bool) -> str:
    """Several answers about one thing for a terminal: a heading and a table each."""
    bold, plain = ("\x1b[1m", "\x1b[0m") if colour else ("", "")
    blocks = [f"{bold}{found.label}{plain}  {compact(found.subject)}\n"]
    for section in found.sections:
        assert section.query
        lines = [[short(c) for c in row] for row in section.terms.rows]
        body = table(section.columns, lines, width, colour) if lines else "None is recorded.\n"
        blocks.append(f"{bold}{section.query.title}{plain}\n{body}")
    return "\n".join(blocks)


def changed(found: Change) -> Rows:
    """How one answer differs: its rows, and before each whether it stays, goes or comes."""
    rows = [
        (Literal(word), *row)
        for word, group in (("stays", found.kept), ("goes", found.lost), ("comes", found.gained))
        for row in group
    ]
    return Rows(("change", *found.columns), rows)


def changes(found: Iterable[Change]) -> Rows:
    """How every answer differs: how many of its rows stay, go and come."""
    rows = [
        (
            Literal(each.query.name),
            *(Literal(len(group)) for group in (each.kept, each.lost, each.gained)),
            Literal(each.query.question),
        )
        for each in found
    ]
    return Rows(("query", "stay", "go", "come", "question"), rows)


#: The forms of what changed from one graph to another.
DIFFERENCES = ("table", "csv", "json", "markdown")
_DIFFERENCE = ("change", "kind", "record", "label", "what", "was", "is")
_ANSWERED = ("query", "asked", "went", "came", "question")
_BLANK = "(blank)"


def differences(found: Differences, form: str, colour: bool) -> str:
    """What changed from one graph to another: the records, and the canned queries whose answers did.

    For people each record stands under its kind, and below it the columns that changed. As CSV the queries
    are rows of the same table: `was` and `is` are how many of their rows went and came.
    """
    if not (found.records or found.answers) and form in ("table", "markdown"):
        return "The two say the same.\n"
    if form == "table":
        return _told(found, *(("\x1b[1m", "\x1b[0m") if colour else ("", "")))
    records = [[d.change, d.kind, d.record, d.label, d.what, d.was, d.now] for d in found.records]
    answers = [
        [a.change.query.name, words, len(a.change.lost), len(a.change.gained), a.change.query.question]
        for a in found.answers
        for words in (" ".join(f"--{name} {word}" for name, word in a.words.items()),)
    ]
    if form == "json":
        document = {
            "records": [dict(zip(_DIFFERENCE, line, strict=True)) for line in records],
            "answers": [
                dict(zip(_ANSWERED, line, strict=True)) | {"asked": dict(answered.words)}
                for line, answered in zip(answers, found.answers, strict=True)
            ],
        }
        return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    if form == "csv":
        rows_ = [["answer", "query", name, asked, "rows", *counts] for name, asked, *counts, _ in answers]
        return delimited([_DIFFERENCE, *records, *rows_])
    parts = [
        (f"Records: {len(records):,} differences", _DIFFERENCE, records),
        (f"Answers: {len(answers):,} changed", _ANSWERED, [list(map(str, line)) for line in answers]),
    ]
    blocks = [f"## {head}\n\n{markdown(columns, lines)}" for head, columns, lines in parts if lines]
    return "\n".join(blocks)


def _told(found: Differences, bold: str, plain: str) -> str:
    """Differences as lines that people read."""
    follows = [d for d in found.records if d.change == "follows"]
    records = [d for d in found.records if d.change != "follows"]
    count = len({d.record for d in records})
    lines = [f"{bold}Records: {count:,} new, gone or changed{plain}"] if records else []
    for kind, of_kind in groupby(records, key=lambda d: d.kind):
        lines.append(f"{bold}{kind}{plain}")
        for (change, record, label), of_record in groupby(
            of_kind, key=lambda d: (d.change, d.record, d.label)
        ):
            lines.append(f"  {change}: {label} ({record})" if label != record else f"  {change}: {record}")
            lines += [f"    {d.what}: {d.was or _BLANK} → {d.now or _BLANK}" for d in of_record if d.what]
    if follows:
        lines.append(f"{bold}What follows from them{plain}")
        lines += [f"  {d.kind}, {d.what}: {d.was} gone, {d.now} new" for d in follows]
    if found.answers:
        lines.append(f"{bold}Answers: {len(found.answers):,} changed{plain}")
    for query, of_query in groupby(found.answers, key=lambda a: a.change.query):
        lines.append(f"{bold}{query.name}{plain}: {query.title}")
        for answer in of_query:
            asked = " ".join(f"--{name} {word}" for name, word in answer.words.items()) or "with its defaults"
            lost, gained = len(answer.change.lost), len(answer.change.gained)
            lines.append(f"  {asked}: {lost:,} row{'' if lost == 1 else 's'} gone, {gained:,} new")
    return "\n".join(lines) + "\n"


def truth(answer: bool, form: str) -> str:
    """The answer to an ASK."""
    if form == "json":
        return json.dumps({"head": {}, "boolean": answer}) + "\n"
    return f"{str(answer).lower()}\n"


FINDINGS = ("table", "csv", "json", "junit", "sarif", "turtle")
_FINDING = ("severity", "file", "line", "column", "value", "why", "remedy", "rule", "focus")


def findings(found: Sequence[Finding], form: str) -> str:
    """Findings: for people by rule, as CSV, JSON, JUnit's XML or SARIF 2.1.0."""
    if form == "csv":
        return delimited([_FINDING, *([getattr(f, name) for name in _FINDING] for f in found)])
    if form == "json":
        listed = [{name: getattr(f, name) for name in _FINDING} for f in found]
        return json.dumps(listed, ensure_ascii=False, indent=1) + "\n"
    rules: dict[str, list[Finding]] = {}
    for finding in found:
        rules.setdefault(_rule(finding), []).append(finding)
    if form == "junit":
        return _junit(rules)
    if form == "sarif":
        return _sarif(rules)
    blocks = []
    for rule, group in sorted(rules.items()):
        kind = "" if group[0].severity == "Violation" else f", {group[0].severity.lower()}"
        head = f"{rule} ({len(group):,}{kind})\n" if group[0].rule else ""
        blocks.append(head + "".join(f"{finding}\n" for finding in group))
    return "\n".join(blocks)


def _rule(finding: Finding) -> str:
    return finding.rule.rpartition("#")[2] or finding.rule or "tables"


def _junit(rules: dict[str, list[Finding]]) -> str:
    """JUnit's XML: a test case a rule that found something, a failure a finding."""
    from xml.sax.saxutils import escape, quoteattr

    count = sum(map(len, rules.values()))
    head = f'<testsuite name="councilgraph check" tests="{max(len(rules), 1)}" failures="{count}">\n'
    cases = []
    for rule, group in sorted(rules.items()):
        failures = "".join(
            f"<failure type={quoteattr(f.severity)} message={quoteattr(_xml(f.why))}>"
            f"{escape(_xml(str(f)))}</failure>\n"
            for f in group
        )
        cases.append(f'<testcase classname="councilgraph" name={quoteattr(rule)}>\n{failures}</testcase>\n')
    cases = cases or ['<testcase classname="councilgraph" name="all rules"/>\n']
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{"".join(cases)}</testsuite>\n'


def _xml(text: str) -> str:
    """A text without the characters that XML 1.0 cannot hold."""
    return "".join(c if c in "\t\n\r" or " " <= c <= "\ud7ff" or c > "\uffff" else "\ufffd" for c in text)


def _sarif(rules: dict[str, list[Finding]]) -> str:
    """SARIF 2.1.0, as code hosts and editors read it."""
    driver = {
        "name": "councilgraph",
        "informationUri": BASE,
        "rules": [
            {"id": rule, "helpUri": group[0].rule or BASE, "help": {"text": group[0].remedy or rule}}
            for rule, group in sorted(rules.items())
        ],
    }
    levels = {"Violation": "error", "Warning": "warning", "Info": "note"}
    results = []
    for rule, group in sorted(rules.items()):
        for finding in group:
            result: dict[str, Any] = {
                "ruleId": rule,
                "level": levels.get(finding.severity, "error"),
                "message": {"text": str(finding)},
            }
            place: dict[str, Any] = {"artifactLocation": {"uri": finding.file}}
            if finding.line:
                place["region"] = {"startLine": finding.line}
            if finding.file:
                result["locations"] = [{"physicalLocation": place}]
            results.append(result)
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    document = {
        "version": "2.1.0",
        "$schema": schema,
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


@contextmanager
def bar(stream: TextIO, verb: str = "check") -> Iterator[Callable[[int, int, str], None]]:
    """A bar of progress where the stream is a terminal; nothing elsewhere."""
    if not stream.isatty():
        yield lambda _done, _of, _name: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(file=stream), transient=True) as progress:
        task = progress.add_task(verb, total=None)
        yield lambda done, of, name: progress.update(
            task, completed=done, total=of, description=f"{verb} {name}"
        )


def explained(rule: dict[str, str]) -> str:
    """What a rule says, a line a property, and its query below."""
    lines = [f"{name}: {text}" for name, text in rule.items() if text and name != "query"]
    query = f"\n{rule['query']}\n" if rule.get("query") else ""
    return "\n".join(lines) + "\n" + query
