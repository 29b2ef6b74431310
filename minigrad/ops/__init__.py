"""The ops, one family a file: each op stands with its rule and its sample inputs side by side.

Those with rules for NumPy's functions are loaded here: a function has one only once it has been
stated. The others are loaded when one of their words is first used.
"""

from minigrad.ops import arithmetic as arithmetic
from minigrad.ops import calculus as calculus
from minigrad.ops import cumulative as cumulative
from minigrad.ops import decompositions as decompositions
from minigrad.ops import diagonals as diagonals
from minigrad.ops import einsum as einsum
from minigrad.ops import exponential as exponential
from minigrad.ops import filtering as filtering
from minigrad.ops import indexing as indexing
from minigrad.ops import joining as joining
from minigrad.ops import linalg as linalg
from minigrad.ops import missing as missing
from minigrad.ops import norms as norms
from minigrad.ops import padding as padding
from minigrad.ops import products as products
from minigrad.ops import reductions as reductions
from minigrad.ops import rounding as rounding
from minigrad.ops import selecting as selecting
from minigrad.ops import shaping as shaping
from minigrad.ops import softmax as softmax
from minigrad.ops import sorting as sorting
from minigrad.ops import statistics as statistics
from minigrad.ops import trigonometry as trigonometry
