"""The fixed "paper" that patterned styles lie on: where tiles, dots, hatches and grain are.

Everything here repeats every PERIOD pixels and depends on nothing but the seed below. The teachers stamp their dots and
lead their glass by it, and the network carries it inside (folded into a constant at export), so that what a style places
at random for the eye is no randomness for the network: it can draw a line exactly where the teacher drew one.
"""
import functools

import cv2
import numpy as np
from scipy.spatial import cKDTree

PERIOD = 256
SEED = 20
GLASS, TILES, DOTS = 12, 24, 30  # cells along one period
f32 = np.float32


def jittered(n, jitter, seed):
    """n*n points, one in each square of a grid over one period, `jitter` (0 to 1) of the square at random."""
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[0:n, 0:n]
    p = np.stack([y, x], -1) + 0.5 + (rng.rand(n, n, 2) - 0.5) * jitter
    p[::2, :, 1] += 0.5  # bricks, not rows and columns
    return (p.reshape(-1, 2) * (PERIOD / n)) % PERIOD


def seeds(kind):
    """Points of one period: `glass`, `tiles`, or `dots0` (on top) to `dots2`."""
    n, jitter, k = {"glass": (GLASS, 0.85, 0), "tiles": (TILES, 0.7, 1), "dots0": (DOTS, 0.9, 2), "dots1": (DOTS, 0.9, 3),
                    "dots2": (DOTS, 0.9, 4)}[kind]
    return jittered(n, jitter, SEED + k)


@functools.lru_cache(maxsize=64)
def nearest(kind, h, w, y0, x0, k):
    """For each pixel of an h*w picture whose corner is at (y0, x0): the k nearest points.

    Returns (index into `points`, distance, points in picture pixels, index of each point within its period)."""
    base = seeds(kind)
    ty = range((y0 - 64) // PERIOD, (y0 + h + 64) // PERIOD + 1)
    tx = range((x0 - 64) // PERIOD, (x0 + w + 64) // PERIOD + 1)
    pts = np.concatenate([base + np.array([a * PERIOD - y0, b * PERIOD - x0]) for a in ty for b in tx])
    ids = np.tile(np.arange(len(base)), len(ty) * len(tx))
    near = (pts > -48).all(1) & (pts[:, 0] < h + 48) & (pts[:, 1] < w + 48)
    pts, ids = pts[near], ids[near]
    yy, xx = np.mgrid[0:h, 0:w]
    d, i = cKDTree(pts).query(np.stack([yy + 0.5, xx + 0.5], -1).reshape(-1, 2), k=k)
    return i.reshape(h, w, k), d.reshape(h, w, k).astype(f32), pts, ids


def noise(seed, low, high):
    """Periodic noise between two wavelengths in pixels, mean 0, deviation 1."""
    g = np.fft.fft2(np.random.RandomState(seed).randn(PERIOD, PERIOD))
    f = np.hypot(np.fft.fftfreq(PERIOD)[:, None], np.fft.fftfreq(PERIOD)[None])
    band = np.exp(-((f * low) ** 2)) * (1 - np.exp(-((f * high) ** 2)))
    n = np.fft.ifft2(g * band).real
    return (n / n.std()).astype(f32)


def strokes(seed, angle, length, width):
    """Noise drawn out along `angle` (degrees): the grain of a hatch. Mean 0, deviation 1."""
    fy, fx = np.fft.fftfreq(PERIOD)[:, None], np.fft.fftfreq(PERIOD)[None]
    a = np.deg2rad(angle)
    along, across = fx * np.cos(a) + fy * np.sin(a), -fx * np.sin(a) + fy * np.cos(a)
    band = np.exp(-((along * length) ** 2)) * np.exp(-((across * width) ** 2)) * (1 - np.exp(-((across * width * 3) ** 2)))
    n = np.fft.ifft2(np.fft.fft2(np.random.RandomState(seed).randn(PERIOD, PERIOD)) * band).real
    return (n / n.std()).astype(f32)


def hashes(n, seed, k=3):
    return (np.random.RandomState(seed).rand(n, k) - 0.5).astype(f32) * 2


DOT_HASH = [hashes(DOTS * DOTS, SEED + 30 + k, 4) for k in range(3)]
TILE_HASH = hashes(TILES * TILES, SEED + 40)
GLASS_HASH = hashes(GLASS * GLASS, SEED + 41)


@functools.lru_cache(maxsize=16)
def dots(h, w, y0, x0):
    """The topmost dot under each pixel: (centre y, centre x, its hashes [h,w,4], distance / radius)."""
    cy = cx = hs = rr = None
    for k in (2, 1, 0):
        i, d, pts, ids = nearest(f"dots{k}", h, w, y0, x0, 1)
        i, d = i[..., 0], d[..., 0]
        z = DOT_HASH[k][ids[i]]
        r = d / (5.0 + 1.0 * z[..., 3])
        if cy is None:
            cy, cx, hs, rr = pts[i, 0], pts[i, 1], z, np.minimum(r, 1.2)
        else:
            on = r < 1
            cy, cx, rr = np.where(on, pts[i, 0], cy), np.where(on, pts[i, 1], cx), np.where(on, r, rr)
            hs = np.where(on[..., None], z, hs)
    return cy, cx, hs, rr


@functools.lru_cache(maxsize=1)
def period():
    """All maps of one period, by name, float32 [PERIOD, PERIOD], each about within -1..1 or of deviation 1."""
    n = PERIOD
    yy, xx = np.mgrid[0:n, 0:n].astype(f32)
    m = {}
    for kind, hs in (("glass", GLASS_HASH), ("tiles", TILE_HASH)):
        i, d, pts, ids = nearest(kind, n, n, 0, 0, 2)
        m[kind + "_edge"] = np.minimum((d[..., 1] - d[..., 0]) * 0.25, 2)
        m[kind + "_dy"] = (pts[i[..., 0], 0] - yy) / 8
        m[kind + "_dx"] = (pts[i[..., 0], 1] - xx) / 8
        m[kind + "_hash"] = hs[ids[i[..., 0]], 0]
    cy, cx, hs, rr = dots(n, n, 0, 0)
    m["dot_dy"], m["dot_dx"], m["dot_r"] = (cy - yy) / 4, (cx - xx) / 4, rr
    for c in range(3):
        m[f"dot_h{c}"] = hs[..., c]
    m["hatch_a"] = strokes(SEED + 50, -50, 22, 2.6)
    m["hatch_b"] = strokes(SEED + 51, 35, 22, 2.6)
    m["grain"] = noise(SEED + 52, 2.2, 8)
    m["cloud"] = noise(SEED + 53, 10, 40)
    for k, b in enumerate("abc"):
        m["bristle_" + b] = noise(SEED + 60 + k, 6, 16)
    m["swirl"] = noise(SEED + 54, 64, 200)
    lines = 2 * np.pi * (yy / (n / 60) + 0.40 * np.sin(2 * np.pi * xx / 64) + 0.25 * np.sin(2 * np.pi * xx / 128 + 1))
    m["line"] = (2 / np.pi * np.arcsin(np.sin(lines) * 0.999)).astype(f32)
    cross = 2 * np.pi * ((xx + yy) / (n / 48))
    m["cross"] = (2 / np.pi * np.arcsin(np.sin(cross) * 0.999)).astype(f32)
    u, v = 2 * np.pi * (xx + yy) / 8, 2 * np.pi * (xx - yy) / 8
    m["screen"] = ((np.cos(u) + np.cos(v)) / 2).astype(f32)
    m["block"] = np.maximum(np.abs((xx % 8) - 3.5), np.abs((yy % 8) - 3.5)) / 3.5
    m["rule"] = np.maximum((xx % 32 == 0), (yy % 32 == 0)).astype(f32)
    return {k: v.astype(f32) for k, v in m.items()}


@functools.lru_cache(maxsize=512)
def at(name, h, w, y0=0, x0=0):
    """One map laid under an h*w picture whose corner is at (y0, x0) of the paper."""
    m = period()[name]
    return np.take(np.take(m, (np.arange(h) + y0) % PERIOD, 0), (np.arange(w) + x0) % PERIOD, 1)


def stack():
    """All maps as one array [maps, PERIOD, PERIOD]: what the network is given."""
    return np.stack([v for v in period().values()])


if __name__ == "__main__":
    cv2.imwrite("pattern.png", np.hstack([np.clip(v * 60 + 128, 0, 255) for v in period().values()][:8]))
    print(list(period()), stack().shape)
