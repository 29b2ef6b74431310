"""Writing a file so that its place holds the old content or the new one, never a part."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Put `content` into the file at `path`, at one blow.

    It is written to a new file in the same folder, down to the disk, which then takes the place of
    the old one: whenever the process or the machine stops, one of the two is there, whole. A link
    is followed, permissions and owner stay. After a kill, `.minigrad-*` may remain beside it.

    Raises the system's `OSError` (no such folder, no permission, no space, a folder or a device in
    this place); then the old file is as it was, and the new one is gone.
    """
    target = Path(os.path.realpath(path))
    new = target.with_name(f".minigrad-{secrets.token_hex(8)}")
    try:
        old = writable(target)
        try:
            with open(new, "xb") as file:
                if old is not None:
                    keep_access(file.fileno(), old)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, target)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise
        with contextlib.suppress(OSError):  # some systems cannot, and the file is in its place
            settle(target.parent)
    except OSError as error:
        # with the number alone, Python chooses the class of the error: PermissionError, ...
        raise OSError(error.errno, f"{error.strerror}. Nothing was changed", str(path)) from error


def writable(target: Path) -> os.stat_result | None:
    """What is known of the file in this place, None if there is none; `OSError` if it must stay."""
    try:
        old = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(old.st_mode):
        number = errno.EISDIR if stat.S_ISDIR(old.st_mode) else errno.EINVAL
        raise OSError(number, "a folder, a pipe or a device is in this place")
    if not os.access(target, os.W_OK):  # taking the place of a file needs no permission to write it
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return old


def keep_access(descriptor: int, old: os.stat_result) -> None:
    """Give the new file the owner, where that is allowed, and the permissions of the old one."""
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(OSError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def settle(folder: Path) -> None:
    """Have the disk know by what name the folder now finds the new file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
