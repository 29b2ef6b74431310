"""NumPy itself as the oracle: the same call on tensors must give what it gives on arrays."""

import numpy as np

import minigrad as mg


def assert_as_numpy(f, *arrays, rtol=1e-12, atol=1e-13):
    """Check that `f` of tensors is recorded and has NumPy's values, shapes, dtypes and structure.

    Nor may the arrays change, whatever `f` does.
    """
    before = [np.array(a) for a in arrays]
    expected = f(*arrays)
    found = f(*[mg.Tensor(a, requires_grad=True) for a in arrays])
    same(found, expected, rtol, atol)
    for array, kept in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, kept)


def same(found, expected, rtol, atol):
    """Compare results, which may be lists or (named) tuples of arrays."""
    if isinstance(expected, list | tuple):
        assert isinstance(found, list) == isinstance(expected, list)
        assert getattr(found, "_fields", None) == getattr(expected, "_fields", None)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other, rtol, atol)
    elif np.asarray(expected).dtype.kind == "f":
        assert isinstance(found, mg.Tensor)
        assert found.requires_grad
        assert (found.shape, found.dtype) == (np.shape(expected), np.asarray(expected).dtype)
        np.testing.assert_allclose(found.numpy(), expected, rtol=rtol, atol=atol)
    else:  # numbers of things, places
        assert not isinstance(found, mg.Tensor)
        np.testing.assert_array_equal(found, expected)
