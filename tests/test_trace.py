"""The trace: it is what the engine did, and says of every element where it came from."""

import base64
import itertools
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import DrawingError, GraphError, OverwrittenError, ShapeError
from minigrad.testing.inputs import cases_of, draw
from minigrad.testing.library import library_ops
from minigrad.testing.strategies import programs
from minigrad.tracing.data import BUDGET, as_data, runs
from minigrad.tracing.dependence import pattern_of
from minigrad.tracing.panels import look_of, panel_of


def xor(rng=0):
    rng = np.random.default_rng(rng)
    x = mg.Tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], name="x")
    target = mg.Tensor([[0.0], [1.0], [1.0], [0.0]], name="target")
    network = mg.nn.Sequential(mg.nn.Linear(2, 8, rng=rng), mg.relu, mg.nn.Linear(8, 1, rng=rng))
    return network, mg.mse(network(x), target)


# --- it is what the engine did


@given(programs())
def test_gradients_equal_those_of_backward_to_the_last_bit(drawn):
    program, arrays = drawn
    leaves = [mg.Tensor(a, requires_grad=True) for a in arrays]
    results = program(*leaves)
    results = results if isinstance(results, tuple) else (results,)
    root = sum(np.sum(r) for r in results)
    traced = mg.trace(root)
    assert all(x.grad is None for x in leaves)
    root.backward()
    nodes = dict(zip([v.number for v in traced.values], traced.nodes, strict=True))
    last = {}
    for step in traced:
        if step.phase == "backward":
            last |= {p.input: p.sum for p in step.parts if p.sum is not None}
    for v in traced.values:
        x = nodes[v.number]
        if x.op is None and x.grad is not None:
            assert v.gradient.tobytes() == x.grad.tobytes()
            assert v.gradient.dtype == x.grad.dtype
            assert last[v.number].tobytes() == x.grad.tobytes()


@given(programs())
def test_the_products_of_every_element_sum_up_to_its_gradient(drawn):
    program, arrays = drawn
    results = program(*[mg.Tensor(a, requires_grad=True) for a in arrays])
    results = results if isinstance(results, tuple) else (results,)
    traced = mg.trace(sum(np.sum(r) for r in results))
    sums = {v.number: np.zeros(v.value.size) for v in traced.values}
    whole = {v.number for v in traced.values if v.gradient is not None}
    for v, node in zip(traced.values, traced.nodes, strict=True):
        inputs = [traced.values[i - 1].value for i in v.inputs]
        for slot, i in enumerate(v.inputs):
            if v.gradient is None or traced.values[i - 1].gradient is None:
                continue
            if not add_products(sums[i], v, node, slot, inputs):
                whole.discard(i)
    assert whole
    for number in whole - {len(traced.values)}:
        expected = traced.values[number - 1].gradient.ravel()
        size = max(1.0, np.abs(expected).max(initial=0))
        np.testing.assert_allclose(sums[number], expected, rtol=1e-9, atol=1e-10 * size)


def add_products(total, v, node, slot, inputs):
    """Add gradient times local derivative, as the page does; False where it is not known."""
    p = pattern_of(node, slot, inputs, v.value)
    g = v.gradient.ravel()
    if p.kind == "broadcast":
        shape = inputs[slot].shape
        places = np.broadcast_to(np.arange(inputs[slot].size).reshape(shape), v.value.shape)
        factors = np.full(g.size, p.constant) if p.factors is None else p.factors.ravel()
        np.add.at(total, places.ravel(), g * factors)
        return True
    if p.kind == "unknown":
        return False
    at = 0
    for j in range(v.value.size):
        for k, i in enumerate(p.columns(j)):
            if p.other is not None:
                number = p.other_first[j] + p.other_templates[p.which[j]][k]
                factor = inputs[p.other].ravel()[number]
            else:
                factor = p.constant if p.constant is not None else p.factors[at]
            total[i] += g[j] * factor
            at += 1
    return True


@pytest.mark.parametrize("family", library_ops())
def test_the_products_are_right_for_every_op(family):
    rng = np.random.default_rng(0)
    for op in library_ops()[family]:
        for case in cases_of(op) if op.samples is not None else ():
            arrays = [np.asarray(a) for a in draw(case, rng)]
            z = op.function(
                *[mg.Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays], **case.settings
            )
            if z.requires_grad:
                v, inputs = one_step(z, rng)
                for slot, x in enumerate(z.inputs):
                    if x.requires_grad:
                        total = np.zeros(x.size)
                        assert add_products(total, v, z, slot, inputs), (op, slot)
                        expected = v.parts[slot].contribution.ravel()
                        np.testing.assert_allclose(total, expected, rtol=1e-8, atol=1e-9)


def one_step(z, rng):
    """The backward step at a node with a random cotangent, its value beside; and its inputs."""
    traced = mg.trace(z, grad=rng.normal(size=z.shape))
    str(traced)
    step = next(s for s in traced if s.phase == "backward" and s.node == len(traced.values))
    result = traced.values[-1]
    shown = SimpleNamespace(value=result.value, gradient=result.gradient, parts=step.parts)
    return shown, [traced.values[i - 1].value for i in result.inputs]


def test_forward_steps_come_in_order_then_the_sweep_and_sums_build_up():
    x = mg.Tensor(3.0, requires_grad=True)
    steps = mg.trace(x * x + x).steps
    assert [(s.number, s.phase, s.op) for s in steps] == [
        (1, "forward", "multiply"),
        (2, "forward", "add"),
        (3, "backward", "add"),
        (4, "backward", "multiply"),
    ]
    add, multiply = steps[2:]
    assert [p.formula for p in multiply.parts] == ["g * y", "g * x"]
    assert [float(p.contribution) for p in add.parts] == [1.0, 1.0]
    assert [float(p.contribution) for p in multiply.parts] == [3.0, 3.0]
    assert float(add.parts[1].sum) == 1.0
    assert float(multiply.parts[1].sum) == 7.0
    assert multiply.inputs == (1, 1)
    assert multiply.input_names == ("x", "x")


FORMULAS = {  # what is traced, and what each input is given, from its rule's own source
    "x + y": (lambda x, y: x + y, ["g", "g"]),
    "x - y": (lambda x, y: x - y, ["g", "-g"]),
    "x * y": (lambda x, y: x * y, ["g * y", "g * x"]),
    "-x": (lambda x, y: -x, ["-g"]),
    "floor": (lambda x, y: np.floor(x), ["0 * g"]),
    "exp": (lambda x, y: np.exp(x), ["g * z"]),
    "a sum of terms": (
        lambda x, y: mg.elementwise(lambda x: x * x + x, lambda z, x: 2 * x + 1, name="f")(x),
        ["g * (2 * x + 1)"],
    ),
    "a call": (
        lambda x, y: mg.elementwise(np.sin, lambda z, x: np.cos(x), name="f")(x), ["g * np.cos(x)"]
    ),
    "a matrix product": (lambda x, y: x @ y, None),
    "the same twice": (lambda x, y: x * x, ["g * y", "g * x"]),
    "beside a constant": (lambda x, y: x * 3.0, ["g * y", ""]),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMULAS)
def test_backward_steps_show_the_rules(name):
    f, formulas = FORMULAS[name]
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = mg.Tensor([3.0, 4.0], requires_grad=True)
    z = f(x, y)
    step = mg.trace(z, grad=np.ones(z.shape)).steps[-1]
    assert step.phase == "backward"
    if formulas is not None:
        assert [p.formula for p in step.parts] == formulas
        assert step.formula == ", ".join(part for part in formulas if part)
    letters = [p.letters for p in step.parts if p.letters]
    assert all(found[:1] in (("g",), ("z",)) for found in letters)


def test_what_was_traced_is_frozen():
    traced = mg.trace(mg.Tensor(2.0, requires_grad=True) * 3.0)
    for thing, field in ((traced.steps[-1], "op"), (traced.values[0], "name")):
        with pytest.raises(AttributeError):
            setattr(thing, field, "other")
    for array in (traced.values[0].value, traced.steps[-1].parts[0].contribution):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 7


def test_what_was_traced_stays_as_it_was():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    traced = mg.trace(np.sum(w * w))
    w.assign([5.0, 6.0])
    np.testing.assert_array_equal(traced.values[0].value, [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        traced.values[0].value[0] = 7.0
    with pytest.raises(AttributeError):
        traced.steps[0].op = "add"
    assert arrays_of(as_data(traced.recorded, traced.nodes), "factors") == [[1.0, 2.0]]


def arrays_of(data, key):
    """The numbers of the patterns' arrays."""
    import base64

    found = [data["arrays"][p[key]] for p in data["patterns"] if key in p]
    return [np.frombuffer(base64.b64decode(a["data"]), a["as"]).tolist() for a in found]


def test_a_tensor_of_several_elements_needs_a_cotangent():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ShapeError, match="cotangent"):
        mg.trace(w * 2)
    traced = mg.trace(w * 2, grad=[1.0, 10.0])
    np.testing.assert_array_equal(traced.values[0].gradient, [2.0, 20.0])


def test_only_what_has_a_gradient_can_be_traced():
    with pytest.raises(GraphError, match="requires_grad=True"):
        mg.trace(mg.Tensor(1.0) * 2)
    with pytest.raises(TypeError, match="ndarray"):
        mg.trace(np.ones(2))


# --- what is noted on request


def test_sources_are_known_inside_the_block_only():
    x = mg.Tensor(2.0, requires_grad=True)
    with mg.sources():
        y = np.exp(x)
    z = y * 2
    exp, multiply = mg.trace(z).steps[:2]
    assert exp.source.file == __file__
    assert exp.source.text == "y = np.exp(x)"
    assert multiply.source is None


def test_sources_reach_through_layers_and_transforms():
    layer = mg.nn.Linear(2, 1, rng=0)
    with mg.sources():
        y = layer(mg.Tensor([[1.0, 2.0]]))
    assert {s.source.text for s in mg.trace(y, grad=[[1.0]]).steps} == {
        "y = layer(mg.Tensor([[1.0, 2.0]]))"
    }


def test_nothing_is_noted_under_no_grad():
    x = mg.Tensor(2.0, requires_grad=True)
    with mg.no_grad(), mg.sources(), mg.scope("quiet"):
        y = x * x
    assert not y.requires_grad


def test_the_error_of_an_overwritten_tensor_names_both_lines():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    with mg.sources():
        y = np.sum(w * w)
    w.assign([0.0, 0.0])
    with pytest.raises(OverwrittenError) as caught:
        y.backward()
    assert len(re.findall(re.escape(__file__) + r":\d+", str(caught.value))) == 2


def test_modules_and_scopes_are_boxes_that_nest():
    rng = np.random.default_rng(0)
    network = mg.nn.Sequential(mg.nn.Linear(2, 3, rng=rng), mg.relu, mg.nn.Linear(3, 1, rng=rng))
    with mg.scope("loss of the batch"):
        loss = mg.mse(network(mg.Tensor(np.ones((4, 2)))), np.zeros((4, 1)))
    traced = mg.trace(loss)
    assert [(b.name, b.kind, b.outer) for b in traced.boxes] == [
        ("loss of the batch", "", 0),
        ("network", "Sequential", 1),
        ("layers.0", "Linear", 2),
        ("layers.2", "Linear", 2),
    ]
    inside = {v.op: v.box for v in traced.values if v.op}
    assert inside["relu"] == 2
    assert inside["mse"] == 1
    weights = [v for v in traced.values if v.name.endswith("weight")]
    assert [v.box for v in weights] == [3, 4]


class Many(mg.nn.Module):
    """Returns a structure of results."""

    def __init__(self, kind):
        self.kind = kind

    def forward(self, x):
        return self.kind([np.exp(x), [np.sin(x), (np.cos(x),)], "a word"])


@pytest.mark.parametrize("kind", [list, tuple])
def test_all_that_a_module_returns_is_in_its_box(kind):
    x = mg.Tensor(2.0, requires_grad=True)
    many = Many(kind)  # kept: of a module that is gone it is not known what was its own
    exp, (sin, (cos,)), _ = many(x)
    traced = mg.trace(exp * sin * cos)
    assert [box.kind for box in traced.boxes] == ["Many"]
    inside = {v.op for v in traced.values if v.box}
    assert inside == {"exp", "sin", "cos"}


def test_a_module_that_is_called_twice_is_two_boxes():
    layer = mg.nn.Linear(2, 2, rng=0)
    traced = mg.trace(np.sum(layer(layer(mg.Tensor(np.ones((1, 2)))))))
    assert [(b.name, b.outer) for b in traced.boxes] == [("layer", 0), ("layer", 0)]
    shared = [v for v in traced.values if v.name == "layer.weight"]
    assert [v.box for v in shared] == [0]


def test_a_module_that_returns_its_input_leaves_no_mark():
    network = mg.nn.Sequential(mg.nn.Dropout(0.5)).eval()
    x = mg.Tensor([1.0], requires_grad=True)
    y = x * 2
    assert network(y) is y
    assert mg.trace(y).boxes == ()


def test_rows_of_equal_blocks_fold_into_one():
    rng = np.random.default_rng(0)

    class Block(mg.nn.Module):
        def __init__(self):
            self.inner = mg.nn.Linear(2, 2, rng=rng)

        def forward(self, x):
            return np.tanh(self.inner(x))

    network = mg.nn.Sequential(*[Block() for _ in range(12)])
    traced = mg.trace(np.sum(network(mg.Tensor(np.ones((1, 2))))))
    data = as_data(traced.recorded, traced.nodes)
    boxes = {box["title"]: int(number) for number, box in data["boxes"].items()}
    assert boxes["network Sequential"] in data["open"]
    assert boxes["Block x 12"] not in data["open"]


def test_numbered_scopes_are_a_row():
    y = mg.Tensor([1.0, 2.0], requires_grad=True)
    for i in range(5):
        with mg.scope(f"round {i}"):
            y = np.sin(y) * 2
    traced = mg.trace(np.sum(y))
    titles = [box["title"] for box in as_data(traced.recorded, traced.nodes)["boxes"].values()]
    assert titles == [*[f"round {i}" for i in range(5)], "round x 5"]


def test_equal_layers_with_something_between_them_are_no_row():
    rng = np.random.default_rng(0)
    layers = [part for _ in range(4) for part in (mg.nn.Linear(2, 2, rng=rng), np.tanh)]
    traced = mg.trace(np.sum(mg.nn.Sequential(*layers)(mg.Tensor(np.ones((1, 2))))))
    titles = [box["title"] for box in as_data(traced.recorded, traced.nodes)["boxes"].values()]
    assert not any(" x " in title for title in titles)


# --- which element depends on which


def patterns(z):
    """For each input of a node the set of elements that each element of the result depends on."""
    inputs = [x.numpy() for x in z.inputs]
    found = []
    for slot in range(len(inputs)):
        p = pattern_of(z, slot, inputs, z.numpy())
        assert p.kind == "rows"
        found.append([set(p.columns(j)) for j in range(z.size)])
    return found


def parameter(*shape, value=None):
    rng = np.random.default_rng(0)
    return mg.Tensor(rng.normal(size=shape) if value is None else value, requires_grad=True)


@pytest.mark.parametrize("zero", [False, True])
def test_a_convolution_depends_on_its_patches_whatever_the_weights_are(zero):
    shape, size, stride, padding = (2, 2, 5, 4), (3, 2, 3, 2), 2, 1
    x = parameter(*shape, value=np.zeros(shape) if zero else None)
    w = parameter(*size, value=np.zeros(size) if zero else None)
    z = mg.conv2d(x, w, parameter(3), stride=stride, padding=padding, remainder="drop")
    of_x, of_w, of_b = patterns(z)
    for j, (n, o, p, q) in enumerate(np.ndindex(z.shape)):
        pixels, weights = set(), set()
        for c, a, b in itertools.product(range(2), range(3), range(2)):
            row, column = p * stride + a - padding, q * stride + b - padding
            if 0 <= row < 5 and 0 <= column < 4:
                pixels.add(np.ravel_multi_index((n, c, row, column), shape))
                weights.add(np.ravel_multi_index((o, c, a, b), size))
        assert of_x[j] == pixels
        assert of_w[j] == weights
        assert of_b[j] == {o}


def test_maxpool_looks_at_the_whole_window_and_ties_hide_nothing():
    (found,) = patterns(mg.maxpool(parameter(1, 1, 4, 4, value=np.zeros((1, 1, 4, 4)))))
    assert found == [{0, 1, 4, 5}, {2, 3, 6, 7}, {8, 9, 12, 13}, {10, 11, 14, 15}]


def test_products_sums_and_selections():
    x, y = parameter(2, 3, value=np.zeros((2, 3))), parameter(3, 2)
    of_x, of_y = patterns(x @ y)
    assert of_x == [{0, 1, 2}, {0, 1, 2}, {3, 4, 5}, {3, 4, 5}]
    assert of_y == [{0, 2, 4}, {1, 3, 5}] * 2
    assert patterns(np.sum(x, axis=0)) == [[{0, 3}, {1, 4}, {2, 5}]]
    assert patterns(y[[2, 0, 2], 1]) == [[{5}, {1}, {5}]]
    assert patterns(np.cumsum(parameter(3))) == [[{0}, {0, 1}, {0, 1, 2}]]
    assert patterns(np.sort(parameter(3))) == [[{0, 1, 2}] * 3]
    assert patterns(mg.softmax(x, axis=1))[0][4] == {3, 4, 5}
    assert patterns(np.concatenate([x, x]))[1] == [set()] * 6 + [{i} for i in range(6)]


def test_the_factors_of_products_are_elements_of_the_other_input():
    x, y = parameter(2, 3), parameter(3, 2)
    z = x @ y
    p = pattern_of(z, 0, [x.numpy(), y.numpy()], z.numpy())
    assert p.other == 1
    numbers = [p.other_first[1] + step for step in p.other_templates[p.which[1]]]
    assert numbers == [1, 3, 5]  # column 1 of y


# --- as text, as data, as files


def test_the_table_shows_values_formulas_and_sums():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    text = str(mg.trace(np.sum(x * x)))
    for part in ("sum(#2)", "x * x", "back through multiply", "x: g * y", "2  4"):
        assert part in text


def test_names_are_not_taken_for_markup():
    x = mg.Tensor(1.0, requires_grad=True, name="[red]x[/red]")
    assert "[red]x[/red]" in str(mg.trace(x * x))


def test_json_holds_all_numbers_and_is_json(tmp_path):
    x = mg.Tensor([1.0, np.inf], requires_grad=True, name="</script>")
    path = tmp_path / "t.json"
    mg.trace(np.sum(x * 2)).save(path)
    data = json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(text))
    assert data["values"][0]["value"] == [1.0, "inf"]
    assert data["values"][0]["name"] == "</script>"
    assert data["steps"][-1]["parts"][0]["sum"] == [2.0, 2.0]


def test_hostile_names_cannot_leave_the_data():
    x = mg.Tensor(2.0, requires_grad=True, name="</script><script>alert(1)</script>")
    with mg.sources():
        y = x * x  # </script><b>
    y.name = "{{DATA}} \ud800"
    page = mg.trace(y, names={}).html
    assert "alert" in page
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == 2
    page.encode()


def test_pages_and_frames_are_written(tmp_path):
    network, loss = xor()
    traced = mg.trace(loss, names={"network": network})
    traced.save(tmp_path / "t.html")
    assert (tmp_path / "t.html").stat().st_size < 200_000
    traced.save(tmp_path / "t.svg")
    assert len(list(tmp_path.glob("t-*.svg"))) == len(traced) + 1
    assert "<svg" in traced.frame(0)
    assert "step 3 of 12, forward" in traced.frame(3).replace("\xa0", " ")
    with pytest.raises(IndexError, match="0 to 12"):
        traced.frame(13)
    with pytest.raises(DrawingError, match=r"\.html, \.json"):
        traced.save(tmp_path / "t.txt")
    shown = traced._repr_mimebundle_()
    assert shown["text/html"].startswith("<iframe srcdoc=")
    assert repr(traced) == shown["text/plain"] == "<Trace of 12 steps>"


def test_a_gif_plays_all_frames(tmp_path):
    images = pytest.importorskip("PIL.Image")
    x = mg.Tensor(3.0, requires_grad=True)
    mg.trace(x * x).save(tmp_path / "t.gif")
    with images.open(tmp_path / "t.gif") as moving:
        assert moving.n_frames == 3
        assert moving.getbbox() is not None


def test_empty_arrays_and_very_long_names_are_drawn(capfd):
    x = mg.Tensor(np.zeros((0, 3)), requires_grad=True, name="x" * 5000)
    traced = mg.trace(np.sum(x), names={})
    assert "x" * 101 not in traced.frame(1)
    assert "…" in traced.frame(1)
    assert traced.recorded.values[0].name == "x" * 5000
    assert as_data(traced.recorded, traced.nodes)["values"][0]["w"] < 1000
    assert "Warning" not in capfd.readouterr().err


def test_every_frame_has_the_same_size():
    _, loss = xor()
    traced = mg.trace(loss)
    sizes = {
        re.search(r'<svg width="(\d+pt)" height="(\d+pt)"', traced.frame(i)).group()
        for i in (0, 4, 9, 12)
    }
    assert len(sizes) == 1


AS = {  # how the numbers of each dtype stand in the page
    "float64": "<f8", "float32": "<f4", "float16": "<f4", "bool": "u1",
    "int8": "<i4", "int16": "<i4", "int32": "<i4", "int64": "<f8",
    "uint8": "<u4", "uint16": "<u4", "uint32": "<u4", "uint64": "<f8",
}  # fmt: skip


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", AS)
def test_the_bytes_of_the_page_are_the_numbers(dtype, order):
    kind = np.dtype(dtype).kind
    numbers = {"f": [0.1, -2.5, np.inf, np.nan, 0.0, 7.0], "b": [0, 1, 1, 0, 1, 0]}.get(
        kind, [0, 1, 2, 100, 3, 127] if kind == "u" else [0, -1, 2, -100, 3, 127]
    )
    data = np.array(numbers, dtype).reshape(2, 3)
    w = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    traced = mg.trace(np.sum(w * mg.Tensor(np.asarray(data, order=order), name="data")))
    page = as_data(traced.recorded, traced.nodes)
    (value,) = [v for v in page["values"] if v["name"] == "data"]
    packed = page["arrays"][value["value"]]
    assert (packed["dtype"], packed["shape"]) == (dtype, [2, 3])
    assert packed["as"] == AS[dtype].lstrip("<")
    found = np.frombuffer(base64.b64decode(packed["data"]), AS[dtype]).reshape(2, 3)
    np.testing.assert_array_equal(found, data.astype(AS[dtype]))
    np.testing.assert_array_equal(found.astype(dtype), data)


def test_statistics_are_of_the_finite_elements():
    x = mg.Tensor(np.r_[np.arange(20.0), np.inf, np.nan, -np.inf], requires_grad=True)
    with np.errstate(invalid="ignore"):
        traced = mg.trace(np.sum(x * x))
    packed = as_data(traced.recorded, traced.nodes)["arrays"][0]
    assert packed["stats"] == [0.0, 19.0, 9.5, pytest.approx(np.sqrt(2470)), 3]
    nothing = mg.trace(np.sum(mg.Tensor(np.full(17, np.nan), requires_grad=True)))
    packed = as_data(nothing.recorded, nothing.nodes)["arrays"][0]
    assert packed["stats"] == [None, None, None, None, 17]


SETTINGS = {  # what is traced, and what the page says of its settings and how it is written
    "an axis": (lambda x: np.mean(x, axis=1), "mean", "axis 1", "mean({0}, axis=1)"),
    "two of them": (
        lambda x: np.sum(x, axis=0, keepdims=True), "sum", "axis 0, keepdims True",
        "sum({0}, axis=0, keepdims=True)",
    ),
    "none": (lambda x: np.sum(x), "sum", "", "sum({0})"),
    "those of the default": (lambda x: np.sum(x, axis=None), "sum", "", "sum({0})"),
    "an index": (lambda x: x[1:, ::2], "getitem", "[1:, ::2]", None),
    "a shift": (lambda x: np.roll(x, 1, axis=0), "roll", "axis 0, shift 1", None),
    "a slope": (lambda x: mg.leaky_relu(x, 0.3), "leaky_relu", "0.3", None),
    "an order": (lambda x: np.transpose(x, (1, 0)), "transpose", "axes (1, 0)", None),
    "an infix": (lambda x: x * x, "multiply", "", "{0} * {1}"),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_the_page_says_with_which_settings(name, tmp_path):
    f, op, said, template = SETTINGS[name]
    x = mg.Tensor(np.arange(12.0).reshape(3, 4), requires_grad=True)
    traced = mg.trace(f(x), grad=np.ones(f(x).shape))
    value = as_data(traced.recorded, traced.nodes)["values"][-1]
    assert value["op"] == op
    assert said in value["settings"]
    assert bool(value["settings"]) == bool(said)
    if template is not None:
        assert value["template"] == template
    traced.save(tmp_path / "trace.json")
    written = json.loads((tmp_path / "trace.json").read_text())["values"][-1]
    assert written["settings"] == value["settings"]
    assert value["settings"] in traced.html or not said


def test_large_arrays_leave_the_page_but_their_statistics_stay():
    w = mg.Tensor(np.random.default_rng(0).normal(size=(1500, 1000)), requires_grad=True)
    b = mg.Tensor(np.ones(3), requires_grad=True)
    traced = mg.trace(np.sum(np.tanh(w)) + np.sum(b))
    page = traced.html
    assert len(page) < 5_000_000
    arrays = as_data(traced.recorded, traced.nodes)["arrays"]
    assert sum(len(a["data"]) for a in arrays) <= BUDGET
    large = arrays[0]
    assert large["data"] == ""
    np.testing.assert_allclose(large["stats"][2], w.numpy().mean())


def test_a_graph_of_thousands_of_nodes_has_a_page_and_a_larger_one_says_what_to_do():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = x
    for _ in range(4900):
        y = np.sin(y)
    assert len(mg.trace(np.sum(y)).html) < 5_000_000
    for _ in range(200):
        y = np.sin(y)
    with pytest.raises(DrawingError, match=r"5,102 nodes.*\.json"):
        _ = mg.trace(np.sum(y)).html
    with pytest.raises(DrawingError, match=r"5,102 nodes.*\.html"):
        mg.trace(np.sum(y)).frame(1)


@given(st.lists(st.integers(-5, 40), unique=True).map(sorted))
def test_runs_stand_for_the_numbers(numbers):
    found = runs(tuple(numbers))
    parts = [found[i : i + 3] for i in range(0, len(found), 3)]
    assert [start + step * n for start, step, count in parts for n in range(count)] == numbers


@pytest.mark.parametrize("shape", [(), (3,), (40,), (2, 3), (4, 8), (1, 128), (2, 3, 4), (0, 2)])
def test_every_array_has_a_place_for_each_element_that_is_shown(shape):
    x = mg.Tensor(np.ones(shape), requires_grad=True)
    v = mg.trace(np.sum(x)).values[0]
    panel = panel_of(v)
    assert panel.maps * panel.rows * panel.columns >= min(v.value.size, 16 * 12)
    look = look_of(v, "x")
    assert look.width >= panel.size[0]
    assert look.height >= panel.size[1]
