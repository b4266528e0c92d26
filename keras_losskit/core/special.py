"""Log-gamma and its relatives, which `keras.ops` lacks.

Elementary functions alone, so that every backend differentiates them as often as it
likes; in float32 and float64 to the last digits (tests/core/test_special.py measures how
many). Arguments are > 0.
"""

import math

import keras
from keras import ops

from keras_losskit.core.kernels import at_least, at_most, larger, smaller

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)

# C. Lanczos, *A Precision Approximation of the Gamma Function* (1964),
# https://doi.org/10.1137/0701008, with g = 7 and the nine coefficients computed by
# P. Godfrey (2001), http://my.fit.edu/~gabdo/gamma.txt
_G = 7
_LANCZOS = (
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7,
)
# Scaled by √(2π)·e^-g: then both terms of the logarithm are small where it is.
_SCALED = tuple(c * math.exp(HALF_LOG_2PI - _G) for c in _LANCZOS)

# Stirling's series, B_2k/(2k(2k - 1)): NIST's handbook, https://dlmf.nist.gov/5.11.E1
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156,
)
FAR = 8  # From here on its seven terms have all digits of float64.


def log_gamma(x):
    """log Γ(x)."""
    # Γ(x) = Γ(x + 1)/x: near 0 the series would overflow.
    low = x < 0.5
    z = ops.where(low, x, x - 1)
    whole = (z + 0.5) * (ops.log(z + (_G + 0.5)) - 1) + ops.log(_series(z))
    return whole - ops.log(ops.where(low, x, 1))


def _series(z):
    out = _SCALED[0]
    for k, c in enumerate(_SCALED[1:], start=1):
        out = out + c / (z + k)
    return out


def log_factorial_rest(y):
    """log y! - (y·log y - y), for y >= 0: what grows like ½·log y alone; to 2e-13."""
    far = _G + 0.5
    above = y * ops.log1p(far / ops.where(y == 0, 1, y))
    return above - 0.5 + ops.log(ops.sqrt(y + far) * _series(y))


# 2·atanh(z) = 2·(z + z³/3 + z⁵/5 + …), behind its first term.
_ATANH = tuple(1 / k for k in range(3, 21, 2))


def half_deviance(x, ratio, off):
    """x·log(x/m) + m - x, for x >= 0 and m > 0.

    `off` is m - x, by what has its digits, and `ratio` x/m, by what has a slope: of an m near
    0 the quotient has none. Where x is 0, it may be any number > 0.

    Of large numbers a small difference: it holds what likelihoods of counts are where x is
    near m. C. Loader's `bd0` (2000), by M. Welinder's series: M. Mächler, *log1pmx(), bd0(),
    stirlerr()* (2021), https://rdrr.io/cran/DPQ/f/inst/doc/log1pmx-etc.pdf
    """
    near = ops.abs(off) < 0.25 * x
    u = ops.where(near, off, 0) / ops.where(near, x, 1)
    z = u / (2 + u)
    square = ops.square(z)
    terms = _ATANH[: 9 if keras.backend.standardize_dtype(x.dtype) == "float64" else 4]
    series = terms[-1]
    for c in reversed(terms[:-1]):
        series = series * square + c
    close = z * (ops.where(near, off, 0) - 2 * x * (square * series))
    # Where the bound holds, m is the whole of it.
    ratio = at_least(ratio, 1e-37)
    return ops.where(near, close, off + x * ops.log(ops.where(near, 1, ratio)))


def log_rising(x, n):
    """log of Γ(x + n)/(Γ(x)·x^n), for n >= 0: how far a rising power is above the power.

    The difference of two log-gammas has no digit left where x is large; this has all,
    and goes to 0.
    """
    far = x + FAR
    # Γ(x) = Γ(x + 8)/(x(x + 1)…(x + 7)), above and below.
    out = stirling_step(far, n) + n * ops.log1p(FAR / x)
    for k in range(FAR):
        out = out - ops.log1p(n / (x + k))
    return out


def stirling_step(x, n):
    """`log_rising` for x >= 8."""
    main = (x + n - 0.5) * ops.log1p(n / x) - n
    return main + (stirling_tail(x + n) - stirling_tail(x))


def stirling_tail(x):
    """log Γ(x) - ((x - ½)·log x - x + ½·log 2π), for x >= 8."""
    inverse = 1 / x
    square = ops.square(inverse)
    out = _STIRLING[-1]
    for c in reversed(_STIRLING[:-1]):
        out = out * square + c
    return out * inverse


def log_beta(a, b):
    """log B(a, b) = log Γ(a) + log Γ(b) - log Γ(a + b)."""
    big, small = larger(a, b), smaller(b, a)
    held = at_most(small, FAR)
    near = log_gamma(held) - log_rising(big, held) - held * ops.log(big)
    # Both large: what of the three is large has gone into logarithms of shares.
    held, other = at_least(small, FAR), at_least(big, FAR)
    ratio = held / other
    far = (
        HALF_LOG_2PI
        - (other - 0.5) * ops.log1p(ratio)
        - held * (ops.log1p(ratio) - ops.log(ratio))
        - 0.5 * ops.log(held)
        + (stirling_tail(held) + stirling_tail(other) - stirling_tail(held + other))
    )
    return ops.where(small < FAR, near, far)


def log_1p_square(u):
    """log(1 + u²), where u² may be larger than all numbers."""
    size = ops.abs(u)
    high = size > 1e8
    square = ops.square(ops.where(high, 1, u))
    return ops.where(high, 2 * ops.log(ops.where(high, size, 1)), ops.log1p(square))
