"""How fast minigrad is, measured as ratios to peers: `python -m benchmarks`."""

import os

# before NumPy is loaded: two BLAS threads wait for each other for milliseconds as soon as anything
# else runs beside them, and then nothing is measured but that
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
