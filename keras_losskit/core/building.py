"""What happens where a loss is built: options are checked, and that it can be saved."""

import keras

from keras_losskit.core import config
from keras_losskit.core.backend import leaves
from keras_losskit.core.options import call_it, unknown_option


def _refuses(use):
    def method(cls, other=None):
        raise TypeError(call_it(cls, use))

    return method


class LossClass(type(keras.losses.Loss)):
    """The class of loss classes.

    A loss that could not be saved is refused where it is written, not weeks
    later where its model is loaded. An option that a class fixes (`fixed`) is given to
    its bases, and is none of its own.
    """

    def __call__(cls, *args, **kwargs):
        if len(args) > 1 and all(len(getattr(x, "shape", ())) for x in args[:2]):
            raise TypeError(call_it(cls, f"then call that: `{cls.__name__}()(y_true, y_pred)`"))
        for name in cls.fixed:
            if name in kwargs:
                raise TypeError(unknown_option(cls, name, config.names(cls)))
        try:
            loss = super().__call__(*args, **kwargs, **cls.fixed)
        except TypeError as error:
            unknown = [name for name in kwargs if name not in config.names(cls)]
            if unknown and "unexpected keyword argument" in str(error):
                message = unknown_option(cls, unknown[0], config.names(cls))
                raise TypeError(message) from None
            raise
        for name in config.names(cls):
            _require_no_network(loss, name)
        loss.get_config()
        return loss

    __add__ = __radd__ = __sub__ = __rsub__ = _refuses("and add that")
    __mul__ = __rmul__ = __truediv__ = __neg__ = _refuses("and multiply that")


def _require_no_network(loss, name):
    given = getattr(loss, name, None)
    held = leaves(given) if isinstance(given, (dict, list, tuple)) else [given]
    for value in held:
        if not isinstance(value, keras.layers.Layer):
            continue
        raise TypeError(
            f"{type(loss).__name__}: argument `{name}` is the {type(value).__name__} "
            f"`{value.name}`, whose weights a loss cannot save: a copy or a reloaded model "
            "would silently have others. Give the name of a registered function that "
            "returns the network, or let the model hold it and hand its outputs to the "
            "loss, as `AddLoss` does."
        )
