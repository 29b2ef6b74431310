"""What is loaded when it is first used: from many threads at once, it cannot fail.

Each function is used first in a forked child. After every statement of the modules that this
loads, another thread uses the function too. So all that could be seen half done is seen.
"""

import os
import subprocess
import sys

import pytest

CHILDREN = """
import ast, importlib.abc, importlib.machinery, os, sys, threading, time, traceback, warnings
import numpy as np
import minigrad as mg
from minigrad.core.registry import announced

warnings.simplefilter("ignore")  # that forking beside threads may deadlock: there are none
REST = "__import__('sys').modules['minigrad'].rest()"


class Slow(importlib.machinery.SourceFileLoader):
    def get_code(self, name):
        tree = ast.parse(self.get_data(self.path))
        body = []
        for statement in tree.body:
            body.append(statement)
            future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            text = isinstance(statement, ast.Expr)
            if not future and not text:
                body.extend(ast.parse(REST).body)
        tree.body = body
        return compile(ast.fix_missing_locations(tree), self.path, "exec")


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if name.startswith("minigrad.") and spec and spec.origin:
            spec.loader = Slow(name, spec.origin)
            return spec
        return None


sys.meta_path.insert(0, Finder())
sys.setswitchinterval(1e-5)


def use(function):
    x = mg.Tensor(np.eye(2) + 0.5, requires_grad=True)
    found = []
    for args in ((x,), (x, x), (x, x, x), (x, 2)):  # some are wrong
        try:
            found.append(repr(function(*args)))
        except Exception as error:
            found.append("".join(traceback.format_exception(error)[-1:]))
    return str(found)


def first_use(function):
    found, threads = [], []

    def run():
        found.append(use(function))

    def rest():
        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        threads[-1].join(0.001)  # it waits until all is loaded, or is through at once

    mg.rest = rest
    run()
    for thread in threads:
        thread.join(60)
    expected = use(function)
    if not threads or found != [expected] * (len(threads) + 1):
        print(name, len(threads), *{*found, expected}, flush=True)


FUNCTIONS = {getattr(f, "__name__", str(f)): f for f in announced}
FIRST = {part: word for word, part in mg.PART_OF.items()}  # a word of each part
NAMES = [*FIRST.values(), *mg.PARTS]
WORDS = {name: (lambda *args, name=name: getattr(mg, name)) for name in NAMES}
CHOSEN = FUNCTIONS if sys.argv[1] == "functions" else WORDS

for name, function in CHOSEN.items():
    child = os.fork()
    if child == 0:
        first_use(function)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.long
@pytest.mark.parametrize("what", ["functions", "words"])
def test_first_use_by_many_threads_at_once(what):
    done = subprocess.run(
        [sys.executable, "-c", CHILDREN, what], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
