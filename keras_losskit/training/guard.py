"""`TerminateOnNonFiniteTerm`: stops where a term is NaN or infinite, and says which."""

import weakref

import keras
import numpy as np
from keras import ops

from keras_losskit.core.algebra import WeightedSum
from keras_losskit.core.keras_internals import attach, keras_mask, trace_anew
from keras_losskit.core.loss import Loss
from keras_losskit.core.numerics import mean_of_all
from keras_losskit.core.reduction import weigh
from keras_losskit.core.run import run_of
from keras_losskit.training.add_loss import added_losses
from keras_losskit.training.callback import KitCallback
from keras_losskit.training.learned import LearnedWeights
from keras_losskit.training.walk import compiled_losses

_SHOWN = 8  # Elements of a sample that are kept for the message.


class TerminateOnNonFiniteTerm(KitCallback):
    """Stops training where the loss is NaN or infinite, and names the term.

    The message, also kept as `report`, tells the batch and the epoch (both
    counted from 0), the value of every term, and the sample at fault: its
    position in the batch, its value under each term, and what `y_true` and
    `y_pred` hold there. Each step records these inside the compiled step, so
    nothing is recomputed afterwards; the weights have then been updated by that
    batch once.

    Losses of the kit are watched, one per output or one for all, as are
    `AddLoss` layers and the terms of `LearnedWeights`.

    Args:
        verbose: whether the message is printed, 1 or 0.

    Raises:
        ValueError: in `fit`, where the model has nothing that can be watched.

    Example:

    >>> import keras, numpy as np, keras_losskit as kl
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", loss=kl.MeanSquaredError() + kl.MeanAbsoluteError())
    >>> guard = kl.TerminateOnNonFiniteTerm(verbose=0)
    >>> x, y = np.ones((4, 1)), np.array([[0.0], [0.0], [np.nan], [0.0]])
    >>> history = model.fit(x, y, batch_size=2, epochs=3, shuffle=False, verbose=0,
    ...                     callbacks=[guard])
    >>> guard.report["batch"], guard.report["sample"], guard.report["terms"]
    (1, 0, {'mean_squared_error': nan, 'mean_absolute_error': nan})
    """

    of_a_run = {"_guards": list, "_epoch": int}

    def __init__(self, verbose=1):
        super().__init__()
        self.verbose = verbose
        self.report = None

    def set_model(self, model):
        super().set_model(model)
        owner = model.terms.values() if isinstance(model, LearnedWeights) else ()
        losses = [loss for _, loss, _ in owner] or compiled_losses(model)
        losses = [loss for loss in losses if isinstance(loss, Loss)]
        if not losses and not added_losses(model):
            raise ValueError(
                "TerminateOnNonFiniteTerm: the model was compiled with no loss of "
                "keras_losskit. Wrap it, loss=keras_losskit.as_loss(...), or use "
                "keras.callbacks.TerminateOnNaN."
            )
        known = list(getattr(model, "term_guards", []))
        self._guards = [_guard_of(loss, known) for loss in losses]
        new = [guard for guard in self._guards if guard not in known]
        if new:
            attach(model, "term_guards", [*known, *new])
            run = run_of(model)
            for guard in new:
                run.observe(guard.loss(), guard.observe)
            trace_anew(model)  # A step traced before does not record.

    def on_train_begin(self, logs=None):
        self.report = None

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            return
        # Through `self.model`, which fetches the state from a running JAX step.
        self.model.stop_training = True
        self.report = {"epoch": self._epoch, "batch": batch, "terms": {}, "sample": None}
        for guard in self._guards:
            guard.tell(self.report)
        for layer in added_losses(self.model):
            total = float(ops.convert_to_numpy(layer.total))
            if not np.isfinite(total):
                self.report["terms"][layer.name] = total
        if self.verbose:
            print("\n" + describe(self.report))


def describe(report):
    """A report of `TerminateOnNonFiniteTerm` as text."""
    bad = [name for name, value in report["terms"].items() if not np.isfinite(value)]
    lines = [
        f"Stopped at batch {report['batch']} of epoch {report['epoch']}: "
        + (
            f"term `{bad[0]}` is {report['terms'][bad[0]]}."
            if bad
            else "the loss is not finite, but none of its terms is at fault."
        ),
        "Terms: " + ", ".join(f"{n} {v:.6g}" for n, v in report["terms"].items()) + ".",
    ]
    if report["sample"] is not None:
        values = ", ".join(f"{n} {v:.6g}" for n, v in report["sample_terms"].items())
        lines.append(f"Sample {report['sample']} of the batch: {values}.")
        for what in ("y_true", "y_pred"):
            seen = report[what]
            more = ", …" if seen["size"] > _SHOWN else ""
            elements = ", ".join(f"{x:.6g}" for x in seen["elements"])
            lines.append(
                f"  its {what}: {seen['size']} elements, {seen['not_finite']} not finite, "
                f"the others from {seen['lowest']:.6g} to {seen['highest']:.6g}: "
                f"[{elements}{more}]"
            )
        if report["y_pred"]["not_finite"]:
            lines.append(
                "The prediction itself is not finite: the model's weights or inputs are at "
                "fault, not the loss. Look at the batch before: a smaller learning rate or "
                "`clipnorm` may help."
            )
    return "\n".join(lines)


class _TermGuard(keras.metrics.Metric):
    """Records, inside the compiled step, where a loss's terms are not finite."""

    def __init__(self, loss):
        super().__init__(name="term_guard")
        self.loss = weakref.ref(loss)
        self.terms = (
            {name: part for name, (_, part) in loss.terms.items()}
            if isinstance(loss, WeightedSum)
            else {loss.name: loss}
        )
        k = len(self.terms)
        self.values = self._state("values", (k,))
        self.samples = self._state("samples", (k,))  # The first bad sample by term, or -1.
        self.of_sample = self._state("of_sample", (k,))
        self.rows = [self._state(x, (4 + _SHOWN,)) for x in ("y_true", "y_pred")]

    def _state(self, name, shape):
        return self.add_variable(
            shape=shape, initializer="zeros", aggregation="mean", name=name
        )

    def observe(self, y_true, y_pred, sample_weight):
        """What the loss calls with its inputs, each time that it is called."""
        mask = keras_mask(y_pred)
        values, samples, per_sample = [], [], []
        for part in self.terms.values():
            value = mean_of_all(part.evaluate(y_true, y_pred, sample_weight, mask))
            values.append(ops.cast(value, "float32"))
            means = self._per_sample(part, y_true, y_pred, sample_weight, mask)
            per_sample.append(means)
            if means is None:
                samples.append(-1.0)
                continue
            bad = ops.cast(ops.logical_not(ops.isfinite(means)), "float32")
            some = ops.max(bad) > 0
            samples.append(ops.where(some, ops.cast(ops.argmax(bad), "float32"), -1.0))
        samples = ops.stack([ops.cast(s, "float32") for s in samples])
        # The sample that the first term with one has.
        found = samples >= 0
        at = ops.argmax(ops.cast(found, "int32"))
        sample = ops.cast(ops.maximum(ops.take(samples, at), 0.0), "int32")
        of_sample = [
            ops.cast(float("nan"), "float32") if m is None else ops.take(m, sample)
            for m in per_sample
        ]
        self.values.assign(ops.stack(values))
        self.samples.assign(samples)
        self.of_sample.assign(ops.stack(of_sample))
        for row, x in zip(self.rows, (y_true, y_pred), strict=True):
            row.assign(_summary(x, sample))

    def _per_sample(self, part, y_true, y_pred, sample_weight, mask):
        values, weights, mask = part.weighable(y_true, y_pred, sample_weight, mask)
        if not len(values.shape):
            return None
        values = weigh(values, weights, mask)
        return ops.cast(ops.sum(values, axis=tuple(range(1, len(values.shape)))), "float32")

    def tell(self, report):
        """Write what was recorded last into `report`."""
        values = ops.convert_to_numpy(self.values)
        report["terms"].update(zip(self.terms, map(float, values), strict=True))
        samples = ops.convert_to_numpy(self.samples)
        if report["sample"] is not None or not (samples >= 0).any():
            return
        report["sample"] = int(samples[samples >= 0][0])
        of_sample = map(float, ops.convert_to_numpy(self.of_sample))
        report["sample_terms"] = dict(zip(self.terms, of_sample, strict=True))
        for what, row in zip(("y_true", "y_pred"), self.rows, strict=True):
            row = ops.convert_to_numpy(row)
            size = int(row[0])
            report[what] = {
                "size": size,
                "not_finite": int(row[1]),
                "lowest": float(row[2]),
                "highest": float(row[3]),
                "elements": row[4 : 4 + min(size, _SHOWN)].tolist(),
            }

    def update_state(self, *args, **kwargs):
        pass

    def reset_state(self):
        pass  # What was seen last stays until it is told.

    def result(self):
        return {}


def _guard_of(loss, known):
    """The guard that a loss reports to, made where there is none among `known`."""
    for guard in known:
        if guard.loss() is loss:
            return guard
    return _TermGuard(loss)


def _summary(x, sample):
    """Size, non-finite elements, lowest, highest and first elements of a sample."""
    leaves = keras.tree.flatten(x)
    parts = []
    for leaf in leaves:
        leaf = ops.cast(ops.convert_to_tensor(leaf), "float32")
        parts.append(ops.reshape(ops.take(leaf, sample, axis=0), (-1,)))
    row = ops.concatenate(parts) if len(parts) > 1 else parts[0]
    finite = ops.isfinite(row)
    size = ops.cast(ops.size(row), "float32")
    infinity = float("inf")
    return ops.concatenate(
        [
            ops.stack(
                [
                    size,
                    size - ops.sum(ops.cast(finite, "float32")),
                    ops.min(ops.where(finite, row, infinity)),
                    ops.max(ops.where(finite, row, -infinity)),
                ]
            ),
            ops.pad(row, ((0, _SHOWN),))[:_SHOWN],
        ]
    )
