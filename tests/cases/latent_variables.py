"""Cases of the losses on latent variables."""

import math

import numpy as np

import keras_losskit as kl
from tests.cases.case import Case
from tests.cases.regression import REAL_PRED, REAL_TRUE


def gaussian_kl(mean, log_variance):
    out = np.zeros(mean.shape[:-1])
    for i in np.ndindex(*out.shape):
        for m, s in zip(mean[i], log_variance[i]):
            out[i] += 0.5 * (m * m + math.exp(s) - 1 - s)
    return out


CASES = [Case(kl.GaussianKL, {}, REAL_TRUE, REAL_PRED, gaussian_kl)]

BAD_OPTIONS = {}
