"""Every way in which Python copies things, for the tests: within a process and to another one."""

import copy
import pickle
import subprocess
import sys


def through_buffers(thing):
    """Pickled with its arrays beside it, in memory that cannot be written."""
    buffers = []
    text = pickle.dumps(thing, protocol=5, buffer_callback=buffers.append)
    return pickle.loads(text, buffers=[bytes(buffer) for buffer in buffers])


PICKLING = {
    f"protocol {p}": lambda thing, p=p: pickle.loads(pickle.dumps(thing, p))
    for p in range(pickle.HIGHEST_PROTOCOL + 1)
}
DEEP = {"deepcopy": copy.deepcopy, **PICKLING, "buffers": through_buffers}
WAYS = {"copy": copy.copy, **DEEP}


def elsewhere(code, thing):
    """What a fresh process makes of a thing: its code reads `thing` and writes `result`."""
    program = (
        "import pickle, sys\n"
        "thing = pickle.load(sys.stdin.buffer)\n"
        f"{code}\n"
        "sys.stdout.buffer.write(pickle.dumps(result))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(thing), capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)
