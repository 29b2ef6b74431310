"""The house: imports point one way, files are small, and importing minigrad loads NumPy alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad
from minigrad.ops import LATE

ROOT = Path(minigrad.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
LAYERS = [  # a part may import from the ones before it, and from within itself
    {"errors", "interrupt"},
    {"core"},
    {"ops"},
    {"dispatch", "elsewhere", "methods"},
    {"tensor"},
    {"functions"},
    {"transforms"},
    {"nn", "optim", "data", "recompute", "formulas", "parallel"},
    {"drawing", "compiling", "testing", "files"},
    {"tracing"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
BY_PUBLIC_NAMES = {"testing/programs.py", "formulas/words.py"}  # their texts are a user's
ON_FIRST_USE = {"special", "special_bessel", "special_normal"}  # of ops: they wait for SciPy
HEAVY = [
    *("networkx", "graphviz", "pygraphviz", "hypothesis", "scipy", "rich", "typer", "click"),
    *("threadpoolctl", "concurrent.futures", "safetensors", "zipfile"),
]


def part_of(file: Path) -> str:
    """The top-level part a file belongs to: `ops` for minigrad/ops/shaping.py."""
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_parts(file: Path) -> set[str]:
    """The parts of minigrad that a file imports, those under TYPE_CHECKING as well."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: write the import in full"
            modules = [node.module or ""]
            if node.module == "minigrad":
                modules = [f"minigrad.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            package, *rest = module.split(".")
            if package == "minigrad":
                found.add(rest[0] if rest else "__init__")
    return found


def test_every_part_has_its_place():
    assert {part_of(file) for file in FILES} <= LEVEL.keys()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_one_way(file):
    own = part_of(file)
    allowed = {"__init__"} if file.relative_to(ROOT).as_posix() in BY_PUBLIC_NAMES else set()
    for other in imported_parts(file) - {own} - allowed:
        name = other if other in LEVEL else "__init__"  # a name of the public face
        assert LEVEL[name] < LEVEL[own], f"{own} imports {other}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_are_small(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_centre_needs_numpy_only():
    for file in FILES:
        if LEVEL[part_of(file)] > LEVEL["transforms"] or file.stem in ON_FIRST_USE:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in {"minigrad", "numpy", *sys.stdlib_module_names}, f"{file}: {name}"


def loaded_by(program: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running `program`."""
    return set(printed_by(program + "\nimport sys; print(*sorted(sys.modules))").split())


def printed_by(program: str) -> str:
    """What `program` prints in a fresh interpreter; an error there is one here."""
    return subprocess.check_output([sys.executable, "-c", program], text=True)


def test_importing_minigrad_loads_numpy_and_nothing_heavy():
    loaded = loaded_by("import minigrad")
    assert "numpy" in loaded
    assert not [name for name in HEAVY if name in loaded]
    third_party = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    before = {name.partition(".")[0] for name in loaded_by("import numpy")}
    assert third_party - before == {"minigrad"}


ANNOUNCED_OR_LOADED = """
import sys
import minigrad
from minigrad.core.registry import announced, publish, registry

at_first, late = set(registry), dict(announced)
loaded = set(sys.modules)
sys.modules["scipy"] = None
minigrad.testing.library_ops()
publish()
print(*at_first & late.keys(), *set(registry) ^ (at_first | late.keys()))
assert len(registry) > 200 > len(at_first)
assert not loaded & set(late.values())
"""


def test_what_has_a_rule_for_numpy_is_loaded_or_announced():
    """A family that states a rule and is neither would leave NumPy's function without it."""
    assert printed_by(ANNOUNCED_OR_LOADED).split() == []


@pytest.mark.parametrize("family", LATE)
def test_a_late_family_can_come_first_and_states_what_was_announced(family):
    printed = printed_by(
        f"import minigrad.ops.{family} as family\n"
        "from minigrad.core.registry import announced, publish\n"
        "its = [f for f, module in announced.items() if module == family.__name__]\n"
        "print(len(its), sum(f in publish() for f in its))"
    )
    its, stated = map(int, printed.split())
    assert its == stated > 0


def test_an_op_of_ones_own_does_not_come_before_the_rule_that_was_announced():
    printed = printed_by(
        "import numpy as np, minigrad as mg\n"
        "mg.elementwise(np.sinh, lambda z, x: 7 * z, name='mine')\n"
        "print(mg.grad(np.sinh)(0.5) == np.cosh(0.5))"
    )
    assert printed.strip() == "True"


def test_no_word_of_its_own_is_loaded_before_it_is_used():
    parts = {f"minigrad.{part}" for part in minigrad.WORDS}
    assert not loaded_by("import minigrad") & parts


def test_words_are_where_they_are_said_to_be():
    stated = [name for names in minigrad.WORDS.values() for name in names.split()]
    assert len(stated) == len(set(stated))
    for name in stated:
        assert getattr(minigrad, name).__name__ == name
        assert name in dir(minigrad)


def test_public_names_are_there():
    names = (
        "Tensor no_grad vjp grad value_and_grad elementwise linear general relu sigmoid softmax "
        "log_softmax logsumexp conv2d maxpool avgpool mse cross_entropy binary_cross_entropy nn "
        "optim data"
    )
    for name in names.split():
        assert getattr(minigrad, name) is not None
