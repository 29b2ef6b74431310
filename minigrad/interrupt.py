"""Ctrl-C ends the command `minigrad` with one line and status 130, whatever it is doing.

`minigrad` imports this before all else.

An exception would not do: in the middle of an import it prints a traceback, and in a callback or a
`__del__` it is dropped. So the signal itself ends the process, after what is to be tidied up.
"""

from __future__ import annotations

# `signal` wraps it in enums, which take a while to load
import _signal as signal  # type: ignore[import-not-found]
import os
import sys

STATUS = 130  # 128 and the number of the signal, as shells count
LINE = b"minigrad: stopped.\n"
SHOW_CURSOR = b"\x1b[?25h"


def is_the_command() -> bool:
    """Whether this process was started as `minigrad ...` or `python -m minigrad ...`."""
    name = (sys.argv or [""])[0].replace("\\", "/").rpartition("/")[2]
    if name == "-m":  # while Python looks for the module
        words = sys.orig_argv
        return "-m" in words and words[words.index("-m") + 1 :][:1] == ["minigrad"]
    return name.removesuffix(".exe") == "minigrad"


def end_at_once() -> None:
    """From now on Ctrl-C ends the process, unless whoever started it had it ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    try:
        stderr = os.dup(2)  # a picture being made may have 2 elsewhere for a moment
    except OSError:
        stderr = -1

    def end(_number: int, _frame: object) -> None:
        import atexit

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            if os.isatty(stderr) and os.isatty(1):
                os.write(1, SHOW_CURSOR)
            os.write(stderr, LINE)
        except OSError:
            pass
        try:
            atexit._run_exitfuncs()  # temporary folders go
        finally:
            os._exit(STATUS)

    signal.signal(signal.SIGINT, end)


if is_the_command():  # as early as can be, before the imports that take time
    end_at_once()
