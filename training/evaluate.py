"""Measures an exported `mini` on held-out pictures: PSNR and SSIM to the teacher for each style, and a sheet to look at.

    python evaluate.py FOLDER DATA SHEET.png [--settings lcm:0.4:4,ddim:0.6:4] [--pictures 6] [--threads 1]

Needs onnxruntime, not torch. Pictures are DATA/held_out, scaled to 512 wide and cut to 512x336. The column "photo" is the
untouched picture. The last row, "clean", is the empty prompt measured against the photo itself.
"""
import argparse
import glob
import json
import time

import cv2
import numpy as np
import onnxruntime
from skimage.metrics import structural_similarity

import filters
import words


class Model:
    """The folder, driven as samplers drive it (everything read from its configs)."""

    def __init__(self, folder, threads):
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
        part = lambda n: onnxruntime.InferenceSession(f"{folder}/{n}/model.onnx", o, providers=["CPUExecutionProvider"])
        self.text, self.unet, self.encoder, self.decoder = map(part, ("text_encoder", "unet", "vae_encoder", "vae_decoder"))
        vae = json.load(open(folder + "/vae_decoder/config.json"))
        s = json.load(open(folder + "/scheduler/scheduler_config.json"))
        self.channels, self.scale = vae["latent_channels"], vae["scaling_factor"]
        betas = np.linspace(s["beta_start"] ** 0.5, s["beta_end"] ** 0.5, s["num_train_timesteps"]) ** 2
        self.alphas = np.cumprod(1 - betas)
        self.vocabulary = json.load(open(folder + "/tokenizer/vocab.json"))
        merges = [tuple(m.split()) for m in open(folder + "/tokenizer/merges.txt") if not m.startswith("#version")]
        self.ranks = {m: i for i, m in enumerate(m for m in merges if len(m) == 2)}
        self.seconds = []

    def prompt(self, text):
        ids = [i for w in text.lower().replace(",", " ").split() for i in words.pieces(w, self.vocabulary, self.ranks)]
        end = self.vocabulary["<|endoftext|>"]
        ids = ([self.vocabulary["<|startoftext|>"]] + ids[:75] + [end] * 77)[:77]
        return self.text.run(["last_hidden_state"], {"input_ids": np.array([ids], np.int64)})[0]

    def paint(self, picture, text, sampler, strength, calls, seed=0):
        """img2img of a picture 0..1 [h, w, 3] in exactly so many calls."""
        rng = np.random.RandomState(seed)
        z = self.encoder.run(None, {"sample": (picture.transpose(2, 0, 1)[None] * 2 - 1).astype(np.float32)})[0][:, :self.channels] * self.scale
        rows, top = self.prompt(text), strength * 1000
        times = [max(1, round(top * (1 - j / calls)) - 1) for j in range(calls)]
        noise = rng.randn(*z.shape)
        for t, following in zip(times, times[1:] + [None]):
            a, s = self.alphas[t] ** 0.5, (1 - self.alphas[t]) ** 0.5
            x = (a * z + s * noise).astype(np.float32)
            began = time.perf_counter()
            v = self.unet.run(None, {"sample": x, "timestep": np.array(t, np.float32), "encoder_hidden_states": rows})[0]
            self.seconds.append(time.perf_counter() - began)
            z = a * x - s * v
            noise = rng.randn(*z.shape) if sampler == "lcm" else (x - a * z) / s
        y = self.decoder.run(None, {"latent_sample": (z / self.scale).astype(np.float32)})[0]
        return np.clip(y[0].transpose(1, 2, 0) * 0.5 + 0.5, 0, 1)


def marks(a, b):
    return -10 * np.log10(((a - b) ** 2).mean() + 1e-9), structural_similarity(a, b, channel_axis=2, data_range=1)


def load(path):
    x = cv2.imread(path)[..., ::-1].astype(np.float32) / 255
    x = cv2.resize(x, None, fx=512 / x.shape[1], fy=512 / x.shape[1], interpolation=cv2.INTER_AREA)
    top = max(0, (x.shape[0] - 336) // 3)
    return np.ascontiguousarray(x[top:top + x.shape[0] // 4 * 4][:336])


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("folder"), a.add_argument("data"), a.add_argument("sheet")
    a.add_argument("--settings", default="lcm:0.4:4,lcm:0.6:4,ddim:0.4:4")
    a.add_argument("--styles", default=",".join(filters.STYLES))
    a.add_argument("--pictures", type=int, default=6)
    a.add_argument("--threads", type=int, default=1)
    a = a.parse_args()
    settings = [(s, float(x), int(n)) for s, x, n in (t.split(":") for t in a.settings.split(","))]
    model, pictures = Model(a.folder, a.threads), [load(p) for p in sorted(glob.glob(a.data + "/held_out/*.png"))[:a.pictures]]
    print("| style | photo | " + " | ".join(f"{s} {x} in {n}" for s, x, n in settings) + " |\n|" + "---|" * (len(settings) + 2))
    rows, cell = [], lambda r: f"{np.mean([m[0] for m in r]):.1f} / {np.mean([m[1] for m in r]):.2f}"
    for style in a.styles.split(",") + [""]:
        word = words.STYLES[style].split()[0] if style else ""
        aims = [filters.apply(style, p) if style else p for p in pictures]
        found = [[model.paint(p, word, *s) for p in pictures] for s in settings]
        cells = [cell([marks(p, q) for p, q in zip(pictures, aims)])] + [cell([marks(p, q) for p, q in zip(f, aims)]) for f in found]
        print(f"| {style or 'clean'} | " + " | ".join(cells) + " |", flush=True)
        k = len(rows) % len(pictures)
        rows.append(np.hstack([pictures[k], aims[k]] + [f[k] for f in found]))
    width = max(r.shape[1] for r in rows)
    cv2.imwrite(a.sheet, (np.vstack([np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0))) for r in rows])[..., ::-1] * 255 + 0.5).astype(np.uint8))
    print(f"a call of the network, median: {np.median(model.seconds) * 1000:.0f} ms at 512 x 336")


if __name__ == "__main__":
    main()
