"""Days as sources give them, and the bounds that the graph keeps of them.

Tables take `2019-04-01`, `2019-04`, `2019`, or `2018-07..2018-09` (some day from the first to the last);
the graph takes half-open days, `[from, until)`, as `xsd:date` bounds (MODEL: Time).
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

_PART = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
DAY = timedelta(days=1)
#: A day as a table writes it, as a regular expression of any dialect.
PATTERN = "[0-9]{4}(?:-[0-9]{2}){0,2}(?:[.]{2}[0-9]{4}(?:-[0-9]{2}){0,2})?"


@dataclass(frozen=True)
class Day:
    """A day known as well as the source knows it: the text, and the first and last day it can be."""

    text: str
    earliest: date
    latest: date

    @property
    def exact(self) -> bool:
        """Whether the day itself is known."""
        return self.earliest == self.latest


@dataclass(frozen=True)
class End:
    """The end of an interval: ongoing, unknown, or a day from which it no longer holds (exclusive)."""

    text: str
    earliest: date | None = None
    latest: date | None = None


ONGOING = End("ongoing")
UNKNOWN = End("unknown")


def parse(text: str) -> Day:
    """Read a day; ValueError says what is wrong with it."""
    first, dots, last = text.partition("..")
    earliest, latest = _bounds(first), _bounds(last if dots else first)
    if latest[1] < earliest[0]:
        raise ValueError("ends before it starts")
    return Day(text, earliest[0], latest[1])


def end_of(day: Day) -> End:
    """The exclusive end that a day in an `until` column means.

    A whole day is the first day on which it no longer holds. Of a month or a year, the last day on which
    it held may be the last of them, so the end can be one day later than the period.
    """
    return End(day.text, day.earliest, day.latest if day.exact else day.latest + DAY)


def after_last(day: Day) -> End:
    """The exclusive end that a *last day* (of a visit, say) means: the day after."""
    return End(day.text, day.earliest + DAY, day.latest + DAY)


def _bounds(text: str) -> tuple[date, date]:
    match = _PART.fullmatch(text)
    if not match:
        raise ValueError("is not a date")
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    try:
        if month is None:
            return date(year, 1, 1), date(year, 12, 31)
        if day is None:
            return date(year, month, 1), date(year, month, monthrange(year, month)[1])
        return date(year, month, day), date(year, month, day)
    except (ValueError, IndexError) as error:
        raise ValueError("is not a day of the calendar") from error
