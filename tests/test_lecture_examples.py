"""The examples, by the lecture's rows: what their own functions compute, against other ways.

The engine's own tests of the rows are in test_lecture.py.
"""

import re
from pathlib import Path

import attention
import cnn
import convolution
import deeper
import moved_and_scaled
import neuron_view
import numpy as np
import one_by_one
import optimise_with_scipy
import perceptron
import physics
import pooling
import pooling_gap
import pytest
import scipy.integrate
import scipy.optimize
import scipy.signal
import stride
import what_layers_learn
import why_convolution
import xor_mlp
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import ShapeError


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def digits():
    return mg.data.split(*mg.data.digits(), held_out=0.2, seed=0)


@pytest.fixture(scope="module")
def trained(digits):
    """The network of cnn.py after a few epochs, and as it was."""
    network, before = cnn.build(np.random.default_rng(0)), cnn.build(np.random.default_rng(0))
    cnn.train(network, *digits[0], np.random.default_rng(1), epochs=5)
    return network, before


# --- perceptrons --------------------------------------------------------------------------------


def test_L1_the_slope_is_rosenblatts_rule(rng):
    for _ in range(20):
        w, beta, target = rng.normal(size=2), rng.normal(), rng.integers(0, 2, size=4)
        to_w, to_beta = perceptron.slope(w, beta, target)
        wrong = target - perceptron.perceptron(perceptron.POINTS, w, beta)  # 1, 0 or -1
        np.testing.assert_allclose(-to_w, wrong @ perceptron.POINTS, atol=1e-12)
        assert -to_beta == -wrong.sum()


def test_L2_both_lines_by_hand_solve_and():
    for w, beta in perceptron.BY_HAND:
        guesses = perceptron.perceptron(perceptron.POINTS, w, beta)
        np.testing.assert_array_equal(guesses, [0, 0, 0, 1])


@pytest.mark.parametrize("seed", range(8))
def test_L2_the_rule_learns_and(seed):
    w, beta = perceptron.learn(perceptron.AND, seed=seed)[-1]
    guesses = [0 if w[0] * x1 + w[1] * x2 <= beta else 1 for x1, x2 in perceptron.POINTS]
    assert guesses == [0, 0, 0, 1]


def test_L3_of_all_lines_the_best_gets_three_of_four_points_of_xor():
    assert perceptron.right_by_line(perceptron.AND, *perceptron.LINES).max() == 4
    assert perceptron.right_by_line(perceptron.XOR, *perceptron.LINES).max() == 3
    assert all(
        (perceptron.perceptron(perceptron.POINTS, *line) == perceptron.XOR).sum() <= 3
        for line in perceptron.learn(perceptron.XOR)
    )


def test_L4_the_network_learns_xor_and_a_linear_one_does_not():
    assert xor_mlp.train(xor_mlp.network(seed=0))[-1] < 1e-4
    linear = xor_mlp.network(seed=0, activation=lambda x: x)
    assert xor_mlp.train(linear, most=300)[-1] == pytest.approx(0.25, abs=0.01)


def test_L5_the_matrices_of_the_network_set_by_hand():
    z, a, h, y, cost = [t.data.tolist() for t in xor_mlp.by_hand().values()]
    assert z == [[0, 0], [1, 1], [1, 1], [2, 2]]
    assert a == [[0, -1], [1, 0], [1, 0], [2, 1]]
    assert h == [[0, 0], [1, 0], [1, 0], [2, 1]]
    assert y == [0, 1, 1, 0]
    assert cost == 0


def test_L6_the_cost_is_a_quarter_of_the_squares_and_0_by_hand():
    assert xor_mlp.by_hand()["J"].item() == 0
    net = xor_mlp.network(seed=3)
    answers = [net(point).item() for point in xor_mlp.POINTS]
    errors = [answer - wanted for answer, wanted in zip(answers, [0, 1, 1, 0], strict=True)]
    assert xor_mlp.cost_of(net).item() == pytest.approx(sum(e * e for e in errors) / 4)


def test_L7_two_layers_beat_one_with_as_many_nodes():
    def right_on_average(name):
        seeds, hidden, rate = (4, 5, 6), deeper.NETWORKS[name], deeper.RATES[name]
        return np.mean([deeper.run(hidden, seed, rate)[1] for seed in seeds])

    assert right_on_average("12 + 13") > max(0.95, right_on_average("25") + 0.01)


def test_L7_the_networks_have_the_nodes_and_parameters_that_are_printed():
    networks = {
        name: deeper.build(n, np.random.default_rng(0)) for name, n in deeper.NETWORKS.items()
    }
    counts = {name: sum(p.size for p in net.parameters()) for name, net in networks.items()}
    assert counts == {"25": 101, "12 + 13": 219, "54": 217}


def test_L22_a_line_is_found_exactly_where_one_divides(rng):
    for _ in range(20):
        points, line, c = rng.normal(size=(7, 2)), rng.normal(size=2), rng.normal(scale=0.3)
        labels = points @ line > c
        *w, c = xor_mlp.dividing_line(points, labels)
        np.testing.assert_array_equal(points @ w + c > 0, labels)
        assert (abs(points @ w + c) > 1 - 1e-6).all()
        surrounded = np.vstack([points, points[labels != labels[0]][:1], points.mean(0)])
        crossed = np.append(labels, [labels[0], not labels[0]])
        assert (
            labels.all() or not labels.any() or xor_mlp.dividing_line(surrounded, crossed) is None
        )
        before_relu = xor_mlp.POINTS @ rng.normal(size=(2, 2)) + rng.normal(size=2)
        assert xor_mlp.dividing_line(before_relu, xor_mlp.XOR) is None


def test_L22_with_eight_hidden_neurons_every_network_learns():
    assert all(xor_mlp.train(xor_mlp.network(seed), most=200)[-1] < 1e-4 for seed in xor_mlp.SEEDS)


def test_L22_relu_takes_the_points_to_where_a_line_divides_them():
    hand = xor_mlp.set_by_hand()
    np.testing.assert_array_equal(
        hand[:2](xor_mlp.POINTS).numpy(), xor_mlp.by_hand()["h = relu(a)"].numpy()
    )
    networks = [xor_mlp.network(seed, hidden=2) for seed in xor_mlp.SEEDS]
    costs = [xor_mlp.train(net, most=200)[-1] for net in networks]
    learned = [cost < 1e-4 for cost in costs]
    assert learned == [True, True] + [False] * 6
    assert min(costs[2:]) > 0.1
    for net, divided in ((hand, True), *zip(networks, learned, strict=True)):
        before, after = [net[:n](xor_mlp.POINTS).numpy() for n in (1, 2)]
        assert xor_mlp.dividing_line(before, xor_mlp.XOR) is None
        assert (xor_mlp.dividing_line(after, xor_mlp.XOR) is not None) == divided
        answers = net[2:](after).numpy()[:, 0] > 0.5  # the network's own line
        assert np.array_equal(answers, xor_mlp.XOR > 0.5) == divided


# --- convolution --------------------------------------------------------------------------------


def test_L8_one_position_is_the_number_in_the_activation_map(rng):
    image, w, b = rng.normal(size=(3, 32, 32)), rng.normal(size=(3, 5, 5)), rng.normal()
    number, patch = convolution.at_one_position(image, w, b, 7, 21)
    assert patch.size == 75
    assert number == pytest.approx(mg.conv2d(image[None], w[None], np.array([b]))[0, 0, 7, 21])


def test_L8_true_convolution_flips_the_filter(rng):
    x, w = rng.normal(size=(9, 8)), rng.normal(size=(3, 4))
    flipped = convolution.true_convolution(x[None, None], w[None, None])[0, 0]
    np.testing.assert_allclose(flipped, scipy.signal.convolve2d(x, w, mode="valid"))
    np.testing.assert_allclose(
        mg.conv2d(x[None, None], w[None, None])[0, 0], scipy.signal.correlate2d(x, w, mode="valid")
    )


def test_L9_L14_the_volumes_and_their_parameters():
    (_, *first), (_, *second) = convolution.chains()
    assert [shape for _, shape in first] == [(6, 28, 28), (10, 24, 24)]
    assert [shape for _, shape in second] == [(3, 36, 36), (10, 32, 32)]
    assert "456 parameters" in first[0][0]
    assert "760 parameters" in second[1][0]


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2))
def test_L12_the_formula_says_what_the_library_does(n, f, stride, padding):
    def convolved():
        x, w = np.zeros((1, 1, n, n)), np.zeros((1, 1, f, f))
        return mg.conv2d(x, w, stride=stride, padding=padding)

    size = convolution.output_size(n, f, stride, padding)
    if size is None or size < 1:
        with pytest.raises(ShapeError):
            convolved()
    else:
        assert convolved().shape == (1, 1, size, size)


def test_L13_the_formula_keeps_the_size_with_a_border_of_1():
    assert [convolution.output_size(7, 3, stride) for stride in (1, 2, 3)] == [5, 3, None]
    assert convolution.output_size(7, 3, padding=1) == 7


def test_L15_a_layer_turned_into_the_other_kind_gives_the_same_and_the_same_gradients(rng):
    linear = mg.nn.Linear(4 * 3 * 3, 5, rng=rng)
    convolution_ = one_by_one.as_convolution(linear, 4, 3)
    back = one_by_one.as_linear(convolution_)
    patch, cotangent = rng.normal(size=(2, 4, 3, 3)), rng.normal(size=(2, 5))
    for layer, flat in ((linear, True), (convolution_, False), (back, True)):
        layer.zero_grad()
        y = layer(patch.reshape(2, -1) if flat else patch)
        y.backward(cotangent.reshape(y.shape))
        np.testing.assert_allclose(y.numpy().reshape(2, 5), linear(patch.reshape(2, -1)).numpy())
        np.testing.assert_allclose(layer.bias.grad, cotangent.sum(0))
        by_weight = cotangent.T @ patch.reshape(2, -1)  # (5, 36)
        found = layer.weight.grad.T if flat else layer.weight.grad.reshape(5, -1)
        np.testing.assert_allclose(found, by_weight)


def test_L15_the_fully_convolutional_network_classifies_every_crop_of_a_larger_image(rng):
    network = one_by_one.classifier(rng)
    large = rng.normal(size=(1, 1, 12, 10)).astype(np.float32)
    scores = one_by_one.fully_convolutional(network)(large).numpy()
    assert scores.shape == (1, 11, 5, 3)
    for row, column in np.ndindex(5, 3):
        crop = large[..., row : row + 8, column : column + 8]
        np.testing.assert_allclose(scores[:, :, row, column], network(crop).numpy(), atol=1e-5)


def test_L16_one_neuron_looks_at_everything_or_at_75_inputs_with_the_same_weights(rng):
    of_full, of_some = neuron_view.views(rng)
    assert np.count_nonzero(of_full) == 3072
    patches = [view[:, r : r + 5, c : c + 5]
               for view, (r, c) in zip(of_some, neuron_view.PLACES, strict=True)]  # fmt: skip
    assert all(np.count_nonzero(view) == 75 for view in of_some)
    np.testing.assert_allclose(patches[1:], [patches[0]] * 2)


@pytest.mark.parametrize(("size", "stride"), pooling.USUAL)
def test_L17_the_gradient_of_pooling_goes_to_the_largest(size, stride, rng):
    side = size + 2 * stride  # three positions of the filter each way
    x = rng.permutation(side**2).reshape(side, side).astype(float)
    value, gradient = pooling.pooled_with_gradient(x, size, stride)
    expected = np.zeros_like(x)
    for row, column in np.ndindex(value.shape):
        window = x[row * stride : row * stride + size, column * stride : column * stride + size]
        assert value[row, column] == window.max()
        expected[x == window.max()] += 1
    np.testing.assert_array_equal(gradient, expected)


def test_L18_the_larger_the_filter_the_more_a_shift_leaves_as_it_was():
    images, _ = mg.data.digits()
    same = [pooling.same_after_shift(images[:300], *w) for w in ((1, 1), (2, 2), (3, 2), (4, 4))]
    assert same == sorted(same)
    assert same[0] < 0.1
    assert same[1] > 0.2


# --- what stride and pooling do -------------------------------------------------------------------


@pytest.mark.parametrize("way", stride.WAYS)
@pytest.mark.parametrize("case", [stride.LECTURE, stride.DIGITS], ids=["lecture", "digits"])
def test_L23_the_formula_says_what_the_graph_has_recorded(case, way):
    by, pool = stride.WAYS[way]
    network = stride.build(**case, stride=by, pool=pool, rng=0)
    scores = network(np.ones((1, *case["shape"]), np.float32))
    formula = stride.cost_by_formula(**case, stride=by, pool=pool)
    assert stride.cost_in_graph(scores) == formula
    three = stride.cost_in_graph(network(np.ones((3, *case["shape"]), np.float32)))
    assert three == tuple(3 * cost for cost in formula)


@pytest.mark.parametrize("by", [1, 2])
def test_L23_multiplications_are_the_connections(by, rng):
    x, w = rng.normal(size=(1, 3, 7, 7)), rng.normal(size=(4, 3, 3, 3))
    links = mg.jacobian(lambda x: mg.conv2d(x, w, stride=by))(x)
    filters = mg.Tensor(w, requires_grad=True)
    counted, values = stride.cost_in_graph(mg.conv2d(x, filters, stride=by))
    assert counted == np.count_nonzero(links) == {1: 25, 2: 9}[by] * 27 * 4
    assert values == {1: 25, 2: 9}[by] * 4


def test_L23_what_stride_2_saves():
    costs = {
        name: [stride.cost_by_formula(**case, stride=s, pool=p) for s, p in stride.WAYS.values()]
        for name, case in (("lecture", stride.LECTURE), ("digits", stride.DIGITS))
    }
    assert costs == {
        "lecture": [(1_274_400, 20_948), (128_200, 2_872), (505_300, 12_854)],
        "digits": [(88_576, 3_092), (6_400, 404), (23_680, 1_748)],
    }
    for rows in costs.values():
        for multiplications, values in rows:
            assert f" | {multiplications:,} | {values:,} | " in row_of_page("L23")
    images = np.ones((16, 3, 32, 32), np.float32)
    all_, half, pooled = [
        stride.peak(stride.build(**stride.LECTURE, stride=s, pool=p, rng=0), images)
        for s, p in stride.WAYS.values()
    ]
    assert half < 0.4 * all_
    assert half < pooled < 0.8 * all_


def row_of_page(name):
    """What docs/lecture.md says of a row of the lecture."""
    page = (Path(__file__).parents[1] / "docs" / "lecture.md").read_text()
    return re.search(rf"^### {name}\..+?(?=^###? )", page, re.MULTILINE | re.DOTALL)[0]


def documented(name):
    """The tables of a row of docs/lecture.md, line by line: first cell -> the numbers after it."""
    lines = [
        line.strip("| \n").split(" | ")
        for line in row_of_page(name).splitlines() if line[:2] == "| "
    ]  # fmt: skip
    return {
        first: [float(n) for n in re.findall(r"[+-]?\d[\d.]*", " ".join(rest).replace(",", ""))]
        for first, *rest in lines
    }


@pytest.mark.long
def test_L23_what_stride_2_costs_in_accuracy():
    for way in stride.WAYS:
        right = 100 * np.array([stride.accuracy(way, seed) for seed in stride.SEEDS])
        expected = documented("L23")[way][-2:]  # of the digits: mean, standard deviation
        assert [right.mean(), right.std(ddof=1)] == pytest.approx(expected, abs=0.8)


def test_L24_the_networks_have_as_many_parameters():
    networks = [moved_and_scaled.build(name, 0) for name in moved_and_scaled.COLOURS]
    counts = [sum(p.size for p in net.parameters()) for net in networks]
    assert counts == [7605, 7660, 7690, 7690, 7610]
    assert max(counts) < 1.05 * min(counts)


def test_L24_digits_are_moved_whole_and_scaled_about_their_middle(digits):
    images = moved_and_scaled.framed(digits[1][0][:20])
    ink = images.sum((1, 2, 3))
    for by in moved_and_scaled.MOVES:
        parts = moved_and_scaled.moved(images, by).reshape(4, *images.shape)
        np.testing.assert_allclose(parts.sum((2, 3, 4)), np.tile(ink, (4, 1)), rtol=1e-6)
        np.testing.assert_array_equal(parts[0][..., by:], images[..., :-by])  # to the right
        np.testing.assert_array_equal(parts[3][..., :-by, :], images[..., by:, :])  # up
    np.testing.assert_allclose(moved_and_scaled.scaled(images, 1), images, atol=1e-6)
    where = np.arange(12) - 5.5
    square = (abs(where) < 3).astype(float)  # 6 pixels wide
    for by in moved_and_scaled.SCALES:
        found = moved_and_scaled.scaled(np.outer(square, square)[None, None], by)[0, 0]
        np.testing.assert_allclose(found, found[::-1, ::-1].T, atol=1e-9)
        assert found.sum() == pytest.approx((6 * by) ** 2, rel=0.1)
        assert np.sqrt(found.sum(0) @ where**2 / found.sum()) == pytest.approx(
            by * np.sqrt(square @ where**2 / 6), rel=0.1
        )


def test_L24_only_pooling_over_all_makes_a_whole_stride_s_move_nothing(rng):
    image = np.zeros((1, 1, 12, 12), np.float32)
    image[0, 0, 5:7, 5:7] = rng.uniform(size=(2, 2))  # far from the border, after moves as well
    for name in moved_and_scaled.COLOURS:
        network = moved_and_scaled.build(name, np.random.default_rng(0))
        still = network(image).numpy()
        same = [
            np.allclose(network(shown[None]).numpy(), still, atol=1e-5)
            for shown in moved_and_scaled.moved(image, 2)
        ]
        assert same == [name == "convolution, pooling over all"] * 4
        assert not np.allclose(network(moved_and_scaled.moved(image, 1)[:1]).numpy(), still)


def test_L24_pooling_forgives_moves_and_a_stride_does_not():
    full, strided, pooled = [
        moved_and_scaled.run(name, 0, epochs=5)[1]
        for name in ("fully connected", "convolution, stride 2", "convolution, max pooling")
    ]
    assert min(right["upright"] for right in (full, strided, pooled)) > 0.9
    assert pooled["moved 1"] > max(full["moved 1"], strided["moved 1"]) + 0.1
    assert pooled["x 1.3"] > full["x 1.3"]


@pytest.mark.long
def test_L24_the_figures_of_eight_seeds():
    for name in moved_and_scaled.COLOURS:
        runs = [moved_and_scaled.run(name, seed)[1] for seed in moved_and_scaled.SEEDS]
        parts = 100 * np.array([list(right.values()) for right in runs])
        means, deviations = np.reshape(documented("L24")[name], (-1, 2)).T
        np.testing.assert_allclose(parts.mean(0), means, atol=3)
        np.testing.assert_allclose(parts.std(0, ddof=1), deviations, atol=3)


def test_L25_pairs_of_networks_differ_in_one_thing():
    def about(name):
        network = pooling_gap.build(name, 0)
        sizes = [p.size for p in network.parameters()]
        return sizes[:4], sum(sizes)  # both convolutions, all

    counts = {name: about(name)[1] for name in pooling_gap.NETWORKS}
    assert list(counts.values()) == [6090, 6090, 6090, 6122, 6122, 25290, 6090]
    whole, *alike, smaller = pooling_gap.EFFECTS.values()
    assert counts[whole[0]] == pytest.approx(counts[whole[1]], rel=0.01)
    for one, other in alike:  # pooling or none: the same layers
        assert about(one) == about(other)
    assert about(smaller[0])[0] == about(smaller[1])[0]  # the same convolutions
    for name, count in counts.items():  # they take digits, and the counts are those of the page
        assert pooling_gap.build(name, 0)(np.ones((2, 1, 8, 8), np.float32)).shape == (2, 10)
        assert documented("L25")[name][0] == count


def test_L25_no_network_is_validated_with_digits_that_it_learned_from():
    drawn = [pooling_gap.parts(count, seed) for count in pooling_gap.EPOCHS for seed in (0, 1)]
    for known, new in drawn:
        assert len({*known, *new}) == len(known) + len(new)
        assert len(new) == pooling_gap.VALIDATION
    assert [len(known) for known, _ in drawn] == [100, 100, 300, 300, 1000, 1000]
    assert not np.array_equal(drawn[0][1], drawn[1][1])  # seeds draw other digits
    np.testing.assert_array_equal(drawn[0][1], drawn[2][1])  # for any number to learn from


def test_L25_overlapping_pooling_keeps_the_size(rng):
    x = np.maximum(rng.normal(size=(2, 3, 5, 5)), 0)
    found = pooling_gap.overlapping(x)
    for row, column in np.ndindex(5, 5):
        window = x[:, :, row : row + 2, column : column + 2]
        np.testing.assert_array_equal(found[:, :, row, column], window.max((2, 3)))


def test_L25_the_gap_is_of_digits_that_were_learned_and_digits_that_were_not():
    for name in ("max pooling", "stride 2"):
        known, new = pooling_gap.run(name, 100, seed=0)
        assert known > 0.95
        assert 0.75 < new < known


@pytest.mark.long
def test_L25_it_is_the_pooling_that_narrows_the_gap_and_not_the_smaller_last_layer():
    runs = {
        (name, count): 100 * np.array(
            [pooling_gap.run(name, count, seed) for seed in pooling_gap.SEEDS]
        )
        for name in pooling_gap.NETWORKS for count in pooling_gap.EPOCHS
    }  # fmt: skip
    gaps = {key: known - new for key, (known, new) in ((k, v.T) for k, v in runs.items())}
    right = {key: by_seed[:, 1] for key, by_seed in runs.items()}
    lines = documented("L25")
    for name in pooling_gap.NETWORKS:
        _, *figures = lines[name]
        means = [gaps[name, count].mean() for count in pooling_gap.EPOCHS]
        np.testing.assert_allclose(means, figures[::2], atol=1.2)
    tables = re.findall(
        r"^\| [^|]+: (gap|validation) \| (.+) \|$", row_of_page("L25"), re.MULTILINE
    )
    for what, found in (("gap", gaps), ("validation", right)):
        written = [re.findall(r"[+-][\d.]+", line) for kind, line in tables if kind == what]
        added = pooling_gap.differences(found).values()
        means = np.array([[by_seed.mean() for by_seed in effect.values()] for effect in added])
        expected = np.array(written, float)
        np.testing.assert_allclose(means, expected, atol=0.8)
        assert (np.sign(means[1:]) == np.sign(expected[1:])).all()


# --- why convolution ----------------------------------------------------------------------------


@pytest.mark.parametrize("layers", range(1, 6))
def test_L19_the_receptive_field_grows_by_two_pixels_a_layer(layers):
    expected = np.zeros((11, 11), bool)
    expected[5 - layers : 6 + layers, 5 - layers : 6 + layers] = True
    np.testing.assert_array_equal(why_convolution.receptive_field(layers), expected)


def test_L19_a_convolution_has_few_connections_and_few_weights(rng):
    w, full = rng.normal(size=3), rng.normal(size=(6, 8))
    found = why_convolution.connections(lambda x: mg.conv1d(x[None, None], w[None, None])[0, 0])
    expected = np.zeros((6, 8))
    for i in range(6):
        expected[i, i : i + 3] = w
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(why_convolution.connections(lambda x: full @ x), full)


def test_L19_the_numbers_of_connections_and_weights(rng):
    costs = why_convolution.costs((3, 32, 32), (6, 3, 5, 5))
    assert costs["convolution"][1] == 352_800
    assert costs["full"][1] == 14_450_688
    w = rng.normal(size=(2, 3, 3, 3))
    found = mg.jacobian(lambda x: mg.conv2d(x[None], w))(rng.normal(size=(3, 6, 5)))
    links, everything = why_convolution.costs((3, 6, 5), w.shape).values()
    assert links == (np.unique(found[found != 0]).size, np.count_nonzero(found))
    assert everything[1] == found.size


def test_L20_one_filter_has_few_weights():
    costs = why_convolution.costs((3, 32, 32), (6, 3, 5, 5))
    assert costs["convolution"][0] == mg.nn.Conv2d(3, 6, 5, bias=False, rng=0).weight.size == 450
    assert costs["full"][0] == (32 * 32 * 3) * (28 * 28 * 6) == 14_450_688


def test_L20_the_filters_gradient_is_the_sum_over_all_positions(rng):
    x, w, g = rng.normal(size=(6, 7)), rng.normal(size=(3, 2)), rng.normal(size=(4, 6))
    parts = why_convolution.by_position(x, w, g)
    for row, column in np.ndindex(4, 6):
        patch = x[row : row + 3, column : column + 2]
        np.testing.assert_allclose(parts[row, column], g[row, column] * patch)
    np.testing.assert_allclose(parts.sum((0, 1)), why_convolution.shared(x, w, g))


@given(st.integers(3, 9), st.integers(3, 9), st.integers(-9, 9), st.integers(-9, 9), st.integers(0))
def test_L21_the_map_of_a_moved_image_is_the_moved_map(height, width, rows, columns, seed):
    rng = np.random.default_rng(seed)
    image, w = rng.normal(size=(height, width)), rng.normal(size=(3, 3))
    first_moved = why_convolution.convolved(why_convolution.moved(image, rows, columns), w)
    then_moved = why_convolution.moved(why_convolution.convolved(image, w), rows, columns)
    np.testing.assert_allclose(first_moved, then_moved, atol=1e-12)


def test_L21_with_a_stride_only_moves_by_the_stride_are_forgiven(rng):
    x, w = np.zeros((1, 1, 13, 13)), rng.normal(size=(1, 1, 3, 3))
    x[0, 0, 4:8, 4:8] = rng.normal(size=(4, 4))
    map_, by_1, by_2 = [mg.conv2d(np.roll(x, n, axis=3), w, stride=2) for n in (0, 1, 2)]
    np.testing.assert_allclose(by_2, np.roll(map_, 1, axis=3), atol=1e-12)
    assert not np.allclose(by_1, np.roll(map_, 1, axis=3))


# --- networks -----------------------------------------------------------------------------------


def test_L10_late_layers_tell_the_classes_apart_better(trained, digits):
    network, before = trained
    told, untrained = [what_layers_learn.told_apart(n, *digits) for n in (network, before)]
    assert told["late"] > told["middle"] > told["input"]
    assert told["late"] > untrained["late"] + 0.05


def test_L10_gradient_ascent_finds_images_that_excite_a_unit_more_than_digits_do(trained, digits):
    network, _ = trained
    each = np.arange(10), np.arange(10)
    found = what_layers_learn.exciting(lambda x: network(x)[each], 10, np.random.default_rng(0))
    assert found.min() >= 0
    assert found.max() <= 1
    scores, of_digits = network(found).numpy(), network(digits[1][0]).numpy()
    assert (scores[each] > np.median(of_digits.max(1))).all()
    np.testing.assert_array_equal(scores.argmax(1), np.arange(10))


def test_L11_the_network_classifies_real_digits(trained, digits):
    images, labels = digits[1]
    assert np.mean(cnn.guesses(trained[0], images) == labels) > 0.95


def test_L11_saliency_is_the_slope_of_the_winning_score(trained, digits):
    network, images = trained[0], digits[1][0][:3]
    found = cnn.saliency(network, images)
    for n, row, column in ((0, 3, 3), (1, 5, 2), (2, 0, 7)):
        step = np.zeros_like(images)
        step[n, 0, row, column] = 1e-3
        win = network(images).numpy()[n].argmax()
        up, down = [network(images + sign * step).numpy()[n, win] for sign in (1, -1)]
        assert found[n, row, column] == pytest.approx(abs(up - down) / 2e-3, abs=2e-2)


# --- beyond the lecture -------------------------------------------------------------------------


def test_the_chains_derivatives_are_those_of_differences(rng):
    at, along = rng.normal(size=optimise_with_scipy.start().size), rng.normal(size=38)
    energy, gradient = optimise_with_scipy.energy, mg.grad(optimise_with_scipy.energy)
    expected = scipy.optimize.approx_fprime(at, energy, 1e-7)
    np.testing.assert_allclose(gradient(at), expected, rtol=1e-4, atol=1)
    product = (gradient(at + 1e-6 * along) - gradient(at - 1e-6 * along)) / 2e-6
    np.testing.assert_allclose(optimise_with_scipy.hessian_product(at, along), product, rtol=1e-5)


def test_the_chain_hangs_in_equilibrium():
    result, _ = optimise_with_scipy.hang("BFGS with gradient")
    joints = np.vstack([[0, 0], result.x.reshape(-1, 2), [1, 0]])
    links = np.diff(joints, axis=0)
    lengths = np.linalg.norm(links, axis=1, keepdims=True)
    stretch = lengths - optimise_with_scipy.LENGTH / optimise_with_scipy.LINKS
    pull = optimise_with_scipy.STIFFNESS * optimise_with_scipy.LINKS * stretch * links / lengths
    np.testing.assert_allclose(np.diff(pull[:, 0]), 0, atol=1e-4)  # horizontally all alike
    weight = optimise_with_scipy.WEIGHT / optimise_with_scipy.LINKS
    np.testing.assert_allclose(np.diff(pull[:, 1]), weight, atol=1e-4)


def test_the_pendulums_solver_agrees_with_scipys():
    length, drag, angle, speed = physics.TRUTH
    expected = scipy.integrate.solve_ivp(
        lambda t, y: (y[1], -physics.GRAVITY / length * np.sin(y[0]) - drag * y[1]),
        (0, 10), (angle, speed), t_eval=physics.TIMES, rtol=1e-9, atol=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose(physics.solve(physics.TRUTH), expected.y[0], atol=1e-3)


def test_the_pendulums_jacobian_and_uncertainty_are_those_of_differences():
    columns = [
        (physics.solve(physics.TRUTH + step) - physics.solve(physics.TRUTH - step)) / 2e-6
        for step in 1e-6 * np.eye(4)
    ]
    expected = np.stack(columns, axis=1)
    found = mg.jacobian(physics.solve)(physics.TRUTH)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    of_noise = np.linalg.norm(np.linalg.pinv(expected), axis=1)  # parameters per unit of noise
    np.testing.assert_allclose(
        physics.uncertainty(physics.TRUTH), physics.NOISE * of_noise, rtol=1e-4
    )


def test_the_fit_finds_the_pendulum_within_its_own_uncertainty():
    path = physics.fit(physics.measure(np.random.default_rng(3)), start=(1.4, 0.4, 1.5, 0.0))
    deviations = (path[-1] - physics.TRUTH) / physics.uncertainty(path[-1])
    assert (np.abs(deviations) < 4).all()


def test_attention_never_looks_ahead(rng):
    model = attention.Model(20, rng)
    letters = rng.integers(20, size=(1, 12))
    other = letters.copy()
    other[0, 7:] = rng.integers(20, size=5)
    first, second = model(letters).numpy()[0], model(other).numpy()[0]
    np.testing.assert_allclose(first[:7], second[:7])
    assert not np.allclose(first[7:], second[7:])
    looks = model.looks(letters[0])
    np.testing.assert_allclose(looks.sum(1), 1)
    assert np.all(np.triu(looks, 1) == 0)


def test_attention_learns_more_than_pairs_of_letters(rng):
    written = attention.zen()
    assert "Readability counts." in written
    alphabet, text = np.unique(list(written), return_inverse=True)
    course = attention.train(attention.Model(len(alphabet), rng), text, rng, steps=250)
    assert np.mean(course[-20:]) < attention.pair_entropy(text)
