"""One command a module. `run` also uses the parts of other commands."""
