"""Trains `mini-depth`: a picture to relative inverse depth (larger is nearer), fully convolutional, below 1 MB.

    python depth.py DATA RUN --teacher TEACHER.onnx [--steps 11000] [--export OUT.onnx]

The teacher takes `image` [n, 3, h, w] 0..1 (sides multiples of 32) and gives inverse depth of the same size; it runs beside the
training, so every step has new pictures: DATA/pictures, cropped, turned a little, graded, with parts of others and DATA/things set
before them (the teacher tells what depth that has), which makes thousands of scenes of few. Goes on from RUN/depth.pt when started again.
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
import onnx
import onnxruntime
import torch
import torch.nn as nn
import torch.nn.functional as F

from brushes import lum
from export import halve
from muon import Muon
from prepare import jitter

WIDTHS = (24, 48, 96, 192)
# What the teacher's stages make (here TCMonoDepth's), as wide as the student's.
HINTS = [f"/m/encoder/stage{s}/features.{n}/Concat_output_0" for s, n in ((1, 3), (2, 11), (3, 15))] + [
    f"/m/decoder/decoder{i}/last_conv/last_conv.2/Relu_output_0" for i in (3, 2, 1)]
SIZES = ((160, 224, 6),) * 3 + ((256, 384, 2),)  # height, width and how many at a time


class Norm(nn.Module):
    def __init__(self, ch):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, ch, 1, 1))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-3) * self.gain


class Wide(nn.Module):
    """Residual block: a depthwise convolution looks around, two pointwise ones think."""

    def __init__(self, ch, k):
        super().__init__()
        self.norm, self.look = Norm(ch), nn.Conv2d(ch, ch, k, padding=k // 2, groups=ch)
        self.a, self.b = nn.Conv2d(ch, ch, 1), nn.Conv2d(ch, ch, 1)
        self.b.weight.data.mul_(0.3)

    def forward(self, x):
        return x + self.b(F.leaky_relu(self.a(self.look(self.norm(x))), 0.1))


class Shrink(nn.Sequential):
    """To half the size."""

    def __init__(self, ins, outs):
        super().__init__(nn.Conv2d(ins, ins, 3, stride=2, padding=1, groups=ins), nn.Conv2d(ins, outs, 1))


class Depth(nn.Module):
    def __init__(self):
        super().__init__()
        w = WIDTHS
        self.start = nn.Conv2d(3, w[0], 3, stride=2, padding=1)
        self.shrink = nn.ModuleList(Shrink(w[i], w[i + 1]) for i in range(3))
        stage = lambda ch, *sizes: nn.Sequential(*(Wide(ch, k) for k in sizes))
        self.down = nn.ModuleList([stage(w[1], 3, 3, 3), stage(w[2], 3, 5, 3, 5, 3), stage(w[3], 5, 7, 5)])
        self.grow = nn.ModuleList(nn.Conv2d(w[i + 1], w[i], 1) for i in range(3))
        self.up = nn.ModuleList([stage(w[0], 3), stage(w[1], 3, 3), stage(w[2], 5, 3)])
        self.end = nn.Conv2d(w[0], 4, 3, padding=1)
        nn.init.constant_(self.end.bias, 0.54)  # depths are about 1

    def thoughts(self, image, told=(), lead=0.0):
        """(what each stage makes, on the way down and up again; the depth). With the chance `lead` a stage goes on from what the
        teacher's stage before has `told` in the place of its own: so all of them learn at once."""
        seen = []

        def stage(y):
            seen.append(F.relu(y))
            return told[len(seen) - 1] if random.random() < lead else seen[-1]

        y = F.leaky_relu(self.start(image * 4 - 2), 0.1)
        skips = []
        for shrink, down in zip(self.shrink, self.down):
            skips.append(y)
            y = stage(down(shrink(y)))
        for i in (2, 1, 0):
            y = F.interpolate(self.grow[i](y), size=skips[i].shape[2:], mode="bilinear", align_corners=False)
            y = stage(self.up[i](y + skips[i]))
        return seen, F.softplus(F.pixel_shuffle(self.end(y), 2))[:, :, :image.shape[2], :image.shape[3]]

    def forward(self, image):
        return self.thoughts(image)[1]


class Teacher:
    """Depths of the teacher, and what its stages make, each brought to about unit size."""

    def __init__(self, path, pictures):
        m = onnx.load(path)
        missing = set(HINTS) - {o for n in m.graph.node for o in n.output}
        if missing:
            raise SystemExit(f"{path} is not the teacher that HINTS and WIDTHS in depth.py were written for: it has no {sorted(missing)[0]}")
        m.graph.output.extend(onnx.helper.make_empty_tensor_value_info(h) for h in HINTS)
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads = 1
        self.run = onnxruntime.InferenceSession(m.SerializeToString(), o, providers=["CPUExecutionProvider"]).run
        self.sizes = [1.0] * (1 + len(HINTS))
        depth, hints = self.thoughts(pictures)
        self.sizes = [float(depth.mean())] + [float(h.std()) for h in hints]

    def __call__(self, x):
        return self.run(["inverse_depth"], {"image": x})[0] / self.sizes[0]

    def thoughts(self, x):
        depth, *hints = (torch.from_numpy(v / s) for v, s in zip(self.run(["inverse_depth"] + HINTS, {"image": x}), self.sizes))
        return depth, [h.contiguous(memory_format=torch.channels_last) for h in hints]


def apart(seen, told):
    """How far the student's stages are from the teacher's: learning to think as it does is quicker than learning to answer as it does."""
    return sum((a.float() - b).abs().mean() / b.abs().mean() for a, b in zip(seen, told)) / len(seen)


def view(im, size, rng):
    """A picture of `size`, seen anew: zoomed, turned, mirrored."""
    h, w = size
    s = max(h / im.shape[0], w / im.shape[1]) * np.exp(rng.uniform(0, 0.9))
    m = cv2.getRotationMatrix2D((im.shape[1] / 2, im.shape[0] / 2), rng.normal(0, 3), s * 1.04)
    slack = np.maximum(0, np.array([im.shape[1] * s - w, im.shape[0] * s - h]) / 2)
    m[:, 2] += np.array([w, h]) / 2 - np.array([im.shape[1], im.shape[0]]) / 2 + rng.uniform(-1, 1, 2) * slack
    v = cv2.warpAffine(im, m, (w, h), flags=cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return v[:, ::-1] if rng.rand() < 0.5 else v


def before(x, things, rng):
    """The picture with a thing set before it, the larger the lower."""
    thing, (h, w) = things[rng.randint(len(things))], x.shape[:2]
    thing = thing[:, ::-1] if rng.rand() < 0.5 else thing
    s = h * np.exp(rng.uniform(-1.4, 0.1)) / thing.shape[0]
    thing = cv2.resize(np.ascontiguousarray(thing), None, fx=s, fy=s, interpolation=cv2.INTER_AREA if s < 1 else cv2.INTER_LINEAR)
    n, m = thing.shape[:2]
    foot = h * min(1.15, 0.55 + 0.5 * n / h + rng.normal(0, 0.08))
    to = np.float64([[1, 0, rng.uniform(-m / 2, w - m / 2)], [0, 1, foot - n]])
    over = cv2.warpAffine(thing, to, (w, h), borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))
    return np.clip(x * (1 - over[..., 3:]) + over[..., :3], 0, 1)


def scene(pictures, things, size, rng):
    x = view(pictures[rng.randint(len(pictures))], size, rng)
    if rng.rand() < 0.25:  # the lower or middle part of another before it
        y = view(pictures[rng.randint(len(pictures))], size, rng)
        (h, w), u = size, rng.uniform
        yy, xx = np.mgrid[0:h, 0:w]
        d = ((xx - u(0, w)) / (w * u(0.1, 0.4))) ** 2 + ((yy - u(0.35, 1) * h) / (h * u(0.15, 0.6))) ** 2
        x = np.where((d < 1)[..., None], y, x)
    if things and rng.rand() < 0.35:
        for _ in range(rng.randint(1, 4)):
            x = before(x, things, rng)
    x = jitter(np.ascontiguousarray(x), rng) if rng.rand() < 0.85 else x
    if rng.rand() < 0.1:
        x = np.repeat(lum(x)[..., None], 3, 2)
    return x.astype(np.float32)


def losses(seen, aim):
    """Differences, absolute and squared, as they are and after the best scale and shift of each picture, and slopes at four sizes."""
    n = len(seen)
    q = aim.reshape(n, -1)
    spread = q.std(1).view(n, 1, 1, 1) + 0.1
    p = seen.detach().reshape(n, -1)
    mp, mq = p.mean(1, keepdim=True), q.mean(1, keepdim=True)
    scale = ((p - mp) * (q - mq)).sum(1, keepdim=True) / ((p - mp).square().sum(1, keepdim=True) + 0.01 * p.shape[1])
    scale = scale.clamp(0.5, 2).view(n, 1, 1, 1)
    fit = (seen - mp.view(n, 1, 1, 1)) * scale + mq.view(n, 1, 1, 1)
    a, b = seen / spread, aim / spread
    both = lambda d: d.abs().mean() + 0.5 * d.square().mean()
    total = both(a - b) + both(fit / spread - b)
    for _ in range(4):
        d = a - b
        total = total + 0.3 * ((d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean())
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    return total


def rank(a):
    return np.argsort(np.argsort(a.ravel(), kind="stable"), kind="stable").astype(np.float64)


def correlation(a, b):
    """Spearman's."""
    return float(np.corrcoef(rank(a), rank(b))[0, 1])


@torch.no_grad()
def exam(net, teacher, pictures, sheet):
    """Rank correlation with the teacher on whole held-out pictures."""
    marks, rows = [], []
    for im in pictures:
        x = cv2.resize(im, (384, 256) if im.shape[1] > im.shape[0] else (256, 384), interpolation=cv2.INTER_AREA)
        t = torch.from_numpy(np.ascontiguousarray(x.transpose(2, 0, 1)))[None]
        want, got = teacher(t.numpy())[0, 0], net(t)[0, 0].numpy()
        marks.append(correlation(got, want))
        show = lambda d: np.repeat(((d - d.min()) / (np.ptp(d) + 1e-6))[..., None], 3, 2)
        rows.append(cv2.resize(np.hstack([x, show(want), show(got)]), (1152, 256)))
    cv2.imwrite(sheet, (np.vstack(rows)[..., ::-1] * 255 + 0.5).astype(np.uint8))
    return marks


def cutout(path):
    """A thing [h, w, 4]: its colours times what they cover, and that."""
    thing = cv2.imread(path, cv2.IMREAD_UNCHANGED).astype(np.float32) / 255
    return np.dstack([thing[..., 2::-1] * thing[..., 3:], thing[..., 3]])


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("data"), a.add_argument("run"), a.add_argument("--teacher", required=True), a.add_argument("--export")
    a.add_argument("--steps", type=int, default=11000)
    a.add_argument("--rate", type=float, default=3e-3), a.add_argument("--threads", type=int, default=1)
    a.add_argument("--every", type=int, default=500)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1), random.seed(1), os.makedirs(a.run, exist_ok=True)
    load = lambda d: [cv2.imread(p)[..., ::-1].astype(np.float32) / 255 for p in sorted(glob.glob(f"{a.data}/{d}/*.png"))]
    things = [cutout(p) for p in sorted(glob.glob(a.data + "/things/*.png"))]
    pictures, held, net = load("pictures"), load("held_out"), Depth().to(memory_format=torch.channels_last)
    pictures = [cv2.resize(p, None, fx=640 / max(p.shape), fy=640 / max(p.shape), interpolation=cv2.INTER_AREA) for p in pictures]
    first = np.stack([view(p, SIZES[0][:2], np.random.RandomState(5)).transpose(2, 0, 1) for p in pictures[::3]])
    teacher = Teacher(a.teacher, np.ascontiguousarray(first))
    mean, opt, done, path = copy.deepcopy(net), Muon(net.parameters(), a.rate), 0, a.run + "/depth.pt"
    if os.path.exists(path):
        s = torch.load(path, weights_only=False)
        net.load_state_dict(s["net"]), mean.load_state_dict(s["mean"]), opt.load_state_dict(s["opt"])
        done = s["done"]
    rng, total, saved = np.random.RandomState(7 + done), [], time.time()
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.3f} M of parameters", flush=True)
    while done < a.steps:
        for g in opt.param_groups:
            g["lr"] = a.rate * min(1, (done + 1) / 200) * max(0.01, min(1, (a.steps - done) / (0.6 * a.steps)))
        *size, batch = SIZES[rng.randint(len(SIZES))]
        x = np.ascontiguousarray(np.stack([scene(pictures, things, size, rng).transpose(2, 0, 1) for _ in range(batch)]))
        aim, told = teacher.thoughts(x)
        lead = max(0.0, 0.8 - 3 * done / a.steps)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            seen, answer = net.thoughts(torch.from_numpy(x).contiguous(memory_format=torch.channels_last), told, lead)
        far = apart(seen, told)
        loss = losses(answer.float(), aim) + (3 - 2.5 * done / a.steps) * far
        opt.zero_grad(), loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0), opt.step()
        done += 1
        total.append((loss.item(), far.item()))
        with torch.no_grad():
            torch._foreach_lerp_(list(mean.parameters()), list(net.parameters()), 1 - min(0.999, (done + 1) / (done + 12)))
        if done % a.every == 0 or done == a.steps or time.time() - saved > 240:
            saved = time.time()
            torch.save(dict(net=net.state_dict(), mean=mean.state_dict(), opt=opt.state_dict(), done=done), path)
        if done % a.every == 0 or done == a.steps:
            m = exam(mean, teacher, held, a.run + "/depth.png")
            r = dict(step=done, loss=[round(float(v), 3) for v in np.mean(total, 0)], rank=round(float(np.mean(m)), 4), worst=round(min(m), 4))
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
