"""Drawing: the graph as data, as networkx, as dot, and as pictures that show what is there."""

import os
import re
import struct
import subprocess
import sys
import textwrap
import weakref
import xml.etree.ElementTree as ElementTree
import zlib
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.drawing import images, text, themes
from minigrad.errors import DrawingError, GraphError, ShapeError

SVG = "{http://www.w3.org/2000/svg}"
NOT_YET = "no gradient yet"


def xor():
    """An XOR network of one hidden layer; returns its parameters and its loss."""
    rng = np.random.default_rng(0)
    x = mg.Tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    target = mg.Tensor([[0.0], [1.0], [1.0], [0.0]])
    w = mg.Tensor(rng.normal(size=(2, 3)), requires_grad=True, name="w")
    b = mg.Tensor(rng.normal(size=3), requires_grad=True, name="b")
    v = mg.Tensor(rng.normal(size=(3, 1)), requires_grad=True, name="v")
    return (w, b, v), mg.mse(np.tanh(x @ w + b) @ v, target)


def texts(drawing):
    """Every text in the picture, by the svg's own nodes, no-break spaces as spaces."""
    found = ElementTree.fromstring(drawing.svg).iter(f"{SVG}text")
    lines = [t.text for t in found]
    assert not any(" " in line for line in lines)  # viewers would run several into one
    return [line.replace("\xa0", " ") for line in lines]


def shown(drawing):
    return "\n".join(texts(drawing))


# --- the graph


def test_nodes_are_numbered_in_creation_order_and_described():
    x = mg.Tensor([[1.0, 2.0]], dtype=np.float32)
    w = mg.Tensor([[3.0], [4.0]], requires_grad=True, dtype=np.float32)
    z = np.sum(x @ w * 2.0, axis=1)
    g = mg.graph(z)
    rows = [(n, a["kind"], a["op"], a["name"], a["shape"]) for n, a in g.nodes(data=True)]
    assert rows == [
        (1, "data", "", "x", "(1, 2)"),
        (2, "parameter", "", "w", "(2, 1)"),
        (3, "op", "matmul", "", "(1, 1)"),
        (4, "data", "", "", "()"),
        (5, "op", "multiply", "", "(1, 1)"),
        (6, "result", "sum", "z", "(1,)"),
    ]
    assert list(g.edges(data="slot")) == [(1, 3, 0), (2, 3, 1), (3, 5, 0), (4, 5, 1), (5, 6, 0)]
    assert {a["dtype"] for _, a in g.nodes(data=True)} == {"float32"}
    assert [a["bytes"] for _, a in g.nodes(data=True)] == [8, 8, 4, 4, 4, 4]
    assert g.nodes[6]["settings"] == "axis 1"
    np.testing.assert_array_equal(g.values[6], [22.0])


def test_an_input_used_twice_has_two_edges():
    x = mg.Tensor(3.0, requires_grad=True)
    assert list(mg.graph(x * x).edges(data="slot")) == [(1, 2, 0), (1, 2, 1)]
    y = mg.Tensor(2.0, requires_grad=True)
    swapped = y - x
    assert sorted(mg.graph(swapped).edges(data="slot")) == [(1, 3, 1), (2, 3, 0)]


def test_the_graph_is_one_of_networkx():
    import networkx

    _, loss = xor()
    g = mg.graph(loss)
    assert isinstance(g, networkx.MultiDiGraph)
    assert networkx.is_directed_acyclic_graph(g)
    assert max(g) in networkx.descendants(g, 1)


def test_a_leaf_alone_is_a_graph():
    assert dict(mg.graph(mg.Tensor([1, 2])).nodes(data="kind")) == {1: "data"}
    assert dict(mg.graph(mg.Tensor(1.0, requires_grad=True)).nodes(data="kind")) == {1: "parameter"}


def test_only_a_tensor_can_be_drawn():
    for make in (mg.draw, mg.graph):
        with pytest.raises(TypeError, match="only a tensor has a graph; this is a ndarray"):
            make(np.ones(3))


def test_what_is_drawn_stays_as_it_was():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    g = mg.graph(w * w)
    w.assign([7.0, 8.0])
    np.testing.assert_array_equal(g.values[1], [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        g.values[1][0] = 5.0


def test_a_drawing_does_not_keep_the_graph_alive():
    def drawn():
        x = mg.Tensor([1.0, 2.0], requires_grad=True)
        z = np.sum(np.exp(x))
        return mg.draw(z), weakref.ref(z), weakref.ref(x)

    drawing, z, x = drawn()
    assert z() is None
    assert x() is None
    assert "exp" in drawing.dot


# --- gradients


def test_before_backward_no_gradient_is_shown_in_words():
    _, loss = xor()
    g = mg.graph(loss)
    assert not any(gradient for _, gradient in g.nodes(data="gradient"))
    found = texts(mg.draw(loss))
    assert found.count(NOT_YET) == len(g) - 2  # not the two data nodes
    assert "gradient" not in found


def test_gradients_inside_the_graph_are_those_of_central_differences():
    (w, b, v), loss = xor()
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    target = np.array([[0.0], [1.0], [1.0], [0.0]])
    loss.backward()

    def cost(nudged, by):
        """The loss with `by` added to one of the values on the way to it."""

        def at(name, value):
            return value + by if name == nudged else value

        p = at("w", w.numpy()), at("b", b.numpy()), at("v", v.numpy())
        sums = at("add", at("matmul", at("x", x) @ p[0]) + p[1])
        prediction = at("matmul 2", at("tanh", np.tanh(sums)) @ p[2])
        return np.mean((prediction - target) ** 2)

    g = mg.graph(loss)
    names = ["w", "b", "v", "matmul", "add", "tanh", "matmul 2"]
    for number, name in enumerate(names, start=3):  # 1 and 2 are the data
        found = g.gradients[number]
        for index in np.ndindex(found.shape):
            by = np.zeros(found.shape)
            by[index] = 1e-6
            slope = (cost(name, by) - cost(name, -by)) / 2e-6
            np.testing.assert_allclose(found[index], slope, rtol=1e-6, atol=1e-9)
    assert [g.gradients.get(number) for number in (1, 2, 10)] == [None, None, 1.0]
    found = texts(mg.draw(loss))
    assert NOT_YET not in found
    assert found.count("gradient") == len(g) - 2


def test_drawing_leaves_every_grad_as_it_is():
    parameters, loss = xor()
    mg.draw(loss, grad=2.0)
    assert [p.grad for p in parameters] == [None] * 3
    loss.backward()
    before = [(p.grad, p.grad.copy()) for p in parameters]
    for picture in (mg.draw(loss), mg.draw(loss, grad=3.0)):
        assert picture.svg
    for p, (same, kept) in zip(parameters, before, strict=True):
        assert p.grad is same
        np.testing.assert_array_equal(p.grad, kept)
    loss.backward()  # the graph is as it was
    np.testing.assert_array_equal(parameters[0].grad, 2 * before[0][1])


def test_more_than_one_element_needs_a_cotangent():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = np.exp(x)
    z = y * [3.0, 4.0]
    z.backward([1.0, 1.0])
    g = mg.graph(z)
    np.testing.assert_array_equal(g.gradients[1], x.grad)
    assert 2 not in g.gradients
    assert "no gradient: give draw(t, grad=...)" in texts(mg.draw(z))
    g = mg.graph(z, grad=[10.0, 100.0])
    np.testing.assert_allclose(g.gradients[2], [30.0, 400.0])
    np.testing.assert_allclose(g.gradients[1], [30.0 * np.e, 400.0 * np.e**2])
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        mg.draw(z, grad=np.ones(3))


def test_a_cotangent_is_of_no_use_where_nothing_requires_a_gradient():
    with pytest.raises(GraphError, match="nothing in this graph requires a gradient"):
        mg.draw(mg.Tensor([1.0]), grad=[1.0])


def test_a_stored_gradient_that_is_not_of_this_graph_alone_is_called_so():
    x = mg.Tensor(3.0, requires_grad=True)
    z = x * x
    z.backward()
    assert "stored .grad" not in texts(mg.draw(z))
    z.backward()
    assert "stored .grad" in texts(mg.draw(z))
    assert mg.graph(z).gradients[1] == 12.0


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e-30, 1e30])
def test_a_stored_gradient_is_compared_at_its_own_scale(scale):
    x = mg.Tensor(2.0, requires_grad=True)
    y = x * scale
    for passes in (1, 2):
        y.backward()
        assert x.grad == passes * scale
        assert mg.draw(y).snapshot.vertices[0].stored == (passes > 1)


def test_after_a_step_the_drawing_says_what_was_overwritten():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    h = w * w
    loss = np.sum(h)
    loss.backward()
    w.assign([0.0, 0.0])
    found = texts(mg.draw(loss))
    assert found.count("overwritten since it was used") == 1
    assert "no gradient: inputs overwritten" in found
    g = mg.graph(loss)
    np.testing.assert_array_equal(g.gradients[1], [2.0, 4.0])
    np.testing.assert_array_equal(g.values[2], [1.0, 4.0])
    assert 2 not in g.gradients


def test_what_no_gradient_reaches_is_said_and_is_not_a_zero():
    x, unused = (mg.Tensor([1.0, -2.0], requires_grad=True) for _ in range(2))
    ignoring = mg.general(lambda x, y: x + 0 * y, lambda g, z, x, y: g, None, name="ignoring")
    z = np.sum(ignoring(x, unused * 2.0))
    z.backward()
    g = mg.graph(z)
    assert {a["name"]: not a["gradient"] for _, a in g.nodes(data=True)}["unused"]
    assert texts(mg.draw(z)).count("no gradient reaches it") == 2


def test_gradients_that_are_tensors_are_shown_as_arrays():
    x = mg.Tensor(3.0, requires_grad=True)
    (x**3).backward(create_graph=True)
    slope = x.grad
    x.grad = None
    slope.backward()
    g = mg.graph(slope)
    assert g.gradients[1] == 18.0
    assert all(isinstance(value, np.ndarray) for value in g.values.values())


# --- names


module_level = mg.Tensor(1.0, requires_grad=True)


def names_in(g):
    return [name for _, name in g.nodes(data="name")]


def test_names_are_the_callers_variables():
    first = mg.Tensor(1.0, requires_grad=True)
    second = first  # the name that came first stays
    _hidden = mg.Tensor(2.0)
    result = first * module_level + _hidden
    assert names_in(mg.graph(result)) == ["module_level", "first", "", "", "result"]
    assert second is first


def test_names_given_come_first_then_a_tensors_own():
    x = mg.Tensor(1.0, requires_grad=True, name="own")
    z = x * 2.0
    assert names_in(mg.graph(z)) == ["own", "", "z"]
    assert names_in(mg.graph(z, names={"given": x})) == ["given", "", "z"]
    assert "given" in shown(mg.draw(z, names={"given": x, "not a tensor": 3}))


def test_parameters_of_modules_have_their_path():
    net = mg.nn.Sequential(mg.nn.Linear(2, 3, rng=0), mg.nn.Tanh(), mg.nn.Linear(3, 1, rng=0))
    out = net(mg.Tensor(np.ones((1, 2))))
    found = set(names_in(mg.graph(out))) - {""}
    assert found == {"out", *(f"net.{name}" for name, _ in net.named_parameters())}
    found = set(names_in(mg.graph(out, names={"other": net})))
    assert {f"other.{name}" for name, _ in net.named_parameters()} <= found


@pytest.mark.parametrize("names", [["x"], {1: mg.Tensor(1.0)}, "x"])
def test_names_of_another_kind_are_refused(names):
    with pytest.raises(TypeError, match="names= is a dictionary from names to tensors"):
        mg.draw(mg.Tensor(1.0), names=names)


AWKWARD = [
    '<b>"x',
    "</script>",
    "</TD></TR></TABLE>>]",
    "a\\b \\N \\G \\L \\n \\\\",
    "\\",
    "&amp; &lt; &#60; &nbsp;",
    "two  spaces ",
    "naïve ∂L/∂w 가중치 日本 😀",
    "x]]>y <!-- {a|b} --",
    "'q' `b` %s {} $x",
    "<>",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_names_draw_as_they_are(name):
    import pygraphviz

    x = mg.Tensor([1.0, 2.0], requires_grad=True, name=name)
    drawing = mg.draw(x * 2.0)
    assert name in texts(drawing)
    assert len(pygraphviz.AGraph(string=drawing.dot).nodes()) == 3


def test_what_is_not_text_in_a_name_draws_as_its_code():
    x = mg.Tensor(1.0, name="one\ntwo\tthree\x00\ud800")
    assert r"one\ntwo\tthree\x00\ud800" in texts(mg.draw(x))


@given(name=st.text(min_size=1, max_size=12))
def test_any_name_gives_a_picture(name):
    root = ElementTree.fromstring(mg.draw(mg.Tensor(1.0, name=name)).svg)
    assert len(root.findall(f".//{SVG}g[@class='node']")) == 1


# --- what stands in the nodes


def test_small_arrays_are_in_full_and_larger_ones_summed_up():
    small = mg.Tensor([[0.5, -1.25], [1e-7, 1234.5]])
    large = mg.Tensor(np.arange(100.0) - 50)
    found = shown(mg.draw(small))
    assert " 0.5  -1.25\n 1e-7   1234" in found
    assert "min -50  mean -0.5  max 49" in shown(mg.draw(large))
    vector = mg.Tensor(np.arange(10.0))
    assert texts(mg.draw(vector))[-2:] == ["0  1  2  3  4  5  6  7", "8  9"]


@pytest.mark.parametrize(
    ("array", "lines"),
    [
        (np.zeros((0, 3)), ["empty"]),
        (np.array([np.nan, np.inf, -np.inf]), [" nan   inf  -inf"]),
        (np.full(40, np.nan), ["40 of 40 are nan"]),
        (np.array([*range(38), np.nan, np.inf]), ["min 0  mean 18.5  max 37"]),
        (np.full(40, 1e308), ["min 1e308  mean inf  max 1e308"]),
        (np.array([-0.0]), ["0"]),
        (np.array([True, False]), ["True  False"]),
        (np.array([2**62]), [str(2**62)]),
        (np.array(0.1, np.float16), ["0.1"]),
        (np.array([0.1], np.longdouble), ["0.1"]),
        (np.full(40, 0.1, np.float32), ["min 0.1  mean 0.1  max 0.1"]),
    ],
)
def test_every_kind_of_array_has_its_text(array, lines):
    found = text.lines_of(array, text.widest([array]))
    assert [line.strip() for line in found][: len(lines)] == [line.strip() for line in lines]


@pytest.mark.parametrize(
    ("f", "settings"),
    [
        (lambda x: mg.maxpool(x, 2), "size 2, stride 2"),
        (lambda x: mg.conv2d(x, np.ones((1, 1, 2, 2)), stride=2, padding=1), "stride 2, padding 1"),
        (lambda x: mg.conv2d(x, np.ones((1, 1, 2, 2))), "stride 1"),
        (lambda x: np.sum(x, axis=(2, 3), keepdims=True), "axis (2, 3), keepdims True"),
        (lambda x: x[0, ..., ::2, None], "index [0, ..., ::2, None]"),
        (lambda x: x[:, :, [0, 1], [1, 1]], "index [:, :, [0, 1], [1, 1]]"),
        (lambda x: x[x > 0.5], "index [bool (1, 1, 4, 4)]"),
        (lambda x: np.reshape(x, (2, -1)), "shape (2, -1)"),
        (lambda x: np.reshape(x, (-1,)), "shape (-1,)"),
    ],
)
def test_settings_are_shown_as_they_are_written(f, settings):
    x = mg.Tensor(np.random.default_rng(0).normal(size=(1, 1, 4, 4)), requires_grad=True)
    assert settings in texts(mg.draw(f(x)))


def test_a_setting_that_is_a_function_shows_its_name_and_no_address():
    def shape_of_things(x):
        return x

    op = mg.linear(lambda x, *, by, at: x, lambda g, z, x, *, by, at: g, name="op")
    x = mg.Tensor(1.0, requires_grad=True)
    drawing = mg.draw(op(x, by=shape_of_things, at=object()))
    assert "by shape_of_things, at object" in texts(drawing)
    assert "0x" not in drawing.dot


def test_dtypes_other_than_float64_are_shown():
    found = shown(mg.draw(mg.Tensor([1.0], dtype=np.float32)))
    assert "(1,) float32" in found
    assert "float64" not in shown(mg.draw(mg.Tensor([1.0])))


def test_arguments_are_told_apart_where_there_are_several():
    x = mg.Tensor(np.ones((1, 1, 3, 3)), requires_grad=True)
    found = texts(mg.draw(mg.conv2d(x, np.ones((1, 1, 2, 2)), np.ones(1))))
    assert [t for t in found if t in ("x", "w", "b")] == ["x", "x", "w", "b"]  # the variable x too
    dot = mg.draw(x - 1.0).dot
    assert re.findall(r"(\d+) -> (\d+):(\d):n", dot) == [("1", "3", "0"), ("2", "3", "1")]


def test_the_main_line_is_that_of_the_results_then_the_data():
    x, w = mg.Tensor(np.ones((2, 2))), mg.Tensor(np.ones((2, 2)), requires_grad=True)
    main = re.findall(r"(\d+) -> \d+:\d:n \[weight=10\]", mg.draw(w @ x + w).dot)
    assert main == ["1", "3"]


def test_the_legend_names_the_kinds_that_are_there():
    _, loss = xor()
    found = texts(mg.draw(loss))
    assert {"data", "parameter", "op", "result"} <= set(found)
    assert "parameter" not in texts(mg.draw(mg.Tensor(1.0)))


KINDS = {  # what is drawn, and the kinds that its legend names, in their order
    "a leaf": (lambda: mg.Tensor(1.0), ["data"]),
    "a parameter": (lambda: mg.Tensor(1.0, requires_grad=True), ["parameter"]),
    "one op": (lambda: mg.Tensor(1.0, requires_grad=True) * mg.Tensor(2.0, requires_grad=True),
               ["parameter", "result"]),
    "two ops": (lambda: np.sin(np.exp(mg.Tensor(1.0, requires_grad=True))),
                ["parameter", "op", "result"]),
    "data beside it": (lambda: np.exp(mg.Tensor(1.0, requires_grad=True) * [1.0]) * 2.0,
                       ["data", "parameter", "op", "result"]),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_the_legend_names_these_kinds_and_no_other(name):
    make, kinds = KINDS[name]
    legend = mg.draw(make()).dot.partition("graph [bgcolor")[0]
    assert re.findall(r">([a-z ]+)<", legend) == kinds
    assert "maps:" not in legend


# --- looks


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    """W3C, WCAG 2.2: 4.5 for text, 3 for lines."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=themes.THEMES)
def test_text_and_lines_stand_out(theme):
    inks = theme.ink, theme.quiet, theme.slope
    page = "#ffffff" if theme.page == "white" else theme.page
    assert all(contrast(theme.quiet, under) >= 4.5 for under in (page, theme.box.fill))
    for look in (*theme.looks.values(), theme.box, theme.alarm):
        assert all(contrast(ink, look.fill) >= 4.5 for ink in inks)
        assert all(contrast(look.line, under) >= 3 for under in (page, theme.box.fill, look.fill))
    assert contrast(theme.alarm.line, theme.alarm.fill) >= 4.5  # its words have this colour


def test_text_stays_inside_its_node():
    """As wide as the widest usual monospaced font is: 0.602 of the size for each letter."""
    net = mg.nn.Sequential(mg.nn.Conv2d(1, 8, 3, padding=1, rng=0), mg.nn.ReLU(), mg.nn.Flatten())
    loss = np.mean(net(mg.Tensor(np.ones((1, 1, 4, 4)), name="a rather long name of an image")))
    loss.backward()
    for drawing in (mg.draw(loss), mg.draw(xor()[1])):
        for node in ElementTree.fromstring(drawing.svg).iter(f"{SVG}g"):
            if node.get("class") != "node":
                continue
            points = node.find(f"{SVG}polygon").get("points").split()
            left, right = (f([float(p.split(",")[0]) for p in points]) for f in (min, max))
            for line in node.iter(f"{SVG}text"):
                assert line.get("text-anchor") == "start"
                start = float(line.get("x"))
                width = 0.602 * float(line.get("font-size")) * len(line.text)
                assert left < start
                assert start + width <= right + 0.5, line.text


# --- images


def decoded(png):
    """The pixels of a PNG file as written here: one chunk of unfiltered 8-bit true colour."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", png[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(kind + content)
        chunks[kind] = content
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 2, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, 3)


def test_png_files_hold_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    np.testing.assert_array_equal(decoded(images.png(pixels)), pixels)


def test_values_are_grey_and_gradients_blue_white_red():
    maps = np.array([[[-2.0, 0.0, 1.0]]])
    assert images.grey(maps)[0, 0].tolist() == [[0] * 3, [170] * 3, [255] * 3]
    blue, white, red = images.blue_to_red(maps)[0, 0].astype(int)
    assert blue[2] > blue[0] + 50
    assert red[0] > red[2] + 50
    assert white.tolist() == [247] * 3
    for colours in (images.grey, images.blue_to_red):
        assert colours(np.zeros((1, 2, 2))).shape == (1, 2, 2, 3)
        found = colours(np.array([[[np.nan, 1.0], [np.inf, 2.0]]]))
        assert found[0, :, 0].tolist() == [list(images.NOT_FINITE)] * 2


def test_feature_maps_and_their_gradients_are_images_inside_the_svg():
    x = mg.Tensor(np.random.default_rng(0).normal(size=(1, 3, 8, 6)), requires_grad=True)
    z = np.sum(mg.relu(x) ** 2)
    z.backward()
    drawing = mg.draw(z, images=True)
    links = re.findall(r'<image xlink:href="([^"]*)"', drawing.svg)
    assert len(links) == 6  # value and gradient of x, relu, square
    found = [decoded(b64decode(link.removeprefix("data:image/png;base64,"))) for link in links]
    scale, line = 14, 4  # 7 points a pixel at 2 pixels a point, lines of 2 points
    assert {f.shape for f in found} == {(8 * scale + 2 * line, 3 * (6 * scale + line) + line, 3)}
    value = found[0][line + scale // 2 :: scale, line + scale // 2 :: scale][:8, :6, 0]
    expected = x.numpy()[0, 0] - x.numpy().min()
    expected = expected * 255 / np.ptp(x.numpy())
    np.testing.assert_allclose(value, expected, atol=0.5)
    assert "<image" not in mg.draw(z).svg
    assert "png" not in drawing.dot


def test_only_arrays_that_read_as_maps_are_images():
    maps = [(8, 8), (3, 8, 8), (2, 3, 8, 8), (3, 3), (5, 12)]
    others = [(), (64,), (1, 64), (64, 2), (2, 2, 2, 8, 8), (0, 8, 8), (100, 4)]
    assert [images.is_picture(np.ones(shape)) for shape in maps] == [True] * len(maps)
    assert [images.is_picture(np.ones(shape)) for shape in others] == [False] * len(others)


def test_many_or_large_maps_are_cut_down():
    many = images.strip(np.ones((4, 16, 8, 8)), images.VALUES)
    assert (many.shown, many.maps) == (16, 64)
    large = images.strip(np.ones((1, 1, 500, 300)), images.VALUES)
    assert max(large.width, large.height) <= images.LARGEST + 2 * images.LINE
    x = mg.Tensor(np.ones((4, 16, 8, 8)))
    assert "the first 16 of 64 maps" in texts(mg.draw(x, images=True))


# --- files


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.svg", b"<?xml"),
        ("a.png", b"\x89PNG\r\n"),
        ("a.pdf", b"%PDF-"),
        ("a.dot", b"digraph minigrad {"),
        ("A.SVG", b"<?xml"),
    ],
)
def test_the_extension_says_what_is_written(tmp_path, name, start):
    _, loss = xor()
    drawing = mg.draw(loss)
    drawing.save(tmp_path / name)
    drawing.save(str(tmp_path / name))
    content = (tmp_path / name).read_bytes()
    assert content.startswith(start)
    assert os.listdir(tmp_path) == [name]
    if name == "a.svg":
        assert content.decode() == drawing.svg
    if name == "a.dot":
        assert content.decode() == drawing.dot


@pytest.mark.parametrize("name", ["a.gif", "a", "a.svg.doc"])
def test_another_extension_is_one_clear_error(tmp_path, name):
    with pytest.raises(DrawingError, match=r"End it in \.svg, \.png, \.pdf") as raised:
        mg.draw(mg.Tensor(1.0)).save(tmp_path / name)
    assert isinstance(raised.value, ValueError)
    assert name in str(raised.value)
    assert not os.listdir(tmp_path)


def test_a_folder_that_is_not_there_is_pythons_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        mg.draw(mg.Tensor(1.0)).save(tmp_path / "no" / "a.svg")


def test_a_notebook_shows_the_svg():
    drawing = mg.draw(mg.Tensor(1.0, requires_grad=True) * 2.0)
    assert drawing._repr_mimebundle_() == {
        "image/svg+xml": drawing.svg,
        "text/plain": "<Drawing of 3 nodes>",
    }


PROGRAM = """
    import sys, hashlib, numpy as np, minigrad as mg
    rng = np.random.default_rng(0)
    for _ in range({junk}):
        mg.Tensor(1.0)
    x = mg.Tensor(rng.normal(size=(1, 1, 8, 8)))
    w = mg.Tensor(rng.normal(size=(2, 1, 3, 3)), requires_grad=True)
    z = np.sum(mg.relu(mg.conv2d(x, w))[..., 1:])
    z.backward()
    d = mg.draw(z, images=True)
    for kind in ("dot", "svg", "png", "pdf"):
        print(hashlib.sha256(d.rendered(kind)).hexdigest())
"""


def run(program, **environment):
    command = [sys.executable, "-c", textwrap.dedent(program)]
    surroundings = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=surroundings, check=False)


def test_the_same_program_gives_the_same_bytes():
    one = run(PROGRAM.format(junk=0), PYTHONHASHSEED="1")
    other = run(PROGRAM.format(junk=7), PYTHONHASHSEED="2")
    assert one.stdout == other.stdout
    assert len(one.stdout.split()) == 4
    assert one.stderr == ""


def test_nothing_heavy_loads_before_a_picture_is_asked_for():
    found = run(
        """
        import sys
        heavy = lambda: sorted({"networkx", "graphviz", "pygraphviz"} & set(sys.modules))
        import minigrad as mg
        print(heavy())
        x = mg.Tensor(1.0, requires_grad=True)
        d = mg.draw(x)
        print(heavy())
        mg.graph(x)
        print(heavy())
        d.dot
        print("pygraphviz" in heavy())
        """
    )
    assert found.stdout.split("\n")[:4] == ["[]", "[]", "['networkx']", "False"], found.stderr


def test_drawing_works_whichever_name_is_asked_for_first():
    found = run("import minigrad.drawing.text, minigrad as mg; print(mg.draw(mg.Tensor(1.0)))")
    assert found.stdout == "<Drawing of 1 node>\n", found.stderr
    found = run("import minigrad as mg; mg.graph(mg.Tensor(1.)); print(mg.draw(mg.Tensor(1.)))")
    assert found.stdout == "<Drawing of 1 node>\n", found.stderr


def program(folder, script):
    """A program named `dot` in the folder."""
    path = Path(folder, "dot")
    path.write_text(f"#!{sys.executable}\n{script}")
    path.chmod(0o755)
    return str(folder)


@pytest.mark.skipif(os.name != "posix", reason="the program is a script")
def test_the_program_dot_is_used_where_there_is_one(tmp_path, monkeypatch):
    script = "import sys; print(*sys.argv[1:], len(sys.stdin.read()))"
    monkeypatch.setenv("PATH", program(tmp_path, script))
    drawing = mg.draw(mg.Tensor(1.0))
    kind, imagepath, length = drawing.svg.split()
    assert (kind, int(length)) == ("-Tsvg", len(drawing.dot))
    assert imagepath.startswith("-Gimagepath=")
    assert b"-Tpng" in drawing.rendered("png")


@pytest.mark.skipif(os.name != "posix", reason="the program is a script")
@pytest.mark.parametrize("script", ["import sys; print('half'); sys.exit(1)", "pass"])
def test_a_program_dot_that_fails_is_done_without(tmp_path, monkeypatch, script):
    monkeypatch.setenv("PATH", program(tmp_path, script))
    assert mg.draw(mg.Tensor(1.0)).rendered("png").startswith(b"\x89PNG")


def test_rendering_leaves_the_environment_and_stderr_alone(monkeypatch, capfd):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_DATA_HOME", "/mine")
    monkeypatch.delenv("FONTCONFIG_FILE", raising=False)
    before = dict(os.environ)
    assert mg.draw(mg.Tensor(1.0)).svg
    assert dict(os.environ) == before
    print("still here", file=sys.stderr)
    assert capfd.readouterr().err == "still here\n"


def test_pictures_need_no_fonts_of_the_system(tmp_path):
    config = tmp_path / "fonts.conf"
    config.write_text("<fontconfig><dir>/nowhere</dir><cachedir>/dev/null</cachedir></fontconfig>")
    program = "import minigrad as mg; x = mg.Tensor(1.5, name='naïve'); print(mg.draw(x).svg)"
    without = run(program, PATH="", FONTCONFIG_FILE=str(config))
    assert "naïve" in without.stdout
    assert without.stdout == run(program, PATH="").stdout


def test_threads_can_draw_at_once(monkeypatch):
    monkeypatch.setenv("PATH", "")
    _, loss = xor()
    drawings = [mg.draw(loss) for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda drawing: drawing.svg, drawings))) == 1


# --- large graphs


def test_a_large_graph_is_folded_and_says_so(tmp_path):
    x = mg.Tensor([0.5, 0.25], requires_grad=True)
    z = x
    for _ in range(10_000):
        z = np.tanh(z)
    z = np.sum(z)
    z.backward()
    drawing = mg.draw(z)
    assert repr(drawing) == "<Drawing of 10,002 nodes, folded into 3>"
    assert "tanh x 10,000" in texts(drawing)
    assert "10,002 nodes, folded into 3: more than limit=2,000 cannot be read." in shown(drawing)
    drawing.save(tmp_path / "a.png")
    assert sorted(drawing._repr_mimebundle_()) == ["image/svg+xml", "text/plain"]
    np.testing.assert_allclose(mg.graph(z).gradients[1], x.grad)


def test_the_limit_can_be_moved():
    z = mg.Tensor(1.0, requires_grad=True)
    for _ in range(6):
        z = np.tanh(z)
    assert repr(mg.draw(z, limit=7)) == "<Drawing of 7 nodes>"
    assert repr(mg.draw(z, limit=6)) == "<Drawing of 7 nodes, folded into 2>"


ZONES = ("UTC", "Asia/Tokyo", "America/St_Johns", "XYZ-13:45")
FILES = """
import hashlib, pathlib, time, minigrad as mg
x = mg.Tensor([1.0, 2.0], requires_grad=True)
y = mg.sum(x * x)
y.backward()
for kind in ("pdf", "png", "svg", "dot"):
    print(kind, hashlib.sha256(mg.draw(y).rendered(kind)).hexdigest())
print(time.tzname)
"""


def test_files_have_the_same_bytes_in_every_time_zone(tmp_path):
    def made(zone):
        done = subprocess.run(
            [sys.executable, "-c", FILES],
            env=os.environ | {"TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    all_made = [made(zone) for zone in ZONES]
    assert {tuple(lines[:-1]) for lines in all_made} == {tuple(all_made[0][:-1])}
    assert len({lines[-1] for lines in all_made}) == len(ZONES)  # put back after drawing
