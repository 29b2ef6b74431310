"""Layers. Weights come from `rng`: a NumPy `Generator`, a seed, or None for a fresh one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from minigrad.core.node import need_floats
from minigrad.core.seeds import generator
from minigrad.errors import ShapeError
from minigrad.nn.initialise import Initialiser, he_normal, zeros
from minigrad.nn.module import Module
from minigrad.ops.activations import relu, sigmoid
from minigrad.ops.convolution import conv2d
from minigrad.ops.dropout import check_rate, dropout
from minigrad.ops.geometry import per_axis
from minigrad.ops.operands import operand
from minigrad.ops.pooling import avgpool, maxpool
from minigrad.ops.shaping import reshape
from minigrad.ops.trigonometry import tanh
from minigrad.tensor import Tensor

Rng = np.random.Generator | int | None
Pair = tuple[int, int]


def parameter(
    initialise: Initialiser, shape: tuple[int, ...], rng: Rng, dtype: npt.DTypeLike, name: str
) -> Tensor:
    """A parameter drawn by an initialiser."""
    need_floats(np.dtype(dtype))
    values = initialise(shape, generator(rng))
    return Tensor(values, requires_grad=True, name=name, dtype=dtype)


def check_sizes(layer: str, **sizes: Any) -> None:
    """Raise `ShapeError` for the size of a layer that is no whole number, 1 or more."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ShapeError(
                f"{layer}: {name} is a whole number of at least 1, how many there are; got "
                f"{size!r}."
            )


class Linear(Module):
    """x @ weight + bias: (..., inputs) -> (..., outputs); weight (inputs, outputs).

    >>> import minigrad as mg
    >>> layer = mg.nn.Linear(3, 2, rng=0)
    >>> layer(mg.Tensor([[1.0, 2.0, 3.0]])).shape
    (1, 2)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        bias: bool = True,
        rng: Rng = None,
        initialise: Initialiser = he_normal,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        check_sizes("Linear", inputs=inputs, outputs=outputs)
        self.weight = parameter(initialise, (inputs, outputs), rng, dtype, "weight")
        self.bias = parameter(zeros, (outputs,), rng, dtype, "bias") if bias else None

    def forward(self, x: Any) -> Any:
        """The weighted sums."""
        z = x @ self.weight
        return z if self.bias is None else z + self.bias


class Conv2d(Module):
    """`filters` filters of `size` slid over images: (B, channels, H, W) -> (B, filters, Ho, Wo).

    Stride, padding, dilation, groups and remainder as in `mg.conv2d`.

    >>> import minigrad as mg
    >>> layer = mg.nn.Conv2d(3, 10, 5, padding=2, rng=0)
    >>> layer
    Conv2d(760 parameters)
    """

    def __init__(
        self,
        channels: int,
        filters: int,
        size: int | Pair,
        *,
        stride: int | Pair = 1,
        padding: int | Pair | str = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        remainder: str = "error",
        bias: bool = True,
        rng: Rng = None,
        initialise: Initialiser = he_normal,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        check_sizes("Conv2d", channels=channels, filters=filters, groups=groups)
        if channels % groups or filters % groups:
            raise ShapeError(
                f"Conv2d: {channels} channels and {filters} filters must both split evenly into "
                f"{groups} groups."
            )
        shape = (filters, channels // groups, *per_axis("Conv2d", "size", size))
        self.weight = parameter(initialise, shape, rng, dtype, "weight")
        self.bias = parameter(zeros, (filters,), rng, dtype, "bias") if bias else None
        self.geometry: dict[str, Any] = {
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "remainder": remainder,
        }

    def forward(self, x: Any) -> Any:
        """The activation maps."""
        return conv2d(x, self.weight, self.bias, **self.geometry)


class MaxPool(Module):
    """`mg.maxpool` as a layer: no parameters, each map on its own.

    >>> import numpy as np, minigrad as mg
    >>> mg.nn.MaxPool(2)(mg.Tensor(np.zeros((1, 6, 28, 28)))).shape
    (1, 6, 14, 14)
    """

    pool: Callable[..., Any] = staticmethod(maxpool)

    def __init__(
        self, size: int | Pair = 2, *, stride: int | Pair | None = None, remainder: str = "error"
    ) -> None:
        self.size = size
        self.window: dict[str, Any] = {"stride": stride, "remainder": remainder}

    def forward(self, x: Any) -> Any:
        """The smaller maps."""
        return self.pool(x, self.size, **self.window)


class AvgPool(MaxPool):
    """`mg.avgpool` as a layer."""

    pool = staticmethod(avgpool)


class ReLU(Module):
    """`mg.relu` as a layer."""

    def forward(self, x: Any) -> Any:
        """max(x, 0)."""
        return relu(x)


class Sigmoid(Module):
    """`mg.sigmoid` as a layer."""

    def forward(self, x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        return sigmoid(x)


class Tanh(Module):
    """`np.tanh` as a layer."""

    def forward(self, x: Any) -> Any:
        """tanh(x)."""
        return tanh(x)


class Flatten(Module):
    """Everything but the first axis along one: (B, C, H, W) -> (B, C * H * W)."""

    def forward(self, x: Any) -> Any:
        """One row per sample."""
        x = operand(x)
        if not x.ndim:
            raise ShapeError("Flatten: takes samples along a first axis, (B, ...); got shape ().")
        return reshape(x, (x.shape[0], -1))


class Dropout(Module):
    """While training, each value is 0 with probability `rate`, else scaled by 1 / (1 - rate).

    The mask is drawn anew at each call from `rng`. Srivastava et al. 2014.

    >>> import numpy as np, minigrad as mg
    >>> mg.nn.Dropout(0.5, rng=0)(mg.Tensor(np.ones(4)))
    Tensor([2., 0., 0., 0.])
    """

    def __init__(self, rate: float = 0.5, *, rng: Rng = None) -> None:
        check_rate(rate)
        self.rate = rate
        self.rng = generator(rng)

    def forward(self, x: Any) -> Any:
        """The values that were kept."""
        return dropout(x, self.rate, rng=self.rng) if self.training else x


class Sequential(Module):
    """Layers, or any functions of one tensor, applied one after the other.

    `network[i]` is a layer, a slice such as `network[:2]` a Sequential of the same layers.

    >>> import minigrad as mg
    >>> network = mg.nn.Sequential(mg.nn.Linear(2, 8, rng=0), mg.relu, mg.nn.Linear(8, 1, rng=1))
    >>> network(mg.Tensor([[0.0, 1.0]])).shape
    (1, 1)
    >>> network[:2](mg.Tensor([[0.0, 1.0]])).shape
    (1, 8)
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        for layer in layers:
            if isinstance(layer, type):
                raise TypeError(
                    f"Sequential: {layer.__name__} is a class; call it to make a layer, "
                    f"{layer.__name__}(...)."
                )
            if not callable(layer):
                many = ": give them one by one, Sequential(*layers)"
                raise TypeError(
                    f"Sequential: takes layers and functions; got {layer!r}"
                    f"{many if isinstance(layer, list | tuple) else ''}."
                )
        self.layers = layers

    def forward(self, x: Any) -> Any:
        """The last layer's output."""
        for layer in self.layers:
            x = layer(x)
        return x

    @overload
    def __getitem__(self, index: int) -> Callable[[Any], Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Callable[[Any], Any]:
        part = self.layers[index]
        return Sequential(*part) if isinstance(part, tuple) else part

    def __len__(self) -> int:
        return len(self.layers)
