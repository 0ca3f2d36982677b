"""Defines the serial protocol: the table of messages, and the frames that carry them."""
