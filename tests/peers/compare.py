"""How a loss is compared with another package's: declared once, drawn several times.

A comparison is a function of a `Draw`, marked `@peer`, that returns a `Pair`: a loss of the
kit with its data, and what the package computes from the same predictions. The number and its
gradient by the predictions have to agree, in float64 where the package can.
"""

import dataclasses
import inspect
import re
import textwrap
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch

import keras_losskit as kl

EQUAL = "equal"  # The same options by their names, and the same number.
OPTION = "by option"  # The same number, by the option or factor that is documented.
DIFFERS = "differs as documented"  # Another number, which the documented mapping turns into ours.
HOWS = (EQUAL, OPTION, DIFFERS)
DRAWS = 5
COMPARISONS = []


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What is compared; `says` is how it maps, a row "elsewhere | here" where there is one."""

    package: str
    theirs: str
    loss: type
    how: str
    says: tuple
    draws: int
    rtol: float
    wide: bool
    gradient: bool
    make: Callable

    @property
    def name(self):
        return f"{self.package}-{self.loss.__name__}-{self.make.__name__}"


def peer(
    package, theirs, loss, how, *says, draws=DRAWS, rtol=1e-9, wide=True, gradient=True
):
    """Declares a comparison.

    Args:
        package: its name, by which pip knows it.
        theirs: what is called there.
        loss: the kit's class.
        how: `EQUAL`, `OPTION` or `DIFFERS`.
        says: the rows "elsewhere | here" that it executes, word for word; or, where there is
            none, what stands in the docstring, or how they map.
        draws: how many times data and options are drawn.
        rtol: of the largest entry; above 1e-9 where the package rounds, or adds an epsilon.
        wide: whether the package computes in float64.
        gradient: whether there is one to compare.
    """
    assert how in HOWS, how

    def declare(make):
        rounding = rtol if wide else max(rtol, 1e-5)
        found = Comparison(
            package, theirs, loss, how, says, draws, rounding, wide, gradient, make
        )
        assert found.name not in {other.name for other in COMPARISONS}, found.name
        COMPARISONS.append(found)
        return make

    return declare


@dataclasses.dataclass
class Pair:
    """The two sides of a draw, functions of the same predictions.

    Args:
        loss: the kit's; a function `(y_true, y_pred)` where the numbers differ.
        y_true, y_pred, weights: what it is called with; arrays in the kit's layout.
        theirs: of `y_pred` alone: of a torch tensor, or wrapped by `Jax` or `NumPy`.
        through: what turns the drawn numbers into predictions on both sides, such as a
            softmax, so that the gradient is that along what predictions can be.
        plain: where the numbers differ, the loss by itself, which has to show it.
    """

    loss: Any
    y_true: Any
    y_pred: np.ndarray
    theirs: Callable
    weights: np.ndarray | None = None
    through: Callable | None = None
    plain: Any = None


@dataclasses.dataclass
class Jax:
    """A function in JAX, differentiated there."""

    function: Callable


@dataclasses.dataclass
class NumPy:
    """A function without a gradient, of which differences are taken in float64."""

    function: Callable


class Draw:
    """Seeded options and data of one draw."""

    def __init__(self, name, number):
        self.number = number
        self.rng = np.random.default_rng([zlib.crc32(name.encode()), number])

    def __repr__(self):
        return f"draw {self.number}"

    def size(self, low, high):
        """A whole number, `high` included."""
        return int(self.rng.integers(low, high + 1))

    def real(self, low, high):
        return float(self.rng.uniform(low, high))

    def choice(self, *options):
        """One after the other, so that a few draws meet all of two or three."""
        self.turn = getattr(self, "turn", -1) + 1
        return options[(self.number // 2**self.turn) % len(options)]

    def normal(self, *shape, scale=1.0):
        return scale * self.rng.normal(size=shape)

    def uniform(self, *shape, low=0.0, high=1.0):
        return self.rng.uniform(low, high, size=shape)

    def positive(self, *shape, scale=1.0):
        return np.exp(self.normal(*shape, scale=scale))

    def bits(self, *shape, share=0.4):
        return (self.rng.random(shape) < share).astype(float)

    def ids(self, *shape, classes):
        return self.rng.integers(0, classes, size=shape)

    def rows(self, *shape):
        """Shares of the last axis."""
        return softmax(self.normal(*shape, scale=2.0))

    def one_hot(self, *shape):
        return np.eye(shape[-1])[self.ids(*shape[:-1], classes=shape[-1])]

    def balanced(self, classes, each):
        """Ids of `classes` classes, `each` of each, shuffled."""
        return self.rng.permutation(np.repeat(np.arange(classes), each))

    def unbalanced(self, classes):
        """Ids of classes that have 2 members or more, and not the same number."""
        return self.rng.permutation(np.repeat(np.arange(classes), 2 + np.arange(classes) % 3))


# --- both sides ------------------------------------------------------------------------------


def check(comparison, number):
    """Compares one draw; returns whether the number, the gradient and `plain` said something."""
    draw = Draw(comparison.name, number)
    pair = comparison.make(draw)
    drawn = np.asarray(pair.y_pred, "float64")
    mine, my_slopes, upstream = of_the_kit(pair, drawn, comparison.gradient, draw)
    theirs = pair.theirs
    if isinstance(theirs, Jax):
        value, slopes = of_jax(theirs.function, drawn, upstream, comparison.gradient)
    elif isinstance(theirs, NumPy):
        value, slopes = of_numpy(theirs.function, drawn, upstream, comparison.gradient, draw)
    else:
        dtype = torch.float64 if comparison.wide else torch.float32
        value, slopes = of_torch(
            theirs, drawn, upstream, comparison.gradient, dtype, pair.through
        )
    assert_close(mine, value.reshape(mine.shape), comparison.rtol, "number")
    if comparison.gradient and isinstance(theirs, NumPy):
        for along, slope in slopes:
            scale = np.linalg.norm(my_slopes) * np.linalg.norm(along)
            np.testing.assert_allclose(
                (my_slopes * along).sum(), slope, rtol=0, atol=max(comparison.rtol, 1e-6) * scale,
                err_msg="slope along a direction",
            )
    elif comparison.gradient:
        assert_close(my_slopes, slopes, comparison.rtol, "gradient")
    apart = False
    if pair.plain is not None:
        plain, *_ = of_the_kit(dataclasses.replace(pair, loss=pair.plain), drawn, False, draw)
        apart = abs(plain.mean() - value.mean()) > 100 * comparison.rtol * np.abs(value).max()
    return bool(np.any(mine)), my_slopes is not None and bool(np.any(my_slopes)), bool(apart)


def assert_close(mine, theirs, rtol, what):
    assert np.shape(mine) == np.shape(theirs), f"{what}: {np.shape(mine)}, {np.shape(theirs)}"
    scale = np.abs(theirs).max(initial=0)
    np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol * scale, err_msg=what)


def of_the_kit(pair, drawn, gradient, draw):
    """`(number, gradient, upstream)` of the kit, in float64; `upstream` weighs the values."""
    leaf = torch.tensor(drawn, requires_grad=gradient)
    y_pred = leaf if pair.through is None else pair.through(leaf)
    with float64():
        more = () if pair.weights is None else (pair.weights,)
        value = pair.loss(pair.y_true, y_pred, *more)
    upstream = draw.rng.uniform(0.5, 1.5, size=tuple(value.shape))
    if not gradient:
        return value.detach().numpy(), None, upstream
    (value * torch.tensor(upstream)).sum().backward()
    return value.detach().numpy(), leaf.grad.numpy(), upstream


class float64:
    """Keras' floats are of 64 bits inside."""

    def __enter__(self):
        self.before = keras.config.floatx()
        keras.config.set_floatx("float64")

    def __exit__(self, *error):
        keras.config.set_floatx(self.before)


def of_torch(function, drawn, upstream, gradient, dtype, through):
    leaf = torch.tensor(drawn, dtype=dtype, requires_grad=gradient)
    value = function(leaf if through is None else through(leaf))
    if not gradient:
        return np.asarray(torch.as_tensor(value).detach(), "float64"), None
    value = value.reshape(upstream.shape)
    (value * torch.tensor(upstream, dtype=value.dtype)).sum().backward()
    return value.detach().double().numpy(), leaf.grad.double().numpy()


def of_jax(function, drawn, upstream, gradient):
    import jax

    with jax.enable_x64(True):
        if not gradient:
            return np.asarray(jax.jit(function)(drawn)), None

        def weighed(x):
            value = function(x).reshape(upstream.shape)
            return (value * upstream).sum(), value

        slopes, value = jax.jit(jax.grad(weighed, has_aux=True))(drawn)
        return np.asarray(value), np.asarray(slopes)


def of_numpy(function, drawn, upstream, gradient, draw, step=1e-6):
    """The number, and `[(direction, slope)]` of central differences along three of them."""
    value = np.asarray(function(drawn), "float64")
    if not gradient:
        return value, None
    slopes = []
    for _ in range(3):
        along = draw.rng.uniform(0.5, 1.5, drawn.shape) * draw.rng.choice([-1, 1], drawn.shape)
        up, down = (np.asarray(function(drawn + s * along)) for s in (step, -step))
        slopes.append((along, ((up - down) * upstream).sum() / (2 * step)))
    return value, slopes


# --- small things ------------------------------------------------------------------------------


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def tensor(x):
    """A torch tensor: floats of 64 bits, ids as they are."""
    return torch.as_tensor(np.asarray(x))


def first(x):
    """Channels first, of an array or a tensor; `(B, *spatial, C)`."""
    x = x if torch.is_tensor(x) else tensor(x)
    return x.movedim(-1, 1)


def values(loss, **options):
    """A loss that gives its values."""
    return loss(**options, reduction="none")


# --- what is kept ------------------------------------------------------------------------------


def pinned():
    """`{package: version}` of requirements.txt; others come with the kit's own tests."""
    text = (Path(__file__).parent / "requirements.txt").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.M))


def counts(rows):
    """`[(package, equal, by option, differs, draws)]` of `(package, how, draws)`."""
    table = {}
    for package, how, draws in rows:
        line = table.setdefault(package, [0] * (len(HOWS) + 1))
        line[HOWS.index(how)] += 1
        line[-1] += draws
    return [(package, *line) for package, line in sorted(table.items(), key=lambda x: x[0].lower())]


def table(rows):
    """The lines of a Markdown table of the counts, with their sum."""
    lines = counts(rows)
    total = [sum(line[i] for line in lines) for i in range(1, len(HOWS) + 2)]
    yield f"| package | {' | '.join(HOWS)} | draws |"
    yield "|---|---:|---:|---:|---:|"
    for line in [*lines, ("all", *total)]:
        yield "| " + " | ".join(str(x) for x in line) + " |"


def document():
    """docs/peers.md."""
    versions = pinned()
    said = [(c.package, c.how, c.draws) for c in COMPARISONS]
    lines = [
        "# The kit beside other packages",
        "",
        "Written by `python -m tests.peers`, after the installation that",
        "[requirements.txt](../tests/peers/requirements.txt) begins with. What it says is run by",
        "`python -m pytest tests/peers`, and a test fails where this page is not what runs.",
        "",
        "Each line is one comparison of a loss with another package's, over several seeded draws",
        "of shapes, options, targets and weights: the number, and its gradient by `y_pred`, in",
        "float64 and to 9 digits where not said otherwise. NumPy's packages have no gradients:",
        "there it is compared with differences along three directions, to 6 digits.",
        "",
        f"- *{EQUAL}*: the same options, the same number;",
        f"- *{OPTION}*: the same number, by an option, a factor or another layout;",
        f"- *{DIFFERS}*: another number, which the documented mapping turns into the kit's; the",
        "  difference is tested, too.",
        "",
        *table(said),
        "",
        *paragraph(
            f"{len(losses()) - len(alone())} of {len(losses())} losses are compared. For want of "
            "a package, these are held to their papers, and to Keras, alone: "
            + ", ".join(f"`{name}`" for name in alone()) + "."
        ),
        "",
    ]
    for package in sorted({c.package for c in COMPARISONS}, key=str.lower):
        lines += [
            f"## {package} {versions.get(package, '')}".rstrip(),
            "",
            "| theirs | here | how | draws | compared | mapping |",
            "|---|---|---|---:|---|---|",
        ]
        for c in sorted(
            (c for c in COMPARISONS if c.package == package),
            key=lambda c: (c.loss.__name__, c.theirs, c.make.__name__),
        ):
            lines.append(
                f"| `{c.theirs}` | `{c.loss.__name__}` | {c.how} | {c.draws} | {compared(c)} | "
                f"{cell(c)} |"
            )
        lines.append("")
    return "\n".join(lines)


def paragraph(text):
    return textwrap.wrap(text, 96, break_on_hyphens=False)


def losses():
    """The names of the kit's own losses."""
    found = [getattr(kl, name) for name in kl.__all__]
    return [
        x.__name__ for x in found
        if inspect.isclass(x) and issubclass(x, kl.Loss) and ".losses." in x.__module__
    ]


def alone():
    """Those that nothing is compared with."""
    return sorted(set(losses()) - {c.loss.__name__ for c in COMPARISONS})


def compared(c):
    """What of a comparison, and how exactly."""
    what = "number and gradient" if c.gradient else "number"
    return what if c.rtol <= 1e-9 else f"{what}, to {c.rtol:g}"


def cell(c):
    """The mapping, with the bar of a row as an arrow."""
    return "; ".join(
        re.sub(r"(?<!\\)\|", "→", text) for text in c.says
    )


def documented(loss, text):
    """Whether a docstring says so, wherever its lines break."""

    def plain(text):
        return re.sub(r"\s+", " ", text.replace("\\\n", ""))

    return plain(text) in plain(loss.__doc__)


