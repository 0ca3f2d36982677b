"""Tables and figures of a model, of its results and of a log, and a page that shows them."""
