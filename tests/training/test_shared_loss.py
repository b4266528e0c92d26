"""A loss is a value: models, fits, compiles and threads that share one never see each other."""

import functools
import math
import threading

import keras
import numpy as np
import pytest
from keras import ops

import keras_losskit as kl
from tests.backends import BACKEND, to_numpy, value_and_gradient

rng = np.random.default_rng(91)
X = rng.normal(size=(8, 3)).astype("float32")
Y = rng.uniform(0.1, 0.9, size=(8, 2)).astype("float32")


def ramp(target=1.0):
    return kl.LinearWarmup(100, target=target)


def scheduled():
    return kl.MeanSquaredError() + ramp() * kl.MeanAbsoluteError()


def model(loss, rate=0.05, **options):
    keras.utils.set_random_seed(4)
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="sigmoid")])
    made.compile(keras.optimizers.SGD(rate), loss=loss, **options)
    return made


def fit(made, epochs=1, callbacks=(), y=Y, **options):
    return made.fit(
        X, y, batch_size=4, epochs=epochs, shuffle=False, verbose=0,
        callbacks=list(callbacks), **options,
    ).history


# --- nothing is left on it ------------------------------------------------------------


def state(thing, seen=None):
    """Everything that an object and its class hold, at any depth, by identity of the leaves."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return "seen"
    if isinstance(thing, (kl.Loss, keras.losses.Loss)):
        seen.add(id(thing))
        classes = [c for c in type(thing).__mro__ if c.__module__.startswith("keras_losskit")]
        return (
            {k: state(v, seen) for k, v in vars(thing).items()},
            # Python makes `__annotations__` where they are asked for.
            [{k: id(v) for k, v in vars(c).items() if k != "__annotations__"} for c in classes],
        )
    if hasattr(thing, "items"):
        return {k: state(v, seen) for k, v in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [state(v, seen) for v in thing]
    if isinstance(thing, (str, int, float, bool, slice, type(None))):
        return repr(thing)
    return id(thing), state(vars(thing), seen) if hasattr(thing, "__dict__") else repr(thing)


LOSSES = {
    "one": lambda: kl.BinaryCrossentropy(label_smoothing=0.1),
    "in batch": lambda: kl.Dice(over="batch"),
    "sum": lambda: kl.MeanSquaredError() + 0.5 * kl.as_loss("mae") - kl.Huber(),
    "scheduled": lambda: scheduled() + kl.AdjustableWeight(0.5) * kl.Huber(),
    "product": lambda: kl.MeanSquaredError() * (kl.MeanAbsoluteError() + ramp() * kl.Huber()),
    "parts": lambda: kl.Huber().on(y_true=0, y_pred=0) + ramp() * kl.MeanSquaredError(),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_nothing_of_it_changes_whatever_is_done_with_it(kind, tmp_path):
    loss = LOSSES[kind]()
    before, shown, hashed = state(loss), repr(loss), hash(loss)
    moves = "ramp" in kind or kind in ("scheduled", "product", "parts")
    made = model(loss, metrics=loss.metrics(), weighted_metrics=loss.metrics(weighted=True))
    callbacks = [
        kl.WeightScheduler() if moves else keras.callbacks.Callback(),
        kl.TerminateOnNonFiniteTerm(),
        kl.AddedLossLogger(),
        kl.LossProbe(X, Y, loss=loss.at_step(1) if hasattr(loss, "at_step") else None)
        if kind != "product" else keras.callbacks.Callback(),
    ]
    fit(made, 1, callbacks, sample_weight=np.arange(8.0), validation_data=(X, Y))
    made.evaluate(X, Y, verbose=0)
    made.save(tmp_path / "model.keras")
    fixed = loss.at_step(3) if hasattr(loss, "at_step") else loss
    if kind != "product":
        kl.explain(fixed, Y, Y / 2)
        value_and_gradient(lambda p: fixed(ops.convert_to_tensor(Y), p), Y / 2)
    masked = ops.convert_to_tensor(Y[:, None])
    if BACKEND == "torch":
        masked._keras_mask = ops.convert_to_tensor(np.ones((8, 1), bool))
    if kind != "product":
        fixed(Y[:, None], masked, np.ones(8))
    assert state(loss) == before and repr(loss) == shown and hash(loss) == hashed


def test_two_models_of_one_loss_train_as_if_alone():
    def weights_after(epochs, loss):
        made = model(loss)
        fit(made, epochs, [kl.WeightScheduler()])
        return made

    alone = [weights_after(n, scheduled()) for n in (3, 1)]
    loss = scheduled()
    shared = [weights_after(n, loss) for n in (3, 1)]
    for a, b in zip(alone, shared, strict=True):
        for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
            np.testing.assert_array_equal(u, v)
        assert a.evaluate(X, Y, verbose=0) == b.evaluate(X, Y, verbose=0)


def test_a_second_compile_begins_anew():
    first = kl.MeanSquaredError() + kl.AdjustableWeight(0.25) * kl.MeanAbsoluteError()
    made = model(first)
    assert fit(made, 1, [kl.WeightScheduler()])["mean_absolute_error_weight"] == [0.25]
    again = kl.MeanSquaredError() + kl.AdjustableWeight(4.0) * kl.MeanAbsoluteError()
    made.compile(keras.optimizers.SGD(0.0), loss=again, weighted_metrics=again.metrics(True))
    logs = fit(made, 1, [kl.WeightScheduler()])
    assert logs["mean_absolute_error_weight"] == [4.0]
    error = np.abs(made.predict(X, verbose=0) - Y).mean()
    assert logs["weighted_mean_absolute_error"][0] == pytest.approx(4 * error, rel=1e-5)


def test_two_threads_on_one_loss():
    loss, found, wrong = scheduled(), {}, []
    made = {target: model(loss, rate=0.0) for target in (0, 1)}
    # Each model has another step reached, and so another weight.
    for i, m in made.items():
        m.optimizer.build(m.trainable_variables)
        m.optimizer.iterations.assign(50 * i)
    barrier = threading.Barrier(2)

    def run(i):
        try:
            barrier.wait()
            for _ in range(2):
                found[i] = fit(made[i], 1, [kl.WeightScheduler()])["mean_absolute_error_weight"]
        except Exception as error:  # noqa: BLE001  Told by the test.
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert found == {0: [pytest.approx(0.03)], 1: [pytest.approx(0.53)]}


@pytest.mark.skipif(BACKEND != "jax", reason="what is traced on JAX")
def test_nothing_that_traces_the_loss_spoils_a_model():
    import jax

    loss = scheduled()
    made = model(loss)
    fit(made, 1, [kl.WeightScheduler(), kl.TerminateOnNonFiniteTerm()])
    fixed = loss.at_step(1)
    jax.grad(lambda p: fixed(Y, p))(X[:, :2])
    jax.jit(fixed)(Y, X[:, :2])
    jax.eval_shape(fixed, Y, X[:, :2])
    jax.jit(lambda step, p: loss.at_step(step)(Y, p))(3, X[:, :2])
    with pytest.raises(ValueError, match="nothing drives"):
        jax.jit(loss)(Y, X[:, :2])
    logs = fit(made, 1, [kl.WeightScheduler(), kl.TerminateOnNonFiniteTerm()])
    assert np.isfinite(logs["loss"][0]) and np.isfinite(made.evaluate(X, Y, verbose=0))


# --- a fit that nothing drives ---------------------------------------------------------


class _Stops(keras.callbacks.Callback):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch, logs=None):
        raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("full disk")], ids=repr)
def test_a_fit_that_ended_badly_speaks_for_no_other(error):
    loss = scheduled()
    made, other = model(loss), model(loss)
    with pytest.raises(type(error)):
        fit(made, 2, [kl.WeightScheduler(), _Stops(error)])
    for undriven in (made, other):
        before = undriven.get_weights()
        with pytest.raises(ValueError, match="WeightScheduler"):
            fit(undriven)
        for a, b in zip(undriven.get_weights(), before, strict=True):
            np.testing.assert_array_equal(a, b)
    step = int(to_numpy(made.optimizer.iterations))
    logs = fit(made, 1, [kl.WeightScheduler()])  # It goes on where it was.
    assert logs["mean_absolute_error_weight"] == [pytest.approx((step + 1) / 100)]


def test_a_callback_of_another_model_drives_this_one_not():
    loss = scheduled()
    made, other = model(loss), model(loss)
    callback = kl.WeightScheduler()
    fit(made, 1, [callback])
    with pytest.raises(ValueError, match="WeightScheduler"):
        fit(other)
    assert fit(other, 1, [callback])["mean_absolute_error_weight"] == [pytest.approx(0.01)]


# --- one number ------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_evaluate_is_one_number(suffix, tmp_path):
    loss = scheduled()
    made = model(loss, metrics=loss.metrics(weighted=True))
    fit(made, 2, [kl.WeightScheduler()])
    found = made.evaluate(X, Y, verbose=0, return_dict=True)
    error = made.predict(X, verbose=0) - Y
    weight = 4 / 100
    expected = np.mean(error**2) + weight * np.mean(np.abs(error))
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    driven = made.evaluate(X, Y, verbose=0, return_dict=True, callbacks=[kl.WeightScheduler()])
    assert driven == found
    made.save(tmp_path / f"model.{suffix}")
    loaded = keras.saving.load_model(tmp_path / f"model.{suffix}")
    if suffix == "h5":  # Which does not hold how far the optimizer went.
        loaded.optimizer.iterations.assign(4)
    again = loaded.evaluate(X, Y, verbose=0, return_dict=True, callbacks=[kl.WeightScheduler()])
    assert again == pytest.approx(found, rel=1e-6)
    assert loaded.loss == made.loss and loaded.loss is not made.loss


# --- losses that a model calls itself --------------------------------------------------


@keras.saving.register_keras_serializable(package="test_shared_loss")
class Computes(keras.Model):
    """Its loss is none of `compile`."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(2)
        self.total = scheduled()

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.built = True

    def call(self, inputs, training=None):
        return self.dense(inputs)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.total(y, y_pred, sample_weight)


class Steps(Computes):
    """A step of its own, which calls no `compute_loss`."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.sum(y_pred) * 0  # Only where Keras infers shapes.

    def train_step(self, *given):
        return getattr(self, f"_{BACKEND}_step")(*given)

    def _tensorflow_step(self, data):
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            loss = self.total(y, self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss}

    def _torch_step(self, data):
        x, y = data
        self.zero_grad()
        loss = self.total(y, self(x, training=True))
        loss.backward()
        variables = list(self.trainable_weights)
        self.optimizer.apply([v.value.grad for v in variables], variables)
        return {"loss": loss}

    def _jax_step(self, state, data):
        import jax

        x, y = data
        trainable, fixed, optimizer, metrics = state

        def loss_of(trainable):
            predicted, _ = self.stateless_call(trainable, fixed, x, training=True)
            return self.total(y, predicted)

        loss, gradients = jax.value_and_grad(loss_of)(trainable)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        return {"loss": loss}, (trainable, fixed, optimizer, metrics)


def by_hand(kernel, bias, steps, first=0):
    """SGD over batches of 4, the weight of each step as scheduled, in NumPy."""
    losses = []
    for step in range(steps):
        rows = slice(4 * (step % 2), 4 * (step % 2) + 4)
        d = X[rows] @ kernel + bias - Y[rows]
        weight = min((first + step) / 100, 1)
        losses.append(np.mean(d * d) + weight * np.mean(np.abs(d)))
        gradient = (2 * d + weight * np.sign(d)) / d.size
        kernel = kernel - 0.05 * X[rows].T @ gradient
        bias = bias - 0.05 * gradient.sum(0)
    return kernel, bias


@pytest.mark.parametrize("cls", [Computes, Steps])
def test_a_loss_that_the_model_calls_itself_is_driven(cls):
    keras.utils.set_random_seed(4)
    made = cls()
    made.build((None, 3))
    start = made.get_weights()
    made.compile(keras.optimizers.SGD(0.05))
    made.optimizer.build(made.trainable_variables)
    made.optimizer.iterations.assign(90)  # Where the weight is large and moves.
    logs = fit(made, 3, [kl.WeightScheduler(made.total)])
    for found, expected in zip(made.get_weights(), by_hand(*start, 6, 90), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert logs["mean_absolute_error_weight"] == pytest.approx([0.91, 0.93, 0.95])
    before = made.get_weights()
    with pytest.raises(ValueError, match="WeightScheduler"):
        fit(made)
    for a, b in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def _value_at(total, step):
    return total.at_step(step)(Y, X[:, :2])


def test_at_a_step_that_is_traced():
    nested = scheduled() * kl.Huber() + ramp(2.0) * kl.MeanSquaredError().on(y_true=0, y_pred=0)
    nested = nested + (scheduled() * kl.LogCosh()).on(y_true=[0, 1], y_pred=[1, 0])
    for total in (scheduled(), nested):
        expected = [float(to_numpy(total.at_step(step)(Y, X[:, :2]))) for step in (0, 40, 200)]
        assert len(set(expected)) == 3

        at = functools.partial(_value_at, total)

        if BACKEND == "tensorflow":
            import tensorflow as tf

            traced = tf.function(at, input_signature=[tf.TensorSpec((), tf.int64)])
        elif BACKEND == "jax":
            import jax

            traced = jax.jit(at)
        else:
            def traced(step, at=at):
                return at(ops.convert_to_tensor(step))

        found = [float(to_numpy(traced(step))) for step in (0, 40, 200)]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


# --- weights that a callback sets -------------------------------------------------------


class Sets(kl.WeightScheduler):
    """Sets the weight by the validation."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        if logs["val_loss"] > 0:
            self.set_weight("mean_absolute_error", 0.25 + epoch)


def adjustable():
    return kl.MeanSquaredError() + kl.AdjustableWeight(2.0) * kl.MeanAbsoluteError()


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_weight_that_was_set_is_logged_kept_and_saved(suffix, tmp_path):
    loss = adjustable()
    made = model(loss, rate=0.0, metrics=loss.metrics(weighted=True))
    logs = fit(made, 3, [Sets()], validation_data=(X, Y))
    assert logs["mean_absolute_error_weight"] == [2.0, 0.25, 1.25]
    error = made.predict(X, verbose=0) - Y

    def value(weight):
        return np.mean(error**2) + weight * np.mean(np.abs(error))

    assert logs["loss"] == pytest.approx([value(w) for w in (2.0, 0.25, 1.25)], rel=1e-5)
    # The weight that was set last, which no epoch has seen yet.
    assert made.evaluate(X, Y, verbose=0)[0] == pytest.approx(value(2.25), rel=1e-5)
    assert loss == adjustable()
    made.save(tmp_path / f"model.{suffix}")
    loaded = keras.saving.load_model(tmp_path / f"model.{suffix}")
    for going_on in (loaded, made):
        if suffix == "h5":  # Keras loads it with an optimizer that cannot train.
            going_on.compile(
                keras.optimizers.SGD(0.0), loss=going_on.loss,
                metrics=going_on.loss.metrics(weighted=True),
            )
        found = fit(going_on, 1, [kl.WeightScheduler()])
        assert found["mean_absolute_error_weight"] == [2.25]
        assert found["loss"] == [pytest.approx(value(2.25), rel=1e-5)]
        assert found["weighted_mean_absolute_error"] == [
            pytest.approx(2.25 * np.mean(np.abs(error)), rel=1e-5)
        ]


def test_after_another_compile_the_new_loss_is_saved(tmp_path):
    made = model(adjustable(), rate=0.0)
    fit(made, 1, [Sets()], validation_data=(X, Y))
    other = kl.MeanSquaredError() + kl.AdjustableWeight(7.0) * kl.MeanAbsoluteError()
    made.compile("sgd", loss=other)
    made.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").loss == other


def test_each_output_has_its_own_weight_to_set(tmp_path):
    inputs = keras.Input((3,))
    made = keras.Model(inputs, [keras.layers.Dense(2)(inputs), keras.layers.Dense(2)(inputs)])
    made.compile(keras.optimizers.SGD(0.0), loss=[adjustable(), adjustable()])

    class Second(kl.WeightScheduler):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            self.set_weight("mean_absolute_error_weight_2", 3.0)

    logs = made.fit(X, [Y, Y], verbose=0, callbacks=[Second()]).history
    assert logs["mean_absolute_error_weight"] == [2.0]
    assert logs["mean_absolute_error_weight_2"] == [3.0]
    made.save(tmp_path / "model.keras")
    first, second = keras.saving.load_model(tmp_path / "model.keras").loss
    assert first == adjustable()
    assert second.terms["mean_absolute_error"].weight.value == 3.0


def test_only_an_adjustable_weight_can_be_set():
    callback = kl.WeightScheduler()
    fit(model(scheduled()), 1, [callback])
    with pytest.raises(ValueError, match="'mean_absolute_error' cannot be set.*AdjustableWeight"):
        callback.set_weight("mean_absolute_error", 1.0)
    callback = kl.WeightScheduler()
    fit(model(adjustable()), 1, [callback])
    with pytest.raises(ValueError, match="'huber' cannot be set.*mean_absolute_error"):
        callback.set_weight("huber", 1.0)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="WeightScheduler: `value` must be a finite number"):
            callback.set_weight("mean_absolute_error", bad)
