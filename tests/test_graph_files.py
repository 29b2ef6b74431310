"""What networkx writes of a graph, it reads again: every format takes the graph as it is."""

import io
import json
import warnings

import networkx as nx
import numpy as np
import pytest

import minigrad as mg

FORMATS = {
    "GraphML": (
        nx.write_graphml_xml,
        lambda file: nx.read_graphml(file, int, force_multigraph=True),
    ),
    "GEXF": (nx.write_gexf, lambda file: nx.read_gexf(file, int)),
    "GML": (nx.write_gml, lambda file: nx.relabel_nodes(nx.read_gml(file), int)),
}
DATA = {
    "node_link": (lambda g: nx.node_link_data(g, edges="edges"), nx.node_link_graph),
    "adjacency": (nx.adjacency_data, nx.adjacency_graph),
    "cytoscape": (nx.cytoscape_data, nx.cytoscape_graph),
}


def small():
    """Boxes, settings, broadcasting, nothing and everything in the attributes."""
    x = mg.Tensor(np.arange(6.0).reshape(3, 2), name="x")
    w = mg.Tensor([[1.0], [2.0]], requires_grad=True, name='w "<&\x1b\n ü 学')
    with mg.scope("outer"), mg.scope("in & out"), mg.sources():
        h = mg.relu(x @ w + [0.5]) * w[0]
    loss = np.mean(h, axis=(0, 1)) / 1.0
    loss.backward()
    return loss


def spoiled():
    x = mg.Tensor([0.0, -1.0], requires_grad=True)
    with np.errstate(all="ignore"):
        loss = np.sum(np.log(x))
        loss.backward()
    return loss


def overwritten():
    w = mg.Tensor([2.0], requires_grad=True)
    loss = np.sum(w * w)
    w.assign([1.0])
    return loss


GRAPHS = [small, spoiled, overwritten, lambda: mg.Tensor(1.0), lambda: mg.Tensor(np.zeros((0, 3)))]


@pytest.mark.parametrize("make", GRAPHS)
@pytest.mark.parametrize(("write", "read"), FORMATS.values(), ids=FORMATS)
def test_a_file_of_a_graph_reads_as_it_was(write, read, make):
    with np.errstate(all="ignore"):
        g = mg.graph(make())
    file = io.BytesIO()
    write(g, file)
    file.seek(0)
    found = read(file)
    for n, told in g.nodes(data=True):
        for key in ("kind", "op", "name", "value", "gradient", "scope", "anomaly"):
            assert found.nodes[n].get(key, "") == told[key]
        assert int(found.nodes[n]["bytes"]) == told["bytes"]
    assert len(found.edges) == len(g.edges)


@pytest.mark.parametrize("make", GRAPHS)
@pytest.mark.parametrize(("data", "graph"), DATA.values(), ids=DATA)
def test_json_of_a_graph_reads_as_it_was(data, graph, make):
    with np.errstate(all="ignore"):
        g = mg.graph(make())
    text = json.dumps(data(g))
    if graph is not nx.cytoscape_graph:  # which writes names over
        kept = {"edges": "edges"} if graph is nx.node_link_graph else {}
        found = graph(json.loads(text), **kept)
        assert dict(found.nodes(data=True)) == dict(g.nodes(data=True))
        assert sorted(found.edges(data="slot")) == sorted(g.edges(data="slot"))


@pytest.mark.parametrize("make", GRAPHS)
def test_graphviz_takes_a_graph_without_a_word(make):
    with np.errstate(all="ignore"):
        g = mg.graph(make())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = nx.nx_agraph.to_agraph(g)
    assert sorted(map(int, made.nodes())) == sorted(g)
    assert len(made.edges()) == len(g.edges)


def test_arrays_are_beside_the_graph():
    loss = small()
    g = mg.graph(loss)
    assert set(g.values) == set(g)
    assert g.values[len(g)] == loss.data
    assert {type(value) for _, told in g.nodes(data=True) for value in told.values()} <= {
        str,
        int,
        bool,
    }
