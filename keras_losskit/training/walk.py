"""Finding losses and layers inside of losses and models."""

import keras

from keras_losskit.core.combined import CombinedLoss


def parts(loss):
    """`loss` and everything it is made of, each once."""
    found, queue = [], [loss]
    while queue:
        part = queue.pop(0)
        if any(part is seen for seen in found):
            continue
        found.append(part)
        if isinstance(part, CombinedLoss):
            queue += part.operands()
    return found


def compiled_losses(model):
    """The losses that a model was compiled with, one per output or one."""
    leaves = keras.tree.flatten(getattr(model, "loss", None))
    return [loss for loss in leaves if isinstance(loss, keras.losses.Loss)]


def layers(model):
    """Every layer of a model, those held by other layers too, each once."""
    found, queue = [], [model]
    while queue:
        layer = queue.pop(0)
        if any(layer is seen for seen in found):
            continue
        found.append(layer)
        queue += [
            held
            for value in vars(layer).values()
            for held in _flat(value)
            if isinstance(held, keras.layers.Layer)
        ]
    return found[1:]


def _flat(value):
    if isinstance(value, dict):
        return [x for v in value.values() for x in _flat(v)]
    if isinstance(value, (list, tuple)):
        return [x for v in value for x in _flat(v)]
    return [value]
