"""Values are those of the moment of use: for every op, whatever is written afterwards.

After a write to an input, a derivative is that of the values from before, or `OverwrittenError`;
after a change of a setting it is that of the setting as it was. Every op of the library and each of
its sample calls is in these tables by itself.
"""

import copy

import numpy as np
import pytest
from calls import CALLS

import minigrad as mg
from minigrad.core.samples import Case
from minigrad.errors import OverwrittenError
from minigrad.testing import library_ops
from minigrad.testing.inputs import cases_of, draw
from minigrad.testing.op_checks import Call

OPS = {
    f"{family}.{op.name}[{i}]": op
    for family, ops in library_ops().items()
    for i, op in enumerate(ops)
}
MOST = 3  # sample calls of each op


def sample_calls(op, most=MOST):
    """The first sample calls of an op that have a derivative in something."""
    found = []
    for case in cases_of(op):
        call = Call(op, case, draw(case, np.random.default_rng(0)))
        if call.places and all(np.size(x) for x in call.arrays):
            found.append(call)
    return found[:most]


def other(x):
    """Other values of the same shape and dtype."""
    return ~x if x.dtype == bool else (x + 1 if x.dtype.kind in "iu" else 0.75 * x + 0.125)


def cotangent(z):
    return np.random.default_rng(1).normal(size=z.shape).astype(z.dtype)


class Use:
    """Tensors given to a function, a result, and its derivatives."""

    def __init__(self, function, arrays, places):
        self.tensors = [
            mg.Tensor(x, requires_grad=i in places) if isinstance(x, np.ndarray | float) else x
            for i, x in enumerate(arrays)
        ]
        self.leaves = [self.tensors[i] for i in places]
        self.result = function(*self.tensors)

    def gradients(self, result=None, g=None, **settings):
        for x in self.leaves:
            x.grad = None
        result = self.result if result is None else result
        result.backward(cotangent(result) if g is None else g, **settings)
        return [x.grad for x in self.leaves]


def reverse(use, write):
    write()
    return use.gradients()


def create_graph(use, write):
    write()
    return [None if g is None else g.data for g in use.gradients(create_graph=True)]


def second_order(use, write):
    total = 0.0
    for g in use.gradients(create_graph=True):
        if g is not None and g.requires_grad:
            total = total + mg.sum(g * mg.Tensor(cotangent(g)))
    write()
    return use.gradients(total) if isinstance(total, mg.Tensor) else []


MODES = {"reverse": reverse, "create_graph": create_graph, "second order": second_order}


def pushed(function, arrays, places, write_to=None):
    """The tangent of a call; an input, or all, may be overwritten before it is pushed forward."""

    def f(*chosen):
        filled = dict(zip(places, chosen, strict=True))
        tensors = [
            filled.get(i, mg.Tensor(x) if isinstance(x, np.ndarray) else x)
            for i, x in enumerate(arrays)
        ]
        z = function(*tensors)
        if write_to is not None:
            tensors[write_to].assign(other(tensors[write_to].data))
        return z

    chosen = tuple(np.asarray(arrays[i]) for i in places)
    return mg.jvp(f, chosen, tuple(cotangent(x) for x in chosen))[1]


def same(expected, found):
    assert len(expected) == len(found)
    for x, y in zip(expected, found, strict=True):
        assert (x is None) == (y is None)
        if x is not None:
            np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", OPS)
def test_a_write_after_the_use_is_noticed_or_does_no_harm(name):
    for call in sample_calls(OPS[name]):
        function = lambda *arrays, c=call: c.op.function(*arrays, **c.case.settings)  # noqa: E731
        arrays = [np.array(x) if isinstance(x, float | np.ndarray) else x for x in call.arrays]
        for position, x in enumerate(arrays):
            if not isinstance(x, np.ndarray):
                continue
            for checkpointed in (False, True):
                f = mg.checkpoint(function) if checkpointed else function
                for derive in MODES.values():
                    use = Use(f, arrays, call.places)
                    expected = derive(use, lambda: None)
                    use = Use(f, arrays, call.places)
                    written = use.tensors[position]
                    try:
                        found = derive(use, lambda t=written: t.assign(other(t.data)))
                    except OverwrittenError:
                        continue
                    same(expected, found)
            try:
                found = pushed(function, arrays, call.places, write_to=position)
            except OverwrittenError:
                continue
            same([pushed(function, arrays, call.places)], [found])


# --- settings


def mutable_forms(setting):
    """The same setting in forms that can be changed afterwards."""
    if isinstance(setting, bool | str | type(None)):
        return
    if isinstance(setting, np.ndarray):
        yield setting.copy()
        yield mg.Tensor(setting)
        yield setting.tolist()
    elif isinstance(setting, int | float):
        yield np.array(setting)
        yield mg.Tensor(setting)
    elif isinstance(setting, list):
        yield copy.deepcopy(setting)
    elif isinstance(setting, tuple):
        yield list(setting)
        if any(isinstance(part, np.ndarray) for part in setting):
            yield tuple(part.copy() if isinstance(part, np.ndarray) else part for part in setting)
        elif all(isinstance(part, int | float) for part in setting):
            yield np.array(setting)
            yield tuple(np.array(part) for part in setting)


def change(setting):
    """Change a setting in place; whether it could be."""
    if isinstance(setting, mg.Tensor):
        setting.assign(other(setting.data))
    elif isinstance(setting, np.ndarray):
        setting[...] = other(setting)
    elif isinstance(setting, list) and setting:
        setting[:] = [part if isinstance(part, slice) else 1 for part in setting[::-1]] + [7]
    elif isinstance(setting, tuple):
        changed = [change(part) for part in setting]
        return any(changed)
    else:
        return False
    return True


def settings_table():
    """Every call with settings: of ops, by name; of what is made of ops, from the samples."""
    for name, op in OPS.items():
        for call in sample_calls(op, most=100):
            if call.case.settings:
                yield name, op.function, call.arrays, call.places, call.case.settings
    for function, given in CALLS.items():
        for case in given:
            if isinstance(case, Case) and case.settings:
                arrays = draw(case, np.random.default_rng(0))
                floating = [i for i, x in enumerate(arrays) if np.asarray(x).dtype.kind == "f"]
                yield function.__name__, function, arrays, floating, case.settings


def drawn(z):
    return mg.draw(z, show=("shape", "value")).text


def test_a_setting_that_is_changed_after_the_call_changes_nothing():
    tried = set()
    for name, function, arrays, places, settings in settings_table():
        for key, setting in settings.items():
            for form in mutable_forms(setting):
                given = copy.deepcopy(form)

                def call(*tensors, now=given, f=function, s=settings, key=key):
                    return f(*tensors, **{**s, key: now})

                try:
                    untouched = Use(call, arrays, places)
                    untouched.gradients(create_graph=True)
                except Exception:  # the function takes no such setting
                    continue
                if not isinstance(untouched.result, mg.Tensor) or not untouched.leaves:
                    continue
                tried.add((name, key))
                text = drawn(untouched.result)
                for mode in MODES.values():
                    expected = mode(Use(call, arrays, places), lambda: None)
                    use = Use(call, arrays, places)
                    try:
                        found = mode(use, lambda now=given: change(now))
                    except OverwrittenError:  # a tensor that became an operand
                        assert isinstance(given, mg.Tensor), (name, key)
                    else:
                        same(expected, found)
                    if mode is reverse and not isinstance(given, mg.Tensor):
                        assert drawn(use.result) == text, (name, key)
                    restore(given, form)
                forward(call, arrays, places, given)
                restore(given, form)
    assert len(tried) > 60, sorted(tried)


def forward(call, arrays, places, given):
    """The tangent, the setting changed after the call."""
    expected = pushed(call, arrays, places)

    def changing(*tensors):
        z = call(*tensors)
        change(given)
        return z

    try:
        same([expected], [pushed(changing, arrays, places)])
    except OverwrittenError:
        assert isinstance(given, mg.Tensor)


def restore(given, form):
    """Make a changed setting what it was."""
    if isinstance(given, mg.Tensor):
        given.assign(form.data)
    elif isinstance(given, np.ndarray):
        given[...] = form
    elif isinstance(given, list):
        given[:] = copy.deepcopy(form)
    else:
        for part, old in zip(given, form, strict=True):
            if isinstance(part, np.ndarray):
                part[...] = old
