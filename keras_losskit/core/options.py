"""What a constructor is called with: unknown names, and things that are no losses yet."""

import difflib

# Options of Keras' losses, and of other libraries', under their names there.
_ELSEWHERE = {
    "alpha": {
        "CategoricalFocalCrossentropy": "the weights of the classes are `class_weights` here, "
        "one for each class",
        "Tversky": "the price of a false positive is `fp_weight` and that of a false negative "
        "`fn_weight` here; which is alpha differs (Keras' alpha is `fn_weight` until 3.15)",
        "FocalTversky": "the prices are `fp_weight` and `fn_weight` here; Abraham's alpha is "
        "`fn_weight`",
    },
    "beta": {
        "Tversky": "the price of a false positive is `fp_weight` and that of a false negative "
        "`fn_weight` here; which is beta differs (Keras' beta is `fp_weight` until 3.15)",
        "FocalTversky": "the prices are `fp_weight` and `fn_weight` here",
        "Huber": "use `SmoothL1(beta=...)`, or `delta` here",
    },
    "delta": {"SmoothL1": "use `Huber(delta=...)`, or `beta` here"},
    "axis": {"": "the last axis holds the classes or columns here; move it with "
             "`keras.ops.moveaxis`, or select with `.on(...)`"},
    "apply_class_balancing": {"": "balance with `alpha`, the weight of the positives, here"},
    "fn": {"": "write `keras_losskit.as_loss(fn)`, or decorate the function with "
           "`@keras_losskit.loss`"},
    "weight": {"": "write `2.0 * loss`; for classes use `class_weights`"},
    "num_classes": {"": "the number of classes is that of y_pred's last axis here"},
    "per_image": {"": "use `over=\"sample\"` or `over=\"batch\"` here"},
    "batch": {"": "use `over=\"sample\"` or `over=\"batch\"` here"},
    "logits": {"": "use `from_logits` here"},
    "remove_diagonal": {"": "a sample is never paired with itself here"},
}

# Names of Keras and of common practice, and where to go here.
CLASSES = {
    "SparseCategoricalCrossentropy": "CategoricalCrossentropy, which takes class ids and "
    "one-hot rows alike",
    "CategoricalGeneralizedCrossEntropy": "GeneralizedCrossentropy(q=0.5)",
    "MSE": "MeanSquaredError",
    "MAE": "MeanAbsoluteError",
    "RMSE": "RootMeanSquaredError",
    "MAPE": "MeanAbsolutePercentageError",
    "MSLE": "MeanSquaredLogarithmicError",
    "BCE": "BinaryCrossentropy",
    "CrossEntropy": "CategoricalCrossentropy",
    "CrossEntropyLoss": "CategoricalCrossentropy(from_logits=True)",
    "BCEWithLogitsLoss": "BinaryCrossentropy(from_logits=True)",
    "FocalLoss": "BinaryFocalCrossentropy or CategoricalFocalCrossentropy",
    "DiceLoss": "Dice",
    "JaccardLoss": "Jaccard",
    "TverskyLoss": "Tversky",
    "IoU": "Jaccard for maps, BoxIoU for boxes",
    "KLD": "KLDivergence",
    "Quantile": "Pinball",
    "QuantileLoss": "Pinball",
    "TripletSemiHardLoss": "TripletSemiHard",
    "SimCLR": "NTXent",
    "CLIP": "InfoNCE",
}


def unknown_option(cls, name, known):
    """The message for an option that `cls` does not have."""
    hints = _ELSEWHERE.get(name, {})
    said = next(
        (hints[c.__name__] for c in cls.__mro__ if c.__name__ in hints), hints.get("")
    )
    near = difflib.get_close_matches(name, known, 1, 0.6)
    if said is None and near:
        said = f"did you mean `{near[0]}`?"
    if said is None:
        said = f"it takes {', '.join(f'`{k}`' for k in known)}"
    end = "" if said.endswith("?") else "."
    return f"{cls.__name__} has no option `{name}`: {said}{end}"


def missing_class(module, name, exported):
    """The message for a name that the package does not have."""
    said = f"module {module!r} has no attribute {name!r}"
    if name in CLASSES:
        return f"{said}. Use {CLASSES[name]}."
    near = difflib.get_close_matches(name, exported, 1, 0.7)
    return f"{said}. Did you mean {near[0]!r}?" if near else said


def call_it(cls, use):
    """The message where a class stands in place of a loss."""
    return (
        f"{cls.__name__} is a class of losses, not a loss. Call it to make one: "
        f"`{cls.__name__}(...)`, {use}."
    )
