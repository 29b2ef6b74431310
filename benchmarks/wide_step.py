"""Many channels: conv 3x3x32, relu, pool 2, conv 3x3x64, relu, pool 2, linear 10."""

from benchmarks.convnet import WIDE
from benchmarks.convolutional import run_network
from benchmarks.measure import Row
from benchmarks.table import show


def run(quick: bool = False) -> list[Row]:
    """Our time as a ratio to every peer's; the goal is beside PyTorch's best form."""
    return run_network(WIDE, "wide CNN step, batch 32, float32, SGD", 1.25, quick)


if __name__ == "__main__":
    show(run())
