"""Defines the fixed-point arithmetic, and the pseudorandom words that host and device share."""
