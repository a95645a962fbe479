"""Trains `mini` on the crops of prepare.py.

    python train.py DATA RUN [--steps 18000] [--decay 0.8] [--batch 8] [--crop 128] [--threads 1]

Starts, or goes on from RUN/state.pt (saved every few minutes); RUN/log.jsonl has the curve, RUN/sheet.png what held-out
crops look like after 4 calls at strength 0.4.

The network learns on what samplers really show it. Each place in the batch is a run of 1 to 6 calls: the first sees the noised
photo, each later one what the last call made of it, noised anew (as latent consistency sampling does) or carried on (as DDIM
and Euler do). The aim is always the styled picture, so that few calls, and the first already, give the whole style; the last
calls learn to take away the grain that the first left. Two runs in three are one call long: from the photo to the style is what is
hard to learn. A young network's own pictures are mush that tells nothing of the photo: at first later calls see mixtures of photo and
aim in their place, and its own pictures come in bit by bit.
"""
import argparse
import copy
import glob
import json
import os
import random
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from muon import Muon
from net import ALPHA, SCALE, SIGMA, TILE, Text, UNet, decode, encode, parameters
from words import GRADE_ID, HOUSE, NULL, STYLE_ID, UNKNOWN, grade

NAMES = ["photo"] + list(STYLE_ID)
HARD = "glass mosaic pointillism watercolor watercolor popart neon candy abstract blueprint blueprint ink".split()
OFTEN = list(STYLE_ID) + HARD
BEGINNINGS = {(330, 760): 83, (230, 330): 7, (700, 999): 10}  # timesteps at which runs begin, and how many of a hundred


class Crops:
    """Every shard there is, looked for anew now and then."""

    def __init__(self, folder):
        self.folder, self.shards = folder, {}
        self.look()

    def look(self):
        for p in sorted(glob.glob(self.folder + "/crops/??.npy")):
            if p not in self.shards:
                self.shards[p] = np.load(p, mmap_mode="r")
        self.rows = [(p, i) for p, s in self.shards.items() for i in range(len(s))]

    def draw(self, size):
        """(function from a name to that picture as a tensor, latent row and column of the crop)."""
        p, i = random.choice(self.rows)
        y, x = (random.randrange(0, (256 - size) // 4 + 1) for _ in "yx")
        part = lambda n: torch.from_numpy(np.array(self.shards[p][i, NAMES.index(n), y * 4:y * 4 + size, x * 4:x * 4 + size])
                                          ).permute(2, 0, 1).float() / 255
        return part, y, x


def words(ids, unknown):
    """A prompt of 77 classes with weights 1, its words in any order and now and then repeated."""
    w = [i for i in ids for _ in range(random.choice((1, 1, 1, 2)))] + [UNKNOWN] * unknown + [NULL] * random.randint(0, 6)
    random.shuffle(w)
    return (w + [NULL] * 77)[:77]


def lesson(part):
    """(photo, aim, classes, weights) of one run."""
    photo = part("photo")
    r, weights, unknown = random.random(), {}, random.choice((0, 0, 0, 1, 3, 8))
    if r < 0.07:
        names, aim, unknown = [], photo, 0
    elif r < 0.10:
        names, aim, unknown = [], part(HOUSE), random.randint(1, 10)
    elif r < 0.15:
        g = random.choice(list(GRADE_ID))
        names, aim, unknown = [GRADE_ID[g]], grade(photo, g), 0
    elif r < 0.20:
        a, b = random.sample(list(STYLE_ID), 2)
        names, aim = [STYLE_ID[a], STYLE_ID[b]], (part(a) + part(b)) / 2
    else:
        s = random.choice(OFTEN)
        names, aim = [STYLE_ID[s]], part(s)
        if r < 0.27:
            w = random.uniform(0.3, 1)
            weights, unknown, aim = {STYLE_ID[s]: w}, 0, photo + (aim - photo) * w
        elif r < 0.42:
            g = random.choice(list(GRADE_ID))
            names, aim = names + [GRADE_ID[g]], grade(aim, g)
    c = words(names, unknown)
    return photo, aim, torch.tensor(c), torch.tensor([weights.get(i, 1.0) for i in c])


class Run:
    """One place of the batch: a picture on its way through a sampler's calls."""

    def __init__(self, crops, size, own):
        part, self.y, self.x = crops.draw(size)
        photo, aim, self.classes, self.weights = lesson(part)
        self.aim = encode(aim[None])[0]
        top = random.uniform(*random.choices(list(BEGINNINGS), BEGINNINGS.values())[0])
        calls = 1 if random.random() < 0.65 else random.choice((2, 3, 4, 4, 4, 6))
        self.times = [max(1, round(top * (1 - j / calls)) - 1) for j in range(calls)]
        self.fresh = random.random() < 0.55  # LCM, else DDIM
        self.own = random.random() < own  # sees what the network made, else a mixture
        self.photo = self.aim if random.random() < 0.08 else encode(photo[None])[0]  # some come back from an earlier pass
        self.noisy = self.noised(self.photo)

    def noised(self, z):
        t = self.times[0]
        return ALPHA[t] * z + SIGMA[t] * torch.randn_like(z)

    def on(self, seen):
        """Whether there is a next call, given what this one saw as the picture."""
        t, seen = self.times.pop(0), seen.clamp(-1.1 * SCALE, 1.1 * SCALE)
        if not self.own:
            seen = self.aim + (self.photo - self.aim) * random.random() ** 1.5
        if self.times and self.fresh:
            self.noisy = self.noised(seen)
        elif self.times:
            n = self.times[0]
            self.noisy = ALPHA[n] * seen + SIGMA[n] * (self.noisy - ALPHA[t] * seen) / SIGMA[t]
        return bool(self.times)


def similarity(a, b):
    """SSIM over 8x8 windows, per picture; a, b within -1..1."""
    m = lambda x: F.avg_pool2d(x, 8, 4)
    ma, mb = m(a), m(b)
    va, vb, ab = m(a * a) - ma * ma, m(b * b) - mb * mb, m(a * b) - ma * mb
    return ((2 * ma * mb + 4e-4) * (2 * ab + 3.6e-3) / ((ma * ma + mb * mb + 4e-4) * (va + vb + 3.6e-3))).mean((1, 2, 3))


def losses(seen, aim, t):
    p, q = decode(seen) * 2 - 1, decode(aim) * 2 - 1
    d = p - q
    slope = (d[..., 1:] - d[..., :-1]).abs().mean((1, 2, 3)) + (d[..., 1:, :] - d[..., :-1, :]).abs().mean((1, 2, 3))
    each = d.abs().mean((1, 2, 3)) + 0.7 * d.square().mean((1, 2, 3)) + 0.35 * slope + 0.25 * (1 - similarity(p, q))
    return each / (0.55 + 2 * SIGMA[t] / ALPHA[t] / SCALE)


def papers(unet, places, n):
    both = unet.paper()
    cut = lambda m, y, x: m[:, :, y:y + n, x:x + n]
    return [torch.cat([cut(m, y, x) for y, x in places]).contiguous(memory_format=torch.channels_last) for m in both]


def see(unet, text, noisy, times, classes, weights, places):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rows = text(classes) * weights[..., None]
        return unet(noisy.contiguous(memory_format=torch.channels_last), ALPHA[times], SIGMA[times], times.float(), rows, papers(unet, places, noisy.shape[-1]))


@torch.no_grad()
def exam(unet, text, held, sheet):
    """Mean PSNR and SSIM to the teacher on held-out crops after 4 LCM calls at strength 0.4, each style once."""
    g = torch.Generator().manual_seed(3)
    pick = [(i % len(held), n) for i, n in enumerate(NAMES)]
    img = lambda i, n: torch.from_numpy(np.array(held[i, NAMES.index(n)])).permute(2, 0, 1).float() / 255
    photo, aim = torch.stack([img(i, "photo") for i, _ in pick]), torch.stack([img(i, n) for i, n in pick])
    classes = torch.tensor([[STYLE_ID.get(n, NULL)] + [NULL] * 76 for _, n in pick])
    z = encode(photo)
    for t in (399, 299, 199, 99):
        x = ALPHA[t] * z + SIGMA[t] * torch.randn(z.shape, generator=g)
        z = see(unet, text, x, torch.full((len(pick),), t), classes, torch.ones(classes.shape), [(0, 0)] * len(pick))
    out = decode(z).clamp(0, 1)
    psnr = -10 * torch.log10((out - aim).square().mean((1, 2, 3)))
    ssim = similarity(out * 2 - 1, aim * 2 - 1)
    rows = [torch.cat([a, b, c], 2) for a, b, c in zip(photo, aim, out)] + [torch.zeros(3, 256, 768)] * (-len(pick) % 3)
    rows = torch.cat([torch.cat(rows[i:i + 3], 2) for i in range(0, len(rows), 3)], 1)
    cv2.imwrite(sheet, np.ascontiguousarray(rows.permute(1, 2, 0).numpy()[..., ::-1] * 255 + 0.5).astype(np.uint8))
    return {n: (round(float(p), 2), round(float(s), 3)) for (_, n), p, s in zip(pick, psnr, ssim)}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("data")
    a.add_argument("run")
    a.add_argument("--steps", type=int, default=18000, help="in all, those done before a restart included")
    a.add_argument("--until", type=int, help="stop at this step, in the midst of the schedule")
    a.add_argument("--decay", type=float, default=0.8, help="the last part of the steps, over which the rate falls to nothing")
    a.add_argument("--rate", type=float, default=8e-4)
    a.add_argument("--batch", type=int, default=8)
    a.add_argument("--crop", type=int, default=128)
    a.add_argument("--threads", type=int, default=1)
    a.add_argument("--compile", action="store_true", help="a sixth faster, after a minute; wants a C++ compiler")
    a.add_argument("--grown", action="store_true", help="it starts from a network that paints well: later calls see its own pictures at once")
    a.add_argument("--every", type=int, default=400, help="steps between exams")
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    os.makedirs(a.run, exist_ok=True)
    torch.manual_seed(1)
    random.seed(1)
    text, unet = Text(), UNet().to(memory_format=torch.channels_last)
    print(f"unet {parameters(unet) / 1e6:.2f} M of parameters", flush=True)
    both = list(unet.parameters()) + list(text.parameters())
    opt = Muon(both, a.rate)
    done, spent, path = 0, 0.0, a.run + "/state.pt"
    mean = [copy.deepcopy(m) for m in (unet, text)]
    if os.path.exists(path):
        s = torch.load(path, weights_only=False)
        unet.load_state_dict(s["unet"]), text.load_state_dict(s["text"])
        mean[0].load_state_dict(s["mean_unet"]), mean[1].load_state_dict(s["mean_text"])
        if "opt" in s:
            opt.load_state_dict(s["opt"])
        done, spent = s["done"], s["spent"]
        random.seed(done), torch.manual_seed(done)
    if a.compile:
        unet.trunk = torch.compile(unet.trunk)
    crops, held = Crops(a.data), np.load(a.data + "/held.npy", mmap_mode="r")
    own = lambda: 0.8 if a.grown else min(0.8, max(0.0, 2 * done / a.steps - 0.6))
    runs = [Run(crops, a.crop, own()) for _ in range(a.batch)]
    means = list(mean[0].parameters()) + list(mean[1].parameters())
    usual, total, spikes, clock, began, saved = None, [], 0, time.process_time(), time.time(), time.time()

    def save():
        s = dict(unet=unet.state_dict(), text=text.state_dict(), mean_unet=mean[0].state_dict(), mean_text=mean[1].state_dict(),
                 opt=opt.state_dict(), done=done, spent=spent + time.process_time() - clock)
        torch.save(s, path + ".part")
        os.replace(path + ".part", path)

    until = min(a.steps, a.until or a.steps)
    while done < until:
        fade = min(1.0, (a.steps - done) / max(1.0, a.decay * a.steps))
        for g in opt.param_groups:
            g["lr"] = a.rate * min(1.0, (done + 1) / 100) * max(fade, 0.01)
        times = torch.tensor([r.times[0] for r in runs])
        stack = lambda f: torch.stack([f(r) for r in runs])
        aim = stack(lambda r: r.aim)
        seen = see(unet, text, stack(lambda r: r.noisy), times, stack(lambda r: r.classes), stack(lambda r: r.weights), [(r.y, r.x) for r in runs])
        each = losses(seen, aim, times)
        loss = each.mean()
        opt.zero_grad(set_to_none=True)
        loss.backward()
        size = torch.nn.utils.clip_grad_norm_(both, 0.7)
        value = loss.item()
        if torch.isfinite(size) and (usual is None or value < 4 * usual):
            opt.step()
            usual = value if usual is None else 0.98 * usual + 0.02 * value
        else:
            spikes += 1
        done += 1
        total.append(value)
        keep = min(0.999, (done + 1) / (done + 12))
        with torch.no_grad():
            torch._foreach_lerp_(means, both, 1 - keep)
        runs = [r if r.on(s) else Run(crops, a.crop, own()) for r, s in zip(runs, seen.detach().float())]
        if done % 50 == 0:
            crops.look()
        if time.time() - saved > 240 or done == until:
            saved = time.time()
            save()
        if done % a.every == 0 or done == until or done in (50, 150):
            r = dict(step=done, loss=round(float(np.mean(total)), 4), rate=opt.param_groups[0]["lr"], spikes=spikes, crops=len(crops.rows),
                     cpu=round(spent + time.process_time() - clock), wall=round(time.time() - began))
            total = []
            marks = exam(*mean, held, a.run + "/sheet.png")
            r["psnr"], r["ssim"] = (round(float(np.mean([m[k] for m in marks.values()])), 3) for k in (0, 1))
            r["marks"] = marks
            print(json.dumps(r), flush=True)
            open(a.run + "/log.jsonl", "a").write(json.dumps(r) + "\n")


if __name__ == "__main__":
    main()
