"""Testing."""

from minigrad.core.samples import Case as Case
from minigrad.core.samples import Domain as Domain
from minigrad.core.samples import above_one as above_one
from minigrad.core.samples import case as case
from minigrad.core.samples import nonzero as nonzero
from minigrad.core.samples import positive as positive
from minigrad.core.samples import reals as reals
from minigrad.core.samples import unit as unit
from minigrad.errors import DerivativeError as DerivativeError
from minigrad.testing.findings import Report as Report
from minigrad.testing.gradients import check_grads as check_grads
from minigrad.testing.library import library_ops as library_ops
from minigrad.testing.op_checks import check_op as check_op
