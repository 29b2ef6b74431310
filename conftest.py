"""What pytest leaves out when it collects the examples in docstrings."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("scipy") else ["minigrad/ops/special.py"]
