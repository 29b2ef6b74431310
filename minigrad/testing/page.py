"""The page `docs/ops.md`: every op with its formula, its rule's own source, and what is checked.

`python -m minigrad.testing.page` writes it again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from inspect import getdoc, signature
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.op import Op
from minigrad.core.registry import publish
from minigrad.core.source import formula_of, source_of
from minigrad.testing.conventions import conventions
from minigrad.testing.findings import Report
from minigrad.testing.library import library_ops
from minigrad.testing.op_checks import check_op

PATH = Path(__file__).parents[2] / "docs" / "ops.md"
CERTIFICATE = PATH.with_name("certificate.json")  # what tests/write_certificate.py measured
DTYPES = ("float16", "float32", "float64")
INTRODUCTION = """\
# Every op and its rule

Written by `python -m minigrad.testing.page`; a test fails if this page is out of date.

An op states its value and its derivative once. Here are both as they stand in the source: `z` is
the result, `x, y, ...` are the arrays, `g` is the cotangent of the result. Elementwise ops state
their partial derivatives; linear ones the adjoint in each array; general ones the vector-Jacobian
product. A rule that is a number is that constant.

Each is checked in the modes and to the order that are given, against differences, at the samples
it states: shapes, dtypes, memory layouts, ties and broadcasting included. What a rule chooses where
there is no single derivative was measured when this page was written.

Elementwise rules are held against 50 digits over their whole domain. What stands beside them is
the largest error at {points:,} points of each dtype, of SciPy's functions at a tenth of them, in
units of the last place, in float16, float32 and float64; PyTorch's and JAX's from the same loop;
"wrong" is a nan, or a zero or an infinity where the truth is a normal number. Where a derivative
crosses zero, or `x` is rounded before an exponential, the unit is what the last place of `x` makes
of it: `tests/test_certificate.py` says for which, and which bounds SciPy's own values set.
"""
RULES = {"elementwise": "partial in", "linear": "adjoint in", "general": "vjp in"}

Check = Callable[[Op], Report]


def sections(check: Check = check_op) -> dict[str, str]:
    """The page in parts: the introduction, then one for each family of ops."""
    points = certificate().get("points", 0)
    parts = {"": INTRODUCTION.format(points=points) + made_of_ops()}
    for family, ops in library_ops().items():
        module = import_module(f"minigrad.ops.{family}")
        first = (getdoc(module) or "").split("\n\n")[0]
        texts = [f"## {family}\n\n{first}\n", *[entry(op, check(op), family) for op in ops]]
        parts[family] = "\n".join(texts)
    return parts


def page(check: Check = check_op) -> str:
    """The whole page."""
    return "\n".join(sections(check).values())


def entry(op: Op, report: Report, family: str = "") -> str:
    """What the page says of one op."""
    about = first_sentence(op)
    blocks = [
        f"### {op.name}",
        *[about] * bool(about),
        code(op),
        "\n".join(facts(op, report, family)),
    ]
    return "\n\n".join(blocks) + "\n"


def code(op: Op) -> str:
    """The value as a formula and each rule's source."""
    lines = ["```python", f"z = {value_of(op)}"]
    for i, rule in enumerate(op.rules):
        name = "each array" if op.variadic else array_name(op, i)
        lines += [f"# {RULES[op.kind]} {name}", source_of(rule)]
    return "\n".join([*lines, "```"])


def facts(op: Op, report: Report, family: str = "") -> list[str]:
    """What is checked, whose rule it is, and what the rules choose at kinks."""
    kind = f"{op.kind} in all arrays at once" if op.jointly else op.kind
    line = f"- {kind}, {' and '.join(report.modes)} mode, to order {report.order}"
    names = {known_as(f) for f, ours in publish().items() if ours is op.function}
    numpys = sorted(name for name in names if name.startswith("np."))
    if numpys:
        line += f"; for {', '.join(f'`{name}`' for name in numpys)}"
    errors = accuracy(certificate().get(f"{family}.{op.name}", {}))
    return [line, *[f"- {line}" for line in conventions(op)], *[f"- {errors}"] * bool(errors)]


@cache
def certificate() -> Mapping[str, Any]:
    """The largest errors as they were measured: {op: {engine: {dtype: units}}}."""
    if not CERTIFICATE.exists():
        return {}
    measured: dict[str, Any] = json.loads(CERTIFICATE.read_text(encoding="utf-8"))
    return measured


def accuracy(of: Mapping[str, Any]) -> str:
    """The largest errors of a rule in a line: "largest error 0.5, 1.8, 0.5; PyTorch ..."."""
    names = {"minigrad": "largest error", "PyTorch": "PyTorch", "JAX": "JAX", "second": "order 2"}
    return "; ".join(f"{name} {figures(of[key])}" for key, name in names.items() if key in of)


def figures(of: Mapping[str, Any]) -> str:
    """The errors in each dtype; a dash where there is none."""
    told = [of.get(dtype, "-") for dtype in DTYPES]
    return ", ".join("wrong" if x == "inf" else x if x == "-" else f"{x:g}" for x in told)


def made_of_ops() -> str:
    """The table of the functions that are made of ops, which have no entry of their own."""
    rows = {name: of for name, of in certificate().items() if name != "points" and "." not in name}
    lines = [f"- `{name}`: {accuracy(of)}" for name, of in rows.items()]
    return "\n".join(["", "Functions that are made of ops:", "", *lines, ""]) if rows else ""


def array_name(op: Op, i: int) -> str:
    """The letter of an array."""
    return op.parameters[i] if i < len(op.parameters) else "xyw"[i]


def value_of(op: Op) -> str:
    """The value as a formula, or as a call where it is more than an expression."""
    if isinstance(op.value, np.ufunc):
        return f"{known_as(op.value) or op.name}({', '.join('xyw'[: op.value.nin])})"
    formula = formula_of(op.value)
    if "\n" not in formula and formula != op.value.__name__:
        return formula
    return f"{op.value.__name__}{signature(op.value)}"


def first_sentence(op: Op) -> str:
    """What the docstring of a value function says first, if it has one of its own."""
    if isinstance(op.value, np.ufunc):
        return ""
    text = (getdoc(op.value) or "").split("\n\n")[0]
    own = (getattr(op.value, "__module__", None) or "").startswith("minigrad")
    return " ".join(text.split()) if own else ""


def known_as(function: Any) -> str:
    """The name of a NumPy or SciPy function as its users write it."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"{known_as(owner)}.{function.__name__}"
    name = str(function.__name__)
    special = sys.modules.get("scipy.special")
    for home, called in ((np, "np"), (np.linalg, "np.linalg"), (special, "scipy.special")):
        if getattr(home, name, None) is function:
            return f"{called}.{name}"
    return ""


if __name__ == "__main__":
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(page(), encoding="utf-8")
    print(f"wrote {PATH}")
