"""The page of a trace in a real browser: Debian's chromium, driven by playwright.

In CI (CI=true, or MINIGRAD_BROWSER=1) a missing browser fails; elsewhere these tests are skipped.
"""

import os
import shutil
from importlib.util import find_spec

import numpy as np
import pytest

import minigrad as mg
from minigrad.cli.cnn import build, load, pictures

BROWSER = shutil.which("chromium") or "/usr/bin/chromium"
NEEDED = os.environ.get("CI") == "true" or os.environ.get("MINIGRAD_BROWSER") == "1"
MISSING = [
    what
    for what, there in (
        ("chromium (apt-get install chromium)", os.path.exists(BROWSER)),
        ("playwright (pip install 'minigrad[browser]')", find_spec("playwright") is not None),
    )
    if not there
]

pytestmark = pytest.mark.skipif(bool(MISSING) and not NEEDED, reason=f"needs {', '.join(MISSING)}")
HOSTILE = "</script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser():
    assert not MISSING, f"CI needs {', '.join(MISSING)}"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        shown = driver.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"]
        )
        yield shown
        shown.close()


@pytest.fixture
def open_page(browser):
    """Opens a file; fails at the end if the console was told anything or the network was asked."""
    said, pages = [], []

    def visit(path, width=1366, height=768, **settings):
        page = browser.new_page(viewport={"width": width, "height": height}, **settings)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append("a dialog opened"))
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith(("file:", "data:", "blob:"))
                else said.append(asked.url)
            ),
        )
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield visit
    for page in pages:
        page.close()
    assert said == []


def xor(name="x"):
    rng = np.random.default_rng(0)
    x = mg.Tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], name=name)
    network = mg.nn.Sequential(mg.nn.Linear(2, 8, rng=rng), mg.relu, mg.nn.Linear(8, 1, rng=rng))
    with mg.sources():
        loss = mg.mse(network(x), np.array([[0.0], [1.0], [1.0], [0.0]]))
    return mg.trace(loss, names={"network": network})


@pytest.fixture(scope="module")
def xor_trace():
    return xor()


@pytest.fixture(scope="module")
def xor_page(xor_trace, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "xor.html"
    xor_trace.save(path)
    return path


@pytest.fixture(scope="module")
def cnn_page(tmp_path_factory):
    """What `minigrad cnn` writes, without training."""
    path = tmp_path_factory.mktemp("page") / "cnn.html"
    data = load("digits", 0)
    _, played = pictures(build(data, np.random.default_rng(0)), data)
    played.save(path)
    assert path.stat().st_size < 5_000_000
    return path


def grid(page, what):
    """The numbers in the panel, if it shows them as a grid; None where there is no such array."""
    cells = page.locator(f"#panel .array[data-what={what}] td")
    return [float(text) for text in cells.all_inner_texts()]


def assert_shown(page, what, array):
    """The panel shows this array, to the four digits that it has room for."""
    if array is None:
        assert grid(page, what) == []
        return
    np.testing.assert_allclose(grid(page, what), array.ravel(), rtol=6e-4, atol=1e-12)


def test_every_step_shows_the_numbers_of_the_engine(open_page, xor_page, xor_trace):
    page = open_page(xor_page)
    page.keyboard.press("Home")
    sums = {}
    for step in xor_trace:
        page.keyboard.press("ArrowRight")
        where = page.locator("#where").inner_text()
        assert where.startswith(f"step {step.number} of {len(xor_trace)}: {step.phase}")
        assert_shown(page, "value", step.output)
        if step.phase == "backward":
            sums.setdefault(step.node, step.cotangent)
            sums |= {p.input: p.sum for p in step.parts if p.sum is not None}
            lit = page.locator("#graph path.edge.backward")
            sources = {int(lit.nth(i).get_attribute("data-source")) for i in range(lit.count())}
            assert sources == {p.input for p in step.parts if p.contribution is not None}
        assert_shown(page, "gradient", sums.get(step.node))
        now = page.locator(f"#graph .node.{step.phase}:not(.folded)")
        assert now.get_attribute("data-id") == str(step.node)
        assert step.source.text in page.locator("#panel .source").inner_text()
    page.keyboard.press("Home")
    for v in xor_trace.values:
        page.keyboard.press("End")
        page.evaluate("(id) => select(id)", v.number)
        assert_shown(page, "value", v.value)
        if v.gradient is not None:
            assert_shown(page, "gradient", v.gradient)


def test_sums_build_up(open_page, tmp_path):
    x = mg.Tensor(3.0, requires_grad=True)
    mg.trace(x * x + x).save(tmp_path / "t.html")
    page = open_page(tmp_path / "t.html")
    seen = []
    for step in range(5):
        page.evaluate("(n) => { go(n); select(1); }", step)
        seen.append(grid(page, "gradient"))
    assert seen == [[], [], [], [1.0], [7.0]]
    page.locator("#panel .array[data-what=gradient] td").click()
    products = page.locator("#panel .products tr.product td:last-child").all_inner_texts()
    assert products == ["3", "3", "1"]
    assert page.locator("#panel .products tr.sum td:last-child").inner_text() == "7"


def test_keys_and_buttons(open_page, xor_page):
    page = open_page(xor_page)
    step = "() => state.step"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(step) == 1
    page.keyboard.press("End")
    assert page.evaluate(step) == 12
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(step) == 11
    page.keyboard.press("Home")
    assert page.evaluate(step) == 0
    page.select_option("#speed", "5")
    page.keyboard.press("Escape")
    page.locator("#stage").focus()
    page.keyboard.press(" ")
    page.wait_for_timeout(900)  # the page's policy forbids what `wait_for_function` does
    assert page.evaluate(step) >= 3
    assert "pause" in page.locator("#play").inner_text()
    page.keyboard.press(" ")
    assert "play" in page.locator("#play").inner_text()
    page.locator("#next").click()
    page.locator("#last").click()
    assert page.evaluate(step) == 12
    page.locator("#slider").fill("4")
    assert page.evaluate(step) == 4
    before = page.evaluate("() => view.scale")
    page.keyboard.press("+")
    assert page.evaluate("() => view.scale") > before
    page.keyboard.press("f")
    page.keyboard.press("/")
    page.keyboard.type("relu")
    assert page.locator("#found").inner_text() == "1 found"
    page.keyboard.press("Enter")
    assert page.locator("#panel h2").inner_text() == "relu"
    assert page.locator("#graph .node.hit").count() == 1


def test_the_receptive_field_of_an_element_of_conv2(open_page, cnn_page):
    page = open_page(cnn_page)
    page.keyboard.press("End")
    conv2 = page.evaluate("() => trace.values.filter((v) => v.op === 'conv2d')[1].id")
    image = page.evaluate("() => trace.values.find((v) => v.name === 'image').id")
    for row, column in ((0, 0), (1, 2), (3, 3)):
        page.evaluate(
            "([id, index]) => select(id, { what: 'value', index })",
            [conv2, (5 * 4 + row) * 4 + column],
        )
        found = page.evaluate(
            "(id) => [...state.followed.used.get(id)].sort((a, b) => a - b)", image
        )
        assert found == sorted(receptive_field(row, column))
        story = page.locator(f"#panel .reach tr[data-id='{image}'] td").all_inner_texts()
        assert story[1] == f"{len(found)} of 64"


def receptive_field(row, column):
    """Pixels of the 8 x 8 image that conv 3x3 (padding 1), maxpool 2, conv 3x3 (padding 1) sees."""
    seen = set()
    for a, b in np.ndindex(3, 3):  # what the second filter covers of the 4 x 4 map
        pooled = (row + a - 1, column + b - 1)
        if not all(0 <= n < 4 for n in pooled):
            continue
        for c, d in np.ndindex(2, 2):  # the window of each
            for e, f in np.ndindex(3, 3):  # what the first filter covers of the image
                pixel = (2 * pooled[0] + c + e - 1, 2 * pooled[1] + d + f - 1)
                if all(0 <= n < 8 for n in pixel):
                    seen.add(pixel[0] * 8 + pixel[1])
    return seen


def test_the_products_of_a_weight_are_those_of_its_map(open_page, cnn_page):
    page = open_page(cnn_page)
    page.keyboard.press("End")
    weight = page.evaluate(
        "() => trace.values.find((v) => v.title === 'weight' || v.name.endsWith('weight')).id"
    )
    page.evaluate("(id) => select(id, { what: 'gradient', index: 4 })", weight)
    assert page.locator("#panel .products tr.sum").inner_text().startswith("the sum of 64 products")
    total = float(page.locator("#panel .products tr.sum td:last-child").inner_text())
    stated = page.evaluate("(id) => gradientOf(id, 4)", weight)
    assert total == pytest.approx(stated, rel=1e-3)


def test_every_gradient_of_the_page_is_the_sum_of_its_products(open_page, xor_page):
    page = open_page(xor_page)
    pairs = page.evaluate(
        """() => trace.values.filter((v) => v.gradient !== null && v.kind !== 'result')
        .flatMap((v) => [...arrayOf(v.gradient).numbers].map((g, i) => [g,
        contributions(v.id, i).terms.reduce((sum, term) => sum + term.g * term.factor, 0)]))"""
    )
    assert len(pairs) == 2 * 8 + 8 + 8 + 1 + 3 * 4 * 8 + 2 * 4  # parameters and results
    stated, summed = np.transpose(pairs)
    np.testing.assert_allclose(summed, stated, rtol=1e-12, atol=1e-15)


def test_modules_fold_and_unfold(open_page, cnn_page):
    page = open_page(cnn_page)
    assert page.locator("#graph .node.folded").count() == 3
    everything = page.evaluate("() => trace.values.length")
    page.locator("#unfold").click()
    assert page.locator("#graph .node").count() == everything
    assert overlaps(page) == []
    page.locator("#turn").click()
    assert overlaps(page) == []
    page.locator("#fold").click()
    assert page.locator("#graph .node.folded").count() == 1
    page.locator("#graph .node.folded text.sign").first.dispatch_event("click")
    page.evaluate("() => fold(Number(Object.keys(trace.boxes)[0]), true)")
    assert page.locator("#graph .node.folded").count() == 3
    page.evaluate("() => { state.step = 0; play(true); }")
    page.evaluate("() => { play(false); go(1); }")
    assert page.locator("#graph .node.folded.forward").count() == 1  # its conv2d is inside


def overlaps(page):
    """Pairs of nodes that lie on each other."""
    return page.evaluate(
        """() => scene.items.flatMap((p, i) => scene.items.slice(i + 1).filter((q) =>
        Math.abs(p.x - q.x) < (p.w + q.w) / 2 - 0.5 && Math.abs(p.y - q.y) < (p.h + q.h) / 2 - 0.5
        ).map((q) => [p.name, q.name]))"""
    )


def test_an_element_is_chosen_by_a_click_in_the_diagram(open_page, xor_page):
    page = open_page(xor_page)
    page.keyboard.press("f")
    cell = page.locator("#graph .node[data-id='1'] g.value rect.cell").nth(3)
    cell.click(force=True)
    assert page.evaluate("() => [state.selected, state.element.index]") == [1, 3]
    assert page.locator("#panel td.chosen").inner_text() == "1"


def test_hovering_tells_one_element(open_page, cnn_page):
    page = open_page(cnn_page)
    page.keyboard.press("End")
    page.evaluate("() => select(trace.values.find((v) => v.name === 'image').id)")
    page.locator("#panel canvas").first.hover(position={"x": 3, "y": 3})
    text = page.locator("#panel .readout").first.inner_text()
    assert text.startswith("image[0, 0, 0, 0] = ")


def test_hostile_names_stay_text(open_page, tmp_path):
    trace = xor(HOSTILE)
    trace.save(tmp_path / "t.html")
    page = open_page(tmp_path / "t.html")
    number = next(v.number for v in trace.values if v.name == HOSTILE)
    title = page.locator(f"#graph .node[data-id='{number}'] text.title")
    assert title.evaluate("(shape) => shape.textContent") == HOSTILE
    page.evaluate("(id) => select(id)", number)
    assert page.locator("#panel h2").inner_text() == HOSTILE
    assert page.locator("#graph img, #panel img").count() == 0
    assert page.title() == "backprop from loss"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1366])
def test_nothing_is_cut_off(open_page, cnn_page, scheme, width):
    page = open_page(cnn_page, width=width, height=844, color_scheme=scheme)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.evaluate("() => byId('panel').scrollWidth <= byId('panel').clientWidth")
    inside = """(name) => { const b = document.querySelector(name).getBoundingClientRect();
        return b.left >= 0 && b.right <= innerWidth && b.bottom <= innerHeight; }"""
    for part in ("#play", "#slider", "#search", "#theme", "#stage"):
        assert page.evaluate(inside, part)
    assert page.evaluate("() => view.scale") >= 0.5  # its numbers can be read


def test_the_picture_can_be_taken_along(open_page, xor_page):
    page = open_page(xor_page)
    text = page.evaluate("() => pictureText()")
    assert text.startswith("<svg")
    assert "var(--" not in text
    size = page.evaluate("async () => (await pictureBlob()).size")
    assert size > 10_000


def test_the_page_marks_where_nan_begins_and_what_was_broadcast(open_page, tmp_path):
    x = mg.Tensor([[1.0, 2.0], [0.0, 0.0]], name="x")
    b = mg.Tensor([0.0, 0.0], requires_grad=True, name="b")
    h = x + b
    with np.errstate(all="ignore"):
        loss = np.mean(h / np.sum(h, axis=1, keepdims=True))
        mg.trace(loss).save(tmp_path / "nan.html")
    page = open_page(tmp_path / "nan.html")
    marked = page.locator(".node.anomaly")
    assert marked.count() == 1
    assert marked.locator("text.title").text_content() == "divide"
    assert page.locator("text.told").all_text_contents() == ["→ (2, 2)", "→ (2, 2)"]
    assert page.locator(".edge.broadcast").count() == 2
    page.locator("#panel .alarm .link").click()
    told = page.locator("#panel .alarm").text_content()
    assert "divide at #5 makes nan out of finite numbers at [1, 0]" in told
    assert "#4 is broadcast: (2, 1) → (2, 2)" in page.locator("#panel").text_content()


def test_arrays_without_a_finite_number_have_no_range(open_page, tmp_path):
    b = mg.Tensor([[0.0, 0.0]], requires_grad=True, name="b")
    with np.errstate(all="ignore"):
        loss = np.sum(b / np.sum(b, axis=1, keepdims=True) * [[np.nan, np.nan]])
        mg.trace(loss).save(tmp_path / "nan.html")
    page = open_page(tmp_path / "nan.html")
    page.evaluate("go(last); select(3)")
    told = page.locator("#panel").text_content()
    assert "2 not finite" in told
    assert "max" not in told
    assert "gives nothing finite" in told
