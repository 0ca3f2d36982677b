"""Devices that learn while a host watches: logs, replay, fleets, verification."""
