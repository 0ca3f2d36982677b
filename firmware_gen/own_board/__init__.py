"""Creates a board outside the package: a folder with a copy of another board and a README."""
