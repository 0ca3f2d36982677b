"""The command line: one command a file. This is the only part of ska-edge that prints."""
