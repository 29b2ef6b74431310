"""Diagrams at every size: folding, parts, themes, Mermaid, GraphML, trees, and two as one."""

import html
import re
import sys
import time
import xml.etree.ElementTree as ElementTree

import networkx
import numpy as np
import pygraphviz
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.cli import main
from minigrad.drawing import folding
from minigrad.drawing.repeats import repeats
from minigrad.errors import DrawingError, GraphError

SVG = "{http://www.w3.org/2000/svg}"


class Block(mg.nn.Module):
    """x + linear(relu(linear(x)))"""

    def __init__(self, width, rng):
        self.up = mg.nn.Linear(width, 2 * width, rng=rng)
        self.down = mg.nn.Linear(2 * width, width, rng=rng)

    def forward(self, x):
        return x + self.down(mg.relu(self.up(x)))


class Network(mg.nn.Module):
    def __init__(self, blocks=12, width=4, rng=0):
        rng = np.random.default_rng(rng)
        self.embed = mg.nn.Linear(3, width, rng=rng)
        self.blocks = [Block(width, rng) for _ in range(blocks)]
        self.head = mg.nn.Linear(width, 1, rng=rng)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def loss_of(net, rows=4):
    image, target = mg.Tensor(np.ones((rows, 3)), name="image"), mg.Tensor(np.zeros((rows, 1)))
    loss = mg.mse(net(image), target)
    loss.backward()
    return loss


def chain(length):
    z = mg.Tensor([0.5, 0.25], requires_grad=True)
    for _ in range(length):
        z = np.tanh(z)
    return z


def tangle(ops, window, seed=0):
    """A random graph in which every op takes one or two of the latest `window` values."""
    rng = np.random.default_rng(seed)
    values = [mg.Tensor(rng.normal(size=3), requires_grad=True) for _ in range(4)]
    for _ in range(ops):
        x, y = (values[-rng.integers(1, min(window, len(values)) + 1)] for _ in range(2))
        f = [np.tanh, np.sin, mg.relu, np.add, np.subtract, np.maximum][rng.integers(6)]
        values.append(f(x, y) if f in (np.add, np.subtract, np.maximum) else f(x))
    total = values[-1]
    for x in values[-window:-1]:
        total = total + x
    return np.sum(total)


def texts(drawing):
    return [
        t.text.replace("\xa0", " ") for t in ElementTree.fromstring(drawing.svg).iter(f"{SVG}text")
    ]


def kinds_and_names(drawing):
    return [(v.kind, v.name or v.op) for v in drawing.shown.vertices]


def check_order(picture):
    """Inputs come before what uses them, so there is no cycle; and every number once."""
    seen = set()
    for vertex in picture.vertices:
        assert seen.issuperset(vertex.inputs)
        assert vertex.number not in seen
        seen.add(vertex.number)


# --- folding


def test_depth_opens_modules_level_by_level():
    net = Network(blocks=2)
    loss = loss_of(net)
    assert kinds_and_names(mg.draw(loss, depth=0)) == [
        ("data", "image"),
        ("data", ""),
        ("folded", "net: Network"),
        ("result", "loss"),
    ]
    one = mg.draw(loss, depth=1)
    assert [name for kind, name in kinds_and_names(one) if kind == "folded"] == [
        "embed: Linear",
        "blocks.0: Block",
        "blocks.1: Block",
        "head: Linear",
    ]
    two = mg.draw(loss, depth=2)
    assert ("op", "relu") in kinds_and_names(two)
    assert len(mg.draw(loss, depth=9).shown.vertices) == len(mg.draw(loss).shown.vertices)
    assert repr(one) == f"<Drawing of {len(one.snapshot.vertices)} nodes, folded into 7>"


def test_repeated_blocks_are_one_node():
    net = Network()
    loss = loss_of(net)
    drawing = mg.draw(loss, depth=1)
    assert [name for kind, name in kinds_and_names(drawing) if kind == "folded"] == [
        "embed: Linear",
        "blocks.0: Block … blocks.11: Block x 12",
        "head: Linear",
    ]
    blocks = next(v for v in drawing.shown.vertices if "x 12" in v.name)
    assert len(blocks.ops) == 12 * 6
    whole = mg.graph(loss)
    np.testing.assert_array_equal(blocks.value, whole.values[blocks.number])
    np.testing.assert_array_equal(blocks.gradient, whole.gradients[blocks.number])
    assert "72 ops: matmul, add, relu" in texts(drawing)
    check_order(drawing.shown)


def test_blocks_that_differ_are_not_one_node():
    net = mg.nn.Sequential(
        *[mg.nn.Linear(4, 4, rng=0) for _ in range(3)], mg.nn.Linear(4, 2, rng=0)
    )
    z = np.sum(net(mg.Tensor(np.ones((1, 4)))))
    names = [v.name for v in mg.draw(z, depth=1).shown.vertices if v.kind == "folded"]
    assert names == ["layers.0: Linear … layers.2: Linear x 3", "layers.3: Linear"]


def test_a_time_that_is_wired_differently_is_not_one_of_a_repeat():
    x, y = (mg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    z = np.exp(-x) * y
    for _ in range(3):
        z = np.exp(-z)
        z = z * z
    names = [v.name for v in mg.draw(z, limit=8).shown.vertices if v.kind == "folded"]
    assert any(name.endswith("x 3") for name in names)
    assert not any(name.endswith("x 4") for name in names)


def test_scopes_are_boxes_as_modules_are():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with mg.scope("outer"):
        y = np.exp(x)
        with mg.scope("inner"):
            y = np.sin(y) * 2.0
    z = np.sum(y)
    assert [v.name for v in mg.draw(z, depth=0).shown.vertices] == ["x", "outer", "z"]
    assert [v.name or v.op for v in mg.draw(z, depth=1).shown.vertices] == [
        "x", "exp", "inner", "z"]  # fmt: skip
    drawn = mg.draw(z)
    assert {"outer", "inner"} <= set(texts(drawn))
    assert drawn.dot.count("subgraph cluster_") == 2
    assert mg.graph(z).nodes[4]["scope"] == "outer/inner"


def test_what_a_module_is_given_stays_outside():
    loss = loss_of(Network(blocks=1))
    names = [v.name for v in mg.draw(loss, depth=0).shown.vertices]
    assert "image" in names
    assert not any("weight" in name for name in names)


def test_past_the_limit_it_folds_by_itself_and_says_so():
    net = Network()
    loss = loss_of(net)
    whole = len(mg.graph(loss))
    drawing = mg.draw(loss, limit=20)
    assert len(drawing.shown.vertices) <= 20
    said = f"{whole} nodes, folded into {len(drawing.shown.vertices)}: more than limit=20"
    assert any(text.startswith(said) for text in texts(drawing))
    assert said in drawing.text
    assert any("x 12" in text for text in texts(drawing))
    assert len(mg.draw(loss).shown.vertices) == whole
    assert "cannot be read" not in mg.draw(loss).text


def test_a_long_chain_is_one_node():
    z = mg.Tensor([0.5], requires_grad=True)
    functions = [np.tanh, np.sin, np.exp, mg.relu, np.cos]
    rng = np.random.default_rng(0)
    for choice in rng.integers(5, size=300):
        z = functions[choice](z * 0.5)
    drawing = mg.draw(z, limit=100)
    assert len(drawing.shown.vertices) <= 100
    check_order(drawing.shown)


@pytest.mark.parametrize("limit", [2, 5, 20, 100])
@pytest.mark.parametrize("window", [2, 10, 300])
def test_any_graph_folds_to_the_limit_and_stays_in_order(window, limit):
    picture = mg.draw(tangle(300, window), limit=limit).shown
    check_order(picture)
    assert len(picture.vertices) <= limit
    kept = {vertex.number: vertex for vertex in picture.vertices}
    last = max(kept)
    reached, stack = {last}, [last]
    while stack:
        for n in kept[stack.pop()].inputs:
            if n not in reached:
                reached.add(n)
                stack.append(n)
    assert reached == set(kept)  # nothing has come loose


@pytest.mark.parametrize("limit", [2, 30, 100])
def test_hundreds_of_named_leaves_fold_into_what_first_uses_them(limit):
    rng = np.random.default_rng(0)
    leaves = [mg.Tensor([0.5 + i], name=f"leaf {i}", requires_grad=i % 2 == 0) for i in range(700)]
    values = [leaves[0] * 1.0]
    for leaf in leaves[1:]:
        values.append(np.sin(values[rng.integers(len(values))]) * leaf)
    total = values[0]
    for x in values[1:]:
        total = total + x
    whole = mg.draw(total).snapshot.vertices
    picture = mg.draw(total, limit=limit).shown
    check_order(picture)
    assert limit // 2 <= len(picture.vertices) <= limit
    assert picture.vertices[-1].number == len(whole)  # the result comes last
    ops = [op for vertex in picture.vertices for op in vertex.ops or (vertex.op,) if op]
    assert sorted(ops) == sorted(v.op for v in whole if v.op)  # none is lost, none is there twice
    used = {number for vertex in picture.vertices for number in vertex.inputs}
    assert used == {vertex.number for vertex in picture.vertices[:-1]}  # nothing has come loose
    assert not any(vertex.number in vertex.inputs for vertex in picture.vertices)


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 12), st.integers(2, 12))
def test_folding_never_makes_a_cycle(seed, ops, window, limit):
    picture = mg.draw(tangle(ops, window, seed), limit=limit).shown
    check_order(picture)
    count = sum(len(v.ops) or (v.kind not in folding.LEAVES) for v in picture.vertices)
    whole = mg.draw(tangle(ops, window, seed)).snapshot.vertices
    assert count == sum(v.kind not in folding.LEAVES for v in whole)


def test_repeats():
    def found(text, least=2):
        return [(r.start, r.period, r.times) for r in repeats(text, least)]

    assert found("xabababy") == [(1, 2, 3)]
    assert found("aaaa") == [(0, 1, 4)]
    assert found("abcabc") == [(0, 3, 2)]
    assert found("abcabc", 3) == []
    assert found("aabbb") == [(0, 1, 2), (2, 1, 3)]
    assert found("abcd") == []
    assert found("") == []


@given(st.text(alphabet="ab", max_size=40))
def test_repeats_are_what_they_say(text):
    end = 0
    for r in repeats(text):
        part = text[r.start : r.start + r.period]
        assert text[r.start : r.start + r.period * r.times] == part * r.times
        assert r.start >= end
        assert r.times >= 2
        end = r.start + r.period * r.times


@pytest.mark.parametrize("make", [lambda: chain(10_000), lambda: tangle(10_000, 8)])
def test_ten_thousand_ops_draw_folded_in_five_seconds_without_recursion(make, monkeypatch):
    z = make()
    monkeypatch.setenv("PATH", "")  # Graphviz in process, as on a machine without the program
    start = time.process_time()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        drawing = mg.draw(np.sum(z), depth=None)
        assert drawing.svg
        assert len(drawing.text.splitlines()) < 300
    finally:
        sys.setrecursionlimit(limit)
    assert time.process_time() - start < 5
    assert len(drawing.shown.vertices) <= folding.READABLE


@pytest.mark.parametrize(
    "make",
    [
        lambda: chain(1000),
        lambda: tangle(900, 8),
        lambda: loss_of(Network(blocks=90)),
        pytest.param(lambda: tangle(1000, 300), marks=pytest.mark.long),
    ],
)
def test_a_thousand_ops_draw_in_full_in_ten_seconds(make):
    z = np.sum(make())
    start = time.process_time()
    drawing = mg.draw(z)
    nodes = ElementTree.fromstring(drawing.svg).findall(f".//{SVG}g[@class='node']")
    assert len(nodes) == len(mg.graph(z))
    assert time.process_time() - start < 10


# --- a part of the graph


def test_around_draws_what_is_near():
    z = chain(10)
    z_sum = np.sum(z)
    middle = z.inputs[0].inputs[0]
    drawing = mg.draw(z_sum, around=middle, radius=1)
    assert len(drawing.shown.vertices) == 3
    assert len(mg.draw(z_sum, around=middle, radius=0).shown.vertices) == 1
    assert len(mg.draw(z_sum, around=middle, radius=99).shown.vertices) == 12
    assert [v.beyond for v in drawing.shown.vertices] == [0, 0, 1]
    assert "9 nodes farther away are left out." in texts(drawing)
    assert texts(drawing).count("…") == 2
    folded = mg.draw(z_sum, around=middle, limit=2)
    assert all((drawing.mermaid, drawing.graphml, drawing.text, folded.svg))


def test_around_something_else_is_an_error():
    z = chain(2)
    with pytest.raises(GraphError, match="is not in the graph"):
        mg.draw(z, around=mg.Tensor(1.0))
    with pytest.raises(TypeError, match="around= is a tensor"):
        mg.draw(z, around="z")
    for setting in ({"radius": -1, "around": z}, {"depth": 1.5}, {"limit": "all"}, {"depth": True}):
        with pytest.raises(DrawingError, match="must be a whole number"):
            mg.draw(z, **setting)


# --- content and looks


def test_show_chooses_what_stands_in_the_nodes():
    with mg.sources():
        z = np.sum(chain(1) * 3.0)
    z.backward()
    here = "z = np.sum(chain(1) * 3.0)"
    everything = "\n".join(texts(mg.draw(z, show=("shape", "value", "grad", "source"))))
    assert here in everything
    assert "test_diagrams.py:" in everything
    only = "\n".join(texts(mg.draw(z, show="shape")))
    assert "(2,)" in only
    assert not any(word in only for word in ("value", "gradient", here))
    assert "(2,)" not in "\n".join(texts(mg.draw(z, show=("value",))))
    assert "value" not in "\n".join(texts(mg.draw(z, show=())))


@pytest.mark.parametrize(
    "setting", [{"show": ("shapes",)}, {"theme": "blue"}, {"direction": "TB"}, {"theme": None}]
)
def test_words_that_are_not_known_are_errors(setting):
    with pytest.raises(DrawingError, match="is not known; choose among"):
        mg.draw(mg.Tensor(1.0), **setting)


def test_the_dark_theme_is_dark():
    svg = mg.draw(chain(1), theme="dark").svg
    assert "#0d1117" in svg
    assert "#1b1f24" not in svg


@pytest.mark.parametrize(
    ("direction", "axis", "sign"), [("down", 1, 1), ("up", 1, -1), ("right", 0, 1), ("left", 0, -1)]
)
def test_the_direction_is_where_results_are(direction, axis, sign):
    laid_out = pygraphviz.AGraph(string=mg.draw(chain(3) * 2.0, direction=direction).dot)
    laid_out.layout("dot")
    at = [tuple(map(float, node.attr["pos"].split(","))) for node in laid_out.nodes()]
    along = [-y for _, y in at] if axis else [x for x, _ in at]  # Graphviz's y points up
    assert (along[-1] - along[0]) * sign > 0


# --- names are data


HOSTILE = [
    "<script>alert(1)</script>",
    "</script>",
    "\"quoted\" 'single'",
    "a\\b \\N \\n",
    "two\nlines",
    "&lt; ]]> -->",
    '#35; %% n1["x"] --> n2',
    "end",
    "\x1b[31mred\x1b[0m \u202e right to left",
    "\x00\x08\ud800",
    "`code` $x {y} |z|",
]


def hostile(name):
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name=name)
    with mg.scope(name):
        y = np.sum(x * 2.0)
    y.backward()
    return y


def mermaid_texts(text):
    """The labels of a flowchart, by its grammar; whatever does not fit it is an error."""
    label = r'\["((?:[^"<>&]|<br/>)*)"\]'
    forms = [
        r"flowchart (TB|LR|BT|RL)",
        rf" *n\d+{label}:::(data|parameter|op|folded|result|same|changed|added|removed)",
        rf" *subgraph b\d+ {label}",
        r" *end",
        rf" *(n\d+|i\d+_\d+{label}) -->(\|\"[^\"<>&|]*\"\|)? n\d+",
        rf" *n\d+ --> o\d+{label}",
        rf" *remark{label}",
        r" *style b\d+ fill:#\w{6},stroke:#\w{6},color:#\w{6}",
        r" *classDef \w+ fill:#\w{6},stroke:#\w{6},color:#\w{6}",
    ]
    found, depth = [], 0
    for line in text.splitlines():
        matches = [m for form in forms if (m := re.fullmatch(form, line))]
        assert len(matches) == 1, line
        depth += line.strip().startswith("subgraph") - (line.strip() == "end")
        found += re.findall(label, line)
    assert depth == 0
    return [
        html.unescape(re.sub(r"#(\d+);", r"&#\1;", part)).replace("\u2060", "") for part in found
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text_everywhere(name):
    from minigrad.drawing.text import printable

    drawing = mg.draw(hostile(name))
    visible = printable(name)

    root = ElementTree.fromstring(drawing.svg)
    assert not root.findall(f".//{SVG}script")
    assert len(root.findall(f".//{SVG}g[@class='node']")) == 4
    assert len(pygraphviz.AGraph(string=drawing.dot).nodes()) == 4

    assert sum(visible in label for label in mermaid_texts(drawing.mermaid)) == 2
    assert "<script" not in drawing.mermaid

    read = networkx.parse_graphml(drawing.graphml, node_type=int, force_multigraph=True)
    assert [read.nodes[n]["name"] for n in sorted(read)] == [visible, "", "", ""]
    assert read.nodes[3]["scope"] == visible
    assert not ElementTree.fromstring(drawing.graphml).findall(".//script")

    lines = drawing.text.split("\n")
    assert len(lines) == 4
    assert any(visible in line for line in lines)
    assert all(c.isprintable() for line in lines for c in line)


@given(st.text(max_size=12))
def test_any_name_is_text_in_every_form(name):
    drawing = mg.draw(hostile(name))
    mermaid_texts(drawing.mermaid)
    ElementTree.fromstring(drawing.graphml)
    assert len(drawing.text.split("\n")) == 4
    assert len(pygraphviz.AGraph(string=drawing.dot).nodes()) == 4


# --- text forms


def test_the_tree_keeps_the_main_line_in_one_column():
    x = mg.Tensor(np.ones((2, 2)))
    w = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    h = np.tanh(x @ w)
    z = np.sum(h * h + np.exp(h))
    assert mg.draw(z, show=()).text.split("\n") == [
        "● #8 z = sum",
        "● #7 add",
        "├─● #6 exp",
        "│ ╰─→ #4 h",
        "● #5 multiply",
        "● #4 h = tanh",
        "● #3 matmul",
        "├─□ #1 x",
        "╰─■ #2 w",
    ]


def test_every_node_is_told_once_and_every_edge_can_be_followed():
    z = tangle(60, 5)
    g = mg.graph(z)
    lines = mg.draw(z, show=()).text.split("\n")
    told = [int(n) for line in lines if "→" not in line for n in re.findall(r"#(\d+)", line)]
    assert sorted(told) == sorted(g)
    again = [line for line in lines if "→" in line]
    assert len(told) + len(again) == len(networkx.DiGraph(g).edges) + 1


def test_graphml_holds_the_whole_graph_even_when_folded():
    z = np.sum(chain(50))
    drawing = mg.draw(z, limit=10)
    read = networkx.parse_graphml(drawing.graphml, node_type=int, force_multigraph=True)
    assert len(read) == 52
    assert networkx.is_directed_acyclic_graph(read)
    assert [(a, b, d["slot"]) for a, b, d in read.edges(data=True)] == list(
        mg.graph(z).edges(data="slot")
    )
    assert read.nodes[52]["op"] == "sum"
    assert read.nodes[52]["shape"] == "()"


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.mermaid", "mermaid"), ("a.mmd", "mermaid"), ("a.graphml", "graphml"), ("a.txt", "text")],
)
def test_text_forms_are_saved_by_extension(tmp_path, name, form):
    drawing = mg.draw(chain(2))
    drawing.save(tmp_path / name)
    assert (tmp_path / name).read_text(encoding="utf-8") == getattr(drawing, form)


def test_mermaid_draws_what_is_there():
    x = mg.Tensor(3.0, requires_grad=True)
    drawing = mg.draw(x * x, direction="right")
    assert drawing.mermaid.startswith("flowchart LR\n")
    assert len(re.findall(r"n1 -->", drawing.mermaid)) == 2
    assert "9" in "".join(mermaid_texts(drawing.mermaid))
    net = Network(blocks=2)
    assert mermaid_texts(mg.draw(loss_of(net)).mermaid)


# --- two graphs as one


def test_two_steps_of_training_show_how_far_everything_moved():
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    loss = np.sum(w * w)
    loss.backward()
    before = mg.draw(loss)
    w.assign([0.5, 2.0])
    w.grad = None
    loss = np.sum(w * w)
    loss.backward()
    drawing = mg.diff(before, loss)
    assert [(v.kind, v.name or v.op) for v in drawing.shown.vertices] == [
        ("changed", "w"), ("changed", "multiply"), ("changed", "loss")]  # fmt: skip
    first, second, last = drawing.shown.vertices
    np.testing.assert_allclose(first.changes["value"], [-0.5, 0.0])
    np.testing.assert_allclose(first.changes["gradient"], [-1.0, 0.0])
    np.testing.assert_allclose(second.changes["value"], [-0.75, 0.0])
    assert "gradient" not in second.changes
    assert last.changes["value"] == -0.75
    assert "3 changed." in texts(drawing)
    assert "change" in texts(drawing)


def test_added_removed_changed_and_the_same():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    a = np.sum(np.tanh(x) * 2.0, axis=0)
    b = np.sum(np.exp(mg.relu(x)) * 2.0)
    drawing = mg.diff(a, b)
    kinds = {v.name or v.op: v.kind for v in drawing.shown.vertices}
    assert kinds == {
        "x": "same", "tanh": "removed", "relu": "added", "exp": "added", "": "same",
        "multiply": "changed", "b": "changed"}  # fmt: skip
    was = {v.op: v.was for v in drawing.shown.vertices}
    assert was["multiply"] == "had other inputs"
    assert was["sum"] == "was with axis 0"
    check_order(drawing.shown)
    assert "2 added, 1 removed, 2 changed, 2 the same." in drawing.text
    assert "stroke-dasharray" in drawing.svg
    mermaid_texts(drawing.mermaid)


def test_a_graph_does_not_differ_from_itself():
    z = tangle(40, 5)
    assert {v.kind for v in mg.diff(z, z).shown.vertices} == {"same"}
    drawing = mg.draw(z)
    assert {v.kind for v in mg.diff(drawing, drawing).shown.vertices} == {"same"}


def test_shapes_and_types_that_changed_are_told():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    wide = mg.Tensor([1.0, 2.0, 3.0], requires_grad=True, name="x", dtype=np.float32)
    drawing = mg.diff(x * 2.0, wide * 2.0)
    assert drawing.shown.vertices[0].was == "was of shape (2,), was float64"
    assert not drawing.shown.vertices[0].changes


def test_nan_and_infinity_do_not_hide_a_change():
    x, y = (mg.Tensor([np.nan, np.inf, v], name="x") for v in (1.0, 2.0))
    (vertex,) = mg.diff(x, y).shown.vertices
    assert vertex.kind == "changed"
    (vertex,) = mg.diff(x, mg.Tensor([np.nan, np.inf, 1.0], name="x")).shown.vertices
    assert vertex.kind == "same"


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_any_two_graphs_have_a_drawing(seed, other):
    a, b = tangle(12, 4, seed), tangle(15, 4, other)
    drawing = mg.diff(a, b)
    check_order(drawing.shown)
    kinds = [v.kind for v in drawing.shown.vertices]
    for t, alone in ((a, "removed"), (b, "added")):
        other_kind = "added" if alone == "removed" else "removed"
        assert len(mg.graph(t)) == sum(kind != other_kind for kind in kinds)
    assert pygraphviz.AGraph(string=drawing.dot).nodes()


def test_large_graphs_are_compared_too():
    drawing = mg.diff(np.sum(chain(5000)), np.sum(np.exp(chain(5000))))
    assert [v.op for v in drawing.snapshot.vertices if v.kind == "added"] == ["exp"]
    assert drawing.svg


def test_only_tensors_and_drawings_are_compared():
    with pytest.raises(TypeError, match="only a tensor has a graph"):
        mg.diff(mg.Tensor(1.0), 3)


# --- the commands

TEXT = "relu(x @ w1 + b) @ w2"
SHAPES = ["x=4x2", "w1=2x2", "b=(2,)", "w2=2x1"]


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code or 0


def test_a_formula_is_drawn(tmp_path, capsys):
    path = tmp_path / "f.svg"
    assert run("draw", TEXT, *SHAPES, "-o", str(path)) == 0
    assert f"Wrote {path}" in capsys.readouterr().out
    found = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert len(found.findall(f".//{SVG}g[@class='node']")) == 8
    assert run("draw", TEXT, *SHAPES, "--data", "x") == 0
    printed = capsys.readouterr().out
    assert "□ #1 x" in printed
    assert "relu" in printed
    assert "gradient" in printed


def test_a_formula_is_played(tmp_path, capsys):
    path = tmp_path / "f.html"
    assert run("trace", TEXT, *SHAPES, "-o", str(path)) == 0
    assert "relu" in path.read_text(encoding="utf-8")


def test_numbers_can_be_given(capsys):
    assert run("draw", "sum(x * s)", "x=[[1, 2], [3, 4]]", "s=0.5") == 0
    assert " 5 " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            [TEXT, "x=4x2", "w1=3x2", "b=(2,)", "w2=2x1"],
            "         ^^^^^^\n    x is (4, 2), w1 is (3, 2)",
        ),
        (["rellu(x)", "x=2"], "did you mean relu?"),
        ([TEXT, "x=4x2"], "the formula reads w1, b, w2: add w1=2x2"),
        ([TEXT, *SHAPES, "y=3"], "but not y"),
        (["x", "x"], "is not NAME=VALUE"),
        (["x * 2", "x=4y2"], "is neither numbers"),
        (["x * 2", "x=99999999x99999999"], "numbers"),
        (["x * 2", "x=2", "--data", "x"], "requires a gradient"),
        (["2 + 3"], "gives a int, not a tensor"),
        (["x * 2", "x=2", "-o", "f.gif"], "does not say what to write"),
        (["x * 2", "x=2", "-o", "/no/folder/f.svg"], "cannot write /no/folder/f.svg: No such file"),
    ],
)
def test_what_is_wrong_is_one_message(arguments, said, capsys):
    assert run("draw", *arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("minigrad: ")
    assert "Traceback" not in error
