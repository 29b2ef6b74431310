"""Indexing: what NumPy picks, and every gradient back in its place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import GENERATORS, indexings

import minigrad as mg
from minigrad.errors import LeavesGraphError

A = np.arange(12.0).reshape(3, 4)
INDICES = {
    "integer": 1,
    "negative integer": -1,
    "numpy integer": np.int64(2),
    "slice": slice(None, None, -2),
    "ellipsis": ...,
    "newaxis": (None, ..., 0, None),
    "empty tuple": (),
    "empty slice": slice(3, 1),
    "true": True,
    "false": False,
    "numpy bool": np.True_,
    "list": [0, 0, 2],
    "negative and positive names of one row": [0, -3, 2, -1],
    "empty list": [],
    "empty list in a tuple": (slice(None), []),
    "list of lists": [[0, 1], [1, 0]],
    "tuple inside a tuple": ((0, 0, 2),),
    "two tuples inside a tuple": ((0, 0), (1, 1)),
    "range": range(1, 3),
    "range inside a tuple": (slice(None), range(2)),
    "0-d array": np.array(1),
    "0-d array and array": (np.array(1), np.array([0, 0, 3])),
    "small unsigned integers": np.array([2, 0, 2], np.uint8),
    "two arrays that broadcast": (np.array([[0], [2]]), np.array([1, 1, 3])),
    "array and slice": (np.array([2, 0, 2]), slice(1, 3)),
    "arrays apart from each other": (np.array([1, 1]), None, np.array([2, 2])),
    "mask": A % 3 == 0,
    "mask of rows": np.array([True, False, True]),
    "mask of rows as a list": [True, False, True],
    "mask and integer": (np.array([True, False, True]), 1),
    "mask and array": (np.array([True, False, True]), np.array([3, 3])),
    "empty mask": np.zeros((3, 4), bool),
    "tensor of integers": mg.Tensor([2, 2, 0]),
    "tensor in a tuple": (slice(None), mg.Tensor([1, 1])),
    "tensor of one integer": mg.Tensor(1),
    "tensor of booleans": mg.Tensor([True, False, True]),
}


def as_numpy_reads_it(index):
    parts = index if isinstance(index, tuple) else (index,)
    plain = tuple(p.numpy() if isinstance(p, mg.Tensor) else p for p in parts)
    return plain if isinstance(index, tuple) else plain[0]


@pytest.mark.parametrize("name", INDICES)
def test_every_kind_of_index(name):
    index, plain = INDICES[name], as_numpy_reads_it(INDICES[name])
    expected = np.asarray(A[plain])
    cotangent = np.random.default_rng(0).normal(size=expected.shape)
    x = mg.Tensor(A, requires_grad=True)
    z = x[index]
    assert z.shape == expected.shape
    np.testing.assert_array_equal(z.numpy(), expected)
    z.backward(cotangent)
    gradient = np.zeros(A.shape)
    numbers = np.arange(12).reshape(A.shape)[plain]  # which element came from where
    for number, g in zip(np.ravel(numbers), np.ravel(cotangent), strict=True):
        gradient[np.unravel_index(number, A.shape)] += g
    np.testing.assert_allclose(x.grad, gradient, rtol=1e-15)


@given(data=st.data(), rng=GENERATORS)
def test_each_element_is_given_what_it_was_picked_for(data, rng):
    call = data.draw(indexings())
    (array,) = call.arrays
    numbers = np.asarray(call.f(np.arange(array.size).reshape(array.shape)))
    cotangent = rng.normal(size=numbers.shape)
    x = mg.Tensor(array, requires_grad=True)
    call.f(x).backward(cotangent)
    expected = np.bincount(numbers.ravel(), cotangent.ravel(), minlength=array.size)
    np.testing.assert_allclose(x.grad.ravel(), expected, rtol=1e-13)


@pytest.mark.parametrize("kind", ["array", "list", "tensor", "in a tuple"])
def test_writing_to_the_index_afterwards_changes_nothing(kind):
    rows = {
        "array": np.array([0, 1]),
        "list": [0, 1],
        "tensor": mg.Tensor([0, 1]),
        "in a tuple": np.array([0, 1]),
    }[kind]
    x = mg.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x[(rows,)] if kind == "in a tuple" else x[rows]
    if kind == "tensor":
        rows.assign([2, 2])
    else:
        rows[:] = [2, 2]
    y.backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [1.0, 10.0, 0.0])


def test_a_gradient_through_repeated_indices_can_be_differentiated():
    rows = [0, 0, 2]

    def f(x):
        return np.sum(x[rows] ** 3)

    x = np.array([1.0, 2.0, 3.0])
    second = mg.grad(lambda x: mg.grad(f)(x) @ np.array([1.0, 10.0, 100.0]))(x)
    np.testing.assert_allclose(second, [2 * 6 * 1.0, 0.0, 100 * 6 * 3.0])


def test_an_index_that_needs_a_gradient_is_refused():
    x = mg.Tensor(A, requires_grad=True)
    with pytest.raises(LeavesGraphError, match="index"):
        _ = x[mg.Tensor(1.0, requires_grad=True)]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (3, "out of bounds"),
        ((0, 0, 0), "too many indices"),
        (1.0, "only integers|must be of integer"),
        ([0.5], "must be of integer"),
        (np.array([]), "must be of integer"),
        (np.ones((2, 2), bool), "boolean index"),
    ],
)
def test_a_wrong_index_is_an_index_error_with_the_shape(index, message):
    with pytest.raises(IndexError, match=message) as raised:
        mg.Tensor(A, requires_grad=True)[index]
    assert "getitem" in str(raised.value)
    assert "(3, 4)" in str(raised.value)
