"""Tables of a model and of its results, for a terminal and for other readers."""
