"""One picture a loss, drawn from what the loss declares that it takes.

What is a function of one error or one probability is drawn by `plot_loss`. The others are drawn
along a path that means something for what they take: a map is shifted, a photograph gets noise, a
box slides, a score rises; or as points, with arrows that say where the loss pulls them. Three ways
to draw serve all of them, and `PATHS` says by which words of a declaration each is chosen.

Pictures are kept between builds, as long as neither the loss nor this file changes.
"""

import hashlib
import inspect
import sys
from functools import cache
from pathlib import Path

import keras
import matplotlib
import numpy as np

matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402

import keras_losskit as kl  # noqa: E402
from keras_losskit.core.takes import takes_of  # noqa: E402
from keras_losskit.doctor.plots import STYLES  # noqa: E402
from keras_losskit.doctor.running import tensor, to_numpy, value_and_gradient  # noqa: E402

KINDS = ("#0072b2", "#d55e00", "#009e73")
SOFT = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9,
        "axes.titlesize": 9, "legend.frameon": False, "legend.fontsize": 8}


# --- the loss that is drawn ------------------------------------------------------------------


@keras.saving.register_keras_serializable(package="keras_losskit_docs")
def edges():
    """A network that sees the edges of a picture, for `FeatureDistance`."""
    sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], "float32") / 4
    layer = keras.layers.Conv2D(2, 3, padding="same", use_bias=False)
    model = keras.Sequential([keras.Input((None, None, 1)), layer])
    layer.set_weights([np.stack([sobel, sobel.T], axis=-1)[:, :, None]])
    return model


# Of losses that need an argument: one that a page can show.
BUILT = {
    "ChannelWeightedSquaredError": lambda: kl.ChannelWeightedSquaredError([1.0, 2.0, 0.5]),
    "FeatureDistance": lambda: kl.FeatureDistance(edges),
    "GaussianMixtureNLL": lambda: kl.GaussianMixtureNLL(2),
    "HardExampleMining": lambda: kl.HardExampleMining(kl.BinaryCrossentropy(), fraction=0.25),
    "LDAM": lambda: kl.LDAM([1000, 100, 10]),
    "LogitAdjustedCrossentropy": lambda: kl.LogitAdjustedCrossentropy([1000, 100, 10]),
    "Matryoshka": lambda: kl.Matryoshka(kl.InfoNCE(), [2, 1]),
    "PermutationInvariant": lambda: kl.PermutationInvariant(kl.SISDR()),
    "DiscreteTimeHazard": lambda: kl.DiscreteTimeHazard(),
}


def built(cls):
    """A loss of the class: as its constructor makes it, or as the tests do."""
    if cls.__name__ in BUILT:
        return BUILT[cls.__name__]()
    try:
        return cls()
    except TypeError:
        from tests import cases

        return next(case for case in cases.CASES if case.loss is cls).make()


# --- numbers ---------------------------------------------------------------------------------


def numbers(loss, batches):
    """A loss's value for each of some batches `(y_true, y_pred)`."""
    takes = takes_of(loss)
    apart = takes is not None and not takes.in_batch and all(len(t) == 1 for t, _ in batches)
    if apart:
        none = type(loss).from_config({**loss.get_config(), "reduction": "none"})
        y_true, y_pred = (np.concatenate(x) for x in zip(*batches, strict=True))
        found = to_numpy(none(tensor(y_true), tensor(y_pred)))
        if found.shape[:1] == (len(batches),):
            return found.reshape(len(batches), -1).mean(axis=1)
    return np.array([float(to_numpy(loss(tensor(t), tensor(p)))) for t, p in batches])


def gradients(loss, y_true, y_pred, by_true=False):
    """The gradient by the predictions, and by the targets too where that is asked for."""
    _, by_pred = value_and_gradient(loss, tensor(y_true), tensor(y_pred))
    found = [to_numpy(by_pred)]
    if by_true:
        _, back = value_and_gradient(lambda p, t: loss(t, p), tensor(y_pred), tensor(y_true))
        found.append(to_numpy(back))
    return found


# --- three ways to draw ----------------------------------------------------------------------


def curves(loss, axes, x, paths, label, slope=None):
    """Value along each path, `{name: function of x that returns a batch}`; and its slope."""
    for (name, data), (colour, dash) in zip(paths.items(), STYLES, strict=False):
        value = numbers(loss, [data(v) for v in x])
        axes.plot(x, value, color=colour, linestyle=dash, label=name)
        if slope is not None:
            slope.plot(x, np.gradient(value, x), color=colour, linestyle=dash)
    axes.set(xlabel=label, title="value")
    if slope is not None:
        slope.set(xlabel=label, title="slope of the value")
        slope.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    if len(paths) > 1:
        axes.legend()


def two_curves(loss, x, paths, label):
    figure, (value, slope) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    curves(loss, value, x, paths, label, slope)
    return figure, value


def pull(axes, points, forces, colours, title):
    """Points of a plane with arrows along which the loss pulls them."""
    length = np.linalg.norm(forces, axis=-1).max()
    shown = forces / length if length > 0 else forces
    axes.quiver(*points.T, *shown.T, color="0.35", angles="xy", scale_units="xy", scale=2.2,
                width=0.006, zorder=1)
    axes.scatter(*points.T, c=colours, s=26, zorder=2)
    axes.set(title=title, aspect="equal", xticks=[], yticks=[])
    axes.margins(0.25)
    for spine in axes.spines.values():
        spine.set_visible(False)


# --- segmentation ----------------------------------------------------------------------------


def disc(shift=0.0, radius=7.0, side=32, soft=1.0):
    """A map of the probabilities of a disc, `(1, side, side, 1)`."""
    y, x = np.mgrid[:side, :side]
    distance = np.hypot(x - side / 2 - shift, y - side / 2) - radius
    return (1 / (1 + np.exp(distance / soft)))[None, :, :, None].astype("float32")


def vessel(shift=0.0, radius=1.6, gap=0.0, side=32):
    """The same of a thin line, broken in its middle by a gap."""
    y, x = np.mgrid[:side, :side]
    distance = np.maximum(np.abs(y - side / 2 - shift) - radius, gap / 2 - np.abs(x - side / 2))
    return (1 / (1 + np.exp(distance / 0.3)))[None, :, :, None].astype("float32")


def maps(loss):
    thin = "Centerline" in type(loss).__name__
    shape, width = (vessel, 1.6) if thin else (disc, 7)
    hard = (shape() > 0.5).astype("float32")
    logits = takes_of(loss).y_pred == "logits"

    def predicted(**how):
        p = 0.02 + 0.96 * shape(**how)
        return np.log(p / (1 - p)) if logits else p

    figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained",
                                width_ratios=[1, 1, 1.5])
    p = predicted(shift=4) if not thin else predicted(shift=2, gap=6)
    axes[0].imshow(p[0, :, :, 0], cmap="Greys", alpha=0.75)
    axes[0].contour(hard[0, :, :, 0], [0.5], colors=KINDS[1])
    axes[0].set_title("prediction; target outlined")
    (g,) = gradients(loss, hard, p)
    most = np.abs(g).max() or 1
    axes[1].imshow(-g[0, :, :, 0], cmap="RdBu_r", vmin=-most, vmax=most)
    axes[1].contour(hard[0, :, :, 0], [0.5], colors="0.4", linewidths=0.8)
    axes[1].set_title("pull: red up, blue down")
    for a in axes[:2]:
        a.set_axis_off()
    ways = {
        "shifted": lambda v: (hard, predicted(shift=v)),
        "grown": lambda v: (hard, predicted(radius=width + v / 2)),
        "shrunk": lambda v: (hard, predicted(radius=width - v / 2)),
    }
    if thin:
        del ways["shrunk"]
        ways["broken by a gap"] = lambda v: (hard, predicted(gap=v))
    curves(loss, axes[2], np.linspace(0, 14, 29), ways, "by so many positions (or in width)")
    return figure, axes[2]


# --- pictures, fields, sound -----------------------------------------------------------------


@cache
def photograph(side=192):
    """A part of a photograph, grey, in [0, 1]."""
    from sklearn.datasets import load_sample_image

    image = load_sample_image("flower.jpg")[60:60 + 2 * side:2, 180:180 + 2 * side:2]
    return image.mean(axis=-1)[None, :, :, None].astype("float32") / 255


def blurred(x, sigma):
    if sigma == 0:
        return x
    n = int(3 * sigma) + 1
    w = np.exp(-0.5 * (np.arange(-n, n + 1) / sigma) ** 2)
    w /= w.sum()
    for axis in (1, 2):
        padded = np.pad(x, [(n, n) if i == axis else (0, 0) for i in range(4)], "edge")
        size = x.shape[axis]
        x = sum(c * np.take(padded, range(i, i + size), axis) for i, c in enumerate(w))
    return x.astype("float32")


def worse(clean):
    """`{what is done to a picture: function of its strength in [0, 1]}`."""
    noise = np.random.default_rng(0).normal(size=clean.shape)
    return {
        "noise": lambda s: np.clip(clean + 0.3 * s * noise, 0, 1).astype("float32"),
        "blur": lambda s: blurred(clean, 4 * s),
        "shift": lambda s: np.roll(clean, round(12 * s), axis=2),
        "brighter": lambda s: np.clip(clean + 0.3 * s, 0, 1).astype("float32"),
    }


def images(loss):
    clean, guided = photograph(), takes_of(loss).shapes == "guides"
    y_true = np.repeat(clean, 3, axis=-1) if guided else clean
    ways = worse(clean)
    figure, axes = plt.subplot_mosaic(
        [["noise", "blur", "value"], ["shift", "brighter", "value"]], figsize=(8.4, 3.4),
        width_ratios=[1, 1, 2.6], layout="constrained",
    )
    for name, way in ways.items():
        axes[name].imshow(way(1.0)[0, :, :, 0], cmap="gray", vmin=0, vmax=1)
        axes[name].set_title(name, fontsize=8)
        axes[name].set_axis_off()
    x = np.linspace(0, 1, 9)
    if loss.__class__.__name__ == "PSNR":
        x = x[1:]  # Of equal pictures it is infinite.
    curves(loss, axes["value"], x, {
        name: lambda s, way=way: (y_true, way(s)) for name, way in ways.items()
    }, "strength (as shown: 1)")
    return figure, axes["value"]


def fields(loss):
    y, x = np.mgrid[:24, :24].astype("float32")
    ways = {
        "stretched": lambda s: np.stack([0.25 * s * (y - 12), 0.25 * s * (x - 12)], -1),
        "waves": lambda s: np.stack([1.5 * s * np.sin(x / 3), 1.5 * s * np.sin(y / 3)], -1),
        "moved": lambda s: np.stack([0 * y + 3 * s, 0 * x + 3 * s], -1),
    }
    figure, axes = plt.subplot_mosaic([[*ways, "value"]], figsize=(9.4, 2.8),
                                      width_ratios=[1, 1, 1, 2], layout="constrained")
    for name, way in ways.items():
        u = way(1.0)
        for lines in ((x + u[..., 1], y + u[..., 0]), ((x + u[..., 1]).T, (y + u[..., 0]).T)):
            axes[name].plot(lines[0][:, ::3], lines[1][:, ::3], color="0.4", linewidth=0.7)
        axes[name].set(title=name, aspect="equal")
        axes[name].set_axis_off()
    nothing = np.zeros((1, 24, 24, 1), "float32")
    curves(loss, axes["value"], np.linspace(0, 1, 21), {
        name: lambda s, way=way: (nothing, way(s)[None].astype("float32"))
        for name, way in ways.items()
    }, "strength (as shown: 1)")
    return figure, axes["value"]


def sound(loss):
    rate = 16000
    time = np.arange(rate // 4) / rate
    rng = np.random.default_rng(0)
    tone = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in (1, 2, 3)) * np.exp(-6 * time)
    noise = 0.3 * rng.normal(size=time.shape)
    other = np.sin(2 * np.pi * 310 * time) * np.exp(-3 * time)
    several = takes_of(loss).shapes == "sources"

    def batch(x, second=other):
        x = np.stack([x, second]) if several else x
        return x[None].astype("float32")

    y_true = batch(tone)
    ways = {
        "noise": lambda s: batch(tone + s * noise),
        "quieter": lambda s: batch((1 - 0.9 * s) * tone),
        "later (by 5 ms)": lambda s: batch(np.roll(tone, round(0.005 * rate * s))),
    }
    if several:
        ways["swapped, by degrees"] = lambda s: batch(
            (1 - s) * tone + s * other, (1 - s) * other + s * tone
        )
    figure, (shown, value) = plt.subplots(1, 2, figsize=(8.4, 3.1), layout="constrained",
                                          width_ratios=[1, 1.3])
    part = slice(0, 1200)
    shown.plot(1000 * time[part], tone[part], color="0.2", label="target")
    shown.plot(1000 * time[part], (tone + noise)[part], color=KINDS[0], alpha=0.4,
               linewidth=0.7, label="with noise")
    shown.set(xlabel="time (ms)", title="sound", yticks=[])
    shown.legend()
    curves(loss, value, np.linspace(0.05, 1, 12), {
        name: lambda s, way=way: (y_true, way(s)) for name, way in ways.items()
    }, "strength")
    return figure, value


# --- boxes -----------------------------------------------------------------------------------


def boxes(loss):
    target = np.array([[0.0, 0.0, 2.0, 2.0]], "float32")
    ways = {
        "slid aside": lambda v: target + v * np.array([[1, 0, 1, 0]], "float32"),
        "widened": lambda v: target + abs(v) * np.array([[-0.5, 0, 0.5, 0]], "float32"),
        "smaller, inside": lambda v: target + min(abs(v), 3.6) / 4 * np.array(
            [[1, 1, -1, -1]], "float32"),
    }
    figure, (scene, value, slope) = plt.subplots(1, 3, figsize=(9.2, 3), layout="constrained",
                                                 width_ratios=[1, 1.3, 1.3])
    for way, (colour, dash) in zip([lambda v: target, *ways.values()], STYLES, strict=False):
        a, b, c, d = way(1.2)[0]
        scene.add_patch(plt.Rectangle((a, b), c - a, d - b, fill=False, edgecolor=colour,
                                      linestyle=dash, linewidth=1.6))
    scene.set(xlim=(-1.2, 3.8), ylim=(-1, 3), aspect="equal", title="target black; by 1.2")
    scene.set_axis_off()
    for (name, way), (colour, dash) in zip(ways.items(), STYLES[1:], strict=False):
        x = np.linspace(0, 3.4, 69)
        y = numbers(loss, [(target, way(v).astype("float32")) for v in x])
        value.plot(x, y, color=colour, linestyle=dash, label=name)
        slope.plot(x, np.gradient(y, x), color=colour, linestyle=dash)
    value.set(title="value", xlabel="by how much (the target is 2 wide)")
    slope.set(title="slope of the value", xlabel="by how much")
    value.legend()
    return figure, value


# --- embeddings, views, sets -----------------------------------------------------------------


def groups(n=5, spread=0.35):
    """Points of three classes around a circle, with some among the others."""
    rng = np.random.default_rng(3)
    ids = np.repeat(np.arange(3), n)
    angle = ids * 2 * np.pi / 3 + 0.5
    points = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return ids.astype("int32"), (points + rng.normal(0, spread, points.shape)).astype("float32")


def embeddings(loss):
    ids, points = groups()
    if loss.__class__.__name__ == "NPairs":
        return views(loss)
    figure, (scene, value) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    (g,) = gradients(loss, ids, points)
    pull(scene, points, -g, [KINDS[i] for i in ids], "where each embedding is pulled")
    centers = np.stack([points[ids == k].mean(axis=0) for k in range(3)])[ids]
    curves(loss, value, np.linspace(0, 1, 21), {
        "classes drawn together": lambda s: (ids, (points + s * (centers - points))),
        "all drawn together": lambda s: (ids, (1 - 0.9 * s) * points),
    }, "how far (0: as shown)")
    return figure, value


def triplets(loss):
    anchor, positive = np.array([0.0, 0.0]), np.array([0.9, 0.2])

    def data(v):
        negative = v * np.array([0.6, -0.8])
        three = np.stack([anchor, positive, negative])[None].astype("float32")
        return np.zeros((1,), "float32"), three

    figure, (scene, value, slope) = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    (g,) = gradients(loss, *data(0.8))
    pull(scene, data(0.8)[1][0], -g[0], ["0.1", KINDS[0], KINDS[1]],
         "black anchor, blue positive, red negative")
    curves(loss, value, np.linspace(0.05, 3, 60), {"": data}, "distance of the negative", slope)
    return figure, value


def views(loss):
    takes = takes_of(loss)
    rng = np.random.default_rng(1)
    angle = np.arange(8) * 2 * np.pi / 8 + rng.normal(0, 0.15, 8)
    a = np.stack([np.cos(angle), np.sin(angle)], axis=-1).astype("float32")
    b = (a + rng.normal(0, 0.28, a.shape)).astype("float32")
    figure, (scene, value) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    both = takes.y_true_gradient and takes.y_true != "unused"
    found = gradients(loss, a, b, by_true=both)
    points, forces, colours = b, -found[0], [KINDS[0]] * len(b)
    if takes.y_true != "unused":
        for one, other in zip(a, b, strict=True):
            scene.plot(*np.stack([one, other]).T, color="0.8", zorder=0)
        if both:
            points, forces = np.concatenate([b, a]), np.concatenate([forces, -found[1]])
            colours = colours + [KINDS[1]] * len(a)
        else:
            scene.scatter(*a.T, c=KINDS[1], s=26, zorder=2)
    pull(scene, points, forces, colours, "two views (blue, red): where they are pulled"
         if takes.y_true != "unused" else "where each embedding is pulled")

    def turned(v):
        c, s = np.cos(v * np.pi), np.sin(v * np.pi)
        return (a, (a @ np.array([[c, s], [-s, c]])).astype("float32"))

    ways = {
        "noise on one view": lambda s: (a, (a + s * (b - a) * 3).astype("float32")),
        "all drawn together": lambda s: (
            (a * (1 - s) + s * a[:1]).astype("float32"), (b * (1 - s) + s * a[:1]).astype("float32")
        ),
    }
    if takes.y_true != "unused":
        ways["one view turned by 180°"] = turned
    curves(loss, value, np.linspace(0, 0.95, 20), ways, "how far")
    return figure, value


def spaces(loss):
    """A student's embeddings beside a teacher's, which lie elsewhere."""
    ids, teacher = groups(4, 0.3)
    student = np.random.default_rng(5).normal(0, 0.6, teacher.shape).astype("float32")
    figure, (scene, value) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    (g,) = gradients(loss, teacher, student)
    pull(scene, student, -g, [KINDS[i] for i in ids], "the student's embeddings, and their pull")
    turn = np.array([[0.0, 2.0], [-2.0, 0.0]])
    curves(loss, value, np.linspace(0, 1, 21), {
        "towards the teacher's": lambda s: (teacher, (student + s * (teacher - student))),
        "towards them, turned and doubled": lambda s: (
            teacher, (student + s * (teacher @ turn - student)).astype("float32")),
    }, "how far")
    return figure, value


def points(loss):
    if loss.__class__.__module__.split(".")[2] == "sequences":
        return courses(loss)
    rng = np.random.default_rng(2)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)[None].astype("float32")
    cloud = rng.normal(0, 0.45, (1, 24, 2)).astype("float32") + np.float32([0.7, 0.0])
    figure, (scene, value) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    (g,) = gradients(loss, ring, cloud)
    scene.scatter(*ring[0].T, c=KINDS[1], s=16, zorder=2)
    pull(scene, cloud[0], -g[0], [KINDS[0]] * 24, "predicted blue, target red")
    curves(loss, value, np.linspace(0, 2, 21), {
        "the ring, moved": lambda s: (ring, ring + np.float32([s, 0])),
        "the ring, shrunk": lambda s: (ring, (ring * (1 - s / 2)).astype("float32")),
    }, "by how much")
    return figure, value


def courses(loss):
    t = np.linspace(0, 1, 40)

    def wave(shift=0.0, height=1.0):
        x = height * np.exp(-(((t - 0.35 - shift) / 0.07) ** 2))
        return x[None, :, None].astype("float32")

    figure, (scene, value) = plt.subplots(1, 2, figsize=(8, 3.1), layout="constrained")
    scene.plot(t, wave()[0, :, 0], color=KINDS[1], label="target")
    scene.plot(t, wave(0.25)[0, :, 0], color=KINDS[0], linestyle="--", label="later")
    scene.plot(t, wave(height=0.5)[0, :, 0], color="0.3", linestyle=":", label="lower")
    scene.legend()
    scene.set(title="two courses", xlabel="time", yticks=[])
    curves(loss, value, np.linspace(0, 0.5, 13), {
        "later": lambda s: (wave(), wave(s)),
        "lower": lambda s: (wave(), wave(height=1 - 2 * s)),
    }, "by how much")
    return figure, value


# --- one number that moves -------------------------------------------------------------------


def angles(loss):
    """Cosines to the classes' vectors: the angle to one's own opens."""
    centers = getattr(loss, "centers", 1)

    def data(degrees, ids=1):
        cosines = np.zeros((ids, 4, centers), "float32")
        cosines[:, 0] = np.cos(np.deg2rad(degrees))
        return np.zeros((ids,), "int32"), cosines.reshape(ids, -1)

    return two_curves(loss, np.linspace(1, 179, 90), {"": data},
                      "angle to its own class (degrees); 90° to the others")


def distances(loss):
    def pair(same):
        return lambda d: (np.full((1, 1), same, "float32"), np.full((1, 1), d, "float32"))

    return two_curves(loss, np.linspace(0, 2, 81), {
        "of one class": pair(1), "of two classes": pair(0)}, "distance of the pair")


def grades(loss):
    y_true = np.array([0.0, 0.5, 1.0], "float32")

    def of(i):
        def data(v):
            cosines = np.array([0.0, 0.2, 0.4], "float32")
            cosines[i] = v
            return y_true, cosines
        return data

    return two_curves(loss, np.linspace(-1, 1, 81), {
        "of the pair graded 1": of(2), "of the pair graded 0": of(0)}, "its cosine")


def lists(loss):
    y_true = np.array([[2.0, 1.0, 0.0, 0.0, 0.0]], "float32")

    def of(i):
        def data(v):
            scores = np.array([[0.6, 0.3, 0.0, -0.3, -0.6]], "float32")
            scores[0, i] = v
            return y_true, scores
        return data

    return two_curves(loss, np.linspace(-3, 3, 121), {
        "of the most relevant item": of(0), "of an item that is not": of(3)}, "its score")


def distributions(loss):
    """The value against the target, for distributions of several widths."""
    takes = takes_of(loss)
    head = kl.DistributionHead(loss, events=1)
    n = head.units
    x = {
        "probability": np.linspace(0.01, 0.99, 99), "positive": np.linspace(0.25, 6, 116),
        "nonnegative": np.linspace(0.25, 6, 116),
        "counts": np.arange(0, 16.0),
    }.get(takes.y_true, np.linspace(-4, 4, 161))
    figure, (value, slope) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    for last, (colour, dash) in zip((-1.0, 0.0, 1.5), STYLES, strict=False):
        raw = np.zeros((1, n), "float32")
        if takes.y_true == "counts":
            raw[0, 0] = 4.0  # The mean, of which 0 would leave nothing but zeros.
        raw[0, -1] = last
        if takes.shapes == "mixture":
            raw[0] = [0.5, 0, -1.5, 1.5, last, last]
        y = numbers(loss, [(np.full((1, 1), v, "float32"), raw) for v in x])
        style = dict(color=colour, marker="." if takes.y_true == "counts" else "", linestyle=dash)
        value.plot(x, y, label=f"last parameter: raw {last:g}", **style)
        if takes.y_true == "probability" or takes.y_true == "counts":
            slope.plot(x, np.exp(-y), **style)
        else:
            slope.plot(x, np.gradient(y, x), **style)
    density = takes.y_true in ("probability", "counts")
    value.set(title="value", xlabel="target")
    slope.set(title="what it says: exp(-value)" if density else "slope of the value",
              xlabel="target")
    value.legend()
    return figure, value


def members(loss):
    middle = np.linspace(-1, 1, 5)

    def of(width):
        return lambda v: (np.full((1, 1), v, "float32"), (width * middle)[None].astype("float32"))

    return two_curves(loss, np.linspace(-4, 4, 161), {
        f"five members within ±{w:g}": of(w) for w in (0.2, 1.0, 2.0)}, "target")


def survival(loss):
    kind = takes_of(loss).y_pred
    y_true = {
        seen: np.array([[3.0, float(seen)]], "float32") for seen in (True, False)
    }
    if kind == "parameters":
        def of(seen):
            return lambda v: (y_true[seen], np.array([[v, 1.0]], "float32"))
        x, label = np.linspace(0.5, 8, 76), "raw scale (time 3)"
    elif kind == "scores":
        rest = np.array([[1.0, 1.0], [2.0, 1.0], [4.0, 1.0], [5.0, 0.0]], "float32")

        def of(seen):
            def data(v):
                scores = np.array([[v], [0.4], [0.2], [-0.2], [-0.4]], "float32")
                return np.concatenate([y_true[seen], rest]), scores
            return data
        x, label = np.linspace(-4, 4, 81), "score of one of five, whose time is 3"
    else:
        def of(seen):
            def data(v):
                z = 4 * np.exp(-0.5 * (np.arange(8) - v) ** 2) - 2
                return y_true[seen], z[None].astype("float32")
            return data
        x, label = np.linspace(0, 7, 57), "interval that is predicted (time 3)"
    return two_curves(loss, x, {"seen": of(True), "censored": of(False)}, label)


def preferences(loss):
    def data(v):
        return (np.full((1, 2), -2.0, "float32"),
                np.array([[-2 + v / 2, -2 - v / 2]], "float32"))

    return two_curves(loss, np.linspace(-3.6, 3.6, 121), {"": data},
                      "log-probability of the chosen, less the rejected")


def packed(loss):
    def of(sure):
        def data(v):
            teacher = [sure, 0.0, -1.0, -2.0]
            return np.array([[0.0, *teacher]], "float32"), np.array([[v, 0, -1, -2]], "float32")
        return data

    return two_curves(loss, np.linspace(-6, 10, 121), {
        f"the teacher's is {sure:g}": of(sure) for sure in (1.0, 4.0)},
        "the student's logit of the true class")


def transcripts(loss):
    """Two labels in some frames: the logit of the right one moves in each of them."""
    def of(frames):
        def data(v):
            z = np.zeros((1, frames, 3), "float32")
            for t in range(frames):
                z[0, t, 1 + (2 * t >= frames)] = v
            return np.array([[1, 2]], "int32"), z
        return data

    return two_curves(loss, np.linspace(-4, 8, 121), {
        f"{frames} frames": of(frames) for frames in (3, 6)}, "logit of the right label")


def margins(loss):
    def data(v):
        return np.zeros((1,), "int32"), np.array([[v, 0.0, -1.0, -2.0]], "float32")

    return two_curves(loss, np.linspace(-3, 3, 121), {"": data},
                      "score of the true class, less the best other")


def ranks(loss):
    """Ordered classes 0 to 4: the prediction moves along them."""
    takes = takes_of(loss)
    steps = np.arange(4) if takes.shapes == "levels" else np.arange(5)

    def row(v):
        if takes.shapes == "levels":
            return 3 * (v - steps - 0.5)
        p = np.exp(-0.5 * ((steps - v) / 0.6) ** 2)
        return p / p.sum()

    def of(rank):
        def data(v):
            if not takes.in_batch:
                return np.array([rank], "int32"), row(v)[None].astype("float32")
            others = [0, 1, 2, 3, 4]  # Kappa compares with chance, over a batch.
            rows = [row(v), *map(row, others)]
            return np.array([rank, *others], "int32"), np.stack(rows).astype("float32")
        return data

    return two_curves(loss, np.linspace(0, 4, 81), {
        f"where it is {k}": of(k) for k in (0, 2, 4)}, "class that is predicted")


def directions(loss):
    def data(degrees):
        turned = np.deg2rad(degrees)
        return np.array([[1.0, 0.0]], "float32"), np.array(
            [[np.cos(turned), np.sin(turned)]], "float32")

    return two_curves(loss, np.linspace(0, 180, 91), {"": data}, "angle to the target (degrees)")


def relative(loss):
    """Errors that are measured by the target: of one that is not 0."""
    def of(target):
        return lambda v: (np.full((1, 1), target, "float32"),
                          np.full((1, 1), target * (1 + v), "float32"))

    return two_curves(loss, np.linspace(-1, 2, 121), {
        f"target {t:g}": of(t) for t in (2.0, 0.5)}, "error, in shares of the target")


def latents(loss):
    def of(scale):
        return lambda v: (np.full((1, 1), v, "float32"), np.full((1, 1), scale, "float32"))

    return two_curves(loss, np.linspace(-3, 3, 121), {
        f"log variance {s:g}": of(s) for s in (0.0, -2.0, 1.5)}, "mean")


# By the word for the shapes; by what the targets and the predictions hold; else `plot_loss`.
PATHS = {
    "maps": maps, "images": images, "guides": images, "fields": fields, "waves": sound,
    "sources": sound, "boxes": boxes, "embeddings": embeddings, "triplets": triplets,
    "views": views, "spaces": spaces, "points": points, "lists": lists, "blocks": distributions,
    "mixture": distributions, "members": members, "survival": survival,
    "preferences": preferences, "packed": packed,
    ("classes", "cosines"): angles, ("probability", "distances"): distances,
    ("real", "cosines"): grades, ("classes", "scores"): margins, "levels": ranks,
}
# What no declaration tells: that a value is of directions, of shares, of two inner tensors.
OF_MODULES = {
    "regression.directional": directions, "regression.relative": relative,
    "latent_variables.gaussian": latents, "classification.ordinal": ranks,
    "sequences.ctc": transcripts,
}


def draw(loss):
    """`(figure, the axes that a thumbnail shows)`."""
    takes = takes_of(loss)
    name = loss.__class__.__name__
    way = OF_MODULES.get(type(loss).__module__.partition(".losses.")[2])
    if way is None and takes is not None and name not in BY_PLOT:
        way = PATHS.get(takes.shapes) or PATHS.get((takes.y_true, takes.y_pred))
    with plt.rc_context(SOFT):
        if way is None or name == "MeanSquaredLogarithmicError":
            # Near 0 the slope of what takes positive numbers would hide the rest.
            near = takes is not None and takes.range[0] == 0
            figure = kl.plot_loss(loss, reach=1.4 if near else None)
            return figure, figure.axes[0]
        figure, axes = way(loss)
        figure.suptitle(repr(loss) if len(repr(loss)) < 90 else name, fontsize="medium")
        return figure, axes


# Their maps hold one number each of scores, not shapes.
BY_PLOT = ("CenterNetFocal",)


# --- kept between builds ---------------------------------------------------------------------


def key(cls):
    """What a picture depends on: this file, and the modules of the loss and its bases."""
    modules = [sys.modules[__name__]] + [
        sys.modules[c.__module__] for c in cls.__mro__ if c.__module__.startswith("keras_losskit")
    ]
    text = "".join(Path(inspect.getfile(m)).read_text(encoding="utf-8") for m in modules)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def picture(cls, folder):
    """The names of a loss's picture and thumbnail in `folder`, drawn where they are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    name = cls.__name__
    mark = folder / f"{name}.key"
    large, small = folder / f"{name}.png", folder / f"{name}-small.png"
    wanted = key(cls)
    if not (mark.exists() and mark.read_text() == wanted and large.exists() and small.exists()):
        figure, axes = draw(built(cls))
        figure.savefig(large, dpi=144, facecolor="white")
        figure.draw_without_rendering()
        box = axes.get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        axes.set(title="")
        if axes.get_legend():
            axes.get_legend().remove()
        figure.savefig(small, dpi=72, bbox_inches=box.padded(0.06), facecolor="white")
        plt.close(figure)
        mark.write_text(wanted)
    return large.name, small.name
