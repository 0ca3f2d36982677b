"""Defines the receivers of a device's events during monitoring."""
