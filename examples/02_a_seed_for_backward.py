"""Backward starts from a number; for many outputs it needs to be told how much each one counts.

The gradient of a scalar starts at dy/dy = 1. A result y with nine elements has nine gradients, and backward carries
one array: so it asks for a seed dL/dy of the shape of y, and brings to x the gradient of the sum of seed * y. A seed of
ones adds the nine up; a seed with a single one picks one of them.
"""

import gpugrad


def without_a_seed():
    """Return what backward() says when the result has nine elements."""
    x = gpugrad.ones((3, 3), requires_grad=True)
    y = x * x + 2 - 9
    try:
        y.backward()
    except RuntimeError as error:
        return str(error)
    return None


def with_a_seed(seed):
    """Return x.grad after backward from `seed`, of shape (3, 3)."""
    x = gpugrad.ones((3, 3), requires_grad=True)
    t = x * x + 2
    y = t - 9
    y.backward(seed)
    return x.grad


def one_at(row, column):
    """Return zeros of shape (3, 3) with a one at one place."""
    seed = gpugrad.zeros((3, 3))
    seed[row, column] = 1
    return seed


def main():
    print("y.backward()")
    print(f"    RuntimeError: {without_a_seed()}")
    print("y.backward(ones): x.grad is 2 everywhere, dt/dx = 2x at x = 1")
    print(f"    {with_a_seed(gpugrad.ones((3, 3))).tolist()}")
    print("y.backward(a one at [0, 1]): the gradient of that element alone")
    print(f"    {with_a_seed(one_at(0, 1)).tolist()}")


if __name__ == "__main__":
    main()
