"""What a run of a model lends to its losses: driven weights, and who looks on.

A loss is a value: a model that trains with it leaves nothing on it. What the model
needs while its steps run or are traced is the model's own, and a loss finds it through
a context variable, which every thread has for itself. Two models, two threads, two
fits that share one loss never see each other.
"""

import contextlib
import contextvars
import functools
import weakref

from keras_losskit.core.keras_internals import traced_metrics

_current = contextvars.ContextVar("keras_losskit_run", default=None)
_traced = contextvars.ContextVar("keras_losskit_traced", default=None)
_masked = contextvars.ContextVar("keras_losskit_masked", default=())

_STEPS = ("train_step", "test_step", "compute_loss", "compute_metrics")


class Run:
    """The weights that one model drives, and the observers of its losses."""

    def __init__(self):
        self._weights = []  # (loss, term, variable)
        self._observers = []  # (loss, observer)

    def drive(self, loss, term, variable):
        """Let the weight of a term of `loss` be what `variable` holds."""
        self._weights = [
            w for w in self._weights if not (w[0] is loss and w[1] == term)
        ] + [(loss, term, variable)]

    def driven(self, loss, term):
        """What drives a term's weight, the variable or its value in a trace, or `None`."""
        variable = self._variable(loss, term)
        return (_traced.get() or {}).get(id(variable), variable)

    def _variable(self, loss, term):
        found = [w for w in self._weights if w[1] == term]
        for known, _, variable in found:
            if known is loss:
                return variable
        # A reloaded metric holds a loss of its own that is equal to the model's: its
        # schedule is the same one, and so is its weight.
        for known, _, variable in found:
            if known == loss:
                return variable
        return None

    def observe(self, loss, observer):
        """Call `observer(y_true, y_pred, sample_weight)` wherever `loss` is called."""
        if not any(known is loss and o is observer for known, o in self._observers):
            self._observers.append((loss, observer))

    def observers(self, loss):
        return [observer for known, observer in self._observers if known is loss]

    @contextlib.contextmanager
    def active(self):
        """Inside, this is the run that losses find."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)


def current():
    """The run that losses are called in, or `None` outside of one."""
    return _current.get()


def run_of(model):
    """The model's run; its steps are from now on carried out inside of it.

    The steps are wrapped on the instance: nothing of its class, of its loss or of
    another model changes, and what is saved is what was saved before.
    """
    run = vars(model).get("loss_run")
    if run is None:
        run = Run()
        for name in _STEPS:
            setattr(model, name, _inside(run, model, getattr(model, name)))
        model.loss_run = run
    return run


def _inside(run, model, step):
    model = weakref.ref(model)

    @functools.wraps(step)
    def inside(*args, **kwargs):
        traced = traced_metrics(model(), step.__name__, args)
        token = None if traced is None else _traced.set(traced)
        try:
            with run.active():
                return step(*args, **kwargs)
        finally:
            if token is not None:
                _traced.reset(token)

    return inside


def note_mask(loss, masked):
    """Remember, for what this thread does next, whether a mask came to `loss`.

    On JAX, Keras hands a metric no mask. It is called behind the loss in the same step,
    and can so say that the loss saw one.
    """
    others = tuple(x for x in _masked.get() if x is not loss)
    if masked or len(others) < len(_masked.get()):
        _masked.set((*others[-7:], loss) if masked else others)


def saw_mask(loss):
    """Whether the last call of `loss` in this thread came with a mask."""
    return any(x is loss for x in _masked.get())
