"""The command `minigrad`, as a user types it."""

import re
import subprocess
import sys

import pytest


def minigrad(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "minigrad", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        timeout=300,
    )


def test_xor_checks_the_lecture_then_learns_and_draws(tmp_path):
    done = minigrad("xor", "--out", tmp_path / "new" / "folder")
    assert done.returncode == 0, done.stderr
    assert "Every row is as in the lecture, and the cost is J = 0." in done.stdout
    last = re.findall(r"J = (\d\.\d+)", done.stdout)[-1]
    assert float(last) < 1e-3
    for name in ("xor.svg", "xor.png"):
        assert name in done.stdout
        assert (tmp_path / "new" / "folder" / name).stat().st_size > 1000
    assert "gradient" in (tmp_path / "new" / "folder" / "xor.svg").read_text()


@pytest.mark.parametrize("seed", range(1, 6))
def test_xor_learns_from_other_seeds(seed, tmp_path):
    assert minigrad("xor", "--out", tmp_path, "--seed", seed).returncode == 0


def test_xor_that_does_not_get_there_says_so_and_fails(tmp_path):
    done = minigrad("xor", "--out", tmp_path, "--steps", 2)
    assert done.returncode == 1
    assert "still above 0.001 after 2 steps" in " ".join(done.stdout.split())
    assert (tmp_path / "xor.svg").exists()


def test_cnn_learns_real_digits_to_98_percent_and_draws(tmp_path):
    done = minigrad("cnn", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    right = re.search(r"(\d+\.\d+)% of the held-out images are right", done.stdout)
    assert float(right[1]) >= 98.0
    picture = (tmp_path / "cnn.svg").read_text()
    assert picture.count("data:image/png;base64,") > 10
    assert 'href="http' not in picture.replace("http://www.w3.org", "")


def test_cnn_reads_a_folder_of_idx_files(tmp_path):
    import struct

    import numpy as np

    rng = np.random.default_rng(0)
    for split, count in (("train", 40), ("t10k", 10)):
        images = rng.integers(0, 256, (count, 9, 11), np.uint8)
        labels = rng.integers(0, 3, count).astype(np.uint8)
        for name, array in (
            (f"{split}-images-idx3-ubyte", images),
            (f"{split}-labels-idx1-ubyte", labels),
        ):
            header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (tmp_path / name).write_bytes(header + array.tobytes())
    done = minigrad("cnn", "--data", tmp_path, "--out", tmp_path, "--epochs", 1)
    assert done.returncode == 0, done.stderr
    assert "40 images of 9x11" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frob"], "No such command 'frob'"),
        (["xor", "--seed", "x"], "--seed"),
        (["xor", "--seed", "-1"], "x>=0"),
        (["xor", "--steps", "0"], "1<=x<="),
        (["xor", "extra"], "unexpected extra argument"),
        (["cnn", "--data", "/no/such/folder"], "/no/such/folder is not a folder"),
        (["cnn", "--rate", "0"], "--rate"),
        (["cnn", "--epochs", "many"], "--epochs"),
        (["cnn", "--colour"], "--colour"),
    ],
)
def test_wrong_arguments_get_one_clear_line_and_exit_code_2(arguments, words):
    done = minigrad(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_out_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    done = minigrad("xor", "--out", tmp_path / "taken")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_without_arguments_it_says_what_it_can_do():
    done = minigrad()
    assert done.returncode == 0
    assert "xor" in done.stdout
    assert "cnn" in done.stdout
    assert minigrad("--version").stdout.strip().endswith("0.1.0")
