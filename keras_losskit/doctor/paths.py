"""From a wrong prediction to a perfect one, in steps."""

import numpy as np

from keras_losskit.doctor.kinds import dense, hard


def path_to_targets(sample, seed):
    """`path(x)`: predictions from wrong (0) to perfect (1); `None` where that is unknown."""
    rng = np.random.default_rng(seed + 5)
    t = dense(sample)
    p = sample.y_pred
    takes = sample.takes
    if takes is not None and takes.y_true in ("unused", "any", "ids", "relevance"):
        return None
    binary = hard(sample) is not None
    if sample.domain in ("simplex", "probability", "unit") and binary:
        rows = sample.domain == "simplex"
        other = np.roll(t, 1 + seed % max(p.shape[-1] - 1, 1), axis=-1) if rows else 1 - t
        noise = rng.uniform(0.02, 0.06, size=p.shape[:-1])[..., None]
        if rows and not np.allclose(t.sum(-1), 1):
            return None

        def path(x):
            share = (1 - noise) * (1 - x) * 0.9 + noise
            share = np.where(x == 1, 1e-3, share)
            return ((1 - share) * t + share * other).astype(p.dtype)

        return path
    if sample.domain == "logits" and binary:
        if sample.guessed:
            return None  # A softplus or softmax need not be one of logits.
        if takes is not None and takes.shapes in ("levels", "bins"):
            return None
        sign = np.where(t > 0.5, 1.0, -1.0)
        start = rng.uniform(1.6, 2.4, size=p.shape)
        return lambda x: (sign * (-start + x * (start + 6))).astype(p.dtype)
    if sample.targets_are_predictions or (
        takes is not None and takes.y_true == takes.y_pred == "logits" and sample.pairs
    ):
        return _towards_target(sample, rng)
    return None


def _towards_target(sample, rng):
    t, p = sample.perfect.astype("float64"), sample.y_pred
    if sample.domain in ("unit", "simplex"):
        if sample.domain == "unit":
            start = (t + rng.uniform(0.3, 0.7, size=p.shape)) % 1
        else:
            start = np.roll(t, 1, axis=-1)
            if not np.allclose(t.sum(-1), 1, atol=1e-3) or np.allclose(t, start):
                return None
        return lambda x: (t + (1 - x) * (start - t)).astype(p.dtype)
    if sample.given and sample.domain == "real" and holds_labels(sample):
        rows = p.ndim > 1 and p.shape[-1] > 1 and np.all(t.sum(-1) == 1)
        start = np.roll(t, rng.integers(1, p.shape[-1]), axis=-1) if rows else 1 - t
        return lambda x: (t + (1 - x) * (start - t)).astype(p.dtype)
    off = rng.choice([-1.0, 1.0], size=p.shape) * rng.uniform(1, 3, size=p.shape)
    if sample.domain == "positive":
        low = np.maximum(t, 1e-2)
        off = np.exp(0.5 * off)
        return lambda x: (low * off ** (1 - x)).astype(p.dtype)
    if sample.domain != "real":
        return None
    return lambda x: (t + (1 - x) * off).astype(p.dtype)


def logit_signs(sample):
    """1 where a given label says yes and -1 where it says no, in the shape of y_pred.

    `None` where the targets are no labels, or y_pred is likely something else than logits:
    within 1 of 0 they may be cosines.
    """
    t, p = sample.y_true, sample.y_pred
    if not sample.given or sample.domain != "real" or np.abs(p).max(initial=0) <= 1:
        return None
    if sample.pairs and np.isin(t, (-1, 1)).all() and np.ptp(t) and p.min() < 0:
        return t.astype("float32")
    if not sample.pairs and t.size and (t.min() < 0 or t.max() >= p.shape[-1]):
        return None
    return np.where(hard(sample) > 0.5, 1.0, -1.0) if holds_labels(sample) else None


def holds_labels(sample):
    """Whether the targets are classes, not of one alone, and y_pred may be what says which.

    Numbers without a sign may be distances, which are small where the label is 1.
    """
    t, p = hard(sample), sample.y_pred
    if t is None or sample.domain == "positive":
        return False
    if sample.domain == "real" and p.min(initial=0) >= 0:
        return False
    return bool(np.ptp(t.reshape(-1, t.shape[-1] if t.ndim else 1), axis=0).any())
