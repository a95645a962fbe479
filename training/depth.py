"""Trains `mini-depth`: a picture to relative inverse depth (larger is nearer), fully convolutional, below 1 MB.

    python depth.py DATA RUN --teacher TEACHER.onnx [--steps 20000] [--export OUT.onnx]

The teacher takes `image` [n, 3, h, w] 0..1 (sides multiples of 32) and gives inverse depth of the same size; it runs beside the
training, so every step has new pictures: DATA/pictures, cropped, turned a little, graded, and now and then one pasted on another
(the teacher tells what depth that has), which makes thousands of scenes of few. Goes on from RUN/depth.pt when started again.
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
import onnxruntime
import torch
import torch.nn as nn
import torch.nn.functional as F

from export import halve
from prepare import jitter

WIDTHS = (16, 32, 48, 80, 104)
SIZE = (224, 320)


class Norm(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, ch, 1, 1))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-3) * self.gain


class Wide(nn.Module):
    """Residual block: a wide depthwise convolution looks around, two pointwise ones think."""

    def __init__(self, ch, k):
        super().__init__()
        self.norm, self.look = Norm(ch), nn.Conv2d(ch, ch, k, padding=k // 2, groups=ch, padding_mode="replicate")
        self.a, self.b = nn.Conv2d(ch, 2 * ch, 1), nn.Conv2d(2 * ch, ch, 1)
        self.b.weight.data.mul_(0.2)

    def forward(self, x):
        return x + self.b(F.gelu(self.a(self.look(self.norm(x))), approximate="tanh"))


class Depth(nn.Module):
    def __init__(self):
        super().__init__()
        w = WIDTHS
        self.start = nn.Conv2d(3, w[0], 3, stride=2, padding=1)
        self.shrink = nn.ModuleList(nn.Conv2d(w[i], w[i + 1], 3, stride=2, padding=1) for i in range(4))
        stage = lambda n, ch, k: nn.Sequential(*(Wide(ch, k) for _ in range(n)))
        self.down = nn.ModuleList([stage(1, w[1], 5), stage(2, w[2], 5), stage(2, w[3], 7), stage(3, w[4], 9)])
        self.grow = nn.ModuleList(nn.Conv2d(w[i + 1], w[i], 1) for i in range(4))
        self.up = nn.ModuleList([stage(1, w[0], 3), stage(1, w[1], 5), stage(1, w[2], 5), stage(1, w[3], 7)])
        self.end = nn.Conv2d(w[0], 4, 3, padding=1)

    def forward(self, image):
        y = F.leaky_relu(self.start(image * 4 - 2), 0.1)
        skips = []
        for shrink, down in zip(self.shrink, self.down):
            skips.append(y)
            y = down(F.leaky_relu(shrink(y), 0.1))
        for i in (3, 2, 1, 0):
            y = F.interpolate(self.grow[i](y), size=skips[i].shape[2:], mode="bilinear", align_corners=False)
            y = self.up[i](y + skips[i])
        return F.softplus(F.pixel_shuffle(self.end(y), 2))[:, :, :image.shape[2], :image.shape[3]]


class Teacher:
    def __init__(self, path):
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads = 1
        self.run = onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"]).run

    def __call__(self, x):
        return self.run(None, {"image": x})[0]


def view(im, rng):
    """A picture of SIZE, seen anew: zoomed, turned, mirrored."""
    h, w = SIZE
    s = max(h / im.shape[0], w / im.shape[1]) * np.exp(rng.uniform(0, 0.9))
    m = cv2.getRotationMatrix2D((im.shape[1] / 2, im.shape[0] / 2), rng.normal(0, 3), s * 1.04)
    slack = np.maximum(0, np.array([im.shape[1] * s - w, im.shape[0] * s - h]) / 2)
    m[:, 2] += np.array([w, h]) / 2 - np.array([im.shape[1], im.shape[0]]) / 2 + rng.uniform(-1, 1, 2) * slack
    v = cv2.warpAffine(im, m, (w, h), flags=cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return v[:, ::-1] if rng.rand() < 0.5 else v


def scene(pictures, rng):
    x = view(pictures[rng.randint(len(pictures))], rng)
    if rng.rand() < 0.3:  # the lower or middle part of another before it, softly cut
        y = view(pictures[rng.randint(len(pictures))], rng)
        yy, xx = np.mgrid[0:SIZE[0], 0:SIZE[1]]
        d = (xx - rng.uniform(0, SIZE[1])) ** 2 / rng.uniform(30, 130) ** 2 + (yy - rng.uniform(80, SIZE[0])) ** 2 / rng.uniform(40, 130) ** 2
        x = np.where((d < 1)[..., None], y, x)
    return (jitter(np.ascontiguousarray(x), rng) if rng.rand() < 0.8 else x).astype(np.float32)


def losses(seen, aim):
    """Absolute difference after the best scale and shift of each picture, a little without them, and slopes at four sizes."""
    n = len(seen)
    p, q = seen.reshape(n, -1), aim.reshape(n, -1)
    mp, mq = p.mean(1, keepdim=True), q.mean(1, keepdim=True)
    scale = ((p - mp) * (q - mq)).sum(1, keepdim=True) / ((p - mp).square().sum(1, keepdim=True) + 1e-4)
    fit = ((p - mp) * scale.clamp(0.1, 10) + mq).view_as(aim)
    spread = q.std(1).view(n, 1, 1, 1) + 0.05
    total, a, b = ((fit - aim).abs() / spread).mean() + 0.5 * ((seen - aim).abs() / spread).mean(), fit / spread, aim / spread
    for _ in range(4):
        d = a - b
        total = total + 0.4 * ((d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean())
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return total


def rank(a):
    return np.argsort(np.argsort(a.ravel(), kind="stable"), kind="stable").astype(np.float64)


def correlation(a, b):
    """Spearman's."""
    return float(np.corrcoef(rank(a), rank(b))[0, 1])


@torch.no_grad()
def exam(net, teacher, unit, pictures, sheet):
    """Rank correlation with the teacher on whole held-out pictures."""
    marks, rows = [], []
    for im in pictures:
        x = cv2.resize(im, (384, 256) if im.shape[1] > im.shape[0] else (256, 384), interpolation=cv2.INTER_AREA)
        t = torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)))[None]
        want, got = teacher(t.numpy())[0, 0] / unit, net(t)[0, 0].numpy()
        marks.append(correlation(got, want))
        show = lambda d: np.repeat(((d - d.min()) / (np.ptp(d) + 1e-6))[..., None], 3, 2)
        rows.append(cv2.resize(np.hstack([x, show(want), show(got)]), (1152, 256)))
    cv2.imwrite(sheet, (np.vstack(rows)[..., ::-1] * 255 + 0.5).astype(np.uint8))
    return marks


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("data"), a.add_argument("run"), a.add_argument("--teacher", required=True), a.add_argument("--export")
    a.add_argument("--steps", type=int, default=20000), a.add_argument("--batch", type=int, default=4)
    a.add_argument("--rate", type=float, default=1.5e-3), a.add_argument("--threads", type=int, default=1)
    a.add_argument("--every", type=int, default=500)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1), os.makedirs(a.run, exist_ok=True)
    load = lambda d: [cv2.imread(p)[..., ::-1].astype(np.float32) / 255 for p in sorted(glob.glob(f"{a.data}/{d}/*.png"))]
    pictures, held, teacher, net = load("pictures"), load("held_out"), Teacher(a.teacher), Depth()
    pictures = [cv2.resize(p, None, fx=640 / max(p.shape), fy=640 / max(p.shape), interpolation=cv2.INTER_AREA) for p in pictures]
    first = np.stack([view(p, np.random.RandomState(5)).transpose(2, 0, 1) for p in pictures])
    unit = float(np.mean(teacher(np.ascontiguousarray(first))))  # so that depths are about 1
    mean, opt, done, path = copy.deepcopy(net), torch.optim.AdamW(net.parameters(), lr=a.rate, weight_decay=1e-3, betas=(0.9, 0.99)), 0, a.run + "/depth.pt"
    if os.path.exists(path):
        s = torch.load(path, weights_only=False)
        net.load_state_dict(s["net"]), mean.load_state_dict(s["mean"]), opt.load_state_dict(s["opt"])
        done = s["done"]
    rng, total, saved = np.random.RandomState(7 + done), [], time.time()
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.3f} M of parameters", flush=True)
    while done < a.steps:
        for g in opt.param_groups:
            g["lr"] = a.rate * min(1, (done + 1) / 200) * max(0.01, min(1, (a.steps - done) / (0.3 * a.steps)))
        x = np.ascontiguousarray(np.stack([scene(pictures, rng).transpose(2, 0, 1) for _ in range(a.batch)]))
        aim = torch.from_numpy(teacher(x) / unit)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            seen = net(torch.from_numpy(x))
        loss = losses(seen.float(), aim)
        opt.zero_grad(), loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0), opt.step()
        done += 1
        total.append(loss.item())
        with torch.no_grad():
            torch._foreach_lerp_(list(mean.parameters()), list(net.parameters()), 1 - min(0.999, (done + 1) / (done + 12)))
        if done % a.every == 0 or done == a.steps or time.time() - saved > 240:
            saved = time.time()
            torch.save(dict(net=net.state_dict(), mean=mean.state_dict(), opt=opt.state_dict(), done=done), path)
        if done % a.every == 0 or done == a.steps:
            m = exam(mean, teacher, unit, held, a.run + "/depth.png")
            r = dict(step=done, loss=round(float(np.mean(total)), 4), rank=round(float(np.mean(m)), 4), worst=round(min(m), 4))
            total = []
            print(json.dumps(r), flush=True)
            open(a.run + "/depth.jsonl", "a").write(json.dumps(r) + "\n")
    if a.export:
        axes = {0: "n", 2: "h", 3: "w"}
        torch.onnx.export(mean, (torch.rand(1, 3, 256, 448),), a.export, input_names=["image"], output_names=["inverse_depth"], opset_version=17,
                          dynamo=False, dynamic_axes={"image": axes, "inverse_depth": axes})
        halve(a.export)
        print(a.export, os.path.getsize(a.export), "bytes")


if __name__ == "__main__":
    main()
