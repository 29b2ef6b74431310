"""Words of other libraries, and what to write for them here.

Nothing of it runs unless a word is asked for that is not there. Modules are asked through their
`__getattr__`, which Python calls then only. On a class that would cost every call a tenth of its
time, so classes have the words as attributes that raise the `AttributeError` of a missing one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, NoReturn

import numpy as np

from minigrad.core.registry import rule_for

MADE = "write mg.Tensor(values, requires_grad=True)"
NO_DEVICE = "leave it out: minigrad computes where NumPy does, on the CPU"
RANDOM = "write rng = np.random.default_rng(0), then mg.Tensor(rng.normal(size=shape))"
STATE = "write mg.save(path, thing) and mg.load(path, thing)"
WRITTEN = "write t.assign(values), which writes into a leaf"

OF_MODULES = {  # what a word is called here; what differs in case, "_", "2d" or "Loss" is found
    "tensor Variable Parameter as_tensor from_numpy": MADE,
    "randn rand randint randn_like rand_like": RANDOM,
    "manual_seed seed": "give rng=0, or a Generator, to what draws: mg.nn.Linear(2, 1, rng=0)",
    "cat": "write np.concatenate([s, t])",
    "numpy np": "write import numpy as np",
    "mm bmm mv": "write a @ b",
    "clamp": "write np.clip(t, low, high)",
    "unsqueeze": "write np.expand_dims(t, axis)",
    "permute": "write np.transpose(t, axes)",
    "enable_grad inference_mode set_grad_enabled": "write with mg.no_grad(): before what is not "
    "to be recorded; all else is",
    "backward": "write loss.backward(); the gradients are in w.grad then",
    "autograd gradient gradients elementwise_grad": "write mg.grad(f)(x), or loss.backward()",
    "vjp_fun jacrev jacfwd": "write mg.jacobian(f), mg.vjp(f, x) or mg.jvp(f, (x,), (t,))",
    "vmap": "write the function for whole batches: NumPy's functions broadcast over the first axes",
    "jit": "call the function itself",
    "detach": "write t.detach(), or mg.stop_gradient(t) inside a function",
    "functional F": "the functions are in mg itself, such as mg.relu",
    "cuda device to set_default_device": NO_DEVICE,
    "set_default_dtype": "give dtype=np.float32 where a tensor or a layer is made",
    "Dataset DataLoader TensorDataset": "write mg.data.batches(x, y, size=32, shuffle=0)",
    "random_split train_test_split": "write mg.data.split(x, y, held_out=0.2)",
    "load_mnist MNIST mnist load_digits": "write mg.data.digits(), or mg.data.read_idx(path)",
    "gradcheck check_grads": "write mg.testing.check_grads(f, x)",
    "Dense": "write mg.nn.Linear(inputs, outputs)",
    "init": "write mg.nn.Linear(inputs, outputs, initialise=...)",
    "utils": "write mg.optim.clip_grad_norm(parameters, max_norm)",
    "Adagrad Adadelta Adamax NAdam LBFGS": "there are SGD, RMSprop, Adam and AdamW",
    "lr_scheduler": "write lr=mg.optim.StepLR(0.1, 30), or another schedule of mg.optim",
    "ModuleList ModuleDict ParameterList": "take a list or a dict: modules look inside them",
    "LSTM RNN GRU Embedding MultiheadAttention Transformer": "write a mg.nn.Module of your own",
}

OF_TENSORS = {
    "relu sigmoid softmax log_softmax log_sigmoid gelu silu elu selu celu leaky_relu softplus "
    "softsign hardtanh mish hard_swish erf erfc logsumexp dropout layer_norm": "write mg.{word}(t)",
    "abs exp expm1 exp2 log log1p log2 log10 sqrt square sin cos tan sinh cosh tanh asin acos atan "
    "arcsin arccos arctan floor ceil sign sinc median quantile diff flip roll tile tril triu outer "
    "nansum nanmean pow add subtract multiply divide matmul maximum minimum logaddexp einsum "
    "where stack concatenate split isnan isfinite expand_dims "
    "broadcast_to": "write np.{word}(t, ...)",
    "norm det inv": "write np.linalg.{word}(t)",
    "log_ sigmoid_ relu_ zero_ fill_ add_ sub_ mul_ div_ copy_ clamp_ normal_ uniform_ detach_ "
    "set_": WRITTEN,
    "view view_as": "write t.reshape(shape)",
    "unsqueeze": "write np.expand_dims(t, axis)",
    "permute": "write t.transpose(axes)",
    "t": "write t.T",
    "numel nelement": "write t.size",
    "dim ndimension": "write t.ndim",
    "mm bmm mv": "write a @ b",
    "mul sub div neg": "use the operators * - /",
    "clone": "write t.copy()",
    "contiguous": "leave it out: how a tensor lies in memory makes no difference",
    "expand expand_as": "write np.broadcast_to(t, shape)",
    "requires_grad_": "write t.requires_grad = True",
    "zero_grad": "write t.grad = None, or optimizer.zero_grad()",
    "grad_fn creator": "write t.op and t.inputs",
    "is_leaf": "write t.op is None",
    "retain_grad register_hook": "write mg.trace(loss), which shows all gradients inside",
    "cuda cpu device": NO_DEVICE,
    "to type float double half int long bool": "write t.astype(np.float32), or another dtype",
    "tobytes strides flat flags real imag base": "write t.numpy().{word}",
    "values value array": "write t.data, or t.numpy()",
    "gradient": "write t.grad",
    "clamp": "write np.clip(t, low, high)",
    "masked_fill": "write np.where(mask, value, t)",
    "gather": "write np.take_along_axis(t, indices, axis)",
    "index_select": "write np.take(t, indices, axis)",
    "rsqrt": "write 1 / np.sqrt(t)",
    "at set": "write np.where(mask, new, t) for a new tensor, or t.assign(values) for a leaf",
}

OF_NETWORKS = {
    "state_dict load_state_dict save load save_weights load_weights": STATE,
    "to cuda cpu": NO_DEVICE,
    "float double half": "give dtype=np.float32 where the layers are made",
    "params parameter trainable_variables": "write module.parameters()",
    "named_params": "write module.named_parameters()",
    "zero_grads": "write module.zero_grad()",
    "requires_grad requires_grad_": "write p.requires_grad = False for p in module.parameters()",
    "backward": "write loss.backward(), of the loss that was computed with it",
    "fit": "write the loop yourself: loss.backward(), optimizer.step(), optimizer.zero_grad()",
    "predict": "write module(x)",
    "add append add_module": "write mg.nn.Sequential(*module.layers, layer)",
    "children modules": "write vars(module), or module.layers of a Sequential",
    "register_buffer register_parameter": "keep it as an attribute: self.scale = mg.Tensor(values)",
    "summary": "write mg.draw(module(x), depth=0), or module.named_parameters()",
    "weights kernel": "write layer.weight",
}

OF_OPTIMIZERS = {
    "zero_grads": "write optimizer.zero_grad()",
    "minimize apply_gradients": "write loss.backward(), then optimizer.step()",
    "state_dict load_state_dict": STATE,
    "param_groups add_param_group": "write optimizer.lr = 0.1, or make one optimizer each",
}

OF_PICTURES = {
    "show view render plot display savefig write to_file": '.save("net.svg"); a notebook shows it',
}


class Absent:
    """An attribute that is not there: asking for it says what to write instead."""

    __slots__ = ("instead", "word")

    def __init__(self, word: str, instead: str) -> None:
        self.word = word
        self.instead = instead

    def __get__(self, thing: Any, owner: type) -> NoReturn:
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self.word!r}: {self.instead}.",
            name=self.word,
        )

    def __repr__(self) -> str:
        return f"<not here: {self.instead}>"


def explain_absent(owner: type, table: Mapping[str, str]) -> None:
    """Have a class say what to write for words that it has not."""
    for words, instead in table.items():
        for word in words.split():
            if not hasattr(owner, word):
                setattr(owner, word, Absent(word, instead.replace("{word}", word)))


def present(thing: Any) -> list[str]:
    """The attributes that a thing has: `dir` without the absent ones."""
    classes = type(thing).__mro__
    listed: Iterable[str] = object.__dir__(thing)
    own = getattr(thing, "__dict__", {})

    def is_there(word: str) -> bool:
        stated = next((vars(c)[word] for c in classes if word in vars(c)), None)
        return word in own or not isinstance(stated, Absent)

    return [word for word in listed if is_there(word)]


def call_of(function: Any, written: str) -> str:
    """How one calls a function of NumPy's, for a message."""
    arrays = getattr(function, "nin", 0)
    return written + {0: "(t, ...)", 1: "(t)", 2: "(s, t)"}.get(arrays, "(...)")


def in_numpy(word: str) -> str:
    """How one writes a name of NumPy's: `np.tanh`, `np.linalg.norm`; "" where it has none."""
    for module, written in ((np, "np"), (np.linalg, "np.linalg")):
        if word in dir(module) and not isinstance(getattr(module, word), ModuleType):
            return f"{written}.{word}"
    return ""


# --- modules ----------------------------------------------------------------------------------

PARTS = {"minigrad": "mg", "minigrad.nn": "mg.nn", "minigrad.optim": "mg.optim"}
PARTS |= {"minigrad.data": "mg.data", "minigrad.testing": "mg.testing"}


def absent(module: str, word: str) -> AttributeError:
    """The error for a word that a module of minigrad has not: it says what to write instead."""
    missing = f"module {module!r} has no attribute {word!r}"
    advice = "" if word.startswith("_") else advice_on(module, word)
    end = "" if advice.endswith("?") else "."
    return AttributeError(f"{missing}: {advice}{end}" if advice else missing, name=word)


def advice_on(module: str, word: str) -> str:
    """What to write for a word: ours for it, NumPy's, or one that is spelled nearly so."""
    table = {each: instead for words, instead in OF_MODULES.items() for each in words.split()}
    if word in table:
        return table[word]
    written = in_numpy(word)
    function = named(written)
    if function is not None and rule_for(function) is not None:
        return f"NumPy's own function takes tensors; write {call_of(function, written)}"
    for spelled in (plain, stem):
        same = [name for name in public(module) if spelled(last(name)) == spelled(word)]
        if same:
            same.sort(key=lambda name: last(name) != word)
            return f"write {' or '.join(same)}"
    if written:
        return f"NumPy has it; write {written}, and mg.Tensor(array) for a tensor of an array"
    from difflib import get_close_matches

    known = {last(name): name for name in reversed(list(public(module)))}
    close = get_close_matches(word, known, n=1, cutoff=0.7)
    return f"is {known[close[0]]} meant?" if close else ""


def last(written: str) -> str:
    """The word after the last dot."""
    return written.rpartition(".")[2]


def named(written: str) -> Any:
    """What NumPy has under a name: the function for `np.linalg.norm`; None for ""."""
    found: Any = np if written else None
    for name in written.split(".")[1:]:
        found = getattr(found, name)
    return found


def plain(word: str) -> str:
    """A word without what libraries write differently: `conv2D`, `Conv2d`, `conv_2d`."""
    return word.lower().replace("_", "")


def stem(word: str) -> str:
    """The same without endings that say the kind: `max_pool2d`, `MaxPool`; `MSELoss`, `mse`."""
    word = plain(word)
    for ending in ("1d", "2d", "3d", "loss"):
        if len(word) > len(ending) + 1:
            word = word.removesuffix(ending)
    return word


def public(first: str) -> Iterator[str]:
    """Every public name as one writes it, those of the module `first` before the others."""
    for module in (first, *(part for part in PARTS if part != first)):
        found = import_module(module)
        for name in dir(found):
            if not name.startswith("_") and is_public(found, name):
                yield f"{PARTS[module]}.{name}"


def is_public(module: ModuleType, name: str) -> bool:
    """Whether a name of a module is a function or a class of minigrad's."""
    thing = getattr(module, name)
    ours = str(getattr(thing, "__module__", "")).startswith("minigrad")
    return ours and isinstance(thing, type | FunctionType)
