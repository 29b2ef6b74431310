"""The engine and its readers with one small mistake at a time: the tests must notice.

The mistakes are made by `mutants.py`, in processes of their own; see there how to run more.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from mutants import EQUIVALENT, chosen, equivalents

NUMBER = 200  # of some 3,500, another choice for every seed
NEEDED = 97.0  # percent


@pytest.mark.long
@pytest.mark.parametrize("seed", [0])
def test_nearly_every_mistake_is_noticed(seed):
    program = Path(__file__).parent / "mutants.py"
    command = [sys.executable, str(program), "--number", str(NUMBER), "--seed", str(seed)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    share = float(re.search(r"^all .* caught: +([\d.]+) %$", said, re.MULTILINE)[1])
    survived = [line for line in said.splitlines() if line.startswith("SURVIVED")]
    known = equivalents()
    assert share >= NEEDED, "\n".join(s for s in survived if not s.endswith(tuple(known)))


def test_each_mutant_has_a_name_of_its_own():
    names = [mutant.name for mutant in chosen(None, 0, [])]
    assert len(names) == len(set(names)) > 2000


@pytest.mark.long
def test_mutants_that_change_nothing_are_still_there_and_have_a_reason():
    known = equivalents()
    there = {mutant.name for mutant in chosen(None, 0, [])}
    assert not known.keys() - there, f"{EQUIVALENT.name}: no longer in the code"
    assert all(len(reason.split()) > 3 for reason in known.values())
