"""The live view of devices in a browser page, on a server of its own."""
