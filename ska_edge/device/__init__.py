"""Talks to one device at a port: requests, answers, and streams of samples."""
