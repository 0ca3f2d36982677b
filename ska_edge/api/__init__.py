"""The Python API: the functions and classes of `import ska_edge`, with one file per name."""
