"""Monitors learning devices from a host: logs, replay, fleets, verification."""
