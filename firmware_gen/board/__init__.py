"""Describes a board, as its board.toml does. The boards themselves are in `boards/`."""
