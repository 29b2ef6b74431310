"""What was broadcast is told: by the graph's edges, in pictures, and on the page of a trace."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.broadcasting import broadcast_inputs
from minigrad.testing.inputs import cases_of, draw
from minigrad.testing.library import library_ops

MEETINGS = {  # what is computed, and the shape that each argument is broadcast to
    "one shape": (lambda x, y: x + y, (4, 3), (4, 3), [None, None]),
    "a bias": (lambda x, y: x + y, (4, 3), (3,), [None, (4, 3)]),
    "the other way round": (lambda x, y: x * y, (3,), (4, 3), [(4, 3), None]),
    "statistics": (lambda x, y: x / y, (4, 3), (4, 1), [None, (4, 3)]),
    "both": (lambda x, y: x - y, (4, 1), (4,), [(4, 4), (4, 4)]),
    "a number": (lambda x, y: x * y, (4, 3), (), [None, (4, 3)]),
    "matrices": (lambda x, y: x @ y, (4, 3), (3, 2), [None, None]),
    "a square of matrices": (lambda x, y: x @ y, (3, 3), (3, 1), [None, None]),
    "a column and a row": (lambda x, y: x @ y, (3, 1), (1, 3), [None, None]),
    "a stack and a matrix": (lambda x, y: x @ y, (5, 4, 3), (3, 2), [None, (5, 3, 2)]),
    "stacks": (lambda x, y: x @ y, (5, 1, 4, 3), (2, 3, 2), [(5, 2, 4, 3), (5, 2, 3, 2)]),
    "a matrix and a vector": (lambda x, y: x @ y, (4, 3), (3,), [None, None]),
    "a stack and a vector": (lambda x, y: x @ y, (2, 4, 3), (3,), [None, (2, 3)]),
    "equations": (np.linalg.solve, (2, 3, 3), (1, 3, 2), [None, (2, 3, 2)]),
}


def meeting(name):
    f, first, second, expected = MEETINGS[name]
    rng = np.random.default_rng(0)
    x, y = (mg.Tensor(rng.normal(size=s), requires_grad=True) for s in (first, second))
    return f(x, y), expected


@pytest.mark.parametrize("name", MEETINGS)
def test_edges_say_what_was_broadcast(name):
    z, expected = meeting(name)
    edges = sorted(mg.graph(z).edges(data=True), key=lambda edge: edge[2]["slot"])
    assert [told["broadcast"] for *_, told in edges] == [str(to or "") for to in expected]


@pytest.mark.parametrize("name", MEETINGS)
def test_files_and_pictures_say_it_too(name):
    z, expected = meeting(name)
    picture = mg.draw(z)
    told = {f"→ {to}" for to in expected if to is not None}
    for text in (picture.dot, picture.mermaid.replace("#44;", ",")):
        shown = text.replace("&#160;", " ")
        assert {label for label in told if label in shown} == told
        assert ("→ (" in shown) == bool(told)
    keys = "{http://graphml.graphdrawing.org/xmlns}"
    found = ElementTree.fromstring(picture.graphml)
    (key,) = [k.get("id") for k in found.iter(f"{keys}key") if k.get("attr.name") == "broadcast"]
    data = [d.text for e in found.iter(f"{keys}edge") for d in e if d.get("key") == key]
    assert sorted(filter(None, data)) == sorted(str(to) for to in expected if to)


def test_that_a_plain_number_is_repeated_is_no_news_in_a_picture():
    x = mg.Tensor(np.ones((4, 3)), requires_grad=True)
    assert "→ (" not in mg.draw(x * 2.0).dot
    assert [told for *_, told in mg.graph(x * 2.0).edges(data="broadcast")] == ["", "(4, 3)"]


@pytest.mark.parametrize("depth", [0, 1])
def test_folded_graphs_keep_edges_and_what_they_say_together(depth):
    net = mg.nn.Sequential(*[mg.nn.Linear(3, 3) for _ in range(4)])
    x = mg.Tensor(np.ones((5, 3)))
    y = net(x) * mg.Tensor(np.ones(3), requires_grad=True, name="scale")
    shown = mg.draw(y, depth=depth).dot.replace("&#160;", " ")
    assert shown.count("→ (5, 3)") == 1


def test_the_page_knows_it():
    z, expected = meeting("statistics")
    with_root = np.sum(z)
    values = mg.trace(with_root).values
    assert list(values[2].broadcast) == expected
    assert "broadcast" in mg.trace(with_root).html


def broadcasting_ops():
    return [
        op for ops in library_ops().values() for op in ops if op.broadcasts and len(op.rules) > 1
    ]


@pytest.mark.parametrize("op", broadcasting_ops(), ids=lambda op: op.name)
def test_every_op_that_broadcasts_gives_its_inputs_back_in_what_they_are_said_to_become(op):
    """Broadcasting by hand first gives the same result, and then nothing is broadcast."""
    for case in cases_of(op):
        arrays, settings = draw(case, np.random.default_rng(0)), {**op.defaults, **case.settings}
        if op.matrices and min(map(np.ndim, arrays)) < 2:  # a row for each matrix is no matrix
            continue
        z = np.asarray(op.value(*arrays, **settings))
        to = broadcast_inputs(op, [np.shape(a) for a in arrays], z.shape)
        wide = [a if t is None else np.broadcast_to(a, t) for a, t in zip(arrays, to, strict=True)]
        again = np.asarray(op.value(*wide, **settings))
        np.testing.assert_array_equal(again, z)
        assert not any(broadcast_inputs(op, [a.shape for a in map(np.asarray, wide)], z.shape))
