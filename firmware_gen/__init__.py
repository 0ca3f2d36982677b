"""The C side of ska-edge: generates headers, holds the runtime and boards, builds, emulates."""
