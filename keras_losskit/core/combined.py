"""`CombinedLoss`: what losses made of losses share, and how operands must agree."""

from keras_losskit.core.foreign import as_loss
from keras_losskit.core.loss import Loss


class CombinedLoss(Loss):
    """Base of losses made of losses.

    `reduction` and `dtype` are the operands' own; a value given here replaces
    theirs (on copies: operands are never changed).
    """

    def __init__(self, *, reduction="inherit", name=None, dtype=None):
        if reduction == "inherit":
            super().__init__(name=name, dtype=dtype)
            self.reduction = "inherit"
        else:
            super().__init__(reduction=reduction, name=name, dtype=dtype)

    def operand(self, loss):
        """`loss` as an operand of this one, under its reduction and dtype."""
        changed = {}
        if self.reduction != "inherit":
            changed["reduction"] = self.reduction
        if self.requested_dtype is not None:
            changed["dtype"] = self.requested_dtype
        loss = as_loss(loss)
        if not changed:
            return loss
        return type(loss).from_config({**loss.get_config(), **changed})

    @property
    def effective_reduction(self):
        """The operands' common reduction, or `"inherit"` where they differ."""
        found = {loss.effective_reduction for loss in self.operands()}
        return found.pop() if len(found) == 1 else "inherit"

    def operands(self):
        """The losses that this one is made of."""
        raise NotImplementedError

    def call(self, y_true, y_pred):
        return self.weighable(y_true, y_pred, None, None)[0]


def require_agreement(losses):
    """Raise where losses on the same predictions disagree on `from_logits`."""
    seen = {}
    for loss in losses:
        for part, name, from_logits in logit_uses(loss):
            other = seen.setdefault(part, (name, from_logits))
            if other[1] != from_logits:
                raise ValueError(
                    f"`{other[0]}` has from_logits={other[1]} but `{name}` has "
                    f"from_logits={from_logits}: one output cannot be both logits and "
                    "probabilities. Give both the same `from_logits`."
                )


def logit_uses(loss, part=""):
    """`(part of y_pred, name, from_logits)` for each loss that says which it takes."""
    if isinstance(loss, CombinedLoss):
        part += getattr(loss, "selected_part", "")
        for operand in loss.operands():
            yield from logit_uses(operand, part)
    elif getattr(loss, "from_logits", None) is not None:
        yield part, loss.name, bool(loss.from_logits)


def unique_name(name, taken):
    """`name`, or `name_2`, `name_3`, … where it is taken."""
    if name not in taken:
        return name
    n = 2
    while f"{name}_{n}" in taken:
        n += 1
    return f"{name}_{n}"


def factor_repr(loss):
    """`repr` as it reads beside a `*` or a dot: sums in parentheses."""
    text = repr(loss)
    return f"({text})" if getattr(loss, "reads_as_sum", False) else text
