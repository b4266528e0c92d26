"""Weights of the steps of a diffusion model."""

from keras import ops

from keras_losskit.core import checks


def min_snr_weights(snr, gamma=5.0, prediction="epsilon"):
    """Sample weights min(snr, gamma), by which steps of little noise do not take over.

    What a diffusion model is trained on differs by step, and so does the size of its
    squared error. These weights make it, whatever is predicted, min(snr, gamma) times the
    squared error of the clean sample: as `sample_weight`, beside `MeanSquaredError`.

    Args:
        snr: the signal-to-noise ratio of each sample's step, `(B,)`, >= 0: ᾱ/(1 - ᾱ).
        gamma: the ratio from which on the weight stays, > 0.
        prediction: what the model predicts: `"epsilon"` (the noise), min(snr, gamma)/snr;
            `"sample"` (the clean sample), min(snr, gamma); `"v"` (velocity),
            min(snr, gamma)/(snr + 1).

    Returns:
        A tensor of the shape of `snr`. Of "epsilon" at snr = 0 it is 1.

    Raises:
        ValueError: for `gamma` or `prediction` out of range.

    Example:

    >>> import keras_losskit
    >>> weights = keras_losskit.min_snr_weights([1.0, 10.0])
    >>> [float(w) for w in weights]    # 1, and 5/10
    [1.0, 0.5]

    Reference: T. Hang et al., *Efficient Diffusion Training via Min-SNR Weighting Strategy*
    (2023), https://arxiv.org/abs/2303.09556
    """
    owner = "min_snr_weights"
    gamma = checks.real(owner, "gamma", gamma, above=0)
    checks.choice(owner, "prediction", prediction, ("epsilon", "sample", "v"))
    snr = ops.convert_to_tensor(snr)
    if "float" not in str(snr.dtype):
        snr = ops.cast(snr, "float32")
    low = snr <= gamma
    if prediction == "sample":
        return ops.where(snr > gamma, ops.full_like(snr, gamma), snr)
    if prediction == "v":
        return ops.where(low, snr, ops.full_like(snr, gamma)) / (snr + 1)
    return ops.where(low, ops.ones_like(snr), gamma / ops.where(low, ops.ones_like(snr), snr))
