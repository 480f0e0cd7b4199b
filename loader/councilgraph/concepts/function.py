"""Holdings: which body held which function, for which area, in which capacity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pyoxigraph import NamedNode

from councilgraph import dates
from councilgraph.namespaces import CG
from councilgraph.tables import Known, Seen, column, day, of, ref


@dataclass(frozen=True, kw_only=True)
class Holding(Seen):
    """A body held a function for an area, from a day until another: `holdings.csv`.

    Whoever only delivers or manages acts for the body that stays accountable.
    """

    FILE, KIND, TYPE = "holdings.csv", "holding", CG.Holding
    KEY = ("body", "function", "area", "capacity", "from")

    body: NamedNode = column(ref("body"), says=CG.isHeldBy)
    function: NamedNode = column(of("function"), says=CG.coversFunction)
    area: NamedNode = column(ref("area"), says=CG.coversArea)
    capacity: NamedNode = column(of("capacity"), says=CG.hasCapacity)
    acts_for: NamedNode | None = column(ref("body"), says=CG.actsFor, optional=True)
    start: dates.Day = column(day(), name="from")  # a holding begins on a day, unlike a tenure

    def label(self, known: Known) -> str:
        """Who was what for what, where."""
        capacity, function = known.label(self.capacity), known.label(self.function)
        return f"{known.label(self.body)}, {capacity} for {function} in {known.label(self.area)}"

    def check(self) -> Iterator[tuple[str, str, str]]:
        """Delivering and managing are done for somebody."""
        yield from super().check()
        for_another = self.capacity.value.rsplit("/", 1)[1] in ("delivering", "managing")
        if for_another and not self.acts_for:
            yield "acts_for", "is blank", "Name the council that stays accountable."
        if self.acts_for and not for_another:
            yield "acts_for", "is given for a capacity that is the body's own", "Leave it blank."


TABLES = (Holding,)
