"""ska-edge: networks that keep learning on a microcontroller, in integers, provable bit for bit."""
