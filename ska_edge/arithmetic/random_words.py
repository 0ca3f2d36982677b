"""Random numbers that need no memory: word number `counter` of a stream is a hash of its number.

Host and device draw the same words (`runtime/ska_draw.h`), in any order, from a key that the plan
holds. This is not arithmetic of the model, and not cryptography.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

MASK = 0xFFFFFFFF
WORD_BITS = 32
Words = NDArray[np.uint64]

# What a stream is drawn for; each has a key of its own.
SIGNS, CODE_PRESENCE, CODE_SIGNS, REPLAY = range(4)


def mix(number: ArrayLike) -> Words:
    """The finalizer of MurmurHash3 (32 bits): a bijection in which every bit touches every bit.

    Of larger numbers the lower 32 bits count.
    """
    word: Words = np.asarray(number, dtype=np.uint64)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        word = np.bitwise_and(word, np.uint64(MASK))
        word = (word ^ (word >> np.uint64(shift))) * np.uint64(factor)
    word = np.bitwise_and(word, np.uint64(MASK))
    mixed: Words = word ^ (word >> np.uint64(16))
    return mixed


def key(seed: int, stream: int) -> int:
    """The 32-bit key of a stream; `seed` is any integer >= 0, of which 32 bits count."""
    return int(mix(int(mix(seed & MASK)) + stream + 1))


def words(key: int, counters: ArrayLike) -> Words:
    """The words with these numbers, each in [0, 2**32); any shape."""
    return mix(np.asarray(counters, dtype=np.uint64) + np.uint64(key))


def below(key: int, counter: int, limit: int) -> int:
    """A number in [0, limit), limit at most 65535: the word's upper half scaled down."""
    return (int(words(key, counter)) >> 16) * limit >> 16


def bits(key: int, first: int, count: int, width: int) -> NDArray[np.int64]:
    """(count, width) bits, 0 or 1: bit c of neuron n is bit c % 32 of word `c // 32` of the neuron.

    Neurons are numbered through all layers from `first` on; a neuron's words follow each other.
    """
    per_neuron = -(-width // WORD_BITS)
    columns = np.arange(width)
    neurons = first + np.arange(count)
    counters = neurons[:, None] * per_neuron + columns // WORD_BITS
    places = (columns % WORD_BITS).astype(np.uint64)
    return ((words(key, counters) >> places) & 1).astype(np.int64)
