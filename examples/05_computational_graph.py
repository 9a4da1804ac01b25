"""The smallest computational graph with two gates: f = (x + y) * z at x = -2, y = 5, z = -4.

    x = -2 ──┐
             (+)── q = 3 ──┐
    y =  5 ──┘             (*)── f = -12
    z = -4 ────────────────┘

Forward goes from left to right. Backward goes from right to left and starts with df/df = 1. The multiply gate has
cached its inputs, for each is the local gradient of the other; the add gate has cached nothing, for both of its local
gradients are 1.
"""

import gpugrad


def by_autograd():
    """Return the values of all nodes and their gradients."""
    x = gpugrad.tensor(-2.0, requires_grad=True)
    y = gpugrad.tensor(5.0, requires_grad=True)
    z = gpugrad.tensor(-4.0, requires_grad=True)
    q = x + y
    f = q * z
    q.retain_grad()
    f.retain_grad()
    f.backward()
    nodes = {"x": x, "y": y, "z": z, "q": q, "f": f}
    return {name: n.item() for name, n in nodes.items()}, {name: n.grad.item() for name, n in nodes.items()}


def by_hand():
    """Return the same gradients, each gate multiplying what arrives by its local gradients."""
    x, y, z = -2.0, 5.0, -4.0
    q = x + y
    df = 1.0
    dq, dz = df * z, df * q  # the multiply gate swaps its inputs
    dx, dy = dq * 1, dq * 1  # the add gate hands on what arrives
    return {"x": dx, "y": dy, "z": dz, "q": dq, "f": df}


def main():
    values, gradients = by_autograd()
    hand = by_hand()
    print("node  value  gradient  by hand")
    for name in values:
        print(f"  {name}   {values[name]:5.0f}  {gradients[name]:8.0f}  {hand[name]:7.0f}")


if __name__ == "__main__":
    main()
