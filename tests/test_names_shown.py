"""What is no text in a name is shown as its code, wherever a name is shown; markup stays markup."""

from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.printable import printable

HOSTILE = {
    "escape": "\x1b[31mred\x1b[0m",
    "null": "a\x00b",
    "bell and backspace": "a\x07\x08b",
    "C1": "a\x9b31mb",
    "right to left": "a\u202eb\u2066c",
    "no width": "a\u200bb\u200dc\ufeff\u00ad",
    "ends of lines": "a\nb\r\nc\u2028d\u0085e\x0bf",
    "spaces": "a\tb\u00a0c\u3000d",
    "half a pair": "a\ud800b\udcff",
    "no character": "a\uffff\ufdd0",
    "markup": "<b>&amp;]]>--></script>`$%{}|\\\"'",
}


def of(name):
    """A result whose leaf, boxes, op and setting are called so; its leaf."""
    w = mg.Tensor([-1.0, -2.0], requires_grad=True, name=name)
    odd = mg.elementwise(lambda x: x * 1.0, lambda z, x: 1.0, name=name)
    with mg.scope(name), mg.sources():
        h = odd(mg.relu(w) * w)
        h.name = name
    loss = np.sum(h)
    loss.backward()
    return loss, w


def overwritten(loss, w):
    w.assign([1.0, 1.0])
    with pytest.raises(mg.errors.OverwrittenError) as raised:
        loss.backward()
    return str(raised.value)


def told_of(graph):
    """The names, ops and scopes of its nodes."""
    for _, node in graph.nodes(data=True):
        yield from (node["name"], node["op"], node["scope"])


OF_THE_FORMAT = {"dot": "\t\xa0", "svg": "\xa0", "frame": "\xa0", "mermaid": "\u2060"}
SHOWN = {
    "text": lambda loss, w: mg.draw(loss).text,
    "dot": lambda loss, w: mg.draw(loss).dot,
    "svg": lambda loss, w: mg.draw(loss).svg,
    "mermaid": lambda loss, w: mg.draw(loss).mermaid,
    "graphml": lambda loss, w: mg.draw(loss).graphml,
    "folded": lambda loss, w: mg.draw(loss, depth=0).text,
    "trace": lambda loss, w: str(mg.trace(loss)),
    "frame": lambda loss, w: mg.trace(loss).frame(3),
    "page": lambda loss, w: mg.trace(loss).html,
    "why": lambda loss, w: str(mg.why(w, loss)),
    "graph": lambda loss, w: "".join(told_of(mg.graph(loss))),
    "tensor": lambda loss, w: repr(w),
    "op": lambda loss, w: repr(loss.inputs[0].op),
    "overwritten": overwritten,
}


def not_text(shown):
    """The characters that are more than text."""
    return {c for c in shown if not c.isprintable()} - {"\n"}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_is_shown_as_text(name):
    for what, show in SHOWN.items():
        loss, w = of(name)
        shown = show(loss, w)
        found = not_text(shown) - set(OF_THE_FORMAT.get(what, ""))
        assert not found, (what, found)
        if what in ("svg", "frame", "graphml"):
            ElementTree.fromstring(shown)


def test_printable_changes_nothing_that_is_text():
    for text in ("W1", "größe ∂ 学习", "a b", "e\u0301", "\N{SLIGHTLY SMILING FACE}"):
        assert printable(text) == text
    assert printable("a\nb\x1b") == r"a\nb\x1b"


def refuse(z, x):
    """A rule that has no derivative to give."""
    raise ValueError("there is none.")


no_gradient = mg.elementwise(lambda x: x * 1.0, refuse, name="no_gradient")


def told_by(call):
    """What an error says, and what stands beside it."""
    with pytest.raises((ValueError, mg.errors.OverwrittenError)) as raised:
        call()
    return "\n".join([str(raised.value), *getattr(raised.value, "__notes__", ())])


def test_numbers_in_errors_are_those_in_the_picture():
    [mg.Tensor(1.0, requires_grad=True) * 2.0 for _ in range(50)]  # so that numbers differ
    w = mg.Tensor([2.0], requires_grad=True, name="w")
    h = w * w
    loss = np.sum(no_gradient(h) * h)
    text = mg.draw(loss).text
    assert "#3 no_gradient" in text
    assert "(1,), #3" in told_by(loss.backward)
    assert "(1,), #3" in told_by(lambda: mg.trace(loss))
    loss = np.sum(h * 3.0)
    w.assign([1.0])
    text = mg.draw(loss).text
    assert "#2 h = multiply" in text
    assert "#1 w" in text
    for call in (loss.backward, lambda: mg.trace(loss)):
        said = told_by(call)
        assert "the tensor 'w' #1 of" in said
        assert "by multiply #2" in said


def test_what_is_no_tensor_is_told_what_to_draw():
    net = mg.nn.Linear(2, 1, rng=np.random.default_rng(0))
    for draw in (mg.draw, mg.graph, mg.trace):
        with pytest.raises(TypeError, match=r"this is a Linear: try its result, linear\(x\)\."):
            draw(net)
        with pytest.raises(TypeError, match=r"try its result, relu\(x\)\."):
            draw(mg.relu)
        with pytest.raises(TypeError, match=r"this is a list\.$"):
            draw([1.0])
