"""neurite, which holds VoxelMorph's losses since its version 0.3, and lpips."""

import keras
import lpips
import neurite.nn.functional as neurite
import numpy as np
import torch

import keras_losskit as kl
from tests.peers.compare import EQUAL, OPTION, Pair, first, peer, values


@peer(
    "neurite", "ncc(window_size)", kl.LocalNormalizedCrossCorrelation, OPTION,
    "VoxelMorph `NCC([9, 9, 9])`, which is minus the mean | `LocalNormalizedCrossCorrelation()`; "
    "on TensorFlow a negative covariance is 0 there",
    rtol=1e-7,
)
def correlation(d):
    n, window = d.choice(3, 2), d.choice(9, 5)
    shape = (d.size(1, 2), *(d.size(6, 9) for _ in range(n)), 1)
    y = 10 * d.uniform(*shape)  # So that 1e-5 beside its variances is nothing.
    p = y + d.normal(*shape, scale=2)

    def theirs(p):
        return 1 - neurite.ncc(first(p), first(y), window).reshape(())

    return Pair(kl.LocalNormalizedCrossCorrelation(window), y, p, theirs)


@peer(
    "neurite", "spatial_gradient(penalty)", kl.DisplacementGradient, EQUAL,
    "VoxelMorph `Grad(penalty)` | `DisplacementGradient(penalty)`",
)
def slopes(d):
    n, penalty = d.choice(3, 2), d.choice("l2", "l1")
    u = d.normal(d.size(1, 2), *(d.size(4, 6) for _ in range(n)), n)
    return Pair(
        kl.DisplacementGradient(penalty), u, u,
        lambda u: neurite.spatial_gradient(first(u), penalty=penalty),
    )


@keras.saving.register_keras_serializable(package="tests.peers")
def two_layers():
    """A small network in place of VGG's, of fixed weights."""
    draw = np.random.default_rng(1)
    x = keras.Input((8, 8, 3))
    one = keras.layers.Conv2D(4, 3, activation="relu", name="one")
    two = keras.layers.Conv2D(5, 3, name="two")
    network = keras.Model(x, two(one(x)))
    for layer in (one, two):
        layer.set_weights([draw.normal(size=w.shape) for w in layer.get_weights()])
    return network


LAYERS = ["one", "two"]


class Network(torch.nn.Module):
    """The same, as lpips calls it: the layers' outputs, channels first."""

    def __init__(self):
        super().__init__()
        whole = two_layers()
        outputs = [whole.get_layer(name).output for name in LAYERS]
        self.network = keras.Model(whole.input, outputs)

    def forward(self, x):
        return [found.movedim(-1, 1) for found in self.network(x.movedim(1, -1))]


@peer(
    "lpips", "LPIPS(lpips=False)", kl.FeatureDistance, EQUAL,
    "`lpips.LPIPS(lpips=False)` | `FeatureDistance(f, layers, normalize=True)`",
    draws=3, rtol=1e-6,
)
def perceptual(d):
    shape = d.size(1, 3), 8, 8, 3
    y, p = d.normal(*shape), d.normal(*shape)
    theirs = lpips.LPIPS(pretrained=False, net="squeeze", lpips=False, pnet_rand=True,
                         verbose=False)
    theirs.scaling_layer, theirs.net, theirs.L = torch.nn.Identity(), Network(), len(LAYERS)
    loss = values(kl.FeatureDistance, features=two_layers, layers=LAYERS, normalize=True)
    return Pair(loss, y, p, lambda p: theirs(first(y), first(p)).reshape(-1))
