"""Trains models on the host: options, calibration, trainings and sweeps."""
