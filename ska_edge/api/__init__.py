"""What `import ska_edge` offers: the functions and classes of the Python API, one file for each."""
