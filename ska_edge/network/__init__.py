"""A network's state, and the trainer that changes it with the bits of a device."""
