"""Strict models of chips, which run the images of real boards in Unicorn."""
