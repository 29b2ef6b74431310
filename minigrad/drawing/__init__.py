"""Pictures of the graph: a snapshot of it as plain data first, then pure functions from that.

`snapshot` (what is there) -> `network` (networkx), `dot` (Graphviz source), `picture` (svg, png,
pdf). NumPy only until a picture is asked for: networkx, graphviz and pygraphviz load on first use.
"""

from minigrad.drawing.network import graph as graph
from minigrad.drawing.picture import Drawing as Drawing
from minigrad.drawing.picture import draw as draw
from minigrad.drawing.reasons import why as why
