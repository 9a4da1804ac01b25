"""The vanishing gradient of a deep sigmoid net, and three cures, at the first gradient of a 20-layer net.

sigma'(z) = sigma(z) * (1 - sigma(z)) is at most 0.25, at z = 0, and a sigmoid that is driven far from 0 saturates: its
gradient is nearly 0. The deltas are multiplied by such a factor in every layer on their way to the left, so the first
layers learn nothing. The cures change the factor: ReLU has slope 1 where it is active (with Kaiming's initial weights,
so that values keep their size), normalisation brings each layer's values back to size 1, and a residual block,
x + module(x), gives the gradient a way around the module ("Add & Norm" is both).
"""

import gpugrad
from gpugrad import nn

depth, width, samples = 20, 64, 128


def sigmoid_slope(z):
    """Return sigma'(z) by autograd."""
    z = gpugrad.tensor(z, requires_grad=True)
    gpugrad.sigmoid(z).backward()
    return z.grad.item()


def hidden_layers(kind):
    """Return the modules of one hidden layer."""
    linear = nn.Linear(width, width)
    if kind == "sigmoid":
        return [linear, nn.Sigmoid()]
    if kind == "relu, Kaiming":
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        return [linear, nn.ReLU()]
    if kind == "sigmoid, LayerNorm":
        return [linear, nn.Sigmoid(), nn.LayerNorm(width)]
    if kind == "sigmoid, residual":
        return [nn.Residual(nn.Sequential(linear, nn.Sigmoid()))]
    if kind == "sigmoid, Add & Norm":
        return [nn.Residual(nn.Sequential(linear, nn.Sigmoid())), nn.LayerNorm(width)]
    raise ValueError(kind)


kinds = ["sigmoid", "relu, Kaiming", "sigmoid, LayerNorm", "sigmoid, residual", "sigmoid, Add & Norm"]


def gradient_norms(kind, seed=0):
    """Return the norms of the weight gradients of the 20 hidden layers, the first layer's first."""
    gpugrad.manual_seed(seed)
    modules = [module for _ in range(depth) for module in hidden_layers(kind)]
    net = nn.Sequential(*modules, nn.Linear(width, 10))
    x = gpugrad.randn(samples, width)
    labels = gpugrad.randint(10, (samples,))
    nn.CrossEntropyLoss()(net(x), labels).backward()
    layers = [module for module in net.modules() if isinstance(module, nn.Linear)]
    return [layer.weight.grad.norm().item() for layer in layers[:depth]]


def main():
    print("sigma'(z):  " + "   ".join(f"z = {z:g}: {sigmoid_slope(z):.2g}" for z in (0.0, 2.0, 5.0, 10.0)))
    print(f"0.25 to the power {depth}: {0.25**depth:.1e}")
    print()
    print(f"|dW| of a {depth}-layer net     first layer   last layer   first / last")
    for kind in kinds:
        norms = gradient_norms(kind)
        print(f"  {kind:24} {norms[0]:13.1e} {norms[-1]:12.1e} {norms[0] / norms[-1]:14.1e}")


if __name__ == "__main__":
    main()
