"""What a stranger is likely to take, by its name, its options and the words of its source."""

import re

import keras_losskit as kl
from keras_losskit.core.combined import CombinedLoss
from keras_losskit.core.config import snake_case
from keras_losskit.core.takes import takes_of

_HINTS = (
    (r"sparse", ("ids",)),
    (r"ctc", ("sequence", "sequence_shares")),
    (r"categorical_?hinge", ("scores",)),
    (r"hinge|wasserstein", ("signs", "binary")),
    (r"(^|_)(s|w)?cce?(_|$)|(^|_)ce(_|$)", ("onehot", "ids")),
    (r"bce|binary|sigmoid", ("binary", "map")),
    (r"dice|jaccard|tversky|lovasz|segment|overlap", ("map", "map_binary", "onehot", "map_ids")),
    (r"kl_?div|kullback|jensen", ("simplex", "onehot")),
    (r"categorical|softmax|cross_?entropy|focal|nll|brier", ("onehot", "ids", "binary")),
    (r"nll|likelihood|gauss", ("blocks",)),
    (r"[gdc]?iou|box", ("boxes",)),
    (r"triplet|circle|n_?pair|embedding", ("embeddings", "triplets", "stacked_triplets")),
    (r"sup_?con(_|$)|supervised_contrastive", ("embeddings", "views")),
    (r"contrastive|siamese|info_?nce|nt_?xent|clip_|barlow|vicreg|simclr", ("views", "embeddings")),
    (r"ndcg|mrr|rank|listwise|list_", ("ranking",)),
    (r"poisson|tweedie|logarithmic|msle", ("nonnegative",)),
    (r"gamma|deviance", ("positive",)),
    (r"quantile|pinball", ("real", "quantiles")),
    (r"cox|survival|hazard|partial_likelihood", ("survival",)),
    (r"weibull|censor|gompertz|lognormal_surv", ("survival_columns", "survival")),
    (r"ssim|psnr|perceptual|sobel|gradient_difference|total_variation|image", ("image", "picture")),
    (r"stft|spectr|mel_|audio|wave(form)?(_|$)|si_?s[dn]r", ("sound",)),
)

_OTHERS = (
    "real", "positive", "binary", "onehot", "ids", "map", "map_ids", "image", "quantiles",
    "embeddings", "views", "triplets", "boxes", "ranking", "sequence", "ordinal",
    "stacked_triplets", "survival", "survival_columns", "heads",
)


def hints(subject):
    """The kinds that the name of a loss speaks of."""
    loss = innermost(subject.loss)
    name = subject.kind_name if subject.function is not None else type(loss).__name__
    inner = getattr(loss, "loss", None) or getattr(loss, "function", None)
    if isinstance(loss, (kl.KerasLoss, kl.FunctionLoss)) and inner is not None:
        name = getattr(inner, "__name__", type(inner).__name__)
    found = []
    for pattern, kinds in _HINTS:
        if re.search(pattern, snake_case(name)):
            found += kinds
    return list(dict.fromkeys(found))


def takes_logits(subject, scan):
    """Whether a stranger's `y_pred` holds logits, by its options and its words."""
    logits = subject.option("from_logits")
    if logits is None:
        words = scan.words()
        logits = "from_logits=True" in words or bool(
            words & {"softplus", "logsumexp", "softmax", "log_softmax", "sigmoid", "log_sigmoid",
                     "logsigmoid", "sigmoid_cross_entropy_with_logits",
                     "softmax_cross_entropy_with_logits"}
        )
    return bool(logits)


def likely_kinds(subject, scan):
    """The kinds to try on a stranger, the likeliest first."""
    first, words = hints(subject), scan.words()
    if not first:
        if words & {"binary_crossentropy"}:
            first += ["binary"]
        if words & {"sparse_categorical_crossentropy", "one_hot", "take_along_axis"}:
            first += ["ids"]
        if words & {"categorical_crossentropy", "softmax", "log_softmax", "logsumexp"}:
            first += ["onehot"]
        if words & {"sigmoid", "log_sigmoid", "softplus"}:
            first += ["binary"]
        if "log" in words and words & {"clip", "maximum", "epsilon", "clip_by_value", "clamp"}:
            first += ["binary", "onehot", "positive"]
        elif "log" in words:  # A bare log: of errors, of shares, of what is positive.
            first += ["real", "onehot", "binary"]
    return [*dict.fromkeys(first), *(k for k in _OTHERS if k not in first)]


def innermost(loss):
    """The first loss that is not made of losses."""
    while isinstance(loss, CombinedLoss) and loss.operands():
        loss = loss.operands()[0]
    return loss


def leaves(loss):
    """The losses that a loss is made of, itself where it is made of none."""
    if isinstance(loss, CombinedLoss) and loss.operands():
        return [leaf for operand in loss.operands() for leaf in leaves(operand)]
    return [loss]


def known(loss):
    """What a loss of Keras or a wrapped function is known to take."""
    from keras_losskit.core.foreign import OF_KERAS

    thing = getattr(loss, "function", None) or type(loss)
    if (getattr(thing, "__module__", None) or "").split(".")[0] != "keras":
        return getattr(thing, "takes", None) if isinstance(thing, kl.Takes) else None
    found = OF_KERAS.get(snake_case(thing.__name__))
    return None if found is None else found.given(getattr(loss, "from_logits", None) or (
        getattr(loss, "_fn_kwargs", None) or {}).get("from_logits"))


def common_takes(subject):
    """What a subject declares, or is known to take; `None` where that is nothing common."""
    if isinstance(subject.loss, kl.Loss):
        return takes_of(subject.loss)
    return known(subject.loss)


def selects(loss):
    if isinstance(loss, kl.Select):
        return True
    return isinstance(loss, CombinedLoss) and any(map(selects, loss.operands()))
