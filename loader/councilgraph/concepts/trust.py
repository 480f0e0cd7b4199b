"""Who owned a children's services trust or company, and in which legal form."""

from __future__ import annotations

from dataclasses import dataclass

from pyoxigraph import NamedNode

from councilgraph.namespaces import CG
from councilgraph.tables import Dated, Known, column, of, ref


@dataclass(frozen=True, kw_only=True)
class Ownership(Dated):
    """The legal form of a trust or company, and the council that owned it, if one did: `ownerships.csv`."""

    FILE, KIND, TYPE = "ownerships.csv", "ownership", CG.Ownership
    KEY = ("trust", "form", "owner", "from")

    trust: NamedNode = column(ref("body"), says=CG.concerns)
    owner: NamedNode | None = column(ref("body"), says=CG.isHeldBy, optional=True)
    form: NamedNode = column(of("legal-form"), says=CG.hasLegalForm)

    def label(self, known: Known) -> str:
        """What belonged to whom."""
        owner = f", of {known.label(self.owner)}" if self.owner else ""
        return f"{known.label(self.trust)}, {known.label(self.form)}{owner}"


TABLES = (Ownership,)
