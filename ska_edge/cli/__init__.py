"""The command line: one file per command. No other part of ska-edge prints."""
