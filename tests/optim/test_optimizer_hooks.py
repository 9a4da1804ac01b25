"""Functions that a user hangs on an optimizer are called when they should be, in order, and can be taken off."""

import copy

import pytest

import gpugrad
from gpugrad import optim


def made():
    p = gpugrad.ones(2, requires_grad=True)
    p.grad = gpugrad.ones(2)
    return p, optim.SGD([p], lr=0.5)


def test_step_hooks_see_the_step_and_its_arguments(backend):
    p, optimizer = made()
    seen = []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", o, args, p.tolist())))
    after = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", o, args, p.tolist())))
    optimizer.step()
    assert seen == [("before", optimizer, (), [1.0, 1.0]), ("after", optimizer, (), [0.5, 0.5])]
    seen.clear()
    optimizer.clip_and_step(1.0)
    assert [args for _, _, args, _ in seen] == [(1.0,), (1.0,)]
    before.remove()
    after.remove()
    seen.clear()
    optimizer.step()
    assert seen == []


def test_a_pre_hook_may_change_the_arguments(backend):
    _, optimizer = made()
    optimizer.register_step_pre_hook(lambda o, args, kwargs: ((), {"closure": lambda: 7.0}))
    assert optimizer.step() == 7.0


def test_a_pre_hook_that_returns_something_else_stops_the_step(backend):
    p, optimizer = made()
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(TypeError, match=r"must return None or \(args, kwargs\), not 3"):
        optimizer.step()
    assert p.tolist() == [1.0, 1.0]
    with pytest.raises(TypeError, match="a hook must be a function, not int"):
        optimizer.register_step_post_hook(3)


def test_hooks_of_states_may_replace_them(backend):
    _, optimizer = made()
    order = []
    optimizer.register_state_dict_pre_hook(lambda o: order.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, state: order.append("second"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "note": "mine"}, prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, state: order.append(state["note"]))
    saved = optimizer.state_dict()
    assert order == ["pre", "second", "mine"]
    optimizer.register_load_state_dict_pre_hook(lambda o, state: {k: v for k, v in state.items() if k != "note"})
    optimizer.register_load_state_dict_post_hook(lambda o: order.append("loaded"))
    saved["param_groups"][0]["lr"] = 0.125
    optimizer.load_state_dict(saved)
    assert order[-1] == "loaded"
    assert optimizer.param_groups[0]["lr"] == 0.125


def test_a_copy_has_no_hooks(backend):
    p, optimizer = made()
    optimizer.register_step_post_hook(lambda o, args, kwargs: pytest.fail("it is the other one's"))
    optimizer.register_state_dict_post_hook(lambda o, state: {"cut": "short"})
    copy.deepcopy((p, optimizer))[1].step()


def test_an_average_of_weights_can_hang_on_an_optimizer(backend):
    model = gpugrad.nn.Linear(2, 1)
    average = optim.swa_utils.AveragedModel(model, avg_fn=optim.swa_utils.get_ema_avg_fn(0.5))
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    optimizer.register_step_post_hook(lambda *_: average.update_parameters(model))
    for _ in range(2):
        for p in model.parameters():
            p.grad = gpugrad.ones(p.shape)
        optimizer.step()
    assert average.module.bias.tolist() == pytest.approx([model.bias.item() + 0.5])
