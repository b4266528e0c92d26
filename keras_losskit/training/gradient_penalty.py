"""`GradientPenalty`: how steep a critic is, as a loss."""

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.derivatives import input_gradient
from keras_losskit.core.keras_internals import shared_layer
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean, safe_sqrt

KINDS = ("wgan_gp", "r1", "r2")


@register
class GradientPenalty(keras.layers.Layer):
    """Adds a penalty on the slope of a critic by its input.

    For the critic's step of an adversarial training, which diverges where the critic may be
    as steep as it likes. With ∇ the gradient of a sample's score by the sample:

    - `"wgan_gp"`: (‖∇‖₂ - target)² at random points between real and generated samples;
    - `"r1"`: ½·‖∇‖² at real samples, `"r2"`: at generated ones.

    Args:
        critic: a Keras layer or model from a batch of samples to scores. It becomes a part
            of this layer: its weights are trained and saved with it.
        kind: which of them.
        target: the slope that costs nothing, >= 0; of "wgan_gp".
        weight: what the mean over the batch is multiplied by, >= 0: λ of Gulrajani 2017, γ of
            Mescheder 2018.
        seed: of the random points, an integer, or `None`.

    Call on `[real, fake]`, two batches of one shape, or for "r1" on real and for "r2" on
    generated samples alone. They are returned unchanged, and `weight` times the mean of the
    penalties is added to the model's loss.

    Raises:
        ValueError: for options out of range, or inputs that do not fit.
        TypeError: where `critic` is no layer.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> critic = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(3.0))
    >>> layer = kl.GradientPenalty(critic, kind="r1", weight=2.0)
    >>> returned = layer(np.zeros((4, 2), "float32"))
    >>> float(keras.ops.convert_to_numpy(layer.losses[0]))    # 2·½·(3² + 3²)
    18.0

    Reference: I. Gulrajani et al., *Improved Training of Wasserstein GANs* (2017),
    https://arxiv.org/abs/1704.00028; L. Mescheder et al., *Which Training Methods for GANs
    do actually Converge?* (2018), https://arxiv.org/abs/1801.04406
    """

    def __init__(
        self, critic, kind="wgan_gp", target=1.0, weight=10.0, seed=None, **options
    ):
        super().__init__(**{"autocast": False, **options})
        if not isinstance(critic, keras.layers.Layer):
            raise TypeError(
                "GradientPenalty: `critic` must be a Keras layer or model. Received: "
                f"critic={critic!r}"
            )
        self.critic = critic
        self.kind = checks.choice(self, "kind", kind, KINDS)
        self.target = checks.real(self, "target", target, at_least=0)
        self.weight = checks.real(self, "weight", weight, at_least=0)
        self.seed = checks.optional_integer(self, "seed", seed)
        self.generator = keras.random.SeedGenerator(self.seed)
        self.supports_masking = True

    def build(self, input_shape):
        if not self.critic.built:
            nested = isinstance(input_shape[0], (list, tuple))
            self.critic.build(tuple(input_shape[0] if nested else input_shape))
        self.built = True

    def call(self, inputs, fake=None):
        inputs = self._listed(inputs, fake)
        points = self._points(inputs)
        slope = input_gradient(self.critic, points)
        axes = tuple(range(1, len(slope.shape)))
        squared = ops.sum(ops.square(slope), axis=axes)
        if self.kind == "wgan_gp":
            values = ops.square(safe_sqrt(squared) - self.target)
        else:
            values = squared / 2
        # Keras divides what layers add by the number of replicas.
        self.add_loss(self.weight * mean(values, axis=0))
        return inputs

    def _points(self, inputs):
        if self.kind != "wgan_gp":
            last = self.kind == "r2"
            return inputs if not isinstance(inputs, list) else inputs[1 if last else 0]
        real, fake = inputs
        shape = (ops.shape(real)[0], *(1,) * (len(real.shape) - 1))
        share = keras.random.uniform(shape, dtype=real.dtype, seed=self.generator)
        return real + share * (fake - real)

    def _listed(self, inputs, fake):
        """`layer(real, fake)` as `layer([real, fake])`; raise where that does not fit."""
        if fake is not None:
            inputs = [inputs, fake]
        if not isinstance(inputs, (list, tuple)):
            if self.kind == "wgan_gp":
                raise ValueError(
                    f'{self.name}: GradientPenalty(kind="wgan_gp") is called on [real, fake]. '
                    "Received one tensor."
                )
            return inputs
        inputs = list(inputs)
        shapes = [tuple(x.shape) for x in inputs]
        same = len(inputs) == 2 and len(shapes[0]) == len(shapes[1]) and all(
            a is None or b is None or a == b for a, b in zip(*shapes, strict=True)
        )
        if not same:
            raise ValueError(
                f"{self.name}: GradientPenalty is called on [real, fake], two batches of one "
                f"shape. Received shapes: {shapes}"
            )
        return inputs

    def compute_output_spec(self, inputs, fake=None, **kwargs):
        inputs = self._listed(inputs, fake)
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, dtype=x.dtype), inputs
        )

    def get_config(self):
        return {
            **super().get_config(),
            "critic": shared_layer(self.critic),
            "kind": self.kind,
            "target": self.target,
            "weight": self.weight,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        critic = keras.saving.deserialize_keras_object(config["critic"])
        return cls(**{**config, "critic": critic})
