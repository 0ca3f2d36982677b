"""Defines the commands. Some modules also use functions of other commands."""
