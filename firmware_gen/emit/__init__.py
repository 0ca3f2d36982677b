"""Writes C source text: plans, rules, messages and networks."""
