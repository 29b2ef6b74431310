"""What is no text in a name is shown as its code, wherever a name is shown; markup stays markup."""

import json
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
        yield from (str(node["name"]), str(node["op"]), *node["scope"])


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


def test_numbers_and_names_are_the_same_in_words_and_in_the_picture():
    loss, w = of("\x1b")
    assert json.loads(json.dumps(mg.graph(loss).nodes[1]["name"])) == r"\x1b"
    assert r"\x1b" in mg.draw(loss).text
    assert r"\x1b" in str(mg.trace(loss))
    assert r"\x1b" in str(mg.why(w, loss))
