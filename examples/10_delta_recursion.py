"""Backpropagation in an MLP by hand: the recursion of the deltas, against autograd, at any depth.

Forward, a_l = sigma(z_l) with z_l = W_l a_{l-1} + b_l, and each layer caches z_l and a_{l-1}. The delta of a layer is
the gradient at its weighted sum, delta_l = dE/dz_l. Backward goes from right to left:

    last layer       delta_L = sigma'(z_L) * (a_L - t)                       for E = |a_L - t|^2 / 2
    before it        delta_l = sigma'(z_l) * (W_{l+1}^T delta_{l+1})
    gradients        dW_l = delta_l a_{l-1}^T,   db_l = delta_l

Each layer asks only the one to its right for its delta, so the cost of backward is about that of forward.
"""

from itertools import pairwise

import gpugrad
from gpugrad import sigmoid


def network(depth, width=6):
    """Return an input, a target, and the weights and biases of `depth` layers; vectors are columns."""
    generator = gpugrad.random.Generator(depth)

    def draw(*shape, requires_grad=False):
        return gpugrad.randn(*shape, generator=generator, dtype=gpugrad.float64, requires_grad=requires_grad)

    sizes = [4] + [width] * (depth - 1) + [2]
    weights = [draw(m, n, requires_grad=True) for n, m in pairwise(sizes)]
    biases = [draw(m, 1, requires_grad=True) for m in sizes[1:]]
    return draw(4, 1), draw(2, 1), weights, biases


def by_autograd(x, t, weights, biases):
    """Return dW and db of every layer, by backward()."""
    a = x
    for W, b in zip(weights, biases, strict=True):
        a = sigmoid(W @ a + b)
    (((a - t) ** 2).sum() / 2).backward()
    return [W.grad for W in weights], [b.grad for b in biases]


def by_hand(x, t, weights, biases):
    """Return dW and db of every layer, by the recursion of the deltas."""
    weights, biases = [W.detach() for W in weights], [b.detach() for b in biases]
    activations, sums = [x], []
    for W, b in zip(weights, biases, strict=True):
        sums.append(W @ activations[-1] + b)
        activations.append(sigmoid(sums[-1]))
    delta = slope(sums[-1]) * (activations[-1] - t)
    deltas = [delta]
    for W, z in zip(reversed(weights[1:]), reversed(sums[:-1]), strict=True):
        delta = slope(z) * (W.T @ delta)
        deltas.insert(0, delta)
    return [d @ a.T for d, a in zip(deltas, activations, strict=False)], deltas


def slope(z):
    """Return sigma'(z) = sigma(z) * (1 - sigma(z))."""
    return sigmoid(z) * (1 - sigmoid(z))


def compare(depth):
    """Return by how much the two ways differ, relative to the largest gradient of each array, and |delta_1|."""
    net = network(depth)
    hand_dW, hand_db = by_hand(*net)
    auto_dW, auto_db = by_autograd(*net)
    differences = [
        (gpugrad.max(gpugrad.abs(hand - auto)) / gpugrad.max(gpugrad.abs(auto))).item()
        for hand, auto in zip(hand_dW + hand_db, auto_dW + auto_db, strict=True)
    ]
    return max(differences), hand_db[0].norm().item()


def main():
    print("layers   largest relative difference to autograd   |delta_1|: it shrinks with depth, see example 11")
    for depth in (1, 2, 3, 5, 10, 30):
        difference, first_delta = compare(depth)
        print(f"{depth:6}   {difference:39.1e}   {first_delta:.1e}")


if __name__ == "__main__":
    main()
