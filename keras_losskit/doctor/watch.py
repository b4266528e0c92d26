"""`watch`: look at a tensor inside a loss or layer; `watching`: collect what is seen."""

import contextlib
import contextvars

_watchers = contextvars.ContextVar("keras_losskit_watchers", default=())


def watch(name, tensor):
    """Show `tensor` under `name` to whoever watches; return it unchanged.

    Usable in any `call`, of a loss or a layer. It adds nothing to a compiled
    program: where nobody watches it does nothing, and while a graph is traced
    there are no values to show. The values are seen where the code runs
    eagerly: under `watching()`, in `explain`, and by `LossProbe` during `fit`.

    Args:
        name: what to call it.
        tensor: any tensor.

    Returns:
        `tensor`, the same object.

    Raises:
        ValueError, TypeError: under `watching()`, for what no tensor can be made of.

    Example:

    >>> import keras, keras_losskit
    >>> def loss(y_true, y_pred):
    ...     error = keras_losskit.watch("error", y_true - y_pred)
    ...     return keras.ops.mean(keras.ops.square(error), axis=-1)
    >>> with keras_losskit.watching() as seen:
    ...     value = loss(keras.ops.ones((1, 2)), keras.ops.zeros((1, 2)))
    >>> seen["error"].tolist()
    [[1.0, 1.0]]
    """
    for seen in _watchers.get():
        seen.see(name, tensor)
    return tensor


class Seen(dict):
    """The last value seen under each name, as NumPy; `.all` has every one.

    `.unseen` holds `(shape, dtype)` of what passed while a graph was traced,
    where there were no values.
    """

    def __init__(self):
        super().__init__()
        self.all, self.unseen = {}, {}

    def see(self, name, tensor):
        value = _values(tensor)
        if value is None:
            self.unseen[name] = tuple(tensor.shape), str(tensor.dtype)
            return
        self[name] = value
        self.all.setdefault(name, []).append(value)


@contextlib.contextmanager
def watching():
    """Collect what `watch` shows, as NumPy, by name. See `watch`.

    Each thread sees what it runs itself; of two that are nested, both see what the inner
    one does.

    Example:

    >>> import keras, keras_losskit
    >>> with keras_losskit.watching() as seen:
    ...     for x in (1.0, 2.0):
    ...         _ = keras_losskit.watch("x", keras.ops.convert_to_tensor(x))
    >>> float(seen["x"]), len(seen.all["x"])
    (2.0, 2)
    """
    seen = Seen()
    token = _watchers.set((*_watchers.get(), seen))
    try:
        yield seen
    finally:
        _watchers.reset(token)


def _values(tensor):
    from keras import ops

    from keras_losskit.core.backend import visible
    from keras_losskit.doctor.running import to_numpy

    tensor = tensor if hasattr(tensor, "shape") else ops.convert_to_tensor(tensor)
    return None if visible(tensor) is None else to_numpy(tensor).copy()
