"""The generated C as a shared library of this computer: its sources, its compiler and its cache."""
