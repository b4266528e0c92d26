"""Distances between what a network sees in two pictures."""

import weakref

import keras
from keras import ops

from keras_losskit.core import checks, config
from keras_losskit.core.distances import unit
from keras_losskit.core.images import ImageLoss
from keras_losskit.core.kernels import absolute
from keras_losskit.core.loss import register
from keras_losskit.core.numerics import mean

_networks = weakref.WeakKeyDictionary()  # `{function: {layers: the network}}`


@register
class FeatureDistance(ImageLoss):
    """Distance of features: Σ_l w_l·distance(φ_l(y), φ_l(ŷ)), φ_l layers of a fixed network.

    Perceptual loss, style loss, and the form of LPIPS: two pictures are alike if a network
    that was trained on pictures sees the same in both. Sharper than an error of pixels, to
    which it is usually added; `SSIM` needs no network.

    `features` is a function without arguments that returns a `keras.Model` with its weights
    loaded and its preprocessing inside, registered by
    `@keras.saving.register_keras_serializable(package=...)`. The config holds its registered
    name, never weights: where a model is loaded, the function must be there and return the
    same network. It is called once in a process, when the first loss is built, and the
    network is frozen; gradients go through it to the pictures.

    Args:
        features: the function, or its registered name such as `"my_project>vgg"`.
        layers: names of the network's layers; `None` is its output.
        layer_weights: the w_l >= 0, one for each layer; `None` is 1 each.
        match: `"features"`; or `"gram"`, which compares Gram matrices FᵀF/(H·W·C), the
            correlations of channels wherever they are: style, not content.
        distance: `"squared"`, the mean over positions and channels of squared differences
            (of Gram matrices their sum, the squared Frobenius norm); or `"absolute"`.
        normalize: whether each position's channels are first scaled to length 1; then
            channels are summed and positions averaged, as in LPIPS.

    | elsewhere | here |
    |---|---|
    | Johnson et al.'s feature reconstruction · style | `FeatureDistance(f, layers)` · \
`…, match="gram"` |
    | `lpips.LPIPS(lpips=False)` | `FeatureDistance(f, layers, normalize=True)` |

    Call with `(B, H, W, C)` or `(B, D, H, W, C)`, as the network takes them; values `(B,)`. Time
    and memory are those of the network on both. Masked positions are 0 in both pictures;
    weights of positions are refused.

    Raises:
        TypeError: for `features` that is no registered function.
        ValueError: for a name that is not registered, layers that the network lacks, options
            out of range, or shapes that do not fit.

    Example:

    >>> import keras, keras_losskit, numpy as np
    >>> @keras.saving.register_keras_serializable(package="my_project")
    ... def blurred():
    ...     x = keras.Input((4, 4, 1))
    ...     return keras.Model(x, keras.layers.AveragePooling2D(2)(x))
    >>> loss = keras_losskit.FeatureDistance(blurred)
    >>> y = np.zeros((1, 4, 4, 1))
    >>> float(loss(y, y + 2.0))    # 2²
    4.0
    >>> loss
    FeatureDistance(features='my_project>blurred')

    Reference: J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer
    and Super-Resolution* (2016), https://arxiv.org/abs/1603.08155; L. A. Gatys et al. (2016),
    https://arxiv.org/abs/1508.06576; R. Zhang et al. (2018), https://arxiv.org/abs/1801.03924
    """

    def __init__(
        self,
        features,
        layers=None,
        layer_weights=None,
        match="features",
        distance="squared",
        normalize=False,
        **common,
    ):
        super().__init__(**common)
        self.features = registered_name(self, features)
        self.layers = names_of_layers(self, layers)
        self.layer_weights = checks.weights(self, "layer_weights", layer_weights)
        self.match = checks.choice(self, "match", match, ("features", "gram"))
        self.distance = checks.choice(self, "distance", distance, ("squared", "absolute"))
        self.normalize = checks.flag(self, "normalize", normalize)
        self._network = network(self, self.features, self.layers)
        count = len(keras.tree.flatten(self._network.outputs))
        if self.layer_weights is not None and len(self.layer_weights) != count:
            raise ValueError(
                f"FeatureDistance: `layer_weights` has {len(self.layer_weights)} entries for "
                f"{count} layers. Received: layer_weights={layer_weights!r}"
            )

    def call(self, y_true, y_pred, mask=None):
        total, layers = 0, self.seen(y_true, y_pred)
        for w, x in zip(self.layer_weights or [1.0] * len(layers), layers, strict=True):
            total = total + w * self.between(*x)
        return total

    def seen(self, y_true, y_pred):
        """The features of both in the loss's dtype, `(y, p)` for each layer."""
        pictures, n = [y_true, y_pred], y_pred.shape[0]
        if not n:
            # Of an empty batch TensorFlow's convolution returns the shape of its input. One
            # more picture, where the size is unknown, keeps the batch from being empty.
            pictures.append(ops.zeros((1, *ops.shape(y_pred)[1:]), dtype=y_pred.dtype))
            n = ops.shape(y_pred)[0]
        found = self._network(ops.concatenate(pictures, axis=0), training=False)
        return [
            (self.cast(x[:n]), self.cast(x[n : 2 * n])) for x in keras.tree.flatten(found)
        ]

    def between(self, y, p):
        """The distance of one layer's features."""
        if self.normalize:
            y, p = unit(y), unit(p)
        if self.match == "gram":
            y, p = gram(self, y), gram(self, p)
        off = y - p
        off = ops.square(off) if self.distance == "squared" else absolute(off)
        if self.match == "gram":
            return ops.sum(off, axis=(1, 2))
        if self.normalize:
            off = ops.sum(off, axis=-1)
        axes = tuple(range(1, len(off.shape)))
        return mean(off, axes)


def gram(owner, x):
    """FᵀF/(H·W·C) of features `(B, …, C)`: `(B, C, C)`."""
    if len(x.shape) < 3:
        raise ValueError(
            f'{owner.name}: match="gram" needs features with positions, (B, …, C), not of shape '
            f"{tuple(x.shape)}. Name a layer before the pooling in `layers`."
        )
    sizes, channels = ops.shape(x), x.shape[-1]
    places = 1
    for n in sizes[1:-1]:
        places = places * n
    rows = ops.reshape(x, (sizes[0], places, channels))
    products = ops.swapaxes(rows, 1, 2) @ rows  # `ops.matmul` computes in float32 on torch.
    return products / ops.cast(places * channels, x.dtype)


# --- the network ---------------------------------------------------------------------------


def registered_name(owner, features):
    """The name by which Keras finds a function."""
    if isinstance(features, str):
        if callable(keras.saving.get_registered_object(features)):
            return features
        raise ValueError(
            f"FeatureDistance: `features` is {features!r}, but no function is registered by that "
            "name. Import the module that defines it, decorated with "
            "`@keras.saving.register_keras_serializable(package=...)`, before the loss is made."
        )
    if isinstance(features, keras.layers.Layer) or not callable(features):
        raise TypeError(
            "FeatureDistance: `features` must be a registered function that returns a "
            "keras.Model, or its registered name: a loss cannot save the weights of a network. "
            f"Received: features={features!r}"
        )
    config.require_reloadable(features, "FeatureDistance: argument `features`")
    return keras.saving.get_registered_name(features)


def names_of_layers(owner, layers):
    """`layers` as a list of names, or `None`."""
    if layers is None:
        return None
    fine = isinstance(layers, (list, tuple)) and layers
    if not fine or not all(isinstance(name, str) for name in layers):
        raise TypeError(
            "FeatureDistance: `layers` must be a non-empty list of names of layers, or None. "
            f"Received: layers={layers!r}"
        )
    return list(layers)


def network(owner, features, layers):
    """The frozen network to some layers; made once for each function in a process."""
    function = keras.saving.get_registered_object(features)
    made = _networks.setdefault(function, {})
    if None not in made:
        whole = function()
        if not isinstance(whole, keras.Model):
            raise TypeError(
                f"FeatureDistance: `features` ({features!r}) must return a keras.Model. It "
                f"returned {whole!r}"
            )
        whole.trainable = False
        made[None] = whole
    key = None if layers is None else tuple(layers)
    if key not in made:
        whole = made[None]
        known = [layer.name for layer in whole.layers]
        missing = [name for name in layers if name not in known]
        if missing:
            raise ValueError(
                f"FeatureDistance: `layers` names {missing[0]!r}, which the network of "
                f"{features!r} does not have. It has {known}."
            )
        outputs = [whole.get_layer(name).output for name in layers]
        made[key] = keras.Model(whole.inputs, outputs)
    return made[key]
