#!/usr/bin/env python3
"""Makes assets/loop.m4a: eight seconds of drums, bass and chords at 120 beats a minute, out of nothing but arithmetic.

Needs Python and the ffmpeg program. The result is in the public domain (CC0 1.0)."""

import math
import pathlib
import random
import struct
import subprocess

RATE, BPM, SECONDS = 44100, 120, 8.0
beat = 60 / BPM
sound = [0.0] * int(RATE * SECONDS)
chance = random.Random(1)


def add(at, length, sample):
    """Adds `sample(seconds since at)` from `at` on."""
    start = int(at * RATE)
    for n in range(min(int(length * RATE), len(sound) - start)):
        sound[start + n] += sample(n / RATE)


def kick(t):
    return 0.75 * math.exp(-t * 9) * math.sin(2 * math.pi * (48 * t + 6 * (1 - math.exp(-t * 30))))


def hat(loud):
    return lambda t: loud * math.exp(-t * 70) * chance.uniform(-1, 1)


def snare(t):
    return math.exp(-t * 22) * (0.22 * chance.uniform(-1, 1) + 0.16 * math.sin(2 * math.pi * 190 * t))


def note(hertz, loud, decay):
    return lambda t: loud * min(t * 200, 1) * math.exp(-t * decay) * sum(math.sin(2 * math.pi * hertz * k * t) / k**1.7 for k in (1, 2, 3, 4))


roots = [55.0, 43.65, 65.41, 49.0]  # A, F, C, G: one a bar
for step in range(int(SECONDS / (beat / 2))):
    at, bar = step * beat / 2, int(step * beat / 2 // (4 * beat)) % 4
    if step % 2 == 0:
        add(at, 0.45, kick)
    if step % 4 == 2:
        add(at, 0.3, snare)
    add(at, 0.1, hat(0.16 if step % 2 else 0.07))
    add(at, 0.24, note(roots[bar] * (2 if step % 4 == 3 else 1), 0.2, 6))
    if step % 8 == 0:
        for third in (4, 4.75 if bar == 0 else 5, 6):
            add(at, 4 * beat, note(roots[bar] * third, 0.045, 0.9))

loudest = max(abs(s) for s in sound)
samples = struct.pack(f"<{len(sound)}h", *(int(s / loudest * 0.85 * 32767) for s in sound))
target = pathlib.Path(__file__).parent.parent / "assets" / "loop.m4a"
encode = ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-", "-c:a", "aac", "-b:a", "64k", str(target)]
subprocess.run(encode, input=samples, check=True)
print(target, target.stat().st_size, "bytes")
