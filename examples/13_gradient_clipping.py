"""Clipping the gradient against explosion: if its norm exceeds a threshold, scale all of it by threshold / norm.

The norm is the L2 norm over all gradients of the net together, so that all are scaled by one factor and the direction
of the step is kept; below the threshold nothing changes. A deep net whose weights are too large multiplies its deltas
by a factor above 1 in every layer: they explode, one step throws the weights far away, and from then on all is infinite
or NaN. With clipping no step is longer than learning rate times threshold, and training survives.
"""

import math
import warnings

import gpugrad
from gpugrad import nn, optim

depth, width, samples = 10, 32, 64


def clip(gradients, threshold):
    """Return the gradients, one list per parameter, after clipping to `threshold`, and their norm before."""
    parameters = [gpugrad.zeros(len(g), requires_grad=True) for g in gradients]
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = gpugrad.tensor(g)
    norm = nn.utils.clip_grad_norm_(parameters, threshold)
    return [p.grad.tolist() for p in parameters], norm.item()


def total_norm(gradients):
    """Return the L2 norm over all gradients."""
    return math.sqrt(sum(v * v for g in gradients for v in g))


def cosine(a, b):
    """Return the cosine of the angle between two lists of gradients: 1 for the same direction."""
    product = sum(v * w for g, h in zip(a, b, strict=True) for v, w in zip(g, h, strict=True))
    return product / (total_norm(a) * total_norm(b))


def exploding_net():
    """Return a ReLU net with weights 1.5 times too large: each layer multiplies values, and then deltas, by 1.5."""
    modules = []
    for _ in range(depth):
        linear = nn.Linear(width, width)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        linear.weight.data *= 1.5
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules, nn.Linear(width, 1))


def train(threshold=None, steps=300, lr=0.1):
    """Return the losses and the gradient norms of training, which ends early where the loss is not finite."""
    gpugrad.manual_seed(0)
    net = exploding_net()
    optimizer = optim.SGD(net.parameters(), lr=lr)
    x = gpugrad.randn(samples, width)
    y = gpugrad.sin(x[:, :1])
    losses, norms = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns of overflow, which is the point here
        for _ in range(steps):
            loss = nn.MSELoss()(net(x), y)
            losses.append(loss.item())
            if not math.isfinite(losses[-1]):
                break
            optimizer.zero_grad()
            loss.backward()
            limit = math.inf if threshold is None else threshold
            norms.append(nn.utils.clip_grad_norm_(net.parameters(), limit).item())
            optimizer.step()
    return losses, norms


def main():
    for gradients in ([[3.0, 0.0], [4.0]], [[0.3, 0.0], [0.4]]):
        clipped, norm = clip(gradients, 1.0)
        rounded = [[round(v, 4) for v in g] for g in clipped]
        print(f"threshold 1, gradients {gradients}: norm {norm:.2f} -> {total_norm(clipped):.2f}, {rounded}")
    for threshold in (None, 1.0):
        losses, norms = train(threshold)
        print("without clipping" if threshold is None else f"clipped to {threshold}")
        last = len(losses) - 1
        for step in sorted({s for s in (0, 1, 2, 10, 50, 100, 200) if s < last} | {last}):
            norm = f"gradient norm {norms[step]:.1e}" if step < len(norms) else "the end"
            print(f"  step {step:4}   loss {losses[step]:.3e}   {norm}")


if __name__ == "__main__":
    main()
