"""The teachers: picture filters of our own, one for each style.

Each takes a picture (float32 RGB 0..1, [h, w, 3]) and the place of its corner on the paper (pattern.py), and returns the
picture in that style. All are local (nothing looks farther than some 40 pixels), so that a small network can learn them.
"""
import cv2
import numpy as np

import pattern
from brushes import (REF, along, bilateral, blur, cells, contrast, edges, f32, kuwahara, lines, lum, mix, palette, rgb,
                     saturate, smooth, steps, tangents)


def glass(x, y0=0, x0=0):
    c, e, z = cells(bilateral(x), "glass", 30, 16, y0, x0)
    lead = np.clip(blur(e, 1.25) * 2.3, 0, 1)
    deep = np.clip(blur(e, 5) * 2.2, 0, 1)
    c = np.clip(saturate(c, 1.9), 0, 1)
    c = np.clip((c - 0.5) * 1.15 + 0.54, 0.03, 1) * (1 + 0.14 * pattern.GLASS_HASH[z, :1])
    c = c * (1.12 - 0.5 * deep)[..., None]
    c = c * (0.35 + 0.65 * lines(contrast(lum(x)), 1.0, 18, 0.24, 7))[..., None]  # painted on the glass, as faces are
    shine = np.clip(0.05 * pattern.at("cloud", *x.shape[:2], y0, x0), -0.08, 0.12)[..., None]
    return mix(c + shine * (0.3 + c), rgb(0.05, 0.045, 0.05), np.clip(lead * 1.25 - 0.1, 0, 1))


def mosaic(x, y0=0, x0=0):
    c, e, z = cells(bilateral(x, 1), "tiles", 14, 7, y0, x0, rounds=1, k=4)
    gap = np.clip(blur(e, 0.7) * 1.9, 0, 1)
    c = np.clip(saturate(c, 1.45), 0, 1)
    c = np.clip((c - 0.5) * 1.1 + 0.53, 0, 1) * (1 + 0.13 * pattern.TILE_HASH[z, :1]) + 0.03 * pattern.TILE_HASH[z]
    c = c * (0.45 + 0.55 * lines(contrast(lum(x)), 1.0, 18, 0.24, 7))[..., None]
    rim = cv2.Sobel(blur(e, 1.0), -1, 0, 1, borderType=REF) + cv2.Sobel(blur(e, 1.0), -1, 1, 0, borderType=REF)
    return mix(np.clip(c + 0.10 * np.clip(-rim, -0.6, 1)[..., None], 0, 1), rgb(0.24, 0.21, 0.19), gap)


def pointillism(x, y0=0, x0=0):
    h, w = x.shape[:2]
    cy, cx, z, r = pattern.dots(h, w, y0, x0)
    s = np.clip(saturate(x + 1.2 * (blur(x, 1.2) - blur(x, 5)), 1.7), 0, 1)
    c = cv2.remap(blur(s, 1.4), cx.astype(f32) - 0.5, cy.astype(f32) - 0.5, cv2.INTER_LINEAR, borderMode=REF)
    amp = 0.08 + 0.09 * (1 - np.abs(2 * lum(c) - 1))[..., None]
    c = np.clip(c * 1.04 + 0.03 + amp * z[..., :3], 0, 1) * (1.07 - 0.2 * np.clip(r, 0, 1) ** 3)[..., None]
    return mix(c, rgb(0.95, 0.91, 0.82), smooth(0.88, 1.06, r))


def oil(x, y0=0, x0=0):
    k = kuwahara(bilateral(x, 1), 6)
    tx, ty, _ = tangents(lum(k), 1.0, 4.0)
    k = along(k, tx, ty, 4)
    hair = along(pattern.at("grain", *x.shape[:2], y0, x0), tx, ty, 6)
    bump = 0.10 * hair + 1.2 * lum(k)
    light = cv2.Sobel(bump, -1, 1, 0, borderType=REF) + cv2.Sobel(bump, -1, 0, 1, borderType=REF)
    k = saturate(k, 1.5)
    return (k - 0.5) * 1.12 + 0.5 + np.clip(0.11 * light, -0.14, 0.16)[..., None]


def impression(x, y0=0, x0=0):
    h, w = x.shape[:2]
    L = lum(x)
    tx, ty, a = tangents(L, 1.5, 6.0)
    th = 0.5 + 0.9 * pattern.at("swirl", h, w, y0, x0)
    fx, fy = np.cos(th), np.sin(th)
    s = np.where(tx * fx + ty * fy < 0, -1, 1)
    keep = np.clip(a * 3.0, 0, 1)
    dx, dy = tx * s * keep + fx * (1 - keep), ty * s * keep + fy * (1 - keep)
    n = np.hypot(dx, dy) + 1e-4
    dx, dy = (dx / n).astype(f32), (dy / n).astype(f32)
    dab = along(np.stack([pattern.at(n, h, w, y0, x0) for n in ("bristle_a", "bristle_b", "bristle_c")], -1), dx, dy, 8, 1.4)
    dab = np.tanh(dab * 1.9)
    c = along(saturate(kuwahara(x, 5), 1.75), dx, dy, 6, 1.3)
    own = 0.4 + 1.2 * np.sqrt(np.clip(lum(c) * (1 - lum(c)), 0, 1))[..., None]
    c = c + own * (0.055 * dab[..., :1] + 0.055 * dab[..., 1:2] * rgb(1.2, 0.25, -1.3) + 0.045 * dab[..., 2:] * rgb(-0.8, 0.9, 0.2))
    rel = cv2.Sobel(dab[..., 0], -1, 1, 0, borderType=REF) + cv2.Sobel(dab[..., 0], -1, 0, 1, borderType=REF)
    return (c - 0.5) * 1.12 + 0.53 + np.clip(0.022 * rel, -0.09, 0.09)[..., None]


def watercolor(x, y0=0, x0=0):
    h, w = x.shape[:2]
    gr, cl = pattern.at("grain", h, w, y0, x0), pattern.at("cloud", h, w, y0, x0)
    k = kuwahara(bilateral(x, 2, 9, 0.16, 7), 5)
    L = lum(k)
    q = steps(np.clip(L, 0, 1), 5, 3.0)
    k = np.clip(k * ((0.45 * L + 0.55 * q + 0.03) / (L + 0.03))[..., None] * 1.12 + 0.05, 0, 1)
    pig = 1 - np.clip(saturate(k, 1.45), 0, 1)
    pig = pig * (0.84 + 0.030 * cl)[..., None]
    rim = np.clip(blur(L, 2.5) - L, 0, 1) + 0.6 * np.clip(edges(k, 1.0), 0, 0.4)
    pig = pig * (1 + 1.5 * rim)[..., None] * (1 + 0.055 * gr)[..., None]
    white = smooth(0.72, 1.0, blur(lum(k), 2) + 0.01 * cl)
    out = 1 - np.clip(pig, 0, 1) * (1 - 0.7 * white)[..., None]
    return out * rgb(1.0, 0.992, 0.97) + 0.012 * gr[..., None]


def pencil(x, y0=0, x0=0):
    h, w = x.shape[:2]
    L = contrast(bilateral(lum(x), 1))
    d = np.clip((L + 0.02) / (blur(L, 6) + 0.02), 0, 1.05)
    line = np.clip((d - 0.62) / 0.36, 0, 1) ** 1.15
    line = np.minimum(line, lines(L, 1.0, 20, 0.22, 6) * 0.6 + 0.4)
    dark = np.clip(0.92 - L, 0, 1)
    ha, hb = (pattern.at(n, h, w, y0, x0) for n in ("hatch_a", "hatch_b"))
    tone = 0.55 * smooth(0.15, 0.9, dark) * np.clip(0.62 + 0.36 * ha, 0, 1.3)
    tone += 0.42 * smooth(0.5, 0.95, dark) * np.clip(0.6 + 0.4 * hb, 0, 1.3)
    g = (1 - np.clip(tone, 0, 0.93)) * (0.25 + 0.75 * line)
    return np.clip(g, 0.07, 1)[..., None] * rgb(0.985, 0.975, 0.955) + rgb(0.0, 0.004, 0.012)


def crayon(x, y0=0, x0=0):
    h, w = x.shape[:2]
    k = saturate(kuwahara(x, 4), 1.7)
    ha, gr = pattern.at("hatch_a", h, w, y0, x0), pattern.at("grain", h, w, y0, x0)
    wax = smooth(-0.9, 0.5, 0.8 * ha + 0.35 * gr + 2.3 * np.clip(0.8 - lum(k), 0, 1) + 2.0 * edges(k, 1.2) - 0.15)
    k = np.clip(k * 1.05 + 0.05, 0, 1) * (1 + 0.05 * ha[..., None])
    return mix(rgb(0.965, 0.945, 0.90), k, 0.12 + 0.88 * wax)


def ink(x, y0=0, x0=0):
    h, w = x.shape[:2]
    L = contrast(bilateral(lum(x), 2, 7, 0.12, 5))
    cl, gr = pattern.at("cloud", h, w, y0, x0), pattern.at("grain", h, w, y0, x0)
    M = blur(lum(kuwahara(bilateral(x, 2), 5)), 0.8); M = blur(contrast(M), 0.6) + 0.006 * cl
    line = lines(L, 1.1, 22, 0.34, 9)
    tx, ty, _ = tangents(L, 1.0, 3.0)
    line = along(line, tx, ty, 3, 1.0)
    line = smooth(0.25, 0.75, line)
    wash = 0.92 - 0.20 * smooth(0.56, 0.42, M) - 0.24 * smooth(0.42, 0.28, M) - 0.36 * smooth(0.26, 0.16, M)
    wash = wash + 0.07 * smooth(0.55, 0.75, M) + 0.02 * cl * smooth(0.6, 0.3, M)
    g = np.clip(wash, 0.05, 1) * (0.05 + 0.95 * line)
    return g[..., None] * rgb(0.99, 0.965, 0.91) + rgb(0.02, 0.02, 0.035) + 0.010 * gr[..., None]


def engraving(x, y0=0, x0=0):
    h, w = x.shape[:2]
    L = contrast(bilateral(lum(x), 1, 7, 0.1, 4), 0.0, 1.0)
    L = np.clip((L - 0.08) / 0.84, 0, 1)
    li, cr = pattern.at("line", h, w, y0, x0), pattern.at("cross", h, w, y0, x0)
    a = smooth(-0.24, 0.24, li * 0.9 + (L * 2.3 - 1.15))
    b = smooth(-0.24, 0.24, cr * 0.9 + (L * 3.4 - 0.45))
    o = lines(L, 0.9, 18, 0.30, 7)
    g = np.minimum(np.minimum(a, b), 0.15 + 0.85 * o)
    return mix(rgb(0.13, 0.10, 0.09), rgb(0.965, 0.93, 0.84), g)


def comic(x, y0=0, x0=0):
    h, w = x.shape[:2]
    k = bilateral(x, 3, 7, 0.16, 5)
    L = lum(k)
    q = steps(np.clip(contrast(L), 0, 1), 4, 6.0)
    c = np.clip(saturate(k * ((0.25 * L + 0.75 * q + 0.06) / (L + 0.06))[..., None], 1.75), 0, 1)
    sc = pattern.at("screen", h, w, y0, x0)
    dot = smooth(-0.12, 0.12, sc * 0.62 + 0.62 - L * 2.0) * smooth(0.10, 0.22, L)
    c = c * (1 - 0.30 * dot)[..., None] + 0.05
    return c * np.minimum(lines(contrast(L), 1.0, 20, 0.27, 9), 1)[..., None]


def anime(x, y0=0, x0=0):
    k = bilateral(x, 4, 9, 0.13, 5)
    k = kuwahara(k, 3)
    L = lum(k)
    q = steps(np.clip(L, 0, 1), 6, 5.0)
    c = k * ((0.3 * L + 0.7 * q + 0.05) / (L + 0.05))[..., None]
    c = np.clip(saturate(c, 1.45) * 1.10 + 0.045, 0, 1) ** 0.9
    c = mix(c, c * rgb(0.82, 0.88, 1.12) + rgb(0.02, 0.02, 0.07), smooth(0.42, 0.15, L))
    glow = blur(np.clip(c - 0.72, 0, 1), 5)
    line = lines(contrast(blur(L, 0.6)), 0.9, 16, 0.24, 7)
    return np.clip(c + 0.9 * glow, 0, 1) * (0.22 + 0.78 * line)[..., None] + (1 - line)[..., None] * rgb(0.05, 0.02, 0.04)


def popart(x, y0=0, x0=0):
    h, w = x.shape[:2]
    L = contrast(bilateral(lum(x), 3, 9, 0.15, 6))
    c = palette(L, [(0.09, 0.04, 0.36), (0.88, 0.05, 0.42), (1.0, 0.42, 0.10), (1.0, 0.87, 0.16), (0.99, 0.98, 0.90)],
                [0.20, 0.38, 0.57, 0.78], 55)
    sc = pattern.at("screen", h, w, y0, x0)
    dot = smooth(-0.14, 0.14, sc * 0.7 + 0.05 - np.abs(L - 0.60) * 6)
    c = mix(c, rgb(0.10, 0.62, 0.80), dot * 0.85)
    return c * (0.06 + 0.94 * lines(L, 1.2, 20, 0.27, 9))[..., None]


def neon(x, y0=0, x0=0):
    h, w = x.shape[:2]
    k = bilateral(x, 2, 7, 0.12, 4)
    L = lum(k)
    e = np.clip((edges(k, 0.9) - 0.012) * 7.5, 0, 1.3)
    t = np.clip(0.5 + 0.9 * (blur(L, 7) - 0.45) + 0.22 * pattern.at("swirl", h, w, y0, x0), 0, 1)
    hue = palette(t, [(0.10, 0.95, 1.0), (0.45, 0.35, 1.0), (1.0, 0.15, 0.75), (1.0, 0.72, 0.20)], [0.30, 0.52, 0.76], 14)
    own = np.clip(saturate(blur(k, 2.0), 3.0), 0, 1)
    hue = np.clip(0.72 * hue + 0.38 * own, 0, 1)
    tube = e[..., None] * hue
    core = np.clip(e - 0.55, 0, 1)[..., None]
    base = L[..., None] * rgb(0.13, 0.08, 0.27) + rgb(0.018, 0.005, 0.05)
    return 1 - (1 - np.clip(base, 0, 1)) * (1 - np.clip(tube + core * 0.7, 0, 1)) * (1 - np.clip(blur(tube, 4.5) * 0.95, 0, 1))


def candy(x, y0=0, x0=0):
    h, w = x.shape[:2]
    k = bilateral(x, 2, 9, 0.14, 6)
    L = blur(contrast(lum(kuwahara(k, 6))), 2.0)
    sw = pattern.at("swirl", h, w, y0, x0)
    u = L + 0.05 * sw
    cols = [(0.20, 0.04, 0.16), (0.80, 0.08, 0.20), (0.98, 0.42, 0.44), (1.0, 0.83, 0.62), (0.42, 0.80, 0.84), (0.10, 0.52, 0.68),
            (0.96, 0.66, 0.20), (1.0, 0.94, 0.80)]
    kn = [0.17, 0.29, 0.40, 0.50, 0.60, 0.70, 0.80]
    c = palette(u, cols, kn, 48)
    own = np.clip(saturate(k, 2.2), 0, 1)
    c = mix(c, own, f32(0.25)) + 0.9 * np.clip(lum(k) - blur(lum(k), 4), -0.25, 0.25)[..., None]
    ridge = np.zeros((h, w), f32)
    for n in kn:
        ridge += np.exp(-((u - n - 0.012) / 0.014) ** 2)
    g = cv2.Sobel(u, -1, 1, 0, borderType=REF) + cv2.Sobel(u, -1, 0, 1, borderType=REF)
    c = c + (0.10 * ridge + np.clip(0.9 * g, -0.12, 0.16))[..., None]
    return c * (0.10 + 0.90 * lines(contrast(lum(k)), 1.3, 18, 0.25, 8))[..., None]


def abstract(x, y0=0, x0=0):
    h, w = x.shape[:2]
    i, d, pts, ids = pattern.nearest("glass", h, w, y0, x0, 2)
    z = pattern.GLASS_HASH[ids[i[..., 0]]]
    k = kuwahara(bilateral(x, 1), 5)
    yy, xx = np.mgrid[0:h, 0:w].astype(f32)
    p = pts[i[..., 0]]
    ramp = ((yy - p[..., 0]) * np.sin(3 * z[..., 1]) + (xx - p[..., 1]) * np.cos(3 * z[..., 1])) / 14
    L = contrast(lum(k)) + 0.09 * z[..., 0] + 0.15 * ramp
    c = palette(L, [(0.10, 0.09, 0.14), (0.24, 0.27, 0.42), (0.55, 0.33, 0.20), (0.82, 0.58, 0.28), (0.90, 0.80, 0.58), (0.97, 0.94, 0.86)],
                [0.20, 0.36, 0.50, 0.64, 0.80], 22)
    c = mix(c, np.clip(saturate(k, 1.6), 0, 1) * (1 + 0.3 * ramp)[..., None], f32(0.42))
    rim = smooth(1.3, 0.2, (d[..., 1] - d[..., 0]) * 0.5)
    return mix(c, rgb(0.09, 0.07, 0.09), np.maximum(rim * 0.55, 0.9 * (1 - lines(contrast(lum(k)), 1.2, 18, 0.25, 8))))


def pixel(x, y0=0, x0=0):
    h, w = x.shape[:2]
    oy, ox = (-y0) % 8, (-x0) % 8
    b = np.pad(x, ((8 - oy if oy else 0, 16), (8 - ox if ox else 0, 16), (0, 0)), "reflect")
    hh, ww = b.shape[0] // 8 * 8, b.shape[1] // 8 * 8
    s = cv2.resize(b[:hh, :ww], (ww // 8, hh // 8), interpolation=cv2.INTER_AREA)
    s = np.clip((saturate(s, 1.55) - 0.5) * 1.2 + 0.5, 0, 1)
    s = np.stack([steps(s[..., c], 5, 3.0) for c in range(3)], -1)
    o = np.repeat(np.repeat(s, 8, 0), 8, 1)[8 - oy if oy else 0:, 8 - ox if ox else 0:][:h, :w]
    return o * (1.03 - 0.13 * smooth(0.75, 1.0, pattern.at("block", h, w, y0, x0)))[..., None]


def blueprint(x, y0=0, x0=0):
    h, w = x.shape[:2]
    L = lum(bilateral(x, 2, 7, 0.1, 4))
    e = np.clip((edges(x, 0.8) - 0.008) * 6.5, 0, 1) * 0.6 + 0.55 * (1 - lines(contrast(L), 0.9, 20, 0.26, 9))
    base = rgb(0.05, 0.21, 0.50) * (0.72 + 0.55 * blur(L, 2.5))[..., None] + 0.008 * pattern.at("grain", h, w, y0, x0)[..., None]
    base = mix(base, rgb(0.45, 0.66, 0.92), 0.28 * pattern.at("rule", h, w, y0, x0))
    hatch = smooth(0.3, 1.2, pattern.at("hatch_a", h, w, y0, x0)) * smooth(0.42, 0.15, L)
    base = mix(base, rgb(0.55, 0.75, 0.97), 0.35 * hatch)
    return mix(base, rgb(0.93, 0.97, 1.0), np.clip(e, 0, 1))


STYLES = dict(glass=glass, mosaic=mosaic, pointillism=pointillism, oil=oil, impression=impression, watercolor=watercolor, pencil=pencil,
              crayon=crayon, ink=ink, engraving=engraving, comic=comic, anime=anime, popart=popart, neon=neon, candy=candy,
              abstract=abstract, pixel=pixel, blueprint=blueprint)


def apply(style, x, y0=0, x0=0):
    """`style` of x, clipped to 0..1."""
    return np.clip(STYLES[style](x, y0, x0), 0, 1).astype(f32)
