"""Bad input: every error names the op, gives the numbers, and says what to do."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import errors
from minigrad.errors import (
    DataError,
    GradientTypeError,
    GraphError,
    MinigradError,
    RuleError,
    ShapeError,
)

NAN = np.nan


def parameter(*shape):
    return mg.Tensor(np.ones(shape), requires_grad=True)


def images(*shape):
    return mg.Tensor(np.ones(shape), requires_grad=True)


def filters(*shape):
    return np.ones(shape)


MISTAKES = {
    # shapes: (call, class, everything the message must contain)
    "add": (
        lambda: parameter(2, 3) + parameter(4),
        ShapeError,
        ["add", "(2, 3)", "(4,)", "Aligned at the right", "reshape or transpose"],
    ),
    "an array before": (
        lambda: np.ones((2, 3)) * parameter(4),
        ShapeError,
        ["multiply", "(2, 3)", "(4,)", "broadcast"],
    ),
    "maximum": (
        lambda: np.maximum(parameter(2), np.ones(3)),
        ShapeError,
        ["maximum", "(2,)", "(3,)"],
    ),
    "where": (
        lambda: mg.where(np.ones(2) > 0, parameter(3), 0.0),
        ShapeError,
        ["where", "(2,)", "(3,)"],
    ),
    "matmul": (
        lambda: parameter(4, 3) @ parameter(2, 5),
        ShapeError,
        ["matmul", "(4, 3)", "(2, 5)", "3 is not 2", "Check the layer sizes"],
    ),
    "matmul of batches": (
        lambda: parameter(2, 4, 3) @ parameter(5, 3, 2),
        ShapeError,
        ["matmul", "batch", "(2, 4, 3)", "(5, 3, 2)"],
    ),
    "matmul with a vector": (
        lambda: parameter(4, 3) @ parameter(4),
        ShapeError,
        ["matmul", "(4, 3)", "(4,)", "3 is not 4"],
    ),
    "matmul with a number": (
        lambda: parameter(2, 2) @ mg.Tensor(3.0),
        ShapeError,
        ["matmul", "scalar", "use *"],
    ),
    "reshape": (
        lambda: parameter(2, 3).reshape(4),
        ShapeError,
        ["reshape", "(2, 3)", "4"],
    ),
    "concatenate": (
        lambda: np.concatenate([parameter(2, 3), parameter(2, 4)]),
        ShapeError,
        ["concatenate", "(2, 3)", "(2, 4)"],
    ),
    "stack": (
        lambda: np.stack([parameter(2), parameter(3)]),
        ShapeError,
        ["stack", "(2,)", "(3,)"],
    ),
    "broadcast_to": (
        lambda: np.broadcast_to(parameter(3), (2, 4)),
        ShapeError,
        ["broadcast_to", "(3,)", "(2, 4)"],
    ),
    "squeeze": (
        lambda: parameter(2, 3).squeeze(0),
        ShapeError,
        ["squeeze", "(2, 3)"],
    ),
    # filters
    "a filter larger than its input": (
        lambda: mg.conv2d(images(1, 1, 3, 3), filters(1, 1, 5, 5)),
        ShapeError,
        ["conv2d", "5 rows", "input of 3", "smaller window or more padding"],
    ),
    "a filter wider than its input": (
        lambda: mg.conv2d(images(1, 1, 5, 3), filters(1, 1, 3, 5)),
        ShapeError,
        ["conv2d", "5 columns", "input of 3"],
    ),
    "a dilated filter larger than its input": (
        lambda: mg.conv2d(images(1, 1, 4, 4), filters(1, 1, 3, 3), dilation=2),
        ShapeError,
        ["conv2d", "5 rows", "input of 4"],
    ),
    "a window larger than its input": (
        lambda: mg.maxpool(images(3, 3), 4),
        ShapeError,
        ["maxpool", "4 rows", "input of 3"],
    ),
    "a filter that does not tile its input": (
        lambda: mg.conv2d(images(1, 1, 7, 7), filters(1, 1, 3, 3), stride=3),
        ShapeError,
        ["conv2d", "(7 - 3) / 3 + 1 = 2.333", "[1, 2, 4]", 'remainder="drop"'],
    ),
    "a filter that does not tile a padded input": (
        lambda: mg.conv2d(images(1, 1, 7, 6), filters(1, 1, 3, 3), stride=2, padding=1),
        ShapeError,
        ["conv2d", "columns", "(8 - 3) / 2 + 1 = 3.5", "1 + 1 of padding"],
    ),
    "a window that does not tile its input": (
        lambda: mg.avgpool(images(4, 5)),
        ShapeError,
        ["avgpool", "columns", "(5 - 2) / 2 + 1 = 2.5", 'remainder="drop"'],
    ),
    "a filter of another depth": (
        lambda: mg.conv2d(images(1, 6, 8, 8), filters(10, 3, 5, 5)),
        ShapeError,
        ["conv2d", "(1, 6, 8, 8)", "(10, 3, 5, 5)", "as deep as its input"],
    ),
    "groups that do not divide": (
        lambda: mg.conv2d(images(1, 4, 8, 8), filters(3, 2, 5, 5), groups=2),
        ShapeError,
        ["conv2d", "3 filters", "groups"],
    ),
    "one image alone": (
        lambda: mg.conv2d(images(3, 8, 8), filters(1, 3, 5, 5)),
        ShapeError,
        ["conv2d", "(3, 8, 8)", "x[None]"],
    ),
    "a bias of another length": (
        lambda: mg.conv2d(images(1, 1, 3, 3), filters(2, 1, 2, 2), np.ones(3)),
        ShapeError,
        ["conv2d", "2 filters", "(3,)"],
    ),
    "an unknown padding": (
        lambda: mg.conv2d(images(1, 1, 3, 3), filters(1, 1, 2, 2), padding="full"),
        ShapeError,
        ["conv2d", "'full'", '"same"', '"valid"'],
    ),
    "a negative padding": (
        lambda: mg.conv2d(images(1, 1, 3, 3), filters(1, 1, 2, 2), padding=-1),
        ShapeError,
        ["conv2d", "padding", "-1"],
    ),
    "a stride of zero": (
        lambda: mg.conv2d(images(1, 1, 3, 3), filters(1, 1, 2, 2), stride=0),
        ShapeError,
        ["conv2d", "stride", "0"],
    ),
    "a stride that is no whole number": (
        lambda: mg.maxpool(images(4, 4), stride=1.5),
        ShapeError,
        ["maxpool", "stride", "1.5"],
    ),
    "three strides": (
        lambda: mg.maxpool(images(4, 4), (2, 2, 2)),
        ShapeError,
        ["maxpool", "size", "(2, 2, 2)"],
    ),
    "an unknown remainder": (
        lambda: mg.maxpool(images(4, 4), remainder="keep"),
        ShapeError,
        ["maxpool", "remainder", "'keep'"],
    ),
    "a map without rows": (lambda: mg.maxpool(images(4)), ShapeError, ["maxpool", "(4,)"]),
    # kinds of numbers
    "integers that require a gradient": (
        lambda: mg.Tensor([1, 2], requires_grad=True),
        GradientTypeError,
        ["int64", "floating", "dtype=float"],
    ),
    "booleans that require a gradient": (
        lambda: mg.Tensor([True], requires_grad=True),
        GradientTypeError,
        ["bool", "floating"],
    ),
    "complex": (
        lambda: mg.Tensor([1.0 + 2.0j]),
        GradientTypeError,
        ["complex128", "(1,)", ".real", ".imag"],
    ),
    "complex, asked to be real": (
        lambda: mg.Tensor([1.0 + 2.0j], dtype=float),
        GradientTypeError,
        ["complex128", ".real"],
    ),
    "reals, asked to be complex": (
        lambda: mg.Tensor([1.0], dtype=complex),
        GradientTypeError,
        ["complex128"],
    ),
    "a complex array beside a tensor": (
        lambda: parameter(2) * np.array([1.0j, 2.0]),
        GradientTypeError,
        ["complex128", ".real"],
    ),
    "a complex number beside a tensor": (
        lambda: parameter(2) + 1.0j,
        GradientTypeError,
        ["complex128"],
    ),
    "a complex value for a leaf": (
        lambda: parameter(1).assign([1.0j]),
        GradientTypeError,
        ["complex128"],
    ),
    "text": (lambda: mg.Tensor("1.5"), GradientTypeError, ["numbers"]),
    "text with a dtype": (lambda: mg.Tensor(["1.5"], dtype=float), GradientTypeError, ["numbers"]),
    "objects": (lambda: mg.Tensor([object()]), GradientTypeError, ["object", "numbers"]),
    "nothing": (lambda: mg.Tensor(None), GradientTypeError, ["numbers"]),
    "a cast to integers": (
        lambda: parameter(2).astype(int),
        TypeError,
        ["int64", "floating-point"],
    ),
    # backward
    "no cotangent": (
        lambda: parameter(2, 3).backward(),
        ShapeError,
        ["(2, 3)", "backward(grad)", ".sum()"],
    ),
    "a cotangent of the wrong shape": (
        lambda: parameter(2, 3).backward(np.ones((3, 2))),
        ShapeError,
        ["(3, 2)", "(2, 3)", "equal"],
    ),
    "a cotangent that would broadcast": (
        lambda: parameter(2, 3).backward(1.0),
        ShapeError,
        ["()", "(2, 3)"],
    ),
    "a cotangent for a scalar": (
        lambda: parameter(2).sum().backward([1.0]),
        ShapeError,
        ["(1,)", "()"],
    ),
    "a tensor as a cotangent of the wrong shape": (
        lambda: parameter(2).backward(mg.Tensor(1.0), create_graph=True),
        ShapeError,
        ["()", "(2,)"],
    ),
    "a complex cotangent": (
        lambda: parameter(2).backward([1.0j, 1.0]),
        GradientTypeError,
        ["complex128"],
    ),
    "a tensor without a past": (
        lambda: mg.Tensor(1.0).backward(),
        GraphError,
        ["requires_grad=True"],
    ),
    # losses
    "targets that would broadcast": (
        lambda: mg.mse(parameter(4, 1), np.ones(4)),
        ShapeError,
        ["mse", "(4, 1)", "(4,)", "reshape"],
    ),
    "labels that are NaN": (
        lambda: mg.cross_entropy(parameter(3, 2), [0.0, NAN, NAN]),
        DataError,
        ["cross_entropy", "2 of 3", "NaN", "position 1"],
    ),
    "labels that are too large": (
        lambda: mg.cross_entropy(parameter(3, 2), [0, 1, 2]),
        DataError,
        ["cross_entropy", "label 2", "position 2", "from 0 to 1"],
    ),
    "labels that are negative": (
        lambda: mg.cross_entropy(parameter(2, 3), [-1, 0]),
        DataError,
        ["cross_entropy", "label -1", "position 0", "from 0 to 2"],
    ),
    "labels that are no whole numbers": (
        lambda: mg.cross_entropy(parameter(2, 3), [0.0, 0.5]),
        DataError,
        ["cross_entropy", "0.5", "position 1"],
    ),
    "labels of the wrong number": (
        lambda: mg.cross_entropy(parameter(2, 3), [0, 1, 2]),
        ShapeError,
        ["cross_entropy", "(2, 3)", "(3,)"],
    ),
    "logits of one row alone": (
        lambda: mg.cross_entropy(parameter(3), 0),
        ShapeError,
        ["cross_entropy", "(3,)"],
    ),
    "targets that are NaN": (
        lambda: mg.binary_cross_entropy(parameter(2), [0.0, NAN]),
        DataError,
        ["binary_cross_entropy", "0 to 1", "nan"],
    ),
    "targets that are no probabilities": (
        lambda: mg.binary_cross_entropy(parameter(2), [-0.5, 2.0]),
        DataError,
        ["binary_cross_entropy", "-0.5", "2.0"],
    ),
    "targets of another shape": (
        lambda: mg.binary_cross_entropy(parameter(2, 1), [0.0, 1.0]),
        ShapeError,
        ["binary_cross_entropy", "(2, 1)", "(2,)"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_explained(name):
    mistake, error, parts = MISTAKES[name]
    with pytest.raises(error) as raised:
        mistake()
    for part in parts:
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("error", "built_in"),
    [
        ("ShapeError", ValueError),
        ("GradientTypeError", TypeError),
        ("LeavesGraphError", TypeError),
        ("RuleError", RuntimeError),
        ("OverwrittenError", RuntimeError),
        ("GraphError", RuntimeError),
        ("DataError", ValueError),
    ],
)
def test_each_error_is_also_the_built_in_that_it_refines(error, built_in):
    assert issubclass(getattr(errors, error), built_in)
    assert issubclass(getattr(errors, error), MinigradError)


def test_the_same_mistakes_on_plain_arrays_are_explained_too():
    with pytest.raises(ShapeError, match="does not tile"):
        mg.conv2d(np.ones((1, 1, 7, 7)), np.ones((1, 1, 3, 3)), stride=3)
    with pytest.raises(ShapeError, match="mse"):
        mg.mse(np.ones((4, 1)), np.ones(4))
    with pytest.raises(DataError, match="label 9"):
        mg.cross_entropy(np.ones((1, 2)), [9])


def test_a_rule_that_fails_is_named_with_its_shapes():
    wrong = mg.general(lambda x: x * 2, lambda g, z, x: g.sum(), name="wrong")
    with pytest.raises(RuleError, match=r"shape \(\) for an input of shape \(2, 3\)") as raised:
        wrong(parameter(2, 3)).sum().backward()
    assert any("wrong((2, 3)) -> (2, 3)" in note for note in raised.value.__notes__)


def test_a_value_that_fails_is_named_with_its_shapes():
    def value(x, *, power):
        raise ZeroDivisionError("not today")

    failing = mg.general(value, lambda g, z, x, *, power: g, name="failing")
    with pytest.raises(ZeroDivisionError, match=r"failing: not today .*\(2, 3\), power=7"):
        failing(parameter(2, 3), power=7)


def test_an_unknown_keyword_is_refused():
    with pytest.raises(TypeError, match="strides"):
        mg.conv2d(images(1, 1, 3, 3), filters(1, 1, 2, 2), strides=2)
    with pytest.raises(TypeError, match="axes"):
        mg.softmax(parameter(3), axes=0)


def test_too_many_arguments_are_counted():
    with pytest.raises(TypeError, match=r"softmax takes 2 positional.*3 were given"):
        mg.softmax(parameter(3), 0, 1)


AXES = [5, -4, (0, 0), (0, 7), 1.5, "a", np.array([1.0, 2.0])]
ALONG_AN_AXIS = {  # every function that takes an axis refuses one that is not there, as NumPy does
    name: lambda t, axis, f=f: f(t, axis=axis)
    for name, f in {
        **{f.__name__: f for f in (np.sum, np.mean, np.max, np.min, np.prod, np.ptp, np.average)},
        **{f.__name__: f for f in (np.var, np.std, np.median, np.cumsum, np.cumprod, np.diff)},
        **{f.__name__: f for f in (np.nansum, np.nanmean, np.nanvar, np.nanmax, np.nanmedian)},
        **{f.__name__: f for f in (np.gradient, np.trapezoid, np.sort, np.flip, np.squeeze)},
        **{f.__name__: f for f in (mg.softmax, mg.log_softmax, mg.logsumexp, mg.layer_norm)},
        "rms_norm": mg.rms_norm,
    }.items()
} | {
    "quantile": lambda t, axis: np.quantile(t, 0.5, axis=axis),
    "percentile": lambda t, axis: np.percentile(t, [10, 50], axis=axis),
    "nanquantile": lambda t, axis: np.nanquantile(t, 0.5, axis=axis),
    "repeat": lambda t, axis: np.repeat(t, 2, axis=axis),
    "roll": lambda t, axis: np.roll(t, (1, 1) if isinstance(axis, tuple) else 1, axis=axis),
    "take": lambda t, axis: np.take(t, [0], axis=axis),
    "concatenate": lambda t, axis: np.concatenate([t, t], axis=axis),
    "stack": lambda t, axis: np.stack([t, t], axis=axis),
    "moveaxis": lambda t, axis: np.moveaxis(t, 0, axis),
}


@pytest.mark.parametrize("axis", AXES, ids=repr)
@pytest.mark.parametrize("name", ALONG_AN_AXIS)
def test_an_axis_that_is_not_there_is_refused(name, axis):
    t = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    if name == "roll" and isinstance(axis, tuple) and axis == (0, 0):  # which NumPy rolls twice
        return
    with pytest.raises((np.exceptions.AxisError, TypeError, ValueError)):
        ALONG_AN_AXIS[name](t, axis)
