"""However a save ends, the file is the old one or the new one, whole."""

import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg

ENDS = [".safetensors", ".npz"]
SAVING = """
import itertools, os, sys, numpy as np, minigrad as mg
path, size = sys.argv[1], int(sys.argv[2])
mg.save(path, {"values": np.zeros(size), "round": 0})
print("ready", flush=True)
for line in sys.stdin:
    first = mg.load(path)["round"] + 1
    child = os.fork()
    if child == 0:
        for i in itertools.count(first):
            mg.save(path, {"values": np.full(size, float(i)), "round": i})
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def killed(path, moments, size):
    """Kill a process that saves all the time, at each of the moments; returns the rounds found."""
    found = [0]
    command = [sys.executable, "-c", SAVING, str(path), str(size)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        for moment in moments:
            print(file=process.stdin, flush=True)
            child = int(process.stdout.readline())
            time.sleep(moment)
            os.kill(child, signal.SIGKILL)
            assert process.stdout.readline() == "gone\n"
            state = mg.load(path)
            assert state["values"].shape == (size,)
            assert (state["values"] == state["round"]).all()
            assert state["round"] >= found[-1]
            found.append(state["round"])
    return found


def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path):
    rng = np.random.default_rng(0)
    for end in ENDS:
        found = killed(tmp_path / f"kept{end}", rng.uniform(0, 0.1, 5), 100_000)
        assert len(set(found)) > 1


@pytest.mark.long
@pytest.mark.parametrize("end", ENDS)
def test_a_kill_at_200_moments(tmp_path, end):
    rng = np.random.default_rng(1)
    found = killed(tmp_path / f"kept{end}", rng.uniform(0, 0.2, 100), 1_000_000)
    assert len(set(found)) > 10


@pytest.fixture(params=ENDS)
def path(request, tmp_path):
    return tmp_path / f"kept{request.param}"


@pytest.mark.parametrize("limit", [0, 100, 40_000])
def test_a_limit_on_the_size_costs_nothing(path, limit):
    mg.save(path, 1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large\. Nothing was changed") as caught:
            mg.save(path, np.ones(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(path)
    assert mg.load(path) == 1
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_costs_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no permission to mount")
    try:
        for end in ENDS:
            path = disk / f"kept{end}"
            mg.save(path, 1)
            with pytest.raises(OSError, match=r"No space left on device\. Nothing was changed"):
                mg.save(path, np.ones(10_000))
            assert mg.load(path) == 1
            assert list(disk.iterdir()) == [path]
            path.unlink()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def as_nobody(program):
    """What a program prints that is run by somebody who owns nothing."""
    if os.geteuid() == 0:  # what is needed is loaded before
        first = "import os, minigrad.files, safetensors.numpy\nminigrad.save\nos.setuid(65534)\n"
        program = first + program
    return subprocess.check_output([sys.executable, "-c", program], text=True)


@pytest.mark.parametrize(("folder", "file"), [(0o555, 0o666), (0o777, 0o444)])
def test_what_must_not_be_written_stays(tmp_path, folder, file):
    path = tmp_path / "folder" / "kept.npz"
    path.parent.mkdir()
    mg.save(path, 1)
    path.chmod(file)
    path.parent.chmod(folder)
    for above in (tmp_path, *list(tmp_path.parents)[:2]):
        above.chmod(0o755)
    try:
        told = as_nobody(
            "import minigrad as mg\n"
            f"try:\n    mg.save({str(path)!r}, 2)\n"
            "except PermissionError as error:\n    print(error)\n"
        )
    finally:
        path.parent.chmod(0o755)
    assert told == f"[Errno 13] Permission denied. Nothing was changed: {str(path)!r}\n"
    assert mg.load(path) == 1
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o444])
def test_permissions_stay(path, mode):
    mg.save(path, 1)
    path.chmod(mode)
    if os.access(path, os.W_OK):
        mg.save(path, 2)
        assert mg.load(path) == 2
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_new_file_has_the_usual_permissions(path):
    mg.save(path, 1)
    usual = path.with_name("usual")
    usual.write_bytes(b"")
    assert path.stat().st_mode == usual.stat().st_mode


def test_a_link_is_followed_and_stays(path):
    folder = path.parent / "elsewhere"
    folder.mkdir()
    path.symlink_to(folder / path.name)
    for value in (1, 2):
        mg.save(path, value)
        assert path.is_symlink()
        assert mg.load(folder / path.name) == value
    assert len(list(folder.iterdir())) == 1


def test_what_is_no_file_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder.npz").mkdir()
    os.mkfifo("pipe.npz")
    Path("loop.npz").symlink_to("loop.npz")
    wrong = {
        "folder.npz": IsADirectoryError,
        "pipe.npz": OSError,
        "loop.npz": OSError,
        "nowhere/a.npz": FileNotFoundError,
        "pipe.npz/a.npz": NotADirectoryError,
        "long" * 100 + ".npz": OSError,
    }
    for name, error in wrong.items():
        with pytest.raises(error, match="Nothing was changed") as caught:
            mg.save(name, 1)
        assert caught.value.filename == name
    assert sorted(path.name for path in Path().iterdir()) == ["folder.npz", "loop.npz", "pipe.npz"]
    name = "n" * 251 + ".npz"  # as long as may be
    mg.save(name, 1)
    assert mg.load(name) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(5, "broken")])
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_an_interruption_leaves_no_second_file(path, monkeypatch, error, moment):
    mg.save(path, 1)

    def interrupted(*args):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, moment, interrupted)
        with pytest.raises(error if isinstance(error, type) else OSError):
            mg.save(path, 2)
    assert mg.load(path) == 1
    assert list(path.parent.iterdir()) == [path]


def test_it_is_on_the_disk_before_it_takes_the_place(path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        call = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, call=call: (calls.append(name), call(*args))[1]
        )
    mg.save(path, 1)
    assert calls == ["fsync", "replace", "fsync"]
