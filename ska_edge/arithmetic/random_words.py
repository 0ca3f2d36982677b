"""Makes pseudorandom numbers without a state: word n of a stream is a hash of the stream's key + n.

Host and device compute the same words (`runtime/ska_draw.h`), in any order. The plan's seed gives
the keys. The words are unfit for cryptography.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

MASK = 0xFFFFFFFF
WORD_BITS = 32
Words = NDArray[np.uint64]

# The streams, one for each use of random words; each stream has its own key.
SIGNS, CODE_PRESENCE, CODE_SIGNS, REPLAY = range(4)


def mix(number: ArrayLike) -> Words:
    """Compute the 32-bit finalizer of MurmurHash3, a bijection that mixes all bits.

    Only the lower 32 bits of a number are used.
    """
    word: Words = np.asarray(number, dtype=np.uint64)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        word = np.bitwise_and(word, np.uint64(MASK))
        word = (word ^ (word >> np.uint64(shift))) * np.uint64(factor)
    word = np.bitwise_and(word, np.uint64(MASK))
    mixed: Words = word ^ (word >> np.uint64(16))
    return mixed


def key(seed: int, stream: int) -> int:
    """Return the 32-bit key of a stream; only the lower 32 bits of `seed` >= 0 are used."""
    return int(mix(int(mix(seed & MASK)) + stream + 1))


def words(key: int, counters: ArrayLike) -> Words:
    """Return the words of a stream at these counters, each in [0, 2**32); any shape."""
    return mix(np.asarray(counters, dtype=np.uint64) + np.uint64(key))


def below(key: int, counter: int, limit: int) -> int:
    """Return a number in [0, limit), the upper half of a word scaled down; limit <= 65535."""
    return (int(words(key, counter)) >> 16) * limit >> 16


def bits(key: int, first: int, count: int, width: int) -> NDArray[np.int64]:
    """Return (count, width) bits: bit c of neuron n is bit c % 32 of the neuron's word `c // 32`.

    The result is for `count` successive neurons of a network, from number `first` on. The words of
    a neuron are consecutive.
    """
    per_neuron = -(-width // WORD_BITS)
    columns = np.arange(width)
    neurons = first + np.arange(count)
    counters = neurons[:, None] * per_neuron + columns // WORD_BITS
    places = (columns % WORD_BITS).astype(np.uint64)
    return ((words(key, counters) >> places) & 1).astype(np.int64)
