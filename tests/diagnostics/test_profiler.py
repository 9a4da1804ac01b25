"""The profiler counts every call and rule once, with its bytes and line, and its trace is one that viewers take."""

from __future__ import annotations

import inspect
import json
import re
import threading
import time

import fake_cupy
import numpy as np
import pytest

import gpugrad as gg
from gpugrad import nn
from gpugrad._graph import watching
from gpugrad.autograd import detect_anomaly
from gpugrad.diagnostics import _profile_events
from gpugrad.errors import OptionError, ShapeError, StateError


def leaf(values, **options):
    return gg.tensor(values, requires_grad=True, **options)


def lines_of(function, mark):
    """Return the numbers of the lines of a function that end with a mark."""
    lines, first = inspect.getsourcelines(function)
    return [first + i for i, line in enumerate(lines) if line.rstrip().endswith(mark)]


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when it is told to, and by 1 µs whenever it is read: what the profile takes for noting."""

    class Clock:
        now = 0

        def __call__(self):
            self.now += 1000
            return self.now

        def pass_(self, milliseconds):
            self.now += int(1e6 * milliseconds)

    clock = Clock()
    monkeypatch.setattr(_profile_events, "perf_counter_ns", clock)
    monkeypatch.setattr("gpugrad.diagnostics.profiler.perf_counter_ns", clock)
    return clock


def test_every_call_and_every_rule_is_counted_once(backend):
    x = leaf(np.ones((4, 8), np.float32))
    with gg.profile() as p:
        for _ in range(3):
            (gg.exp(x) @ gg.matrix_transpose(x)).sum().backward()
    counts = {row.name: (row.calls, row.backward_calls) for row in p.rows()}
    assert counts == {
        "exp": (3, 3), "matmul": (3, 3), "matrix_transpose": (3, 3), "sum": (3, 3), "accumulate": (0, 3),
    }  # fmt: skip
    assert [(row.name, row.calls) for row in p.ranges()] == [("walk back", 3)]
    assert not watching.watchers


def test_bytes_are_those_of_operands_and_of_new_results(backend):
    x = leaf(np.ones((4, 8), np.float32))
    with gg.profile() as p:
        y = x * x
        z = y.reshape(32)
        w = z + 1
        w.backward(gg.ones(32))
    found = {(e.name, e.kind): (e.bytes_read, e.bytes_written) for e in p.events}
    assert found["multiply", "forward"] == (128, 128)  # x is read once
    assert found["reshape", "forward"] == ((0, 0) if backend != "strict" else found["reshape", "forward"])
    assert found["add", "forward"] == (128, 128)
    assert found["add", "backward"] == (128, 0)  # the gradient is handed on
    assert found["multiply", "backward"] == (256, 256)  # g and the saved x; a gradient for each operand
    event = next(e for e in p.events if e.name == "multiply")
    assert event.shapes == ((4, 8), (4, 8)) and event.dtypes == ("float32", "float32")


def test_times_add_up_and_noting_is_left_out(clock):
    x = leaf([1.0])

    class Slow(gg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            clock.pass_(5)
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            clock.pass_(20)
            return g * 1.0

    with gg.profile() as p:
        clock.pass_(3)
        with gg.record_function("part"):
            y = Slow.apply(x)
            clock.pass_(2)
        y.backward()
    rows = {row.name: row for row in p.rows()}
    assert rows["Slow"].backward == pytest.approx(20e-3, abs=5e-6)
    (part,) = [r for r in p.ranges() if r.name == "part"]
    assert part.time == pytest.approx(7e-3, abs=5e-6)
    inside = sum(row.self_time for row in p.rows())
    assert p.seconds == pytest.approx(30e-3, abs=1e-3)
    assert p.outside == pytest.approx(10e-3, abs=50e-6)  # 3, 5 and 2 ms of Python
    assert inside + p.outside + p.overhead == pytest.approx(p.seconds, abs=1e-9)
    assert sum(row.share for row in p.rows()) == pytest.approx(1)


def test_what_is_within_an_event_is_not_its_own(clock):
    x = leaf([1.0])
    y = x * 2

    def hook(g):
        clock.pass_(1)
        return gg.exp(g)

    y.register_hook(hook)
    with gg.profile() as p:
        y.sum().backward()
    rows = {row.name: row for row in p.rows()}
    exp = rows["exp"].time
    assert rows["hook"].time == pytest.approx(rows["hook"].self_time + exp, abs=1e-9)
    (walk,) = p.ranges()
    within = sum(rows[n].time for n in ("hook",)) + rows["sum"].backward + rows["multiply"].backward
    assert walk.time - walk.self_time >= within - 1e-9


def planted():
    x = leaf([1.0, 2.0])
    y = gg.exp(x)  # a
    z = y * y  # b
    z.sum().backward()  # c


def test_by_line_a_rule_counts_where_its_op_was_called():
    with gg.profile() as p:
        planted()
    rows = {row.name: row for row in p.rows(by="line")}
    (a,), (b,), (c,) = (lines_of(planted, mark) for mark in ("# a", "# b", "# c"))
    assert set(rows) == {f"{__file__}:{n}" for n in (a, b, c)}
    assert (rows[f"{__file__}:{a}"].calls, rows[f"{__file__}:{a}"].backward_calls) == (1, 1)
    assert (rows[f"{__file__}:{c}"].calls, rows[f"{__file__}:{c}"].backward_calls) == (1, 2)  # sum, and accumulate


def test_by_shape_calls_of_other_shapes_are_apart():
    with gg.profile() as p:
        gg.exp(gg.ones(3))
        gg.exp(gg.ones(3))
        gg.exp(gg.ones((2, 2), dtype=gg.float64))
    assert {row.name: row.calls for row in p.rows(by="shape")} == {
        "exp float32[3]": 2,
        "exp float64[2, 2]": 1,
    }


def test_writes_steps_and_layers_are_there():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid())
    optimizer = gg.optim.SGD(model.parameters(), lr=0.1)
    with gg.profile() as p:
        model(gg.ones((1, 2))).sum().backward()
        optimizer.step()
        x = gg.zeros(3)
        x[0] = 1
        x += 1
    names = {row.name for row in p.rows()}
    assert {"SGD.step", "assign", "accumulate", "add"} <= names
    assert any(e.layer for e in p.events)


ORDERS = ["time", "self", "forward", "backward", "device", "calls", "mean", "read", "written", "name"]


@pytest.mark.parametrize("order", ORDERS)
def test_rows_come_in_the_order_asked_for(order):
    with gg.profile() as p:
        planted()
        planted()
        gg.exp(gg.ones(1000))
    rows = p.rows(sort_by=order)
    if order == "name":
        assert [row.name for row in rows] == sorted(row.name for row in rows)
    else:
        values = [row.value(order) for row in rows]
        assert values == sorted(values, reverse=True)
    first = p.table(sort_by=order, limit=1).splitlines()[2]
    assert first.split()[0] == rows[0].name


def test_the_table_is_aligned_and_says_what_is_left_out(clock):
    with gg.profile() as p:
        planted()
    lines = p.table().splitlines()
    assert re.split(r"  +", lines[0]) == [
        "op", "calls", "time", "share", "self", "forward", "backward", "mean", "read", "written",
    ]  # fmt: skip
    assert set(lines[1]) == {"-"} and len({len(line) for line in lines[1:6]}) == 1
    assert lines[-2].startswith("walk back: 1 in ")
    assert re.fullmatch(
        r"\S+ ms in all: \S+ ms in ops, \S+ ms outside of them, \S+ ms for the profile itself", lines[-1]
    )
    assert str(p) == p.table() == repr(p)
    assert "... and 3 more" in p.table(limit=1)
    html = p._repr_html_()
    assert html.startswith("<table") and html.count("<tr>") == 5 and "multiply" in html


def test_the_table_can_be_made_of_nothing():
    with gg.profile() as p:
        pass
    assert "0.00 ms in ops" in str(p) and p.events == ()


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda p: p.rows(sort_by="speed"), "sort_by is one of time, self"),
        (lambda p: p.rows(by="module"), "by is one of op, line, shape, not 'module'"),
        (lambda p: p.table(limit=0), "limit is a number of rows"),
        (lambda p: p.__enter__(), "made anew for each block"),
    ],
)
def test_wrong_questions_get_one_line(wrong, match):
    with gg.profile() as p:
        gg.exp(gg.ones(1))
    with pytest.raises((OptionError, StateError), match=match):
        wrong(p)


def test_a_running_profile_is_not_looked_at():
    p = gg.profile()
    with pytest.raises(StateError, match="nothing was profiled yet"):
        p.rows()
    with p:
        assert repr(p) == "<profile, running>" == p._repr_html_().replace("&lt;", "<").replace("&gt;", ">")
        with pytest.raises(StateError, match="still running"):
            p.table()


# Errors, threads, and other watchers


def test_an_error_within_ends_the_profile_and_is_noted():
    with pytest.raises(ShapeError, match="add of"), gg.profile() as p:
        gg.ones(2) + gg.ones(3)
    assert [e.name for e in p.events] == ["add"] and not watching.watchers


def test_threads_have_tracks_of_their_own(tmp_path):
    def work():
        planted()

    with gg.profile() as p:
        threads = [threading.Thread(target=work, name=f"worker {i}") for i in range(2)]
        planted()
        for thread in threads:
            thread.start()
            thread.join()
    # a thread that has ended may give its identity to the next one
    assert {row.name: row.calls for row in p.rows()}["exp"] == 3
    assert "other thread" in p.table()
    p.chrome_trace(tmp_path / "trace.json")
    check(json.loads((tmp_path / "trace.json").read_text("utf-8")))


def test_two_profiles_and_anomaly_mode_at_once():
    with gg.profile() as outer, detect_anomaly(), gg.profile() as inner:
        planted()
    assert len(outer.events) == len(inner.events) > 0


def test_gradients_are_the_same():
    x = leaf([1.0, 2.0])
    (gg.exp(x) * x).sum().backward()
    plain = x.grad.tolist()
    x.grad = None
    with gg.profile():
        (gg.exp(x) * x).sum().backward()
    assert x.grad.tolist() == plain


def test_a_range_is_a_block_a_decorator_and_nothing_without_a_profile():
    @gg.record_function("loss")
    def loss(x):
        return gg.exp(x).sum()

    x = leaf([1.0])
    loss(x)
    with gg.profile() as p:
        loss(x)
        with gg.record_function("outer"), gg.record_function("inner"):
            loss(x)
    assert {row.name: row.calls for row in p.ranges()} == {"loss": 2, "outer": 1, "inner": 1}
    manager = gg.record_function("over the end")
    with gg.profile() as p:
        manager.__enter__()
    manager.__exit__(None, None, None)
    assert p.events == ()


# The trace


def check(trace):
    """Assert what the trace event format asks of complete events, and that those of a track are nested."""
    assert trace["displayTimeUnit"] == "ms"
    complete = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    meta = [e for e in trace["traceEvents"] if e["ph"] == "M"]
    assert len(complete) + len(meta) == len(trace["traceEvents"]) and complete
    for e in complete:
        assert {"name", "cat", "ph", "ts", "dur", "pid", "tid", "args"} == set(e)
        assert isinstance(e["ts"], float | int) and e["ts"] >= 0 and e["dur"] >= 0
        assert isinstance(e["pid"], int) and isinstance(e["tid"], int)
    assert [e["ts"] for e in complete] == sorted(e["ts"] for e in complete)
    assert {e["tid"] for e in complete} <= {e["tid"] for e in meta if e["name"] == "thread_name"}
    for track in {e["tid"] for e in complete}:
        around = []
        for e in (e for e in complete if e["tid"] == track):
            begin, end = round(1000 * e["ts"]), round(1000 * (e["ts"] + e["dur"]))
            while around and around[-1] <= begin:
                around.pop()
            assert not around or end <= around[-1], e
            around.append(end)
    return complete


def test_the_trace_has_forward_and_backward_tracks_nested_and_in_microseconds(tmp_path, clock):
    x = leaf([1.0, 2.0])
    with gg.profile() as p, gg.record_function('step "é"'):
        y = gg.exp(x)  # exp
        y.register_hook(lambda g: clock.pass_(2))
        clock.pass_(4)
        y.sum().backward()
    path = tmp_path / "trace.json"
    p.chrome_trace(path)
    trace = json.loads(path.read_text("utf-8"))
    complete = check(trace)
    tracks = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    where = {(e["name"], e["cat"]): tracks[e["tid"]] for e in complete}
    assert where["exp", "forward"] == where['step "é"', "range"] == "MainThread: forward"
    assert where["exp", "backward"] == where["hook", "backward"] == where["walk back", "walk"] == "MainThread: backward"
    by_name = {(e["name"], e["cat"]): e for e in complete}
    assert by_name["hook", "backward"]["dur"] == pytest.approx(2000, abs=10)
    gap = by_name["walk back", "walk"]["ts"] - by_name["exp", "forward"]["ts"]
    assert gap == pytest.approx(4000, abs=100)
    (line,) = lines_of(test_the_trace_has_forward_and_backward_tracks_nested_and_in_microseconds, "# exp")
    assert by_name["exp", "forward"]["args"] == {
        "shapes": [[2]], "dtypes": ["float32"], "bytes read": 8, "bytes written": 8,
        "line": f"{__file__}:{line}",
    }  # fmt: skip


# On a GPU


def test_the_device_is_waited_for_once_at_the_end(tmp_path):
    with fake_cupy.installed(), gg.use_backend("cuda"):
        x = leaf([1.0, 2.0])
        planted()
        fake_cupy.counts.reset()
        with gg.profile() as p:
            for _ in range(3):
                (gg.exp(x) * x).sum().backward()
            assert fake_cupy.counts.meetings == (0, 0, 0)
        assert fake_cupy.counts.meetings == (0, 0, 1)
        events = [e for e in p.events if e.device is not None]
    assert {e.device for e in events} == {"cuda:0"} and len(events) >= 3 * 6
    assert all(e.device_seconds >= 0 and e.device_start >= 0 for e in events)
    assert " device " in p.table() and all(row.device is not None for row in p.rows())
    p.chrome_trace(tmp_path / "trace.json")
    trace = json.loads((tmp_path / "trace.json").read_text("utf-8"))
    check(trace)
    assert "cuda:0" in {e["args"].get("name") for e in trace["traceEvents"] if e["ph"] == "M"}


def test_what_noting_costs_is_bounded():
    x = leaf(np.ones(16, np.float32))

    def chain():
        z = x
        for _ in range(300):
            z = z * 0.999
        z.sum().backward()

    chain()
    begin = time.process_time()
    chain()
    plain = time.process_time() - begin
    with gg.profile() as p:
        begin = time.process_time()
        chain()
        profiled = time.process_time() - begin
    assert len(p.events) == 604
    assert profiled < 60 * plain  # a dozen times is usual
