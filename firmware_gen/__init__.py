"""The C side of ska-edge: generated headers, the runtime they go with, boards, builds, emulators."""
