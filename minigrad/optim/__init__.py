"""Optimisers: they update parameters in place, from each parameter's `grad`."""

from minigrad.optim.adam import Adam as Adam
from minigrad.optim.adam import AdamW as AdamW
from minigrad.optim.optimiser import Optimiser as Optimiser
from minigrad.optim.sgd import SGD as SGD
