"""The rows of the losses of registration and of sound."""

import itertools

import numpy as np
import pytest

import keras_losskit as kl
from tests.elsewhere.rows import close, number, row, values

rng = np.random.default_rng(11)
FIXED = rng.random((2, 10, 11, 12, 1))
MOVED = 0.5 * FIXED + 0.5 * rng.random(FIXED.shape)  # Alike, in all windows of 9.
FIELD = rng.normal(size=(2, 5, 6, 4, 3))


# --- similarity of pictures -----------------------------------------------------------


def local_sums(x, kernel):
    """Sums of `(D, H, W)` under the kernel at each position, zeros outside."""
    by = len(kernel) // 2
    cut = np.lib.stride_tricks.sliding_window_view(np.pad(x, by), (len(kernel),) * 3)
    return np.einsum("dhwijk,i,j,k->dhw", cut, kernel, kernel, kernel, optimize=True)


def local_moments(x, y, kernel):
    """Sums, times kernel, of covariance and of variances in each window."""
    size = kernel.sum() ** 3
    x_sum, y_sum, xx, yy, xy = (local_sums(a, kernel) for a in (x, y, x * x, y * y, x * y))
    return xy - x_sum * y_sum / size, xx - x_sum**2 / size, yy - y_sum**2 / size


def each_volume(of_one, y, p):
    return np.array([of_one(a[..., 0], b[..., 0]) for a, b in zip(y, p, strict=True)])


def voxelmorph_ncc(y, p):
    """VoxelMorph's `NCC([9, 9, 9])` on PyTorch, for each volume of a batch."""

    def of_one(x, y):
        cross, x_var, y_var = local_moments(x, y, np.ones(9))
        return -(cross * cross / (x_var * y_var + 1e-5)).mean()

    return each_volume(of_one, y, p)


def voxelmorph_ncc_on_tensorflow(y, p):
    """VoxelMorph 0.2, `vxm.losses.NCC([9, 9, 9])`, which holds all three above `eps`."""

    def of_one(x, y):
        cross, x_var, y_var = (np.maximum(a, 1e-5) for a in local_moments(x, y, np.ones(9)))
        return -((cross / x_var) * (cross / y_var)).mean()

    return each_volume(of_one, y, p)


@row(
    kl.LocalNormalizedCrossCorrelation,
    "VoxelMorph `NCC([9, 9, 9])`, which is minus the mean | "
    "`LocalNormalizedCrossCorrelation()`; on TensorFlow a negative covariance is 0 there",
)
def test_local_correlation_of_voxelmorph():
    y, p = np.concatenate([FIXED, FIXED]), np.concatenate([MOVED, -MOVED])
    mine = values(kl.LocalNormalizedCrossCorrelation(), y, p) - 1
    close(mine, voxelmorph_ncc(y, p))
    # No window of the first two has a negative covariance, and all of the others have.
    theirs = voxelmorph_ncc_on_tensorflow(y, p)
    close(mine[:2], theirs[:2])
    assert np.abs(theirs[2:]).max() < 1e-6
    assert mine[2:].max() < -0.5


MONAI_KERNELS = {
    "rectangular": ("box", np.ones(9)),
    "triangular": ("triangular", np.array([1, 2, 3, 4, 5, 4, 3, 2, 1]) / 25),
    "gaussian": ("gaussian", np.exp(-0.5 * (np.arange(-4, 5) / 3) ** 2)),
}


@row(
    kl.LocalNormalizedCrossCorrelation,
    'MONAI `LocalNormalizedCrossCorrelationLoss(3, 9, "rectangular")`, minus the mean | the '
    "same, for its other kernels too",
)
@pytest.mark.parametrize("kernel", MONAI_KERNELS)
def test_local_correlation_of_monai(kernel):
    """MONAI 1.6.1: no variance below 1e-5."""
    mine, weights = MONAI_KERNELS[kernel]

    def of_one(x, y):
        cross, x_var, y_var = local_moments(x, y, weights)
        return -(cross**2 / (np.maximum(x_var, 1e-5) * np.maximum(y_var, 1e-5))).mean()

    loss = kl.LocalNormalizedCrossCorrelation(kernel=mine)
    close(values(loss, FIXED, MOVED) - 1, each_volume(of_one, FIXED, MOVED))


def gaussians(x, bins, sigma_ratio):
    """How much of each entry falls into each bin, by a Gaussian: `(N, bins)`."""
    centers = np.linspace(0, 1, bins)
    sigma = sigma_ratio / (bins - 1)
    return np.exp(-((np.clip(x, 0, 1).reshape(-1, 1) - centers) ** 2) / (2 * sigma**2))


def monai_mutual_information(y, p, bins, sigma_ratio, smooth=1e-7):
    """MONAI 1.6.1, `GlobalMutualInformationLoss("gaussian")`, of one picture."""
    a, b = (gaussians(x, bins, sigma_ratio) for x in (p, y))
    a, b = (x / x.sum(-1, keepdims=True) for x in (a, b))
    both, apart = a.T @ b / len(a), np.outer(a.mean(0), b.mean(0))
    return -(both * np.log((both + smooth) / (apart + smooth) + smooth)).sum()


WITHIN = FIXED[:, :6, :6, :6] * 1.2 - 0.1  # Some of it beyond 0 to 1.
OTHER = 1 - WITHIN**2


@row(
    kl.MutualInformation,
    'MONAI `GlobalMutualInformationLoss("gaussian", num_bins, sigma_ratio)` | '
    "`MutualInformation(bins, sigma_ratio)`",
)
@pytest.mark.parametrize(("bins", "sigma_ratio"), [(23, 0.5), (10, 0.8)])
def test_mutual_information_of_monai(bins, sigma_ratio):
    mine = values(kl.MutualInformation(bins, sigma_ratio), WITHIN, OTHER)

    def theirs(smooth):
        pairs = zip(WITHIN, OTHER, strict=True)
        return [monai_mutual_information(y, p, bins, sigma_ratio, smooth) for y, p in pairs]

    close(mine, theirs(1e-30))
    close(mine, theirs(1e-7), atol=1e-4)


def neurite_mutual_information(x, y, bins, eps=1e-7):
    """neurite's `MutualInformation`, VoxelMorph's base: alpha = 1/(2·(0.5/(bins - 1))²)."""
    a, b = (gaussians(x, bins, 0.5) for x in (x, y))
    both = a.T @ b
    both = both / (both.sum() + eps)
    a, b = (x.sum(0) / (x.sum() + eps) for x in (a, b))
    return (both * np.log(both / (np.outer(a, b) + eps) + eps)).sum()


@row(
    kl.MutualInformation,
    "VoxelMorph `MutualInformation(nb_bins=n, min_clip=0, max_clip=1)` | nearly "
    "`MutualInformation(n)`; there the shares of an intensity need not sum to 1",
)
def test_mutual_information_of_voxelmorph():
    mine = values(kl.MutualInformation(16), WITHIN, OTHER)
    pairs = zip(WITHIN, OTHER, strict=True)
    theirs = np.array([-neurite_mutual_information(y, p, 16) for y, p in pairs])
    close(mine, theirs, rtol=0.01)
    assert np.abs(mine - theirs).min() > 1e-4
    # At centers of bins, but the first and the last, all sums of shares are alike.
    y = rng.integers(2, 14, size=(1, 6, 6, 6, 1)) / 15
    p = np.where(rng.random(y.shape) < 0.7, 1 - y, y)
    mine = values(kl.MutualInformation(16), y, p)
    close(mine, [-neurite_mutual_information(y, p, 16, eps=1e-30)])
    close(mine, [-neurite_mutual_information(y, p, 16)], atol=1e-4)


# --- smoothness of fields -------------------------------------------------------------


def monai_bending_energy(u, normalize):
    """MONAI 1.6.1, `BendingEnergyLoss`: compact differences, in the interior."""
    u = np.moveaxis(u, -1, 1)
    n = u.shape[1]
    sizes = np.array(u.shape[2:])

    def at(*steps):
        """The interior of u, moved."""
        by = [1 + s for s in steps]
        return u[(..., *(slice(b, b + k - 2) for b, k in zip(by, sizes, strict=True)))]

    def unit(axis):
        return np.eye(n, dtype=int)[axis]

    energy = 0
    for a, b in itertools.product(range(n), repeat=2):
        i, j = unit(a), unit(b)
        if a == b:
            bent = at(*i) - 2 * at(*(0 * i)) + at(*-i)
        else:
            bent = (at(*(i + j)) - at(*(i - j)) - at(*(j - i)) + at(*(-i - j))) / 4
        if normalize:
            bent = bent * (sizes[a] * sizes[b] / sizes).reshape((n,) + (1,) * n)
        energy = energy + bent**2
    return energy.mean()


@row(kl.BendingEnergy, "MONAI 1.6 `BendingEnergyLoss(normalize)` | `BendingEnergy(normalize)`")
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("field", [FIELD, FIELD[:, :, :, 0, :2]], ids=["3d", "2d"])
def test_bending_energy_of_monai(field, normalize):
    loss = kl.BendingEnergy(normalize)
    close(number(loss, field, field), monai_bending_energy(field, normalize))


@row(kl.DisplacementGradient, "VoxelMorph `Grad(penalty)` | `DisplacementGradient(penalty)`")
@pytest.mark.parametrize("penalty", ["l1", "l2"])
@pytest.mark.parametrize("field", [FIELD, FIELD[:, :, :, 0, :2]], ids=["3d", "2d"])
def test_slopes_of_voxelmorph(field, penalty):
    slopes = [np.abs(np.diff(field, axis=axis)) for axis in range(1, field.ndim - 1)]
    if penalty == "l2":
        slopes = [d * d for d in slopes]
    each = tuple(range(1, field.ndim))
    theirs = sum(d.mean(each) for d in slopes) / len(slopes)
    close(values(kl.DisplacementGradient(penalty), field, field), theirs)


def monai_diffusion(u):
    """MONAI 1.6.1, `DiffusionLoss()`, of `(B, H, W, 2)`: in the interior."""
    down = (u[:, 2:, 1:-1] - u[:, :-2, 1:-1]) / 2
    right = (u[:, 1:-1, 2:] - u[:, 1:-1, :-2]) / 2
    return (down**2 + right**2).mean()


@row(kl.DisplacementGradient, "MONAI `DiffusionLoss()` | central differences, summed over axes")
def test_slopes_of_monai():
    loss = kl.DisplacementGradient()
    place = np.stack(np.meshgrid(np.arange(5.0), np.arange(6.0), indexing="ij"), -1)
    affine = (place @ np.array([[0.3, -1.2], [0.7, 0.4]]))[None]
    # Where differences are alike the sum over two axes is twice the mean.
    close(2 * number(loss, affine, affine), monai_diffusion(affine))
    checkered = np.repeat((place.sum(-1, keepdims=True) % 2)[None], 2, axis=-1)
    assert monai_diffusion(checkered) == 0
    close(number(loss, checkered, checkered), 1)


# --- spectra --------------------------------------------------------------------------


def spectrum(x, fft_size, hop, window, least):
    """torch.stft's magnitudes of `(N, T)`, squares held above `least`: `(N, frames, bins)`.

    Frames are centred, the border is reflected, Hann's periodic window is in the middle.
    """
    left = (fft_size - window) // 2
    hann = np.zeros(fft_size)
    hann[left : left + window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    x = np.pad(x, ((0, 0), (fft_size // 2, fft_size // 2)), mode="reflect")
    starts = range(0, x.shape[1] - fft_size + 1, hop)
    frames = np.stack([x[:, i : i + fft_size] * hann for i in starts], 1)
    return np.sqrt(np.maximum(np.abs(np.fft.rfft(frames)) ** 2, least))


def stft_loss(y, p, resolution, weights=(1, 1, 0), least=1e-8):
    """auraloss 0.4, `STFTLoss(*resolution, w_sc, w_log_mag, w_lin_mag)`, of `(B, C, T)`."""
    y, p = (spectrum(x.reshape(-1, x.shape[-1]), *resolution, least) for x in (y, p))
    parts = (
        np.sqrt(((y - p) ** 2).sum()) / np.sqrt((y**2).sum()),
        np.abs(np.log(y) - np.log(p)).mean(),
        np.abs(y - p).mean(),
    )
    return sum(w * part for w, part in zip(weights, parts, strict=True))


SOUND = rng.normal(size=(2, 2, 90)) * np.array([1.0, 3.0]).reshape(2, 1, 1)
HEARD = SOUND + rng.normal(size=SOUND.shape)
RESOLUTION = 32, 10, 24


def last(x):
    """`(B, C, T)` as here: `(B, T, C)`."""
    return np.moveaxis(x, 1, 2)


def options(weights):
    return dict(zip(("convergence", "log_magnitude", "magnitude"), weights, strict=True))


def of_each(theirs, y, p):
    """For each sample as a batch of its own."""
    return [theirs(y[i : i + 1], p[i : i + 1]) for i in range(len(y))]


@row(
    kl.STFT,
    "auraloss `STFTLoss(fft_size, hop_size, win_length, w_sc, w_log_mag, w_lin_mag)` | "
    "`STFT(…)`; there the norms are those of the whole batch, and squares below 1e-8 have no "
    "gradient",
)
@pytest.mark.parametrize("weights", [(1, 1, 0), (0.7, 0.4, 1.3)])
def test_spectra_of_auraloss(weights):
    loss = kl.STFT(*RESOLUTION, **options(weights))

    def theirs(y, p):
        return stft_loss(y, p, RESOLUTION, weights)

    mine = values(loss, last(SOUND), last(HEARD))
    close(mine, of_each(theirs, SOUND, HEARD))
    # What is not of norms is the same for the whole batch.
    whole = theirs(SOUND, HEARD)
    assert abs(whole - mine.mean()) > 0.01
    without = stft_loss(SOUND, HEARD, RESOLUTION, (0, *weights[1:]))
    loss = kl.STFT(*RESOLUTION, **options((0, *weights[1:])))
    close(number(loss, last(SOUND), last(HEARD)), without)


@row(
    kl.STFT,
    "Parallel WaveGAN's `STFTLoss`, its two terms added | `STFT(…)`; norms as auraloss's, "
    "and squares below 1e-7 have no gradient there",
)
def test_spectra_of_parallel_wavegan():
    def theirs(y, p):
        return stft_loss(y, p, RESOLUTION, least=1e-7)

    mine = values(kl.STFT(*RESOLUTION), last(SOUND), last(HEARD))
    close(mine, of_each(theirs, SOUND, HEARD))
    assert abs(theirs(SOUND, HEARD) - mine.mean()) > 0.01


@pytest.mark.parametrize("least", [1e-8, 1e-7])
def test_there_what_is_nearly_silent_has_no_slope(least):
    """The other half of both rows: theirs is level where squares are below `least`."""
    y, near = SOUND[:1], 0.03 * np.sqrt(least) * HEARD[:1]
    assert spectrum(2 * near[0], *RESOLUTION, 0).max() < np.sqrt(least)
    once, twice = (stft_loss(y, a * near, RESOLUTION, least=least) for a in (1, 2))
    assert once == twice
    once, twice = (number(kl.STFT(*RESOLUTION), last(y), last(a * near)) for a in (1, 2))
    assert once - twice > 1e-3


@row(
    kl.MultiResolutionSTFT,
    "auraloss `MultiResolutionSTFTLoss()` | `MultiResolutionSTFT()`, norms per sample",
)
def test_spectra_of_auraloss_at_several_resolutions():
    y = rng.normal(size=(2, 1, 1500)) * np.array([1.0, 3.0]).reshape(2, 1, 1)
    p = y + rng.normal(size=y.shape)
    resolutions = [(1024, 120, 600), (2048, 240, 1200), (512, 50, 240)]

    def theirs(y, p):
        return np.mean([stft_loss(y, p, resolution) for resolution in resolutions])

    mine = values(kl.MultiResolutionSTFT(), y[:, 0], p[:, 0])
    close(mine, of_each(theirs, y, p))
    assert abs(theirs(y, p) - mine.mean()) > 0.01


# --- distortion and orders of sources -------------------------------------------------

SOURCES = rng.normal(size=(4, 3, 40)) + 0.2
MIXED = np.stack([s[rng.permutation(3)] for s in SOURCES]) + 0.5 * rng.normal(size=(4, 3, 40))


def freed(x, zero_mean=True):
    return x - x.mean(-1, keepdims=True) if zero_mean else x


def auraloss_sisdr(p, y):
    """auraloss 0.4, `SISDRLoss()`, of `(B, C, T)`, before its mean."""
    p, y = freed(p), freed(y)
    y = y * ((p * y).sum(-1) / ((y**2).sum(-1) + 1e-8))[..., None]
    ratio = (y**2).sum(-1) / (((p - y) ** 2).sum(-1) + 1e-8)
    return -10 * np.log10(ratio + 1e-8)


def asteroid_pairs(p, y):
    """asteroid's `pairwise_neg_sisdr`: `(B, estimates, targets)`."""
    found = np.empty((len(p), p.shape[1], y.shape[1]))
    for b, i, j in np.ndindex(*found.shape):
        a, t = freed(p[b, i]), freed(y[b, j])
        t = (a @ t) * t / (t @ t + 1e-8)
        found[b, i, j] = -10 * np.log10(t @ t / ((a - t) @ (a - t) + 1e-8) + 1e-8)
    return found


@row(kl.SISDR, "auraloss `SISDRLoss()`, asteroid `pairwise_neg_sisdr` | `SISDR()`")
def test_sisdr_of_auraloss_and_asteroid():
    close(number(kl.SISDR(), last(SOURCES), last(MIXED)), auraloss_sisdr(MIXED, SOURCES).mean())
    heard = MIXED + SOURCES.sum(1, keepdims=True)  # Something of each target in all.
    y, p = np.repeat(SOURCES[:, None], 3, 1), np.repeat(heard[:, :, None], 3, 2)
    mine = values(kl.SISDR(), y.reshape(-1, 40), p.reshape(-1, 40))
    close(mine, asteroid_pairs(heard, SOURCES).reshape(-1))


def torchmetrics_sisdr(p, y, zero_mean=False):
    """torchmetrics, `scale_invariant_signal_distortion_ratio`, in float32."""
    eps = np.finfo("float32").eps
    p, y = freed(p, zero_mean), freed(y, zero_mean)
    alpha = ((p * y).sum(-1, keepdims=True) + eps) / ((y**2).sum(-1, keepdims=True) + eps)
    noise = alpha * y - p
    return 10 * np.log10((((alpha * y) ** 2).sum(-1) + eps) / ((noise**2).sum(-1) + eps))


@row(
    kl.SISDR,
    "torchmetrics `-scale_invariant_signal_distortion_ratio(ŷ, y, zero_mean)` | "
    "`SISDR(zero_mean)`",
)
@pytest.mark.parametrize("zero_mean", [False, True])
def test_sisdr_of_torchmetrics(zero_mean):
    y = SOURCES[:, 0] + 1
    p = 0.7 * y + 0.3 * MIXED[:, 1] - 0.5
    close(values(kl.SISDR(zero_mean), y, p), -torchmetrics_sisdr(p, y, zero_mean))


ORDERS = list(itertools.permutations(range(3)))


@row(
    kl.PermutationInvariant,
    'asteroid `PITLossWrapper(pairwise_neg_sisdr, "pw_mtx")` | `PermutationInvariant(SISDR())`',
)
def test_orders_of_asteroid():
    pairs = asteroid_pairs(MIXED, SOURCES)
    of_orders = [[np.mean([m[o[j], j] for j in range(3)]) for o in ORDERS] for m in pairs]
    theirs = np.min(of_orders, axis=1).mean()
    close(number(kl.PermutationInvariant(kl.SISDR()), SOURCES, MIXED), theirs)


def torchmetrics_pit(p, y, metric):
    """torchmetrics, `permutation_invariant_training(p, y, metric)`: the most, by "max"."""
    of_orders = [[metric(p[:, o[j]], y[:, j]) for j in range(3)] for o in ORDERS]
    return np.mean(of_orders, axis=1).max(0)


def closeness(p, y):
    return -np.abs(p - y).mean(-1)


@row(
    kl.PermutationInvariant,
    "torchmetrics `permutation_invariant_training(ŷ, y, f)`, of a metric | "
    "`PermutationInvariant(f)`, of a loss",
)
@pytest.mark.parametrize(
    ("metric", "loss"),
    [(torchmetrics_sisdr, kl.SISDR(zero_mean=False)), (closeness, kl.MeanAbsoluteError())],
    ids=["sisdr", "mae"],
)
def test_orders_of_torchmetrics(metric, loss):
    mine = values(kl.PermutationInvariant(loss), SOURCES, MIXED)
    close(mine, -torchmetrics_pit(MIXED, SOURCES, metric))
