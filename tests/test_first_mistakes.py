"""What people meet first: wrong calls as they type them, and the sentence that says what to do.

One table. Each row is the code, the class of the error (ours, or the built-in it refines), and
words of the message, its advice among them.
"""

import copy
import inspect
import json
import math
import pickle
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.elsewhere import (
    OF_MODULES,
    OF_NETWORKS,
    OF_OPTIMIZERS,
    OF_PICTURES,
    OF_TENSORS,
    Absent,
)
from minigrad.errors import (
    DataError,
    FormulaError,
    GradientTypeError,
    GraphError,
    LeavesGraphError,
    ShapeError,
)


def around():
    """The variables of the code in the table."""
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    m = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    s = mg.Tensor(1.0, requires_grad=True)
    t = s * 2
    network = mg.nn.Sequential(mg.nn.Linear(2, 8, rng=0), mg.relu, mg.nn.Linear(8, 1, rng=1))
    return {
        "mg": mg,
        "np": np,
        "math": math,
        "copy": copy,
        "pickle": pickle,
        "w": w,
        "m": m,
        "s": s,
        "t": t,
        "loss": (w * w).sum(),
        "network": network,
        "layer": network[0],
        "optimizer": mg.optim.SGD([w], lr=0.1),
        "images": np.ones((2, 3, 8, 8)),
        "filters": np.ones((4, 3, 3, 3)),
        "logits": mg.Tensor(np.zeros((2, 3)), requires_grad=True),
    }


WORDS = [  # other libraries' words, of the modules
    ("mg.tensor([1.0])", "mg.Tensor("),
    ("mg.array([1.0])", "np.array"),
    ("mg.zeros(3)", "np.zeros"),
    ("mg.ones((2, 3))", "np.ones"),
    ("mg.arange(3)", "np.arange"),
    ("mg.float32", "np.float32"),
    ("mg.randn(2, 3)", "np.random.default_rng(0)"),
    ("mg.manual_seed(0)", "rng=0"),
    ("mg.from_numpy(images)", "mg.Tensor("),
    ("mg.Parameter(w)", "requires_grad=True"),
    ("mg.tanh(w)", "NumPy's own function takes tensors; write np.tanh(t)"),
    ("mg.exp(w)", "write np.exp(t)"),
    ("mg.sin(w)", "write np.sin(t)"),
    ("mg.log(w)", "write np.log(t)"),
    ("mg.sqrt(w)", "write np.sqrt(t)"),
    ("mg.abs(w)", "write np.abs(t)"),
    ("mg.maximum(w, 0)", "write np.maximum(s, t)"),
    ("mg.einsum('i,i', w, w)", "write np.einsum"),
    ("mg.norm(w)", "write np.linalg.norm"),
    ("mg.cat([w, w])", "np.concatenate"),
    ("mg.mm(m, m)", "a @ b"),
    ("mg.clamp(w, 0, 1)", "np.clip"),
    ("mg.unsqueeze(w, 0)", "np.expand_dims"),
    ("mg.nograd()", "mg.no_grad"),
    ("mg.enable_grad()", "mg.no_grad()"),
    ("mg.backward(loss)", "loss.backward()"),
    ("mg.autograd.grad(loss, w)", "mg.grad(f)(x)"),
    ("mg.gradient(loss, w)", "loss.backward()"),
    ("mg.jit(np.sin)", "call the function itself"),
    ("mg.vmap(np.sin)", "broadcast"),
    ("mg.device('cuda')", "CPU"),
    ("mg.mse_loss(w, w)", "write mg.mse"),
    ("mg.max_pool2d(images, 2)", "write mg.maxpool"),
    ("mg.BatchNorm2d(3)", "write mg.batch_norm"),
    ("mg.Linear(2, 3)", "write mg.nn.Linear"),
    ("mg.SGD([w], 0.1)", "write mg.optim.SGD"),
    ("mg.functional.relu(w)", "mg.relu"),
    ("mg.Tenosr([1.0])", "is mg.Tensor meant?"),
    ("mg.jacobi(np.sin)", "is mg.jacobian meant?"),
    ("mg.nn.Conv2D(3, 4, 3)", "write mg.nn.Conv2d"),
    ("mg.nn.Dense(2, 3)", "mg.nn.Linear(inputs, outputs)"),
    ("mg.nn.relu(w)", "write mg.relu or mg.nn.ReLU"),
    ("mg.nn.GELU()", "write mg.gelu"),
    ("mg.nn.Softmax()", "write mg.softmax"),
    ("mg.nn.MSELoss()", "write mg.mse"),
    ("mg.nn.CrossEntropyLoss()", "write mg.cross_entropy"),
    ("mg.nn.MaxPool2d(2)", "write mg.nn.MaxPool or mg.maxpool"),
    ("mg.nn.ModuleList()", "a list or a dict"),
    ("mg.nn.Parameter(w)", "mg.Tensor("),
    ("mg.nn.functional.relu(w)", "mg.relu"),
    ("mg.optim.adam([w])", "write mg.optim.Adam"),
    ("mg.optim.sgd([w], 0.1)", "write mg.optim.SGD"),
    ("mg.optim.Adagrad([w])", "RMSprop"),
    ("mg.optim.lr_scheduler.StepLR(0.1, 3)", "lr=mg.optim.StepLR"),
    ("mg.optim.clip_grad_norm_([w], 1)", "write mg.optim.clip_grad_norm"),
    ("mg.data.DataLoader(images)", "mg.data.batches("),
    ("mg.data.batch(images)", "is mg.data.batches meant?"),
    ("mg.data.train_test_split(images)", "mg.data.split("),
    ("mg.testing.gradcheck(np.sin, w)", "mg.testing.check_grads"),
]

METHODS = [  # of tensors, networks, optimizers
    ("w.relu()", "write mg.relu(t)"),
    ("w.sigmoid()", "write mg.sigmoid(t)"),
    ("w.softmax(0)", "write mg.softmax(t)"),
    ("w.exp()", "write np.exp(t"),
    ("w.tanh()", "write np.tanh(t"),
    ("w.log()", "write np.log(t"),
    ("w.abs()", "write np.abs(t"),
    ("w.pow(2)", "write np.pow(t"),
    ("w.norm()", "write np.linalg.norm(t)"),
    ("w.matmul(w)", "write np.matmul(t"),
    ("w.view(2, 1)", "write t.reshape(shape)"),
    ("w.unsqueeze(0)", "write np.expand_dims(t, axis)"),
    ("m.permute(1, 0)", "write t.transpose(axes)"),
    ("m.t()", "write t.T"),
    ("w.numel()", "write t.size"),
    ("w.dim()", "write t.ndim"),
    ("w.clone()", "write t.copy()"),
    ("w.zero_()", "write t.assign(values)"),
    ("w.add_(1)", "write t.assign(values)"),
    ("w.copy_(w)", "write t.assign(values)"),
    ("w.requires_grad_(False)", "write t.requires_grad ="),
    ("w.zero_grad()", "write t.grad = None"),
    ("w.cuda()", "leave it out"),
    ("w.to('cpu')", "write t.astype("),
    ("w.float()", "write t.astype("),
    ("w.tobytes()", "write t.numpy().tobytes"),
    ("w.value", "write t.data"),
    ("w.gradient", "write t.grad"),
    ("w.grad_fn", "write t.op and t.inputs"),
    ("w.is_leaf", "write t.op is None"),
    ("w.clamp(0, 1)", "write np.clip(t, low, high)"),
    ("w.at[0].set(1.0)", "np.where(mask, new, t)"),
    ("network.state_dict()", "mg.save(path, thing)"),
    ("network.load_state_dict({})", "mg.load(path, thing)"),
    ("network.to('cuda')", "leave it out"),
    ("network.fit(images, images)", "write the loop yourself"),
    ("network.predict(w)", "write module(x)"),
    ("network.params", "write module.parameters()"),
    ("network.backward()", "write loss.backward()"),
    ("network.append(mg.relu)", "mg.nn.Sequential(*module.layers, layer)"),
    ("layer.weights", "write layer.weight"),
    ("optimizer.zero_grads()", "write optimizer.zero_grad()"),
    ("optimizer.minimize(loss)", "loss.backward(), then optimizer.step()"),
    ("optimizer.state_dict()", "mg.save(path, thing)"),
    ("optimizer.param_groups", "optimizer.lr = 0.1"),
    ("mg.draw(loss).show()", '.save("net.svg")'),
]

MISTAKES = [
    # writing
    ("w.data = 1.0", AttributeError, "write t.assign(values)"),
    ("w.data -= 0.1 * w.data", ValueError, "read-only"),
    ("w.shape = (2, 1)", AttributeError, "write t = t.reshape(shape)"),
    ("w.dtype = np.float32", AttributeError, "write t = t.astype(dtype)"),
    ("w += 1.0", TypeError, "w.assign(w.data + ...)"),
    ("w[0] = 3.0", TypeError, "np.where(mask, new, t), or t.assign(values)"),
    ("np.add.at(w, [0], 1.0)", TypeError, "np.where(mask, new, t)"),
    ("w.sort()", TypeError, "Use np.sort(t)"),
    ("np.sin(w, out=images)", TypeError, "Take the result"),
    ("loss.assign(1.0)", GraphError, "only a leaf can be written"),
    ("w.assign([1.0])", ShapeError, "the tensor has shape (2,), the value (1,)"),
    ("loss.requires_grad = False", GraphError, "Use t.detach() or mg.stop_gradient(t)"),
    # lists of tensors, and out of the graph
    ("np.array([s, t])", LeavesGraphError, "np.stack([s, t])"),
    ("np.asarray([w, w])", LeavesGraphError, "np.stack([s, t])"),
    ("np.mean([s, t])", LeavesGraphError, "np.stack([s, t])"),
    ("np.sum((s, t))", LeavesGraphError, "np.stack([s, t])"),
    ("np.max([s, t])", LeavesGraphError, "np.stack([s, t])"),
    ("mg.Tensor([s, t])", LeavesGraphError, "np.stack([s, t])"),
    ("mg.mean([s, t])", LeavesGraphError, "np.stack([s, t])"),
    ("mg.relu([s, t])", LeavesGraphError, "np.stack([s, t])"),
    ("np.concatenate([s, t])", ShapeError, "use np.stack([s, t])"),
    ("mg.Tensor(w)", LeavesGraphError, "t.detach() or t.data"),
    ("float(loss)", LeavesGraphError, "t.item()"),
    ("math.exp(loss)", LeavesGraphError, "np.exp(t) for math.exp(t)"),
    ("'%.2f' % loss", LeavesGraphError, "t.item()"),
    ("range(s)", LeavesGraphError, "t.item()"),
    ("np.histogram(w)", LeavesGraphError, "pass t.numpy()"),
    ("pickle.dumps(loss)", LeavesGraphError, "Copy t.detach()"),
    ("copy.deepcopy(loss)", LeavesGraphError, "t.copy() stays in the graph"),
    # what a tensor is made of, and what it is not
    ("mg.Tensor([1, 2], requires_grad=True)", GradientTypeError, "1.0 instead of 1"),
    ("mg.Tensor([[1, 2], [3]])", ShapeError, "Pad the short ones"),
    ("mg.Tensor('abc')", GradientTypeError, "got text of shape ()", "give numbers"),
    ("mg.Tensor(None)", GradientTypeError, "got None", "give numbers"),
    ("mg.Tensor({'a': 1.0})", GradientTypeError, "got a dict"),
    ("mg.Tensor(layer)", GradientTypeError, "got a Linear", "call the module"),
    ("mg.Tensor(np.sin)", GradientTypeError, "got a ufunc", "call the function"),
    ("mg.Tensor(1j)", GradientTypeError, ".real and .imag"),
    ("mg.Tensor([300], dtype=np.uint8)", DataError, "Round or scale the values"),
    ("w.item()", ShapeError, "t.mean() makes one number", "t.numpy() gives all"),
    ("f'{w:.2f}'", ShapeError, "t.numpy() gives all"),
    ("bool(w)", ValueError, "ask t.all(), t.any()"),
    ("w and loss", ValueError, "np.where chooses"),
    ("len(loss)", TypeError, "t.item() gives the number"),
    ("list(loss)", TypeError, "t.item() gives the number"),
    ("w ^ 2", TypeError, "t ** n is a power"),
    ("w | w", TypeError, "np.logical_or"),
    ("w + 'a'", GradientTypeError, "give numbers"),
    ("w * None", GradientTypeError, "got None"),
    # backward
    ("m.backward()", ShapeError, "make it a scalar first", ".sum()"),
    ("mg.Tensor(1.0).backward()", GraphError, "requires_grad=True"),
    ("loss.detach().backward()", GraphError, "requires_grad=True"),
    ("loss.backward(np.ones(3))", ShapeError, "(3,)", "They must be equal"),
    ("loss.backward('a')", GradientTypeError, "give numbers"),
    # shapes
    ("m @ m", ShapeError, "Check the layer sizes, or transpose"),
    ("m @ 2.0", ShapeError, "use *"),
    ("m * np.ones((3, 2))", ShapeError, "reshape or transpose"),
    ("m.reshape(4)", ShapeError, "6 elements", "4", "They must be equal"),
    ("m.reshape(-1, -1)", ShapeError, "only one length can be -1"),
    ("m.reshape(4, -1)", ShapeError, "do not split evenly into 4s"),
    ("np.einsum('ij,jk', m, m)", ShapeError, "They must be equal"),
    ("np.einsum('ij,jk->ik', m)", ShapeError, "2 terms, but 1 arrays"),
    ("mg.softmax(w, dim=0)", TypeError, "'dim'", "it has axis="),
    ("mg.leaky_relu(w, negative_slope=0.1)", TypeError, "it has slope="),
    # optimizers
    ("mg.optim.SGD(w, 0.1)", TypeError, "put it in a list, SGD([w], ...)"),
    ("mg.optim.Adam(w)", TypeError, "put it in a list, Adam([w], ...)"),
    ("mg.optim.SGD(network, 0.1)", TypeError, "give SGD(module.parameters(), ...)"),
    ("mg.optim.SGD([network], 0.1)", TypeError, "give module.parameters()"),
    ("mg.optim.SGD(network.parameters, 0.1)", TypeError, "call it, as in module.parameters()"),
    ("mg.optim.SGD(network.named_parameters(), 0.1)", TypeError, "give module.parameters()"),
    ("mg.optim.SGD({'w': w}, 0.1)", TypeError, "SGD(list(d.values()), ...)"),
    ("mg.optim.SGD([{'params': [w]}], 0.1)", TypeError, "one optimizer for each group"),
    ("mg.optim.SGD([[w]], 0.1)", TypeError, "give one flat list"),
    ("mg.optim.SGD('w', 0.1)", TypeError, "'w'", "give SGD([w, b], ...)"),
    ("mg.optim.SGD(['w'], 0.1)", TypeError, "'w'", "give the tensors themselves"),
    ("mg.optim.SGD(0.1, [w])", TypeError, "0.1", "give SGD([w, b], ...)"),
    ("mg.optim.SGD([w.data], 0.1)", TypeError, "mg.Tensor(array, requires_grad=True)"),
    ("mg.optim.SGD([loss], 0.1)", TypeError, "the tensors that it was computed from"),
    ("mg.optim.SGD([mg.Tensor(1.0)], 0.1)", TypeError, "or leave it out"),
    ("mg.optim.SGD([], 0.1)", ValueError, "nothing to optimize", "requires_grad=True"),
    ("mg.optim.SGD([w, w], 0.1)", ValueError, "Give each once"),
    ("mg.optim.SGD([w], '0.1')", TypeError, "leave the quotes out"),
    ("mg.optim.SGD([w], None)", TypeError, "the learning rate is a number; this is None"),
    ("mg.optim.SGD([w], -0.1)", ValueError, "must be positive"),
    ("mg.optim.SGD([w], mg.optim.StepLR)", TypeError, "the class StepLR"),
    ("mg.optim.SGD([w], 0.1, momentum='0.9')", TypeError, "momentum is a number"),
    ("mg.optim.Adam([w], betas=0.9)", TypeError, "betas are two numbers, (0.9, 0.999)"),
    ("mg.optim.RMSprop([w], 0.1, alpha=None)", TypeError, "alpha is a number"),
    ("mg.optim.StepLR(optimizer, 3)", TypeError, "SGD(parameters, lr=StepLR(0.1, ...))"),
    ("mg.optim.StepLR('0.1', 3)", TypeError, "leave the quotes out"),
    ("mg.optim.clip_grad_norm(network, 1.0)", TypeError, "module.parameters()"),
    ("mg.optim.clip_grad_norm([w], '1')", TypeError, "max_norm is a number"),
    ("w.grad = [1.0, 2.0]; optimizer.step()", GradientTypeError, "Set .grad to a NumPy array"),
    # transforms
    ("mg.grad(np.sin, 'x')", TypeError, "count where 'x' stands among the arguments"),
    ("mg.grad(np.sin, [0])", TypeError, "argnums=(0,)"),
    ("mg.grad(np.sin, 0.5)", TypeError, "mg.grad(f)(x)"),
    ("mg.jacobian(np.sin, None)", TypeError, "mg.grad(f)(x)"),
    ("mg.hessian(np.sin, ())", TypeError, "the position of an argument"),
    ("mg.grad(np.sin, 1)(1.0)", TypeError, "1 positional argument was given"),
    ("mg.grad(lambda x: x)(x=1.0)", TypeError, "x came by name: give it by position"),
    ("mg.grad(lambda x: None)(1.0)", GradientTypeError, "Is a `return` missing?"),
    ("mg.jacobian(lambda x: None)(1.0)", GradientTypeError, "Is a `return` missing?"),
    ("mg.vjp(lambda x: None, 1.0)", GradientTypeError, "Is a `return` missing?"),
    ("mg.grad(lambda x: (x, x))(1.0)", ShapeError, "2 values", "Return the loss alone"),
    ("mg.grad(lambda x: ())(1.0)", ShapeError, "nothing at all"),
    ("mg.grad(lambda x: x)(np.ones(2))", ShapeError, "Sum it, or use mg.vjp or mg.jacobian"),
    ("mg.grad(lambda x: 'a')(1.0)", GradientTypeError, "returned no number", "text"),
    ("mg.grad(np.sin)(1)", GradientTypeError, "1.0 instead of 1"),
    ("mg.grad(np.sin)(np.array([1, 2]))", GradientTypeError, "1.0 instead of 1"),
    ("mg.grad(math.sin)(1.0)", LeavesGraphError, "np.exp(t) for math.exp(t)"),
    ("mg.grad(loss)", TypeError, "call loss.backward(), then read w.grad"),
    ("mg.grad(3.0)", TypeError, "mg.grad(lambda x: x**2)(3.0)"),
    ("mg.hessian(loss)", TypeError, "call loss.backward()"),
    ("mg.vjp(3.0, 1.0)", TypeError, "only functions are differentiated"),
    ("mg.jvp(np.sin, 1.0, 1.0)", TypeError, "a tuple of one, (x,)"),
    ("mg.hvp(np.sum, np.ones(2), np.ones(2))", TypeError, "a tuple of one, (x,)"),
    ("mg.jvp(np.sin, (1.0,), (1.0, 2.0))", ShapeError, "1 tangents are needed"),
    # labels and losses
    ("mg.cross_entropy(logits, ['cat', 'dog'])", GradientTypeError, "np.unique(names, return_in"),
    ("mg.cross_entropy(logits, 'cat')", GradientTypeError, "np.unique(names, return_inverse"),
    ("mg.one_hot(['a'], 3)", GradientTypeError, "np.unique(names, return_inverse=True)[1]"),
    ("mg.nll(logits, ['a', 'b'])", GradientTypeError, "np.unique(names, return_inverse=True)"),
    ("mg.hinge(w, ['a', 'b'])", GradientTypeError, "got text", "give numbers"),
    ("mg.binary_cross_entropy(w, ['a', 'b'])", GradientTypeError, "give numbers"),
    ("mg.cross_entropy(logits, [0.5, 1.5])", DataError, "whole numbers from 0 to 2"),
    ("mg.cross_entropy(logits, [0, 3])", DataError, "label 3 at position 1", "from 0 to 2"),
    ("mg.cross_entropy(logits, [[0], [1]])", ShapeError, "Give labels.ravel()"),
    ("mg.cross_entropy(logits, [[1, 0], [0, 1]])", ShapeError, "(2, 3) and (2, 2)"),
    ("mg.cross_entropy(logits, None)", GradientTypeError, "got None"),
    ("mg.cross_entropy(None, [0, 1])", ShapeError, "takes logits (N, C)"),
    ("mg.cross_entropy(logits, [0, 1], reduction='avg')", ValueError, '"mean", "sum" or "none"'),
    ("mg.one_hot([0, 1], '3')", DataError, "the number of classes is a whole number"),
    ("mg.mse(w, [[1.0], [2.0]])", ShapeError, "give target.reshape(2,)"),
    ("mg.mse(layer, w)", GradientTypeError, "call the module, and give its result"),
    ("mg.hinge(w, [0, 1])", DataError, "give 2 * labels - 1"),
    # layers
    ("mg.nn.Linear(0, 3)", ShapeError, "inputs is a whole number of at least 1"),
    ("mg.nn.Linear(2, 3.0)", ShapeError, "outputs is a whole number", "3.0"),
    ("mg.nn.Linear('2', 3)", ShapeError, "inputs is a whole number", "'2'"),
    ("mg.nn.Linear((2, 3), 3)", ShapeError, "inputs is a whole number"),
    ("mg.nn.Linear(2, 3, rng='a')", DataError, "np.random.default_rng(0)"),
    ("mg.nn.Linear(2, 3, rng=-1)", DataError, "a whole number of at least 0"),
    ("mg.nn.Linear(2, 3, dtype=int)", GradientTypeError, "dtype=float"),
    ("network(np.ones(3))", ShapeError, "3 is not 2", "Check the layer sizes"),
    ("network(1.0)", ShapeError, "matmul", "shape ()"),
    ("network('a')", GradientTypeError, "give numbers"),
    ("mg.nn.Conv2d(3, 4, 0)", ShapeError, "size is a whole number of at least 1"),
    ("mg.nn.Conv2d(3, 4, (3, 3, 3))", ShapeError, "one for each of (rows, columns)"),
    ("mg.nn.Conv2d(3, 4, 3)(images[0])", ShapeError, "x[None]"),
    ("mg.nn.Conv2d(1, 4, 3)(images)", ShapeError, "have 3 channels", "take 1"),
    ("mg.nn.Dropout('a')", ValueError, "a probability in [0, 1)"),
    ("mg.nn.Dropout(1.5)", ValueError, "a probability in [0, 1)", "1.5"),
    ("mg.nn.Sequential([mg.relu])", TypeError, "Sequential(*layers)"),
    ("mg.nn.Sequential(mg.nn.ReLU)", TypeError, "call it to make a layer, ReLU(...)"),
    ("mg.nn.Sequential('relu')", TypeError, "takes layers and functions"),
    ("mg.nn.Flatten()(s)", ShapeError, "(B, ...)"),
    ("mg.nn.Module()(w)", TypeError, "define what it computes"),
    ("mg.conv2d(images, filters, stride=2)", ShapeError, "Strides that fit", 'remainder="drop"'),
    ("mg.conv2d(images[0], filters)", ShapeError, "x[None]"),
    ("mg.conv2d(images, filters[:, :1])", ShapeError, "as deep as its input"),
    ("mg.conv2d(images, layer)", GradientTypeError, "call the module, and give its result"),
    ("mg.maxpool(images, 3)", ShapeError, "Strides that fit", 'remainder="drop"'),
    ("mg.maxpool(w, 2)", ShapeError, "takes maps (..., H, W)"),
    ("mg.relu(layer)", GradientTypeError, "call the module, and give its result"),
    ("mg.relu(None)", GradientTypeError, "got None"),
    ("mg.softmax('a')", GradientTypeError, "give numbers"),
    ("mg.dropout(w, 0.5, rng=0)", TypeError, "np.random.default_rng(0)"),
    # data
    ("mg.data.batches(np.ones(3), np.ones(4))", ShapeError, "[3, 4]", "pass equal ones"),
    ("mg.data.batches()", ShapeError, "batches(x, y)"),
    ("mg.data.batches(np.ones(3), 2)", ShapeError, "by name, such as size=32"),
    ("mg.data.batches(np.ones(3), size=2.5)", TypeError, "pass a whole number"),
    ("mg.data.batches(np.ones(3), size=0)", ShapeError, "pass 1 or more"),
    ("mg.data.batches(np.ones(3), shuffle=True)", DataError, "a whole number of at least 0"),
    ("mg.data.batches(np.ones(3), shuffle='a')", DataError, "np.random.default_rng(0)"),
    ("mg.data.batches(w)", LeavesGraphError, "pass t.numpy()"),
    ("mg.data.split(np.ones(9), held_out='a')", DataError, "a fraction between 0 and 1"),
    ("mg.data.split(np.ones(9), 0.2)", ShapeError, "held_out=0.2"),
    # pictures and formulas
    ("mg.draw(network)", TypeError, "only a tensor has a graph", "sequential(x)"),
    ("mg.trace(network)", TypeError, "only a tensor has a past to trace", "sequential(x)"),
    ("mg.why(network)", TypeError, "takes a tensor and its result", "sequential(x)"),
    ("mg.diff(loss, network)", TypeError, "only a tensor has a graph"),
    ("mg.draw(loss, direction='LR')", ValueError, "choose among down, right, up, left"),
    ("mg.draw(loss).save('net.jpg')", ValueError, "End it in .svg"),
    ("mg.formula('x^2')(x=2.0)", FormulaError, "**"),
]

ROWS = [(code, AttributeError, advice) for code, advice in WORDS + METHODS] + MISTAKES


def message_of(code, error):
    """What the code raises, run as a user types it."""
    with pytest.raises(error) as raised:
        exec(code, around())
    return str(raised.value)


@pytest.mark.parametrize(("code", "error", "words"), [(c, e, w) for c, e, *w in ROWS], ids=str)
def test_a_wrong_call_says_what_to_do(code, error, words):
    message = message_of(code, error)
    for part in words:
        assert part in message
    assert len(message) < 400


def test_there_are_many_and_no_two_are_the_same():
    codes = [code for code, *_ in ROWS]
    assert len(codes) == len(set(codes)) >= 250


# --- words that are not there -----------------------------------------------------------------


@pytest.mark.parametrize("part", ["mg", "mg.nn", "mg.optim", "mg.data", "mg.testing"])
def test_a_missing_word_is_missing_to_every_protocol(part):
    module = eval(part)
    for word in ("tanh", "nonsense", "__wrapped__", "_hidden", "__array_struct__"):
        assert not hasattr(module, word)
        assert getattr(module, word, 7) == 7
        assert word not in dir(module)
        with pytest.raises(ImportError):
            exec(f"from {module.__name__} import {word}")
    with pytest.raises(AttributeError) as raised:
        module.__wrapped__  # noqa: B018
    assert str(raised.value) == f"module {module.__name__!r} has no attribute '__wrapped__'"
    assert raised.value.name == "__wrapped__"


OWNERS = [
    (lambda: mg.Tensor([1.0]), OF_TENSORS),
    (lambda: mg.nn.Linear(1, 1, rng=0), OF_NETWORKS),
    (lambda: mg.optim.SGD([mg.Tensor(1.0, requires_grad=True)], 0.1), OF_OPTIMIZERS),
    (lambda: mg.draw(mg.Tensor(1.0)), OF_PICTURES),
]


@pytest.mark.parametrize(
    ("make", "table"), OWNERS, ids=["tensor", "module", "optimizer", "picture"]
)
def test_a_word_of_a_table_is_no_attribute(make, table):
    thing = make()
    for word in " ".join(table).split():
        if not isinstance(inspect.getattr_static(thing, word), Absent):
            continue  # the class has it: the table is of several
        assert not hasattr(thing, word)
        assert not hasattr(type(thing), word)
        assert getattr(thing, word, 7) == 7
        assert word not in dir(thing)
        with pytest.raises(AttributeError) as raised:
            getattr(thing, word)
        assert raised.value.name == word
    assert "__class__" in dir(thing)


def test_no_word_is_twice_in_a_table_and_none_of_a_tensor_is_one_that_it_has():
    for table in (OF_MODULES, OF_TENSORS, OF_NETWORKS, OF_OPTIMIZERS):
        words = " ".join(table).split()
        assert len(words) == len(set(words))
    for word in " ".join(OF_TENSORS).split():
        assert isinstance(vars(mg.Tensor)[word], Absent)


def test_what_is_recommended_of_modules_is_there():
    for instead in OF_MODULES.values():
        for name in set(re.findall(r"mg(?:\.\w+)+", instead)):
            assert eval(name) is not None


def test_a_subclass_and_an_attribute_may_have_the_word():
    class Mine(mg.Tensor):
        __slots__ = ("device",)

        def relu(self):
            return mg.relu(self)

    mine = Mine([-1.0, 1.0])
    mine.device = "here"
    assert mine.relu().data.tolist() == [0.0, 1.0]
    assert mine.device == "here"

    class Scaled(mg.nn.Module):
        def __init__(self):
            self.kernel = mg.Tensor(2.0, requires_grad=True)

        def forward(self, x):
            return x * self.kernel

    scaled = Scaled()
    assert scaled(3.0).item() == 6.0
    assert "kernel" in dir(scaled)
    assert [name for name, _ in scaled.named_parameters()] == ["kernel"]


def test_copies_pickles_and_json_meet_no_word_that_is_not_there():
    w = mg.Tensor([1.0], requires_grad=True)
    assert copy.deepcopy(w).data == pickle.loads(pickle.dumps(w)).data == 1.0
    layer = pickle.loads(pickle.dumps(copy.copy(mg.nn.Linear(2, 1, rng=0))))
    assert layer(np.ones(2)).shape == (1,)
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(w)


# --- keywords ---------------------------------------------------------------------------------

CALLABLES = {
    name: thing
    for part, module in {"": mg, "nn.": mg.nn, "optim.": mg.optim, "data.": mg.data}.items()
    for name, thing in ((part + word, getattr(module, word)) for word in dir(module))
    if callable(thing) and str(getattr(thing, "__module__", "")).startswith("minigrad")
}
METHODS_OF = {
    f"{owner.__name__}.{name}": (owner, name)
    for owner in (mg.Tensor, mg.nn.Module, mg.optim.Optimizer)
    for name, method in vars(owner).items()
    if inspect.isfunction(method) and not name.startswith("_")
}


def refuses(call, takes_inputs=3):
    """Whether an unknown keyword raises a `TypeError` that names it, beside any inputs."""
    w = mg.Tensor([1.0, 2.0], requires_grad=True)
    for inputs in ((), *((w,) * n for n in range(1, takes_inputs + 1))):
        with pytest.raises(TypeError) as raised:
            call(*inputs, no_such_keyword=1)
        if "no_such_keyword" in str(raised.value):
            return True
    return False


@pytest.mark.parametrize("name", CALLABLES)
def test_no_function_swallows_a_keyword(name):
    call = CALLABLES[name]
    if inspect.isclass(call) and issubclass(call, BaseException):
        return
    if name in ("nn.Module", "nn.ReLU", "nn.Sigmoid", "nn.Tanh", "nn.Flatten"):
        with pytest.raises(TypeError, match="takes no arguments"):
            call(no_such_keyword=1)
        return
    assert refuses(call)


@pytest.mark.parametrize("name", METHODS_OF)
def test_no_method_swallows_a_keyword(name):
    owner, method = METHODS_OF[name]
    made = {
        mg.Tensor: lambda: mg.Tensor([1.0, 2.0], requires_grad=True),
        mg.nn.Module: lambda: mg.nn.Linear(2, 1, rng=0),
        mg.optim.Optimizer: lambda: mg.optim.Adam([mg.Tensor(1.0, requires_grad=True)]),
    }[owner]()
    with pytest.raises(TypeError):
        getattr(made, method)(no_such_keyword=1)
