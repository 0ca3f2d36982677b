"""All output to the terminal: lines, tables, progress, and the `--json` documents."""
