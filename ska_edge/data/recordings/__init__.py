"""Reads recordings of sensors, checks them, and cuts them into windows."""
