"""Emulates boards, and starts and stops emulated boards."""
