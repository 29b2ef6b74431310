"""One family of errors; each is also the built-in that it refines, so either can be caught.

Every message says what is wrong with the numbers in it, what was expected, and what to do.
"""


class MinigradError(Exception):
    """The family: whatever minigrad raises on purpose."""


class ShapeError(MinigradError, ValueError):
    """Shapes that do not fit each other or the op."""


class GradientTypeError(MinigradError, TypeError):
    """A dtype or a kind of value that can have no gradient here."""


class LeavesGraphError(MinigradError, TypeError):
    """A recorded value would have left the graph in silence, and its gradient with it."""


class RuleError(MinigradError, RuntimeError):
    """A derivative rule returned something that cannot be a gradient."""


class ReadOnlyError(MinigradError, ValueError):
    """A value function or a rule that writes into an array that it was given."""


class OverwrittenError(MinigradError, RuntimeError):
    """A backward pass needs a value that was overwritten since it was recorded."""


class AnomalyError(MinigradError, FloatingPointError):
    """An op made nan or infinity of numbers, where that is looked for."""


class GraphError(MinigradError, RuntimeError):
    """The graph does not hold what was asked of it."""


class DataError(MinigradError, ValueError):
    """A data file that is missing, truncated or of another kind; labels, values out of range."""


class DrawingError(MinigradError, ValueError):
    """A picture that cannot be made: a kind of file that is not known, too many nodes."""


class FormulaError(MinigradError, ValueError):
    """The text of a formula that cannot be read, or that asks for what is not there."""


class DerivativeError(MinigradError, AssertionError):
    """A derivative that is wrong, as a check of `minigrad.testing` has shown."""
