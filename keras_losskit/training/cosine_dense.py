"""`CosineDense`: the layer that holds the class weights of the cosine losses."""

import keras
from keras import ops

from keras_losskit.core import checks
from keras_losskit.core.distances import unit
from keras_losskit.core.loss import register


@register
class CosineDense(keras.layers.Layer):
    """Cosines of the inputs to one learned vector per class (or proxy).

    y = (x/|x|)·(W/|W|), each value in [-1, 1]: what `NormalizedSoftmax`,
    `CosFace`, `ArcFace`, `ProxyNCA` and `ProxyAnchor` take as `y_pred`, and
    `SubCenterArcFace` with `centers` > 1.

    Args:
        units: the number of classes, an integer >= 1.
        centers: learned vectors per class, an integer >= 1; those of one class are
            adjacent in the output.
        kernel_initializer, kernel_regularizer, kernel_constraint: of W, as in
            `keras.layers.Dense`. Only the direction of each column counts.

    Call on `(B, …, D)`; returns `(B, …, units·centers)`. A zero vector gives 0,
    with a zero gradient.

    Raises:
        ValueError, TypeError: for arguments out of range.

    Example:

    >>> import keras, keras_losskit as kl
    >>> layer = kl.CosineDense(2, kernel_initializer="identity")
    >>> cosines = keras.ops.convert_to_numpy(layer(keras.ops.array([[3.0, 4.0]])))
    >>> [f"{c:.2f}" for c in cosines[0]]
    ['0.60', '0.80']

    Reference: F. Wang et al., *NormFace* (2017), https://arxiv.org/abs/1704.06369;
    sub-centers: J. Deng et al., *Sub-center ArcFace* (2020),
    https://doi.org/10.1007/978-3-030-58621-8_43
    """

    def __init__(
        self,
        units,
        centers=1,
        kernel_initializer="glorot_uniform",
        kernel_regularizer=None,
        kernel_constraint=None,
        **options,
    ):
        super().__init__(**options)
        self.units = checks.integer(self, "units", units, at_least=1)
        self.centers = checks.integer(self, "centers", centers, at_least=1)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.input_spec = keras.layers.InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units * self.centers),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.input_spec = keras.layers.InputSpec(min_ndim=2, axes={-1: input_shape[-1]})
        self.built = True

    def call(self, inputs):
        kernel = ops.convert_to_tensor(self.kernel)
        return ops.matmul(unit(inputs), unit(kernel, axis=0))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units * self.centers)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "centers": self.centers,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
        }
