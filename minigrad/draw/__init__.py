"""Pictures of the graph: a snapshot of it as plain data first, then pure functions from that.

`snapshot` (what is there) -> `network` (networkx), `dot` (Graphviz source), `picture` (svg, png,
pdf). NumPy only until a picture is asked for: networkx, graphviz and pygraphviz load on first use.
"""

from minigrad.draw.network import graph as graph
from minigrad.draw.picture import Drawing as Drawing
from minigrad.draw.picture import draw as draw
