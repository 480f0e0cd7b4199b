"""Every IRI of an instance is minted here: a folder a kind, and a slug that a person can type."""

from __future__ import annotations

import re
import unicodedata

from pyoxigraph import NamedNode

from councilgraph.namespaces import CONCEPT, ID

#: What a slug may be: lower-case letters and digits in groups joined by hyphens.
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def slugify(text: str) -> str:
    """The slug of a text: `"Borough of Poole"` → `borough-of-poole`. May be empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower().replace("'", "")
    return "-".join(re.findall(r"[a-z0-9]+", plain.replace("&", " and ")))


def instance(kind: str, *parts: str) -> NamedNode:
    """The IRI of an instance of a kind; its parts, slugs all, are joined by full stops.

    Slugs hold no full stop, so two different lists of parts never give one IRI.
    """
    return NamedNode(f"{ID}{kind}/{'.'.join(parts)}")


def concept(scheme: str, slug: str) -> NamedNode:
    """The IRI of a concept in a SKOS scheme."""
    return NamedNode(f"{CONCEPT}{scheme}/{slug}")


def scheme(name: str) -> NamedNode:
    """The IRI of a SKOS scheme: its concepts' folder, without the last slash."""
    return NamedNode(f"{CONCEPT}{name}")


def kind_of(iri: str) -> tuple[str, str]:
    """(`body`, `torbay-council`) for an instance; (`concept/function`, `send`) for a concept; else blanks."""
    if iri.startswith(ID):
        kind, _, slug = iri[len(ID) :].partition("/")
        return kind, slug
    if iri.startswith(CONCEPT):
        folder, _, slug = iri[len(CONCEPT) :].partition("/")
        return f"concept/{folder}", slug
    return "", ""
