"""Holds a network's state and the trainer, which computes the same bits as a device."""
