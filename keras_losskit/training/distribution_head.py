"""`DistributionHead`: the layer before a loss that takes a distribution's raw parameters."""

import inspect

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.config import encode
from keras_losskit.core.loss import register
from keras_losskit.core.options import call_it


@register
class DistributionHead(keras.layers.Dense):
    """A dense layer with the outputs that a distribution's loss takes, and what they mean.

    It has as many units as the loss has parameters for `events` targets, in the blocks that
    the loss reads, and no activation: the links are the loss's own. Its other methods turn
    what the model predicts into numbers of the targets' units.

    Args:
        loss: a loss on raw parameters, such as `GaussianNLL`, `NegativeBinomialNLL`,
            `GaussianMixtureNLL` or `WeibullNLL`, or the name of its class where it needs no
            options. It is at hand as `head.loss`.
        events: K, how many targets there are; an integer >= 1.
        **options: as of `keras.layers.Dense`: `kernel_initializer`, `use_bias`, `name`, …

    Call on `(…, D)`; returns raw parameters `(…, P·K)`. From these, as the model predicts
    them:

    | method | returns |
    |---|---|
    | `mean(raw)`, `stddev(raw)` | `(…, K)`; NaN, or infinite, where there is none |
    | `quantile(raw, p)` | `(…, K)`: what is not exceeded with probability p in (0, 1) |
    | `sample(raw, seed)` | `(…, K)`: one draw each; an integer or a `SeedGenerator` |
    | `parameters(raw)` | `{name: tensor}`: positive where they have to be |

    No formula gives quantiles of Student's t, beta, of counts and of mixtures, nor draws of
    counts: `parameters` and SciPy do.

    Raises:
        ValueError: for a loss that takes no raw parameters, arguments out of range, raw
            outputs of another layer's size, and where no formula gives what is asked for.
        TypeError: for what is no loss, and for `units` or `activation`.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> head = kl.DistributionHead(kl.LogNormalNLL(link="identity"))
    >>> head(np.ones((5, 4))).shape == (5, 2)
    True
    >>> raw = np.array([[0.0, 2.0]])    # m = 0, s = 2
    >>> [round(float(f(raw)[0, 0]), 3) for f in (head.mean, head.stddev)]    # e², …
    [7.389, 54.096]
    >>> float(head.quantile(raw, 0.5)[0, 0])
    1.0

    Reference: C. M. Bishop, *Mixture Density Networks* (1994),
    https://publications.aston.ac.uk/id/eprint/373/
    """

    def __init__(self, loss, events=1, **options):
        for name in ("units", "activation"):
            if name in options:
                raise TypeError(
                    f"DistributionHead has no option `{name}`: the loss says how many outputs "
                    "there are, and links them to its parameters itself."
                )
        loss = _on_parameters(loss)
        events = checks.integer(self, "events", events, at_least=1)
        super().__init__(loss.columns(events), **options)
        self.loss = loss
        self.events = events

    def mean(self, raw):
        """The mean of each target."""
        return self._distribution(raw).mean()

    def stddev(self, raw):
        """The standard deviation of each target."""
        return self._distribution(raw).stddev()

    def quantile(self, raw, p):
        """What each target does not exceed with probability p."""
        p = checks.real(self, "p", p, above=0, below=1)
        return self._distribution(raw).quantile(float(p))

    def sample(self, raw, seed=None):
        """A draw of each target."""
        if not isinstance(seed, keras.random.SeedGenerator):
            seed = keras.random.SeedGenerator(seed)
        return self._distribution(raw).sample(seed)

    def parameters(self, raw):
        """The distributions' parameters by their names."""
        return self._distribution(raw).parameters()

    def _distribution(self, raw):
        raw = ops.cast(ops.convert_to_tensor(raw), self.loss.dtype)
        if not len(raw.shape) or raw.shape[-1] != self.units:
            raise ValueError(
                f"{self.name}: raw outputs of shape {tuple(raw.shape)} are none of this layer, "
                f"whose last axis holds {self.units}: the parameters of {self.loss!r} for "
                f"{self.events} target(s)."
            )
        return self.loss.distribution(raw)

    def get_config(self):
        config = super().get_config()
        for name in ("units", "activation"):
            config.pop(name)
        loss = encode(self.loss, "DistributionHead: argument `loss`")
        return {**config, "loss": loss, "events": self.events}

    @classmethod
    def from_config(cls, config):
        loss = config["loss"]
        if isinstance(loss, dict):
            loss = keras.saving.deserialize_keras_object(loss)
        return super().from_config({**config, "loss": loss})


def _on_parameters(loss):
    """A loss that can tell what distribution its raw outputs stand for."""
    if isinstance(loss, str):
        found = keras.saving.get_registered_object(f"keras_losskit>{loss}")
        if found is None:
            raise ValueError(
                "DistributionHead: `loss` must be a loss of keras_losskit, or the name of its "
                f'class, such as "GaussianNLL". Received: loss={loss!r}'
            )
        loss = found()
    if inspect.isclass(loss):
        raise TypeError(call_it(loss, "and hand that to `DistributionHead`"))
    if not isinstance(loss, keras.losses.Loss):
        raise TypeError(
            "DistributionHead: `loss` must be a loss, such as `GaussianNLL()`. "
            f"Received: loss={loss!r}"
        )
    if not hasattr(loss, "distribution"):
        raise ValueError(
            "DistributionHead: `loss` must be one that takes the raw parameters of a "
            "distribution, such as `GaussianNLL()`, and not a sum: give the term itself. "
            f"Received: loss={loss!r}"
        )
    return loss
