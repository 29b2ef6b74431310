"""A tiny attention model learns the Zen of Python by heart, letter by letter (beyond the lecture).

The text is that of Python's module `this`. Writes attention.png.
"""

import codecs
import io
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import plots

import minigrad as mg

LENGTH = 32  # letters that the model sees at once
WIDTH = 32  # numbers that stand for a letter


def zen():
    """The text of `this`, which prints it when it is imported."""
    with redirect_stdout(io.StringIO()):
        import this
    return codecs.decode(this.s, "rot13")


class Model(mg.nn.Module):
    """Letters (B, T) -> scores (B, T, letters) of the one that follows each, T at most `LENGTH`."""

    def __init__(self, letters, rng):
        def linear(inputs, outputs):
            return mg.nn.Linear(inputs, outputs, bias=False, rng=rng)

        self.letter = mg.Tensor(rng.normal(0, 0.5, (letters, WIDTH)), requires_grad=True)
        self.place = mg.Tensor(rng.normal(0, 0.5, (LENGTH, WIDTH)), requires_grad=True)
        self.query, self.key, self.value = [linear(WIDTH, WIDTH) for _ in range(3)]
        self.wide, self.narrow = linear(WIDTH, 4 * WIDTH), linear(4 * WIDTH, WIDTH)
        self.scores = linear(WIDTH, letters)

    def forward(self, letters):
        """Look back by attention, think by a hidden layer, each added to what was there."""
        x = mg.embedding(letters, self.letter) + self.place[: letters.shape[1]]  # (B, T, WIDTH)
        y = mg.layer_norm(x)
        x = x + mg.scaled_dot_product_attention(
            self.query(y), self.key(y), self.value(y), causal=True
        )
        x = x + self.narrow(mg.relu(self.wide(mg.layer_norm(x))))
        return self.scores(mg.layer_norm(x))

    def looks(self, letters):
        """How much each letter (row) looks at those before it (columns): (T, T)."""
        y = mg.layer_norm(mg.embedding(letters, self.letter) + self.place[: len(letters)])
        matches = (self.query(y) @ self.key(y).T).numpy() / np.sqrt(WIDTH)
        return mg.softmax(np.where(np.tri(len(letters)), matches, -np.inf))


def train(model, text, rng, steps=1200, batch=16, rate=0.01):
    """Adam on the surprise at the next letter, in bits: its course."""
    optimiser, course = mg.optim.Adam(model.parameters(), lr=rate), []
    for step in range(steps):
        starts = rng.integers(len(text) - LENGTH, size=batch)
        pieces = text[starts[:, None] + np.arange(LENGTH + 1)]  # (B, T + 1)
        scores = model(pieces[:, :-1])
        loss = mg.cross_entropy(scores.reshape(batch * LENGTH, -1), pieces[:, 1:].ravel())
        optimiser.zero_grad()
        loss.backward()
        optimiser.lr = rate * (1 - step / steps)
        optimiser.step()
        course.append(loss.item() / np.log(2))
    return course


def write(model, letters, count, rng):
    """Go on for so many letters, each drawn by the chances that the model gives it."""
    with mg.no_grad():
        for _ in range(count):
            chances = mg.softmax(model(letters[None, -LENGTH:]).numpy()[0, -1])
            letters = np.append(letters, rng.choice(len(chances), p=chances))
    return letters


def pair_entropy(text):
    """The surprise in bits that is left to one who knows how often each pair of letters occurs."""
    pairs = np.zeros((text.max() + 1,) * 2)
    np.add.at(pairs, (text[:-1], text[1:]), 1)
    chance = pairs / np.maximum(pairs.sum(1, keepdims=True), 1)
    return -np.sum(pairs / pairs.sum() * np.log2(np.where(pairs > 0, chance, 1)))


def picture(course, pairs, weights, piece, out):
    """The surprise while learning, and where each letter of a piece looks."""
    figure, (way, looks) = plots.figure(1, 2, 9.5, 4, width_ratios=[1, 1.1])
    way.plot(course, c=plots.BLUE)
    way.axhline(pairs, c=plots.ORANGE, ls="--", label="knowing all pairs of letters")
    way.set(
        title="Surprise at the next letter", xlabel="step", ylabel="bits a letter", ylim=(0, None)
    )
    way.legend()
    looks.imshow(weights, cmap="Blues")
    names = [letter if letter.strip() else "␣" for letter in piece]
    looks.set_xticks(range(len(piece)), names, family="monospace")
    looks.set_yticks(range(len(piece)), names, family="monospace")
    looks.set(title="What each letter (row) looks back at")
    plots.save(figure, out / "attention.png")


def main(out: Path):
    """Learn the text, write on from its beginning, draw."""
    written, rng = zen(), np.random.default_rng(0)
    alphabet, text = np.unique(list(written), return_inverse=True)
    model = Model(len(alphabet), rng)
    course = train(model, text, rng)
    print(f"{model}: {np.mean(course[-50:]):.2f} bits a letter, {course[0]:.2f} at first; "
          f"knowing all pairs of letters leaves {pair_entropy(text):.2f}")  # fmt: skip
    start = written.index("Beautiful")
    print("".join(alphabet[write(model, text[start : start + 12], 250, rng)]))
    at = written.index("Readability")
    piece = slice(at, at + 19)
    picture(course, pair_entropy(text), model.looks(text[piece]), written[piece], out)


if __name__ == "__main__":
    main(plots.folder(__doc__))
