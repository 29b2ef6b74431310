"""minigrad: a graph-based autodiff engine with a tiny tensor DSL, in Python over NumPy."""

from minigrad import interrupt as interrupt

# isort: split
from typing import TYPE_CHECKING

from minigrad.core.node import no_grad as no_grad
from minigrad.core.op import elementwise as elementwise
from minigrad.core.op import general as general
from minigrad.core.op import linear as linear
from minigrad.ops.arithmetic import where as where
from minigrad.ops.joining import concatenate as concatenate
from minigrad.ops.joining import stack as stack
from minigrad.ops.products import dot as dot
from minigrad.ops.products import matmul as matmul
from minigrad.ops.reductions import logsumexp as logsumexp
from minigrad.ops.reductions import max as max
from minigrad.ops.reductions import mean as mean
from minigrad.ops.reductions import min as min
from minigrad.ops.reductions import sum as sum
from minigrad.ops.shaping import broadcast_to as broadcast_to
from minigrad.ops.shaping import expand_dims as expand_dims
from minigrad.ops.shaping import reshape as reshape
from minigrad.ops.shaping import squeeze as squeeze
from minigrad.ops.shaping import transpose as transpose
from minigrad.ops.softmax import log_softmax as log_softmax
from minigrad.ops.softmax import softmax as softmax
from minigrad.tensor import Tensor as Tensor

if TYPE_CHECKING:
    from minigrad import data as data
    from minigrad import nn as nn
    from minigrad import optim as optim
    from minigrad import testing as testing
    from minigrad.core.notes import scope as scope
    from minigrad.core.notes import sources as sources
    from minigrad.core.watching import detect_anomaly as detect_anomaly
    from minigrad.core.watching import strict_broadcasting as strict_broadcasting
    from minigrad.drawing import diff as diff
    from minigrad.drawing import draw as draw
    from minigrad.drawing import graph as graph
    from minigrad.drawing import why as why
    from minigrad.files import load as load
    from minigrad.files import save as save
    from minigrad.formulas import formula as formula
    from minigrad.ops.activations import celu as celu
    from minigrad.ops.activations import elu as elu
    from minigrad.ops.activations import gelu as gelu
    from minigrad.ops.activations import hard_swish as hard_swish
    from minigrad.ops.activations import hardtanh as hardtanh
    from minigrad.ops.activations import leaky_relu as leaky_relu
    from minigrad.ops.activations import log_sigmoid as log_sigmoid
    from minigrad.ops.activations import mish as mish
    from minigrad.ops.activations import relu as relu
    from minigrad.ops.activations import selu as selu
    from minigrad.ops.activations import sigmoid as sigmoid
    from minigrad.ops.activations import silu as silu
    from minigrad.ops.activations import softplus as softplus
    from minigrad.ops.activations import softsign as softsign
    from minigrad.ops.attention import scaled_dot_product_attention as scaled_dot_product_attention
    from minigrad.ops.convolution import conv1d as conv1d
    from minigrad.ops.convolution import conv2d as conv2d
    from minigrad.ops.convolution import conv3d as conv3d
    from minigrad.ops.convolution import conv_transpose2d as conv_transpose2d
    from minigrad.ops.dropout import dropout as dropout
    from minigrad.ops.embedding import embedding as embedding
    from minigrad.ops.embedding import one_hot as one_hot
    from minigrad.ops.entropies import binary_cross_entropy as binary_cross_entropy
    from minigrad.ops.entropies import cross_entropy as cross_entropy
    from minigrad.ops.entropies import kl_div as kl_div
    from minigrad.ops.entropies import nll as nll
    from minigrad.ops.error_function import erf as erf
    from minigrad.ops.error_function import erfc as erfc
    from minigrad.ops.losses import hinge as hinge
    from minigrad.ops.losses import huber as huber
    from minigrad.ops.losses import l1 as l1
    from minigrad.ops.losses import mse as mse
    from minigrad.ops.normalisation import batch_norm as batch_norm
    from minigrad.ops.normalisation import group_norm as group_norm
    from minigrad.ops.normalisation import layer_norm as layer_norm
    from minigrad.ops.normalisation import rms_norm as rms_norm
    from minigrad.ops.padding import pad as pad
    from minigrad.ops.pooling import avgpool as avgpool
    from minigrad.ops.pooling import global_avgpool as global_avgpool
    from minigrad.ops.pooling import global_maxpool as global_maxpool
    from minigrad.ops.pooling import maxpool as maxpool
    from minigrad.parallel import threads as threads
    from minigrad.recompute import checkpoint as checkpoint
    from minigrad.tracing import trace as trace
    from minigrad.transforms import grad as grad
    from minigrad.transforms import hessian as hessian
    from minigrad.transforms import hvp as hvp
    from minigrad.transforms import jacobian as jacobian
    from minigrad.transforms import jvp as jvp
    from minigrad.transforms import stop_gradient as stop_gradient
    from minigrad.transforms import value_and_grad as value_and_grad
    from minigrad.transforms import vjp as vjp

WORDS = {  # loaded when first used, by the part of minigrad in which they are
    "core.notes": "scope sources",
    "core.watching": "detect_anomaly strict_broadcasting",
    "drawing": "diff draw graph why",
    "files": "load save",
    "formulas": "formula",
    "ops.activations": "celu elu gelu hard_swish hardtanh leaky_relu log_sigmoid mish relu selu"
    " sigmoid silu softplus softsign",
    "ops.attention": "scaled_dot_product_attention",
    "ops.convolution": "conv1d conv2d conv3d conv_transpose2d",
    "ops.dropout": "dropout",
    "ops.embedding": "embedding one_hot",
    "ops.entropies": "binary_cross_entropy cross_entropy kl_div nll",
    "ops.error_function": "erf erfc",
    "ops.losses": "hinge huber l1 mse",
    "ops.normalisation": "batch_norm group_norm layer_norm rms_norm",
    "ops.padding": "pad",
    "ops.pooling": "avgpool global_avgpool global_maxpool maxpool",
    "parallel": "threads",
    "recompute": "checkpoint",
    "tracing": "trace",
    "transforms": "grad hessian hvp jacobian jvp stop_gradient value_and_grad vjp",
}
PARTS = ("data", "nn", "optim", "testing")  # loaded when first used, as they are
del globals()["tensor"]  # the module, so that mg.tensor(...) says what to write
PART_OF = {word: part for part, words in WORDS.items() for word in words.split()}


def __getattr__(name: str) -> object:
    """Load a word or a part when it is first asked for."""
    if name not in PART_OF and name not in PARTS:
        from minigrad.elsewhere import absent

        raise absent("minigrad", name)
    from importlib import import_module

    part = import_module(f"minigrad.{PART_OF.get(name, name)}")
    found = getattr(part, name) if name in PART_OF else part
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *PART_OF, *PARTS})


__version__ = "0.1.0"
