"""Modules: layers that hold parameters, and the few that hold none."""

from typing import NoReturn

from minigrad.nn.layers import AvgPool as AvgPool
from minigrad.nn.layers import Conv2d as Conv2d
from minigrad.nn.layers import Dropout as Dropout
from minigrad.nn.layers import Flatten as Flatten
from minigrad.nn.layers import Linear as Linear
from minigrad.nn.layers import MaxPool as MaxPool
from minigrad.nn.layers import ReLU as ReLU
from minigrad.nn.layers import Sequential as Sequential
from minigrad.nn.layers import Sigmoid as Sigmoid
from minigrad.nn.layers import Tanh as Tanh
from minigrad.nn.module import Module as Module


def __getattr__(name: str) -> NoReturn:
    """Say what to write for a word that is not here."""
    from minigrad.elsewhere import absent

    raise absent(__name__, name)
