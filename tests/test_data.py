import gzip
import math
import os
import pickle
import struct
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import MissingFileError, batches, digits, load_idx, read_idx, split
from minigrad.errors import DataError, ShapeError

COUNT_PER_LABEL = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")  # Debian's dataset-fashion-mnist
TYPES = {  # IDX code: struct's letter, NumPy's name, a value of the type
    0x08: ("B", "uint8", st.integers(0, 2**8 - 1)),
    0x09: ("b", "int8", st.integers(-(2**7), 2**7 - 1)),
    0x0B: ("h", "int16", st.integers(-(2**15), 2**15 - 1)),
    0x0C: ("i", "int32", st.integers(-(2**31), 2**31 - 1)),
    0x0D: ("f", "float32", st.floats(width=32, allow_nan=False)),
    0x0E: ("d", "float64", st.floats(allow_nan=False)),
}
SEEDS = st.integers(0, 2**32)


def idx(code, shape, values):
    """Write an IDX file's bytes by its specification, with no help from NumPy."""
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, code, len(shape), *shape)
    return header + struct.pack(f">{len(values)}{TYPES[code][0]}", *values)


@st.composite
def idx_files(draw):
    code = draw(st.sampled_from(sorted(TYPES)))
    shape = draw(st.lists(st.integers(0, 3), max_size=5).map(tuple))
    size = math.prod(shape)
    return code, shape, draw(st.lists(TYPES[code][2], min_size=size, max_size=size))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("idx") / "array"


@pytest.fixture
def folder(tmp_path):
    """Three training images of 2 by 2 and two to test on, under the usual names."""
    write(tmp_path, "train-images-idx3-ubyte", idx(8, (3, 2, 2), range(0, 240, 20)))
    write(tmp_path, "train-labels-idx1-ubyte", idx(8, (3,), [7, 0, 255]))
    write(tmp_path, "t10k-images-idx3-ubyte", idx(8, (2, 2, 2), [255] * 8))
    write(tmp_path, "t10k-labels-idx1-ubyte", idx(8, (2,), [1, 2]))
    return tmp_path


def write(folder, name, content):
    (folder / name).write_bytes(content)


# Digits


def test_digits_have_the_documented_shapes_types_and_range():
    images, labels = digits()
    assert (images.shape, images.dtype) == ((1797, 1, 8, 8), np.float32)
    assert (labels.shape, labels.dtype) == ((1797,), np.int64)
    assert (images.min(), images.max()) == (0, 1)
    assert np.bincount(labels).tolist() == COUNT_PER_LABEL


def test_digits_are_fresh_at_each_call():
    images, labels = digits()
    images[:], labels[:] = 0, 0
    assert digits()[0].max() == 1
    assert digits()[1].max() == 9


def test_digits_are_those_of_scikit_learn():
    source = pytest.importorskip("sklearn.datasets").load_digits()
    images, labels = digits()
    np.testing.assert_array_equal(images[:, 0] * 16, source.images)
    np.testing.assert_array_equal(labels, source.target)


def test_the_script_makes_the_packed_file_again(tmp_path):
    pytest.importorskip("sklearn")
    from minigrad.data import make_digits

    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    make_digits.write_digits(first)
    make_digits.write_digits(second)
    assert first.read_bytes() == second.read_bytes()
    shipped = Path(make_digits.__file__).with_name("digits.npz")
    with np.load(shipped) as old, np.load(first) as new:
        for name in ("images", "labels"):
            assert old[name].dtype == np.uint8
            np.testing.assert_array_equal(old[name], new[name], strict=True)


# IDX files


@given(idx_files(), st.booleans())
def test_read_idx_returns_what_was_written(path, file, gzipped):
    code, shape, values = file
    content = idx(code, shape, values)
    path.write_bytes(gzip.compress(content) if gzipped else content)
    array = read_idx(path)
    assert (array.shape, array.dtype.name) == (shape, TYPES[code][1])
    assert array.ravel().tolist() == values
    assert array.dtype.isnative
    assert array.flags.owndata
    assert array.flags.writeable
    assert array.flags.c_contiguous


def test_read_idx_tells_gzip_by_content_and_takes_a_string(tmp_path):
    write(tmp_path, "plain.gz", idx(8, (2,), [1, 2]))
    write(tmp_path, "packed", gzip.compress(idx(8, (2,), [3, 4])))
    assert read_idx(str(tmp_path / "plain.gz")).tolist() == [1, 2]
    assert read_idx(str(tmp_path / "packed")).tolist() == [3, 4]


GOOD = idx(0x0B, (2, 3), range(6))  # 4 + 8 + 12 = 24 bytes
PACKED = gzip.compress(GOOD, mtime=0)
MALFORMED = {
    "empty": (b"", "0 bytes"),
    "short magic": (GOOD[:3], "3 bytes"),
    "short header": (GOOD[:11], "11 bytes.*2 axes.* 12"),
    "truncated": (GOOD[:-5], r"19 bytes.*int16 of shape \(2, 3\).*24: 5 missing"),
    "no elements": (GOOD[:12], "12 bytes.*24: 12 missing"),
    "over-long": (GOOD + bytes(7), "31 bytes.*24: 7 too many"),
    "first byte": (b"\x01" + GOOD[1:], "01 00 0b 02"),
    "second byte": (b"\x00\x01" + GOOD[2:], "00 01 0b 02"),
    "unknown type": (b"\x00\x00\x0a\x02" + GOOD[4:], "00 00 0a 02"),
    "a web page": (b"<!DOCTYPE html>", "3c 21 44 4f"),
    "huge": (struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3) + b"1", "17 bytes.*missing"),
    "65 axes": (idx(8, (1,) * 65, [1]), "cannot hold"),
    "empty and huge": (idx(8, (0, *[2**32 - 1] * 3), []), "cannot hold"),
    "gzip cut short": (PACKED[:-9], f"{len(PACKED) - 9} bytes of gzip"),
    "gzip magic alone": (PACKED[:2], "2 bytes of gzip"),
    "gzip checksum": (PACKED[:-8] + bytes(8), "corrupt: CRC"),
    "gzip stream": (PACKED[:10] + b"\xff" * 9, "corrupt"),
    "gzip, then else": (PACKED + b"else", "corrupt"),
    "gzip of truncated": (gzip.compress(GOOD[:-5]), "19 bytes.*5 missing"),
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_file_is_named_with_the_numbers(path, content, message):
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(path, data):
    content = bytearray(data.draw(st.sampled_from([GOOD, PACKED])))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(DataError):
        assert isinstance(read_idx(path), np.ndarray)


ZEROS = idx(8, (2**26,), []) + bytes(2**26)
BOMBS = {
    "2^40 elements": (idx(8, (2**10, 2**15, 2**15), [1]), "17 bytes.*calls for 1099511627792"),
    "2^40 packed": (gzip.compress(idx(8, (2**20, 2**20), [1])), "may hold 1048576 at most"),
    "zeros, honest": (gzip.compress(ZEROS), "calls for 67108872 bytes, but a gzip file.*gunzip"),
    "zeros after the end": (gzip.compress(GOOD + ZEROS), "at least 25 bytes.*24: 1 too many"),
    "zeros twice packed": (gzip.compress(gzip.compress(ZEROS)), "begins with 1f 8b"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_sizes_are_checked_before_memory_is_taken(path, kind):
    content, message = BOMBS[kind]
    path.write_bytes(content)
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(DataError, match=message):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 0.5


def test_what_is_packed_a_hundred_times_is_read(path):
    content = idx(8, (2**20 - 12,), []) + bytes(2**20 - 12)
    path.write_bytes(gzip.compress(content))
    assert path.stat().st_size < len(content) / 500
    assert not read_idx(path).any()


def test_a_pipe_and_a_device_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(DataError, match="no regular file"):
            read_idx(path)


def test_a_missing_file_is_a_data_error_and_a_file_not_found(tmp_path):
    with pytest.raises(MissingFileError, match="nowhere") as caught:
        read_idx(tmp_path / "nowhere")
    assert isinstance(caught.value, DataError)
    assert isinstance(caught.value, FileNotFoundError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_read_idx_of_a_folder_points_to_load_idx(tmp_path):
    with pytest.raises(DataError, match=r"is a folder.*load_idx"):
        read_idx(tmp_path)


def test_load_idx_scales_images_and_adds_the_channel(folder):
    images, labels = load_idx(folder)
    assert (images.shape, images.dtype) == ((3, 1, 2, 2), np.float32)
    assert (labels.dtype, labels.tolist()) == (np.int64, [7, 0, 255])
    np.testing.assert_array_equal(images.ravel(), np.float32(range(0, 240, 20)) / np.float32(255))
    assert images.flags.writeable


def test_load_idx_finds_the_test_half(folder):
    images, labels = load_idx(str(folder), split="test")
    assert images.shape == (2, 1, 2, 2)
    assert (images == 1).all()
    assert labels.tolist() == [1, 2]


@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("end", ["", ".gz"])
def test_load_idx_finds_every_usual_name(tmp_path, mark, end):
    pack = gzip.compress if end else bytes
    write(tmp_path, f"train-images{mark}idx3-ubyte{end}", pack(idx(8, (1, 1, 1), [51])))
    write(tmp_path, f"train-labels{mark}idx1-ubyte{end}", pack(idx(8, (1,), [3])))
    images, labels = load_idx(tmp_path)
    assert images.item() == np.float32(0.2)
    assert labels.tolist() == [3]


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_load_idx_names_what_it_misses(folder, name):
    (folder / name).unlink()
    with pytest.raises(MissingFileError, match=name) as caught:
        load_idx(folder)
    assert str(folder) in str(caught.value)


def test_load_idx_needs_a_folder(folder):
    for path in (folder / "nowhere", folder / "train-images-idx3-ubyte"):
        with pytest.raises(MissingFileError, match=f"{path.name} is not a folder"):
            load_idx(path)


def test_load_idx_counts_images_and_labels(folder):
    write(folder, "train-labels-idx1-ubyte", idx(8, (2,), [7, 0]))
    with pytest.raises(DataError, match=r"images-idx3.* 3 images.*labels-idx1.* 2 labels"):
        load_idx(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", idx(8, (3,), [1, 2, 3]), r"uint8 of shape \(3,\).*ndim 3"),
        ("train-labels-idx1-ubyte", idx(8, (3, 1), [1, 2, 3]), r"shape \(3, 1\).*ndim 1"),
        ("train-labels-idx1-ubyte", idx(0x0C, (3,), [1, 2, 3]), "int32 of shape"),
        ("train-images-idx3-ubyte", idx(0x0D, (3, 1, 1), [1, 2, 3]), "float32 of shape"),
    ],
)
def test_load_idx_wants_bytes_in_the_promised_axes(folder, name, content, message):
    write(folder, name, content)
    with pytest.raises(DataError, match=message) as caught:
        load_idx(folder)
    assert str(folder / name) in str(caught.value)


def test_load_idx_knows_two_splits(folder):
    with pytest.raises(DataError, match=r"'validation'.*train.*test"):
        load_idx(folder, split="validation")


@pytest.mark.skipif(not FASHION_MNIST.is_dir(), reason="dataset-fashion-mnist is not installed")
@pytest.mark.parametrize(("half", "per_class"), [("train", 6000), ("test", 1000)])
def test_the_real_fashion_mnist(half, per_class):
    images, labels = load_idx(FASHION_MNIST, split=half)
    assert (images.shape, images.dtype) == ((10 * per_class, 1, 28, 28), np.float32)
    assert (images.min(), images.max()) == (0, 1)
    assert np.bincount(labels).tolist() == [per_class] * 10


# Batches


@given(st.integers(1, 40), st.integers(1, 50), st.none() | SEEDS, st.booleans())
def test_batches_hold_every_row_once_and_rows_stay_together(count, size, seed, drop_last):
    size = min(size, count) if drop_last else size
    x, y = np.arange(2 * count).reshape(count, 2), np.arange(count) * 2
    passes = batches(x, y, size=size, shuffle=seed, drop_last=drop_last)
    pairs = list(passes)
    lengths = [len(rows) for rows, _ in pairs]
    assert len(passes) == len(pairs)
    assert lengths[:-1] == [size] * (len(pairs) - 1)
    seen = [label for _, labels in pairs for label in labels]
    if drop_last:
        assert lengths[-1] == size
        assert 0 <= count - len(seen) < size
        assert len(set(seen)) == len(seen)
    else:
        assert sorted(seen) == y.tolist()
    if seed is None:
        assert seen == y[: len(seen)].tolist()
    for rows, labels in pairs:
        np.testing.assert_array_equal(rows, labels[:, np.newaxis] + [0, 1])


@given(SEEDS)
def test_each_pass_is_a_new_shuffling_that_the_seed_repeats(seed):
    x = np.arange(50)
    passes, again = (batches(x, size=7, shuffle=seed) for _ in range(2))
    orders = [np.concatenate(list(passes)).tolist() for _ in range(3)]
    assert orders == [np.concatenate(list(again)).tolist() for _ in range(3)]
    assert len({tuple(order) for order in [*orders, x.tolist()]}) == 4


def test_a_generator_is_drawn_from_as_it_is():
    x = np.arange(50)
    generator = np.random.default_rng(3)
    first, second = batches(x, shuffle=generator), batches(x, shuffle=generator)
    seeded = batches(x, shuffle=3)
    for shared in (first, second, first):
        np.testing.assert_array_equal(
            np.concatenate(list(shared)), np.concatenate(list(seeded)), strict=True
        )


def test_passes_at_once_do_not_disturb_each_other():
    passes = batches(np.arange(20), size=3, shuffle=0)
    both = list(zip(passes, passes, strict=True))
    for order in zip(*both, strict=True):
        assert sorted(np.concatenate(order).tolist()) == list(range(20))


def test_a_pass_is_drawn_when_it_starts():
    x = np.arange(50)
    passes = batches(x, size=50, shuffle=0)
    first, second = iter(passes), iter(passes)
    late, early = next(second), next(first)
    again = batches(x, size=50, shuffle=0)
    np.testing.assert_array_equal([early, late], [*again, *again])


def test_one_array_is_yielded_bare_and_more_in_a_tuple():
    assert [batch.tolist() for batch in batches([1, 2, 3], size=2)] == [[1, 2], [3]]
    (batch,) = batches(*np.ones((3, 4), np.float32))
    assert isinstance(batch, tuple)
    assert [array.dtype for array in batch] == [np.float32] * 3


@pytest.mark.parametrize("shuffle", [None, 0])
def test_writing_into_a_batch_leaves_the_data_alone(shuffle):
    x = np.ones(4)
    for batch in batches(x, shuffle=shuffle):
        batch[:] = 0
    assert x.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("cut", [batches, split])
def test_arrays_to_cut_need_one_length_which_is_not_zero(cut):
    with pytest.raises(ShapeError, match=r"unequal lengths \[3, 4\]"):
        cut(np.ones(3), np.ones((4, 2)))
    with pytest.raises(ShapeError, match=r"No rows .*2 arrays.*\(0,\), \(0, 5\)"):
        cut(np.ones(0), np.ones((0, 5)))
    with pytest.raises(ShapeError, match="0 arrays"):
        cut()
    with pytest.raises(ShapeError, match=r"\(2,\), \(\).*first axis"):
        cut(np.ones(2), 3)


def test_a_batch_has_32_rows_unless_told():
    assert [len(batch) for batch in batches(np.ones(65))] == [32, 32, 1]


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_needs_a_row(size):
    with pytest.raises(ShapeError, match=f"size={size}"):
        batches(np.ones(3), size=size)


def test_a_size_is_a_whole_number():
    with pytest.raises(TypeError):
        batches(np.ones(3), size=2.0)


def test_dropping_the_only_batch_is_refused():
    with pytest.raises(ShapeError, match="no batch of 4 rows from 3"):
        batches(np.ones(3), size=4, drop_last=True)


@pytest.mark.parametrize("truth", [True, False])
def test_a_truth_value_is_no_seed(truth):
    with pytest.raises(DataError, match=f"{truth} is not a seed"):
        batches(np.ones(3), shuffle=truth)
    with pytest.raises(DataError, match=f"{truth} is not a seed"):
        split(np.ones(3), seed=truth)


# Split


@given(st.integers(2, 60), st.floats(0.01, 0.99), SEEDS)
def test_split_is_disjoint_complete_and_keeps_rows_together(count, held_out, seed):
    x, y = np.arange(count) * 2, np.arange(count)
    if round(count * held_out) in (0, count):
        with pytest.raises(ShapeError, match=f"held_out={held_out} cuts {count} rows"):
            split(x, y, held_out=held_out, seed=seed)
        return
    train, test = split(x, y, held_out=held_out, seed=seed)
    assert len(test[0]) == round(count * held_out)
    assert sorted([*train[1], *test[1]]) == y.tolist()
    for rows, labels in (train, test):
        np.testing.assert_array_equal(rows, 2 * labels)


def test_split_shuffles_by_its_seed():
    x = np.arange(100)
    (train,), (test,) = split(x)
    assert (len(train), len(test)) == (80, 20)
    assert np.concatenate([train, test]).tolist() != x.tolist()
    np.testing.assert_array_equal(split(x, seed=0)[1][0], test)
    np.testing.assert_array_equal(split(x, seed=np.random.default_rng(0))[1][0], test)
    assert split(x, seed=1)[1][0].tolist() != test.tolist()


@pytest.mark.parametrize("held_out", [0, 1, -0.5, 20, math.nan])
def test_held_out_is_a_fraction(held_out):
    with pytest.raises(DataError, match=f"held_out={held_out}"):
        split(np.ones(10), held_out=held_out)
