"""Writes a trained `mini` as a diffusers-layout ONNX folder, weights stored in half precision.

    python export.py RUN/state.pt OUT --like FOLDER

FOLDER is an earlier `mini`, for its tokenizer and the parts of its configs that stay (models/mini in the repository). The
folder can be trained on: `python export.py OUT --back RUN/state.pt` reads its weights back (optimizer state is not kept).
"""
import argparse
import json
import os
import shutil

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

import words
from net import ALPHA, C, CELL, SCALE, SIGMA, TILE, WIDTH, WIDTHS, Text, UNet


class TextPart(torch.nn.Module):
    def __init__(self, text, table):
        super().__init__()
        self.text = text
        self.register_buffer("table", torch.from_numpy(table))

    def forward(self, input_ids):
        h = self.text(self.table[input_ids].long())
        return h, h.mean(1)


class UNetPart(torch.nn.Module):
    """The network as samplers want it: timesteps in (fractions too), v out, the paper a constant."""

    def __init__(self, unet):
        super().__init__()
        self.u = unet
        with torch.no_grad():
            self.before, self.after = (torch.nn.Parameter(p.clone()) for p in unet.paper())
        self.register_buffer("alpha", ALPHA), self.register_buffer("sigma", SIGMA)

    def forward(self, sample, timestep, encoder_hidden_states):
        t = timestep.reshape(1).to(torch.float32).clamp(0, 999)
        low = t.floor()
        part, i = t - low, low.long()
        j = (i + 1).clamp(max=999)
        a, s = (m[i] * (1 - part) + m[j] * part for m in (self.alpha, self.sigma))
        h, w = sample.shape[2], sample.shape[3]
        n, m = (h + TILE - 1) // TILE, (w + TILE - 1) // TILE
        paper = [p.repeat(1, 1, n, m)[:, :, :h, :w] for p in (self.before, self.after)]
        picture = self.u(sample, a, s, t, encoder_hidden_states, paper)
        return (a.view(-1, 1, 1, 1) * sample - picture) / s.view(-1, 1, 1, 1).clamp(min=0.02)


class Encoder(torch.nn.Module):
    def forward(self, x):
        m = torch.nn.functional.pixel_unshuffle(x, CELL)
        return torch.cat([m, torch.zeros_like(m) - 30.0], 1)


class Decoder(torch.nn.Module):
    def forward(self, z):
        return torch.nn.functional.pixel_shuffle(z, CELL).clamp(-1, 1)


def halve(path):
    """Stores every larger constant as float16, cast to float32 when the network is loaded."""
    m = onnx.load(path)
    g, casts = m.graph, []
    for i in list(g.initializer):
        if i.data_type == TensorProto.FLOAT and np.prod(i.dims) >= 256 and i.name not in ("alpha", "sigma"):
            v = numpy_helper.to_array(i).astype(np.float16)
            g.initializer.remove(i)
            g.initializer.append(numpy_helper.from_array(v, i.name + "_half"))
            casts.append(helper.make_node("Cast", [i.name + "_half"], [i.name], to=TensorProto.FLOAT))
    for c in reversed(casts):
        g.node.insert(0, c)
    onnx.checker.check_model(m)
    onnx.save(m, path)


def write(state, out, like):
    text, unet = Text(), UNet()
    s = torch.load(state, weights_only=False)
    text.load_state_dict(s["mean_text"]), unet.load_state_dict(s["mean_unet"])
    text.eval(), unet.eval()
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(like, out, ignore=shutil.ignore_patterns("*.onnx"))
    table, split = words.table(out + "/tokenizer")
    print("words of several tokens:", split)
    batch, hw = {0: "batch_size"}, {0: "batch_size", 2: "height", 3: "width"}
    rows = {0: "batch_size", 1: "sequence_length"}
    parts = [
        ("text_encoder", TextPart(text, table), (torch.zeros(2, 77, dtype=torch.long),), {"input_ids": rows}, {"last_hidden_state": rows, "pooler_output": batch}),
        ("unet", UNetPart(unet), (torch.randn(2, C, 32, 32), torch.tensor(500.0), torch.randn(2, 77, WIDTH) + 4),
         {"sample": hw, "timestep": {}, "encoder_hidden_states": rows}, {"out_sample": hw}),
        ("vae_encoder", Encoder(), (torch.randn(2, 3, 64, 64),), {"sample": hw}, {"latent_parameters": hw}),
        ("vae_decoder", Decoder(), (torch.randn(2, C, 16, 16),), {"latent_sample": hw}, {"sample": hw}),
    ]
    for name, module, args, ins, outs in parts:
        path = f"{out}/{name}/model.onnx"
        with torch.no_grad():
            torch.onnx.export(module, args, path, input_names=list(ins), output_names=list(outs), opset_version=17, dynamo=False,
                              dynamic_axes={k: v for k, v in {**ins, **outs}.items() if v}, do_constant_folding=True)
        halve(path)
    settings(out)
    check(out, unet, text)


def settings(out):
    """The configs that tell programs what this model is."""
    vae = dict(latent_channels=C, scaling_factor=SCALE, block_out_channels=[48] * 3)
    changes = {
        "vae_decoder/config.json": vae, "vae_encoder/config.json": vae,
        "unet/config.json": dict(in_channels=C, out_channels=C, cross_attention_dim=WIDTH, block_out_channels=list(WIDTHS),
                                 down_block_types=["DownBlock2D"] * 4, up_block_types=["UpBlock2D"] * 4),
        "text_encoder/config.json": dict(hidden_size=WIDTH, intermediate_size=WIDTH, projection_dim=WIDTH),
    }
    for path, change in changes.items():
        config = json.load(open(f"{out}/{path}"))
        config.update(change)
        json.dump(config, open(f"{out}/{path}", "w"), indent=2)


def check(out, unet, text):
    """Whether the folder computes what was trained, at an odd size."""
    run = onnxruntime.InferenceSession(out + "/unet/model.onnx", providers=["CPUExecutionProvider"])
    x, h, w = torch.randn(1, C, 27, 71) * 3, text(torch.tensor([[0, 5, 1] + [0] * 74])), UNetPart(unet)
    with torch.no_grad():
        want = w(x, torch.tensor(601.0), h).numpy()
    got = run.run(None, {"sample": x.numpy(), "timestep": np.array(601.0, np.float32), "encoder_hidden_states": h.detach().numpy()})[0]
    size = sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(out) for f in fs)
    print(f"greatest difference {np.abs(got - want).max():.4f} of {np.abs(want).max():.1f}; {size / 1e6:.2f} MB in all")


def back(folder, state):
    """An exported folder as a state to train on. The paper network is not in it: it is fitted to its stored output."""
    text, unet = Text(), UNet()
    lost = []
    for part, module, prefix in (("text_encoder", text, "text."), ("unet", unet, "u.")):
        stored = {i.name: numpy_helper.to_array(i) for i in onnx.load(f"{folder}/{part}/model.onnx").graph.initializer}
        stored = {k.removesuffix("_half"): torch.from_numpy(v.astype(np.float32)) for k, v in stored.items() if v.dtype in (np.float16, np.float32)}
        own = module.state_dict()
        for k in own:
            v = stored.get(prefix + k)
            if v is None or v.shape != own[k].shape:
                lost.append(k)
            else:
                own[k] = v
        module.load_state_dict(own)
        if part == "unet":
            aim = [stored["before"], stored["after"]]
    print("not found by name (the paper is fitted instead):", lost, flush=True)
    opt = torch.optim.Adam(unet.paper.parameters(), 2e-3)
    for _ in range(200):
        loss = sum((a - b).square().mean() for a, b in zip(unet.paper(), aim))
        opt.zero_grad(), loss.backward(), opt.step()
    print("paper fitted to", float(loss))
    torch.save(dict(unet=unet.state_dict(), text=text.state_dict(), mean_unet=unet.state_dict(), mean_text=text.state_dict(), done=0, spent=0.0), state)


if __name__ == "__main__":
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("source")
    a.add_argument("out", nargs="?")
    a.add_argument("--like", default="../models/mini")
    a.add_argument("--back")
    a = a.parse_args()
    back(a.source, a.back) if a.back else write(a.source, a.out, a.like)
