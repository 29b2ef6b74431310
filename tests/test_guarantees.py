"""The page of promises: every test that it names is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "`test_" in line]


def functions_of(file: Path) -> set[str]:
    """The names of the functions at the top of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_each_promise_names_tests_that_are_there(row):
    named = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", row.split("|")[2])
    assert named
    for file, function in named:
        path = ROOT / "tests" / file
        assert path.exists(), file
        assert not function or function in functions_of(path), f"{file}::{function}"


def test_every_line_of_a_table_is_a_promise_with_a_test():
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    heads = [line for line in lines if line.startswith(("| promise", "| ---"))]
    assert len(lines) == len(ROWS) + len(heads)
    assert len(ROWS) > 40
