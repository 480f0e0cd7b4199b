"""councilgraph: an open knowledge graph of England's councils.

`open()` gives a `Graph` that can be asked; see `councilgraph.graph`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from councilgraph.graph import Answer, Document, Graph, open

__version__ = "0.1.0"
__all__ = ["Answer", "Document", "Graph", "open"]


def __getattr__(name: str) -> Any:
    """The public names, imported when one is first used, so that `--help` does not wait for them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from councilgraph import graph

    return getattr(graph, name)
