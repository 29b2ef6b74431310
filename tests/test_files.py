"""What `mg.save` keeps, `mg.load` gives back: structures, names, dtypes, files of others."""

import collections
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import DataError, GraphError

ENDS = [".safetensors", ".npz"]
RNG = np.random.default_rng(5)


@pytest.fixture(params=ENDS)
def path(request, tmp_path):
    return tmp_path / f"kept{request.param}"


def parameter(*shape, dtype=float):
    return mg.Tensor(RNG.normal(size=shape), requires_grad=True, dtype=dtype)


KEYS = [
    *(0, "0", "", "a.b", "a/b", "../up", "é", "\n", "\ud800", "[0]", "%", "%2E", (0, "x")),
    *("__metadata__", "a", 1.5, None, True, "True", "tensor", "C:\\x", "\N{RIGHT-TO-LEFT MARK}"),
]


class Odd(mg.nn.Module):
    """Keys of all kinds, and a tensor and a layer that are there twice."""

    def __init__(self):
        self.by_key = {key: parameter(2) for key in KEYS}
        self.by_key["nested"] = {"": {"": parameter(2)}, "a": {"b": parameter(2)}}
        self.tied = [self.by_key["a"], mg.Tensor(np.zeros(2))]
        self.layer = mg.nn.Linear(2, 3)
        self.again = self.layer
        self.up = self
        self.drop = mg.nn.Dropout()


def values(module):
    return [t.data.tobytes() for _, t in module.named_tensors()]


def test_every_tensor_has_a_name_of_its_own(path):
    odd, other = Odd(), Odd()
    names = [name for name, _ in odd.named_tensors()]
    assert len(set(names)) == len(names) == len(KEYS) + 5
    assert len({id(t) for _, t in odd.named_tensors()}) == len(names)
    assert "by_key.[0]" in names
    assert "by_key.0" in names
    assert "by_key.a%2Eb" in names
    mg.save(path, odd)
    assert values(odd) != values(other)
    assert mg.load(path, other) is other
    assert values(odd) == values(other)
    assert other.tied[0] is other.by_key["a"]
    assert odd.drop.rng.random() == other.drop.rng.random()


def test_names_at_the_root_are_apart_as_well(path):
    x = [np.full(2, float(i)) for i in range(4)]
    mg.save(path, {"": {"a": x[0]}, "a": x[1], "__metadata__": x[2], "__metadata__.json": x[3]})
    found = mg.load(path)
    np.testing.assert_array_equal(found[""]["a"], x[0])
    for key, wanted in zip(list(found)[1:], x[1:], strict=True):
        np.testing.assert_array_equal(found[key], wanted)


keys = st.text(max_size=4) | st.integers() | st.booleans() | st.none() | st.tuples(st.text())
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
trees = st.recursive(
    plain | st.just(np.arange(3)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
)


def alike(x, y):
    if isinstance(x, np.ndarray):
        return isinstance(y, np.ndarray) and x.tobytes() == y.tobytes() and x.dtype == y.dtype
    if type(x) is not type(y):
        return False
    if isinstance(x, list | tuple):
        return len(x) == len(y) and all(map(alike, x, y))
    if isinstance(x, dict):
        return list(x) == list(y) and all(map(alike, x.values(), y.values()))
    return x == y or (x != x and y != y)


@pytest.mark.parametrize("end", ENDS)
@given(tree=trees)
def test_plain_structures_come_back_as_they_were(tmp_path_factory, end, tree):
    path = tmp_path_factory.getbasetemp() / f"tree{end}"
    mg.save(path, tree)
    assert alike(mg.load(path), tree)
    assert alike(mg.load(path, {"instead": 1}), tree)
    before = path.read_bytes()
    mg.save(path, tree)
    assert path.read_bytes() == before


def test_the_numbers_of_the_file_come_back_and_the_rest_is_filled(path):
    net, w, stream = mg.nn.Linear(2, 1, rng=0), parameter(3), np.random.default_rng(0)
    batches = mg.data.batches(np.arange(9), shuffle=3)
    history = {"loss": [0.5, math.inf, math.nan], "best": np.float32(0.25), "name": "first"}
    Pair = collections.namedtuple("Pair", "first second")
    state = {"net": net, "pair": Pair(w, 1), 3: [stream, batches], "history": history}
    next(iter(batches))
    stream.random(5)
    mg.save(path, state)
    wanted = stream.random(), next(iter(batches)).tolist()
    other, v, stream = mg.nn.Linear(2, 1, rng=1), parameter(3), np.random.default_rng(1)
    batches = mg.data.batches(np.arange(9), shuffle=4)
    found = mg.load(
        path, {"net": other, "pair": Pair(v, None), 3: [stream, batches], "history": None}
    )
    assert found["net"] is other
    assert found["pair"] == (v, 1)
    assert type(found["pair"]) is Pair
    assert found["history"]["loss"][:2] == [0.5, math.inf]
    assert found["history"]["best"] == 0.25
    assert values(other) == values(net)
    assert v.data.tobytes() == w.data.tobytes()
    assert (stream.random(), next(iter(batches)).tolist()) == wanted
    shown = mg.load(path, {"net": None, "pair": None, 3: None, "history": None})
    assert list(shown["net"]) == ["weight", "bias"]
    np.testing.assert_array_equal(shown["pair"][0], w.data)
    assert shown[3][0]["bit_generator"] == "PCG64"


DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", ">f8", ">i4"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3, 4)])
def test_every_dtype_shape_and_layout_comes_back(path, shape, dtype):
    array = np.asarray(10 * RNG.normal(size=shape)).astype(dtype)
    laid = [array, array.T, array[::-1] if shape else array, np.broadcast_to(array, (2, *shape))]
    mg.save(path, laid)
    found = mg.load(path)
    for x, y in zip(laid, found, strict=True):
        np.testing.assert_array_equal(x, y)
        assert (x.shape, x.dtype.newbyteorder("=")) == (y.shape, y.dtype)
        assert y.dtype.isnative
        assert y.flags.writeable
    filled = [np.ones_like(x) for x in laid]
    mg.load(path, filled)
    for x, y in zip(laid, filled, strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox])
@pytest.mark.parametrize("more", [np.random.PCG64DXSM, np.random.SFC64])
def test_a_generator_of_any_kind_goes_on(path, kind, more):
    streams = [np.random.Generator(source(0)) for source in (kind, more)]
    for stream in streams:
        stream.integers(0, 9, size=3, dtype=np.uint32)  # half a number is left over
    mg.save(path, streams)
    wanted = [stream.random(3).tolist() for stream in streams]
    fresh = [np.random.Generator(source(1)) for source in (kind, more)]
    mg.load(path, fresh)
    assert [stream.random(3).tolist() for stream in fresh] == wanted
    with pytest.raises(DataError, match="here"):
        mg.load(path, fresh[::-1])


@pytest.mark.parametrize("place", [-1, 10**6])
@pytest.mark.parametrize("kind", [np.random.MT19937, np.random.Philox])
def test_a_generator_is_not_sent_out_of_its_memory(path, kind, place):
    stream = np.random.Generator(kind(0))
    state = mg.files.packing.contents(stream)
    inner, key = (state["state"], "pos") if kind is np.random.MT19937 else (state, "buffer_pos")
    inner[key] = place
    mg.save(path, [state])
    before = str(stream.bit_generator.state)
    with pytest.raises(DataError, match="a generator"):
        mg.load(path, [stream])
    assert str(stream.bit_generator.state) == before


# --- what cannot be kept, what does not fit -----------------------------------------------------

loop = []
loop.append(loop)
UNKEPT = {
    "an object": ({"x": [object()]}, TypeError, "x.0 is of type object"),
    "a function": (np.sin, TypeError, "of type ufunc"),
    "a set": ({1, 2}, TypeError, "type set"),
    "objects": (np.array([None]), TypeError, "of object"),
    "texts": ({"x": np.array(["a"])}, TypeError, "x is an ndarray of <U1"),
    "complex": (np.array([1j]), TypeError, "complex128"),
    "a masked array": (np.ma.masked_array([1.0], [1]), TypeError, "MaskedArray"),
    "a key": ({object(): 1}, TypeError, "key of type object"),
    "two of one name": (
        {math.nan: np.ones(1), float("nan"): np.ones(1)},
        ValueError,
        r"two arrays would have the name \[nan\]",
    ),
    "itself": (loop, ValueError, "deeper than 100 levels"),
}


@pytest.mark.parametrize("what", UNKEPT)
def test_what_cannot_be_kept_is_refused_and_the_old_file_stays(path, what):
    mg.save(path, 1)
    thing, error, words = UNKEPT[what]
    with pytest.raises(error, match=words):
        mg.save(path, thing)
    assert mg.load(path) == 1
    assert list(path.parent.iterdir()) == [path]


def test_long_doubles_fit_into_npz_alone(tmp_path):
    x = np.array([np.pi], np.longdouble)
    mg.save(tmp_path / "x.npz", x)
    assert mg.load(tmp_path / "x.npz").dtype == np.longdouble
    with pytest.raises(TypeError, match=r"float128.*\.npz"):
        mg.save(tmp_path / "x.safetensors", x)


@pytest.mark.parametrize("name", ["x", "x.pt", "x.safetensors.gz", "npz"])
def test_the_end_of_the_name_says_the_format(tmp_path, name):
    with pytest.raises(DataError, match=r"\.safetensors and \.npz are known"):
        mg.save(tmp_path / name, 1)
    with pytest.raises(DataError, match=r"\.safetensors and \.npz are known"):
        mg.load(tmp_path / name)
    mg.save(tmp_path / "X.NPZ", 1)
    assert mg.load(str(tmp_path / "X.NPZ")) == 1


def network(inputs=3, dtype=float):
    return mg.nn.Sequential(
        mg.nn.Linear(inputs, 4, rng=0, dtype=dtype), mg.nn.Dropout(rng=0), mg.nn.Linear(4, 1, rng=0)
    )


def training(inputs=3, dtype=float, make=mg.optim.Adam, **settings):
    net = network(inputs, dtype)
    return {"net": net, "optimizer": make(net.parameters(), 0.1, **settings), "epoch": 0}


def with_momentum(p, lr):
    return mg.optim.SGD(p, lr, momentum=0.9)


def changed(state, **changes):
    return {**state, **changes}


MISFITS = {  # what is loaded, into what, and a line of the table
    "another shape": (training(), training(2), r"net\.layers\.0\.weight +\(3, 4\) f.* \(2, 4\) f"),
    "its moments too": (training(), training(2), r"optimizer\.totals\.0 +\(3, 4\) float64"),
    "another optimizer": (training(), training(make=with_momentum), r"optimizer\.betas .* missing"),
    "velocity wanted": (
        training(make=mg.optim.SGD),
        training(make=with_momentum),
        r"optimizer\.velocity +None +a list of 4",
    ),
    "velocity unwanted": (
        training(make=with_momentum),
        training(make=mg.optim.SGD),
        r"optimizer\.velocity +a list of 4 +None",
    ),
    "no dropout": (
        {"net": network()},
        {"net": mg.nn.Sequential(network()[0], mg.relu, network()[2])},
        r"net\.layers\.1\.rng +PCG64 +missing",
    ),
    "missing": (changed(training(), net=1), training(), r"net +1 +a Sequential"),
    "a key too few": ({"net": network()}, training(), r"epoch +missing +0"),
    "a key too many": (training(), {"net": network()}, r"optimizer +\d+ names +missing"),
    "unshuffled": (
        {"batches": mg.data.batches(np.ones(3), shuffle=0)},
        {"batches": mg.data.batches(np.ones(3))},
        r"batches\.shuffle +PCG64 +missing",
    ),
    "shuffled": (
        [mg.data.batches(np.ones(3))],
        [mg.data.batches(np.ones(3), shuffle=0)],
        r"0\.shuffle +missing +a generator PCG64",
    ),
    "a list too long": ([network()] * 2, [network()], r"a list of 2 +a list of 1"),
    "a number": (3, network(), r"3 +a Sequential"),
    "too large": (
        [mg.Tensor([1.0, 1e300])],
        [parameter(2, dtype="f4")],
        r"float64: 1e\+300 at position 1 does not fit into float32",
    ),
    "infinity into integers": ([np.array([np.inf])], [np.zeros(1, int)], r"\(1,\) float64 +\(1,\)"),
    "floats into integers": ([np.ones(2)], [np.zeros(2, int)], r"\(2,\) float64 +\(2,\) int64"),
    "integers into booleans": ([np.ones(2, int)], [np.zeros(2, bool)], r"\(2,\) int64 +\(2,\) bo"),
    "too large an integer": ([np.array([300])], [np.zeros(1, "i1")], "300 at position 0"),
    "a generator of another kind": (
        [np.random.Generator(np.random.MT19937(0))],
        [np.random.default_rng(0)],
        "MT19937.*a generator PCG64",
    ),
    "no generator": ([None], [np.random.default_rng(0)], "None.*a generator PCG64"),
    "a number for a tensor": ({"w": 1.0}, {"w": parameter(1)}, r"w +1\.0 +\(1,\) float64"),
}


def everything(thing):
    """All that a structure holds, as text that shows every bit."""
    if isinstance(thing, dict):
        return {key: everything(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [everything(value) for value in thing]
    if isinstance(thing, mg.nn.Module):
        return [(t.data.tobytes(), t._written) for _, t in thing.named_tensors()], [
            str(layer.rng.bit_generator.state)
            for layer in getattr(thing, "layers", ())
            if hasattr(layer, "rng")
        ]
    if isinstance(thing, mg.optim.Optimizer):
        return {name: everything(getattr(thing, name)) for name in thing.keeps}
    if isinstance(thing, np.random.Generator):
        return str(thing.bit_generator.state)
    if isinstance(thing, mg.Tensor):
        return thing.data.tobytes(), thing._written
    return thing.tobytes() if isinstance(thing, np.ndarray) else thing


@pytest.mark.parametrize("what", MISFITS)
def test_what_does_not_fit_is_told_in_a_table_and_changes_nothing(path, what):
    stored, into, line = MISFITS[what]
    mg.save(path, stored)
    before = everything(into)
    with pytest.raises(DataError, match=line) as caught:
        mg.load(path, into)
    assert str(caught.value).startswith(f"{path} does not fit")
    assert everything(into) == before


def test_a_table_is_not_longer_than_a_screen(path):
    mg.save(path, {f"\x1b[31m{i}": np.ones(2) for i in range(50)})
    with pytest.raises(DataError) as caught:
        mg.load(path, {"x": np.ones(2)})
    lines = str(caught.value).splitlines()
    assert len(lines) == 23
    assert lines[-1] == "  ... and 31 more"
    assert "\x1b" not in str(caught.value)
    assert "%1B%5B31m0" in lines[2]


@pytest.mark.parametrize("kind", ["result", "view", "detached"])
def test_only_leaves_are_filled(path, kind):
    w, first = parameter(2), parameter(2)
    into = {"result": w * 1, "view": w[:], "detached": w.detach()}[kind]
    mg.save(path, [first, parameter(2)])
    before = everything([w, first])
    with pytest.raises(GraphError, match=r"only a leaf.*1 is a result"):
        mg.load(path, [first, into])
    assert everything([w, first]) == before


def test_arrays_that_are_read_only_are_not_written(path):
    mg.save(path, [np.ones(2)])
    into = np.zeros(2)
    into.flags.writeable = False
    with pytest.raises(DataError, match="read-only"):
        mg.load(path, [into])
    assert not into.any()


def test_settings_that_make_no_sense_are_tried_on_a_copy(path):
    for name, value in {"lr": -1.0, "steps": -1, "betas": (0.5, 1.5), "eps": 10**400}.items():
        state = training()
        state["optimizer"] = {**mg.files.packing.contents(state["optimizer"]), name: value}
        mg.save(path, state)
        into = training()
        before = everything(into)
        with pytest.raises(DataError, match="optimizer"):
            mg.load(path, into)
        assert everything(into) == before


def test_a_backward_pass_that_needs_old_values_says_where_they_went(path):
    w = mg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    loss = np.sum(w * w)
    mg.save(path, [w])
    mg.load(path, [w])
    with pytest.raises(mg.errors.OverwrittenError, match=r"'w'.*test_files.py:\d+"):
        loss.backward()


def test_a_tensor_alone_and_a_result_are_kept_by_value(path):
    w = parameter(2, 3)
    mg.save(path, w * 2)
    v = parameter(2, 3)
    assert mg.load(path, v) is v
    np.testing.assert_array_equal(v.data, 2 * w.data)


def test_float32_and_float64_fill_each_other(path):
    mg.save(path, network(dtype="f4"))
    into = network()
    mg.load(path, into)
    mg.save(path, into)
    again = network(dtype="f4")
    mg.load(path, again)
    assert again[0].weight.dtype == np.float32
    np.testing.assert_array_equal(again[0].weight.data, network(dtype="f4")[0].weight.data)


# --- files of others ------------------------------------------------------------------------------


def foreign(path, arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        pytest.importorskip("safetensors.numpy").save_file(arrays, path)


def test_a_file_of_another_program_loads_by_name(path):
    net = network()
    arrays = {name: RNG.normal(size=t.shape).astype("f4") for name, t in net.named_tensors()}
    foreign(path, arrays)
    assert mg.load(path).keys() == arrays.keys()
    before = str(net[1].rng.bit_generator.state)
    assert mg.load(path, net) is net
    for name, t in net.named_tensors():
        np.testing.assert_array_equal(t.data, arrays[name])
    assert str(net[1].rng.bit_generator.state) == before
    weights = {"layers": {"0": mg.nn.Linear(3, 4), "2": {"weight": parameter(4, 1), "bias": None}}}
    found = mg.load(path, weights)
    np.testing.assert_array_equal(weights["layers"]["0"].weight.data, arrays["layers.0.weight"])
    np.testing.assert_array_equal(found["layers"]["2"]["bias"], arrays["layers.2.bias"])


def test_the_order_in_memory_of_another_program_is_kept(tmp_path):
    array = np.asfortranarray(RNG.normal(size=(2, 3)))
    np.savez_compressed(tmp_path / "a.npz", array, x=array.T)
    found = mg.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(found["arr_0"], array)
    np.testing.assert_array_equal(found["x"], array.T)
    assert found["arr_0"].strides == array.strides


def test_what_another_program_calls_differently_is_told_in_a_table(path):
    net = network()
    names = [name for name, _ in net.named_tensors()]
    arrays = {name: np.zeros(t.shape) for name, t in net.named_tensors()}
    arrays["fc.weight"] = arrays.pop(names[0])
    arrays[names[2]] = arrays[names[2]].T.copy()
    foreign(path, arrays)
    before = everything(net)
    with pytest.raises(DataError) as caught:
        mg.load(path, net)
    assert str(caught.value).splitlines()[1:] == [
        "  name             in the file     here",
        "  layers.2.weight  (1, 4) float64  (4, 1) float64",
        "  fc.weight        (3, 4) float64  missing",
        "  layers.0.weight  missing         (3, 4) float64",
    ]
    assert everything(net) == before
    with pytest.raises(DataError, match="missing"):
        mg.load(path, {"elsewhere": net})
    with pytest.raises(DataError, match="4 names"):
        mg.load(path, parameter(3))


class Twice(mg.nn.Module):
    def __init__(self):
        self.encoder = mg.nn.Linear(2, 2, rng=0)
        self.decoder = self.encoder
        self.head = [self.encoder.weight]


def test_what_is_there_twice_is_stored_once(tmp_path):
    mg.save(tmp_path / "a.npz", {"module": Twice(), "again": (x := np.ones(2)), "x": [x]})
    with np.load(tmp_path / "a.npz") as stored:
        names = [name for name in stored.files if "metadata" not in name]
    assert names == ["module.encoder.weight", "module.encoder.bias", "again"]
    found = mg.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(found["module"]["head.0"], found["module"]["encoder.weight"])
    np.testing.assert_array_equal(found["x"][0], np.ones(2))


@pytest.mark.parametrize("kept", [["encoder"], ["decoder"], ["encoder", "decoder"]])
def test_a_part_that_is_there_twice_is_known_by_either_name(path, kept):
    weight, bias = RNG.normal(size=(2, 2)), RNG.normal(size=2)
    arrays = {f"{k}.weight": weight for k in kept} | {f"{k}.bias": bias for k in kept}
    foreign(path, arrays)
    module = Twice()
    mg.load(path, module)
    np.testing.assert_array_equal(module.encoder.weight.data, weight)
    foreign(path, {**arrays, "head.0": weight + 1})
    before = everything(module)
    with pytest.raises(DataError, match=r"head\.0 +other values than encoder\.weight"):
        mg.load(path, module)
    if len(kept) == 2:
        foreign(path, {**arrays, "decoder.bias": bias + 1})
        with pytest.raises(DataError, match=r"decoder\.bias"):
            mg.load(path, module)
    assert everything(module) == before


def test_what_torch_writes_loads_by_name_and_bfloat16_becomes_float32(tmp_path):
    torch = pytest.importorskip("torch")
    save_file = pytest.importorskip("safetensors.torch").save_file
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.ReLU())
    save_file(net.state_dict(), tmp_path / "a.safetensors")
    layer = mg.nn.Conv2d(2, 3, 3, dtype=np.float32)
    mg.load(tmp_path / "a.safetensors", [layer])
    x = RNG.normal(size=(1, 2, 5, 5)).astype("f4")
    wanted = net[0](torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(layer(x).data, wanted, rtol=1e-4, atol=1e-5)
    half = torch.randn(7).to(torch.bfloat16)
    save_file({"x": half, "y": half.float()}, tmp_path / "b.safetensors")
    found = mg.load(tmp_path / "b.safetensors")
    assert found["x"].dtype == np.float32
    np.testing.assert_array_equal(found["x"], found["y"])
    save_file({"x": half.to(torch.float8_e4m3fn)}, tmp_path / "c.safetensors")
    with pytest.raises(DataError, match="'x' is F8_E4M3, unknown to NumPy"):
        mg.load(tmp_path / "c.safetensors")


def test_other_programs_read_what_we_write(tmp_path):
    net = network()
    mg.save(tmp_path / "a.safetensors", net)
    mg.save(tmp_path / "a.npz", net)
    found = pytest.importorskip("safetensors.numpy").load_file(tmp_path / "a.safetensors")
    with np.load(tmp_path / "a.npz") as stored:
        for name, t in net.named_tensors():
            np.testing.assert_array_equal(stored[name], t.data)
            np.testing.assert_array_equal(found[name], t.data)
    assert found.keys() == dict(net.named_tensors()).keys()
