"""How fast minigrad is, measured as ratios to peers: `python -m benchmarks`."""
