"""Three traps of each move, and rows that no docstring has: what one trips over first."""

TRAPS = {
    "Keras": (
        "Keras' `Dice` and `Tversky` are one number for the whole batch, with all classes in one "
        'count; the kit\'s are a mean over classes, per sample: write `Dice(over="batch")` for one '
        "ratio a class. Until 3.15 Keras' `Tversky(alpha, beta)` has the two the wrong way round: "
        "it is `Tversky(fp_weight=beta, fn_weight=alpha)`.",
        "The sparse losses have no class of their own here: `CategoricalCrossentropy` takes ids, "
        "one-hot and soft rows alike. Keras' categorical focal loss is `0.25 *` the kit's, for its "
        "`alpha` is a factor.",
        "Weights `(B,)` weigh samples here, on values `(B, H, W)` too; Keras aligns them from the "
        "right. All differences, by version: [Where the numbers differ](guide/keras.md).",
    ),
    "segmentation_models": (
        "Its losses are ratios over the whole batch with a smoothing of 1e-5: "
        '`over="batch", smooth=1e-5` here, where the default is a ratio a sample and no smoothing.',
        "Its cross-entropies and focal losses are means over positions *and classes*, 1/C of what "
        "the kit's sum over classes gives: scale the weight of the term.",
        "It takes one-hot maps and probabilities; the kit takes class ids too, and logits with "
        "`from_logits=True`. `a + b` and `2 * a` mean the same in both.",
    ),
    "segmentation_models.pytorch": (
        "There an absent class costs 0; here the formula decides unless "
        '`empty="skip"` leaves it out.',
        "Channels come second there, `(B, C, H, W)`; here they come last, `(B, H, W, C)`.",
        "`mode` has no counterpart: one channel is binary, several are classes, and several labels "
        "at once are several binary terms, or `.on(...)` of each channel. Logits are the default "
        "there, probabilities here.",
    ),
    "TensorFlow Addons": (
        "Several of its losses return sums over the last axis, or means over all pairs of the "
        "batch, where the kit has values per sample and per anchor: weights of terms change.",
        "An anchor without a positive counts as 0 there and not at all here.",
        "It runs on TensorFlow 2.15 and Keras 2 at most, so that both cannot be in one "
        "environment: compare numbers by files. Its `PinballLoss` is `Pinball`, its "
        "`SigmoidFocalCrossEntropy` `BinaryFocalCrossentropy`.",
    ),
    "TF-Similarity": (
        "It mines inside the loss by options (`positive_mining_strategy`); here each mining is a "
        "loss: `TripletHard`, `TripletSemiHard`, `TripletAll`.",
        "Distances are cosine there by default, Euclidean here: `distance=\"cosine\"`.",
        "Its samplers and index have no counterpart: the kit trains embeddings and no more. "
        "`CrossBatchMemory` is a layer that keeps earlier batches.",
    ),
    "TF-Ranking": (
        "Its pairwise losses are sums over all pairs divided by B·L; here they are a list's mean "
        "over its pairs, so that long lists do not outweigh short ones. The rows say by which "
        "weights they are equal.",
        "`ListSoftmax` compares with the softmax of the labels, ListNet's way; `SoftmaxLoss()` "
        "there with the raw labels: `CategoricalCrossentropy(from_logits=True)`.",
        "Padding is a label below 0 in both, but ragged tensors are not taken here: pad.",
    ),
    "MONAI": (
        "`DiceCELoss` is a sum: `kl.Dice(from_logits=True, smooth=1e-5) + "
        "kl.CategoricalCrossentropy(from_logits=True)`, and `DiceFocalLoss(sigmoid=True)` the same "
        "with `kl.BinaryFocalCrossentropy(gamma)`; `lambda_dice` and `lambda_ce` are "
        "the terms' weights. What was `softmax=True` there is `from_logits=True` in each.",
        "Channels come second there, `(B, C, D, H, W)`; here last, `(B, D, H, W, C)`. "
        "`to_onehot_y` needs no counterpart: ids `(B, D, H, W)` are taken as they are.",
        "Its smoothing of 1e-5 in numerator and denominator is `smooth=1e-5`; the kit's default is "
        "none. `include_background=False` means the same.",
    ),
    "pytorch-metric-learning": (
        "It normalises embeddings inside many losses; here a layer does, "
        "`keras.layers.UnitNormalization()`, unless the loss is one of cosines.",
        "It averages over the pairs or triplets that cost something; here values are per anchor, "
        "and an anchor that costs nothing counts as 0.",
        "Losses with class vectors (`ArcFaceLoss(num_classes, embedding_size)`) own their weights "
        "there; here the layer `CosineDense(classes)` owns them and the loss takes its cosines. "
        "Miners are losses: `TripletHard` and its kin.",
    ),
    "keras-cv": (
        "`keras_cv.losses.FocalLoss` is `BinaryFocalCrossentropy(alpha=0.25)`, as a sum over "
        "positions where the kit has values per row: weigh the term.",
        "`GIoULoss`, `CIoULoss` and `IoULoss` take `bounding_box_format`; here it is `box_format`, "
        "one of four, and `BoxIoU(mode=\"linear\")` is 1 - IoU.",
        "`BinaryPenaltyReducedFocalCrossEntropy` is `CenterNetFocal`; `SmoothL1Loss(l1_cutoff)` is "
        "`SmoothL1(beta)` times beta.",
    ),
    "focal-loss": (
        "`SparseCategoricalFocalLoss(gamma)` is `CategoricalFocalCrossentropy(gamma)`, number for "
        "number, ids or one-hot rows alike ([measured beside it](benchmarks.md)).",
        "`BinaryFocalLoss(gamma, pos_weight)` weighs positives by a factor; `alpha` here weighs "
        "both sides, as in the paper.",
        "`from_logits` means the same; `class_weight` is `class_weights`.",
    ),
    "optax": (
        "optax returns values that nobody reduces; a loss here reduces by `reduction`, and "
        '`reduction="none"` returns the values.',
        "Logits come first there, `f(predictions, targets)`; here it is `loss(y_true, y_pred)`.",
        "Loops of your own in JAX need nothing more: "
        "`jax.jit(jax.grad(lambda w: loss(y, f(w, x))))`. "
        "`optax.softmax_cross_entropy` and its integer form are both "
        "`CategoricalCrossentropy(from_logits=True)`.",
    ),
    "torch.nn": (
        "The order of arguments is the other way round: `loss(y_true, y_pred)`.",
        "Classes come second there, `(B, C, H, W)`; here last. Binary and categorical losses take "
        "probabilities unless `from_logits=True`, and `CrossEntropyLoss`, `BCEWithLogitsLoss` take "
        "logits always.",
        "`weight=` of `CrossEntropyLoss` also divides the mean there: "
        '`class_weights=` with `reduction="mean_with_sample_weight"` differ from it; compare a '
        "value before you trust a learning rate. `ignore_index` is `ignore_class`.",
    ),
}
