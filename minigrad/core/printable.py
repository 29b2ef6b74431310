"""Text that is nothing but text, whatever it was made of: names are shown by this everywhere."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Text in which what a terminal or XML takes for more than text stands as its code.

    These are control characters, marks without width or that turn the direction of writing,
    unusual spaces and ends of lines, and halves of pairs: all that `str.isprintable` denies.

    >>> print(printable("red \x1b[31m, back \u202e, next\n"))
    red \x1b[31m, back \u202e, next\n
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
