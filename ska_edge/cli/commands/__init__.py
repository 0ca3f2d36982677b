"""The commands: one module for each. `run` also uses functions of other commands."""
