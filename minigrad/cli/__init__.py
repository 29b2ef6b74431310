"""The command `minigrad`: what it answers, however it is called and wherever its output goes."""

from __future__ import annotations

import sys
from typing import NoReturn

from minigrad import interrupt

WRONG = 2  # of arguments, files, data
FAULT = 70  # of minigrad's own, as sysexits.h counts


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command and exit.

    Status: 0 when done; 1 when training failed or nobody reads the output; 2 for what is wrong in
    arguments, files or data; 130 after Ctrl-C; 70 for a fault of minigrad's own.
    """
    from minigrad.cli import output

    output.prepare()
    status = answered(arguments)
    sys.exit(output.finish(status))


def answered(arguments: list[str] | None) -> int:
    """Run the command; whatever goes wrong is said in a line, and is the status."""
    import click
    import numpy as np

    from minigrad.cli.commands import commands
    from minigrad.cli.output import complain, warnings_in_a_line
    from minigrad.errors import MinigradError

    try:
        with np.errstate(all="ignore"), warnings_in_a_line():  # pictures show what makes nan
            return int(commands.main(arguments, "minigrad", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.UsageError as error:
        return complain(f"{error.format_message()} (see minigrad --help)", WRONG)
    except click.ClickException as error:
        return complain(error.format_message(), WRONG)
    except MinigradError as error:
        return complain(str(error), WRONG)
    except OSError as error:
        where = error.filename or "cannot print"  # files that are written say which they are
        return complain(f"{where}: {error.strerror or error}.", WRONG)
    except MemoryError:
        return complain("there is not enough memory for this.", WRONG)
    except RecursionError:
        return complain("this is nested too deeply.", WRONG)
    except (click.Abort, KeyboardInterrupt):
        return complain("stopped.", interrupt.STATUS)
    except Exception as error:
        return complain(f"a fault of its own, please report it: {told(error)}", FAULT)


def told(error: Exception) -> str:
    """An error that should not be, with the place that it comes from."""
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"
