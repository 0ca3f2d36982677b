"""`python -m ska_edge` is `ska-edge`."""

from ska_edge.cli.main import main

main()
