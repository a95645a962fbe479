"""Cuts DATA/pictures into crops and runs every teacher on each: DATA/crops/NN.npy, uint8 [crops, 1+styles, 256, 256, 3].

    python prepare.py DATA [--crops 600] [--part 0/1]

Each crop is scaled, mirrored and graded at random (seeded) before the teachers see it; its corner lies at the corner of the
paper (pattern.py). Shards appear one by one and training takes up new ones as they come. DATA/held_out becomes held.npy.
"""
import argparse
import glob
import os

import cv2
import numpy as np

import filters
from brushes import lum

SIZE, MARGIN, SHARD = 256, 32, 24


def jitter(x, rng):
    """Exposure, contrast, colour and white balance at random: teachers meet more pictures than there are."""
    x = x ** np.exp(rng.uniform(-0.35, 0.35))
    g = lum(x)[..., None]
    x = g + (x - g) * rng.uniform(0.6, 1.35)
    x = x * rng.uniform(0.88, 1.1, 3)
    if rng.rand() < 0.2:
        x = x[..., rng.permutation(3)]
    return np.clip((x - 0.5) * rng.uniform(0.8, 1.2) + 0.5 + rng.uniform(-0.06, 0.06), 0, 1).astype(np.float32)


def crop(im, rng):
    n = SIZE + 2 * MARGIN
    low = n / min(im.shape[:2])
    s = np.exp(rng.uniform(np.log(low), np.log(max(low, min(1.0, low * 2.2)))))
    im = cv2.resize(im, None, fx=s + 1e-3, fy=s + 1e-3, interpolation=cv2.INTER_AREA)
    y, x = rng.randint(0, im.shape[0] - n + 1), rng.randint(0, im.shape[1] - n + 1)
    im = im[y:y + n, x:x + n]
    return np.ascontiguousarray(im[:, ::-1] if rng.rand() < 0.5 else im)


def taught(x):
    """The picture and all its styles, without the margin."""
    c = slice(MARGIN, MARGIN + SIZE)
    all_ = [x] + [filters.apply(s, x, -MARGIN, -MARGIN) for s in filters.STYLES]
    return np.stack([(o[c, c] * 255 + 0.5).astype(np.uint8) for o in all_])


def save(path, rows):
    np.save(path + ".part.npy", np.stack(rows))
    os.replace(path + ".part.npy", path)
    print(path, len(rows), flush=True)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("data")
    a.add_argument("--crops", type=int, default=600)
    a.add_argument("--part", default="0/1", help="I/N: make only the shards I, I+N, …")
    a = a.parse_args()
    part, parts = map(int, a.part.split("/"))
    load = lambda d: [cv2.imread(p)[..., ::-1].astype(np.float32) / 255 for p in sorted(glob.glob(f"{a.data}/{d}/*.png"))]
    os.makedirs(a.data + "/crops", exist_ok=True)
    pictures = load("pictures")
    order = np.random.RandomState(1).permutation(np.arange(a.crops) % len(pictures))
    for n, start in enumerate(range(0, a.crops, SHARD)):
        path = f"{a.data}/crops/{n:02}.npy"
        if n % parts != part or os.path.exists(path):
            continue
        rng = np.random.RandomState(1000 + n)
        save(path, [taught(jitter(c, rng) if rng.rand() < 0.75 else c)
                    for c in (crop(pictures[i], rng) for i in order[start:start + SHARD])])
        if n == 0:
            save(a.data + "/held.npy", [taught(crop(h, rng)) for h in load("held_out") for _ in range(2)])


if __name__ == "__main__":
    main()
