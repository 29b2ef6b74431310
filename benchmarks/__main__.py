"""`python -m benchmarks [NAME ...]`: measure, and print one table of ratios to peers."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import click

from benchmarks.table import machine, show

SHARED = ("convnet", "convolutional", "measure", "pairs", "processes", "table")  # by the benchmarks
NAMES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if path.stem not in ("__init__", "__main__", *SHARED)
)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option("--quick", is_flag=True, help="Fewer rounds: seconds instead of minutes.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def main(names: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Measure the named benchmarks, or all of them."""
    rows = [
        row for name in names or NAMES for row in import_module(f"benchmarks.{name}").run(quick)
    ]
    if as_json:
        click.echo(json.dumps({"machine": machine(), "rows": [asdict(r) for r in rows]}, indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
