"""The UCI handwritten digits: small, real, and in the package."""

from importlib.resources import files

import numpy as np


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 1,797 handwritten digits as `(images, labels)`, fresh arrays at each call.

    Images are (1797, 1, 8, 8) float32 in [0, 1]: the share of ink in each pixel, which stands for
    a block of 4 by 4 in the scan, so that every value is a whole number of sixteenths. Labels are
    (1797,) int64 in 0..9.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine
    Learning Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0.

    >>> from minigrad.data import digits
    >>> images, labels = digits()
    >>> images.shape, labels[:10].tolist()
    ((1797, 1, 8, 8), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    with files("minigrad.data").joinpath("digits.npz").open("rb") as file, np.load(file) as packed:
        images, labels = packed["images"], packed["labels"]
    return images[:, np.newaxis] / np.float32(16), labels.astype(np.int64)
