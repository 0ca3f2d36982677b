"""Options that several commands take, with the checks of their values."""
