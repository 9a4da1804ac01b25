"""What becomes part of the computational graph, and three ways to stay out of it.

A call is recorded where one of its inputs requires grad, and nowhere else. requires_grad_() lets a leaf join from then
on. no_grad() records nothing inside it, as when a trained net only predicts. detach() cuts: the same numbers, seen as a
constant, so that no gradient flows through them.
"""

import gpugrad


def joining():
    """Return whether a result is tracked before requires_grad_(), and the node of one after it."""
    a = gpugrad.randn(2, 2)
    a = (a * 3) / (a - 1)
    before = a.requires_grad
    a.requires_grad_(True)
    b = (a * a).sum()
    return before, a.requires_grad, b.grad_fn


def under_no_grad():
    """Return whether x**2 requires grad outside and inside no_grad()."""
    x = gpugrad.randn(3, requires_grad=True)
    outside = (x**2).requires_grad
    with gpugrad.no_grad():
        inside = (x**2).requires_grad
    return outside, inside


def cut_by_detach():
    """Return the gradient of x * x at 3, and that of x * x.detach(), where one factor is a constant."""
    gradients = []
    for cut in (False, True):
        x = gpugrad.tensor(3.0, requires_grad=True)
        (x * (x.detach() if cut else x)).backward()
        gradients.append(x.grad.item())
    return tuple(gradients)


def main():
    before, after, node = joining()
    print(f"a = (a * 3) / (a - 1)     requires_grad: {before}")
    print(f"a.requires_grad_(True)    requires_grad: {after}, and b = (a * a).sum() has the node {node}")
    outside, inside = under_no_grad()
    print(f"x**2                      requires_grad: {outside}, under no_grad(): {inside}")
    whole, cut = cut_by_detach()
    print(f"x * x at 3                gradient {whole}; x * x.detach(): {cut}, for one way back is cut")


if __name__ == "__main__":
    main()
