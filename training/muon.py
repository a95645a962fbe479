"""The optimizer: convolutions by Muon, the rest by Adam."""
import torch


class Muon(torch.optim.Optimizer):
    """Convolutions move along their orthogonalised momentum (Jordan's Muon, sizes as Moonshot's), the rest by Adam."""

    def __init__(self, parameters, lr):
        super().__init__(parameters, dict(lr=lr))

    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                if p.grad is None:
                    continue
                s = self.state[p]
                if not s:
                    s["m"], s["v"], s["n"] = torch.zeros_like(p), torch.zeros_like(p), 0
                s["n"] += 1
                if p.dim() == 4 and p.shape[1] > 1 and min(p.shape[0], p[0].numel()) >= 32:
                    s["m"].mul_(0.95).add_(p.grad)
                    u = orthogonal((p.grad + 0.95 * s["m"]).reshape(len(p), -1)).reshape(p.shape)
                    p.mul_(1 - g["lr"] * 1e-2).add_(u, alpha=-g["lr"] * 0.2 * max(len(p), p[0].numel()) ** 0.5)
                else:
                    s["m"].lerp_(p.grad, 0.1), s["v"].lerp_(p.grad.square(), 0.01)
                    k = (1 - 0.99 ** s["n"]) ** 0.5 / (1 - 0.9 ** s["n"])
                    p.addcdiv_(s["m"], s["v"].sqrt() + 1e-8, value=-g["lr"] * k)


def orthogonal(x):
    """About the nearest matrix with all singular values 1 (quintic Newton-Schulz, on the products of rows)."""
    turn = x.shape[0] > x.shape[1]
    x = x.t() if turn else x
    x = (x / (x.norm() + 1e-7)).contiguous()
    g, q = x @ x.t(), None  # in full precision: below zero it would grow without end
    for _ in range(5):
        w = 2.0315 * (g @ g) - 4.7750 * g
        w.diagonal().add_(3.4445)
        q, g = w if q is None else w @ q, w @ g @ w
    x = (q.bfloat16() @ x.bfloat16()).float()
    return x.t() if turn else x
