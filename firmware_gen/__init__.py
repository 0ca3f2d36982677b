"""The C side of ska-edge: generated headers, the runtime, boards, builds, emulators."""
