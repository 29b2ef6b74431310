"""Mutants: the library with one small mistake, and whether the tests notice.

    python tests/mutants.py --map                     which test calls which function, once
    python tests/mutants.py --number 300 --seed 0     so many mutants, chosen at random
    python tests/mutants.py --all core/sweep.py       all of one module
    python tests/mutants.py --only "core/reach.py reached"   those whose name begins so

For each mutant the tests that call the mutated function run, the quickest first, until one fails,
in a process of its own that knows the mistake and nothing of other mutants. A mutant that takes
too long is caught as well. `equivalent_mutants.toml` lists those that change nothing anybody could
see, each with the reason.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import json
import os
import random
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "minigrad"
EQUIVALENT = TESTS / "equivalent_mutants.toml"
MUTATED = [
    *["core/*.py", "transforms.py", "dispatch.py", "recompute.py", "optim/*.py", "nn/*.py"],
    *["drawing/snapshot.py", "tracing/steps.py"],
]
OF_THE_ENGINE = """
    anomaly blocks broadcast_edges checkpoint copies draw errors first_use indexing integers leaves
    leaving memory moment nn numpy_protocols ops optim overwritten overwritten_shown proofs reads
    recording settings shared_leaves strict_broadcasting sweep tensor testing threads trace
    transforms unusual_rules why
"""  # the tests that have to notice; those of single families of ops are not about it
UNSTEADY = ("seconds", "the_time", "allocates", "nothing_behind", "at_once", "heavy", "fork")
AT_LOADING = [f"tests/test_{name}.py" for name in ("ops", "transforms", "unusual_rules", "proofs")]
FEW = 5
FIRST, MOST = 25, 400  # tests: of the first try, and in all
PATIENCE = 240.0  # seconds, on a busy machine
ROOM = 4 << 30  # bytes


# --- the mistakes -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mutant:
    """One mistake in one function of one module."""

    module: str  # "core/sweep.py"
    function: str  # "sweep.deliver", or "" at the top of the module
    line: int
    before: str
    after: str
    tree: ast.Module
    times: int = 1  # which one of those that read the same

    @property
    def name(self) -> str:
        """What it is called in the list of equivalents; lines that move do not change it."""
        again = f" ({self.times})" if self.times > 1 else ""
        return f"{self.module} {self.function}: {self.before} => {self.after}{again}"


Change = tuple[Callable[[ast.AST], Any], str]

COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
BINARY = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
}  # fmt: skip


def changes(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """What a node could become by mistake, a statement `pass` among it."""
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        other = copy.copy(node)
        other.test = ast.UnaryOp(ast.Not(), node.test)
        yield other, f"not ({ast.unparse(node.test)})"
    if isinstance(node, ast.comprehension):
        for i, test in enumerate(node.ifs):
            other = copy.copy(node)
            other.ifs = [*node.ifs[:i], ast.UnaryOp(ast.Not(), test), *node.ifs[i + 1 :]]
            yield other, f"if not ({ast.unparse(test)})"
    if isinstance(node, ast.BoolOp):
        swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield ast.BoolOp(swapped, node.values), ""
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            ops = [*node.ops[:i], COMPARE[type(op)](), *node.ops[i + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators), ""
    if isinstance(node, ast.BinOp) and type(node.op) in BINARY:
        yield ast.BinOp(node.left, BINARY[type(node.op)](), node.right), ""
    if isinstance(node, ast.AugAssign) and type(node.op) in BINARY:
        yield ast.AugAssign(node.target, BINARY[type(node.op)](), node.value), ""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield node.operand, ""
    if isinstance(node, ast.Constant) and type(node.value) in (bool, int, float):
        flipped = not node.value if isinstance(node.value, bool) else node.value + 1
        yield ast.Constant(flipped), ""
    if isinstance(node, ast.Call):
        yield from fewer_arguments(node)
    if is_droppable(node):
        yield ast.Pass(), "pass"
    if isinstance(node, ast.Return) and node.value is not None and not is_none(node.value):
        yield ast.Return(ast.Constant(None)), ""


def fewer_arguments(node: ast.Call) -> Iterator[tuple[ast.AST, str]]:
    """A call that forgets one of its arguments."""
    for i, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, "strict", "slots"):
            kept = [*node.keywords[:i], *node.keywords[i + 1 :]]
            yield ast.Call(node.func, node.args, kept), f"without {keyword.arg}="
    if len(node.args) > 1 and not isinstance(node.args[-1], ast.Starred):
        yield ast.Call(node.func, node.args[:-1], node.keywords), "without its last argument"


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def is_droppable(node: ast.AST) -> bool:
    """Whether it is a statement that a program would still run without."""
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant | ast.Yield | ast.YieldFrom)
    if isinstance(node, ast.Assign):
        return not any(isinstance(target, ast.Name | ast.Tuple) for target in node.targets)
    return isinstance(node, ast.AugAssign | ast.Raise | ast.Delete | ast.Continue | ast.Break)


def mutants_of(module: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    text = (PACKAGE / module).read_text(encoding="utf-8")
    tree = ast.parse(text)
    found: list[Mutant] = []
    seen: Counter[str] = Counter()

    def visit(parent: Any, function: str, path: list[tuple[str, int | None]]) -> None:
        for field, value in ast.iter_fields(parent):
            if field in NOT_CODE:
                continue
            parts = value if isinstance(value, list) else [value]
            for i, node in enumerate(parts):
                if not isinstance(node, ast.AST) or is_for_people(node, parent):
                    continue
                here = [*path, (field, i if isinstance(value, list) else None)]
                inside = function
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    inside = f"{function}.{node.name}".lstrip(".")
                if function:
                    for changed, after in changes(node):
                        before = short(node)
                        mutant = Mutant(
                            module, function, line_of(node, parent), before,
                            after or short(changed), replaced(tree, here, changed),
                        )  # fmt: skip
                        seen[mutant.name] += 1
                        times = seen[mutant.name]
                        found.append(mutant if times == 1 else with_times(mutant, times))
                visit(node, inside, here)

    visit(tree, "", [])
    return found


NOT_CODE = {"annotation", "returns", "type_comment", "type_params", "bases"}


def is_for_people(node: ast.AST, parent: Any) -> bool:
    """Whether it is text, types or an assertion: what a program does not depend on."""
    text = isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    typed = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    cached = isinstance(node, ast.Call) and ast.unparse(node.func) == "lru_cache"
    arg = getattr(node, "arg", "")  # of `zip`, and of a dataclass: an assertion, and memory
    return text or typed or cached or isinstance(node, ast.Assert) or arg in ("strict", "slots")


def with_times(mutant: Mutant, times: int) -> Mutant:
    return Mutant(
        mutant.module, mutant.function, mutant.line, mutant.before, mutant.after, mutant.tree, times
    )


def short(node: ast.AST) -> str:
    """A node on one line, cut where it is long."""
    if isinstance(node, ast.If | ast.While):
        text = f"{type(node).__name__.lower()} {ast.unparse(node.test)}"
    elif isinstance(node, ast.comprehension):
        text = ast.unparse(node).strip()
    else:
        text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    text = " ".join(text.split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def line_of(node: ast.AST, parent: Any) -> int:
    return getattr(node, "lineno", getattr(parent, "lineno", 0))


def replaced(tree: ast.Module, path: list[tuple[str, int | None]], new: ast.AST) -> ast.Module:
    """The tree with another node at a place; everything else is shared."""
    top: Any = copy.copy(tree)
    node = top
    for k, (field, i) in enumerate(path):
        old = getattr(node, field)
        child = old if i is None else old[i]
        made = new if k == len(path) - 1 else copy.copy(child)
        for attribute in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if hasattr(child, attribute):
                setattr(made, attribute, getattr(child, attribute))
        setattr(node, field, made if i is None else [*old[:i], made, *old[i + 1 :]])
        node = made
    return top


def modules() -> list[str]:
    """The modules that are mutated."""
    found = [p.relative_to(PACKAGE).as_posix() for part in MUTATED for p in PACKAGE.glob(part)]
    return sorted(m for m in found if not m.endswith("__init__.py"))


def chosen(number: int | None, seed: int, parts: list[str]) -> list[Mutant]:
    """So many mutants at random, in the modules' order; those that are equivalent among them."""
    found = [m for module in modules() for m in mutants_of(module)]
    if parts:
        found = [m for m in found if any(m.name.startswith(part) for part in parts)]
    if number is None or number >= len(found):
        return found
    places = random.Random(seed).sample(range(len(found)), number)
    return [found[i] for i in sorted(places)]


def equivalents() -> dict[str, str]:
    """The mutants that change nothing, by name, with the reason."""
    return tomllib.loads(EQUIVALENT.read_text(encoding="utf-8")) if EQUIVALENT.exists() else {}


# --- which test calls what ----------------------------------------------------------------------


class Called:
    """A plugin of pytest that writes down which of the library's functions each test calls."""

    def __init__(self) -> None:
        self.now: set[Any] = set()
        self.calls: dict[str, list[str]] = {}
        self.seconds: dict[str, float] = {}
        self.loading: set[Any] = set()
        self.names: dict[Any, str] = {}

    def look(self, frame: Any, event: str, argument: Any) -> None:
        self.now.add(frame.f_code)

    def begin(self) -> None:
        import threading

        self.now = set()
        threading.settrace(self.look)
        sys.settrace(self.look)

    def end(self) -> list[str]:
        sys.settrace(None)
        return sorted({name for name in map(self.name_of, self.now) if name})

    def name_of(self, code: Any) -> str:
        """`core/sweep.py sweep.deliver` of a function; "" if it is not of the library."""
        if code not in self.names:
            file = code.co_filename
            inside = file.startswith(str(PACKAGE)) and code.co_name != "<module>"
            where = Path(file).relative_to(PACKAGE).as_posix() if inside else ""
            self.names[code] = f"{where} {plain_name(code.co_qualname)}" if inside else ""
        return self.names[code]

    def pytest_sessionstart(self) -> None:
        self.begin()

    def pytest_collection_finish(self) -> None:
        self.calls["loading"] = self.end()

    def pytest_runtest_protocol(self, item: Any) -> None:
        self.started = time.perf_counter()
        self.begin()

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.when == "call" and report.passed:
            self.seconds[report.nodeid] = time.perf_counter() - self.started
        if report.when == "teardown" and report.nodeid in self.seconds:
            self.calls[report.nodeid] = self.end()

    def pytest_sessionfinish(self) -> None:
        sys.settrace(None)


def plain_name(qualified: str) -> str:
    """`sweep.deliver` of `sweep.<locals>.deliver.<locals>.<lambda>`."""
    return ".".join(part for part in qualified.split(".") if not part.startswith("<"))


Map = dict[str, Any]


def map_of_calls() -> Map:
    """Which tests call each function, and how long each takes; made once for these tests."""
    files = sorted(p for p in TESTS.glob("*.py") if "mutants" not in p.stem)
    state = sha256(b"".join(p.read_bytes() for p in files)).hexdigest()[:16]
    kept = Path(tempfile.gettempdir()) / f"minigrad-mutants-{os.getuid()}-{state}.json"
    if not kept.exists():
        in_process(lambda: make_map(kept), patience=3600)
    return json.loads(kept.read_text(encoding="utf-8"))


def make_map(path: Path) -> bool:
    import pytest

    plugin = Called()
    files = [str(p) for name in OF_THE_ENGINE.split() for p in TESTS.glob(f"test_{name}.py")]
    unsteady = " or ".join(UNSTEADY)
    pytest.main([*QUIET, "-k", f"not ({unsteady})", *files], plugins=[plugin])
    tests_of: dict[str, list[str]] = {}
    for test, names in plugin.calls.items():
        for name in names:
            tests_of.setdefault(name, []).append(test)
    made = {"tests": tests_of, "seconds": plugin.seconds}
    path.write_text(json.dumps(made), encoding="utf-8")
    return True


QUIET = [
    *["-q", "-p", "no:cacheprovider", "--no-header", "--tb=no"],
    *["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"],
]


def tests_for(mutant: Mutant, known: Map) -> tuple[list[str], list[str]]:
    """The tests to try first, and those that come after, the quickest of each file in turn."""
    seconds = known["seconds"]
    called = set(known["tests"].get(f"{mutant.module} {mutant.function}", []))
    called.discard("loading")
    if len(called) < FEW:  # it runs when modules are loaded: it serves whoever uses these
        called |= {test for test in seconds if test.partition("::")[0] in AT_LOADING}
    by_file: dict[str, list[str]] = {}
    for test in sorted(called, key=lambda test: (seconds[test], test)):
        by_file.setdefault(test.partition("::")[0], []).append(test)
    named = Path(mutant.module).stem
    order = sorted(by_file, key=lambda file: (named not in file, -len(by_file[file]), file))
    turns = [
        by_file[file][i] for i in range(max(map(len, by_file.values()), default=0))
        for file in order if i < len(by_file[file])
    ]  # fmt: skip
    first = sorted(turns[:FIRST], key=lambda test: order.index(test.partition("::")[0]))
    rest = sorted(turns[FIRST:MOST], key=lambda test: order.index(test.partition("::")[0]))
    return first, rest


# --- running them -------------------------------------------------------------------------------


class Mistaken(SourceFileLoader):
    """Loads a module with its mistake in it."""

    tree: ast.Module

    def get_code(self, name: str) -> Any:
        return compile(ast.fix_missing_locations(self.tree), self.path, "exec")


class Finder:
    """Finds the one module that is mistaken."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = "minigrad." + mutant.module.removesuffix(".py").replace("/", ".")
        self.file = str(PACKAGE / mutant.module)
        self.tree = mutant.tree

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != self.name:
            return None
        loader = Mistaken(name, self.file)
        loader.tree = self.tree
        return spec_from_file_location(name, self.file, loader=loader)


def notices(mutant: Mutant, first: list[str], rest: list[str]) -> bool:
    """In a process of its own: whether some test fails."""
    import pytest

    sys.meta_path.insert(0, Finder(mutant))
    for tests in (first, rest):
        if tests and pytest.main(["-x", *QUIET, *tests]) not in (0, 5):
            return True
    return False


def in_process(work: Callable[[], bool], patience: float) -> Any:
    """Fork, and wait: what `work` returned, or True if it did not come back in time."""
    pid = begun(work)
    return ended(pid, time.monotonic() + patience, wait=True)


def begun(work: Callable[[], bool]) -> int:
    """The id of a new process that does the work."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        import resource

        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        os.chdir(TESTS.parent)
        found = work()
    except BaseException:  # whatever a mistake leads to
        found = True
    os._exit(1 if found else 0)


def ended(pid: int, deadline: float, wait: bool = False) -> bool | None:
    """Whether the process found something; None while it runs."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return True
        if not wait:
            return None
        time.sleep(0.02)


def run(mutants: list[Mutant], processes: int = 2, say: bool = False) -> dict[str, bool]:
    """Whether each mutant is caught, by name."""
    known = map_of_calls()
    for large in ("hypothesis.extra.numpy", "pytest", "scipy.special", "networkx"):
        import_module(large)  # once, for all of them
    assert "minigrad" not in sys.modules, "run this in a process that has not loaded minigrad"
    gc.freeze()
    waiting, running, caught = list(mutants)[::-1], {}, {}
    while waiting or running:
        while waiting and len(running) < processes:
            mutant = waiting.pop()
            first, rest = tests_for(mutant, known)
            work = lambda m=mutant, f=first, r=rest: notices(m, f, r)  # noqa: E731
            running[begun(work)] = mutant, time.monotonic() + PATIENCE
        for pid, (mutant, deadline) in list(running.items()):
            found = ended(pid, deadline)
            if found is not None:
                del running[pid]
                caught[mutant.name] = found
                if say:
                    verdict = "caught  " if found else "SURVIVED"
                    print(verdict, f"{mutant.line:4}", mutant.name, flush=True)
        time.sleep(0.02)
    return {m.name: caught[m.name] for m in mutants}


def summary(caught: dict[str, bool]) -> str:
    """The share that was caught of those that are not equivalent, by module and in all."""
    equal = equivalents()
    rows = []
    for module in ["", *sorted({name.partition(" ")[0] for name in caught})]:
        here = {n: c for n, c in caught.items() if n.startswith(module)}
        real = {n: c for n, c in here.items() if n not in equal}
        share = 100 * sum(real.values()) / max(len(real), 1)
        title = module or "all"
        rows.append(f"{title:26} {len(here):5} mutants, {len(here) - len(real):3} equivalent, "
                    f"{sum(real.values()):5} of {len(real):5} caught: {share:5.1f} %")  # fmt: skip
    return "\n".join(rows[1:] + rows[:1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--number", type=int, default=300, help="how many, chosen at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", nargs="+", metavar="MODULE", help="all mutants of these modules")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="those whose names begin so")
    parser.add_argument("--list", action="store_true", help="name them, run nothing")
    parser.add_argument("--map", action="store_true", help="make the map of calls and stop")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    if asked.map:
        known = map_of_calls()
        print(len(known["seconds"]), "tests,", len(known["tests"]), "functions")
        return
    parts = [*(asked.all or []), *(asked.only or [])]
    mutants = chosen(None if parts else asked.number, asked.seed, parts)
    if asked.list:
        for mutant in mutants:
            print(mutant.line, mutant.name)
        print(len(mutants))
        return
    print(summary(run(mutants, asked.processes, say=True)))


if __name__ == "__main__":
    main()
