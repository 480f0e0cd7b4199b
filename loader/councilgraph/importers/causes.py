"""Days as publications write them, and the likely causes of a day that is not ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from councilgraph.dates import DAY, Day

_EPOCH = date(1899, 12, 30)  # day 0 of a spreadsheet
_BLANKS = {"", "nan", "none", "null", "n/a", "na", "-", "not found"}

BLANK = "1900-01-01 stands for a blank: day 1 of a spreadsheet"
GSS_BIRTH = "2009-01-01 is the birth of the GSS code scheme, not of the council"
REPEATS = "the first day repeats the day of publication"
LATE = "a day late: the successor's first day, where the column means the last day"
LAST = "the last day; ours is the first day without"


@dataclass(frozen=True)
class Said:
    """A day as a publication gives it, or why it is none; `year` where it stands for a year."""

    text: str
    day: date | None = None
    why: str = ""
    year: int = 0


def read_day(text: str) -> Said:
    """Read `2019-04-01`, `01/04/2019` or `01/04/19`; recognise a blank and a spreadsheet's damage."""
    if is_blank(text):
        return Said(text)
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(?: 00:00:00)?", text)
    other = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4}|\d\d)", text)
    try:
        if match:
            day = date(*map(int, match.groups()))
        elif other:
            day_, month, year = map(int, other.groups())
            day = date(year + 2000 if year < 100 else year, month, day_)
        else:
            return Said(text, why=f'damaged date: "{text[:40]}" is not a day')
    except ValueError:
        return Said(text, why=f'damaged date: "{text[:40]}" is not a day of the calendar')
    if day == date(1900, 1, 1):
        return Said(text, why=BLANK)
    year = serial_year(day)
    if year:
        added = ", with a century added" if day.year == 2005 else ""
        why = f"spreadsheet damage: {day} is the serial number {year}{added}; it stands for the year {year}"
        return Said(day.isoformat(), why=why, year=year)
    return Said(day.isoformat(), day)


def serial_year(day: date) -> int:
    """The year that a day from May to July 1905, or 2005, was made of by a spreadsheet; 0 for any other day.

    The number of the year was taken for the number of a day: 1997 became 19 June 1905, and a reader that
    knew no year 1905 made 2005 of it. 1905-05-03 is 1950, 1905-07-23 is 2031.
    """
    if day.year in (1905, 2005) and (5, 3) <= (day.month, day.day) <= (7, 23):
        return (day.replace(year=1905) - _EPOCH).days
    return 0


def is_blank(text: str) -> bool:
    """Whether a cell says nothing."""
    return text.casefold() in _BLANKS


def holds(ours: Day | None, theirs: date) -> bool:
    """Whether a day of theirs is what ours says, to the precision of ours."""
    return bool(ours and ours.earliest <= theirs <= ours.latest)


def of_start(ours: Day | None, theirs: date, published: Day | None = None, last: Day | None = None) -> str:
    """The likely cause of another first day; `published` and `last` are days of the same inspection."""
    if published and holds(published, theirs):
        return REPEATS
    if not ours:
        return "not in the tables"
    if published and theirs.year == published.earliest.year != ours.earliest.year:
        return "the year of the publication for that of the inspection"
    if theirs == date(2009, 1, 1) and ours.earliest < theirs:
        return GSS_BIRTH
    if last and holds(last, theirs):
        return "the last day on site given as the first"
    near = _near(ours, theirs)
    if not near and published and ours.latest < theirs < published.earliest:
        return "a day between the visit and the publication, perhaps that of the letter"
    return near or "unknown"


def of_publication(ours: Day | None, theirs: date, first: Day | None = None) -> str:
    """The likely cause of another day of publication."""
    if not ours:
        return "not in the tables"
    if first and theirs.year == first.earliest.year != ours.earliest.year:
        return "the year of the inspection for that of the publication"
    return _near(ours, theirs) or "the day of a report and the day of its upload may differ"


def _near(ours: Day, theirs: date) -> str:
    first = ours.earliest
    if not ours.exact:
        return ""
    if abs(theirs - first) == DAY:
        return "a day apart"
    if (theirs.month, theirs.day) == (first.month, first.day):
        return f"the same day of another year ({theirs.year} for {first.year})"
    if (theirs.day, theirs.month, theirs.year) == (first.month, first.day, first.year):
        return "day and month changed places"
    return ""
