"""Trains `mini-upscale`: a picture at twice its size, sharper than by a filter.

    python upscale.py DATA RUN [--steps 12000] [--export OUT.onnx]

Learns on DATA/pictures made half as large in three ways, some of them with a little noise or JPEG's traces, which it
learns to leave out. DATA/held_out tells how it does beside bicubic enlargement. Goes on from RUN/upscale.pt when started again.
"""
import argparse
import copy
import glob
import json
import os
import time

import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from export import halve
from muon import Muon

WIDTH, BLOCKS, CROP, BATCH = 32, 4, 40, 16


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.b.weight.data.mul_(0.2)

    def forward(self, x):
        return x + self.b(F.leaky_relu(self.a(x), 0.1))


class Upscale(nn.Module):
    """Convolutions at the small size tell what to add to the picture enlarged bilinearly."""

    def __init__(self):
        super().__init__()
        self.start = nn.Conv2d(3, WIDTH, 5, padding=2)
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.end = nn.Conv2d(WIDTH, 12, 3, padding=1)
        nn.init.zeros_(self.end.weight), nn.init.zeros_(self.end.bias)

    def forward(self, image):
        y = F.leaky_relu(self.start(image - 0.5), 0.1)
        added = F.pixel_shuffle(self.end(self.blocks(y)), 2)
        return (F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False) + added).clamp(0, 1)


def smaller(x, rng):
    """x at half its size, in one of three ways."""
    how = rng.randint(3)
    if how == 2:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.5, 0.9))
    size = (x.shape[1] // 2, x.shape[0] // 2)
    return np.clip(cv2.resize(x, size, interpolation=(cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_AREA)[how]), 0, 1)


def spoiled(x, rng):
    if rng.rand() < 0.25:
        x = np.clip(x + rng.randn(*x.shape) * rng.uniform(0, 0.02), 0, 1).astype(np.float32)
    if rng.rand() < 0.35:
        code = cv2.imencode(".jpg", (x[..., ::-1] * 255 + 0.5).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, rng.randint(55, 96)])[1]
        x = cv2.imdecode(code, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / 255
    return x


def pair(pictures, rng):
    p, n = pictures[rng.randint(len(pictures))], 2 * CROP + 16
    s = rng.uniform(max(0.5, n / min(p.shape[:2])), 1)
    p = cv2.resize(p, None, fx=s + 1e-3, fy=s + 1e-3, interpolation=cv2.INTER_AREA)
    y, x = rng.randint(0, p.shape[0] - n + 1), rng.randint(0, p.shape[1] - n + 1)
    large = p[y:y + n, x:x + n]
    large = large[:, ::-1] if rng.rand() < 0.5 else large
    large = np.ascontiguousarray(large[::-1] if rng.rand() < 0.2 else large)
    small = spoiled(smaller(large, rng), rng)
    return small[4:-4, 4:-4].transpose(2, 0, 1), large[8:-8, 8:-8].transpose(2, 0, 1)


@torch.no_grad()
def exam(net, pictures):
    """Mean PSNR on held-out pictures, of the network and of bicubic enlargement, 4 pixels at the edges left out."""
    psnr = lambda a, b: -10 * np.log10(((a - b)[4:-4, 4:-4] ** 2).mean())
    ours, bicubic = [], []
    for p in pictures:
        large = p[:p.shape[0] // 2 * 2, :p.shape[1] // 2 * 2]
        small = cv2.resize(large, (large.shape[1] // 2, large.shape[0] // 2), interpolation=cv2.INTER_AREA)
        seen = net(torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1)))[None])[0].numpy().transpose(1, 2, 0)
        ours.append(psnr(seen, large))
        bicubic.append(psnr(np.clip(cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), 0, 1), large))
    return float(np.mean(ours)), float(np.mean(bicubic))


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("data"), a.add_argument("run"), a.add_argument("--export")
    a.add_argument("--steps", type=int, default=12000), a.add_argument("--rate", type=float, default=2e-3)
    a.add_argument("--threads", type=int, default=1), a.add_argument("--every", type=int, default=500)
    a = a.parse_args()
    torch.set_num_threads(a.threads), cv2.setNumThreads(1)
    torch.manual_seed(1), os.makedirs(a.run, exist_ok=True)
    load = lambda d: [cv2.imread(p)[..., ::-1].astype(np.float32) / 255 for p in sorted(glob.glob(f"{a.data}/{d}/*.png"))]
    pictures, held, net = load("pictures"), load("held_out"), Upscale().to(memory_format=torch.channels_last)
    mean, opt, done, path = copy.deepcopy(net), Muon(net.parameters(), a.rate), 0, a.run + "/upscale.pt"
    if os.path.exists(path):
        s = torch.load(path, weights_only=False)
        net.load_state_dict(s["net"]), mean.load_state_dict(s["mean"]), opt.load_state_dict(s["opt"])
        done = s["done"]
    rng, total, began = np.random.RandomState(11 + done), [], time.process_time()
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.3f} M of parameters", flush=True)
    while done < a.steps:
        for g in opt.param_groups:
            g["lr"] = a.rate * min(1, (done + 1) / 100) * max(0.01, min(1, (a.steps - done) / (0.7 * a.steps)))
        small, large = (torch.from_numpy(np.stack(v)) for v in zip(*(pair(pictures, rng) for _ in range(BATCH))))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            seen = net(small.contiguous(memory_format=torch.channels_last))
        d = seen.float() - large
        loss = torch.sqrt(d.square() + 1e-5).mean() + 0.5 * (d[..., 1:] - d[..., :-1]).abs().mean() + 0.5 * (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
        opt.zero_grad(), loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0), opt.step()
        done += 1
        total.append(loss.item())
        with torch.no_grad():
            torch._foreach_lerp_(list(mean.parameters()), list(net.parameters()), 1 - min(0.999, (done + 1) / (done + 12)))
        if done % a.every == 0 or done == a.steps:
            torch.save(dict(net=net.state_dict(), mean=mean.state_dict(), opt=opt.state_dict(), done=done), path)
            ours, bicubic = exam(mean, held)
            r = dict(step=done, loss=round(float(np.mean(total)), 5), psnr=round(ours, 2), bicubic=round(bicubic, 2), cpu=round(time.process_time() - began))
            total = []
            print(json.dumps(r), flush=True)
            open(a.run + "/upscale.jsonl", "a").write(json.dumps(r) + "\n")
    if a.export:
        axes = {0: "n", 2: "h", 3: "w"}
        torch.onnx.export(mean.float(), (torch.rand(1, 3, 64, 96),), a.export, input_names=["image"], output_names=["larger"], opset_version=17,
                          dynamo=False, dynamic_axes={"image": axes, "larger": axes})
        halve(a.export)
        print(a.export, os.path.getsize(a.export), "bytes")


if __name__ == "__main__":
    main()
