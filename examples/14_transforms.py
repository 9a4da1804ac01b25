"""Transforms of functions: a gradient is a function too; it has a gradient, and it may run for many examples at once.

The Rosenbrock function f = (1 - x)^2 + 100 (y - x^2)^2 lies in a bent valley with its lowest point at (1, 1). Gradient
descent creeps along the valley; Newton's method, which divides the gradient by the Hessian, is there in a few steps.
"""

import gpugrad
from gpugrad.func import grad, hessian, hvp, jacfwd, vmap


def valley(p):
    x, y = p[0], p[1]
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def point(x, y):
    return gpugrad.tensor([x, y], dtype=gpugrad.float64)


def by_hand(p):
    """Return gradient and Hessian from pencil and paper."""
    x, y = p.tolist()
    gradient = [-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)]
    return gradient, [[2 - 400 * (y - 3 * x**2), -400 * x], [-400 * x, 200.0]]


def gradient_descent(p, steps, rate=1e-3):
    for _ in range(steps):
        p = p - rate * grad(valley)(p)
    return p


def newton(p, steps):
    """Return every point on the way."""
    path = [p]
    for _ in range(steps):
        p = p - gpugrad.linalg.solve(hessian(valley)(p), grad(valley)(p))
        path.append(p)
    return path


def derivatives_of_sin(x):
    """Return sin and its first four derivatives, each the gradient of the one before."""
    f, values = gpugrad.sin, []
    for _ in range(5):
        values.append(f(x).item())
        f = grad(f)
    return values


def main():
    start = point(-1.2, 1.0)
    print(f"at (-1.2, 1): gradient {grad(valley)(start).tolist()}, by hand {by_hand(start)[0]}")
    print(f"Hessian {hessian(valley)(start).tolist()}")
    print(f"forward over reverse gives the same: {jacfwd(grad(valley))(start).tolist()}")
    print(f"Hessian times (1, 0), without the Hessian: {hvp(valley, (start,), (point(1.0, 0.0),))[0].tolist()}")
    print("sin and its derivatives at 0.5:", " ".join(f"{v:+.4f}" for v in derivatives_of_sin(gpugrad.tensor(0.5))))
    starts = gpugrad.stack([start, point(0.0, 0.0), point(2.0, 2.0)])
    print(f"gradients at three points at once: {vmap(grad(valley))(starts).tolist()}")
    print(f"after 200 steps of gradient descent: {gradient_descent(start, 200).tolist()}")
    for step, p in enumerate(newton(start, 6)):
        print(f"Newton, step {step}: ({p[0].item():.6f}, {p[1].item():.6f}), f = {valley(p).item():.3g}")


if __name__ == "__main__":
    main()
