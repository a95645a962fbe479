"""The networks of `mini`: a pixel-shuffle "VAE", a word-class text encoder and a small convolutional UNet that predicts the
picture. Schedule: Stable Diffusion's (scaled linear, 1000 steps)."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import pattern
from words import CLASSES

SCALE = 6.0  # scaling_factor: latents are pixels (-1..1) times this; the greater, the less a given strength destroys
CELL = 4  # pixels along a latent
C = 3 * CELL * CELL
WIDTH = 64  # of the text encoder's rows
MARK = 128.0  # first number of every row: weights scale the row, so that it tells the weight. Large, so that a weight hardly moves the mean of all
# numbers, by which A1111 divides: near zero it would turn a weight of 0.5 into one of -40
WIDTHS, BLOCKS, COND, HEADS = (64, 128, 192, 224), (0, 1, 1, 2, 1, 1, 2), 192, 8
TILE = pattern.PERIOD // CELL

betas = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float64) ** 2
AB = torch.cumprod(1 - betas, 0).float()
ALPHA, SIGMA = AB.sqrt(), (1 - AB).sqrt()


def encode(x):
    """Pictures 0..1 [n, 3, h, w] to latents."""
    return F.pixel_unshuffle(x * 2 - 1, CELL) * SCALE


def decode(z):
    """Latents to pictures, not clipped."""
    return F.pixel_shuffle(z / SCALE, CELL) * 0.5 + 0.5


class Rows(nn.Module):
    """A linear layer on rows of a sequence, kept as exports keep it (so that an exported model can be trained on)."""

    def __init__(self, ins, outs):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(ins, outs) * (1 / (3 * ins)) ** 0.5), nn.Parameter(torch.zeros(outs))

    def forward(self, x):
        return torch.matmul(x, self.weight) + self.bias


class Text(nn.Module):
    """Word classes [n, t] to rows [n, t, WIDTH], each token by itself."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(CLASSES, WIDTH - 1)
        self.mlp = nn.Sequential(Rows(WIDTH - 1, WIDTH), nn.SiLU(), Rows(WIDTH, WIDTH - 1))

    def forward(self, c):
        e = self.embed(c)
        return torch.cat([torch.full_like(e[..., :1], MARK), e + self.mlp(e)], -1)


def power(x, channels):
    """The mean of squares over channels. Exported as a convolution, for which ONNX Runtime need not turn its blocks of channels round."""
    if torch.onnx.is_in_onnx_export():
        return F.conv2d(x.square(), torch.full((1, channels, 1, 1), 1 / channels))
    return x.square().mean(1, keepdim=True)


class Block(nn.Module):
    """Residual block: RMS norm over channels of each pixel (nothing global: local, any size, no flicker), 3x3, FiLM, 3x3."""

    def __init__(self, ch):
        super().__init__()
        self.a = nn.Conv2d(ch, ch, 3, padding=1)
        self.b = nn.Conv2d(ch, ch, 3, padding=1)
        self.film = nn.Linear(COND, 2 * ch)
        nn.init.zeros_(self.b.weight), nn.init.zeros_(self.b.bias), nn.init.zeros_(self.film.bias)
        self.film.weight.data.mul_(0.5)

    def forward(self, x, e):
        g, b = self.film(e)[:, :, None, None].chunk(2, 1)
        y = self.a(x * torch.rsqrt(power(x, self.a.in_channels) + 1e-3))
        return x + self.b(F.leaky_relu(y * (1 + g) + b, 0.1))


class Paper(nn.Module):
    """The fixed paper (pattern.py) seen by a small network; its output is a constant, and is stored as one."""

    def __init__(self, ch):
        super().__init__()
        m = torch.from_numpy(pattern.stack())[None]
        m = (m - m.mean((2, 3), keepdim=True)) / m.std((2, 3), keepdim=True)
        m = F.pixel_unshuffle(m, CELL)
        self.register_buffer("maps", m, persistent=False)
        self.a = nn.Conv2d(m.shape[1], 96, 1)
        self.b = nn.Conv2d(96, 96, 3, padding=1, padding_mode="circular")
        self.c = nn.Conv2d(96, 2 * ch, 1)

    def forward(self):
        y = F.leaky_relu(self.a(self.maps), 0.1)
        return self.c(y + F.leaky_relu(self.b(y), 0.1)).chunk(2, 1)


def dct_basis():
    """An orthonormal basis of latents: 4x4 cosines times brightness and two colours."""
    d = torch.tensor([[np.cos(np.pi * (i + 0.5) * k / CELL) * np.sqrt((1 if k == 0 else 2) / CELL) for i in range(CELL)] for k in range(CELL)])
    o = torch.linalg.qr(torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]]).t())[0].t()
    return torch.einsum("ab,ki,lj->aklbij", o, d.float(), d.float()).reshape(C, C, 1, 1)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        w = WIDTHS
        self.key, self.value = Rows(WIDTH - 1, HEADS), Rows(WIDTH - 1, COND)
        self.time = nn.Sequential(nn.Linear(32, COND), nn.SiLU(), nn.Linear(COND, COND))
        self.mix = nn.Sequential(nn.Linear(COND, COND), nn.SiLU(), nn.Linear(COND, COND), nn.SiLU())
        self.paper = Paper(w[0])
        self.inked = nn.Linear(COND, 2 * w[0])
        self.start = nn.Conv2d(C, w[0], 3, padding=1)
        blocks = lambda i, ch: nn.ModuleList(Block(ch) for _ in range(BLOCKS[i]))
        self.down = nn.ModuleList(blocks(i, w[i]) for i in range(4))
        self.shrink = nn.ModuleList(nn.Conv2d(w[i], w[i + 1], 3, stride=2, padding=1) for i in range(3))
        self.grow = nn.ModuleList(nn.Conv2d(w[i + 1], w[i], 1) for i in range(3))
        self.up = nn.ModuleList(blocks(6 - i, w[i]) for i in range(3))
        self.last = nn.Linear(COND, 2 * w[0])
        self.end = nn.Conv2d(w[0], C, 3, padding=1)
        self.into, self.back, self.gain = nn.Conv2d(C, C, 1, bias=False), nn.Conv2d(C, C, 1, bias=False), nn.Linear(COND, C)
        self.into.weight.data.copy_(dct_basis())
        self.back.weight.data.copy_(dct_basis().transpose(0, 1))
        for m in (self.end, self.last, self.gain):
            nn.init.zeros_(m.weight), nn.init.zeros_(m.bias)
        self.inked.weight.data.mul_(0.3)
        nn.init.ones_(self.inked.bias)
        self.register_buffer("freqs", torch.exp(torch.linspace(0, 4.5, 16)), persistent=False)

    def condition(self, t, rows):
        """What the words and the time say, [n, COND]. A row's first number over MARK is its weight."""
        u = t[:, None] * 0.001 * self.freqs
        weight = rows[..., :1] / MARK
        e = rows[..., 1:] / weight.clamp(min=1e-3)
        a = torch.softmax(self.key(e), 1)  # n, t, heads
        v = (self.value(e) * weight).reshape(rows.shape[0], rows.shape[1], HEADS, COND // HEADS)
        words = (a[..., None] * v).sum(1).flatten(1)
        return self.mix(self.time(torch.cat([u.sin(), u.cos()], -1)) + words)

    def trunk(self, x, e, paper):
        """The convolutions; x is the noisy latents scaled to about unit size, paper two maps that fit it."""
        before, after = self.inked(e)[:, :, None, None].chunk(2, 1)
        y = self.start(x) + paper[0] * before
        skips = []
        for i in range(4):
            for b in self.down[i]:
                y = b(y, e)
            if i < 3:
                skips.append(y)
                y = F.leaky_relu(self.shrink[i](y), 0.1)
        for i in (2, 1, 0):
            y = F.interpolate(self.grow[i](y), scale_factor=2.0, mode="nearest")
            y = y[:, :, :skips[i].shape[2], :skips[i].shape[3]] + skips[i]
            if i == 0:
                y = y + paper[1] * after
            for b in self.up[i]:
                y = b(y, e)
        g, b = self.last(e)[:, :, None, None].chunk(2, 1)
        return self.end(F.leaky_relu(y * (1 + g) + b, 0.1)) + self.back(self.into(x) * self.gain(e)[:, :, None, None])

    def forward(self, x, a, s, t, rows, paper):
        """The picture's latents, from x = a*picture + s*noise ([n, C, h, w]; a, s, t: [n])."""
        a, s = a.view(-1, 1, 1, 1), s.view(-1, 1, 1, 1)
        half = SCALE / 2  # about the deviation of latents
        total = (half * a) ** 2 + s * s
        y = self.trunk(x * total.rsqrt(), self.condition(t, rows), paper)
        return x * (half * half * a / total) + half * y.float()


def parameters(m):
    return sum(p.numel() for p in m.parameters())


if __name__ == "__main__":
    u = UNet()
    print("unet", parameters(u), "of it paper", parameters(u.paper), "text", parameters(Text()))
