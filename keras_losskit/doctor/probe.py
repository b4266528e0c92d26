"""`LossProbe`: the terms and the watched values on fixed data, during `fit`."""

import contextlib

import keras
import numpy as np
from keras import ops

import keras_losskit as kl
from keras_losskit.core.keras_internals import fetch_state
from keras_losskit.doctor.running import to_numpy
from keras_losskit.doctor.watch import watching
from keras_losskit.training.callback import KitCallback


class LossProbe(KitCallback):
    """Records a loss's terms and watched values on fixed data while a model trains.

    It runs the model and the loss on `x`, `y` eagerly, between the compiled
    steps, which stay as they are.

    Args:
        x, y: the data to look at, a small batch.
        sample_weight: its weights, or `None`.
        every: `"epoch"`, or a number of batches.
        loss: the loss to look at; the one that the model was compiled with by
            default. Of a model with several outputs, give the loss of one and
            its `output`.
        output: the index or key of the output, for a model with several.

    After `fit`, `probe.history` holds `step`, `loss`, and one list for each
    term, by its name, and each weight that moves, as `<term>_weight`; `probe.watched`
    one list of arrays for each watched name. `keras_losskit.plot_terms(probe)` draws them.

    Raises:
        ValueError: for an `every` that is neither, and in `fit` where a model has several
            outputs and none was named.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> model.compile("sgd", loss=kl.MeanSquaredError() + 0.1 * kl.MeanAbsoluteError())
    >>> probe = kl.LossProbe(x[:4], y[:4])
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[probe])
    >>> probe.history["step"], len(probe.history["mean_absolute_error"])
    ([1, 2], 2)
    """

    def __init__(self, x, y, sample_weight=None, *, every="epoch", loss=None, output=None):
        super().__init__()
        whole = isinstance(every, int) and not isinstance(every, bool) and every > 0
        if every != "epoch" and not whole:
            raise ValueError(
                "LossProbe: `every` must be 'epoch' or a number of batches > 0. "
                f"Received: every={every!r}"
            )
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.every, self.loss, self.output = every, loss, output
        self.history, self.watched = {}, {}
        self._batches = 0

    def on_epoch_end(self, epoch, logs=None):
        if self.every == "epoch":
            self.look(epoch + 1)

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        if self.every != "epoch" and self._batches % self.every == 0:
            self.look(self._batches)

    def look(self, step):
        """Record once, under the number `step`."""
        fetch_state(self.model)
        run = vars(self.model).get("loss_run")
        with contextlib.nullcontext() if run is None else run.active():
            self._look(step, self._loss(run))

    def _look(self, step, loss):
        y_pred = self.model(_tensors(self.x), training=False)
        if self.output is not None:
            y_pred = y_pred[self.output]
        y_true = _tensors(self.y)
        if hasattr(y_pred, "detach"):
            y_pred = y_pred.detach()
        with watching() as seen:
            value = loss(y_true, y_pred, self.sample_weight)
        record = {"step": step, "loss": _number(value)}
        if isinstance(loss, kl.WeightedSum):
            values = loss.term_values(y_true, y_pred, self.sample_weight)
            record |= {name: _number(v) for name, v in values.items()}
            record |= {f"{name}_weight": _number(loss.weight(name)) for name in loss.schedules}
        for name, number in record.items():
            self.history.setdefault(name, []).append(number)
        for name, array in seen.items():
            self.watched.setdefault(name, []).append(array)

    def _loss(self, run):
        from keras_losskit.doctor.subject import Subject

        loss = self.model.loss if self.loss is None else self.loss
        if isinstance(loss, (list, tuple, dict)) and not isinstance(loss, str):
            if self.output is None:
                raise ValueError(
                    "LossProbe: the model has several outputs; give `output` and, where "
                    "they differ, `loss`."
                )
            loss = loss[self.output]
        if isinstance(loss, kl.WeightedSum) and run is not None and all(
            run.driven(loss, name) is not None for name in loss.schedules
        ):
            return loss  # Its weights are where the run has them.
        return Subject(loss).loss


def _tensors(x):
    return keras.tree.map_structure(ops.convert_to_tensor, x)


def _number(value):
    return float(np.sum(to_numpy(ops.convert_to_tensor(value))))
