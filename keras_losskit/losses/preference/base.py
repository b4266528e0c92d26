"""What the losses on preferred and rejected answers share."""

from keras_losskit.core.loss import Loss
from keras_losskit.core.takes import Takes


class PreferenceLoss(Loss):
    """Base of losses on the log-probabilities `(B, 2)` of [chosen, rejected] answers."""

    takes = Takes("unused", "log_probabilities", "preferences")
