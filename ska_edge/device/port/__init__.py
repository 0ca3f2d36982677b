"""A serial port: names and lists, control lines, and why one does not open."""
