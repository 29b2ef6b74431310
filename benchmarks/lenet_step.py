"""The lecture's shapes: conv 5x5x6, relu, pool 2, conv 5x5x10, relu, pool 2, linear 10."""

from benchmarks.convnet import LENET
from benchmarks.convolutional import run_network
from benchmarks.measure import Row
from benchmarks.table import show


def run(quick: bool = False) -> list[Row]:
    """Our time as a ratio to every peer's; the goal is beside PyTorch's best form."""
    return run_network(LENET, "LeNet-like step, batch 32, float32, SGD", 1.0, quick)


if __name__ == "__main__":
    show(run())
