"""The chain rule, on a chain of three steps: x -> t = x*x + 2 -> z = 2t + 1 -> y = mean(z).

A program is a computational graph. Forward, from left to right, each node computes its value and caches what its local
derivative will need. Backward, from right to left, each node multiplies the gradient that arrives by its local
derivative and hands the product on. No node knows more than that, and the products are the chain rule:

    dy/dx = dy/dz * dz/dt * dt/dx = 1/9 * 2 * 2x = 4/9      where x = 1
"""

import gpugrad


def by_autograd():
    """Return the values of the forward pass and the gradients that backward brings to each node."""
    x = gpugrad.ones((3, 3), requires_grad=True)
    t = x * x + 2
    z = 2 * t + 1
    y = z.mean()
    for result in (t, z, y):
        result.retain_grad()  # results drop their gradient unless asked to keep it
    y.backward()
    nodes = {"x": x, "t": t, "z": z, "y": y}
    return nodes, {name: node.grad for name, node in nodes.items()}


def by_hand():
    """Return the same gradients from the local derivatives, one multiplication per step to the left."""
    x = gpugrad.ones((3, 3))
    dy_dy = gpugrad.tensor(1.0)
    dy_dz = dy_dy * gpugrad.ones((3, 3)) / 9  # y = mean(z): each of nine elements has a ninth of the say
    dy_dt = dy_dz * 2  # z = 2t + 1
    dy_dx = dy_dt * (2 * x)  # t = x*x + 2: here the cached x is needed
    return {"x": dy_dx, "t": dy_dt, "z": dy_dz, "y": dy_dy}


def first(tensor):
    """Return the first element: here all elements of a node are alike."""
    return tensor.flatten()[0].item()


def main():
    values, gradients = by_autograd()
    hand = by_hand()
    print("node   forward   dy/dnode   by hand      (all elements of a node are alike)")
    for name in values:
        print(f"{name}      {first(values[name]):7.4f}   {first(gradients[name]):8.4f}  {first(hand[name]):8.4f}")
    print(f"x.grad is 4/9 everywhere:\n{gradients['x']}")


if __name__ == "__main__":
    main()
