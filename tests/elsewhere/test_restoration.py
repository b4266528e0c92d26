"""The rows of the losses on pictures: similarity, errors, variation, spectra, features."""

import itertools
import math

import keras
import numpy as np
import pytest

import keras_losskit as kl
from tests.backends import BACKEND, to_numpy
from tests.elsewhere.rows import close, number, row, unit, values

rng = np.random.default_rng(21)
Y = rng.random((2, 13, 16, 3))
P = np.clip(Y + rng.normal(size=Y.shape) * 0.2, 0, 1)
VOLUME = rng.random((2, 12, 11, 13, 1))
FOUND = VOLUME + rng.normal(size=VOLUME.shape) * 0.2

with_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="a function of TensorFlow")


def float32(*arrays):
    return [x.astype("float32") for x in arrays]


def slices(x, axis, size):
    """The `size` shifted views of x along an axis, as long as windows of that size fit."""
    n = x.shape[axis] - size + 1
    return [np.take(x, np.arange(k, k + n), axis) for k in range(size)]


def d(x, axis):
    """x_{i+1} - x_i."""
    first, second = slices(x, axis, 2)
    return second - first


# --- SSIM -----------------------------------------------------------------------------


def windowed(x, size, sigma):
    """Gaussian means over the spatial axes, no border added."""
    weights = [math.exp(-((k - (size - 1) / 2) ** 2) / (2 * sigma**2)) for k in range(size)]
    for axis in range(1, x.ndim - 1):
        parts = slices(x, axis, size)
        x = sum(w * part for w, part in zip(weights, parts, strict=True)) / sum(weights)
    return x


def similarities(y, p, L=1.0, size=11, sigma=1.5, k1=0.01, k2=0.03):
    """SSIM and cs by sample and channel, as tf.image, pytorch-msssim and MONAI 1.6.1 have them."""
    c1, c2 = (k1 * L) ** 2, (k2 * L) ** 2
    my, mp, yy, pp, yp = (windowed(x, size, sigma) for x in (y, p, y * y, p * p, y * p))
    cs = (2 * (yp - my * mp) + c2) / (yy - my**2 + pp - mp**2 + c2)
    whole = (2 * my * mp + c1) / (my**2 + mp**2 + c1) * cs
    axes = tuple(range(1, y.ndim - 1))
    return whole.mean(axes), cs.mean(axes)


OPTIONS = (255.0, 7, 2.0, 0.02, 0.05)


@row(
    kl.SSIM,
    "`1 - tf.image.ssim(y, ŷ, L, …)`, `1 - keras.ops.image.ssim(…)` (Keras 3.15) | `SSIM(L, …)`",
)
@pytest.mark.parametrize("options", [(1.0,), OPTIONS])
def test_ssim_of_tensorflow_and_keras(options):
    y, p = Y * options[0], P * options[0]
    loss = kl.SSIM(*options)
    close(values(loss, y, p), 1 - similarities(y, p, *options)[0].mean(-1))
    if hasattr(keras.ops.image, "ssim"):
        theirs = to_numpy(keras.ops.image.ssim(*float32(y, p), *options))
        close(values(loss, y, p), 1 - theirs, rtol=2e-5)


def piq_ssim_loss(y, p, L, downsample=True):
    """piq 0.8, `SSIMLoss(data_range=L)`: of values divided by L, of pictures made smaller."""
    y, p = y / L, p / L
    f = max(1, round(min(y.shape[1:3]) / 256))
    if downsample and f > 1:
        y, p = (pooled(x, f) for x in (y, p))
    return 1 - similarities(y, p)[0].mean(-1)


def pooled(x, f):
    """Means of f by f positions; f divides the sides."""
    b, h, w, c = x.shape
    return x.reshape(b, h // f, f, w // f, f, c).mean((2, 4))


@row(
    kl.SSIM,
    "pytorch-msssim `1 - ssim(…)`, piq `SSIMLoss` without its downsampling | `SSIM(L, …)`",
)
def test_ssim_of_pytorch_msssim_and_piq():
    y, p, loss = Y * 255, P * 255, kl.SSIM(255)
    # pytorch-msssim 1.0, `ssim(p, y, data_range, win_size=…, win_sigma=…, K=(…, …))`.
    theirs = 1 - similarities(y, p, *OPTIONS)[0].mean()
    close(number(kl.SSIM(*OPTIONS), y, p), theirs)
    close(values(loss, y, p), piq_ssim_loss(y, p, 255))
    # From 384 on piq makes pictures smaller.
    y = np.linspace(0, 255, 384**2).reshape(1, 384, 384, 1)
    p = y + 40 * rng.normal(size=y.shape)
    ours, theirs = number(loss, y, p), piq_ssim_loss(y, p, 255)
    close(ours, piq_ssim_loss(y, p, 255, downsample=False).mean())
    close(number(loss, pooled(y, 2), pooled(p, 2)), theirs.mean())
    assert abs(ours - theirs) > 0.01


@row(kl.SSIM, "MONAI `SSIMLoss(spatial_dims, L)` | `SSIM(L)`, 2-D and 3-D alike")
@pytest.mark.parametrize(("y", "p"), [(Y, P), (VOLUME, FOUND)], ids=["2-D", "3-D"])
def test_ssim_of_monai(y, p):
    close(number(kl.SSIM(2.0), y, p), 1 - similarities(y, p, L=2.0)[0].mean())


def multiscale(y, p, L, halved):
    """tf.image.ssim_multiscale, and pytorch-msssim's `ms_ssim`, which halve differently."""
    exponents, product = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333], 1.0
    for scale, exponent in enumerate(exponents):
        if scale:
            y, p = halved(y), halved(p)
        whole, cs = similarities(y, p, L)
        found = whole if scale == len(exponents) - 1 else cs
        product = product * np.maximum(found, 0) ** exponent
    return product.mean(-1)


def with_last_line_twice(x):
    """Of an odd side TensorFlow pads the last line symmetrically: it counts twice."""
    pads = [(0, 0), *((0, n % 2) for n in x.shape[1:3]), (0, 0)]
    return pooled(np.pad(x, pads, mode="symmetric"), 2)


def with_zeros(x):
    """`avg_pool2d(x, 2, padding=side % 2)`: a line of 0 on both ends, what is left over dropped."""
    x = np.pad(x, [(0, 0), *((n % 2, n % 2) for n in x.shape[1:3]), (0, 0)])
    return pooled(x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2], 2)


def large(h, w):
    """Two pictures; of the second sample the negative was found."""
    y = rng.random((2, h, w, 2))
    p = y + 0.3 * rng.normal(size=y.shape)
    p[1] = 1 - y[1]
    return y, p


@row(kl.MultiScaleSSIM, "`1 - tf.image.ssim_multiscale(y, ŷ, L)` | `MultiScaleSSIM(L)`")
def test_multiscale_ssim_of_tensorflow():
    y, p = large(161, 170)
    theirs = 1 - multiscale(y, p, 2.0, with_last_line_twice)
    assert theirs[1] == 1
    close(values(kl.MultiScaleSSIM(2.0), y, p), theirs)


@row(
    kl.MultiScaleSSIM,
    "pytorch-msssim `1 - ms_ssim(…)` | the same for sides that are powers of 2 times the last",
)
def test_multiscale_ssim_of_pytorch_msssim():
    loss = kl.MultiScaleSSIM(2.0)
    y, p = large(176, 176)
    close(values(loss, y, p), 1 - multiscale(y, p, 2.0, with_zeros))
    # Of odd sides it pads a 0 where here, as in TensorFlow, the last line counts twice.
    y, p = (x[:1] for x in large(161, 161))
    theirs, ours = (multiscale(y, p, 2.0, how) for how in (with_zeros, with_last_line_twice))
    assert abs(theirs - ours) > 1e-4


# --- errors ---------------------------------------------------------------------------


@row(
    kl.PSNR,
    "`-tf.image.psnr(y, ŷ, L)`, `-keras.ops.psnr(…)` of one picture | `PSNR(L)`",
)
def test_psnr_of_tensorflow_and_keras():
    y, p = 255 * Y, 255 * P
    mse = ((y - p) ** 2).mean((1, 2, 3))
    close(values(kl.PSNR(255), y, p), -(20 * math.log10(255) - 10 * np.log10(mse)))
    if hasattr(keras.ops, "psnr"):
        one = float32(y[:1], p[:1])
        close(number(kl.PSNR(255), *one), -to_numpy(keras.ops.psnr(*one, 255)))
        # Of two pictures Keras takes one error.
        theirs = to_numpy(keras.ops.psnr(*float32(y, p), 255))
        close(theirs, 20 * math.log10(255) - 10 * np.log10(mse.mean()))
        assert theirs < -number(kl.PSNR(255), y, p) - 1e-4


@row(kl.PSNR, "BasicSR `PSNRLoss` | `PSNR()`; there 1e-8 is added to the MSE")
def test_psnr_of_basicsr():
    def theirs(y, p, added=1e-8):
        return 10 / math.log(10) * np.log(((p - y) ** 2).mean((1, 2, 3)) + added).mean()

    close(number(kl.PSNR(), Y, P), theirs(Y, P))
    y = np.zeros((2, 4, 4, 1))  # An MSE of 1e-8 is twice that there: 3 dB.
    close(number(kl.PSNR(), y, y + 1e-4), theirs(y, y + 1e-4, added=0))
    close(theirs(y, y + 1e-4) - number(kl.PSNR(), y, y + 1e-4), 10 * math.log10(2), rtol=1e-4)


# --- variation ------------------------------------------------------------------------


@row(kl.TotalVariation, "`tf.image.total_variation(x)` | `TotalVariation(normalize=False)`")
def test_total_variation_of_tensorflow():
    theirs = sum(np.abs(d(P, axis)).sum((1, 2, 3)) for axis in (1, 2))
    close(values(kl.TotalVariation(normalize=False), P, P), theirs)


@row(
    kl.TotalVariation,
    'kornia `total_variation(x, reduction="mean")` | `TotalVariation()` of one channel',
)
def test_total_variation_of_kornia():
    # (B, C): kornia's means are those over the last two axes, height and width.
    theirs = sum(np.abs(d(P, axis)).mean((1, 2)) for axis in (1, 2))
    for channel in range(3):
        x = P[..., channel : channel + 1]
        close(values(kl.TotalVariation(), x, x), theirs[:, channel])


@row(
    kl.TotalVariation,
    'scikit-image, `denoise_tv_chambolle`\'s norm | `TotalVariation("isotropic", normalize=False)`',
)
@pytest.mark.parametrize("x", [P[..., :1], FOUND], ids=["2-D", "3-D"])
def test_total_variation_of_scikit_image(x):
    theirs = np.zeros(len(x))
    for i, *at, c in np.ndindex(*x.shape):
        squares = 0.0
        for axis in range(len(at)):
            then = [n + (axis == j) for j, n in enumerate(at)]
            if then[axis] < x.shape[1 + axis]:  # Past the border its gradient is 0.
                squares += (x[(i, *then, c)] - x[(i, *at, c)]) ** 2
        theirs[i] += math.sqrt(squares)
    close(values(kl.TotalVariation("isotropic", normalize=False), x, x), theirs)


@row(kl.GradientDifference, "the paper's `GDL`, a sum | `GradientDifference(power=α)`, a mean")
@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_gradient_difference_of_mathieu(alpha):
    def gdl(y, p):  # Mathieu 2016, equation 6, along one axis after the other.
        for axis in (1, 2):
            off = np.abs(np.abs(d(y, axis)) - np.abs(d(p, axis)))
            yield (off**alpha).sum((1, 2, 3)), off[0].size

    loss = kl.GradientDifference(power=alpha)
    close(values(loss, Y, P), sum(total / count for total, count in gdl(Y, P)))
    square = Y[:, :13, :13], P[:, :13, :13]  # As many differences along both axes.
    close(values(loss, *square), sum(total for total, _ in gdl(*square)) / (13 * 12 * 3))


def sobel_edges(x):
    """tf.image.sobel_edges: `(B, H, W, C, 2)`, of a picture with its border reflected."""
    x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
    down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
    edges = []
    for kernel in (down, down.T):
        edges.append(
            sum(
                kernel[i, j] * x[:, i : x.shape[1] - 2 + i, j : x.shape[2] - 2 + j]
                for i, j in itertools.product(range(3), repeat=2)
            )
        )
    return np.stack(edges, -1)


@row(
    kl.GradientDifference,
    'mean of \\|`tf.image.sobel_edges(y)` - … of ŷ\\| | half of `GradientDifference("sobel")`',
)
def test_sobel_edges_of_tensorflow():
    theirs = np.abs(sobel_edges(Y) - sobel_edges(P)).mean((1, 2, 3, 4))
    close(values(kl.GradientDifference("sobel"), Y, P) / 2, theirs)


DISPARITY = rng.random((2, 13, 16, 1)) + 0.1


def smoothness(disparity, picture):
    """monodepth2's `get_smooth_loss`, kornia's `inverse_depth_smoothness_loss`."""
    total = 0
    for axis in (1, 2):
        weights = np.exp(-np.abs(d(picture, axis)).mean(-1, keepdims=True))
        total += np.abs(d(disparity, axis) * weights).mean()
    return total


@row(
    kl.EdgeAwareSmoothness,
    "monodepth2 `get_smooth_loss(disp, img)` | `EdgeAwareSmoothness()`; there the disparity is "
    "divided by its mean first",
)
def test_smoothness_of_monodepth2():
    loss = kl.EdgeAwareSmoothness()
    close(number(loss, Y, DISPARITY), smoothness(DISPARITY, Y))
    # trainer.py, before the call.
    first = DISPARITY / (DISPARITY.mean((1, 2), keepdims=True) + 1e-7)
    close(number(loss, Y, first), smoothness(first, Y))
    assert abs(number(loss, Y, DISPARITY) - smoothness(first, Y)) > 0.01


@row(
    kl.EdgeAwareSmoothness,
    "kornia `inverse_depth_smoothness_loss` | `EdgeAwareSmoothness()`",
)
def test_smoothness_of_kornia():
    close(number(kl.EdgeAwareSmoothness(), Y, DISPARITY), smoothness(DISPARITY, Y))


# --- spectra --------------------------------------------------------------------------


def fourier(n):
    """The orthonormal transform of n positions, as a matrix."""
    return np.exp(-2j * math.pi * np.outer(range(n), range(n)) / n) / math.sqrt(n)


def focal_frequency(y, p, weight, alpha, log_matrix, patches=1, averaged=False):
    """EndlessSora/focal-frequency-loss 0.3, `FocalFrequencyLoss`."""
    h, w = (n // patches for n in y.shape[1:3])
    spectra = []
    for x in (y, p):
        parts = [
            np.einsum(
                "ui,vj,bijc->bcuv",
                fourier(h),
                fourier(w),
                x[:, i * h : (i + 1) * h, j * w : (j + 1) * w],
            )
            for i, j in itertools.product(range(patches), repeat=2)
        ]
        spectrum = np.stack(parts, 1)
        spectra.append(spectrum.mean(0, keepdims=True) if averaged else spectrum)
    distance = np.abs(spectra[1] - spectra[0])
    matrix = distance**alpha
    if log_matrix:
        matrix = np.log(matrix + 1)
    matrix = matrix / matrix.max((-2, -1), keepdims=True)
    return weight * (matrix * distance**2).mean()


@row(
    kl.FocalFrequency,
    "the authors' `FocalFrequencyLoss(loss_weight, alpha, log_matrix=…)` | `loss_weight * "
    "FocalFrequency(alpha, log_matrix)`; patches and the spectrum of the mean over the batch "
    "are left out",
)
@pytest.mark.parametrize(("alpha", "log_matrix"), [(1.0, False), (2.5, False), (1.5, True)])
def test_focal_frequency_of_the_authors(alpha, log_matrix):
    y, p, how = Y[:, :12], P[:, :12], (0.3, alpha, log_matrix)
    loss = 0.3 * kl.FocalFrequency(alpha, log_matrix)
    ours = number(loss, y, p)
    close(ours, focal_frequency(y, p, *how))
    # What is left out, done by hand.
    cut = [
        number(loss, y[:, i : i + 6, j : j + 8], p[:, i : i + 6, j : j + 8])
        for i in (0, 6)
        for j in (0, 8)
    ]
    close(np.mean(cut), focal_frequency(y, p, *how, patches=2))
    means = [x.mean(0, keepdims=True) for x in (y, p)]
    close(number(loss, *means), focal_frequency(y, p, *how, averaged=True))
    for options in ({"patches": 2}, {"averaged": True}):
        assert abs(focal_frequency(y, p, *how, **options) / ours - 1) > 0.01


# --- features -------------------------------------------------------------------------

INWARD, OUTWARD = rng.normal(size=(3, 6)), rng.normal(size=(6, 5))


@keras.saving.register_keras_serializable(package="test_restoration")
def two_layers():
    """Two products with ReLU, and means of two by two positions between them."""
    relu = {"activation": "relu", "bias_initializer": "ones"}
    x = keras.Input((12, 16, 3))
    first = keras.layers.Dense(6, name="first", **relu)
    second = keras.layers.Dense(5, name="second", **relu)
    network = keras.Model(x, second(keras.layers.AveragePooling2D(2)(first(x))))
    first.set_weights([INWARD, np.ones(6)])
    second.set_weights([OUTWARD, np.ones(5)])
    return network


def features(x):
    first = np.maximum(x @ INWARD + 1, 0)
    return first, np.maximum(pooled(first, 2) @ OUTWARD + 1, 0)


LAYERS = ["first", "second"]


@row(
    kl.FeatureDistance,
    "Johnson et al.'s feature reconstruction · style | `FeatureDistance(f, layers)` · `…, "
    'match="gram"`',
)
def test_feature_reconstruction_and_style_of_johnson():
    y, p = Y[:, :12], P[:, :12]
    reconstruction = style = 0
    for a, b in zip(features(y), features(p), strict=True):
        size = a[0].size  # C·H·W: Johnson 2016, sections 3.1 and 3.2.
        reconstruction += ((b - a) ** 2).sum((1, 2, 3)) / size
        grams = [np.einsum("bhwc,bhwd->bcd", x, x) / size for x in (a, b)]
        style += ((grams[1] - grams[0]) ** 2).sum((1, 2))
    close(values(kl.FeatureDistance(two_layers, LAYERS), y, p), reconstruction)
    close(values(kl.FeatureDistance(two_layers, LAYERS, match="gram"), y, p), style)


@row(
    kl.FeatureDistance,
    "`lpips.LPIPS(lpips=False)` | `FeatureDistance(f, layers, normalize=True)`",
)
def test_lpips_without_its_weights():
    y, p = Y[:, :12], P[:, :12]
    theirs = sum(
        ((unit(a) - unit(b)) ** 2).sum(-1).mean((1, 2))
        for a, b in zip(features(y), features(p), strict=True)
    )
    close(values(kl.FeatureDistance(two_layers, LAYERS, normalize=True), y, p), theirs)


# --- TensorFlow's own functions -------------------------------------------------------


@with_tensorflow
def test_the_functions_of_tensorflow_are_those_written_out():
    import tensorflow as tf

    y, p = float32(Y, P)
    close(values(kl.SSIM(), y, p), 1 - tf.image.ssim(y, p, 1.0).numpy(), rtol=2e-5)
    close(values(kl.PSNR(), y, p), -tf.image.psnr(y, p, 1.0).numpy())
    variation = kl.TotalVariation(normalize=False)
    close(values(variation, y, p), tf.image.total_variation(tf.constant(p)).numpy())
    close(sobel_edges(Y), tf.image.sobel_edges(tf.constant(y)).numpy(), atol=1e-5)
    y, p = float32(*large(161, 170))
    theirs = 1 - tf.image.ssim_multiscale(y, p, 1.0).numpy()
    close(values(kl.MultiScaleSSIM(), y, p), theirs, rtol=2e-5)
