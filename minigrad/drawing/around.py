"""A part of a graph: what lies near one tensor."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from minigrad.drawing.snapshot import Snapshot


def near(picture: Snapshot, number: int, radius: int) -> Snapshot:
    """The nodes at most `radius` edges away from a node, in either direction."""
    by_number = {vertex.number: vertex for vertex in picture.vertices}
    users: dict[int, list[int]] = {n: [] for n in by_number}
    for vertex in picture.vertices:
        for n in dict.fromkeys(vertex.inputs):
            users[n].append(vertex.number)
    found = {number}
    edge = [number]
    for _ in range(radius):
        met = [m for n in edge for m in (*by_number[n].inputs, *users[n])]
        edge = [n for n in dict.fromkeys(met) if n not in found]
        found.update(edge)
    outside = Counter({n: sum(user not in found for user in users[n]) for n in found})
    kept = tuple(
        replace(vertex, beyond=outside[vertex.number])
        for vertex in picture.vertices
        if vertex.number in found
    )
    left_out = len(picture.vertices) - len(kept)
    note = f"{left_out:,} nodes farther away are left out." if left_out else ""
    return replace(picture, vertices=kept, note=note)
