"""The C side of ska-edge: generated headers, the runtime below them, boards, builds, emulators."""
