"""councilgraph: an open knowledge graph of England's councils."""

__version__ = "0.1.0"
