"""lightly's and open_clip's losses on two views, and geomloss' on two sets."""

import geomloss
import numpy as np
import torch
from lightly import loss as lightly
from open_clip.loss import ClipLoss, SigLipLoss

import keras_losskit as kl
from tests.peers.compare import EQUAL, OPTION, Pair, peer, tensor, values


def views(d, least=2):
    shape = d.size(least, 7), d.size(2, 5)
    return d.normal(*shape), d.normal(*shape)


@peer(
    "lightly", "NTXentLoss(temperature)", kl.NTXent, EQUAL,
    "lightly `NTXentLoss(temperature=0.5)` | `NTXent(0.5)`",
)
def nt_xent(d):
    (y, p), t = views(d), d.real(0.05, 1)
    theirs = lightly.NTXentLoss(temperature=t)
    return Pair(kl.NTXent(t), y, p, lambda p: theirs(tensor(y), p))


@peer(
    "lightly", "DCLLoss(temperature)", kl.DecoupledContrastive, EQUAL,
    "lightly's `DCLLoss(temperature=0.1)` gives the same numbers",
)
def decoupled(d):
    (y, p), t = views(d), d.real(0.05, 1)
    theirs = lightly.DCLLoss(temperature=t)
    return Pair(kl.DecoupledContrastive(t), y, p, lambda p: theirs(tensor(y), p))


@peer("lightly", "NegativeCosineSimilarity", kl.NegativeCosine, EQUAL, "no options")
def negative_cosine(d):
    y, p = views(d)
    return Pair(
        kl.NegativeCosine(), y, p, lambda p: lightly.NegativeCosineSimilarity()(tensor(y), p)
    )


@peer("lightly", "VICRegLoss(lambda_param, mu_param, nu_param)", kl.VICReg, EQUAL, "the weights")
def vicreg(d):
    y, p = views(d, 3)
    weights = d.real(1, 25), d.real(1, 25), d.real(0.5, 2)
    theirs = lightly.VICRegLoss(*weights)
    return Pair(kl.VICReg(*weights), y, p, lambda p: theirs(tensor(y), p))


@peer(
    "lightly", "BarlowTwinsLoss(lambda_param)", kl.BarlowTwins, EQUAL,
    "`redundancy_weight`, of a variance beside which its epsilon of 1e-5 is nothing",
)
def barlow(d):
    (y, p), w = views(d, 3), d.real(0.001, 0.5)
    theirs = lightly.BarlowTwinsLoss(lambda_param=w)
    return Pair(kl.BarlowTwins(w), 1e4 * y, 1e4 * p, lambda p: theirs(tensor(1e4 * y), p))


@peer(
    "lightly", "KoLeoLoss", kl.KoLeo, OPTION, "DINOv2 adds 1e-8 to the distance", rtol=1e-6
)
def koleo(d):
    _, p = views(d)
    return Pair(kl.KoLeo(), np.zeros(len(p)), p, lambda p: lightly.KoLeoLoss()(p))


@peer(
    "lightly", "SwaVLoss(temperature, sinkhorn_iterations, sinkhorn_epsilon)", kl.SwAV, EQUAL,
    "lightly `SwaVLoss()`, two high-resolution views | `SwAV()`",
)
def swav(d):
    y, p = views(d)
    t, e, n = d.real(0.1, 1), d.real(0.05, 0.5), d.size(1, 4)
    theirs = lightly.SwaVLoss(temperature=t, sinkhorn_iterations=n, sinkhorn_epsilon=e)
    return Pair(
        kl.SwAV(t, e, n), y, p,
        lambda p: theirs([tensor(y), p], []),
    )


@peer(
    "lightly", "DINOLoss of one teacher and one student view", kl.DINO, OPTION,
    '`centering="none"`, of the first step, whose center is 0', rtol=1e-6,
)
def dino(d):
    y, p = views(d)
    of_student, of_teacher = d.real(0.1, 1), d.real(0.04, 0.1)
    theirs = lightly.DINOLoss(
        p.shape[1], warmup_teacher_temp=of_teacher, teacher_temp=of_teacher,
        student_temp=of_student, warmup_teacher_temp_epochs=1,
    ).double()

    def both(p):
        # Its pairs of one view with itself are left out: the student's second is what counts.
        return theirs([tensor(y)], [0 * p, p], epoch=5)

    return Pair(kl.DINO(of_student, of_teacher, "none"), y, p, both)


# --- sets ------------------------------------------------------------------------------------


def sets(d):
    b, size = d.size(1, 2), d.size(2, 3)
    return d.normal(b, d.size(3, 6), size), d.normal(b, d.size(3, 6), size) + 0.5


def sinkhorn(d, p, loss, blur):
    """There in small steps from near the blur, which is to iterate till it has converged."""
    y, x = sets(d)
    theirs = geomloss.SamplesLoss("sinkhorn", p=p, blur=blur, scaling=0.9999, diameter=1.05 * blur)
    return Pair(loss, y, x, lambda x: theirs(x, tensor(y)))


@peer(
    "geomloss", 'SamplesLoss("sinkhorn", p=2, blur)', kl.Sinkhorn, OPTION,
    'geomloss `SamplesLoss("sinkhorn", p=2, blur=b)` | `Sinkhorn(epsilon=b**2)`, converged',
    rtol=2e-3, draws=3,
)
def of_squares(d):
    blur = d.real(0.5, 1)
    return sinkhorn(d, 2, values(kl.Sinkhorn, epsilon=blur**2, iterations=100), blur)


@peer(
    "geomloss", 'SamplesLoss("sinkhorn", p=1, blur)', kl.Sinkhorn, OPTION,
    'geomloss `SamplesLoss("sinkhorn", p=1, blur=b)` | `Sinkhorn(epsilon=b, power=1)`, converged',
    rtol=2e-3, draws=3,
)
def of_distances(d):
    blur = d.real(0.4, 0.8)
    loss = values(kl.Sinkhorn, epsilon=blur, power=1, iterations=100)
    return sinkhorn(d, 1, loss, blur)


# --- views against each other, with a fixed scale --------------------------------------------


def unit(x):
    return torch.nn.functional.normalize(torch.as_tensor(x), dim=-1)


@peer(
    "open_clip_torch", "ClipLoss", kl.InfoNCE, OPTION,
    "CLIP, with its learned temperature fixed | `InfoNCE(T)`",
)
def clip(d):
    (y, p), t = views(d), d.real(0.05, 1)
    return Pair(kl.InfoNCE(t), y, p, lambda p: ClipLoss()(unit(y), unit(p), 1 / t))


@peer(
    "open_clip_torch", "SigLipLoss", kl.SigLIP, OPTION, "of unit vectors; `temperature`, `bias`"
)
def siglip(d):
    (y, p), t, b = views(d), d.real(1, 10), d.real(-10, 0)
    return Pair(kl.SigLIP(t, b), y, p, lambda p: SigLipLoss()(unit(y), unit(p), t, b))
