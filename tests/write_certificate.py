"""Measures every rule and writes `docs/certificate.json`: `python tests/write_certificate.py`.

With a number, at so many points of a dtype instead of 20,000 and every float16; SciPy's functions,
of which 50 digits take long, at a tenth of them. PyTorch and JAX are measured in the same loop
where they are installed; else their figures stay as they were.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from certificate import (
    DTYPES,
    exactly,
    measured,
    measured_of_two,
    points,
    quietly,
    some,
    within,
    worst,
)
from test_certificate import BINARY, CONDITION, OPS, SUBJECTS

PATH = Path(__file__).parents[1] / "docs" / "certificate.json"
OTHER_NAMES = {  # NumPy's name: PyTorch's, JAX's
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "absolute": "abs",
}  # fmt: skip


def in_torch(name):
    """PyTorch's derivative of the function of that name, or None."""
    if find_spec("torch") is None:
        return None
    import torch

    called = OTHER_NAMES.get(name, name)
    homes = (torch, torch.special, torch.nn.functional)
    f = next((getattr(home, called) for home in homes if hasattr(home, called)), None)
    f = {
        "log_sigmoid": torch.nn.functional.logsigmoid,
        "hard_swish": torch.nn.functional.hardswish,
        "gelu_tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        "normal_cdf": torch.special.ndtr,
    }.get(name, f)
    if f is None:
        return None

    def derivative(x):
        t = torch.tensor(x, requires_grad=True)
        f(t).sum().backward()
        return t.grad.numpy()

    return derivative


def in_jax(name):
    """JAX's derivative of the function of that name, or None."""
    if find_spec("jax") is None:
        return None
    import jax

    jax.config.update("jax_enable_x64", True)
    homes = (jax.numpy, jax.nn, jax.scipy.special)
    f = next((getattr(home, name) for home in homes if hasattr(home, name)), None)
    f = {
        "softsign": jax.nn.soft_sign,
        "gelu": lambda x: jax.nn.gelu(x, approximate=False),
        "gelu_tanh": jax.nn.gelu,
        "normal_cdf": jax.scipy.stats.norm.cdf,
        "hardtanh": jax.nn.hard_tanh,
    }.get(name, f)
    if f is None:
        return None
    return jax.jit(lambda x: jax.vjp(f, x)[1](jax.numpy.ones_like(x))[0])


def at_most(name, number):
    """How many points are taken of those that there are."""
    return number // 10 if name.startswith("special") else number


def figures(name, truth, f, number=None):
    """The worst distance by engine and dtype, order 1; and of order 2, minigrad's."""
    told = {"minigrad": {}, "second": {}, "PyTorch": {}, "JAX": {}}
    short = name.split(".")[-1]
    for dtype in DTYPES:
        kind = np.dtype(dtype).name
        count = number or (2**16 if dtype is np.float16 else 20_000)
        condition = name in CONDITION
        limit = at_most(name, count)
        for order, _, found in measured(
            f, truth, dtype, count, condition, ["reverse"], at_most=limit
        ):
            told["minigrad" if order == 1 else "second"][kind] = rounded(found.ulp)
        (x,) = some(within(truth, points(dtype, count, truth)), limit)
        known = exactly(truth.first[0], x)
        for engine, derive in (("PyTorch", in_torch(short)), ("JAX", in_jax(short))):
            if derive is None:
                continue
            try:
                found = quietly(derive, x)
            except (RuntimeError, TypeError, NotImplementedError):
                continue  # not for this dtype
            exact = truth.first[0] if condition else None
            told[engine][kind] = rounded(worst(found, known, [x], dtype, exact).ulp)
    return {engine: of for engine, of in told.items() if of}


def figures_of_two(name, number):
    """The same of a function of two arrays, minigrad alone."""
    told = {"minigrad": {}, "second": {}}
    for dtype in DTYPES:
        condition = name in CONDITION
        for partial, _, found in measured_of_two(
            OPS[name].function,
            BINARY[name],
            dtype,
            12,
            condition,
            ["reverse"],
            at_most=at_most(name, number or 20_000),
        ):
            of = told["minigrad" if len(partial) == 1 else "second"]
            kind = np.dtype(dtype).name
            of[kind] = max(of.get(kind, 0.0), rounded(found.ulp), key=as_number)
    return told


def as_number(figure):
    return np.inf if figure == "inf" else figure


def rounded(ulp):
    """Two digits; "inf" where there is no number."""
    return "inf" if ulp > 1e30 else float(f"{ulp:.2g}")


def main(number=None):
    number = number and int(number)
    told = {"points": number or 20_000}
    before = json.loads(PATH.read_text()) if PATH.exists() else {}
    for name, (f, truth) in SUBJECTS.items():
        told[name] = {**before.get(name, {}), **figures(name, truth, f, number)}
        print(name, told[name], flush=True)
    for name in BINARY:
        told[name] = figures_of_two(name, number)
        print(name, told[name], flush=True)
    PATH.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
