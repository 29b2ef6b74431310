"""Pack the UCI handwritten digits into `digits.npz`, beside this script; needs scikit-learn.

Run it with `python -m minigrad.data.make_digits`.

Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, 1998, https://doi.org/10.24432/C50P49, licence CC BY 4.0. scikit-learn carries its test
set, `optdigits.tes`.
"""

from pathlib import Path

import numpy as np


def write_digits(path: Path) -> None:
    """Write scikit-learn's digits to `path`: images (1797, 8, 8) and labels (1797,), both uint8.

    Pixels keep their values 0..16. Equal arrays give equal bytes, since NumPy dates every member
    of its archive 1980; only another release of zlib may compress them differently.
    """
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    source = load_digits()
    images, labels = source.images.astype(np.uint8), source.target.astype(np.uint8)
    np.savez_compressed(path, images=images, labels=labels)


if __name__ == "__main__":
    write_digits(Path(__file__).with_name("digits.npz"))
