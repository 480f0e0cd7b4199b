"""`python -m councilgraph`."""

from councilgraph.cli import main

main()
