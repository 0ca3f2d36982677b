"""Converts smart-watch recordings to samples: windows of four seconds and their features.

A recording has six channels at 50 Hz, in this order: acceleration along x, y and z, then rotation
around x, y and z. x and y lie in the plane of the watch's face, z is normal to it.

Means, extremes, quartiles and correlations depend on how the watch is worn. The other features do
not change when the watch is turned by 180 degrees in the plane of its face.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CHANNELS = ("ax", "ay", "az", "wx", "wy", "wz")
RATE = 50  # samples per second
WINDOW = 200  # samples: 4 s

# The first and the last spectral line of each band. The lines are 0.25 Hz apart.
BANDS = ((1, 2), (3, 4), (5, 8), (9, 16), (17, 100))
PAIRS = tuple((a, b) for a in range(len(CHANNELS)) for b in range(a + 1, len(CHANNELS)))

# Half a turn around z reverses the signs of x and y, in the acceleration and in the rotation.
_HALF_TURN = np.array([-1.0, -1.0, 1.0, -1.0, -1.0, 1.0])


def turned(recording: FloatArray) -> FloatArray:
    """Return the recording (..., 6) of the watch turned by 180 degrees in the plane of its face."""
    return np.asarray(recording * _HALF_TURN)


def windows(recording: FloatArray) -> FloatArray:
    """Cut a recording (t, 6) into consecutive windows (n, WINDOW, 6) without overlap.

    An incomplete window at the end is dropped.
    """
    count = len(recording) // WINDOW
    return recording[: count * WINDOW].reshape(count, WINDOW, recording.shape[1])


def feature_names() -> tuple[str, ...]:
    """Return the names of the columns of `features`."""
    kinds = ["mean", "deviation", "lowest", "highest", "lower quartile", "upper quartile"]
    kinds += ["crossings", "jerk"]
    kinds += [f"{first * RATE / WINDOW:g}-{last * RATE / WINDOW:g} Hz" for first, last in BANDS]
    named = [f"{kind} {channel}" for kind in kinds for channel in CHANNELS]
    return (*named, *(f"correlation {CHANNELS[a]} {CHANNELS[b]}" for a, b in PAIRS))


def features(cut: FloatArray) -> FloatArray:
    """Return features (n, 93) of windows (n, WINDOW, 6), in the order of `feature_names`.

    Every channel has the mean, standard deviation, lowest and highest value, quartiles (the 51st
    and 150th of the sorted 200 values), the fraction of steps that cross the mean, the standard
    deviation of the slope in units per second, and the root mean square in each band. The
    correlation of each pair of channels follows; it is 0 if a channel is constant.
    """
    mean = cut.mean(axis=1)
    centered = cut - mean[:, np.newaxis]
    deviation = np.sqrt((centered**2).mean(axis=1))
    in_order = np.sort(cut, axis=1)
    quarter = WINDOW // 4
    above = centered > 0
    columns = [
        mean,
        deviation,
        in_order[:, 0],
        in_order[:, -1],
        in_order[:, quarter],
        in_order[:, -1 - quarter],
        (above[:, 1:] != above[:, :-1]).mean(axis=1),
        np.diff(cut, axis=1).std(axis=1) * RATE,
        *_bands(centered),
        _correlations(centered, deviation),
    ]
    return np.concatenate(columns, axis=1)


def _bands(centered: FloatArray) -> list[FloatArray]:
    """Return the root mean square (n, 6) of the signal in each of `BANDS`."""
    # A real signal has each frequency twice, positive and negative, so its power counts twice. Only
    # the last frequency, half the sampling rate, counts once.
    power = 2 * np.abs(np.fft.rfft(centered, axis=1) / WINDOW) ** 2
    power[:, WINDOW // 2] /= 2
    return [np.sqrt(power[:, first : last + 1].sum(axis=1)) for first, last in BANDS]


def _correlations(centered: FloatArray, deviation: FloatArray) -> FloatArray:
    """Return the correlation (n, 15) of each of `PAIRS`."""
    # A deviation below this limit counts as a rounding error of a constant channel.
    moves = deviation > 1e-9
    scaled = centered / np.where(moves, deviation, 1.0)[:, np.newaxis]
    scaled *= moves[:, np.newaxis]
    product = np.einsum("nti,ntj->nij", scaled, scaled) / WINDOW
    first, second = np.array(PAIRS).T
    return np.asarray(product[:, first, second])
