"""Cut DejaVu Sans Mono down to the letters that pictures use, beside this script.

Run it with `python minigrad/drawing/fonts/make_fonts.py`; it needs matplotlib, which carries the
whole fonts (version 2.37) and comes with fontTools. Equal fonts give equal bytes.
"""

from pathlib import Path

LETTERS = [
    (0x0020, 0x007E),  # ASCII
    (0x00A0, 0x017F),  # the rest of Latin-1, and Latin Extended-A
    (0x0370, 0x03FF),  # Greek
    (0x0400, 0x045F),  # Cyrillic
    (0x2010, 0x203A),  # dashes, quotation marks, dots
    (0x2070, 0x209C),  # superscripts and subscripts
    (0x2100, 0x214F),  # letterlike symbols
    (0x2190, 0x22FF),  # arrows and mathematical operators
    (0x2400, 0x2421),  # symbols of control characters
    (0x25A0, 0x25CF),  # geometric shapes
    (0xFFFD, 0xFFFD),  # in place of what cannot be shown
]


def write_fonts(folder: Path) -> None:
    """Write the two fonts, upright and bold, to `folder`."""
    import matplotlib
    from fontTools.subset import Options, Subsetter  # type: ignore[import-untyped]
    from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

    whole = Path(matplotlib.get_data_path(), "fonts", "ttf")
    letters = [code for first, last in LETTERS for code in range(first, last + 1)]
    for name in ("DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf"):
        font = TTFont(whole / name, recalcTimestamp=False)
        subsetter = Subsetter(Options(hinting=False, layout_features=[], drop_tables=["FFTM"]))
        subsetter.populate(unicodes=letters)
        subsetter.subset(font)
        font.save(folder / name)


if __name__ == "__main__":
    write_fonts(Path(__file__).parent)
