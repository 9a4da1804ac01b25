"""Gradient descent on a net of sigmoid units with two inputs: each step goes a little against the gradient of E.

The loss of a sample is l = (y - t)^2 / 2, and E is the sum of l over all samples. A sum is an add gate: the gradient of
E is the sum of the gradients of the samples. The task is exclusive or, which no single unit can do: a hidden layer can.
"""

import gpugrad

inputs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
targets = [[0.0], [1.0], [1.0], [0.0]]


def parameters():
    """Return weights and biases of 2 inputs, 3 hidden units and 1 output."""
    generator = gpugrad.random.Generator(1)
    shapes = [(2, 3), (3,), (3, 1), (1,)]
    return [gpugrad.randn(*shape, generator=generator, requires_grad=True) for shape in shapes]


def predict(x, w1, b1, w2, b2):
    """Return the output for inputs x, (samples, 2)."""
    hidden = gpugrad.sigmoid(x @ w1 + b1)
    return gpugrad.sigmoid(hidden @ w2 + b2)


def error(x, t, leaves):
    """Return E: the sum of (y - t)^2 / 2 over the samples."""
    return ((predict(x, *leaves) - t) ** 2 / 2).sum()


def gradient(x, t, leaves):
    """Return the gradients of E for the samples x, t."""
    return gpugrad.autograd.grad(error(x, t, leaves), leaves)


def sum_over_samples():
    """Return the gradient of E for each parameter, and the sum of the gradients of single samples."""
    x, t, leaves = gpugrad.tensor(inputs), gpugrad.tensor(targets), parameters()
    together = gradient(x, t, leaves)
    singly = [gradient(x[i : i + 1], t[i : i + 1], leaves) for i in range(4)]
    return list(together), [sum(column) for column in zip(*singly, strict=True)]


def train(steps, lr=4.0):
    """Return E before each step and after the last, and the outputs in the end."""
    x, t, leaves = gpugrad.tensor(inputs), gpugrad.tensor(targets), parameters()
    errors = []
    for _ in range(steps):
        e = error(x, t, leaves)
        errors.append(e.item())
        e.backward()
        for leaf in leaves:
            leaf.data -= lr * leaf.grad
            leaf.grad = None
    errors.append(error(x, t, leaves).item())
    return errors, predict(x, *leaves).flatten().tolist()


def main():
    together, summed = sum_over_samples()
    worst = max(gpugrad.max(gpugrad.abs(a - b)).item() for a, b in zip(together, summed, strict=True))
    print(f"gradient of E against the sum over samples: largest difference {worst:.1e}")
    errors, outputs = train(800)
    for step in (0, 50, 100, 200, 400, 800):
        print(f"step {step:4}   E = {errors[step]:.4f}")
    for x, t, y in zip(inputs, targets, outputs, strict=True):
        print(f"    {x} -> {y:.3f}, wanted {t[0]:.0f}")


if __name__ == "__main__":
    main()
