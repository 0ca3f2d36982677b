"""A network's state, and the trainer, which gives the same bits as a device."""
