"""Does `gather=True` find more, where a batch is spread over several devices?

Two towers: one embeds the upper half of a handwritten digit, the other the lower half. InfoNCE
draws the two halves of one image together and pushes all other halves of the batch apart, so that
afterwards the lower half that belongs to an upper one is found among those of all test images.
recall@k says how often it is among the first k.

A batch of 64 on two replicas (two logical CPUs stand for two GPUs) is 32 on each. Without `gather`
each half has 31 others to be told from; with it 63, and the run is the one of a single device.
"""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_losskit as kl

EPOCHS = 15
BATCH = 64


class Towers(keras.Model):
    """An embedding of upper halves, another of lower halves, and a loss that compares them."""

    def __init__(self, loss):
        super().__init__()
        self.upper, self.lower = (
            keras.Sequential([
                keras.layers.Dense(64, activation="relu"),
                keras.layers.Dense(32),
                keras.layers.UnitNormalization(),
            ])
            for _ in range(2)
        )
        self.of_halves = loss

    def call(self, halves):
        return keras.ops.stack([self.upper(halves[:, 0]), self.lower(halves[:, 1])], axis=1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.of_halves(y_pred[:, 0], y_pred[:, 1], sample_weight)


def trained(strategy, gather, halves):
    """Two towers after a few epochs, and the loss of the last one."""
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = Towers(kl.InfoNCE(temperature=0.1, gather=gather))
        model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(halves, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    return model, history.history["loss"][-1]


def recall(model, halves, k):
    """How often an upper half's own lower one is among the k nearest."""
    upper, lower = np.moveaxis(np.asarray(model(halves)), 1, 0)
    similar = upper @ lower.T
    better = (similar > np.diag(similar)[:, None]).sum(axis=1)
    return (better < k).mean()


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)  # Before TensorFlow starts.
    images = load_digits().images.astype("float32") / 16
    halves = images.reshape(-1, 2, 32)  # The first four rows, and the last four.
    train, test = train_test_split(halves, test_size=0.3, random_state=0)
    train = train[: len(train) // BATCH * BATCH]
    one, both = tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    print(f"{len(train)} images to train on, {len(test)} to search; chance finds 1 in {len(test)}")
    for label, strategy, gather in (
        ("one device", one, False),
        ("two replicas", both, False),
        ("two replicas, gather=True", both, True),
    ):
        model, loss = trained(strategy, gather, train)
        found = "  ".join(f"recall@{k} {recall(model, test, k):.4f}" for k in (1, 5, 10))
        print(f"{label}: loss {loss:.4f}  {found}")


if __name__ == "__main__":
    main()
