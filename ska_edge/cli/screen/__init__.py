"""Prints the output of the commands: lines, tables, progress and `--json` documents."""
