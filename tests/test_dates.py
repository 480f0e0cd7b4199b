"""Days to the precision of their source, as half-open bounds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode

from councilgraph import dates, tables
from councilgraph.namespaces import CG

IRI = NamedNode("http://example.org/r")


def bounds(
    start: str, until: str, *seen: str, floor: date | None = None, ceiling: date | None = None
) -> dict[str, str]:
    end = (
        dates.ONGOING
        if until == "ongoing"
        else dates.UNKNOWN
        if until == "unknown"
        else dates.end_of(dates.parse(until))
    )
    triples = tables.bounds(
        IRI, dates.parse(start) if start else None, end, tuple(map(dates.parse, seen)), floor, ceiling
    )
    return {
        p.value.rpartition("#")[2]: o.value if isinstance(o, Literal) else o.value.rpartition("#")[2]
        for _, p, o in triples
    }


def test_a_council_abolished_on_a_day() -> None:
    """Christchurch Borough Council's last day was 31 March 2019."""
    found = bounds("1974-04-01", "2019-04-01")
    assert (found["fromEarliest"], found["fromLatest"]) == ("1974-04-01", "1974-04-01")
    assert (found["untilEarliest"], found["untilLatest"]) == ("2019-04-01", "2019-04-01")
    assert (found["shortestDays"], found["longestDays"]) == ("16436", "16436")


def test_a_month_and_a_year() -> None:
    """Torbay's second direction, October 2017 to May 2021."""
    found = bounds("2017-10", "2021-05")
    assert (found["fromEarliest"], found["fromLatest"]) == ("2017-10-01", "2017-10-31")
    assert (found["untilEarliest"], found["untilLatest"]) == ("2021-05-01", "2021-06-01")
    assert bounds("2013", "ongoing")["fromLatest"] == "2013-12-31"
    assert bounds("2020-02", "ongoing")["fromLatest"] == "2020-02-29"


def test_somebody_seen_in_post_on_one_day() -> None:
    """Sarah Parker, addressee of the letter to Dorset Council of 24 October 2019."""
    found = bounds("", "unknown", "2019-10-24")
    assert found["fromLatest"] == "2019-10-24"
    assert found["untilEarliest"] == "2019-10-25"
    assert found["untilStatus"] == "UnknownEnd"
    assert "fromEarliest" not in found
    assert "untilLatest" not in found


def test_ongoing_and_unknown_are_different() -> None:
    assert bounds("2019-04-01", "ongoing")["untilStatus"] == "Ongoing"
    assert "untilEarliest" not in bounds("2019-04-01", "ongoing")
    assert bounds("2019-04-01", "unknown")["untilEarliest"] == "2019-04-02"


def test_the_last_day_of_a_visit_is_included() -> None:
    assert dates.after_last(dates.parse("2021-12-17")).earliest == date(2021, 12, 18)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2019-4-1",
        "01/04/2019",
        "2019-00",
        "2019-02-30",
        "2019-04-01T00:00:00",
        "2019-04-01Z",
        "19-04-01",
        "2020..2019",
        "..2019",
        "٢٠١٩",
    ],
)
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|before"):
        dates.parse(text)


DAYS = st.dates(date(1000, 1, 1), date(9998, 12, 31))
TEXTS = st.one_of(
    DAYS.map(date.isoformat),
    DAYS.map(lambda d: d.strftime("%Y-%m").zfill(7)),
    DAYS.map(lambda d: f"{d.year:04}"),
)


@given(TEXTS)
def test_a_less_exact_day_holds_the_more_exact(text: str) -> None:
    day = dates.parse(text)
    assert day.earliest <= day.latest
    for inner in (day.earliest, day.latest):
        assert inner.isoformat().startswith(text)
    for outer in (day.earliest - timedelta(1), day.latest + timedelta(1)):
        assert not outer.isoformat().startswith(text)


@given(TEXTS, TEXTS)
def test_bounds_are_in_order(start: str, until: str) -> None:
    found = bounds(start, until)
    assert found["fromEarliest"] <= found["fromLatest"]
    assert found["untilEarliest"] <= found["untilLatest"]
    assert int(found["shortestDays"]) >= 0


@given(TEXTS, st.lists(DAYS.map(date.isoformat), min_size=1, max_size=4))
def test_a_day_seen_is_inside_the_definite_interval(start: str, seen: list[str]) -> None:
    found = bounds(start, "unknown", *seen)
    assert all(found["fromLatest"] <= day for day in seen)
    assert all(day < found["untilEarliest"] for day in seen)


def test_every_bound_is_a_date_of_the_ontology() -> None:
    for name in bounds("2019", "2020"):
        assert getattr(CG, name)
