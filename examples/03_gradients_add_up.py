"""Leaves, results, and why a training loop begins with zero_grad.

A tensor that you make is a leaf: it has no grad_fn. A result has one, the node that will carry its gradient backward.
Backward puts gradients into .grad of the leaves, and *adds* to what is there: a second backward doubles it, so a loop
that forgets to clear .grad steps along the sum of all its past gradients.
"""

import gpugrad


def forward():
    """Return the leaf x and the results y, z and out."""
    x = gpugrad.ones((2, 2), requires_grad=True)
    y = x + 2
    z = y * y * 3
    return x, y, z, z.mean()


def gradient(seed=None):
    """Return x.grad after one backward."""
    x, _, _, out = forward()
    out.backward(seed)
    return x.grad


def after_two_backwards():
    """Return x.grad after the first and after the second backward through the same graph."""
    x, _, _, out = forward()
    out.backward(retain_graph=True)  # keep the cached values for the second time
    first = x.grad.clone()
    out.backward()
    return first, x.grad


def main():
    x, y, z, out = forward()
    print(f"out = mean(3 * (x + 2)^2) = {out.item()} at x = 1")
    for name, node in {"x": x, "y": y, "z": z, "out": out}.items():
        print(f"    {name:3}  leaf: {node.is_leaf!s:5}  grad_fn: {node.grad_fn}")
    print(f"backward() gives           {gradient().tolist()}")
    print(f"backward(tensor(1.)) gives {gradient(gpugrad.tensor(1.0)).tolist()}, the same")
    first, second = after_two_backwards()
    print(f"x.grad after one backward  {first.tolist()}")
    print(f"x.grad after a second one  {second.tolist()}, the sum")


if __name__ == "__main__":
    main()
