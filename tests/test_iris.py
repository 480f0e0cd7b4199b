"""IRIs are stable, typable, and never shared by two records."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from conftest import ROOT
from councilgraph import bundle, dataset, iris, queries
from councilgraph.namespaces import ID, PREFIXES, compact

SLUGS = st.from_regex(iris.SLUG, fullmatch=True).filter(lambda s: len(s) < 20 and s.isascii())


@given(st.lists(SLUGS, min_size=1, max_size=4), st.lists(SLUGS, min_size=1, max_size=4))
def test_different_parts_give_different_iris(one: list[str], other: list[str]) -> None:
    assert (iris.instance("holding", *one) == iris.instance("holding", *other)) == (one == other)


@given(st.text())
def test_a_slug_of_anything_is_a_slug_or_blank(text: str) -> None:
    slug = iris.slugify(text)
    assert not slug or iris.SLUG.fullmatch(slug)
    assert iris.slugify(slug) == slug


def test_slugs_come_from_the_legal_name() -> None:
    assert (
        iris.slugify("Bournemouth, Christchurch and Poole Council")
        == "bournemouth-christchurch-and-poole-council"
    )
    assert iris.slugify("Bournemouth, Christchurch & Poole") == "bournemouth-christchurch-and-poole"
    assert iris.slugify("King's Lynn") == "kings-lynn"


def test_every_record_s_iri_can_be_typed_as_a_prefixed_name() -> None:
    graph = dataset.assemble(bundle.rooms(ROOT))
    assert len(graph.rows) > 900
    for iri in (iri for iri in graph.rows if "/expectation/" not in iri):  # those say nothing in the graph
        assert iri.startswith(ID)
        assert re.fullmatch(r"[a-z-]+:[a-z0-9.-]+", compact(iri)), iri


@given(st.sampled_from(sorted(PREFIXES)), SLUGS)
def test_compact_names_expand_again(prefix: str, slug: str) -> None:
    short, _, local = compact(PREFIXES[prefix] + slug).partition(":")
    assert PREFIXES[short] + local == PREFIXES[prefix] + slug


def test_kind_of() -> None:
    assert iris.kind_of(f"{ID}body/torbay-council") == ("body", "torbay-council")
    assert iris.kind_of("https://w3id.org/councilgraph/concept/function/send") == ("concept/function", "send")
    assert iris.kind_of("http://example.org/") == ("", "")
    assert queries.Parameter("on", "", iris.instance("body", "x")).kind == "body"
