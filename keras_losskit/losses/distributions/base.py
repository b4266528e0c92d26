"""What distributions share: blocks of raw parameters, and links to positive ones."""

from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.elementwise import IncompleteLoss
from keras_losskit.core.kernels import at_least, at_most
from keras_losskit.core.numerics import mean, softplus
from keras_losskit.core.special import HALF_LOG_2PI
from keras_losskit.core.takes import Takes
from keras_losskit.losses.distributions.families import Normal

LINKS = ("softplus", "exp", "identity")
# Beyond it a raw output stands still: there exp(80) is 5e34, softplus(-80) is 2e-35, and a
# slope that is nearly 0 meets what it would be multiplied by, which may be infinite.
FAR = 80


def positive(raw, link, minimum):
    """A raw output as a number of at least `minimum`."""
    if link == "identity":
        return at_least(raw, minimum)
    if link == "exp":
        return ops.exp(at_most(at_least(raw, -FAR), FAR)) + minimum
    return softplus(at_least(raw, -FAR)) + minimum


class DistributionLoss(IncompleteLoss):
    """Base of losses on blocks of raw parameters, `[first of all K | second of all K | …]`.

    A subclass says how many `blocks` there are and writes `each(y_true, *blocks)`, all of
    one shape `(…, K)`, or without its last axis where K is 1. `call` is handed the blocks
    as a tuple, so that what masks an entry of `y_true` masks all of its parameters. Its
    `family` is made of what `parameters(*blocks)` returns: by default a location and, by
    the link, a scale.

    Args:
        link: how a raw output becomes positive: `"softplus"`, `"exp"` or `"identity"`.
        minimum: what is added to a positive parameter, or, with `"identity"`, is the
            least that it is.
        missing: as in `MeanSquaredError`.
    """

    takes = Takes("real", "parameters", "blocks")
    blocks = 2
    family = Normal

    def __init__(self, link="softplus", minimum=1e-6, **common):
        super().__init__(**common)
        self.link = checks.choice(self, "link", link, LINKS)
        self.minimum = checks.real(self, "minimum", minimum, above=0)

    def positive(self, raw):
        """A raw output as a positive parameter."""
        return positive(raw, self.link, self.minimum)

    def parameters(self, location, raw_scale):
        """What the family is made of, from the raw blocks."""
        return location, self.positive(raw_scale)

    def columns(self, events):
        """How many raw outputs there are for so many targets."""
        return self.blocks * events

    def distribution(self, y_pred):
        """The distribution that raw outputs `(…, P·K)` stand for."""
        return self.family(*self.parameters(*ops.split(y_pred, self.blocks, axis=-1)))

    def weighed_shape(self, y_true, y_pred):
        *lead, columns = y_pred.shape if len(y_pred.shape) else (None,)
        return (*lead, None if columns is None else columns // self.blocks)

    def prepare(self, y_true, y_pred):
        y_true, y_pred = super().prepare(y_true, y_pred)
        return y_true, tuple(ops.split(y_pred, self.blocks, axis=-1))

    def call(self, y_true, y_pred):
        one, entries = y_true.shape[-1] == 1, self.missing is not None
        if one:  # Dropped beforehand, as in `ElementwiseLoss`.
            y_true, *y_pred = (ops.squeeze(x, axis=-1) for x in (y_true, *y_pred))
        values = self.each(y_true, *y_pred)
        if one:
            return ops.expand_dims(values, -1) if entries else values
        return values if entries else self.mean(y_true, values)

    def mean(self, y_true, values):
        """The values of a row's entries in one."""
        return mean(values)


def gaussian(y, location, scale):
    """-log of the normal density."""
    z = (y - location) / scale
    return HALF_LOG_2PI + ops.log(scale) + 0.5 * z * z  # Half of a square that may overflow.
