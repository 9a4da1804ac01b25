"""Random programs full of writes, against a functional interpreter that never heard of graphs.

The interpreter keeps beside every value its derivative with respect to all leaf elements (forward mode, float64). A
tensor is a list of places in a flat memory of values and in one of derivatives; a view is other places in the same. A
recorded write changes values and derivatives; a write under no_grad, or through detach() or .data, the values alone.
So a derivative is always that of the values at the time of use, which is what gpugrad promises, and where gpugrad may
raise is known beforehand.
"""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import gpugrad as gg

LEAVES = [(3, 4), (4,), (2, 3)]
TOTAL = sum(int(np.prod(shape)) for shape in LEAVES)


class Family:
    """A base and its views in one graph: their derivatives, whether they are tracked, and whether a leaf."""

    def __init__(self, derivatives, tracked, is_leaf=False):
        self.derivatives = derivatives
        self.tracked = tracked
        self.is_leaf = is_leaf


class Pair:
    """A tensor of gpugrad beside its model: the places `at` of its elements in a memory and in a family."""

    def __init__(self, tensor, at, memory, family):
        self.tensor, self.at, self.memory, self.family = tensor, at, memory, family

    @classmethod
    def new(cls, tensor, v, d, tracked, is_leaf=False):
        """Return a pair over memory of its own."""
        v = np.array(v, dtype=float, order="C")
        family = Family(np.array(d, order="C").reshape(-1, TOTAL), tracked, is_leaf)
        return cls(tensor, np.arange(v.size).reshape(v.shape), v.reshape(-1), family)

    @property
    def v(self):
        """The values."""
        return self.memory[self.at]

    @property
    def d(self):
        """Their derivatives, of shape (*shape, TOTAL)."""
        return self.family.derivatives[self.at]

    def check(self, where):
        np.testing.assert_allclose(np.asarray(self.tensor.tolist()), self.v, rtol=1e-9, atol=1e-11, err_msg=where)
        assert self.tensor.shape == self.v.shape
        assert self.tensor.requires_grad == self.family.tracked, where


def host(tensor):
    """Return the host array behind a tensor of either test backend."""
    return getattr(tensor._array, "_array", tensor._array)


def spread(d, ndim):
    return d.reshape((1,) * (ndim - (d.ndim - 1)) + d.shape)


def binary(name, a, b):
    """Return the value and the derivative of an op of two models or numbers."""
    va, vb = (x.v if isinstance(x, Pair) else x for x in (a, b))
    fa, fb = {
        "add": (lambda: 1.0, lambda: 1.0),
        "sub": (lambda: 1.0, lambda: -1.0),
        "mul": (lambda: vb, lambda: va),
        "div": (lambda: 1 / vb, lambda: -va / vb**2),
    }[name]
    v = np.asarray({"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}[name](va, vb))
    d = np.zeros((*v.shape, TOTAL))
    for x, f in ((a, fa), (b, fb)):
        if isinstance(x, Pair):
            factor = np.broadcast_to(f(), v.shape)
            d += factor[..., None] * spread(x.d, v.ndim)
    return v, d


class Program:
    """One random program, run on gpugrad and on the model step by step."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.recording = True
        self.log = []
        self.expected = np.zeros(TOTAL)
        self.losses = []
        self.pairs = []
        self.keys = []
        offset = 0
        for shape in LEAVES:
            v = self.random.normal(size=shape)
            d = np.zeros((*shape, TOTAL))
            flat = d.reshape(-1, TOTAL)
            for i in range(len(flat)):
                flat[i, offset + i] = 1.0
            offset += len(flat)
            tensor = gg.tensor(v, requires_grad=True)
            self.pairs.append(Pair.new(tensor, v, d, True, True))
        self.leaves = list(self.pairs)
        for shape in LEAVES:
            v = self.random.normal(size=shape)
            self.pairs.append(Pair.new(gg.tensor(v), v, np.zeros((*shape, TOTAL)), False))

    # Choices

    def one(self, options):
        return options[self.random.integers(len(options))]

    def any_pair(self):
        # The youngest come first: programs that go deep find more.
        n = len(self.pairs)
        return self.pairs[max(int(self.random.integers(n)), int(self.random.integers(n)))]

    def fitting(self, shape):
        """Return a pair that broadcasts to `shape`, or a number."""

        def broadcasts(s):
            return len(s) <= len(shape) and all(a in (1, b) for a, b in zip(s[::-1], shape[::-1], strict=False))

        found = [p for p in self.pairs if broadcasts(p.v.shape)]
        return self.one(found) if found and self.random.random() < 0.75 else float(self.random.normal())

    def note(self, text):
        self.log.append(f"{'' if self.recording else '[no_grad] '}{text}")

    def name(self, x):
        return f"p{self.pairs.index(x)}" if isinstance(x, Pair) else f"{x:.2f}"

    # Steps

    def made(self, tensor, v, d, *inputs):
        tracked = self.recording and any(isinstance(x, Pair) and x.family.tracked for x in inputs)
        self.pairs.append(Pair.new(tensor, v, d if tracked else np.zeros_like(d), tracked))

    def compute(self):
        a = self.any_pair()
        kind = self.one(["add", "sub", "mul", "sin", "tanh", "square", "matmul", "sum", "where", "exp"])
        t = a.tensor
        if kind in ("add", "sub", "mul"):
            b = self.fitting(a.v.shape)
            self.note(f"{kind} {self.name(a)} {self.name(b)}")
            other = b.tensor if isinstance(b, Pair) else b
            z = {"add": lambda: t + other, "sub": lambda: t - other, "mul": lambda: t * other}[kind]()
            self.made(z, *binary(kind, a, b), a, b)
            return
        self.note(f"{kind} {self.name(a)}")
        if kind == "matmul":
            if a.v.ndim != 2:
                return
            b = self.leaves[1] if a.v.shape[1] == 4 else self.leaves[2]
            if b.v.shape[0] != a.v.shape[1]:
                return
            d = np.einsum("ij...,j->i...", a.d, b.v) if b.v.ndim == 1 else None
            if d is None:
                return
            self.made(t @ b.tensor, a.v @ b.v, d + np.einsum("ij,jp->ip", a.v, b.d), a, b)
        elif kind == "sum":
            if a.v.ndim:
                self.made(gg.sum(t, axis=0), a.v.sum(axis=0), a.d.sum(axis=0), a)
        elif kind == "where":
            mask = a.v > 0
            self.made(gg.where(t > 0, t, 0.5), np.where(mask, a.v, 0.5), a.d * mask[..., None], a)
        else:
            f, slope = {
                "sin": (np.sin, np.cos),
                "tanh": (np.tanh, lambda v: 1 - np.tanh(v) ** 2),
                "square": (np.square, lambda v: 2 * v),
                "exp": (lambda v: np.exp(-v * v), lambda v: -2 * v * np.exp(-v * v)),
            }[kind]
            z = gg.exp(-(t * t)) if kind == "exp" else getattr(gg, kind)(t)
            self.made(z, f(a.v), slope(a.v)[..., None] * a.d, a)

    def a_key(self, shape):
        """Return a basic key with an entry for every axis."""
        slices = [slice(None), slice(0, 2), slice(1, None), slice(None, None, -1), slice(None, None, 2), 0, -1]
        return tuple(self.one(slices) for _ in shape)

    def view(self):
        a = self.any_pair()
        kind = self.one(["slice", "reshape", "transpose", "flip", "expand", "squeeze", "detach", "data"])
        t, at, n = a.tensor, a.at, a.at.ndim
        outside = Family(np.zeros_like(a.family.derivatives), False)
        if kind in ("detach", "data"):
            self.note(f"{kind} {self.name(a)}")
            self.pairs.append(Pair(t.detach() if kind == "detach" else t.data, at, a.memory, outside))
            return
        if kind == "slice":
            key = self.a_key(at.shape)
            self.note(f"{self.name(a)}[{key}]")
            z, places = t[key], at[key]
        elif kind == "reshape":
            shape = self.one([(-1,), (at.size,), (at.size, 1), (1, at.size)])
            self.note(f"{self.name(a)}.reshape{shape}")
            z, places = t.reshape(*shape), at.reshape(shape)
            if z.size and not np.may_share_memory(host(z), host(t)):  # its elements do not lie in order: a copy
                self.made(z, a.v.reshape(shape), a.d.reshape((*places.shape, TOTAL)), a)
                return
        elif kind == "transpose":
            axes = tuple(int(i) for i in self.random.permutation(n))
            self.note(f"permute_dims({self.name(a)}, {axes})")
            z, places = gg.permute_dims(t, axes), np.transpose(at, axes)
        elif kind == "flip":
            if n == 0:
                return
            axis = int(self.random.integers(n))
            self.note(f"flip({self.name(a)}, {axis})")
            z, places = gg.flip(t, axis=axis), np.flip(at, axis)
        elif kind == "expand":
            axis = int(self.random.integers(n + 1))
            self.note(f"expand_dims({self.name(a)}, {axis})")
            z, places = gg.expand_dims(t, axis=axis), np.expand_dims(at, axis)
        else:
            ones = [i for i in range(n) if at.shape[i] == 1]
            if not ones:
                return
            self.note(f"squeeze({self.name(a)}, {ones[0]})")
            z, places = gg.squeeze(t, axis=ones[0]), np.squeeze(at, ones[0])
        if places.size == 0:
            return
        # A view made under no_grad of something tracked is outside the graph.
        inside = self.recording or not a.family.tracked
        self.pairs.append(Pair(z, places, a.memory, a.family if inside else outside))

    def refused(self, a, write):
        """Run a write that must raise: a leaf, or a view of one, is written while calls are recorded."""
        before = a.v
        with pytest.raises(RuntimeError, match="leaf|inference tensor"):
            write()
        np.testing.assert_array_equal(a.v, before)

    def write(self):
        a = self.any_pair()
        t, kind = a.tensor, self.one(["set", "set", "add", "sub", "mul", "div", "fill", "integers", "mask"])
        forbidden = self.recording and a.family.is_leaf
        if kind == "fill":
            self.note(f"{self.name(a)}.fill_(0.3)")
            if forbidden:
                return self.refused(a, lambda: t.fill_(0.3))
            t.fill_(0.3)
            return self.store(a, (...,), np.full(a.v.shape, 0.3), np.zeros_like(a.d), False)
        if kind in ("set", "integers", "mask"):
            if kind == "set":
                key = host = self.a_key(a.v.shape)
            elif kind == "integers" and a.v.ndim and a.v.shape[0]:
                index = self.random.integers(-a.v.shape[0], a.v.shape[0], size=3)
                key, host = gg.tensor(index), (index,)
                self.keys.append(key)
            elif kind == "mask":
                mask = self.random.random(a.v.shape) < 0.5
                key, host = gg.tensor(mask), (mask,)
                self.keys.append(key)
            else:
                return None
            region = a.v[host].shape
            value = self.fitting(region)
            if kind == "mask" and isinstance(value, Pair) and value.v.size != 1:
                value = 1.25
            self.note(f"{self.name(a)}[{host}] = {self.name(value)}")
            given = value.tensor if isinstance(value, Pair) else value
            if forbidden:
                return self.refused(a, lambda: t.__setitem__(key, given))
            t[key] = given
            if isinstance(value, Pair):
                v, d, tracked = value.v, spread(value.d, len(region)), value.family.tracked
            else:
                v, d, tracked = value, 0.0, False
            return self.store(a, host, v, d, tracked)
        b = self.fitting(a.v.shape)
        if kind == "div":
            b = float(self.random.random()) + 0.5
        self.note(f"{kind}_ {self.name(a)} {self.name(b)}")
        other = b.tensor if isinstance(b, Pair) else b
        v, d = binary(kind, a, b)
        if forbidden:
            return self.refused(a, lambda: getattr(t, f"{kind}_")(other))
        assert getattr(t, f"{kind}_")(other) is t
        return self.store(a, (...,), v, d, isinstance(b, Pair) and b.family.tracked)

    def store(self, a, key, v, d, tracked):
        places = a.at[key]
        a.memory[places] = v
        if self.recording:
            a.family.tracked |= tracked
            if a.family.tracked:
                a.family.derivatives[places] = d
        return None

    def leaf_step(self):
        """Change a leaf as an optimizer does."""
        x = self.one(self.leaves)
        kind = self.one(["no_grad", "data assigned", "data in place", "detach"])
        self.note(f"step {self.name(x)} {kind}")
        change = self.random.normal(size=x.v.shape)
        c = gg.tensor(change)
        if kind == "no_grad":
            with gg.no_grad():
                x.tensor -= c
        elif kind == "data assigned":
            x.tensor.data -= c
        elif kind == "data in place":
            x.tensor.data.sub_(c)
        else:
            x.tensor.detach()[...] = x.tensor.detach() - c
        x.memory[x.at] -= change

    def spoil_keys(self):
        """Change the indices that were used before."""
        for key in self.keys:
            with gg.inference_mode() if key.is_inference() else gg.no_grad():
                if key.dtype == gg.int64:
                    key.zero_()
                else:
                    key.fill_(True)

    def loss(self):
        a = self.any_pair()
        if not a.family.tracked:
            return
        weights = self.random.normal(size=a.v.shape)
        self.note(f"loss of {self.name(a)}")
        with gg.enable_grad():
            z = gg.sum(a.tensor * gg.tensor(weights))
        self.losses.append((z, (weights[..., None] * a.d).sum(axis=tuple(range(a.v.ndim)))))

    def backward(self, again):
        if not self.losses:
            return
        z, slope = self.one(self.losses)
        self.note("backward")
        for _ in range(2 if again else 1):
            z.backward(retain_graph=True)
            self.expected = self.expected + slope

    def check(self):
        for i, pair in enumerate(self.pairs):
            pair.check(f"p{i}\n" + "\n".join(self.log))
        found = np.concatenate([
            np.zeros(x.v.size) if x.tensor.grad is None else np.ravel(x.tensor.grad.tolist()) for x in self.leaves
        ])  # fmt: skip
        np.testing.assert_allclose(found, self.expected, rtol=1e-8, atol=1e-9, err_msg="\n".join(self.log))

    def run(self, steps):
        menu = [
            (self.compute, 6), (self.view, 6), (self.write, 6), (self.leaf_step, 1), (self.loss, 2),
            (lambda: self.backward(False), 1), (lambda: self.backward(True), 0.3), (self.spoil_keys, 0.5),
        ]  # fmt: skip
        chances = np.array([chance for _, chance in menu])
        for _ in range(steps):
            step = menu[self.random.choice(len(menu), p=chances / chances.sum())][0]
            self.recording = self.random.random() < 0.85
            with gg.set_grad_enabled(self.recording):
                step()
        self.finish()

    def finish(self):
        """Compare all values, and the gradients of all that is left, with the model's."""
        self.recording = True
        for pair in list(self.pairs):  # every value that is left must still know where it came from
            if pair.family.tracked:
                weights = self.random.normal(size=pair.v.shape)
                z = gg.sum(pair.tensor * gg.tensor(weights))
                z.backward(retain_graph=True)
                self.expected += (weights[..., None] * pair.d).sum(axis=tuple(range(pair.v.ndim)))
        for z, slope in self.losses:
            z.backward(retain_graph=True)
            self.expected = self.expected + slope
        self.check()


class Script(Program):
    """A program with all that a training script does besides: hooks, optimizers, checkpoints, inference, shared arrays.

    A hook is hung on a value when it is made, before anything uses it: then scaling the gradient of the value is the
    same as scaling its derivative.
    """

    def __init__(self, seed):
        super().__init__(seed)
        self.model = gg.nn.Module()
        for i, x in enumerate(self.leaves):
            shared = self.random.random() < 0.5  # with a tensor that is gone, or with none
            x.tensor = gg.nn.Parameter(x.tensor.detach() if shared else x.v)
            setattr(self.model, f"w{i}", x.tensor)
        self.optimizer = gg.optim.SGD(self.model.parameters(), lr=0.125)
        self.offsets = np.cumsum([0, *(x.v.size for x in self.leaves)])
        self.involved = []
        self.written_by_hooks = 0
        for _ in range(2):
            self.shared_array()

    def shared_array(self):
        """Let two tensors look at one array of the user's, each at a part of it."""
        array = self.random.normal(size=(4, 4))
        memory = array.reshape(-1).copy()
        places = np.arange(16).reshape(4, 4)
        outside = Family(np.zeros((16, TOTAL)), False)
        for key in ((slice(None), slice(None)), (slice(1, 4), slice(None, None, -1))):
            t = gg.asarray(array[key])
            own = memory if np.may_share_memory(host(t), array) else memory.copy()
            self.pairs.append(Pair(t, places[key], own, Family(outside.derivatives.copy(), False)))

    def any_pair(self):
        pair = super().any_pair()
        self.involved.append(pair)
        return pair

    def fitting(self, shape):
        found = super().fitting(shape)
        self.involved.append(found)
        return found

    # Hooks

    def made(self, tensor, v, d, *inputs):
        super().made(tensor, v, d, *inputs)
        pair = self.pairs[-1]
        if not pair.family.tracked:
            return
        scale = float(self.random.choice([-1.0, 0.5, 2.0]))
        kind = self.one(["none"] * 8 + ["answer", "in place", "node", "before", "retain", "writes", "removed", "all"])
        self.note(f"   hook {kind} {scale} on {self.name(pair)}")
        if kind == "answer":
            tensor.register_hook(lambda g: g * scale)
        elif kind == "in place":
            tensor.register_hook(lambda g: [g.mul_(scale), None][1])
        elif kind == "node":
            tensor.grad_fn.register_hook(lambda gi, go: tuple(None if g is None else g * scale for g in gi))
        elif kind == "before":
            tensor.grad_fn.register_prehook(lambda go: (go[0] * scale,))
        elif kind == "all":
            tensor.register_hook(lambda g: g * scale)
            tensor.grad_fn.register_prehook(lambda go: (go[0] * scale,))
            tensor.retain_grad()
        elif kind == "writes":
            tensor.register_hook(self.writing_hook())
        elif kind == "removed":
            with tensor.register_hook(lambda g: g * 1e6):
                pass
        elif kind == "retain":
            tensor.retain_grad()
        if kind in ("answer", "in place", "node", "before", "all"):
            pair.family.derivatives *= scale * scale if kind == "all" else scale

    def writing_hook(self):
        """Return a hook that changes the value of some tensor in the midst of a walk."""
        victim = self.any_pair()

        def hook(g):
            if self.written_by_hooks < 20 and not victim.tensor.is_inference():
                self.written_by_hooks += 1
                with gg.no_grad():
                    victim.tensor.detach()[...] = victim.tensor.detach() * 0.5 + 0.25
                victim.memory[victim.at] = victim.v * 0.5 + 0.25

        return hook

    # What a training script does

    def optimizer_step(self):
        grads = [x.tensor.grad for x in self.leaves]
        self.note("optimizer.step()")
        self.optimizer.step()
        for i, (x, g) in enumerate(zip(self.leaves, grads, strict=True)):
            if g is not None:
                part = self.expected[self.offsets[i] : self.offsets[i + 1]]
                x.memory[x.at] = x.v - 0.125 * part.reshape(x.v.shape)

    def clear(self):
        set_to_none = bool(self.random.random() < 0.5)
        self.note(f"zero_grad({set_to_none})")
        self.optimizer.zero_grad(set_to_none=set_to_none)
        self.expected = np.zeros(TOTAL)

    def change_grad(self):
        """Write into the gradient of a leaf, as clipping does."""
        i = int(self.random.integers(len(self.leaves)))
        g = self.leaves[i].tensor.grad
        if g is None:
            return
        self.note(f"scale the grad of {self.name(self.leaves[i])}")
        part = slice(self.offsets[i], self.offsets[i + 1])
        with gg.no_grad():
            g.detach().mul_(0.5)
        self.expected = self.expected.copy()
        self.expected[part] *= 0.5

    def load(self):
        state = {f"w{i}": self.random.normal(size=x.v.shape) for i, x in enumerate(self.leaves)}
        self.note("load_state_dict")
        self.model.load_state_dict({name: gg.tensor(v) for name, v in state.items()})
        for i, x in enumerate(self.leaves):
            x.memory[x.at] = state[f"w{i}"]

    def copied(self):
        x = self.one(self.leaves)
        twin = copy.deepcopy(x.tensor) if self.random.random() < 0.5 else pickle.loads(pickle.dumps(x.tensor))
        self.note(f"copy of {self.name(x)}")
        twin.requires_grad_(False)
        self.pairs.append(Pair.new(twin, x.v, np.zeros_like(x.d), False))

    def backward_of_another_kind(self):
        if not self.losses:
            return
        z, slope = self.one(self.losses)
        kind = self.one(["create_graph", "grad", "inputs", "inference", "twice at once"])
        self.note(f"backward, {kind}")
        leaves = [x.tensor for x in self.leaves]
        if kind == "grad":
            found = gg.autograd.grad(z, leaves, retain_graph=True, materialize_grads=True)
            flat = np.concatenate([np.ravel(g.tolist()) for g in found])
            np.testing.assert_allclose(flat, slope, rtol=1e-8, atol=1e-9, err_msg="\n".join(self.log))
            return
        if kind == "inputs":
            i = int(self.random.integers(len(leaves)))
            z.backward(retain_graph=True, inputs=[leaves[i]])
            slope = np.where((np.arange(TOTAL) >= self.offsets[i]) & (np.arange(TOTAL) < self.offsets[i + 1]), slope, 0)
        elif kind == "create_graph":
            z.backward(create_graph=True)
            for x in leaves:
                x.grad = None if x.grad is None else x.grad.detach()
        elif kind == "inference":
            with gg.inference_mode():
                z.backward(retain_graph=True)
            for x in leaves:
                x.grad = None if x.grad is None else x.grad.clone()
        else:
            gg.autograd.backward([z, z], [None, gg.tensor(2.0, dtype=gg.float64)], retain_graph=True)
            slope = 3 * slope
        self.expected = self.expected + slope

    # Inference

    def inferred(self):
        """Take a step in inference mode, where what is made is marked, and what is written is written."""
        self.note("in inference mode:")
        before, self.recording = self.recording, False
        with gg.inference_mode():
            self.one([self.compute, self.compute, self.view, self.write])()
        self.recording = before

    def guarded(self, step):
        """Take a step that may be refused because of an inference tensor among its operands, and for nothing else."""
        self.involved = []
        try:
            step()
        except gg.errors.GradientError as error:
            marked = any(isinstance(p, Pair) and p.tensor.is_inference() for p in self.involved)
            if "inference tensor" not in str(error) or not marked:
                raise AssertionError("\n".join(self.log)) from error
            self.note("   refused")
            self.refusals += 1

    refusals = 0

    def run(self, steps):
        menu = [
            (self.compute, 6), (self.view, 6), (self.write, 6), (self.leaf_step, 1), (self.loss, 2),
            (lambda: self.backward(False), 0.7), (lambda: self.backward(True), 0.3), (self.spoil_keys, 0.5),
            (self.optimizer_step, 0.8), (self.clear, 0.3), (self.change_grad, 0.4), (self.load, 0.4),
            (self.copied, 0.3), (self.backward_of_another_kind, 1), (self.inferred, 1),
        ]  # fmt: skip
        chances = np.array([chance for _, chance in menu])
        for _ in range(steps):
            step = menu[self.random.choice(len(menu), p=chances / chances.sum())][0]
            self.recording = self.random.random() < 0.85
            with gg.set_grad_enabled(self.recording):
                self.guarded(step)
        self.finish()


@pytest.mark.parametrize("seed", range(320))
def test_a_program_full_of_writes_has_the_values_and_gradients_of_the_functional_one(seed):
    with np.errstate(all="ignore"):
        Program(seed).run(8 + seed % 40)


@pytest.mark.parametrize("seed", range(1000, 1100))
def test_a_program_full_of_writes_is_right_on_the_strict_backend(seed):
    with gg.use_backend("strict"), np.errstate(all="ignore"):
        Program(seed).run(8 + seed % 30)


@pytest.mark.parametrize("seed", range(5000, 5250))
def test_a_training_script_has_the_values_and_gradients_of_the_functional_one(seed):
    with np.errstate(all="ignore"):
        Script(seed).run(8 + seed % 40)


@pytest.mark.parametrize("seed", range(6000, 6040))
def test_a_training_script_is_right_on_the_strict_backend(seed):
    with gg.use_backend("strict"), np.errstate(all="ignore"):
        Script(seed).run(8 + seed % 30)


def test_scripts_are_refused_now_and_then_and_mostly_not():
    with np.errstate(all="ignore"):
        scripts = [Script(seed) for seed in range(7000, 7030)]
        for script in scripts:
            script.run(40)
    assert 5 < sum(s.refusals for s in scripts) < 300


@pytest.mark.parametrize("seed", range(8000, 8040))
def test_a_training_script_writes_nothing_foreign(seed):
    with gg.autograd.detect_foreign_writes(), np.errstate(all="ignore"):
        Script(seed).run(8 + seed % 30)
