"""What is measured: each loss, its input, its peers, and where their meaning differs.

A peer is a function from its module to a loss `(y_true, y_pred) -> number`. The
modules are imported by the process that measures, so this file imports none.
"""

import dataclasses

from benchmarks import native

MODULES = {
    "kit": "keras_losskit",
    "keras": "keras",
    "hand": "benchmarks.by_hand",
    "tfa": "tensorflow_addons",
    "sm": "segmentation_models",
    "focal_loss": "focal_loss",
    "tfr": "tensorflow_ranking",
    "tfsim": "tensorflow_similarity",
    "keras of p/Σp": "keras",
    "tfa of p/Σp": "tensorflow_addons",
    "sm of p/Σp": "segmentation_models",
    "tfr of softmax(y)": "tensorflow_ranking",
    "tf of the peers": "tensorflow",
    "tf": "tensorflow",
    **native.MODULES,
}
# In an environment of their own.
LIBRARIES = ("tfa", "sm", "focal_loss", "tfr", "tfsim")
FOREIGN = (*LIBRARIES, "tfa of p/Σp", "sm of p/Σp", "tfr of softmax(y)", "tf of the peers")

TABLE = (65536, 16)
CLASSES = (4096, 1000)
MAPS = (8, 256, 256, 4)
MASKS = (8, 256, 256, 1)
BATCH = (512, 128)
VIEWS = (16384, 128)  # For what takes no pairs.
BOXES = (65536, 4)
LISTS = (64, 200)
PICTURES = (8, 192, 192, 3)
POINTS = (32, 256, 3)
COURSES = (32, 128, 3)
VOLUMES = (1, 64, 64, 64, 1)
FIELDS = (1, 64, 64, 64, 3)
SOUNDS = (16, 16000)
MIXTURES = (16, 4, 4000)


@dataclasses.dataclass(frozen=True)
class Case:
    """One loss on one kind of input, and its peers.

    `differs` says, by peer, where its value is meant to be another; every
    other peer has to agree. `costs` says, by peer, what the kit does more,
    `other` that this makes it another function than the peer's, and `engines`
    which ones the peer is run on, if not all. `streams` marks elementwise
    losses: one pass over the bytes is all they need, so that the floor is a
    bound worth comparing with, and `far` says why it is far all the same. `kit`
    makes what is measured, if not the loss.
    """

    family: str
    loss: str
    inputs: str
    shape: tuple
    options: dict = dataclasses.field(default_factory=dict)
    peers: dict = dataclasses.field(default_factory=dict)
    differs: dict = dataclasses.field(default_factory=dict)
    variant: str = ""
    streams: bool = False
    costs: dict = dataclasses.field(default_factory=dict)
    engines: dict = dataclasses.field(default_factory=dict)
    other: tuple = ()
    kit: object = None
    far: str = ""

    @property
    def name(self):
        return self.loss + (f" ({self.variant})" if self.variant else "")

    def sources(self, engine=None):
        """What makes each candidate, by its module's name in `MODULES`."""
        peers = {
            peer: make
            for peer, make in self.peers.items()
            if engine is None or engine in self.engines.get(peer, [engine])
        }
        return {"kit": self.kit or (lambda kl: getattr(kl, self.loss)(**self.options)), **peers}


def keras_loss(name, **options):
    return lambda keras: getattr(keras.losses, name)(**options)


def by_hand(name, **options):
    return lambda hand: lambda y, p: getattr(hand, name)(y, p, **options)


def mean_of(function):
    """A function of Keras that returns values, then their mean."""

    def make(keras):
        return lambda y, p: keras.ops.mean(function(keras)(y, p))

    return make


def regression():
    def case(
        loss, keras_name=None, kind="regression", hand=None, tfa=None, costs=None, **options
    ):
        peers, differs = {}, {}
        if keras_name:
            passed = {k: v for k, v in options.items() if k == "delta"}
            peers["keras"] = keras_loss(keras_name, **passed)
        if hand:
            peers["hand"] = by_hand(hand, **options)
        if tfa:
            peers["tfa"] = tfa
        costs = {"keras": costs} if costs else {}
        return Case(
            "regression", loss, kind, TABLE, options, peers, differs, streams=True, costs=costs
        )

    return [
        case("MeanSquaredError", "MeanSquaredError", hand="mean_squared_error"),
        case("MeanAbsoluteError", "MeanAbsoluteError", hand="mean_absolute_error"),
        case("Huber", "Huber", hand="huber", delta=0.7, costs=WRITTEN_FIRST),
        case("LogCosh", "LogCosh"),
        case("MeanAbsolutePercentageError", "MeanAbsolutePercentageError"),
        case("MeanSquaredLogarithmicError", "MeanSquaredLogarithmicError", "positive"),
        case(
            "Poisson",
            "Poisson",
            "positive",
            hand="poisson",
            costs="is NaN below 0, where the kit follows the tangent",
        ),
        case("CosineSimilarity", "CosineSimilarity"),
        case(
            "Pinball",
            hand="pinball",
            tfa=lambda tfa: tfa.losses.PinballLoss(tau=0.3),
            tau=0.3,
        ),
        case("RootMeanSquaredError"),
        case("SymmetricMeanAbsolutePercentageError"),
        case("SmoothL1"),
        case("ReverseHuber"),
        case("Charbonnier", hand="charbonnier"),
        case("Cauchy", hand="cauchy"),
        case("GemanMcClure"),
        case("Welsch", hand="welsch"),
        case("TukeyBiweight"),
        case("Barron"),
        case("Wing"),
        case("Expectile", tau=0.3),
        case("EpsilonInsensitive"),
        case("DeadZoneAbsoluteError"),
        case("RangeWeightedSquaredError"),
        case("Tweedie", kind="positive"),
        case("GammaDeviance", kind="positive"),
        case("ScaleInvariantLog", kind="positive"),
    ]


def of_shares(make):
    """A peer that does not divide probabilities by their sum, given ones that are."""

    def renormalising(module):
        loss = make(module)

        def of(y, p):
            if hasattr(module, "ops"):
                return loss(y, p / module.ops.sum(p, axis=-1, keepdims=True))
            import tensorflow as tf

            return loss(y, p / tf.reduce_sum(p, axis=-1, keepdims=True))

        return of

    return renormalising


NOT_RENORMALISED = "does not divide the probabilities by their sum"
OTHER_XLA = (
    "another TensorFlow, with another XLA and another empty step: the peer's formula, by hand, in "
    "the kit's TensorFlow is not faster"
)
WRITTEN_FIRST = (
    "JAX's XLA on a CPU leaves sums to a library, and writes to memory first what comparisons, "
    "and what is used twice, yield: in the kit's form the smaller of |d| and delta"
)
GOES_ON = "clips probabilities, which leaves no slope; the kit goes on along the tangent"
SATURATES = "turns logits into clipped probabilities"


def labelled(family, shape, binary_shape, where=""):
    """Losses per position, on rows of classes or on maps."""

    def focal_alpha_one(**options):
        return keras_loss("CategoricalFocalCrossentropy", alpha=1.0, gamma=2.0, **options)

    def ids(loss):
        """Keras' focal loss wants rows: the encoding is part of its cost."""
        return lambda keras: (
            lambda y, p: loss(keras)(keras.ops.one_hot(y, p.shape[-1], dtype="float32"), p)
        )

    def case(loss, kind, peers, variant, at=shape, differs=None, costs=None, other=(), **options):
        variant, differs, costs = f"{variant}{where}", differs or {}, costs or {}
        return Case(
            family, loss, kind, at, options, peers, differs, variant, True, costs, other=other
        )

    def sm_focal(sm):
        return sm.losses.CategoricalFocalLoss(alpha=1.0, gamma=2.0)

    return [
        case(
            "CategoricalCrossentropy",
            "ids_logits",
            {
                "keras": keras_loss("SparseCategoricalCrossentropy", from_logits=True),
                "hand": by_hand("sparse_crossentropy"),
            },
            "ids, logits",
            from_logits=True,
        ),
        case(
            "CategoricalCrossentropy",
            "ids_probabilities",
            {"keras": keras_loss("SparseCategoricalCrossentropy")},
            "ids",
        ),
        case(
            "CategoricalCrossentropy",
            "rows_logits",
            {
                "keras": keras_loss("CategoricalCrossentropy", from_logits=True),
                "hand": by_hand("crossentropy"),
            },
            "rows, logits",
            from_logits=True,
        ),
        case(
            "CategoricalCrossentropy",
            "rows_probabilities",
            {
                "keras": keras_loss("CategoricalCrossentropy"),
                # It takes maps alone.
                **({"sm": lambda sm: sm.losses.CategoricalCELoss()} if len(shape) == 4 else {}),
            },
            "rows",
            differs={"sm": "mean over positions and classes: 1/C of it"} if len(shape) == 4 else {},
        ),
        case(
            "CategoricalFocalCrossentropy",
            "ids_logits",
            {
                "keras": ids(focal_alpha_one(from_logits=True)),
                "focal_loss": lambda m: m.SparseCategoricalFocalLoss(2.0, from_logits=True),
                "hand": by_hand("sparse_focal"),
            },
            "ids, logits",
            from_logits=True,
            differs={"keras": SATURATES},
        ),
        case(
            "CategoricalFocalCrossentropy",
            "rows_probabilities",
            {
                "keras": focal_alpha_one(),
                "sm": sm_focal,
                "sm of p/Σp": of_shares(sm_focal),
            },
            "rows",
            differs=dict.fromkeys(
                ("sm", "sm of p/Σp"), "mean over positions and classes: 1/C of it"
            ),
            costs={"sm": NOT_RENORMALISED},
            other=("sm",),
        ),
        case(
            "BinaryCrossentropy",
            "binary_logits",
            {
                "keras": keras_loss("BinaryCrossentropy", from_logits=True),
                "hand": by_hand("binary_crossentropy"),
            },
            "logits",
            at=binary_shape,
            from_logits=True,
        ),
        case(
            "BinaryCrossentropy",
            "binary_probabilities",
            {
                "keras": keras_loss("BinaryCrossentropy"),
                "sm": lambda sm: sm.losses.BinaryCELoss(),
                "hand": by_hand("clipped_crossentropy"),
            },
            "probabilities",
            at=binary_shape,
            costs={"sm": OTHER_XLA},
        ),
        case(
            "BinaryFocalCrossentropy",
            "binary_logits",
            {
                "keras": keras_loss("BinaryFocalCrossentropy", gamma=2.0, from_logits=True),
                "tfa": lambda tfa: _mean(
                    tfa.losses.SigmoidFocalCrossEntropy(from_logits=True, alpha=None)
                ),
                "focal_loss": lambda m: m.BinaryFocalLoss(2.0, from_logits=True),
                "hand": by_hand("sigmoid_focal"),
            },
            "logits",
            at=binary_shape,
            from_logits=True,
            differs={
                "keras": SATURATES + " on JAX and torch",
                "tfa": "sums over the last axis and returns values: their mean here",
            },
            costs={"tfa": OTHER_XLA, "focal_loss": OTHER_XLA},
        ),
        case(
            "BinaryFocalCrossentropy",
            "binary_probabilities",
            {
                "keras": keras_loss("BinaryFocalCrossentropy", gamma=2.0),
                "sm": lambda sm: sm.losses.BinaryFocalLoss(alpha=0.5, gamma=2.0),
                "focal_loss": lambda m: m.BinaryFocalLoss(2.0),
                "hand": by_hand("clipped_focal"),
            },
            "probabilities",
            at=binary_shape,
            differs={"sm": "half of it: negatives always weigh 1 - alpha"},
            costs={"keras": GOES_ON, "sm": OTHER_XLA, "focal_loss": OTHER_XLA},
        ),
    ]


def _mean(loss):
    def mean(y, p):
        import tensorflow as tf

        return tf.reduce_mean(loss(y, p))

    return mean


def classification():
    def case(
        loss,
        kind,
        keras_name=None,
        shape=CLASSES,
        tfa=None,
        differs=None,
        costs=None,
        other=(),
        far="",
        **options,
    ):
        peers = {}
        if keras_name:
            passed = {k: v for k, v in options.items() if k == "q"}
            peers["keras"] = keras_loss(keras_name, **passed)
        if tfa:
            peers["tfa"] = tfa
        for peer in other:
            peers[f"{peer} of p/Σp"] = of_shares(peers[peer])
        differs, costs = differs or {}, costs or {}
        return Case(
            "classification", loss, kind, shape, options, peers, differs, "", True, costs,
            other=other, far=far,
        )

    return [
        *labelled("classification", CLASSES, CLASSES),
        case(
            "KLDivergence",
            "distributions",
            "KLDivergence",
            differs={"keras": NOT_RENORMALISED},
            costs={"keras": NOT_RENORMALISED},
            other=("keras",),
        ),
        case("Hinge", "signs", "Hinge"),
        case("SquaredHinge", "signs", "SquaredHinge"),
        case("CategoricalHinge", "rows_logits", "CategoricalHinge"),
        case(
            "GeneralizedCrossentropy",
            "ids_probabilities",
            "CategoricalGeneralizedCrossEntropy",
            q=0.7,
            differs={"keras": NOT_RENORMALISED},
            other=("keras",),
        ),
        case(
            "Sparsemax",
            "rows_logits",
            tfa=lambda tfa: tfa.losses.SparsemaxLoss(from_logits=True),
            far="its threshold needs the scores of each row in order",
        ),
        case(
            "WeightedKappa",
            "rows_probabilities",
            shape=(65536, 5),
            tfa=lambda tfa: tfa.losses.WeightedKappaLoss(num_classes=5),
            differs={
                "tfa": "adds 1e-6 inside the logarithm, and does not divide by the sum",
                "tfa of p/Σp": "adds 1e-6 inside the logarithm",
            },
            costs={
                "tfa": NOT_RENORMALISED + "; takes hard targets only",
                "tfa of p/Σp": "takes hard targets only",
            },
            other=("tfa",),
            far="divides by sums, multiplies by the matrix of costs, and sums over the batch first",
        ),
        case("AsymmetricMultiLabel", "binary_logits", from_logits=True),
        case("PolyCrossentropy", "ids_logits", from_logits=True),
        case("SymmetricCrossentropy", "ids_logits", from_logits=True),
        case("NormalizedCrossentropy", "ids_logits", from_logits=True),
        case("BiTempered", "ids_logits"),
        case("JensenShannon", "distributions"),
        case("Distillation", "two_logits"),
        case("Brier", "rows_probabilities"),
        case("CumulativeOrdinal", "ranks", shape=(65536, 15)),
        case("SquaredEarthMovers", "rows_probabilities"),
    ]


EXACT_ERRORS = (
    "sums hits, predictions and targets, and subtracts; the kit sums the errors themselves, "
    "whose digits do not cancel: on (2, 64, 64, 64, 2), predictions within 0.001 of the target, "
    "Keras' Dice in the graph is 0.00008 in place of 0.00052"
)


def segmentation():
    def keras_overlap(name, **options):
        function = lambda keras: lambda y, p: getattr(keras.losses, name)(  # noqa: E731
            y, p, axis=(1, 2), **options
        )
        return mean_of(function)

    def case(loss, kind, peers=None, variant="", shape=MAPS, costs=None, **options):
        peers = peers or {}
        return Case(
            "segmentation", loss, kind, shape, options, peers, {}, variant, costs=costs or {}
        )

    rows, whole = "rows_probabilities", {"over": "batch", "smooth": 1e-5}
    return [
        *labelled("segmentation", MAPS, MASKS, ", maps"),
        case(
            "Dice",
            rows,
            {"keras": keras_overlap("dice")},
            "per sample",
            costs={"keras": EXACT_ERRORS},
        ),
        case("Dice", rows, {"sm": lambda sm: sm.losses.DiceLoss()}, "over the batch", **whole),
        case(
            "Dice",
            "binary_probabilities",
            {
                "sm": lambda sm: sm.losses.DiceLoss(),
                "keras": keras_loss("Dice"),
                "hand": by_hand("dice_over_batch"),
            },
            "binary, over the batch",
            shape=MASKS,
            costs=dict.fromkeys(("sm", "keras"), EXACT_ERRORS),
            **whole,
        ),
        case("Dice", "ids_logits", {"hand": by_hand("dice")}, "ids, logits", from_logits=True),
        case(
            "Jaccard", rows, {"sm": lambda sm: sm.losses.JaccardLoss()}, "over the batch", **whole
        ),
        case(
            "Tversky",
            rows,
            # What Keras calls false positives is what the target has and the prediction lacks.
            {"keras": keras_overlap("tversky", alpha=0.7, beta=0.3)},
            "per sample",
            fp_weight=0.3,
            fn_weight=0.7,
        ),
        case("FocalTversky", rows),
        case("GeneralizedDice", rows),
        case("MatthewsCorrelation", rows),
        case("ExponentialLogarithmic", rows),
        case("LovaszSoftmax", rows),
        case("LovaszHinge", "binary_logits", shape=MASKS),
        case("CenterlineDice", rows),
        case("Boundary", rows),
        case("HausdorffDistance", rows),
    ]


def metric_learning():
    def case(
        loss,
        peers=None,
        kind="embeddings",
        shape=BATCH,
        differs=None,
        variant="",
        engines=None,
        **options,
    ):
        return Case(
            "metric learning",
            loss,
            kind,
            shape,
            options,
            peers or {},
            differs or {},
            variant,
            engines=engines or {},
        )

    def tfa(name, **options):
        return {"tfa": lambda module: getattr(module.losses, name)(**options)}

    def tfsim(name, **options):
        return {"tfsim": lambda module: getattr(module.losses, name)(**options)}

    pairs = "weighs every pair alike, not every anchor"
    cases = [
        case(
            "Contrastive",
            tfa("ContrastiveLoss"),
            "pair_distances",
            (65536,),
        ),
        case(
            "LiftedStructure",
            tfa("LiftedStructLoss"),
            differs={"tfa": "sums over pairs once; a mean over all pairs of a class"},
        ),
        case("NPairs", {"tfa": _tfa_npairs}, "views", differs={"tfa": "its targets are ids"}),
        case("Circle", {"keras": _keras_circle}, gamma=80.0, margin=0.4),
        case(
            "MultiSimilarity",
            tfsim("MultiSimilarityLoss"),
            differs={"tfsim": "mines pairs first; other constants"},
        ),
        case(
            "SoftNearestNeighbor",
            tfsim("SoftNearestNeighborLoss", distance="squared_euclidean"),
            differs={"tfsim": "another average over anchors"},
        ),
        case("TripletAll"),
        case("SupervisedContrastive"),
        case("Angular"),
        case("Triplet", None, "triplets"),
        case("ArcFace", None, "cosines", CLASSES),
        case("NormalizedSoftmax", None, "cosines", CLASSES),
        case("ProxyAnchor", None, "cosines", CLASSES),
    ]
    for size in (512, 1024):
        shape, at = (size, 128), f"B={size}"
        cases += [
            case(
                "TripletSemiHard",
                tfa("TripletSemiHardLoss", distance_metric="L2"),
                shape=shape,
                differs={"tfa": pairs},
                variant=at,
                # Its memory grows as B³: in the graph it is killed at 1024.
                engines={"tfa": ["tf-xla"]} if size > 512 else None,
            ),
            case(
                "TripletHard",
                tfa("TripletHardLoss", distance_metric="L2"),
                shape=shape,
                variant=at,
            ),
        ]
    return cases


def _tfa_npairs(tfa):
    import tensorflow as tf

    def loss(y_true, y_pred):
        # Every row a class of its own: its logits are the products of both views.
        logits = tf.matmul(y_true, y_pred, transpose_b=True)
        return tfa.losses.NpairsLoss()(tf.range(tf.shape(logits)[0]), logits)

    return loss


def _keras_circle(keras):
    return lambda y, p: keras.losses.Circle(gamma=80.0, margin=0.4)(y, p)


def paired_views():
    def case(loss, peer=None, differs=None, hand=None, shape=BATCH, **options):
        peers = {"tfsim": peer} if peer else {}
        if hand:
            peers["hand"] = by_hand(hand)
        differs = {"tfsim": differs} if differs else {}
        return Case("paired views", loss, "views", shape, options, peers, differs)

    return [
        case(
            "NTXent",
            lambda m: m.losses.SimCLRLoss(temperature=0.5),
            "the sum of both directions, plus a margin",
            temperature=0.5,
        ),
        case("BarlowTwins", lambda m: m.losses.Barlow(), "another scale"),
        case("VICReg", lambda m: _mean(m.losses.VicReg()), "variances divided by B, not B - 1"),
        case(
            "NegativeCosine",
            lambda m: m.losses.SimSiamLoss(projection_type="negative_cosine_sim"),
            "half of it, plus a margin",
            hand="negative_cosine",
            shape=VIEWS,
        ),
        case("InfoNCE"),
        case("DINO", shape=VIEWS),
        case("SwAV", shape=VIEWS),
        case("SigLIP"),
        case("DecoupledContrastive"),
        case("KoLeo"),
    ]


def distributions():
    def case(loss, kind, parameters, far="", hand=None, **options):
        shape = (TABLE[0] * TABLE[1] // 4, parameters)
        peers = {"hand": by_hand(hand)} if hand else {}
        return Case("distributions", loss, kind, shape, options, peers, streams=not far, far=far)

    gammas = "a log-gamma is a dozen divisions and logarithms"
    return [
        case("GaussianNLL", "real_raw", 2, hand="gaussian_nll"),
        case("LogNormalNLL", "positive_raw", 2, hand="log_normal_nll"),
        case("ZeroInflatedLogNormalNLL", "positive_raw", 3),
        case("StudentTNLL", "real_raw", 3, gammas),
        case("BetaNLL", "shares_raw", 2, gammas),
        case("NegativeBinomialNLL", "counts_raw", 2, gammas),
        case("GaussianMixtureNLL", "real_raw", 15, "five exponentials a value", components=5),
        case("EnsembleCRPS", "members", 16, "a sort of the members"),
    ]


def survival():
    def case(loss, *shape, **options):
        return Case("survival", loss, "survival", shape, options)

    return [
        case("CoxPartialLikelihood", 4096, 1),
        case("DiscreteTimeHazard", 65536, 16),
        case("DeepHit", 512, 64),
        case("WeibullNLL", 262144, 2),
    ]


def latent_variables():
    return [Case("latent variables", "GaussianKL", "regression", TABLE, streams=True)]


def transport():
    return [Case("transport", loss, "point_sets", POINTS) for loss in ("Chamfer", "Sinkhorn")]


def sequences():
    return [Case("sequences", "SoftDTW", "point_sets", COURSES)]


def boxes():
    def case(loss, tfa=None, kind="boxes", shape=BOXES, **options):
        peers = {"tfa": tfa} if tfa else {}
        costs = {"tfa": "does not put crossed corners in order"} if tfa else {}
        return Case("boxes", loss, kind, shape, options, peers, streams=True, costs=costs)

    corners = {"box_format": "yxyx"}
    return [
        case("GIoU", lambda tfa: _mean(tfa.losses.GIoULoss()), **corners),
        case(
            "BoxIoU", lambda tfa: _mean(tfa.losses.GIoULoss(mode="iou")), mode="linear", **corners
        ),
        case("DIoU"),
        case("CIoU"),
        case("QualityFocal", None, "binary_logits", TABLE, from_logits=True),
        case("Varifocal", None, "binary_logits", TABLE, from_logits=True),
        case("DistributionFocal", None, "bins", (65536, 17)),
        case("CenterNetFocal", None, "heatmaps", MAPS, from_logits=True),
    ]


def ranking():
    def case(loss, peer=None, differs=None, costs=None, **options):
        peers = {"tfr": peer} if peer else {}
        differs = {"tfr": differs} if differs else {}
        costs = {"tfr": costs} if costs else {}
        return Case("ranking", loss, "lists", LISTS, options, peers, differs, costs=costs)

    def tfr_softmax(m):
        return m.keras.losses.SoftmaxLoss()

    def tfr_list_net(m):
        import tensorflow as tf

        loss = tfr_softmax(m)
        return lambda y, p: loss(tf.nn.softmax(y), p)

    pairs = "sums over a list's pairs where the kit takes their mean"
    return [
        case("PairwiseLogistic", lambda m: m.keras.losses.PairwiseLogisticLoss(), pairs),
        case("PairwiseHinge", lambda m: m.keras.losses.PairwiseHingeLoss(), pairs),
        case("PairwiseSoftZeroOne", lambda m: m.keras.losses.PairwiseSoftZeroOneLoss(), pairs),
        case("PairwiseMeanSquared", lambda m: m.keras.losses.PairwiseMSELoss(), pairs),
        Case(
            "ranking",
            "ListSoftmax",
            "lists",
            LISTS,
            peers={"tfr": tfr_softmax, "tfr of softmax(y)": tfr_list_net},
            differs={"tfr": "raw labels as targets"},
            costs={"tfr": "takes labels as they are, the kit their softmax"},
            other=("tfr",),
        ),
        case(
            "ListMLE",
            lambda m: m.keras.losses.ListMLELoss(),
            "ties broken at random",
            "takes a running sum of exponentials, which loses scores 100 below the largest",
        ),
        case("ApproxNDCG", lambda m: m.keras.losses.ApproxNDCGLoss(), "-NDCG, not 1 - NDCG"),
        case("ApproxMRR", lambda m: m.keras.losses.ApproxMRRLoss(), "-MRR, not 1 - MRR"),
        case(
            "LambdaNDCG",
            lambda m: m.keras.losses.PairwiseLogisticLoss(
                lambda_weight=m.keras.losses.NDCGLambdaWeight()
            ),
            "discounts differences of ranks, not ranks (LambdaLoss)",
        ),
    ]


def restoration():
    def case(loss, peers=None, kind="pictures", **options):
        engines = {"tf": ["tf-xla", "tf-graph"]} if peers else {}
        costs = {"tf": sliding} if "SSIM" in loss else {}
        return Case(
            "restoration", loss, kind, PICTURES, options, peers or {}, engines=engines, costs=costs
        )

    # In the graph each slice is a pass over memory; `fit` compiles by XLA.
    sliding = (
        "slides its windows by slices and sums of centred pictures, where the peer convolves what "
        "it does not centre: a convolution rounds to ten bits on a GPU, and takes no volumes"
    )

    def image(name):
        def make(tf):
            return lambda y, p: 1 - tf.reduce_mean(getattr(tf.image, name)(y, p, 1.0))

        return {"tf": make}

    def variation(tf):
        return lambda y, p: tf.reduce_mean(tf.image.total_variation(p))

    return [
        case("SSIM", image("ssim")),
        case("MultiScaleSSIM", image("ssim_multiscale")),
        case("PSNR"),
        case("TotalVariation", {"tf": variation}, normalize=False),
        case("EdgeAwareSmoothness", kind="guides"),
        case("FocalFrequency"),
    ]


def registration():
    def case(loss, kind="pictures", shape=VOLUMES, **options):
        return Case("registration", loss, kind, shape, options)

    return [
        case("LocalNormalizedCrossCorrelation"),
        case("MutualInformation"),
        case("BendingEnergy", "fields", FIELDS),
        case("DisplacementGradient", "fields", FIELDS),
    ]


def audio():
    def case(loss, **options):
        return Case("audio", loss, "sounds", SOUNDS, options)

    def separation(kl):
        return kl.PermutationInvariant(kl.SISDR())

    return [
        case("STFT"),
        case("MultiResolutionSTFT"),
        case("SISDR"),
        Case(
            "audio", "PermutationInvariant", "mixtures", MIXTURES, variant="of SISDR",
            kit=separation,
        ),
    ]


def calling():
    """What a step costs that has next to nothing to do."""

    def empty(kl):
        import keras

        return lambda y, p: keras.ops.mean(y * p)

    def case(kind, shape):
        peers = {"tf of the peers": lambda tf: lambda y, p: tf.reduce_mean(y * p)}
        variant = " × ".join(map(str, shape))
        return Case("calling", "An empty step", kind, shape, {}, peers, variant=variant, kit=empty)

    return [
        case("lists", LISTS),
        case("views", BATCH),
        case("boxes", BOXES),
        case("regression", TABLE),
        case("binary_logits", MASKS),
    ]


FAMILIES = {
    "regression": regression,
    "classification": classification,
    "segmentation": segmentation,
    "distributions": distributions,
    "survival": survival,
    "latent variables": latent_variables,
    "metric learning": metric_learning,
    "paired views": paired_views,
    "transport": transport,
    "sequences": sequences,
    "boxes": boxes,
    "ranking": ranking,
    "restoration": restoration,
    "registration": registration,
    "audio": audio,
    "calling": calling,
}


# Losses of whose kind (one base, one declaration) nothing is measured, and why not.
UNMEASURED = {
    "Matryoshka": "costs what its loss costs, once for each size",
    "CTC": "its time is that of a loop over the frames",
    "CoSENT": "all differences of the batch's cosines, which are few",
    "DPO": "a few operations on two numbers a sample",
    "ORPO": "a few operations on two numbers a sample",
    "RelativisticAverage": "a few operations on one number a sample",
    "SimPO": "a few operations on two numbers a sample",
    "Wasserstein": "one product",
    "ConditionalOrdinal": "two softplus where CumulativeOrdinal has one",
    "DecoupledDistillation": "Distillation's softmaxes, over one class fewer",
    "RelationalDistillation": "all triples of a batch: its size is all there is to measure",
    "HardExampleMining": "costs what its loss costs, and a sort of each sample's values",
    "LDAM": "a cross-entropy of logits that are shifted first",
    "LogitAdjustedCrossentropy": "a cross-entropy of logits that are shifted first",
    "SubCenterArcFace": "ArcFace, after a maximum over the centers of each class",
}


def all_cases():
    """Every case by `family/name`, the losses that are not there (yet) included."""
    cases = [with_native(case) for make in FAMILIES.values() for case in make()]
    return {f"{case.family}/{case.name}": case for case in cases}


def with_native(case):
    """With its peers on torch and JAX."""
    more = native.PEERS.get(case.family, {}).get(case.name, {})
    peers = {**case.peers, **more}
    return dataclasses.replace(
        case,
        peers=peers,
        engines={**case.engines, **{peer: native.engines(peer) for peer in more}},
        differs={**case.differs, **native.said(native.DIFFERS, case, more)},
        costs={**case.costs, **native.said(native.COSTS, case, peers)},
    )


def tiny(case):
    """The same case at a size for tests."""
    shape = tuple(min(n, 8 if len(case.shape) == 4 else 16) for n in case.shape)
    if case.inputs == "boxes":
        shape = (16, 4)
    if case.inputs in ("sounds", "mixtures"):  # Long enough for a transform.
        shape = (2, *case.shape[1:])
    if case.inputs in ("pictures", "guides", "fields"):  # Several scales need their size.
        shape = (min(2, case.shape[0]), *case.shape[1:])
    return dataclasses.replace(case, shape=shape)
