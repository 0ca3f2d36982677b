"""Training on the host: options, calibration, runs and sweeps."""
