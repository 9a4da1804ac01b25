"""How gates move gradients: add hands them on, max routes them, multiply swaps its inputs, a fork adds them up.

The multiply gate is why data are scaled before training: the gradient of a weight is the input that it is multiplied
with, so inputs that are 1000 times larger make gradients that are 1000 times larger, and the learning rate would have
to be 1000 times smaller.
"""

import gpugrad


def gradients(f, *values):
    """Return the gradient of f at each of the values."""
    leaves = [gpugrad.tensor(float(v), requires_grad=True) for v in values]
    f(*leaves).backward()
    return [leaf.grad.item() for leaf in leaves]


def gates():
    """Return (what the gate does, its formula, its inputs, their gradients when 2 arrives)."""
    return [
        ("add: hands its gradient to both", "2 * (a + b)", (3, -4), gradients(lambda a, b: 2 * (a + b), 3, -4)),
        ("max: routes it to the larger", "2 * max(a, b)", (3, -4), gradients(lambda a, b: 2 * a.maximum(b), 3, -4)),
        ("multiply: swaps its inputs", "2 * (a * b)", (3, -4), gradients(lambda a, b: 2 * (a * b), 3, -4)),
        ("fork: adds what comes back", "2 * (a + a)", (3,), gradients(lambda a: 2 * (a + a), 3)),
    ]


def all_together():
    """Return f = 2 * (x*y + max(z, w)) at (3, -4, 2, -1), and its four gradients."""

    def f(x, y, z, w):
        return 2 * (x * y + gpugrad.maximum(z, w))

    value = f(*(gpugrad.tensor(float(v)) for v in (3, -4, 2, -1)))
    return value.item(), gradients(f, 3, -4, 2, -1)


def weight_gradient(scale):
    """Return the gradient of the weights of w . x for inputs multiplied by `scale`."""
    x = gpugrad.tensor([0.5, -1.0, 2.0]) * scale
    w = gpugrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (w * x).sum().backward()
    return w.grad.tolist()


def main():
    for does, formula, inputs, found in gates():
        print(f"{does:32} {formula:14} at {inputs!s:8} gradients {found}")
    value, found = all_together()
    print(f"f = 2 * (x*y + max(z, w)) at (3, -4, 2, -1) is {value}, gradients {found}")
    print(f"weight gradient for inputs x        {weight_gradient(1)}")
    print(f"weight gradient for inputs 1000 * x {weight_gradient(1000)}")


if __name__ == "__main__":
    main()
