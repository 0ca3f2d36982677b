"""Keeps folders safe: edited files, whole replacements, trusted projects, private folders."""
