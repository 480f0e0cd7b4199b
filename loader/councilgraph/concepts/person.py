"""People in public office: posts, and who held them, from when until when, seen on which days."""

from __future__ import annotations

from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from councilgraph.namespaces import CG, ORG
from councilgraph.tables import (
    Dated,
    Known,
    Record,
    Seen,
    column,
    of,
    record,
    ref,
    several,
    slug,
    text,
)


@dataclass(frozen=True, kw_only=True)
class Person(Record):
    """A person in public office: `people.csv` (FOAF)."""

    FILE, KIND, KEY, TYPE = "people.csv", "person", ("person",), CG.Person

    key: str = column(slug(), name="person")
    name: str = column(text())


@dataclass(frozen=True, kw_only=True)
class Post(Dated):
    """A post of a body, whoever holds it: `posts.csv` (ORG's Post)."""

    FILE, KIND, KEY, TYPE = "posts.csv", "post", ("post",), CG.Post

    key: str = column(slug(), name="post")
    name: str = column(text())
    role: NamedNode = column(of("role"), says=CG.hasRole)
    body: NamedNode = column(ref("body"), says=ORG.postIn)
    oversees: NamedNode | None = column(ref("body"), says=CG.oversees, optional=True)


@dataclass(frozen=True, kw_only=True)
class Tenure(Seen):
    """Somebody held a post: `tenures.csv` (ORG's Membership).

    Where a source shows the holder on a day and no more, that day is `observed`, `from` stays blank, and
    `until` is unknown.
    """

    FILE, KIND, TYPE = "tenures.csv", "tenure", CG.Tenure
    KEY = ("post", "holder", "from")

    post: NamedNode = column(ref("post"), says=CG.holdsPost)
    holder: NamedNode = column(record("person", "body"), says=CG.isHeldBy)
    title: Literal | None = column(text(), says=CG.title, optional=True)
    manner: tuple[NamedNode, ...] = column(several(of("manner")), says=CG.hasManner)
    employer: NamedNode | None = column(ref("body"), says=CG.isEmployedBy, optional=True)
    intervention: NamedNode | None = column(ref("intervention"), says=CG.servesUnder, optional=True)

    def label(self, known: Known) -> str:
        """Who held which post."""
        return f"{known.label(self.holder)}, {known.label(self.post)}"


TABLES = (Person, Post, Tenure)
