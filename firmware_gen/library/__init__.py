"""Compiles the generated C as a shared library for this computer, and caches it."""
