"""docs/lecture.md is whole: every row has its claim, its example, its picture and its tests."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "lecture.md"
PICTURES = ROOT / "docs" / "pictures"
SECTIONS = {  # where the notes make each claim: rows 22 to 25 were found at a second reading
    "1. Perceptron": [1, 2, 3],
    "2. Multi-layer perceptron": [4, 5, 6, 7, 22],
    "3. Convolution layer": [8, 9, 10, 11, 12, 13, 14, 15, 16, 23, 24],
    "4. Pooling": [17, 18, 25],
    "5. Why convolution": [19, 20, 21],
}
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
HEADING = re.compile(r"^### (L\d+)\. (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def rows(page):
    """The text below each heading, by the row's name."""
    _, *parts = HEADING.split(page)
    assert len(set(parts[::3])) == len(parts[::3]), "a row is there twice"
    return {name: f"{claim}\n{text}" for name, claim, text in zip(*[iter(parts)] * 3, strict=True)}


def lacking(name, row):
    """What a row of the page lacks, or names wrongly."""
    claim = CODE.sub("", row).partition("Runs in")[0]
    examples = re.findall(r"\]\(\.\./examples/(\w+\.py)\)", row)
    pictures = re.findall(r"\]\(pictures/([\w.]+)\)", row)
    shown = re.findall(r"^!\[.+\]\(pictures/([\w.]+)\)$", row, re.MULTILINE)
    tests = re.findall(r"\[`(test_\w+)`\]\(\.\./tests/(\w+\.py)\)", row)
    sources = {file: (ROOT / "examples" / file).read_text() for file in examples}
    if len(claim.split()) < 10:
        yield "a claim"
    if not examples:
        yield "an example"
    if not shown:
        yield "a picture"
    if not tests:
        yield "a test"
    for picture in pictures:
        if not (PICTURES / picture).is_file():
            yield f"the file of {picture}"
        if not any(picture in source for source in sources.values()):
            yield f"an example that writes {picture}"
    for test, file in tests:
        if f"\ndef {test}(" not in (ROOT / "tests" / file).read_text():
            yield f"the test {test} in {file}"
        if f"_{name}_" not in test:
            yield f"its name in {test}"


def test_the_rows_are_there_each_in_its_section():
    _, *parts = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)
    found = {title: list(rows(text)) for title, text in zip(parts[::2], parts[1::2], strict=True)}
    assert found == {title: [f"L{n}" for n in numbers] for title, numbers in SECTIONS.items()}
    assert sorted(n for numbers in SECTIONS.values() for n in numbers) == list(range(1, 26))


@pytest.mark.parametrize("name", [f"L{n}" for n in range(1, 26)])
def test_row(name):
    assert list(lacking(name, rows(PAGE.read_text())[name])) == []


@pytest.mark.parametrize(
    ("pattern", "instead", "missing"),
    [
        (r"(?s)^.+(?=Runs in)", "Too few words. ", "a claim"),
        (r"Runs in .+?\. Tested", "Tested", "an example"),
        (r"!\[.+\n", "", "a picture"),
        (r"\[`test_\w+`\]\(.+\)", "", "a test"),
        (r"pictures/\w+", "pictures/none", "the file of none.png"),
        (r"examples/convolution", "examples/pooling", "writes convolution_sizes.png"),
        (r"test_L12_output_size", "test_L12_none", "the test test_L12_none in test_lecture.py"),
        (r"test_L12_output_size", "test_L5_xor_by_hand", "its name in test_L5_xor_by_hand"),
    ],
)
def test_what_a_row_lacks_is_noticed(pattern, instead, missing):
    row = rows(PAGE.read_text())["L12"]
    found = list(lacking("L12", re.sub(pattern, instead, row)))
    assert any(what.endswith(missing) for what in found), found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_has_a_line_and_a_picture_in_the_readme(example):
    readme = (ROOT / "examples" / "README.md").read_text()
    line = next(part for part in readme.splitlines() if f"[`{example.name}`]" in part)
    picture = re.search(r'src="\.\./docs/pictures/([\w.]+)"', line)
    assert picture is not None
    assert (PICTURES / picture[1]).is_file()
    assert picture[1] in example.read_text()


def test_every_picture_is_small_and_written_by_an_example():
    sources = "".join(example.read_text() for example in EXAMPLES)
    shown = set(re.findall(r"pictures/([\w.]+)", PAGE.read_text()))
    assert len(shown) > 20
    for name in shown:
        assert f'"{name}"' in sources
        assert (PICTURES / name).stat().st_size < 64_000, f"{name} is too large to commit"
