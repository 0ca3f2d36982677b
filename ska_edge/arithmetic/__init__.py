"""The fixed-point arithmetic, and the words that look random and are not."""
