"""What goes over a serial line: the table of messages, and frames."""
