"""Backprop step by step: `trace` lists what the engine's own sweep did; a page plays it.

`steps` (plain frozen data) -> `table` (the terminal), `frames` (svg, gif), `data` and `page` (one
HTML file that needs neither a server nor a network).
"""

from minigrad.tracing.tracer import Trace as Trace
from minigrad.tracing.tracer import trace as trace
