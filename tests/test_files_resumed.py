"""A training that goes on from a file, in a fresh process, against one that was never stopped."""

import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import CosineAnnealingLR, LinearLR, OneCycleLR, SequentialLR, StepLR

WARM_UP = SequentialLR([LinearLR(0.02, 0.1, total_iters=4), CosineAnnealingLR(0.02, 20)], [4])
OPTIMIZERS = {
    "sgd": lambda p: mg.optim.SGD(p, 0.05),
    "sgd with a schedule": lambda p: mg.optim.SGD(p, StepLR(0.05, 3, 0.7)),
    "momentum": lambda p: mg.optim.SGD(p, 0.02, momentum=0.9, weight_decay=0.01),
    "momentum with a schedule": lambda p: mg.optim.SGD(p, WARM_UP, momentum=0.9),
    "adam": lambda p: mg.optim.Adam(p, 0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.01),
    "adam with a schedule": lambda p: mg.optim.Adam(p, OneCycleLR(0.02, 100)),
    "adamw": lambda p: mg.optim.AdamW(p, 0.01),
    "adamw with a schedule": lambda p: mg.optim.AdamW(p, WARM_UP, weight_decay=0.1),
    "rmsprop": lambda p: mg.optim.RMSprop(p, 0.01, momentum=0.9, centered=True),
    "rmsprop with a schedule": lambda p: mg.optim.RMSprop(p, lambda step: 0.02 / (1 + step)),
}
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(21, 3)), RNG.normal(size=(21, 2))


class Network(mg.nn.Module):
    """Dropout, a running mean, tied weights, a part that joins later, a step of its own count."""

    def __init__(self, rng, dtype):
        self.layers = [mg.nn.Linear(3, 3, rng=rng, dtype=dtype), mg.nn.Dropout(0.3, rng=rng)]
        self.last = mg.nn.Linear(3, 2, rng=rng, dtype=dtype)
        self.late = mg.Tensor(np.ones(2), requires_grad=True, dtype=dtype)
        self.tied = self.layers[0].weight
        self.mean = mg.Tensor(np.zeros(3), dtype=dtype)
        self.calls = mg.Tensor(0)

    def forward(self, x):
        self.calls.assign(self.calls.data + 1)
        for layer in self.layers:
            x = layer(x)
        x = np.tanh(x) @ self.tied
        self.mean.assign(0.9 * self.mean.data + 0.1 * x.data.mean(0))
        x = self.last(x - self.mean)
        return x * self.late if self.calls.item() > 12 else x


def start(kind, dtype, seed):
    """A training at its beginning; every seed but 0 is for one to be filled."""
    rng = np.random.default_rng(seed)
    network = Network(rng, dtype)
    return {
        "network": network,
        "optimizer": OPTIMIZERS[kind](network.parameters()),
        "batches": mg.data.batches(X.astype(dtype), Y.astype(dtype), size=5, shuffle=seed),
        "noise": rng,  # which is dropout's as well
        "epoch": 0,
        "losses": [],
    }


def train(state, epochs):
    """So many epochs more."""
    network, optimizer = state["network"], state["optimizer"]
    for _ in range(epochs):
        state["epoch"] += 1
        for x, y in state["batches"]:
            noise = state["noise"].normal(0, 0.01, x.shape).astype(x.dtype)
            loss = mg.mse(network(x + noise), y)
            optimizer.zero_grad()
            loss.backward()
            mg.optim.clip_grad_norm(network.parameters(), 1.0)
            optimizer.step()
            state["losses"].append(loss.item())
    return state


def plain(kept):
    """Arrays and numbers as text that shows every bit."""
    if isinstance(kept, list | tuple):
        return [plain(x) for x in kept]
    return kept.tobytes().hex() if isinstance(kept, np.ndarray) else repr(kept)


def bits(state):
    """Everything there is at the end, to the last bit."""
    optimizer = state["optimizer"]
    return repr(
        (
            [t.data.tobytes().hex() for _, t in state["network"].named_tensors()],
            [float(x).hex() for x in state["losses"]],
            [plain(getattr(optimizer, key)) for key in optimizer.keeps],
            state["epoch"],
            state["noise"].bit_generator.state,
            state["network"].layers[1].rng.bit_generator.state,
        )
    )


@pytest.mark.parametrize("end", [".safetensors", ".npz"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_training_goes_on_to_the_last_bit(tmp_path, kind, dtype, end):
    state = start(kind, dtype, 0)
    train(state, 2)
    mg.save(tmp_path / f"state{end}", state)
    wanted = bits(train(state, 2))
    again = mg.load(tmp_path / f"state{end}", start(kind, dtype, 7))
    assert bits(again) != wanted
    assert bits(train(again, 2)) == wanted


def test_a_training_goes_on_in_a_fresh_process(tmp_path):
    kinds = [kind for kind in OPTIMIZERS if "lambda" not in kind]
    wanted = []
    for i, kind in enumerate(kinds):
        state = train(start(kind, "f8", 0), 2)
        mg.save(tmp_path / f"{i}.safetensors", state)
        wanted.append(bits(train(state, 2)))
    program = (
        "import sys, minigrad as mg, test_files_resumed as t\n"
        f"for i, kind in enumerate({kinds!r}):\n"
        "    path = f'{sys.argv[1]}/{i}.safetensors'\n"
        "    print(t.bits(t.train(mg.load(path, t.start(kind, 'f8', 7)), 2)))\n"
    )
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"]
    found = subprocess.check_output([*command, str(tmp_path)], text=True).splitlines()
    assert found == wanted


def test_what_is_not_loaded_shows(tmp_path):
    """The comparison sees each part: leave one out, and the training is another."""
    path = tmp_path / "state.safetensors"
    state = train(start("adam with a schedule", "f8", 0), 2)
    mg.save(path, state)
    wanted = bits(train(state, 2))
    for part in ("network", "optimizer", "batches"):
        fresh = start("adam with a schedule", "f8", 7)
        mg.load(path, {**fresh, part: None})
        fresh["epoch"], fresh["losses"] = 2, state["losses"][:10]
        assert bits(train(fresh, 2)) != wanted


SETTINGS = {
    "SGD": ({"lr": 0.2, "momentum": 0.9, "weight_decay": 0.1}, {"momentum": 0.5}),
    "Adam": ({"lr": 0.2, "betas": (0.5, 0.6), "eps": 1e-3, "weight_decay": 0.1}, {}),
    "AdamW": ({"lr": 0.2, "betas": (0.5, 0.6), "eps": 1e-3, "weight_decay": 0.2}, {}),
    "RMSprop": (
        {"lr": 0.2, "alpha": 0.5, "eps": 1e-3, "momentum": 0.9, "weight_decay": 0.1},
        {"momentum": 0.5},
    ),
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_are_those_of_the_file(tmp_path, kind):
    settings, others = SETTINGS[kind]
    w, v = (mg.Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    optimizer = getattr(mg.optim, kind)([w], **settings)
    other = getattr(mg.optim, kind)([v], **{"lr": 0.1, **others})
    mg.save(tmp_path / "a.npz", optimizer)
    mg.load(tmp_path / "a.npz", other)
    assert {name: getattr(other, name) for name in settings} == settings
    for _ in range(3):
        w.grad, v.grad = np.sin(w.data), np.sin(v.data)
        optimizer.step()
        other.step()
    assert w.data.tobytes() == v.data.tobytes()


def test_an_optimizer_of_ones_own_says_what_it_keeps(tmp_path):
    class Heavy(mg.optim.Optimizer):
        keeps = (*mg.optim.Optimizer.keeps, "drag", "speed")

        def __init__(self, parameters, lr, drag):
            super().__init__(parameters, lr)
            self.drag = drag
            self.speed = self.buffers()

        def update(self, i, value, grad):
            self.speed[i] *= self.drag
            self.speed[i] -= self.lr * grad
            value += self.speed[i]

    def run(optimizer, w, steps):
        for _ in range(steps):
            w.grad = np.sin(w.data)
            optimizer.step()

    w, v = (mg.Tensor(np.arange(3.0), requires_grad=True) for _ in range(2))
    optimizer, other = Heavy([w], 0.1, 0.5), Heavy([v], 0.2, 0.1)
    run(optimizer, w, 3)
    mg.save(tmp_path / "heavy.npz", (w, optimizer))
    run(optimizer, w, 3)
    mg.load(tmp_path / "heavy.npz", (v, other))
    assert (other.lr, other.drag, other.steps) == (0.1, 0.5, 3)
    run(other, v, 3)
    assert v.data.tobytes() == w.data.tobytes()
