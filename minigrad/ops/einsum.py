"""Einstein's sums: one op that is closed under differentiation, and what makes its operands.

`contract` takes operands whose letters are all different and each shared with another operand or
with the result. Its adjoint is then `contract` again: swap the result and the operand. Whatever
else `numpy.einsum` allows is brought to that form first by ops that exist: repeated letters by
diagonals, letters of one operand alone by sums, stretched axes of length 1 by dropping them.
"""

from __future__ import annotations

import numpy as np

from minigrad.core.op import implements, linear
from minigrad.core.registry import Function
from minigrad.core.samples import case
from minigrad.errors import ShapeError
from minigrad.ops.diagonals import diagonal
from minigrad.ops.operands import operand, refuse_out
from minigrad.ops.shaping import squeeze


@implements(np.einsum)
def einsum(*operands, out=None, optimize=False):
    """Sums of products, written with letters for the axes. As `numpy.einsum`.

    Everything NumPy allows: "..." for broadcast axes, repeated letters for diagonals, no "->" for
    the letters that occur once in alphabetical order, and arrays alternating with lists of ints
    in place of letters. `optimize=True` finds a good order, and uses matrix products.

    Raises `ShapeError` where the letters do not fit the arrays.

    >>> import numpy as np, minigrad as mg
    >>> x = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> np.einsum("ii", x)
    Tensor(5.)
    >>> np.einsum("ij,kj->ik", x, x)
    Tensor([[ 5., 11.],
            [11., 25.]])
    """
    refuse_out("einsum", out)
    subscripts, arrays = spelled(operands)
    terms, result = explicit(subscripts, [a.shape for a in arrays])
    factors = [on_diagonal(term, a) for term, a in zip(terms, arrays, strict=True)]
    sizes = lengths(factors, result)
    factors = [unstretched(term, a, sizes) for term, a in factors]
    letters = result + "".join(term for term, _ in factors)
    factors = [summed(term, a, letters) for term, a in factors]
    subscripts = f"{','.join(term for term, _ in factors)}->{result}"
    return contract(*[a for _, a in factors], subscripts=subscripts, optimize=optimize)


contract: Function = linear(
    lambda *arrays, subscripts, optimize: np.einsum(subscripts, *arrays, optimize=optimize),
    name="einsum",
    samples=[
        case((2, 3), (3, 4), subscripts="ab,bc->ac", optimize=False),
        case((2, 3), (3,), (2, 4), subscripts="ab,b,ac->c", optimize=True),
        case((2, 3), subscripts="ab->ba", optimize=False),
    ],
)


@contract.adjoint
def _(g, z, *arrays, argument, subscripts, optimize):
    terms, result = subscripts.split("->")
    terms, arrays = terms.split(","), list(arrays)
    wanted = terms[argument]
    terms[argument], arrays[argument] = result, g
    return contract(*arrays, subscripts=f"{','.join(terms)}->{wanted}", optimize=optimize)


# --- reading the subscripts -----------------------------------------------------------------

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # as NumPy numbers them


def spelled(operands):
    """The subscripts as one string, and the arrays; lists of ints become letters."""
    if operands and isinstance(operands[0], str):
        return operands[0].replace(" ", ""), [operand(a) for a in operands[1:]]
    words = ["".join("..." if n is ... else LETTERS[n] for n in part) for part in operands[1::2]]
    arrays = [operand(a) for a in operands[: 2 * len(words) : 2]]
    subscripts = ",".join(words)
    if len(operands) % 2:
        subscripts += "->" + "".join("..." if n is ... else LETTERS[n] for n in operands[-1])
    return subscripts, arrays


def explicit(subscripts, shapes):
    """One term of letters per operand, and one for the result, without "..."."""
    left, arrow, result = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ShapeError(
            f"einsum: {subscripts!r} has {len(terms)} terms, but {len(shapes)} arrays were given."
        )
    hidden = [hidden_axes(term, shape) for term, shape in zip(terms, shapes, strict=True)]
    free = [letter for letter in LETTERS if letter not in subscripts]
    fresh = "".join(free[: max(hidden)])
    if arrow and fresh and "..." not in result:
        raise ShapeError(f"einsum: {subscripts!r} needs '...' in the result: an operand has it.")
    if not arrow:
        named = left.replace("...", "").replace(",", "")
        result = "..." + "".join(sorted(a for a in set(named) if named.count(a) == 1))
    filled = [
        term.replace("...", fresh[len(fresh) - number :])
        for term, number in zip(terms, hidden, strict=True)
    ]
    result = result.replace("...", fresh)
    strange = set("".join(filled) + result) - set(LETTERS)
    if strange:
        raise ShapeError(f"einsum: {subscripts!r} has {sorted(strange)}, which are no letters.")
    return filled, result


def hidden_axes(term, shape):
    """How many axes "..." stands for, so that the term names every axis of the operand."""
    named = len(term.replace("...", ""))
    if len(shape) < named or (len(shape) > named and "..." not in term):
        raise ShapeError(
            f"einsum: the term {term!r} names {named} axes, but its operand has shape {shape}."
        )
    return len(shape) - named


def lengths(factors, result):
    """The length of the axis behind each letter, after the checks that it has one."""
    sizes = {}
    for term, a in factors:
        for letter, size in zip(term, a.shape, strict=True):
            known = sizes.setdefault(letter, size)
            if known != size and 1 not in (known, size):
                raise ShapeError(
                    f"einsum: the letter {letter!r} stands for axes of length {known} and {size}. "
                    f"They must be equal, or 1."
                )
            sizes[letter] = size if known == 1 else known
    if len(set(result)) != len(result) or not sizes.keys() >= set(result):
        raise ShapeError(
            f"einsum: the letters of the result {result!r} must be different, each from a term."
        )
    return sizes


# --- bringing operands to the form of `contract` ----------------------------------------------


def on_diagonal(term, a):
    """Letters that repeat within a term: the diagonal of their axes, "iij" -> "ji"."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first, second = term.index(letter), term.rindex(letter)
            if a.shape[first] != a.shape[second]:
                raise ShapeError(
                    f"einsum: {term!r} takes the diagonal of axes of lengths {a.shape[first]} and "
                    f"{a.shape[second]}. They must be equal."
                )
            a = diagonal(a, 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
    return term, a


def unstretched(term, a, sizes):
    """Without the axes of length 1 that broadcast against longer ones of other operands."""
    axes = tuple(i for i, letter in enumerate(term) if a.shape[i] == 1 != sizes[letter])
    kept = "".join(letter for i, letter in enumerate(term) if i not in axes)
    return (kept, squeeze(a, axes)) if axes else (term, a)


def summed(term, a, letters):
    """Without the axes that nothing else names: their sum."""
    axes = tuple(i for i, letter in enumerate(term) if letters.count(letter) == 1)
    kept = "".join(letter for i, letter in enumerate(term) if i not in axes)
    return (kept, np.sum(a, axis=axes, dtype=a.dtype)) if axes else (term, a)
