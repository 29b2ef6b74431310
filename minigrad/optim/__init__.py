"""Optimizers: they update parameters in place, from each parameter's `grad`."""

from typing import NoReturn

from minigrad.optim.adam import Adam as Adam
from minigrad.optim.adam import AdamW as AdamW
from minigrad.optim.clipping import clip_grad_norm as clip_grad_norm
from minigrad.optim.optimizer import Optimizer as Optimizer
from minigrad.optim.rmsprop import RMSprop as RMSprop
from minigrad.optim.schedules import ConstantLR as ConstantLR
from minigrad.optim.schedules import CosineAnnealingLR as CosineAnnealingLR
from minigrad.optim.schedules import LinearLR as LinearLR
from minigrad.optim.schedules import OneCycleLR as OneCycleLR
from minigrad.optim.schedules import SequentialLR as SequentialLR
from minigrad.optim.schedules import StepLR as StepLR
from minigrad.optim.sgd import SGD as SGD

for _file in ("adam", "rmsprop", "sgd"):  # so that optim.sgd(...) says what to write
    del globals()[_file]


def __getattr__(name: str) -> NoReturn:
    """Say what to write for a word that is not here."""
    from minigrad.elsewhere import absent

    raise absent(__name__, name)
