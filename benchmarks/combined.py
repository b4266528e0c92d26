"""Sums of one to five terms, against one function written by hand."""

FORMULAS = ("Dice", "2 focal", "cross-entropy / 2", "Tversky / 4", "Poly-1")


def kit_total(terms):
    import keras_losskit as kl

    losses = [
        kl.Dice(from_logits=True),
        2 * kl.CategoricalFocalCrossentropy(gamma=2.0, from_logits=True),
        0.5 * kl.CategoricalCrossentropy(from_logits=True),
        0.25 * kl.Tversky(fp_weight=0.3, fn_weight=0.7, from_logits=True),
        kl.PolyCrossentropy(epsilon=1.0, from_logits=True),
    ]
    return sum(losses[1:terms], losses[0])


def total(source, terms):
    if source == "kit":
        return kit_total(terms)
    from benchmarks import by_hand

    return lambda ids, logits: by_hand.combined(ids, logits, terms)
