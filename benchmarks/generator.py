"""The graph repeated: as many Englands beside one another as make so many triples.

Each copy has instances of its own, with names and codes of its own, the same days, judgements and depth of
lineage; the ontology and the concepts stand once. What is asked about one council touches one copy; what is
asked about a day touches all of them. What is derived is derived: once, in a copy whose number is written
`copy-0`, and a later copy says another number; so deriving again adds nothing to any of them.

`python benchmarks/generator.py DIR TRIPLES` writes a store on disk.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from councilgraph import bundle, dataset
from councilgraph.namespaces import CG, ID, RDFS, SKOS

#: What tells one copy's council from another's, besides its IRI, and what stands before the copy's number:
#: a code has no spaces.
_OWN = {SKOS.prefLabel: " ", CG.name: " ", SKOS.notation: "-"}
_FIRST = "copy-0"


def repeated(store: Store, triples: int) -> Iterator[Quad]:
    """The graph, and copies of what it says of instances, until there are at least `triples` triples."""
    graph = DefaultGraph()
    count = 0
    for quad in store.quads_for_pattern(None, None, None, graph):
        count += 1
        yield quad
    pattern = _pattern(store) if count < triples else []
    copy = 1
    while count < triples:
        copy += 1
        made: dict[NamedNode | Literal, NamedNode | Literal] = {}

        def own(
            term: NamedNode | Literal,
            number: str = f"copy-{copy}",
            made: dict[NamedNode | Literal, NamedNode | Literal] = made,
        ) -> NamedNode | Literal:
            if term not in made:
                value = term.value.replace(_FIRST, number)
                if value == term.value:
                    made[term] = term
                else:
                    made[term] = NamedNode(value) if isinstance(term, NamedNode) else Literal(value)
            return made[term]

        for subject, predicate, value in pattern:
            yield Quad(own(subject), predicate, own(value), graph)
        count += len(pattern)


def _pattern(store: Store) -> list[tuple[NamedNode, NamedNode, NamedNode | Literal]]:
    """What the copy of the graph whose number is `copy-0` says of its instances, derived triples included."""
    graph = DefaultGraph()
    derived = {quad.triple for quad in store.quads_for_pattern(None, None, None, dataset.DERIVED)}
    copy = Store()
    for quad in store.quads_for_pattern(None, None, None, graph):
        subject, predicate, value = quad.triple
        if not subject.value.startswith(ID):
            copy.add(quad)  # the ontology and the concepts, for what is derived through them
        elif quad.triple not in derived:
            # What a page is called on the web is no instance of ours.
            if isinstance(value, NamedNode) and value.value.startswith(ID) and predicate != RDFS.seeAlso:
                value = NamedNode(f"{value.value}-{_FIRST}")
            elif predicate in _OWN:
                value = Literal(f"{value.value}{_OWN[predicate]}{_FIRST}")
            copy.add(Quad(NamedNode(f"{subject.value}-{_FIRST}"), predicate, value, graph))
    dataset.derive(copy, bundle.rooms())
    return [
        (quad.subject, quad.predicate, quad.object)
        for quad in copy.quads_for_pattern(None, None, None, graph)
        if quad.subject.value.startswith(ID)
    ]


def national() -> Store:
    """The project's own store, built if need be."""
    rooms = bundle.rooms()
    store, fresh = dataset.current(rooms)
    return store if store is not None and fresh else dataset.build(rooms, lambda _graph, _rooms: [])


def main() -> None:
    """Write a store of the repeated graph."""
    folder, triples = Path(sys.argv[1]), int(sys.argv[2])
    start = time.perf_counter()
    store = Store(str(folder))
    store.bulk_extend(repeated(national(), triples))
    store.optimize()
    store.flush()
    print(f"{len(store):,} triples in {folder}, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
