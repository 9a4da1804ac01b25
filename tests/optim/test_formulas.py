"""Thirty steps of each optimizer beside its formula, written out for one array, on every machine."""

import numpy as np
import pytest

import gpugrad
from gpugrad import optim

SHAPES = [(3, 4), (5,), ()]


def ema(s, name, value, kept):
    s[name] = kept * s.get(name, 0.0) + (1 - kept) * value
    return s[name]


def corrected(s, g, t, betas):
    return ema(s, "m", g, betas[0]) / (1 - betas[0] ** t), ema(s, "v", g * g, betas[1]) / (1 - betas[1] ** t)


def adamax(p, g, s, t, lr, betas, eps, weight_decay):
    g = g + weight_decay * p
    s["u"] = np.maximum(betas[1] * s.get("u", 0.0), np.abs(g) + eps)
    return p - lr * ema(s, "m", g, betas[0]) / (1 - betas[0] ** t) / s["u"]


def nadam(p, g, s, t, lr, betas, eps, weight_decay, momentum_decay, decoupled_weight_decay):
    p, g = (p * (1 - lr * weight_decay), g) if decoupled_weight_decay else (p, g + weight_decay * p)
    now, then = (betas[0] * (1 - 0.5 * 0.96 ** (n * momentum_decay)) for n in (t, t + 1))
    s["product"] = s.get("product", 1.0) * now
    _, v = corrected(s, g, t, betas)
    ahead = (1 - now) * g / (1 - s["product"]) + then * s["m"] / (1 - s["product"] * then)
    return p - lr * ahead / (np.sqrt(v) + eps)


def radam(p, g, s, t, lr, betas, eps, weight_decay, decoupled_weight_decay):
    p, g = (p * (1 - lr * weight_decay), g) if decoupled_weight_decay else (p, g + weight_decay * p)
    m, _ = corrected(s, g, t, betas)
    longest = 2 / (1 - betas[1]) - 1
    length = longest - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
    if length <= 5:
        return p - lr * m
    r = np.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
    return p - lr * m * r * np.sqrt(1 - betas[1] ** t) / (np.sqrt(s["v"]) + eps)


def rmsprop(p, g, s, t, lr, alpha, eps, weight_decay, momentum, centered):
    g = g + weight_decay * p
    v = ema(s, "v", g * g, alpha) - (ema(s, "mean", g, alpha) ** 2 if centered else 0)
    s["b"] = momentum * s.get("b", 0.0) + g / (np.sqrt(v) + eps)
    return p - lr * s["b"]


def adagrad(p, g, s, t, lr, lr_decay, weight_decay, initial_accumulator_value, eps):
    g = g + weight_decay * p
    s["sum"] = s.get("sum", initial_accumulator_value) + g * g
    return p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s["sum"]) + eps)


def adadelta(p, g, s, t, lr, rho, eps, weight_decay):
    g = g + weight_decay * p
    d = g * np.sqrt(s.get("w", 0.0) + eps) / np.sqrt(ema(s, "v", g * g, rho) + eps)
    ema(s, "w", d * d, rho)
    return p - lr * d


def rprop(p, g, s, t, lr, etas, step_sizes):
    turn = np.sign(g * s.get("g", 0.0))
    scale = np.where(turn > 0, etas[1], np.where(turn < 0, etas[0], 1.0))
    s["size"] = np.clip(s.get("size", lr) * scale, *step_sizes)
    s["g"] = np.where(turn < 0, 0.0, g)
    return p - np.sign(s["g"]) * s["size"]


def asgd(p, g, s, t, lr, lambd, alpha, t0, weight_decay):
    g, rate = g + weight_decay * p, s.get("rate", lr)
    p = p * (1 - lambd * rate) - rate * g
    s["ax"] = s.get("ax", 0.0) + (p - s.get("ax", 0.0)) * s.get("mu", 1.0)
    s["rate"], s["mu"] = lr / (1 + lambd * lr * t) ** alpha, 1 / max(1, t - t0)
    return p


def muon(p, g, s, t, lr, weight_decay, momentum, nesterov, adjust_lr_fn):
    mean = ema(s, "m", g, momentum)
    x = (1 - momentum) * g + momentum * mean if nesterov else mean
    u, values, vh = np.linalg.svd(x / max(np.linalg.norm(x), 1e-7), full_matrices=False)
    for _ in range(5):  # the iteration acts on the singular values alone
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    rows, columns = p.shape
    scale = 0.2 * np.sqrt(max(p.shape)) if adjust_lr_fn == "match_rms_adamw" else np.sqrt(max(1, rows / columns))
    return p * (1 - lr * weight_decay) - lr * scale * (u * values) @ vh


MEANS = {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}
CASES = [
    ("Adamax", adamax, MEANS),
    ("NAdam", nadam, {**MEANS, "momentum_decay": 0.5, "decoupled_weight_decay": False}),
    ("NAdam", nadam, {**MEANS, "momentum_decay": 4e-3, "decoupled_weight_decay": True}),
    ("RAdam", radam, {**MEANS, "decoupled_weight_decay": False}),
    ("RAdam", radam, {**MEANS, "betas": (0.9, 0.999), "decoupled_weight_decay": True}),
    ("RAdam", radam, {**MEANS, "betas": (0.9, 0.3), "decoupled_weight_decay": True}),
    ("RMSprop", rmsprop, {**MEANS, "alpha": 0.8, "momentum": 0.0, "centered": False}),
    ("RMSprop", rmsprop, {**MEANS, "alpha": 0.8, "momentum": 0.7, "centered": True}),
    ("Adagrad", adagrad, {**MEANS, "lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("Adadelta", adadelta, {**MEANS, "rho": 0.7}),
    ("Rprop", rprop, {"lr": 0.05, "etas": (0.4, 1.3), "step_sizes": (0.01, 0.1)}),
    ("ASGD", asgd, {"lr": 0.05, "lambd": 0.1, "alpha": 0.6, "t0": 10, "weight_decay": 0.1}),
    ("Muon", muon, {"lr": 0.05, "weight_decay": 0.1, "momentum": 0.9, "nesterov": True, "adjust_lr_fn": None}),
    (
        "Muon",
        muon,
        {"lr": 0.05, "weight_decay": 0, "momentum": 0.9, "nesterov": False, "adjust_lr_fn": "match_rms_adamw"},
    ),
]


@pytest.mark.parametrize(("name", "formula", "options"), CASES)
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-11)])
def test_steps_follow_the_formula(backend, name, formula, options, dtype, rtol):
    if "betas" not in formula.__code__.co_varnames:
        options = {key: value for key, value in options.items() if key != "betas"}
    random = np.random.default_rng(9)
    wanted = [random.standard_normal(s).astype(dtype).astype(float) for s in SHAPES[: 1 if name == "Muon" else None]]
    ours = [gpugrad.tensor(v, dtype=getattr(gpugrad, dtype), requires_grad=True) for v in wanted]
    states, steps = [{} for _ in ours], [0 for _ in ours]
    optimizer = getattr(optim, name)(ours, **options)
    for turn in range(30):
        for i, p in enumerate(ours):
            p.grad = None
            if i == 0 or (turn + i) % 3:
                g = random.standard_normal(p.shape).astype(dtype).astype(float)
                steps[i] += 1
                wanted[i] = formula(wanted[i], g, states[i], steps[i], **options)
                p.grad = gpugrad.tensor(g, dtype=p.dtype, device=p.device)
        optimizer.step()
    means = [(optimizer.state[p]["ax"], s["ax"]) for p, s in zip(ours, states, strict=True) if name == "ASGD"]
    for p, value in [*zip(ours, wanted, strict=True), *means]:
        np.testing.assert_allclose(np.asarray(p.tolist()), value, rtol=rtol, atol=rtol * np.abs(value).max())
