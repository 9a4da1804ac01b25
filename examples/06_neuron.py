"""A neuron with two inputs, f = sigmoid(w0*x0 + w1*x1 + w2), as small gates and as one sigmoid gate.

Taken apart, the sigmoid is four gates (times -1, exp, plus 1, one over), and the gradient passes each of them with its
own local gradient. Any part of the graph may be drawn as one gate if its local gradient is known: that of the sigmoid
is (1 - f) * f, so one gate does it all, and has only its own output to cache.
"""

import gpugrad


def leaves():
    """Return the weights and the inputs."""
    w = gpugrad.tensor([2.0, -3.0, -3.0], requires_grad=True)
    x = gpugrad.tensor([-1.0, -2.0], requires_grad=True)
    return w, x


def as_one_gate():
    """Return f, df/dx and df/dw with sigmoid as a gate."""
    w, x = leaves()
    f = gpugrad.sigmoid(w[0] * x[0] + w[1] * x[1] + w[2])
    f.backward()
    return f.item(), x.grad.tolist(), w.grad.tolist()


def gate_by_gate():
    """Return name, value and gradient of every node from the weighted sum on, and df/dx and df/dw."""
    w, x = leaves()
    s = w[0] * x[0] + w[1] * x[1] + w[2]
    minus = s * -1
    power = gpugrad.exp(minus)
    plus = power + 1
    f = 1 / plus
    nodes = {"s = w0*x0 + w1*x1 + w2": s, "-s": minus, "exp(-s)": power, "exp(-s) + 1": plus, "f = 1/(exp(-s) + 1)": f}
    for node in nodes.values():
        node.retain_grad()
    f.backward()
    return [(name, n.item(), n.grad.item()) for name, n in nodes.items()], x.grad.tolist(), w.grad.tolist()


def main():
    rows, dx, dw = gate_by_gate()
    print("gate by gate               value  gradient")
    for name, value, gradient in rows:
        print(f"  {name:22} {value:7.4f}  {gradient:8.4f}")
    f, dx_once, dw_once = as_one_gate()
    print(f"as one gate    f = {f:.7f}, and its local gradient (1 - f) * f = {(1 - f) * f:.7f}")
    for name, once, parts in (("df/dx", dx_once, dx), ("df/dw", dw_once, dw)):
        print(f"  {name} = {[round(d, 7) for d in once]}, gate by gate {[round(d, 7) for d in parts]}")


if __name__ == "__main__":
    main()
