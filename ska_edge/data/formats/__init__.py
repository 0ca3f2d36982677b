"""Reads CSV, ARFF, Parquet, Arrow, idx, npz and .ts files."""
