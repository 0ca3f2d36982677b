"""Random words have the known values, numbers are in range, and bits are in their places."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ska_edge.arithmetic import random_words

words32 = st.integers(0, 2**32 - 1)


def murmur(word: int) -> int:
    """Compute the finalizer of the hash independently, with Python integers."""
    word = ((word ^ (word >> 16)) * 0x85EBCA6B) % 2**32
    word = ((word ^ (word >> 13)) * 0xC2B2AE35) % 2**32
    return word ^ (word >> 16)


@given(words32, words32)
def test_a_word_is_the_hash_of_key_and_number(key: int, counter: int) -> None:
    assert int(random_words.words(key, counter)) == murmur((key + counter) % 2**32)


@given(words32)
def test_streams_of_a_seed_have_keys_of_their_own(seed: int) -> None:
    streams = (
        random_words.SIGNS,
        random_words.CODE_PRESENCE,
        random_words.CODE_SIGNS,
        random_words.REPLAY,
    )
    assert len({random_words.key(seed, stream) for stream in streams}) == len(streams)


@given(words32, words32, st.integers(1, 65535))
def test_a_number_stays_below_its_limit(key: int, counter: int, limit: int) -> None:
    assert 0 <= random_words.below(key, counter, limit) < limit


def test_numbers_are_spread_evenly() -> None:
    numbers = [
        random_words.below(random_words.key(1, random_words.REPLAY), i, 10) for i in range(10_000)
    ]
    assert np.abs(np.bincount(numbers) - 1000).max() < 150  # five standard deviations


def test_bits_beyond_32_come_from_the_next_word() -> None:
    key = random_words.key(3, random_words.SIGNS)
    bits = random_words.bits(key, first=5, count=2, width=40)
    for neuron in range(2):
        for column in range(40):
            word = int(random_words.words(key, (5 + neuron) * 2 + column // 32))
            assert bits[neuron, column] == word >> (column % 32) & 1
