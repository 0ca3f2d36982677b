"""The Python API: the functions and classes of `import ska_edge`, one file each."""
