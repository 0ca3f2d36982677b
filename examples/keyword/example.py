"""Tell spoken words apart: words of espeak-ng, and spectra of frames with mel bands.

The program espeak-ng speaks eight words with voices, accents, speeds and pitches that differ. Each
word is resampled to 16 kHz, and begins at a random time of a window of 0.5 s. Its loudness is
random, and so is that of the noise, whose energy falls with the frequency. Windows with noise alone
are a ninth class. Whole voices are held out. Voices of a program differ less than people do, and
rooms have no echo here, so the accuracy says little about a real microphone.
"""

from __future__ import annotations

import argparse
import io
import math
import shutil
import subprocess
import sys
import wave
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import ska_edge

RATE = 16_000  # samples per second
WINDOW = 8192  # samples
WORDS = ("yes", "no", "up", "down", "left", "right", "stop", "go")
NOISE = "noise"
ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland")
VOICES = ("m1", "m2", "m3", "m4", "m7", "f1", "f2", "f3", "f4", "f5", "klatt2", "klatt4")
SPEEDS = (170, 195, 220)  # words per minute
PITCHES = (35, 50, 65)
FRONTENDS = tuple(f"spectrum:frames={n},bands=16,spacing=mel" for n in (8, 16, 32))


def spoken(word: str, voice: str, speed: int, pitch: int) -> NDArray[np.float64]:
    """Return the samples of a word at `RATE`, (samples,), without the silence around it."""
    options = ["-v", voice, "-s", str(speed), "-p", str(pitch)]
    said = subprocess.run(
        ["espeak-ng", *options, "--stdout", word], capture_output=True, check=True
    ).stdout
    with wave.open(io.BytesIO(said)) as file:
        rate = file.getframerate()
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
    loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
    sound = sound[loud[0] : loud[-1] + 1]
    step = rate // math.gcd(rate, RATE)
    sound = np.pad(sound, (0, -len(sound) % step))
    count = len(sound) * RATE // rate
    # A transform without the frequencies that the lower rate lacks is that of the resampled word.
    kept = np.fft.rfft(sound)[: count // 2 + 1]
    return np.asarray(np.fft.irfft(kept, count) / np.abs(sound).max())


def window(sound: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int16]:
    """Return a window with a word, which is empty for noise alone; loudness and place are random.

    The end of a word that is longer than the window is left out.
    """
    spectrum = np.fft.rfft(rng.normal(0, 1, WINDOW)) / np.sqrt(np.arange(1, WINDOW // 2 + 2))
    noise = np.fft.irfft(spectrum, WINDOW)
    signal = rng.uniform(0.002, 0.02) * noise / noise.std()
    sound = sound[:WINDOW]
    begin = rng.integers(0, WINDOW - len(sound) + 1)
    signal[begin : begin + len(sound)] += sound
    return np.rint(2 ** rng.uniform(11, 14) * signal).clip(-32768, 32767).astype(np.int16)


def write(folder: Path, voices: int, speeds: int, seed: int) -> None:
    """Write FOLDER/VOICE/WORD.csv for each voice and word: one window after the other."""
    rng = np.random.default_rng(seed)
    ways = list(product(SPEEDS[:speeds], PITCHES))
    for number, variant in enumerate(VOICES[:voices]):
        voice = f"{ACCENTS[number % len(ACCENTS)]}+{variant}"
        (folder / voice).mkdir(parents=True)
        for word in (*WORDS, NOISE):
            sounds = [np.zeros(0) if word == NOISE else spoken(word, voice, *way) for way in ways]
            samples = np.concatenate([window(sound, rng) for sound in sounds])
            text = "\n".join(["a,label", *(f"{sample},{word}" for sample in samples)]) + "\n"
            (folder / voice / f"{word}.csv").write_text(text, encoding="utf-8")


def main() -> None:
    """Write the recordings, train on most voices, and print the accuracy for the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", type=int, default=len(VOICES), help="2 to 12")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--quick", action="store_true", help="3 voices, 1 speed, 1 seed, one front end"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("keyword"))
    given = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        sys.exit("this example needs the program espeak-ng; install its package, espeak-ng")
    speeds, frontends = len(SPEEDS), FRONTENDS
    if given.quick:
        given.voices, given.seeds, speeds, frontends = 3, 1, 1, FRONTENDS[1:2]
    write(given.output, given.voices, speeds, seed=0)
    print(f"test accuracy in % for unseen voices, windows of {WINDOW} samples, {given.seeds} seeds")
    for frontend in frontends:
        data = ska_edge.load_data(
            given.output,
            window=WINDOW,
            group_from="folder",
            sample_rate=RATE,
            frontend=frontend,
        )
        scores: dict[str, list[float]] = {"fixed": [], "float": []}
        for seed in range(given.seeds):
            accuracy = ska_edge.train(data, seed=seed).accuracy
            for arithmetic, found in scores.items():
                score = accuracy[arithmetic]["test"]
                assert score is not None
                found.append(100 * score)
        columns = [
            f"{name} {np.mean(found):5.1f} +- {np.std(found):3.1f}"
            for name, found in scores.items()
        ]
        print(f"{frontend:38} {data.x.shape[1]:3} features  {'  '.join(columns)}", flush=True)


if __name__ == "__main__":
    main()
