"""Modules: layers that hold parameters, and the few that hold none."""

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
