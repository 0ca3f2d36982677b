"""Learning devices, monitored by a host: logs, replay, fleets, verification."""
