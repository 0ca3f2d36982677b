"""Labeled data: built in, and from files as people have them."""
