"""The ops, one family a file: each op stands with its rule and its sample inputs side by side.

All families are loaded here, as NumPy's functions have a rule only once it has been stated.
"""

from minigrad.ops import activations as activations
from minigrad.ops import arithmetic as arithmetic
from minigrad.ops import attention as attention
from minigrad.ops import calculus as calculus
from minigrad.ops import convolution as convolution
from minigrad.ops import cumulative as cumulative
from minigrad.ops import decompositions as decompositions
from minigrad.ops import diagonals as diagonals
from minigrad.ops import dropout as dropout
from minigrad.ops import einsum as einsum
from minigrad.ops import embedding as embedding
from minigrad.ops import entropies as entropies
from minigrad.ops import error_function as error_function
from minigrad.ops import exponential as exponential
from minigrad.ops import filtering as filtering
from minigrad.ops import indexing as indexing
from minigrad.ops import joining as joining
from minigrad.ops import linalg as linalg
from minigrad.ops import losses as losses
from minigrad.ops import missing as missing
from minigrad.ops import normalisation as normalisation
from minigrad.ops import norms as norms
from minigrad.ops import padding as padding
from minigrad.ops import pooling as pooling
from minigrad.ops import products as products
from minigrad.ops import reductions as reductions
from minigrad.ops import rounding as rounding
from minigrad.ops import selecting as selecting
from minigrad.ops import shaping as shaping
from minigrad.ops import sorting as sorting
from minigrad.ops import statistics as statistics
from minigrad.ops import trigonometry as trigonometry
