"""The log of a monitor: its lines as objects and as JSON, and how it is read and continued."""
