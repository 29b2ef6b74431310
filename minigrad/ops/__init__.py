"""The ops, one family a file: each op stands with its rule and its sample inputs side by side.

All families are loaded here, as NumPy's functions have a rule only once it has been stated.
"""

from minigrad.ops import activations as activations
from minigrad.ops import arithmetic as arithmetic
from minigrad.ops import convolution as convolution
from minigrad.ops import exponential as exponential
from minigrad.ops import indexing as indexing
from minigrad.ops import linalg as linalg
from minigrad.ops import losses as losses
from minigrad.ops import pooling as pooling
from minigrad.ops import reductions as reductions
from minigrad.ops import shaping as shaping
