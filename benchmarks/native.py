"""Peers on torch and on JAX: what a user there would take in place of a loss of the kit.

They run in the process of the kit and on its tensors. `pip install --no-deps -r
tests/peers/requirements.txt` brings them; what is not installed is left out.

A peer takes `(y, p)` as the kit does, channels last: maps are handed on as views with the
channels first, which costs no copy there. Whole numbers come as int32, of which torch's own
functions want int64: that is part of their cost, and next to nothing.
"""

import importlib

TORCH, JAX = ("torch", "torch-compile"), ("jax",)

MODULES = {
    "torch": "torch",
    "torchvision": "torchvision.ops",
    "MONAI": "monai.losses",
    "smp": "segmentation_models_pytorch.losses",
    "kornia": "kornia.losses",
    "pml": "pytorch_metric_learning.losses",
    "lightly": "lightly.loss",
    "open_clip": "open_clip.loss",
    "entmax": "entmax",
    "timm": "timm.loss",
    "pytorch-msssim": "pytorch_msssim",
    "focal-frequency-loss": "focal_frequency_loss",
    "neurite": "neurite.nn.functional",
    "auraloss": "auraloss",
    "torchmetrics": "torchmetrics.functional.audio",
    "torchsurv": "torchsurv.loss.cox",
    "pycox": "pycox.models.loss",
    "scoringrules": "scoringrules",
    "geomloss": "geomloss",
    "optax": "optax",
    "rax": "rax",
}
ON_JAX = ("optax", "rax")


def load(peer):
    """The module of a peer."""
    if peer not in ON_JAX:
        import tests.peers.vision  # noqa: F401  torchvision beside a torch without CUDA
    return importlib.import_module(MODULES[peer])


def engines(peer):
    return JAX if peer in ON_JAX else TORCH


def first(x):
    """Channels first, without a copy."""
    return x.movedim(-1, 1)


def plain(call):
    """`call(module, y, p)`, of what needs no state."""
    return lambda module: lambda y, p: call(module, y, p)


def kept(make, call):
    """`call(made, y, p)`, of what `make(module)` makes once."""

    def peer(module):
        made = make(module)
        return lambda y, p: call(made, y, p)

    return peer


def of_maps(make):
    """`make(module)` gives a loss `(p, y)` on maps with channels first."""
    return kept(make, lambda loss, y, p: loss(first(p), first(y)))


def of_embeddings(make):
    """`make(module)` gives a loss `(embeddings, ids)`."""
    return kept(make, lambda loss, y, p: loss(p, y.long()))


def of_views(make):
    return kept(make, lambda loss, y, p: loss(y, p))


def functional(name, *arguments, **options):
    """A function of torch.nn.functional, called with the predictions first."""
    return lambda torch: lambda y, p: getattr(torch.nn.functional, name)(
        p, y, *arguments, **options
    )


def functional_of_ids(name):
    return lambda torch: lambda y, p: getattr(torch.nn.functional, name)(p, y.long())


def functional_of_maps(name, ids):
    return lambda torch: lambda y, p: getattr(torch.nn.functional, name)(
        first(p), y.long() if ids else first(y)
    )


def optax_mean(name, *arguments, **options):
    return lambda optax: lambda y, p: getattr(optax.losses, name)(
        p, y, *arguments, **options
    ).mean()


def _of_blocks(distribution, positive):
    """Minus the log-likelihood of a distribution of torch, its parameters behind the link."""

    def make(torch):
        softplus = torch.nn.functional.softplus

        def loss(y, raw):
            blocks = raw.chunk(raw.shape[-1], -1)
            made = [
                softplus(x) + 1e-6 if i in positive else x for i, x in enumerate(blocks)
            ]
            return -distribution(torch.distributions, *made).log_prob(y).mean()

        return loss

    return make


REGRESSION = {
    "MeanSquaredError": {"torch": functional("mse_loss"), "optax": optax_mean("squared_error")},
    "MeanAbsoluteError": {"torch": functional("l1_loss")},
    "Huber": {
        "torch": functional("huber_loss", delta=0.7), "optax": optax_mean("huber_loss", delta=0.7)
    },
    "SmoothL1": {"torch": functional("smooth_l1_loss")},
    "LogCosh": {"optax": optax_mean("log_cosh")},
    "Poisson": {"torch": functional("poisson_nll_loss", log_input=False, eps=1e-7)},
    "CosineSimilarity": {
        "torch": lambda torch: lambda y, p: -torch.nn.functional.cosine_similarity(p, y).mean(),
        "optax": lambda optax: lambda y, p: optax.losses.cosine_distance(p, y).mean() - 1,
    },
    "Cauchy": {"kornia": plain(lambda m, y, p: m.cauchy_loss(p, y, reduction="mean"))},
    "GemanMcClure": {
        "kornia": plain(lambda m, y, p: m.geman_mcclure_loss(p, y, reduction="mean"))
    },
    "Welsch": {"kornia": plain(lambda m, y, p: m.welsch_loss(p, y, reduction="mean"))},
}


def one_hot(y, p):
    import jax

    return jax.nn.one_hot(y, p.shape[-1])


def torchvision_focal(vision):
    return lambda y, p: vision.sigmoid_focal_loss(p, y, -1, 2.0, "mean")


def optax_focal(optax):
    return lambda y, p: optax.losses.sigmoid_focal_loss(p, y, gamma=2.0).mean()


CLASSES = {
    "CategoricalCrossentropy (ids, logits)": {
        "torch": functional_of_ids("cross_entropy"),
        "optax": optax_mean("softmax_cross_entropy_with_integer_labels"),
    },
    "CategoricalCrossentropy (ids)": {
        "torch": plain(lambda m, y, p: m.nn.functional.nll_loss(p.log(), y.long())),
    },
    "CategoricalCrossentropy (rows, logits)": {
        "torch": functional("cross_entropy"), "optax": optax_mean("softmax_cross_entropy")
    },
    "BinaryCrossentropy (logits)": {
        "torch": functional("binary_cross_entropy_with_logits"),
        "optax": optax_mean("sigmoid_binary_cross_entropy"),
    },
    "BinaryCrossentropy (probabilities)": {"torch": functional("binary_cross_entropy")},
    "BinaryFocalCrossentropy (logits)": {
        "torchvision": torchvision_focal, "optax": optax_focal
    },
    "KLDivergence": {
        "torch": plain(lambda m, y, p: m.nn.functional.kl_div(p.log(), y, reduction="batchmean")),
    },
    "Hinge": {"optax": optax_mean("hinge_loss")},
    "PolyCrossentropy": {
        "optax": plain(
            lambda m, y, p: m.losses.poly_loss_cross_entropy(p, one_hot(y, p), epsilon=1.0).mean()
        ),
    },
    "Sparsemax": {
        "entmax": plain(lambda m, y, p: m.sparsemax_loss(p, y.argmax(-1)).mean()),
        "optax": plain(
            lambda m, y, p: m.losses.multiclass_sparsemax_loss(p, y.argmax(-1)).mean()
        ),
    },
    "AsymmetricMultiLabel": {
        "timm": kept(
            lambda m: m.AsymmetricLossMultiLabel(gamma_pos=0), lambda loss, y, p: loss(p, y)
        ),
    },
}


def overlap(name, **options):
    return of_maps(lambda m: getattr(m, name)(**options))


SEGMENTATION = {
    "CategoricalCrossentropy (ids, logits, maps)": {
        "torch": functional_of_maps("cross_entropy", True),
        "optax": optax_mean("softmax_cross_entropy_with_integer_labels"),
    },
    "CategoricalCrossentropy (rows, logits, maps)": {
        "torch": functional_of_maps("cross_entropy", False),
        "optax": optax_mean("softmax_cross_entropy"),
    },
    "CategoricalFocalCrossentropy (ids, logits, maps)": {
        "kornia": lambda m: lambda y, p: (
            m.focal_loss(first(p), y.long(), None, 2.0).sum(1).mean()
        ),
    },
    "BinaryCrossentropy (logits, maps)": {
        "torch": functional("binary_cross_entropy_with_logits"),
        "optax": optax_mean("sigmoid_binary_cross_entropy"),
    },
    "BinaryCrossentropy (probabilities, maps)": {"torch": functional("binary_cross_entropy")},
    "BinaryFocalCrossentropy (logits, maps)": {
        "torchvision": torchvision_focal, "optax": optax_focal
    },
    "Dice (per sample)": {"MONAI": overlap("DiceLoss")},
    "Dice (over the batch)": {"MONAI": overlap("DiceLoss", batch=True)},
    "Dice (binary, over the batch)": {"MONAI": overlap("DiceLoss", batch=True)},
    "Dice (ids, logits)": {
        "MONAI": kept(
            lambda m: m.DiceLoss(softmax=True, to_onehot_y=True),
            lambda loss, y, p: loss(first(p), y.long()[:, None]),
        ),
        "optax": plain(
            lambda m, y, p: m.losses.dice_loss(p, one_hot(y, p), smooth=1e-5).mean()
        ),
    },
    "Jaccard (over the batch)": {"MONAI": overlap("DiceLoss", jaccard=True, batch=True)},
    "Tversky (per sample)": {"MONAI": overlap("TverskyLoss", alpha=0.3, beta=0.7)},
    "GeneralizedDice": {"MONAI": overlap("GeneralizedDiceLoss", smooth_nr=0, smooth_dr=0)},
    "LovaszSoftmax": {
        "smp": kept(
            lambda m: m.LovaszLoss("multiclass", from_logits=False),
            lambda loss, y, p: loss(first(p), y.argmax(-1)),
        ),
    },
    "LovaszHinge": {
        "kornia": plain(lambda m, y, p: m.lovasz_hinge_loss(first(p), y[..., 0])),
    },
    "CenterlineDice": {"MONAI": overlap("SoftclDiceLoss", iter_=3, smooth_nr=1.0, smooth_dr=1.0)},
    "HausdorffDistance": {"MONAI": overlap("HausdorffDTLoss", include_background=True)},
}


def hard_triplets(pml):
    from pytorch_metric_learning import miners

    mine, loss = miners.BatchHardMiner(), pml.TripletMarginLoss(margin=1.0)
    return lambda y, p: loss(p, y.long(), mine(p, y.long()))


METRIC_LEARNING = {
    # Not LiftedStructure: pml's takes minutes for a step of the sizes here.
    "Circle": {"pml": of_embeddings(lambda m: m.CircleLoss(m=0.4, gamma=80))},
    "MultiSimilarity": {"pml": of_embeddings(lambda m: m.MultiSimilarityLoss(2, 50, 0.5))},
    "SupervisedContrastive": {"pml": of_embeddings(lambda m: m.SupConLoss(0.1))},
    "Angular": {"pml": of_embeddings(lambda m: m.AngularLoss(alpha=45))},
    "TripletAll": {"pml": of_embeddings(lambda m: m.TripletMarginLoss(margin=1.0))},
    "TripletHard (B=512)": {"pml": hard_triplets},
    "TripletHard (B=1024)": {"pml": hard_triplets},
    "Triplet": {
        "torch": plain(
            lambda m, y, p: m.nn.functional.triplet_margin_loss(
                p[:, 0], p[:, 1], p[:, 2], margin=1.0
            )
        ),
        "optax": plain(
            lambda m, y, p: m.losses.triplet_margin_loss(p[:, 0], p[:, 1], p[:, 2]).mean()
        ),
    },
}


def both_views(optax):
    import jax.numpy as jnp

    def loss(y, p):
        twice = jnp.tile(jnp.arange(len(y)), 2)
        return optax.losses.ntxent(jnp.concatenate([y, p]), twice, 0.5)

    return loss


def clip(module):
    import torch

    unit, loss = torch.nn.functional.normalize, module.ClipLoss()
    return lambda y, p: loss(unit(y), unit(p), 1 / 0.07)


def siglip(module):
    import torch

    unit, loss = torch.nn.functional.normalize, module.SigLipLoss()
    return lambda y, p: loss(unit(y), unit(p), 10.0, -10.0)


def dino(module):
    loss = module.DINOLoss(
        128, warmup_teacher_temp=0.04, teacher_temp=0.04, student_temp=0.1,
        warmup_teacher_temp_epochs=1,
    )
    return lambda y, p: loss([y], [0 * p, p], epoch=5)


PAIRED_VIEWS = {
    "NTXent": {"lightly": of_views(lambda m: m.NTXentLoss(temperature=0.5)), "optax": both_views},
    "BarlowTwins": {"lightly": of_views(lambda m: m.BarlowTwinsLoss())},
    "VICReg": {"lightly": of_views(lambda m: m.VICRegLoss())},
    "NegativeCosine": {"lightly": of_views(lambda m: m.NegativeCosineSimilarity())},
    "KoLeo": {"lightly": kept(lambda m: m.KoLeoLoss(), lambda loss, y, p: loss(p))},
    "SwAV": {"lightly": kept(lambda m: m.SwaVLoss(), lambda loss, y, p: loss([y, p], []).mean())},
    "DINO": {"lightly": dino},
    "DecoupledContrastive": {"lightly": of_views(lambda m: m.DCLLoss())},
    "InfoNCE": {"open_clip": clip},
    "SigLIP": {"open_clip": siglip},
}
BOXES = {
    loss: {"torchvision": plain(
        lambda m, y, p, name=name: getattr(m, name)(p, y, reduction="mean")
    )}
    for loss, name in (
        ("GIoU", "generalized_box_iou_loss"), ("DIoU", "distance_box_iou_loss"),
        ("CIoU", "complete_box_iou_loss"),
    )
}
DISTRIBUTIONS = {
    "GaussianNLL": {"torch": _of_blocks(lambda d, m, s: d.Normal(m, s), {1})},
    "LogNormalNLL": {"torch": _of_blocks(lambda d, m, s: d.LogNormal(m, s), {1})},
    "StudentTNLL": {
        "torch": lambda torch: _of_blocks(
            lambda d, m, s, r: d.StudentT(2 + torch.nn.functional.softplus(r), m, s), {1}
        )(torch)
    },
    "BetaNLL": {"torch": _of_blocks(lambda d, a, b: d.Beta(a, b), {0, 1})},
    "NegativeBinomialNLL": {
        "torch": _of_blocks(
            lambda d, mean, r: d.NegativeBinomial(r, logits=mean.log() - r.log()), {0, 1}
        )
    },
    "EnsembleCRPS": {
        "scoringrules": plain(
            lambda m, y, p: m.crps_ensemble(
                y[..., 0], p, estimator="fair", backend="torch"
            ).mean()
        ),
    },
}
SURVIVAL = {
    "CoxPartialLikelihood": {
        "torchsurv": plain(
            lambda m, y, p: m.neg_partial_log_likelihood(
                p[:, 0], y[:, 1] > 0, y[:, 0], "efron", "sum"
            ) / y[:, 1].sum()
        ),
    },
    "DiscreteTimeHazard": {
        "pycox": plain(
            lambda m, y, p: m.nll_logistic_hazard(
                p, y[:, 0].long().clamp(max=p.shape[1] - 1), y[:, 1]
            )
        ),
    },
}


def chamfer_by_distances(torch):
    def loss(y, p):
        d = torch.cdist(p, y) ** 2
        return (d.min(1).values.mean(1) + d.min(2).values.mean(1)).mean()

    return loss


TRANSPORT = {
    "Chamfer": {"torch": chamfer_by_distances},
    "Sinkhorn": {
        "geomloss": kept(
            lambda m: m.SamplesLoss("sinkhorn", p=2, blur=0.05**0.5, scaling=0.9),
            lambda loss, y, p: loss(p, y).mean(),
        ),
    },
}


RESTORATION = {
    "SSIM": {
        "pytorch-msssim": plain(lambda m, y, p: 1 - m.ssim(first(p), first(y), 1.0)),
        "kornia": plain(
            lambda m, y, p: 2 * m.ssim_loss(first(p), first(y), 11, eps=0.0, padding="valid")
        ),
    },
    "MultiScaleSSIM": {
        "pytorch-msssim": plain(lambda m, y, p: 1 - m.ms_ssim(first(p), first(y), 1.0)),
    },
    "PSNR": {"kornia": plain(lambda m, y, p: m.psnr_loss(first(p), first(y), 1.0))},
    "TotalVariation": {
        "kornia": plain(
            lambda m, y, p: m.total_variation(first(p), reduction="sum").sum(-1).mean()
        ),
    },
    "EdgeAwareSmoothness": {
        "kornia": plain(lambda m, y, p: m.inverse_depth_smoothness_loss(first(p), first(y))),
    },
    "FocalFrequency": {"focal-frequency-loss": of_maps(lambda m: m.FocalFrequencyLoss())},
}
REGISTRATION = {
    "LocalNormalizedCrossCorrelation": {
        "MONAI": kept(
            lambda m: m.LocalNormalizedCrossCorrelationLoss(3, 9, "rectangular"),
            lambda loss, y, p: 1 + loss(first(p), first(y)),
        ),
        "neurite": plain(lambda m, y, p: 1 - m.ncc(first(p), first(y), 9).mean()),
    },
    "MutualInformation": {
        "MONAI": of_maps(lambda m: m.GlobalMutualInformationLoss("gaussian", 23, 0.5)),
    },
    "BendingEnergy": {
        "MONAI": kept(lambda m: m.BendingEnergyLoss(), lambda loss, y, p: loss(first(p))),
    },
    "DisplacementGradient": {
        "neurite": plain(lambda m, y, p: m.spatial_gradient(first(p), penalty="l2").mean()),
    },
}


def of_sound(make):
    def peer(module):
        import auraloss.freq
        import auraloss.time

        loss = make(auraloss)
        return lambda y, p: loss(p[:, None], y[:, None])

    return peer


def orders(metrics):
    def loss(y, p):
        best, _ = metrics.permutation_invariant_training(
            p, y, metrics.scale_invariant_signal_distortion_ratio, eval_func="max"
        )
        return -best.mean()

    return loss


AUDIO = {
    "STFT": {"auraloss": of_sound(lambda m: m.freq.STFTLoss())},
    "MultiResolutionSTFT": {"auraloss": of_sound(lambda m: m.freq.MultiResolutionSTFTLoss())},
    "SISDR": {"auraloss": of_sound(lambda m: m.time.SISDRLoss())},
    "PermutationInvariant (of SISDR)": {"torchmetrics": orders},
}
RANKING = {
    loss: {"rax": plain(lambda m, y, p, name=name: getattr(m, name)(p, y))}
    for loss, name in (
        ("PairwiseLogistic", "pairwise_logistic_loss"), ("PairwiseHinge", "pairwise_hinge_loss"),
        ("PairwiseMeanSquared", "pairwise_mse_loss"), ("ListMLE", "listmle_loss"),
    )
}

PEERS = {
    "regression": REGRESSION, "classification": CLASSES, "segmentation": SEGMENTATION,
    "metric learning": METRIC_LEARNING, "paired views": PAIRED_VIEWS, "boxes": BOXES,
    "distributions": DISTRIBUTIONS, "survival": SURVIVAL, "transport": TRANSPORT,
    "restoration": RESTORATION, "registration": REGISTRATION, "audio": AUDIO, "ranking": RANKING,
}  # fmt: skip

SCALED = "takes the probabilities as they are, and its gradient does not know that they add up"
SPHERE = "normalises the embeddings, so that its gradient lies along the sphere"
# Where the number is meant to be another, by case and peer.
DIFFERS = {
    ("CategoricalCrossentropy (ids)", "torch"): SCALED,
    ("KLDivergence", "torch"): SCALED,
    ("AsymmetricMultiLabel", "timm"): "the sum over labels where the kit takes their mean",
    ("LovaszSoftmax", "smp"): "of the whole batch, where the kit has one of each sample",
    ("CenterlineDice", "MONAI"): "one ratio of all classes, where the kit has one of each",
    ("DiscreteTimeHazard", "pycox"): "has no time after the last interval: it is put into that",
    ("Circle", "pml"): SPHERE + ", and holds the weights fixed",
    ("TripletAll", "pml"): SPHERE,
    ("TripletHard (B=512)", "pml"): SPHERE,
    ("TripletHard (B=1024)", "pml"): SPHERE,
    ("Angular", "pml"): "normalises anchors and positives, not negatives; a mean over pairs",
    ("DINO", "lightly"): "centers by a moving mean, where the kit takes three Sinkhorn rounds",
    ("SwAV", "lightly"): "takes powers of e of the scores, which overflow on these",
    ("Sinkhorn", "geomloss"): (
        "goes from coarse to fine in a few steps, where the kit iterates 50 times at the last"
    ),
    ("PairwiseMeanSquared", "rax"): (
        "the mean over all pairs, of equal labels and of an item with itself too"
    ),
    ("STFT", "auraloss"): "norms of the whole batch, the kit's are of each sample",
    ("MultiResolutionSTFT", "auraloss"): "norms of the whole batch, the kit's are of each sample",
}
# What the kit does more, where that is why it is slower.
GOES_ON = (
    "clamps the logarithm, or adds a small number, which leaves a wrong slope or none; the kit "
    "goes on along the tangent, in two passes more"
)
OF_NOTHING = "is NaN for a logit of -inf whose target is 0; the kit holds it, in one pass more"
IDS = "ends at an id that names no class; the kit asks of each, and gives it 0 in compiled code"
OF_A_NO = (
    "loses the digits of a sure no, and is NaN for a logit of -inf; the kit turns the question "
    "round, and holds the logit"
)
BOTH_SIDES = (
    "loses the digits of a sure no, and is NaN for a logit of -inf; the kit takes the logarithms "
    "of both probabilities"
)
ERRORS = (
    "sums hits, predictions and targets, and subtracts; the kit sums the errors themselves, whose "
    "digits do not cancel"
)
LAST = "is given channels first, where torch's softmax of few classes is ten times as fast"
A_CALL = "is the same kernel; the kit looks at shapes, dtypes and masks before it calls it"
UNIT = "divides by lengths whose squares may overflow; the kit scales by the largest entry first"
EXACT_NEIGHBOURS = (
    "takes distances from a product as they are; the kit makes the middle row the origin first, "
    "and knows which distances are no more than rounding"
)
SIMILAR = (
    "subtracts a similarity near 1 from 1; the kit takes the moments of sum and difference, each "
    "about its mean, so that a picture nearly right loses no digits"
)
HEARD = "counts a silent target; the kit leaves it out, and asks whether a square would overflow"
COSTS = {
    ("MeanSquaredError", "optax"): "is one sum; the kit makes a value of each row on the way",
    ("MeanAbsoluteError", "keras"): "pulls at a perfect prediction: JAX's |0| has the slope 1",
    ("SmoothL1", "torch"): A_CALL,
    ("LogCosh", "keras"): "takes log 2 from a softplus, which loses the digits of small errors",
    ("Poisson", "torch"): GOES_ON,
    ("Cauchy", "kornia"): (
        "takes the logarithm of 1 + d²/2, which is 0 for small errors, and squares what may "
        "overflow; the kit's log1p keeps their digits, and it holds what it squares"
    ),
    ("KLDivergence", "torch"): GOES_ON + ", and divides by the sum",
    ("CategoricalHinge", "keras"): OF_NOTHING,
    ("Hinge", "optax"): "takes targets of -1 and 1 alone, the kit those of 0 and 1 as well",
    ("CategoricalCrossentropy (rows, logits)", "torch"): OF_NOTHING,
    ("CategoricalCrossentropy (rows, logits)", "keras"): OF_NOTHING,
    ("CategoricalCrossentropy (rows, logits, maps)", "keras"): OF_NOTHING,
    ("CategoricalCrossentropy (rows, logits, maps)", "optax"): OF_NOTHING,
    ("CategoricalCrossentropy (ids, logits, maps)", "keras"): IDS,
    ("BinaryCrossentropy (logits)", "torch"): OF_A_NO,
    ("BinaryCrossentropy (logits)", "keras"): OF_A_NO,
    ("BinaryCrossentropy (probabilities)", "torch"): GOES_ON,
    ("BinaryFocalCrossentropy (logits)", "torchvision"): BOTH_SIDES,
    ("CategoricalCrossentropy (ids, logits)", "torch"): IDS,
    ("CategoricalCrossentropy (ids, logits, maps)", "torch"): f"{LAST}; {IDS}",
    ("CategoricalCrossentropy (rows, logits, maps)", "torch"): f"{LAST}; {OF_NOTHING}",
    ("CategoricalFocalCrossentropy (ids, logits, maps)", "kornia"): f"{LAST}; {IDS}",
    ("BinaryCrossentropy (logits, maps)", "torch"): OF_A_NO,
    ("BinaryCrossentropy (probabilities, maps)", "torch"): GOES_ON,
    ("BinaryFocalCrossentropy (logits, maps)", "torchvision"): BOTH_SIDES,
    ("Dice (per sample)", "MONAI"): ERRORS,
    ("Dice (over the batch)", "MONAI"): ERRORS,
    ("Dice (binary, over the batch)", "MONAI"): ERRORS,
    ("Dice (ids, logits)", "MONAI"): f"{LAST}; {ERRORS}",
    ("Jaccard (over the batch)", "MONAI"): ERRORS,
    ("GeneralizedDice", "MONAI"): ERRORS,
    ("Tversky", "MONAI"): ERRORS,
    ("BetaNLL", "torch"): (
        "takes log-gamma from one kernel; the kit's series, whose error is measured, is the same "
        "on every backend and has slopes of every order"
    ),
    ("NegativeBinomialNLL", "torch"): (
        "subtracts log-gammas, which loses digits where r is large; the kit's difference is a "
        "series of its own"
    ),
    ("CoxPartialLikelihood", "torchsurv"): (
        "adds up exponentials from the first to the last; the kit's logarithms of sums, which hold "
        "at any risk, come together in log(B) passes, as XLA can run them"
    ),
    ("TripletHard (B=512)", "pml"): EXACT_NEIGHBOURS,
    ("TripletHard (B=1024)", "pml"): EXACT_NEIGHBOURS,
    ("Triplet", "torch"): "adds 1e-6 to each difference, so that no root is of 0; the kit asks",
    ("BarlowTwins", "lightly"): (
        "standardises by one kernel, with 1e-5 added to each variance; the kit's correlation is "
        "exact, and that of a constant is 0"
    ),
    ("InfoNCE", "open_clip"): (
        "is a cross-entropy of the matrix; the kit adds up what stands beside the pair, whose "
        "digits a solved batch keeps, and leaves out what is masked"
    ),
    ("DINO", "lightly"): "centers by a moving mean; the kit takes three Sinkhorn rounds",
    ("SwAV", "lightly"): (
        "takes powers of e of the scores, which overflow on these: it is NaN; the kit's rounds are "
        "of logarithms"
    ),
    ("KoLeo", "lightly"): f"{UNIT}, and leaves out what is masked",
    ("SigLIP", "open_clip"): f"{UNIT}, and gives each sample a value of its own",
    ("Sinkhorn", "geomloss"): "goes from coarse to fine in a few steps; the kit takes 50",
    ("Chamfer", "torch"): (
        "takes distances from one product, which loses short ones; the kit takes those from the "
        "differences, and leaves out padding"
    ),
    ("SSIM", "pytorch-msssim"): SIMILAR,
    ("SSIM", "kornia"): SIMILAR,
    ("MultiScaleSSIM", "pytorch-msssim"): SIMILAR,
    ("PairwiseMeanSquared", "rax"): (
        "takes all pairs alike; the kit leaves out those of equal labels and counts the others"
    ),
    ("STFT", "auraloss"): "takes one norm of the whole batch, the kit one of each sample",
    ("SISDR", "auraloss"): HEARD,
    ("PermutationInvariant (of SISDR)", "torchmetrics"): HEARD,
    ("LovaszHinge", "kornia"): (
        "subtracts indices of one class after the other; the kit's steps are made without the "
        "subtraction, and its sort is a stable one"
    ),
    ("DiscreteTimeHazard", "pycox"): (
        "puts a time after the last interval into it; the kit asks of each entry whether it was "
        "lived through, and looks at the targets"
    ),
}


def said(says, case, peers):
    """Of `DIFFERS` or `COSTS`, what concerns a case, by peer."""
    found = {peer: says.get((case.name, peer)) for peer in peers}
    return {peer: text for peer, text in found.items() if text}
