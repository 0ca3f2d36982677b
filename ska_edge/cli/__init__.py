"""Runs the commands of ska-edge. No other part of ska_edge prints."""
