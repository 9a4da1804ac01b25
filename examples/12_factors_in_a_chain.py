"""Why gradients vanish or explode: a chain of n gates multiplies n local gradients.

Factors a little above 1 grow without bound, and factors a little below 1 die away: 100 factors of 1.1 make about 13781,
100 factors of 0.9 make 0.0000266. A deep net, or a recurrent one over many steps, is such a chain.
"""

import gpugrad


def gradient_through(factor, length):
    """Return the gradient of x after `length` multiplications by `factor`."""
    x = gpugrad.tensor(1.0, dtype=gpugrad.float64, requires_grad=True)
    y = x
    for _ in range(length):
        y = y * factor
    y.backward()
    return x.grad.item()


def main():
    print("length      factor 1.1      factor 1.0      factor 0.9")
    for length in (1, 10, 20, 50, 100):
        print(f"{length:6}  " + "  ".join(f"{gradient_through(factor, length):14.6g}" for factor in (1.1, 1.0, 0.9)))


if __name__ == "__main__":
    main()
