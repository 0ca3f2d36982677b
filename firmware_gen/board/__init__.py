"""The description of a board, read from its board.toml. The boards themselves are in `boards/`."""
