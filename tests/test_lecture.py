"""The lecture's rows, one test each, with its numbers (docs: from one perceptron to a CNN)."""

import itertools

import numpy as np
import oracles
import pytest

import minigrad as mg
from minigrad.errors import ShapeError

POINTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND, XOR = [0, 0, 0, 1], [0, 1, 1, 0]


def perceptron(x, w, beta):
    """0 if w1 * x1 + w2 * x2 <= beta else 1, for every row of x."""
    return (x @ mg.Tensor(w) > beta).astype(int)


def rng():
    return np.random.default_rng(0)


def by_hand():
    """The weights that solve XOR: (W1, b, w2)."""
    return np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, -1.0]), np.array([1.0, -2.0])


def test_L1_a_perceptron_is_a_weighted_sum_and_a_hard_threshold():
    w1, w2, beta = 0.7, -0.3, 0.2
    found = perceptron(POINTS, [w1, w2], beta)
    expected = [0 if w1 * x1 + w2 * x2 <= beta else 1 for x1, x2 in POINTS]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("beta", [0.5, 0.8])
def test_L2_a_perceptron_solves_and(beta):
    np.testing.assert_array_equal(perceptron(POINTS, [0.5, 0.5], beta), AND)


def test_L2_on_the_threshold_counts_as_0():
    assert perceptron(np.array([[0.0, 1.0]]), [0.5, 0.5], 0.5) == [0]


def test_L3_no_perceptron_solves_xor():
    grid = np.linspace(-2, 2, 21)
    solved = [
        task
        for w1, w2, beta in itertools.product(grid, grid, grid)
        for task, wanted in (("and", AND), ("xor", XOR))
        if [int(w1 * x1 + w2 * x2 > beta) for x1, x2 in POINTS] == wanted
    ]
    assert "and" in solved
    assert "xor" not in solved


def test_L3_training_a_perceptron_on_xor_gets_no_better_than_chance():
    w, b = mg.Tensor([0.3, -0.2], requires_grad=True), mg.Tensor(0.1, requires_grad=True)
    optimiser = mg.optim.SGD([w, b], lr=0.5)
    for _ in range(300):
        optimiser.zero_grad()
        mg.mse(POINTS @ w + b, np.array(XOR, float)).backward()
        optimiser.step()
    np.testing.assert_allclose(w.data, [0.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(b.data, 0.5, atol=1e-6)  # 1/2 everywhere: it has learned nothing


def test_L4_a_multi_layer_perceptron_learns_xor_by_gradient_descent():
    generator = rng()
    network = mg.nn.Sequential(
        mg.nn.Linear(2, 8, rng=generator), mg.relu, mg.nn.Linear(8, 1, rng=generator)
    )
    assert [p.shape for p in network.parameters()] == [(2, 8), (8,), (8, 1), (1,)]
    target = np.array(XOR, float)[:, None]
    optimiser = mg.optim.SGD(network.parameters(), lr=0.1)
    first = mg.mse(network(mg.Tensor(POINTS)), target).item()
    for _ in range(1000):
        optimiser.zero_grad()
        loss = mg.mse(network(mg.Tensor(POINTS)), target)
        loss.backward()
        optimiser.step()
    assert loss.item() < 1e-3 < first
    np.testing.assert_array_equal(network(POINTS).numpy()[:, 0] > 0.5, XOR)


def test_L5_xor_by_hand():
    w1, b, w2 = by_hand()
    x = mg.Tensor(POINTS, requires_grad=True)
    sums = x @ w1
    np.testing.assert_array_equal(sums.numpy(), [[0, 0], [1, 1], [1, 1], [2, 2]])
    np.testing.assert_array_equal((sums + b).numpy(), [[0, -1], [1, 0], [1, 0], [2, 1]])
    h = mg.relu(sums + b)
    np.testing.assert_array_equal(h.numpy(), [[0, 0], [1, 0], [1, 0], [2, 1]])
    np.testing.assert_array_equal((h @ w2).numpy(), [0, 1, 1, 0])


def test_L6_the_cost_is_the_mean_squared_error_over_the_four_points():
    parameters = [mg.Tensor(p, requires_grad=True) for p in by_hand()]
    w1, b, w2 = parameters
    output = mg.relu(POINTS @ w1 + b) @ w2
    cost = mg.mse(output, np.array(XOR, float))
    assert cost.item() == 0.0
    cost.backward()
    for p in parameters:  # the bottom: every slope is 0
        np.testing.assert_array_equal(p.grad, np.zeros(p.shape))
    off = mg.mse(output + np.array([0.0, 1.0, 0.0, 2.0]), np.array(XOR, float))
    assert off.item() == (0 + 1 + 0 + 4) / 4


def test_L22_one_line_divides_the_four_points_after_relu_and_none_before():
    w1, b, _ = by_hand()
    h = mg.relu(mg.Tensor(POINTS) @ w1 + b).numpy()
    assert len(np.unique(h, axis=0)) == 3  # four points on three places
    np.testing.assert_array_equal(h[:, 0] - 2 * h[:, 1] > 0.5, np.array(XOR, bool))
    assert not np.isclose(h[:, 0] - 2 * h[:, 1], 0.5).any()
    generator = rng()
    for _ in range(20):  # whatever the weights, the midpoints of the two classes are one point
        a = mg.Tensor(POINTS) @ generator.normal(size=(2, 2)) + generator.normal(size=2)
        np.testing.assert_allclose(a[0] + a[3], a[1] + a[2], atol=1e-12)


def test_L8_one_position_of_a_filter_is_a_dot_product_of_75_dimensions():
    generator = rng()
    image, w, b = generator.normal(size=(3, 32, 32)), generator.normal(size=(3, 5, 5)), 0.7
    assert w.size == 5 * 5 * 3 == 75
    z = mg.conv2d(image[None], w[None], np.array([b]))
    for row, column in [(0, 0), (13, 4), (27, 27)]:
        patch = image[:, row : row + 5, column : column + 5]
        np.testing.assert_allclose(z[0, 0, row, column], w.ravel() @ patch.ravel() + b)


def test_L8_the_filter_is_not_flipped():
    image, w = np.zeros((1, 1, 5, 5)), np.arange(25.0).reshape(1, 1, 5, 5)
    image[0, 0, 0, 1] = 1.0
    assert mg.conv2d(image, w).item() == w[0, 0, 0, 1]


def test_L9_filters_slide_over_every_position_and_stack_up():
    image = mg.Tensor(rng().normal(size=(1, 3, 32, 32)))
    one = mg.nn.Conv2d(3, 1, 5, rng=0)(image)
    assert one.shape == (1, 1, 28, 28)
    six = mg.nn.Conv2d(3, 6, 5, rng=0)(image)
    assert six.shape == (1, 6, 28, 28)
    assert mg.nn.Conv2d(6, 10, 5, rng=0)(six).shape == (1, 10, 24, 24)
    with pytest.raises(ShapeError, match="as deep as its input"):
        mg.nn.Conv2d(3, 10, 5, rng=0)(six)


def test_L11_a_cnn_is_convolutions_with_pooling_and_a_fully_connected_end():
    generator = rng()
    network = mg.nn.Sequential(
        mg.nn.Conv2d(3, 6, 5, rng=generator),
        mg.nn.ReLU(),
        mg.nn.MaxPool(2),
        mg.nn.Conv2d(6, 10, 5, rng=generator),
        mg.nn.ReLU(),
        mg.nn.MaxPool(2),
        mg.nn.Flatten(),
        mg.nn.Linear(10 * 5 * 5, 4, rng=generator),
    )
    images = mg.Tensor(generator.normal(size=(2, 3, 32, 32)))
    scores = network(images)
    assert scores.shape == (2, 4)
    mg.cross_entropy(scores, [0, 3]).backward()
    assert all(p.grad.shape == p.shape and p.grad.any() for p in network.parameters())


@pytest.mark.parametrize(("stride", "size"), [(1, 5), (2, 3)])
def test_L12_output_size(stride, size):
    assert (7 - 3) / stride + 1 == size
    z = mg.conv2d(np.ones((1, 1, 7, 7)), np.ones((1, 1, 3, 3)), stride=stride)
    assert z.shape == (1, 1, size, size)


def test_L12_a_stride_that_does_not_fit_cannot_be_applied():
    with pytest.raises(ShapeError, match=r"\(7 - 3\) / 3 \+ 1 = 2\.333 is no whole number"):
        mg.conv2d(np.ones((1, 1, 7, 7)), np.ones((1, 1, 3, 3)), stride=3)


def test_L13_a_border_of_zeros_keeps_the_size():
    x, w = rng().normal(size=(1, 1, 7, 7)), rng().normal(size=(1, 1, 3, 3))
    bordered = np.pad(mg.Tensor(x), ((0, 0), (0, 0), (1, 1), (1, 1)))
    assert bordered.shape == (1, 1, 9, 9)
    z = mg.conv2d(x, w, padding=1)
    assert z.shape == (1, 1, 7, 7)
    np.testing.assert_allclose(z, mg.conv2d(bordered, w).numpy(), rtol=1e-14)


def test_L14_sizes_and_parameters_of_a_layer():
    layer = mg.nn.Conv2d(3, 10, 5, padding=2, rng=0)
    image = np.ones((1, 3, 32, 32))
    assert np.pad(image[0], ((0, 0), (2, 2), (2, 2))).shape == (3, 36, 36)
    assert layer(mg.Tensor(image)).shape == (1, 10, 32, 32)
    count = [p.size for p in layer.parameters()]
    assert sum(count) == 760
    assert sum(p.size for p in mg.nn.Conv2d(3, 1, 5, rng=0).parameters()) == 5 * 5 * 3 + 1 == 76


@pytest.mark.parametrize("depth", [1, 10, 128])
def test_L15_a_1x1_convolution_changes_depth_only(depth):
    image = mg.Tensor(rng().normal(size=(1, 64, 84, 84)))
    assert mg.nn.Conv2d(64, depth, 1, rng=0)(image).shape == (1, depth, 84, 84)


def test_L15_it_is_a_fully_connected_layer_at_every_position():
    generator = rng()
    convolution, linear = mg.nn.Conv2d(64, 5, 1, rng=generator), mg.nn.Linear(64, 5, rng=generator)
    linear.weight.assign(convolution.weight.data[:, :, 0, 0].T)
    convolution.bias.assign(generator.normal(size=5))
    linear.bias.assign(convolution.bias.data)
    image = generator.normal(size=(1, 64, 7, 7))
    maps, rows = convolution(mg.Tensor(image)), linear(mg.Tensor(image[0].transpose(1, 2, 0)))
    np.testing.assert_allclose(maps.numpy()[0], rows.numpy().transpose(2, 0, 1), rtol=1e-12)
    cotangent = generator.normal(size=(5, 7, 7))
    maps.backward(cotangent[None])
    rows.backward(cotangent.transpose(1, 2, 0))
    np.testing.assert_allclose(
        convolution.weight.grad[:, :, 0, 0], linear.weight.grad.T, rtol=1e-10, atol=1e-12
    )


def test_L15_a_fully_connected_layer_is_a_convolution_that_takes_larger_images_too():
    generator = rng()
    linear = mg.nn.Linear(3 * 8 * 8, 10, rng=generator)
    filters = linear.weight.data.T.reshape(10, 3, 8, 8)
    image = generator.normal(size=(1, 3, 8, 8))
    scores = mg.conv2d(image, filters, linear.bias)
    assert scores.shape == (1, 10, 1, 1)
    flat = linear(mg.Tensor(image.reshape(1, -1)))
    np.testing.assert_allclose(scores.numpy()[:, :, 0, 0], flat.numpy(), rtol=1e-12)
    larger = generator.normal(size=(1, 3, 12, 12))
    assert mg.conv2d(larger, filters, linear.bias).shape == (1, 10, 5, 5)
    with pytest.raises(ShapeError, match="matmul"):
        linear(mg.Tensor(larger.reshape(1, -1)))


def test_L16_a_fully_connected_layer_looks_at_the_whole_image_once():
    generator = rng()
    image = generator.normal(size=(1, 3, 32, 32))
    flat = mg.nn.Flatten()(mg.Tensor(image))
    assert flat.shape == (1, 3072)
    layer = mg.nn.Linear(3072, 10, rng=generator)
    scores = layer(flat)
    assert scores.shape == (1, 10)
    np.testing.assert_allclose(scores[0, 4].item(), image.ravel() @ layer.weight.data[:, 4])
    x = mg.Tensor(image, requires_grad=True)
    mg.nn.Flatten()(x)[0].dot(layer.weight[:, 4]).backward()
    assert np.count_nonzero(x.grad) == 3072  # all of it


def test_L16_a_convolution_looks_at_many_small_patches_with_the_same_weights():
    x, w = mg.Tensor(rng().normal(size=(1, 3, 32, 32)), requires_grad=True), np.ones((1, 3, 5, 5))
    mg.conv2d(x, w)[0, 0, 3, 7].backward()
    expected = np.zeros((3, 32, 32))
    expected[:, 3:8, 7:12] = 1.0
    np.testing.assert_array_equal(x.grad[0], expected)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2)])
def test_L17_pooling_makes_each_map_smaller_on_its_own(size, stride):
    x = rng().normal(size=(2, 6, 9 if size == 3 else 8, 9 if size == 3 else 8))
    z = mg.maxpool(x, size, stride=stride)
    assert z.shape == (2, 6, 4, 4)  # depth unchanged
    np.testing.assert_array_equal(z, oracles.maxpool(x, (size, size), (stride, stride)))
    np.testing.assert_array_equal(z[1, 4], mg.maxpool(x[1, 4], size, stride=stride))


def test_L17_no_padding_is_used():
    with pytest.raises(TypeError, match="padding"):
        mg.maxpool(np.ones((4, 4)), padding=1)


def test_L18_pooling_has_nothing_to_learn_and_keeps_the_channels():
    layer = mg.nn.MaxPool(2)
    assert layer.parameters() == []
    assert layer(mg.Tensor(np.ones((1, 10, 24, 24)))).shape == (1, 10, 12, 12)


def test_L18_pooling_is_robust_to_a_small_shift():
    image = np.zeros((1, 1, 8, 8))
    image[0, 0, 2, 2] = image[0, 0, 4, 6] = 1.0
    shifted = np.roll(image, (1, 1), (2, 3))
    assert (shifted != image).any()
    np.testing.assert_array_equal(mg.maxpool(shifted), mg.maxpool(image))


def test_L23_stride_2_computes_every_second_value_of_stride_1():
    generator = rng()
    x, w = generator.normal(size=(2, 3, 9, 7)), generator.normal(size=(4, 3, 3, 3))
    all_ = mg.conv2d(x, w, padding=1)
    half = mg.conv2d(x, w, padding=1, stride=2)
    np.testing.assert_allclose(half, all_[:, :, ::2, ::2], atol=1e-12)


def test_L24_a_convolution_moves_along_and_the_largest_of_all_stays():
    image, w = np.zeros((1, 1, 12, 12)), rng().normal(size=(5, 1, 3, 3))
    image[0, 0, 4:8, 4:8] = rng().normal(size=(4, 4))
    for rows, columns in ((1, 0), (0, -2), (2, 1)):
        moved = np.roll(image, (rows, columns), axis=(2, 3))
        maps, maps_of_moved = [mg.conv2d(x, w, padding=1) for x in (image, moved)]
        np.testing.assert_allclose(maps_of_moved, np.roll(maps, (rows, columns), axis=(2, 3)))
        assert not np.allclose(maps_of_moved, maps)  # equivariant, not invariant
        np.testing.assert_allclose(mg.maxpool(maps_of_moved, 12), mg.maxpool(maps, 12))


def test_L25_pooling_has_no_parameters_and_makes_the_last_layer_smaller():
    x = mg.Tensor(np.zeros((1, 16, 8, 8)))
    for pool in (mg.nn.MaxPool(2), mg.nn.AvgPool(2)):
        assert pool.parameters() == []
        inputs = pool(pool(x)).size
        sizes = [p.size for p in mg.nn.Linear(inputs, 10, rng=0).parameters()]
        assert sum(sizes) == 650  # instead of 10,250 without pooling
