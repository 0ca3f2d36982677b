"""The C side of ska-edge: generated headers, runtime, boards, builds and emulators."""
