"""Defines plans: every integer constant of a network, resolved from options and proven."""
