"""Files that are damaged or made to do harm: `DataError`, little memory, and nothing changes."""

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DataError

ENDS = [".safetensors", ".npz"]


class Trap:
    """Leaves a mark when it is unpickled."""

    sprung = False

    def __setstate__(self, state):
        Trap.sprung = True


def training(seed):
    net = mg.nn.Sequential(mg.nn.Linear(3, 2, rng=seed), mg.nn.Dropout(rng=seed))
    return {"net": net, "optimizer": mg.optim.Adam(net.parameters()), "lists": [1.5, ("a", None)]}


INTO = training(1)


def everything():
    """All bits of what is loaded into."""
    net, optimizer = INTO["net"], INTO["optimizer"]
    arrays = [net[0].weight.data, net[0].bias.data, *optimizer.totals, *optimizer.squares]
    rest = optimizer.counts, optimizer.steps, optimizer.lr, optimizer.betas
    return [x.tobytes() for x in arrays], rest, str(net[1].rng.bit_generator.state)


BEFORE = everything()


def refused(path, most=2**20):
    """The message of a file that must not load, neither into something nor alone."""
    for thing in (INTO, None):
        tracemalloc.start()
        try:
            with pytest.raises(DataError) as caught:
                mg.load(path, thing)
            assert tracemalloc.get_traced_memory()[1] < most
        finally:
            tracemalloc.stop()
        assert str(path) in str(caught.value)
        assert everything() == BEFORE
    return str(caught.value)


@pytest.fixture(params=ENDS)
def path(request, tmp_path):
    return tmp_path / f"bad{request.param}"


@pytest.fixture
def good(path):
    """The bytes of a file that does load, into something other than what was saved."""
    mg.save(path, training(0))
    mg.load(path, training(2))
    return path.read_bytes()


def damage(rng, content):
    """The bytes with something wrong: a bit, some bytes, a piece left out, doubled or moved."""
    content = bytearray(content)
    i, j = sorted(rng.integers(0, len(content), 2))
    match rng.integers(6):
        case 0 | 1:
            content[i] ^= 1 << rng.integers(8)
        case 2:
            content[i : i + 4] = rng.bytes(4)
        case 3:
            del content[i:j]
        case 4:
            content[i:i] = content[i:j]
        case 5:
            content[i : i + 8] = struct.pack("<Q", [0, 2**31, 2**63, 2**64 - 1][rng.integers(4)])
    return bytes(content)


def same_content(path, good, content):
    """Whether two archives hold the same, whatever else differs: a date, an unused field."""
    if path.suffix != ".npz" or content == good:
        return content == good
    try:
        found = [zipfile.ZipFile(io.BytesIO(x)) for x in (good, content)]
        members = [{name: archive.read(name) for name in archive.namelist()} for archive in found]
    except Exception:
        return False
    return members[0] == members[1]


def try_damaged(path, good, content):
    """Damaged bytes are refused, or hold what they held before."""
    if same_content(path, good, content):
        return 0
    path.write_bytes(content)
    with suppress(DataError):  # else a name of ours is damaged: it passes for another program's
        assert all(isinstance(x, np.ndarray) for x in mg.load(path).values())
    with pytest.raises(DataError) as caught:
        mg.load(path, INTO)
    assert str(path) in str(caught.value)
    assert everything() == BEFORE
    return 1


def test_damage_is_told(path, good):
    rng = np.random.default_rng(0)
    tried = sum(try_damaged(path, good, damage(rng, good)) for _ in range(150))
    assert tried > 100


@pytest.mark.long
def test_damage_of_5000_kinds_is_told(path, good):
    rng = np.random.default_rng(1)
    assert sum(try_damaged(path, good, damage(rng, good)) for _ in range(5000)) > 4000


def test_a_file_that_is_cut_anywhere_is_refused(path, good):
    for length in range(0, len(good), 1 if len(good) < 200 else 23):
        path.write_bytes(good[:length])
        with pytest.raises(DataError):
            mg.load(path, INTO)
    assert everything() == BEFORE


@pytest.mark.long
def test_each_byte_cut_and_each_bit_turned_is_told(path, good):
    for i in range(len(good)):
        try_damaged(path, good, good[:i])
        for bit in range(8):
            turned = bytearray(good)
            turned[i] ^= 1 << bit
            try_damaged(path, good, bytes(turned))


# --- made to do harm: safetensors ------------------------------------------------------------


def safetensors(header, data=b"1234", length=None):
    text = header if isinstance(header, str) else json.dumps(header)
    raw = text.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def entry(dtype="F32", shape=(1,), start=0, end=4):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def texted(text):
    return safetensors({"__metadata__": {"minigrad": text}, "a": entry()})


A = json.dumps(entry())
HEADERS = {
    "nothing": (b"", "0 bytes"),
    "seven bytes": (b"1234567", "7 bytes"),
    "a huge header": (safetensors({"a": entry()}, length=2**40), "header alone has 1099511627776"),
    "the largest header": (safetensors({}, length=2**64 - 1), "header alone has 18446744073709551"),
    "a negative shape": (safetensors({"a": entry(shape=(-1,))}), "invalid"),
    "an absurd shape": (safetensors({"a": entry(shape=(2**62, 4))}), "overflow"),
    "zero times a lot": (safetensors({"a": entry(shape=(0, 2**64 - 1), end=0)}, b""), "dimension"),
    "a billion elements": (safetensors({"a": entry(shape=(10**9,))}), ""),
    "a billion bytes": (safetensors({"a": entry(shape=(10**9,), end=4 * 10**9)}), "calls for 400"),
    "70 axes": (safetensors({"a": entry(shape=(1,) * 70)}), "dimension"),
    "a shape of texts": (safetensors({"a": entry(shape="1")}), "invalid"),
    "a shape of floats": (safetensors({"a": entry(shape=(1.0,))}), "invalid"),
    "overlapping": (safetensors({"a": entry(), "b": entry()}), "offset"),
    "a gap": (safetensors({"a": entry(start=4, end=8)}, b"12345678"), "offset"),
    "backwards": (safetensors({"a": entry(start=4, end=0)}), "nothing sensible of 'a'"),
    "more data": (safetensors({"a": entry()}, b"12345"), "header calls for"),
    "twice": (safetensors(f'{{"a": {A}, "a": {A}}}'), "'a' is there twice"),
    "a key twice": (safetensors('{"a": {"dtype": "F32", "dtype": "F32"}}'), "there twice"),
    "another dtype": (safetensors({"a": entry("F31")}), "'a' is F31, unknown to NumPy"),
    "a dtype of numbers": (safetensors({"a": entry(4)}), "nothing sensible"),
    "nan": (safetensors('{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 4]}}'), ""),
    "a list": (safetensors("[]"), "no table"),
    "no JSON": (safetensors("{"), "JSON"),
    "deep": (safetensors("[" * 100_000), "Recursion"),
    "deep tables": (safetensors('{"a":' * 50_000), "Recursion"),
    "a long number": (safetensors('{"a": ' + "1" * 5000 + "}"), "digits"),
    "no UTF-8": (struct.pack("<Q", 4) + b'{"\xff"', "utf-8"),
    "half a character": (safetensors('{"\ud800": 1}'), "utf-8"),
    "a note of numbers": (safetensors({"__metadata__": {"a": 1}, "b": entry()}), "string"),
    "booleans": (safetensors({"a": entry("BOOL", end=1)}, b"\x07"), "neither True nor False"),
    "no checksum": (texted("{}"), "checksum"),
    "an empty text": (texted(""), "checksum"),
    "a web page": (b"<!DOCTYPE html><html><head></head>", "header alone"),
    "a pickle": (pickle.dumps(Trap()), "header"),
}


@pytest.mark.parametrize("kind", HEADERS)
def test_a_hostile_header_is_refused(tmp_path, kind):
    content, words = HEADERS[kind]
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    assert words in refused(path, max(2**20, 100 * len(content)))


def test_a_long_file_without_content_takes_no_memory(tmp_path):
    for end in ENDS:
        path = tmp_path / f"sparse{end}"
        with open(path, "wb") as file:
            file.write(safetensors({"a": entry()}))
            file.truncate(2**40)
        refused(path)


# --- made to do harm: npz -------------------------------------------------------------------------


def npz(*members, packed=zipfile.ZIP_STORED):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", packed) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, packed)
    return whole.getvalue()


def npy(array=None, header=None, data=b"", version=(1, 0)):
    if header is None:
        member = io.BytesIO()
        np.lib.format.write_array(member, np.asarray(array), allow_pickle=True)
        return member.getvalue()
    size = "<H" if version == (1, 0) else "<I"
    start = b"\x93NUMPY" + bytes(version) + struct.pack(size, len(header))
    return start + header.encode() + data


def head(descr="'<f8'", shape="(1,)", fortran="False"):
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"


GOOD = npy(np.ones(1))
ZEROS = npy(np.zeros(2**23))
ARCHIVES = {
    "nothing": (b"", "zip"),
    "no archive": (b"PK\x03\x04" + bytes(50), "zip"),
    "a bomb": (npz(("a.npy", ZEROS), packed=zipfile.ZIP_DEFLATED), "but holds 67108992"),
    "a bomb of many": (
        npz(*((f"{i}.npy", npy(np.zeros(2**15))) for i in range(50)), packed=zipfile.ZIP_DEFLATED),
        "is the most that it may",
    ),
    "up": (npz(("../../a.npy", GOOD)), "the name of another place, '../../a.npy'"),
    "root": (npz(("/etc/a.npy", GOOD)), "the name of another place"),
    "a drive": (npz(("C:\\a.npy", GOOD)), "the name of another place"),
    "up, the other way": (npz(("a\\..\\..\\a.npy", GOOD)), "the name of another place"),
    "a text": (npz(("a.txt", b"x")), "no array of NumPy's"),
    "a folder": (npz(("a.npy/", b"")), "no array of NumPy's"),
    "packed otherwise": (npz(("a.npy", GOOD), packed=zipfile.ZIP_LZMA), "packed in a way"),
    "objects": (npz(("a.npy", npy(np.array([Trap()], object)))), "holds object, not numbers"),
    "a pickle": (npz(("a.npy", pickle.dumps(Trap()))), "magic"),
    "a record": (npz(("a.npy", npy(np.zeros(1, "f8,i4")))), "not numbers"),
    "a record of objects": (npz(("a.npy", npy(np.zeros(1, "f8,O")))), "not numbers"),
    "texts": (npz(("a.npy", npy(np.array(["a"])))), "not numbers"),
    "dates": (npz(("a.npy", npy(np.array(["2020"], "M8[s]")))), "not numbers"),
    "complex": (npz(("a.npy", npy(np.ones(1, complex)))), "not numbers"),
    "arrays inside": (npz(("a.npy", npy(header=head("('<f8', (2,))"), data=bytes(16)))), ""),
    "a trillion": (npz(("a.npy", npy(header=head(shape="(10**12,)"), data=bytes(8)))), ""),
    "2^40": (npz(("a.npy", npy(header=head(shape="(1099511627776,)")))), "has 8796093022208"),
    "negative": (npz(("a.npy", npy(header=head(shape="(-1, -1)"), data=bytes(8)))), "shape (-1"),
    "zero times a lot": (npz(("a.npy", npy(header=head(shape=f"(0, {2**70})")))), ""),
    "70 axes": (npz(("a.npy", npy(header=head(shape=str((1,) * 70)), data=bytes(8)))), "dimension"),
    "too short": (npz(("a.npy", npy(header=head(shape="(2,)"), data=bytes(8)))), "(2,) has 16"),
    "too long": (npz(("a.npy", npy(header=head(), data=bytes(9)))), "has 9 bytes"),
    "code": (npz(("a.npy", npy(header=head("__import__('os').system('x')")))), ""),
    "deep": (npz(("a.npy", npy(header=head("(" * 4000 + ")" * 4000)))), ""),
    "minus": (npz(("a.npy", npy(header=head(shape="(" + "-" * 9000 + "1,)")))), ""),
    "a long header": (npz(("a.npy", npy(header=head() + " " * 60_000))), ""),
    "a longer header": (npz(("a.npy", npy(header=" " * 100_000, version=(2, 0)))), ""),
    "a version": (npz(("a.npy", npy(header=head(), data=bytes(8), version=(7, 1)))), ""),
    "no header": (npz(("a.npy", b"\x93NUMPY\x01\x00")), ""),
    "booleans": (npz(("a.npy", npy(header=head("'|b1'"), data=b"\x02"))), "neither True"),
    "no text": (npz(("__metadata__.json", b"\xff"), ("a.npy", GOOD)), "ascii"),
    "no checksum": (npz(("__metadata__.json", b"{}"), ("a.npy", GOOD)), "checksum"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_hostile_archive_is_refused(tmp_path, kind):
    content, words = ARCHIVES[kind]
    path = tmp_path / "hostile.npz"
    path.write_bytes(content)
    assert words in refused(path, 2**21)
    assert not Trap.sprung
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_and_overlapping_ones_are_refused(tmp_path):
    path = tmp_path / "hostile.npz"
    path.write_bytes(npz(("a.npy", GOOD), ("a.npy", GOOD)))
    assert "two members have one name" in refused(path)
    content = npz(("a.npy", GOOD), ("b.npy", npy(np.zeros(1))))
    directory = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", directory + 1)
    overlapping = bytearray(content)
    overlapping[second + 42 : second + 46] = bytes(4)  # where the second member begins
    path.write_bytes(overlapping)
    refused(path)


def test_an_encrypted_member_is_refused(tmp_path):
    content = bytearray(npz(("a.npy", GOOD)))
    for start, field in ((content.index(b"PK\x03\x04"), 6), (content.index(b"PK\x01\x02"), 8)):
        content[start + field] |= 1
    path = tmp_path / "secret.npz"
    path.write_bytes(content)
    assert "encrypted" in refused(path)


# --- trees, in either format ----------------------------------------------------------------------

TREES = [
    *({"array": "b"}, {"array": 1}, {"array": "a", "more": 1}, {}, {"x": 1}, {"float": "1"}),
    *({"tuple": 1}, {"dict": [[1]]}, {"dict": 1}, {"dict": [[[], 1]]}, {"float": [1]}, 3),
    *({"dict": [["k", 1], ["k", 2]]}, {"dict": [[{"dict": []}, 1]]}, {"array": ["a"]}),
    {"dict": [[{"array": "a"}, 1]]},
]


@pytest.mark.parametrize("tree", TREES, ids=json.dumps)
def test_a_table_of_contents_that_makes_no_sense_is_refused(path, tree):
    arrays = {"a": np.ones(1)}
    tree = [{"array": "a"}, tree] if tree != 3 else tree  # and that does not know of "a"
    form = mg.files.keeping.FORMATS[path.suffix]
    path.write_bytes(form.encode(arrays, mg.files.packing.text_of(tree, arrays)))
    refused(path)


# --- what is no file ----------------------------------------------------------------------------


def test_what_is_no_file_is_refused_and_not_waited_for(path):
    assert "does not exist" in refused(path)
    with pytest.raises(FileNotFoundError):
        mg.load(path)
    path.mkdir()
    assert "is a folder" in refused(path)
    path.rmdir()
    os.mkfifo(path)
    assert "no regular file" in refused(path)
    path.unlink()
    path.symlink_to(Path("/dev/zero"))
    assert "no regular file" in refused(path)
