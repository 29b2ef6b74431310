"""Pictures of the graph: a snapshot of it as plain data first, then pure functions from that.

`snapshot` (what is there), `changes` (two of them as one), `folding` and `around` (less of it) ->
`network` (networkx), `dot` (Graphviz source), `picture` (svg, png, pdf), `mermaid`,
`tree`. `reasons` says why a gradient is None or zero. NumPy only until a picture is asked for:
networkx, graphviz and pygraphviz load on first use.
"""

from minigrad.drawing.changes import diff as diff
from minigrad.drawing.network import graph as graph
from minigrad.drawing.picture import Drawing as Drawing
from minigrad.drawing.picture import draw as draw
from minigrad.drawing.reasons import why as why
