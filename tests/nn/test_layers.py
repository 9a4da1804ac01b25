"""Layers compute what their formula says, refuse what does not fit, and join into one node where they can."""

import math

import numpy as np
import pytest

import gpugrad
from gpugrad import nn
from gpugrad.errors import DtypeError, OptionError, ShapeError


def filled(layer, weight, bias=None):
    layer.load_state_dict({"weight": np.asarray(weight), **({} if bias is None else {"bias": np.asarray(bias)})})
    return layer


def test_linear_by_hand(backend):
    layer = filled(nn.Linear(2, 3), [[1.0, 2.0], [0.0, -1.0], [3.0, 0.0]], [0.5, 0.0, -1.0])
    assert layer(gpugrad.tensor([[1.0, 10.0]])).tolist() == [[21.5, -10.0, 2.0]]
    assert layer(gpugrad.ones((4, 5, 2))).shape == (4, 5, 3)
    assert layer(gpugrad.ones(2)).tolist() == [3.5, -1.0, 2.0]
    assert nn.Linear(2, 3, bias=False).bias is None


def test_the_gradients_of_linear_by_hand(backend):
    layer = filled(nn.Linear(2, 1), [[3.0, 4.0]], [0.0])
    x = gpugrad.tensor([[1.0, 2.0], [5.0, 6.0]], requires_grad=True)
    layer(x).sum().backward()
    assert layer.weight.grad.tolist() == [[6.0, 8.0]]
    assert layer.bias.grad.tolist() == [2.0]
    assert x.grad.tolist() == [[3.0, 4.0]] * 2


def test_a_wrong_input_is_named_in_one_line(backend):
    with pytest.raises(ShapeError, match=r"input of shape \(5, 4\) .* must have size 3") as caught:
        nn.Linear(3, 2)(gpugrad.ones((5, 4)))
    assert "\n" not in str(caught.value)
    with pytest.raises(DtypeError, match="float64"):
        nn.Linear(3, 2)(gpugrad.ones((5, 3), dtype=gpugrad.float64))
    for sizes in ((-1, 2), (2, 1.5), (True, 1)):
        with pytest.raises(OptionError, match="_features must be a size"):
            nn.Linear(*sizes)


def test_initial_values_have_pytorchs_bounds_and_follow_the_seed():
    values = {}
    for name in ("numpy", "strict", "numpy"):
        gpugrad.manual_seed(3)
        with gpugrad.use_backend(name):
            layer = nn.Linear(400, 300)
            values[name] = [layer.weight.tolist(), layer.bias.tolist()]
    assert values["numpy"] == values["strict"]
    weight = np.asarray(values["numpy"][0])
    assert np.abs(weight).max() <= 1 / 20
    assert weight.std() == pytest.approx(1 / 20 / math.sqrt(3), rel=0.02)
    assert np.abs(values["numpy"][1]).max() <= 1 / 20
    assert nn.Linear(0, 2)(gpugrad.ones((1, 0))).tolist() == [[0.0, 0.0]]


def test_a_layer_goes_where_it_is_told():
    layer = nn.Linear(2, 2, device="strict:device1", dtype=gpugrad.float64)
    assert str(layer.weight.device) == "strict:device1"
    assert layer.bias.dtype == gpugrad.float64


def test_activations_by_hand(backend):
    x = gpugrad.tensor([-2.0, 0.0, 1.0])
    for layer, wanted in [
        (nn.ReLU(), [0, 0, 1]),
        (nn.LeakyReLU(0.1), [-0.2, 0, 1]),
        (nn.Sigmoid(), [0.1192029, 0.5, 0.7310586]),
        (nn.Tanh(), [-0.9640276, 0, 0.7615942]),
        (nn.SiLU(), [-0.2384058, 0, 0.7310586]),
        (nn.GELU(), [-0.0455003, 0, 0.8413447]),
        (nn.GELU("tanh"), [-0.0454023, 0, 0.8411920]),
        (nn.Softplus(), [0.1269280, 0.6931472, 1.3132617]),
        (nn.Softplus(beta=2.0), [0.0090750, 0.3465736, 1.0634640]),
        (nn.LogSigmoid(), [-2.1269280, -0.6931472, -0.3132617]),
        (nn.Softmax(dim=0), [0.0351190, 0.2594965, 0.7053845]),
        (nn.LogSoftmax(dim=0), [-3.3490121, -1.3490121, -0.3490121]),
        (nn.Identity(1, mode="anything"), [-2, 0, 1]),
        (nn.Residual(nn.ReLU()), [-2, 0, 2]),
    ]:
        assert layer(x).tolist() == pytest.approx(wanted, rel=2e-6, abs=1e-7), repr(layer)


def test_gelu_does_not_cancel_where_its_value_is_tiny():
    x = gpugrad.tensor([-5.0, -4.0])
    exact = [-5 * 0.5 * math.erfc(5 / math.sqrt(2)), -4 * 0.5 * math.erfc(4 / math.sqrt(2))]
    assert nn.GELU()(x).tolist() == pytest.approx(exact, rel=1e-6)
    u = [math.sqrt(2 / math.pi) * (v + 0.044715 * v**3) for v in (-5.0, -4.0)]
    tanh_form = [v / (1 + math.exp(-2 * w)) for v, w in zip((-5.0, -4.0), u, strict=True)]
    assert nn.GELU("tanh")(x).tolist() == pytest.approx(tanh_form, rel=3e-6)
    with pytest.raises(OptionError, match="'none' or 'tanh', not 'fast'"):
        nn.GELU("fast")(x)


def test_flatten_joins_axes(backend):
    x = gpugrad.ones((2, 3, 4, 5))
    assert nn.Flatten()(x).shape == (2, 60)
    assert nn.Flatten(0, 1)(x).shape == (6, 4, 5)
    assert nn.Flatten(-2)(x).shape == (2, 3, 20)
    with pytest.raises(ShapeError, match=r"axes 1 to -1 cannot be joined in a shape \(3,\)"):
        nn.Flatten()(gpugrad.ones(3))


def test_layer_norm_by_hand(backend):
    layer = nn.LayerNorm((2, 2), eps=0.0)
    layer.load_state_dict({"weight": [[1.0, 2.0], [1.0, 1.0]], "bias": [[0.0, 0.0], [0.0, 5.0]]})
    x = gpugrad.tensor([[[1.0, 1.0], [3.0, 3.0]]])
    assert layer(x).tolist() == [[[-1.0, -2.0], [1.0, 6.0]]]
    with pytest.raises(ShapeError, match=r"expected an input of shape \(\.\.\., 2, 2\), got \(3, 2\)"):
        layer(gpugrad.ones((3, 2)))
    assert list(nn.LayerNorm(3, elementwise_affine=False).parameters()) == []
    assert [name for name, _ in nn.LayerNorm(3, bias=False).named_parameters()] == ["weight"]
    with pytest.raises(ShapeError, match=r"expected a weight of shape \(3,\), got \(2,\)"):
        nn.functional.layer_norm(gpugrad.ones((1, 3)), 3, gpugrad.ones(2))


def test_dropout_keeps_the_mean_and_drops_the_same_on_every_backend():
    masks = []
    for name in ("numpy", "strict"):
        gpugrad.manual_seed(5)
        with gpugrad.use_backend(name):
            layer = nn.Dropout(0.25)
            x = gpugrad.ones((100, 100), requires_grad=True)
            z = layer(x)
            z.sum().backward()
            assert x.grad.tolist() == z.tolist(), "backward drops the same elements"
            masks.append(z.tolist())
            assert layer(x).tolist() != masks[-1], "each call draws anew"
    assert masks[0] == masks[1]
    values = np.asarray(masks[0])
    assert set(np.unique(values)) == {0.0, np.float32(1 / 0.75)}
    assert values.mean() == pytest.approx(1.0, abs=0.03)


def test_dropout_rests_in_evaluation(backend):
    x = gpugrad.ones(10)
    assert nn.Dropout(0.9).eval()(x) is x
    assert nn.Dropout(0.0)(x) is x
    assert nn.Dropout(1.0)(x).tolist() == [0.0] * 10
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(OptionError, match="p must be a probability"):
            nn.Dropout(p)


def test_a_generator_of_ones_own_decides_the_mask(backend):
    x = gpugrad.ones(64)
    draws = [nn.functional.dropout(x, 0.5, generator=gpugrad.random.Generator(9)).tolist() for _ in range(2)]
    assert draws[0] == draws[1]


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Sigmoid, nn.Tanh])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False])
def test_one_node_for_two_layers_gives_the_same_numbers(backend, activation, dtype, bias):
    dtype = getattr(gpugrad, dtype)
    net = nn.Sequential(
        nn.Linear(5, 4, bias, dtype=dtype), activation(), nn.Linear(4, 2, bias, dtype=dtype), activation()
    )
    results = []
    for joint in (True, False):
        x = gpugrad.linspace(-3, 3, 35, dtype=dtype).reshape(7, 5).requires_grad_()
        net.zero_grad()
        z = x
        if joint:
            z = net(x)
            assert "activated" in z.grad_fn.op.name
        else:
            for layer in net:
                z = layer(z)
        (z * z).sum().backward()
        results.append([z.tolist(), x.grad.tolist(), *(p.grad.tolist() for p in net.parameters())])
    assert results[0] == results[1]


def test_a_watched_layer_runs_by_itself(backend):
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    seen = []
    handle = net[0].register_forward_hook(lambda module, args, result: seen.append(result))
    net(gpugrad.ones((1, 2)))
    assert len(seen) == 1
    handle.remove()
    assert "activated" in net(gpugrad.ones((1, 2))).grad_fn.op.name


def test_a_derived_layer_is_not_joined(backend):
    class Doubled(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2

    layer = Doubled(2, 2)
    x = gpugrad.ones((1, 2))
    assert nn.Sequential(layer, nn.ReLU())(x).tolist() == gpugrad.relu(layer(x)).tolist()


def test_a_sequence_is_a_list_of_modules():
    a, b, c = nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1)
    net = nn.Sequential(a, b, c)
    assert (len(net), net[0], net[-1], list(net)) == (3, a, c, [a, b, c])
    assert list(net[1:]) == [b, c]
    assert list(net[1:].state_dict()) == ["2.weight", "2.bias"], "a slice keeps the names, as in PyTorch"
    assert net.append(nn.Tanh()) is net
    net[1] = nn.Sigmoid()
    assert [type(m).__name__ for m in net] == ["Linear", "Sigmoid", "Linear", "Tanh"]
    del net[1]
    assert [name for name, _ in net.named_children()] == ["0", "1", "2"]
    with pytest.raises(IndexError, match="index 3 is out of range for 3 modules"):
        net[3]
    assert list(nn.Sequential()) == []
    x = gpugrad.ones(2)
    assert nn.Sequential()(x) is x


def test_a_sequence_may_name_its_modules():
    net = nn.Sequential({"hidden": nn.Linear(1, 2), "out": nn.Linear(2, 1)})
    assert list(net.state_dict()) == ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]
    assert net.hidden is net[0]
    with pytest.raises(OptionError, match="'forward'"):
        nn.Sequential({"forward": nn.ReLU()})
    with pytest.raises(TypeError, match="takes modules, not float"):
        nn.Sequential(nn.ReLU(), 1.0)


def test_a_residual_block_keeps_a_deep_net_alive(backend):
    def first_gradient(deep):
        gpugrad.manual_seed(0)
        net = nn.Sequential(nn.Linear(8, 8), *[deep() for _ in range(20)])
        net(gpugrad.ones((4, 8))).sum().backward()
        return net[0].weight.grad.norm().item()

    plain = first_gradient(lambda: nn.Sequential(nn.Linear(8, 8), nn.Sigmoid()))
    around = first_gradient(lambda: nn.Residual(nn.Sequential(nn.Linear(8, 8), nn.Sigmoid())))
    assert plain < 1e-10 < 1 < around
