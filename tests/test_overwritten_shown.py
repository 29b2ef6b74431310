"""What pictures, traces and `why` say of values that were overwritten since they were used."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.text import number as short
from minigrad.errors import OverwrittenError


def parameter(values, **settings):
    return mg.Tensor(values, requires_grad=True, **settings)


def after_a_step():
    """The graph of a loss whose weights were updated since."""
    w, x = parameter([[0.5, 1.0]], name="w"), mg.Tensor([[3.0], [4.0]], name="x")
    loss = mg.sum((w.T * x) ** 2)
    loss.backward()
    mg.optim.SGD([w], lr=0.1).step()
    return w, loss


READERS = {
    "text": lambda t: mg.draw(t).text,
    "svg": lambda t: mg.draw(t).svg,
    "dot": lambda t: mg.draw(t).dot,
    "mermaid": lambda t: mg.draw(t).mermaid,
    "graphml": lambda t: mg.draw(t).graphml,
    "diff": lambda t: mg.diff(t, t).text,
}


@pytest.mark.parametrize("name", READERS)
def test_readers_say_what_was_overwritten_and_show_no_value_of_it(name):
    _, loss = after_a_step()
    shown = READERS[name](loss).replace("&#160;", " ").replace("\u00a0", " ")
    assert shown.count("overwritten since it was used") >= 2  # w and w.T, which shows its memory
    w = loss.inputs[0].inputs[0].inputs[0].inputs[0]
    for number in w.data.ravel():
        assert short(float(number)) not in shown
    assert "2.25" in shown  # what was computed is what it was


def test_the_graph_has_no_value_for_what_was_overwritten():
    _, loss = after_a_step()
    g = mg.graph(loss)
    nodes = dict(g.nodes(data=True))
    unknown = [n["name"] or n["op"] for n in nodes.values() if n["overwritten"]]
    assert unknown == ["w", "transpose"]
    assert all((n in g.values) != told["overwritten"] for n, told in nodes.items())


def test_a_picture_made_before_shows_the_values_of_before():
    w = parameter([1.0, 2.0], name="w")
    y = mg.sum(w * w)
    before = mg.draw(y)
    w.assign([7.0, 8.0])
    assert "[1 2]" in before.text
    assert "is not known" in mg.diff(before, y).text


def test_a_trace_of_what_was_overwritten_is_refused():
    _, loss = after_a_step()
    with pytest.raises(OverwrittenError, match=r"'w'.*Trace|trace before"):
        mg.trace(loss)
    w = parameter([1.0, 2.0])
    total = mg.sum(w)  # whose gradient needs no value, but the steps show it
    w.assign([3.0, 4.0])
    with pytest.raises(OverwrittenError, match="used by sum"):
        mg.trace(total)


def test_a_trace_made_before_keeps_its_values():
    w = parameter([1.0, 2.0])
    traced = mg.trace(mg.sum(w * w))
    w.assign([3.0, 4.0])
    np.testing.assert_array_equal(traced.values[0].value, [1.0, 2.0])
    assert "3.0" not in traced.html.split("<script")[0]
    np.testing.assert_array_equal(traced.steps[0].output, [1.0, 4.0])


def test_why_gives_no_numbers_that_are_not_there_but_what_the_result_tells():
    w = parameter([-1.0, -2.0])
    y = mg.sum(mg.relu(w))
    y.backward()
    assert mg.why(w, y).reason == "dead relu"
    w.assign([5.0, 6.0])
    reason = mg.why(w, y)
    assert reason.reason == "dead relu"
    assert "were <= 0" in reason.text
    assert "largest" not in reason.text
    matrix = parameter([[-1.0, 1.0], [-2.0, 2.0]])
    y = mg.sum(mg.relu(matrix))
    y.backward()
    assert "units dead" in mg.why(matrix, y).text
    matrix.assign(-matrix.data)
    assert "(0)" in mg.why(matrix, y).text  # the unit that was dead, not the one that is now
