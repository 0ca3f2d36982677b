"""One device at a port: requests, answers, and streams of samples."""
