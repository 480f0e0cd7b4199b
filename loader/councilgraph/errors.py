"""What goes wrong, said in one line: where, what, why, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class CouncilgraphError(Exception):
    """Something stopped the work. `str()` of it is `where: what: why. What to do.`; exit code 3."""

    exit_code = 3

    def __init__(self, where: str, why: str, remedy: str = "") -> None:
        super().__init__(where, why, remedy)
        self.where, self.why, self.remedy = where, why, remedy

    def __str__(self) -> str:
        why = self.why if self.why.endswith((".", "?", "!")) or not self.remedy else f"{self.why}."
        return " ".join(f"{self.where}: {why} {self.remedy}".split())


class UsageError(CouncilgraphError):
    """The command was asked something that it cannot read: exit code 2."""

    exit_code = 2


def unknown(where: str, value: str, options: Iterable[str], what: str) -> UsageError:
    """The error for a word that is none of the options: with the nearest of them, or all."""
    names = sorted(options)
    near = difflib.get_close_matches(value, names, 1)
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    remedy = f"Did you mean {near[0]}?" if near else f"Take one of: {listed}." if names else ""
    shown = value if len(value) <= 60 else f"{value[:60]}…"
    return UsageError(where, f'"{shown}" is no {what}', remedy)


@dataclass(frozen=True, order=True)
class Finding:
    """One thing wrong with the data: which cell, what it says, why that is wrong, what to do.

    `file` is a path below the root, `line` counts from 1 (0: the whole file), `column` is the name of
    the table's column. `rule` is the IRI of the shape that found it, empty where a table could not be
    read; `focus` the IRI of the record. Of RDF, where no table has the record, it is the focus that is named.
    """

    file: str
    line: int
    column: str
    value: str
    why: str
    remedy: str
    severity: str = "Violation"
    rule: str = ""
    focus: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.focus or self.file
        parts = [where, self.column, f'"{self.value}" {self.why}' if self.value else self.why]
        text = ": ".join(part for part in parts if part)
        return f"{text}{'' if text.endswith(('.', '?')) else '.'} {self.remedy}".rstrip()


class FindingsError(CouncilgraphError):
    """The data has findings, so nothing was built from it: exit code 1."""

    exit_code = 1

    def __init__(self, findings: list[Finding]) -> None:
        count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}"
        super().__init__("data", count, "Run `councilgraph check` to list them.")
        self.findings = findings
