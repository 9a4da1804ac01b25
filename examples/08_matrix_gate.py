"""The gate of a layer: D = W X, whose gradients are dW = dD X^T and dX = W^T dD.

A matrix product is a multiply gate: it swaps its inputs, with transposes. Which side and which transpose need not be
remembered. dW must have the shape of W, (5, 10), and there is one way to make that from dD, (5, 3), and X, (10, 3).
"""

import gpugrad


def forward_and_seed():
    """Return W, X, D and a gradient dD that arrives from the right."""
    generator = gpugrad.random.Generator(0)
    W = gpugrad.randn(5, 10, generator=generator, requires_grad=True)
    X = gpugrad.randn(10, 3, generator=generator, requires_grad=True)
    D = W.dot(X)
    dD = gpugrad.randn(*D.shape, generator=generator)
    return W, X, D, dD


def by_autograd():
    """Return dW and dX."""
    W, X, D, dD = forward_and_seed()
    D.backward(dD)
    return W.grad, X.grad


def by_hand():
    """Return dW and dX from the two formulas."""
    W, X, _, dD = forward_and_seed()
    return dD.dot(X.detach().T), W.detach().T.dot(dD)


def largest_difference(a, b):
    """Return the largest absolute difference of two tensors."""
    return gpugrad.max(gpugrad.abs(a - b)).item()


def main():
    W, X, D, dD = forward_and_seed()
    print(f"W {W.shape} times X {X.shape} is D {D.shape}; the gradient dD {dD.shape} arrives")
    for name, auto, hand in zip(("dW = dD X^T", "dX = W^T dD"), by_autograd(), by_hand(), strict=True):
        print(f"{name}   shape {auto.shape!s:8}  largest difference to autograd {largest_difference(auto, hand):.1e}")


if __name__ == "__main__":
    main()
