"""Drawings of graphs with more edges than can be followed: named at their uses, or folded."""

import re
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.dot import MOST_USERS
from minigrad.errors import DrawingError
from minigrad.tracing import layout


def every_one_before(count):
    """Each value is made of all values before it."""
    found = [mg.Tensor(1.0, requires_grad=True, name="x")]
    for _ in range(count - 1):
        found.append(np.sum(np.stack(found)) * 0.01)
    return found[-1]


def one_weight(count):
    w = mg.Tensor(0.999, requires_grad=True, name="w")
    x = mg.Tensor(1.0, name="x")
    for _ in range(count):
        x = x * w
    return x


def layers(width):
    """Scalar ops, each of which takes all of the layer before."""
    layer = [mg.Tensor(float(i), requires_grad=True) for i in range(width)]
    for _ in range(3):
        layer = [np.sum(np.stack(layer)) for _ in layer]
    return np.sum(np.stack(layer))


def recurrent(count):
    u = mg.Tensor(np.eye(3) * 0.9, requires_grad=True, name="u")
    w = mg.Tensor(np.eye(3), requires_grad=True, name="w")
    h = mg.Tensor(np.zeros((1, 3)), name="h")
    for i in range(count):
        h = np.tanh(mg.Tensor(np.full((1, 3), 0.1 * i)) @ w + h @ u)
    return np.sum(h)


def fan(count):
    w = mg.Tensor(0.5, requires_grad=True, name="w")
    return np.sum(np.stack([np.sin(w) for _ in range(count)]))


def scoped(count):
    with mg.scope("dense"):
        inner = every_one_before(count)
        with mg.scope("after"):
            return mg.relu(inner) * 2.0


def joined(count):
    parts = [mg.Tensor([1.0], requires_grad=True) for _ in range(count)]
    return np.sum(np.concatenate(parts))


def summed(count):
    w = mg.Tensor(1.0, requires_grad=True, name="w")
    total = w * 1.0
    for _ in range(count):
        total = total + w
    return total


DENSE = {
    "every one before": lambda: every_one_before(241),
    "layers": lambda: layers(45),
    "in one scope": lambda: scoped(150),
    "joined": lambda: joined(2000),
    "a leaf used 5,000 times": lambda: summed(5000),
}
SHARED = {
    "a chain": (lambda: one_weight(1000), 2000),
    "a recurrent network": (lambda: recurrent(300), 2101),
    "a fan": (lambda: fan(1000), 2001),
}


def drawn_edges(drawing):
    """The edges of the Graphviz source, as pairs of node names without their ports."""
    pairs = re.findall(r"^\t+([\w.\"]+)(?::\w+)* -> ([\w.\"]+)", drawing.dot, re.M)
    return [(a.strip('"'), b.strip('"')) for a, b in pairs]


@pytest.mark.parametrize("make", DENSE.values(), ids=DENSE)
def test_what_has_too_many_edges_is_folded_and_says_so(make):
    drawing = mg.draw(make())
    assert 2 < len(drawing.shown.vertices) <= 100
    assert len(drawn_edges(drawing)) <= 600
    assert "folded into" in drawing.shown.note
    assert drawing.shown.note in drawing.text


def test_the_bound_of_edges_follows_the_limit():
    loss = every_one_before(30)
    assert mg.draw(loss, limit=261).shown.note == ""
    assert mg.draw(loss, limit=260).shown.note.startswith("117 nodes and 522 edges, folded into")


@pytest.mark.parametrize(("make", "edges"), SHARED.values(), ids=SHARED)
def test_what_very_many_use_is_named_beside_its_uses(make, edges):
    drawing = mg.draw(make())
    assert not drawing.shown.note
    pairs = drawn_edges(drawing)
    assert len(pairs) == edges  # none is lost
    uses = [a for a, _ in pairs]
    assert max(uses.count(a) for a in set(uses)) <= MOST_USERS
    assert drawing.dot.count("w&#160;#") == sum("." in a and a != "w" for a in uses) - (
        drawing.dot.count("u&#160;#")
    )


def test_a_value_with_few_uses_keeps_its_edges():
    w = mg.Tensor(0.5, requires_grad=True, name="w")
    few = np.sum(np.stack([np.sin(w) for _ in range(MOST_USERS)]))
    assert "w&#160;#1" not in mg.draw(few).dot
    many = np.sum(np.stack([np.sin(w) for _ in range(MOST_USERS + 1)]))
    assert mg.draw(many).dot.count("w&#160;#1") == MOST_USERS


def test_a_page_leads_few_edges_around_and_draws_the_rest_straight():
    given = []
    before = layout.parted

    def counted(lines, items):
        routed, straight = before(lines, items)
        given.append((len(routed), len(straight)))
        assert sorted(map(id, lines)) == sorted(map(id, [*routed, *straight]))
        assert {e.end for e in straight} <= {e.end for e in routed}
        return routed, straight

    loss = every_one_before(50)
    trace = mg.trace(loss)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layout, "parted", counted)
        assert trace.html
    assert max(routed for routed, _ in given) < 700
    assert max(straight for _, straight in given) > 500


def test_steps_of_what_cannot_be_read_say_so():
    loss = every_one_before(45)
    with pytest.raises(DrawingError, match=r"edges, and a picture of more than 900 cannot be read"):
        mg.trace(loss).frame(1)
    with pytest.raises(DrawingError, match=r"edges, and a page of more than 10,000"):
        assert mg.trace(layers(60)).html


@pytest.mark.long
@pytest.mark.parametrize("make", [*DENSE.values(), *(make for make, _ in SHARED.values())])
def test_no_drawing_takes_long(make):
    loss = make()
    start = time.perf_counter()
    assert mg.draw(loss).svg
    assert time.perf_counter() - start < 10  # 1 to 3 s on a quiet machine
