"""Large graphs made small enough to read: modules, repeats and chains folded into single nodes.

A fold replaces some nodes by one. Every kind of fold here leaves the graph free of cycles: it
takes a run of ops that is contiguous in creation order, or a chain that has one way in and one
way out. All of it is loops over lists, so a graph of any depth can be folded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from minigrad.drawing.boxes import Box
from minigrad.drawing.repeats import Repeat, repeats
from minigrad.drawing.snapshot import Snapshot, Vertex
from minigrad.drawing.text import listed, plain

READABLE = 100  # nodes that a graph which is too large is folded to
FEWEST = 5  # that say something of a graph that was folded
EDGES = 2  # to each node, else a graph is folded
EDGES_OF_FOLDS = 6  # to each node of what it is folded to: folds have many inputs
SHORTEST_CHAIN = 4
LEAVES = ("data", "parameter")


Input = int | tuple[object, ...]  # how many ops ago it was computed, or what leaf it is
Signature = tuple[tuple[object, ...], tuple[Input, ...]]  # what a node is, and its inputs


@dataclass(frozen=True, slots=True)
class Fold:
    """Nodes that are to be drawn as one."""

    members: tuple[Vertex, ...]  # in creation order, leaves not among them
    title: str
    box: int  # the box that the folded node is in
    inside: int = 0  # the module or scope that it is, if it is one; its own leaves come along


def fold(picture: Snapshot, depth: int | None, limit: int) -> Snapshot:
    """The graph with modules unfolded `depth` levels deep, and folded further past the limit."""
    if depth is not None:
        picture = without_repeats(modules(picture, depth), 3, only_folds=True)
    if fits(picture, limit, EDGES):
        return picture
    goal = max(min(READABLE, limit), 2)
    folded = by_depth(picture, goal)
    for smaller in (without_repeats, chains, without_repeats):
        if not fits(folded, goal, EDGES_OF_FOLDS):
            folded = smaller(folded)
    parts = goal
    while not fits(folded, goal, EDGES_OF_FOLDS):
        folded = pieces(folded, parts)
        parts //= 2
    whole, edges = len(picture.vertices), edges_of(picture)
    dense = whole <= limit
    note = (
        f"{whole:,} nodes{f' and {edges:,} edges' if dense else ''}, folded into "
        f"{len(folded.vertices):,}: more than limit={limit:,}"
        f"{f' and {EDGES * limit:,} edges' if dense else ''} cannot be read. depth=, around= and "
        f"limit= choose what is shown."
    )
    return replace(folded, note=f"{picture.note} {note}".lstrip())


def fits(picture: Snapshot, limit: int, edges: int) -> bool:
    """Whether there are at most so many nodes, and not more edges than can be followed."""
    return len(picture.vertices) <= limit and edges_of(picture) <= edges * max(limit, 1)


def edges_of(picture: Snapshot) -> int:
    """How many edges there are."""
    return sum(len(vertex.inputs) for vertex in picture.vertices)


def by_depth(picture: Snapshot, goal: int) -> Snapshot:
    """Modules unfolded as deep as can be read, or else not at all; one level more than can be, to
    be folded on, where too little would be left.
    """
    if not picture.boxes:
        return picture
    deepest = max(map(len, picture.paths().values()))
    best = without_repeats(modules(picture, 0), 2, only_folds=True)
    for depth in range(1, deepest):
        deeper = without_repeats(modules(picture, depth), 2, only_folds=True)
        if not fits(deeper, goal, EDGES_OF_FOLDS):
            return deeper if len(best.vertices) < FEWEST else best
        best = deeper
    return best


# --- which nodes fold into one


def modules(picture: Snapshot, depth: int) -> Snapshot:
    """Every module and scope that is more than `depth` levels deep as one node."""
    paths = picture.paths()
    runs: list[tuple[int, list[Vertex]]] = []
    for vertex in computed(picture):
        path = paths[vertex.box]
        box = path[depth] if len(path) > depth else 0
        if box and runs and runs[-1][0] == box:
            runs[-1][1].append(vertex)
        else:
            runs.append((box, [vertex]))
    return merged(
        picture,
        [
            Fold(tuple(members), title_of(picture.boxes[box - 1]), outer_of(picture, box), box)
            for box, members in runs
            if box
        ],
    )


def outer_of(picture: Snapshot, box: int) -> int:
    """The number of the box around a box."""
    return picture.boxes[box - 1].outer


def title_of(box: Box) -> str:
    """What a box is called: its name and its module's class."""
    return f"{box.name}: {box.kind}" if box.name and box.kind else box.name or box.kind


def without_repeats(picture: Snapshot, least: int = 2, only_folds: bool = False) -> Snapshot:
    """Every part that comes `least` times or more in a row as one node, "x 12"."""
    ops = computed(picture)
    paths = picture.paths()
    folds = []
    known = signatures(picture, ops)
    for repeat in from_the_first(repeats(known, max(least - 1, 2)), known):
        if repeat.times < least:
            continue
        members = ops[repeat.start : repeat.start + repeat.period * repeat.times]
        if not only_folds or any(vertex.kind == "folded" for vertex in members[: repeat.period]):
            box = common([paths[vertex.box] for vertex in members])
            title = title_of_boxes(picture, members, repeat) or title_of_repeat(members, repeat)
            folds.append(Fold(tuple(members), title, box))
    return merged(picture, folds)


def from_the_first(found: list[Repeat], known: list[Signature]) -> list[Repeat]:
    """The same repeats, each with the time before it that works on a leaf and not on a result."""
    longer = []
    free = 0
    for repeat in found:
        start, period = repeat.start - repeat.period, repeat.period
        firsts = range(start, repeat.start)
        if start >= free and all(begins(known[i], known[i + period], i - start) for i in firsts):
            repeat = Repeat(start, period, repeat.times + 1)
        longer.append(repeat)
        free = repeat.start + period * repeat.times
    return longer


def begins(first: Signature, later: Signature, place: int) -> bool:
    """Whether two steps are the same but for inputs from outside that are leaves in the first."""
    (what, inputs), (other, others) = first, later
    return (
        what == other
        and len(inputs) == len(others)
        and all(
            a == b or (isinstance(a, tuple) and isinstance(b, int) and b > place)
            for a, b in zip(inputs, others, strict=True)
        )
    )


def title_of_boxes(picture: Snapshot, members: list[Vertex], repeat: Repeat) -> str:
    """The title of a repeat each time of which lies in a module or scope of its own, else ""."""
    paths = picture.paths()
    whole = common([paths[vertex.box] for vertex in members])
    ends = members[: repeat.period], members[-repeat.period :]
    boxes = [common([paths[vertex.box] for vertex in end]) for end in ends]
    if whole in boxes or boxes[0] == boxes[1]:
        return ""
    first, last = (title_of(picture.boxes[box - 1]) for box in boxes)
    return f"{first} … {last} x {repeat.times:,}"


def title_of_repeat(members: list[Vertex], repeat: Repeat) -> str:
    """What is repeated, and how often: "blocks.0: Block … blocks.11: Block x 12"."""
    first, last = members[: repeat.period], members[-repeat.period :]
    if repeat.period == 1 and first[0].kind == "folded":
        return f"{first[0].name} … {last[0].name} x {repeat.times:,}"
    what = listed([vertex.name if vertex.kind == "folded" else vertex.op for vertex in first])
    return f"{what} x {repeat.times:,}" if repeat.period == 1 else f"({what}) x {repeat.times:,}"


def signatures(picture: Snapshot, ops: list[Vertex]) -> list[Signature]:
    """What must be equal in two nodes for them to be the same step of a repeated part."""
    position = {vertex.number: i for i, vertex in enumerate(ops)}
    leaves = {vertex.number: vertex for vertex in picture.vertices if vertex.number not in position}
    found: list[Signature] = []
    for i, vertex in enumerate(ops):
        inputs: tuple[Input, ...] = tuple(
            i - position[n] if n in position else described(leaves.get(n)) for n in vertex.inputs
        )
        settings = plain(list(vertex.settings.values()))
        what = vertex.op, vertex.ops, settings, vertex.shape
        found.append((what, inputs))
    return found


def described(leaf: Vertex | None) -> tuple[object, ...]:
    """What must be equal in two leaves; None stands for what lies outside the part drawn."""
    return () if leaf is None else (leaf.kind, leaf.shape)


def chains(picture: Snapshot) -> Snapshot:
    """Every long chain of ops, one feeding only the next, as one node."""
    ops = {vertex.number: vertex for vertex in computed(picture)}
    users = Counter(number for vertex in picture.vertices for number in set(vertex.inputs))
    chain_of: dict[int, list[Vertex]] = {}  # by the number of its last op
    for vertex in ops.values():
        before = [n for n in set(vertex.inputs) if n in ops]
        if len(before) == 1 and users[before[0]] == 1:
            chain = chain_of.pop(before[0])
            chain.append(vertex)
            chain_of[vertex.number] = chain
        else:
            chain_of[vertex.number] = [vertex]
    paths = picture.paths()
    return merged(
        picture,
        [
            Fold(tuple(chain), listed(all_ops(chain)), common([paths[v.box] for v in chain]))
            for chain in chain_of.values()
            if len(chain) >= SHORTEST_CHAIN
        ],
    )


def pieces(picture: Snapshot, goal: int) -> Snapshot:
    """The ops cut into equal parts, whatever they are: the last resort, which always does."""
    ops = computed(picture)
    size = -(-len(ops) // max(goal // 2, 1))
    parts = [tuple(ops[i : i + size]) for i in range(0, len(ops), size)]
    made = merged(picture, [Fold(part, listed(all_ops(part)), 0) for part in parts])
    if len(made.vertices) <= goal:
        return made
    first: dict[int, int] = {}  # the first user of each leaf takes it in
    for vertex in made.vertices:
        for number in vertex.inputs:
            first.setdefault(number, vertex.number)
    kinds = {v.number: v.kind for v in made.vertices}
    moved = {n: user for n, user in first.items() if kinds.get(n) in LEAVES}
    kept = []
    for vertex in made.vertices:
        if vertex.number not in moved:
            inputs = dict.fromkeys(moved.get(n, n) for n in vertex.inputs)
            inputs.pop(vertex.number, None)
            kept.append(replace(vertex, inputs=tuple(inputs), broadcast=()))
    return replace(made, vertices=tuple(kept))


# --- folding them


def merged(picture: Snapshot, folds: list[Fold]) -> Snapshot:
    """The graph with each fold as one node, which shows what its last op computed."""
    if not folds:
        return picture
    into = {vertex.number: fold for fold in folds for vertex in fold.members}
    into |= leaves_taken_in(picture, into)
    last = {id(fold): fold.members[-1].number for fold in folds}
    stands_for = {number: last[id(fold)] for number, fold in into.items()}
    vertices = []
    for vertex in picture.vertices:
        fold_ = into.get(vertex.number)
        if fold_ is None:
            inputs = tuple(stands_for.get(n, n) for n in vertex.inputs)
            vertices.append(replace(vertex, inputs=inputs))
        elif vertex.number == last[id(fold_)]:
            entering = [stands_for.get(n, n) for member in fold_.members for n in member.inputs]
            outside = dict.fromkeys(n for n in entering if n != vertex.number)
            vertices.append(folded(vertex, fold_, tuple(outside)))
    return replace(picture, vertices=tuple(vertices))


def folded(vertex: Vertex, fold: Fold, inputs: tuple[int, ...]) -> Vertex:
    """The node that stands for a fold."""
    return replace(
        vertex,
        kind="folded",
        op="",
        name=fold.title,
        settings={},
        inputs=inputs,
        arguments=(),
        box=fold.box,
        ops=all_ops(fold.members),
        source="",
        broadcast=(),
        anomaly=next((f"{v.op or v.name} {v.anomaly}" for v in fold.members if v.anomaly), ""),
    )


def leaves_taken_in(picture: Snapshot, into: dict[int, Fold]) -> dict[int, Fold]:
    """The leaves that vanish in a fold: used nowhere else, and not what it works on.

    What a module owns goes with it; of other folds, all but named data and the first op's main
    input.
    """
    paths = picture.paths()
    users: dict[int, list[Vertex]] = {}
    for vertex in picture.vertices:
        for number in vertex.inputs:
            users.setdefault(number, []).append(vertex)
    found = {}
    for leaf in picture.vertices:
        if leaf.kind not in LEAVES or leaf.number not in users:
            continue
        fold = into.get(users[leaf.number][0].number)
        if fold is None or any(into.get(user.number) is not fold for user in users[leaf.number]):
            continue
        if fold.inside in paths[leaf.box] if fold.inside else not is_entry(leaf, fold):
            found[leaf.number] = fold
    return found


def is_entry(leaf: Vertex, fold: Fold) -> bool:
    """Whether a leaf is what a fold works on, rather than a weight of it."""
    first = fold.members[0]
    return (leaf.kind == "data" and bool(leaf.name)) or first.inputs[:1] == (leaf.number,)


def computed(picture: Snapshot) -> list[Vertex]:
    """The nodes that an op computed, in creation order."""
    return [v for v in picture.vertices if v.kind not in LEAVES]


def all_ops(members: Iterable[Vertex]) -> tuple[str, ...]:
    """The ops of nodes, those inside folded ones among them."""
    return tuple(op for vertex in members for op in (vertex.ops or (vertex.op,)))


def common(paths: list[tuple[int, ...]]) -> int:
    """The innermost box that all paths go through."""
    first, *rest = set(paths)
    shared = 0
    for level, box in enumerate(first):
        if any(path[level : level + 1] != (box,) for path in rest):
            break
        shared = box
    return shared
