"""Proof that derivatives are right: of your own ops in two lines, of the library's in its tests.

State an op, name the numbers it takes, and check it:

>>> import numpy as np, minigrad as mg
>>> root = mg.elementwise(
...     lambda x: np.sqrt(1 + x * x), lambda z, x: x / z, name="root", samples=mg.testing.reals
... )
>>> print(mg.testing.check_op(root))
right: forward and reverse, to order 2, 276 numbers compared

Had the rule been wrong, the error would show it: the worst number beside the right one, the
smallest input, and the rule itself.

>>> bad = mg.elementwise(lambda x: np.sqrt(1 + x * x), lambda z, x: x, name="bad")
>>> mg.testing.check_grads(bad, np.array([3.0, 4.0]))
Traceback (most recent call last):
minigrad.errors.DerivativeError: bad: the derivative is wrong (order 1, forward mode).
  d result / d x
    by the rule         1
    by differences      0.7071067812
  smallest input found that shows it:
    x = array(1.)
  the rule of bad for array 0:  (...)
    lambda z, x: x

- `check_grads(f, *args, order=2, modes=("forward", "reverse"))` checks any function where you are.
- `check_op(op)` checks an op at its own samples: `Domain`s (`reals`, `positive`, `nonzero`, ...) of
  an elementwise op, a list of `case(shape, ..., axis=0)` of any other.
- `library_ops()` are the library's own, all of which its tests check this way.
- `strategies` makes arrays, shapes, indices and whole programs for Hypothesis, which it loads.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from minigrad.core.samples import Case as Case
from minigrad.core.samples import Domain as Domain
from minigrad.core.samples import above_one as above_one
from minigrad.core.samples import case as case
from minigrad.core.samples import nonzero as nonzero
from minigrad.core.samples import positive as positive
from minigrad.core.samples import reals as reals
from minigrad.core.samples import unit as unit
from minigrad.errors import DerivativeError as DerivativeError
from minigrad.testing.findings import Report as Report
from minigrad.testing.gradients import check_grads as check_grads
from minigrad.testing.library import library_ops as library_ops
from minigrad.testing.op_checks import check_op as check_op

if TYPE_CHECKING:
    from minigrad.testing import strategies as strategies


def __getattr__(name: str) -> object:
    """Load the strategies, and with them Hypothesis, when they are first asked for."""
    if name == "strategies":
        return import_module("minigrad.testing.strategies")
    from minigrad.elsewhere import absent

    raise absent(__name__, name)
