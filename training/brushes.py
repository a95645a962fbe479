"""What the teachers (filters.py) paint with: blurs, Kuwahara, lines, direction fields, cells."""
import cv2
import numpy as np

import pattern

cv2.setNumThreads(1)
f32 = np.float32
REF = cv2.BORDER_REFLECT


def rgb(*v):
    return np.array(v, f32)


def lum(x):
    return x @ rgb(0.299, 0.587, 0.114)


def blur(x, s):
    return cv2.GaussianBlur(x, (0, 0), s, borderType=REF)


def saturate(x, k):
    g = lum(x)[..., None]
    return g + (x - g) * k


def smooth(a, b, x):
    t = np.clip((x - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, t):
    return a + (b - a) * (t[..., None] if np.ndim(t) == 2 else t)


def bilateral(x, n=2, d=7, sc=0.12, ss=4):
    for _ in range(n):
        x = cv2.bilateralFilter(x, d, sc, ss, borderType=REF)
    return x


def contrast(L, lo=0.02, hi=0.98):
    """Local levels: pulls the tones of a 60-pixel neighbourhood half way to the full range."""
    m = blur(L, 24)
    s = np.sqrt(np.maximum(blur(L * L, 24) - m * m, 1e-4))
    n = (L - m) / (s + 0.12) * 0.2 + 0.35 * m + 0.325
    return np.clip(0.5 * L + 0.5 * n, lo, hi)


def tangents(L, s=1.0, wide=3.0):
    """Unit direction along the edges of L, and how much direction there is (0..1), by the smoothed structure tensor."""
    b = blur(L, s)
    gx, gy = cv2.Sobel(b, -1, 1, 0, borderType=REF), cv2.Sobel(b, -1, 0, 1, borderType=REF)
    e, f, g = blur(gx * gx, wide), blur(gx * gy, wide), blur(gy * gy, wide)
    th = 0.5 * np.arctan2(2 * f, e - g) + np.pi / 2
    a = np.sqrt((e - g) ** 2 + 4 * f * f) / (e + g + 2e-3)
    return np.cos(th).astype(f32), np.sin(th).astype(f32), a.astype(f32)


def along(x, tx, ty, steps=6, h=1.2):
    """x averaged along the direction field (line integral convolution, 2*steps+1 samples)."""
    hh, ww = tx.shape
    yy, xx = np.mgrid[0:hh, 0:ww].astype(f32)
    total = x.copy()
    for sign in (1, -1):
        px, py, dx, dy = xx, yy, tx * sign, ty * sign
        for _ in range(steps):
            px, py = px + dx * h, py + dy * h
            total = total + cv2.remap(x, px, py, cv2.INTER_LINEAR, borderMode=REF)
            nx, ny = (cv2.remap(t, px, py, cv2.INTER_NEAREST, borderMode=REF) for t in (tx, ty))
            s = np.where(nx * dx + ny * dy < 0, -1, 1).astype(f32)
            dx, dy = nx * s, ny * s
    return total / (2 * steps + 1)


_SECTORS = {}


def kuwahara(x, r=5, q=8, sharp=8):
    """Generalised Kuwahara: the mean of the calmest of q overlapping sectors, softly chosen."""
    if (r, q) not in _SECTORS:
        yy, xx = np.mgrid[-r:r + 1, -r:r + 1]
        rad, ang, ks = np.hypot(xx, yy), np.arctan2(yy, xx), []
        for s in range(q):
            d = (ang - 2 * np.pi * s / q + np.pi) % (2 * np.pi) - np.pi
            k = np.exp(-(d / (np.pi / q * 1.2)) ** 2) * np.exp(-(rad / (r * 0.6)) ** 2) * (rad <= r)
            ks.append((k / k.sum()).astype(f32))
        _SECTORS[(r, q)] = ks
    best, total = np.zeros_like(x), np.zeros(x.shape[:2], f32)
    for k in _SECTORS[(r, q)]:
        m = cv2.filter2D(x, -1, k, borderType=REF)
        v = cv2.filter2D(x * x, -1, k, borderType=REF) - m * m
        w = np.minimum(1 / (1e-5 + np.maximum(v.sum(-1), 0) * 64) ** (sharp / 4), 1e9)
        best += m * w[..., None]
        total += w
    return best / total[..., None]


def lines(L, s=1.0, p=18.0, eps=0.5, phi=10.0):
    """Dark lines (1 paper, 0 ink) where L dips or steps: an extended difference of Gaussians."""
    a, b = blur(L, s), blur(L, s * 1.6)
    d = (1 + p) * a - p * b
    return np.where(d >= eps, 1, np.maximum(0, 1 + np.tanh(phi * (d - eps)))).astype(f32)


def edges(x, s=1.0):
    b = blur(x, s)
    g = np.zeros(x.shape[:2], f32)
    for c in range(3):
        g = np.maximum(g, np.hypot(cv2.Sobel(b[..., c], -1, 1, 0, borderType=REF), cv2.Sobel(b[..., c], -1, 0, 1, borderType=REF)) / 4)
    return g


def steps(L, n, hard=5.0):
    """L in n tones with soft borders between them."""
    t = L * n
    return (np.floor(t) + 0.5 + 0.5 * np.tanh(hard * (t % 1 - 0.5)) / np.tanh(hard / 2)) / n


def palette(L, colors, knots, hard):
    out = np.broadcast_to(rgb(*colors[0]), L.shape + (3,)).copy()
    for c, k in zip(colors[1:], knots):
        out = mix(out, rgb(*c), (1 / (1 + np.exp(np.clip(-(L - k) * hard, -30, 30)))).astype(f32))
    return out


def cells(x, kind, pull, size, y0, x0, rounds=2, k=5):
    """Cells about the paper's points that give way to edges of x: (mean colour of its cell, edge strength, hash index)."""
    h, w = x.shape[:2]
    i, d, pts, ids = pattern.nearest(kind, h, w, y0, x0, k)
    s = blur(x, 1.2)
    lab = i[..., 0]
    space = (d / size) ** 2
    for turn in range(rounds + 1):
        n = np.bincount(lab.ravel(), minlength=len(pts)) + 1e-3
        mean = np.stack([np.bincount(lab.ravel(), x[..., c].ravel(), len(pts)) / n for c in range(3)], -1).astype(f32)
        if turn == rounds:
            break
        cost = space + pull * np.stack([((s - mean[i[..., j]]) ** 2).sum(-1) for j in range(k)], -1)
        lab = np.take_along_axis(i, cost.argmin(-1)[..., None], -1)[..., 0]
        lab = cv2.medianBlur(lab.astype(np.uint16), 5).astype(np.int64) if size > 12 else lab
    e = np.zeros((h, w), f32)
    e[:, :-1] += lab[:, :-1] != lab[:, 1:]
    e[:-1] += lab[:-1] != lab[1:]
    return mean[lab], np.minimum(e, 1), ids[lab]
