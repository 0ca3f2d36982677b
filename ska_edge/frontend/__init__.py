"""Front ends, which compute the features of a window of samples in integers, as a device does."""
