"""`CombinedLoss`: what losses made of losses share, and how operands must agree."""

from typing import NamedTuple

from keras_losskit.core.config import names
from keras_losskit.core.foreign import as_loss
from keras_losskit.core.loss import Loss
from keras_losskit.core.reduction import INHERIT
from keras_losskit.core.takes import logits_of, takes_of


class Batch(NamedTuple):
    """What a loss is called with: `evaluate` and `weighable` take these four."""

    y_true: object
    y_pred: object
    sample_weight: object = None
    mask: object = None


class CombinedLoss(Loss):
    """Base of losses made of losses.

    A subclass says what its operands are, by `operands`, what each of them is given of a
    batch, by `inputs`, and how their values become its own, by `combine`. `reduction`
    and `dtype` are the operands' own; a value given here replaces theirs (on copies:
    operands are never changed).
    """

    def __init__(self, *, reduction=INHERIT, name=None, dtype=None):
        if isinstance(reduction, str) and reduction == INHERIT:
            super().__init__(name=name, dtype=dtype)
            self.reduction = INHERIT
        else:
            super().__init__(reduction=reduction, name=name, dtype=dtype)

    def operand(self, loss):
        """`loss` as an operand of this one, under its reduction and dtype."""
        changed = {}
        if self.reduction != INHERIT:
            changed["reduction"] = self.reduction
        if self.requested_dtype is not None:
            changed["dtype"] = self.requested_dtype
        return changed_copy(as_loss(loss), changed)

    @property
    def effective_reduction(self):
        """The operands' common reduction, or `"inherit"` where they differ."""
        found = {loss.effective_reduction for loss in self.operands()}
        return found.pop() if len(found) == 1 else INHERIT

    @property
    def takes(self):
        """What the operands take, where they take the same."""
        found = {takes_of(loss) for loss in self.operands()}
        return found.pop() if len(found) == 1 else None

    @property
    def gathers(self):
        return any(loss.gathers for loss in self.operands())

    def at_step(self, step):
        """This loss with the weights that its schedules have at `step`.

        Those of sums inside of its parts too. `step` is a number, or a tensor that is
        being traced, such as `model.optimizer.iterations` in a step of your own; with a
        traced one the loss can be called there, not saved.
        """
        from keras_losskit.core.algebra import fixed_at

        return fixed_at(self, step)

    # --- the seam --------------------------------------------------------------------

    def operands(self):
        """The losses that this one is made of."""
        raise NotImplementedError

    def inputs(self, batch):
        """The `Batch` that the operands are called with."""
        return batch

    def combine(self, found):
        """`(values, weights, mask)` from a list of the operands' own."""
        (only,) = found
        return only

    # --- the template ------------------------------------------------------------------

    def weighable(self, y_true, y_pred, sample_weight, mask):
        batch = self.inputs(Batch(y_true, y_pred, sample_weight, mask))
        return self.combine([loss.weighable(*batch) for loss in self.operands()])

    def call(self, y_true, y_pred):
        return self.weighable(y_true, y_pred, None, None)[0]


class Wrapper(CombinedLoss):
    """Base of losses that call one other, on inputs of their own choice.

    The other reduces by its own rule.
    """

    def __init__(self, loss, *, name=None, **common):
        super().__init__(name=name, **common)
        self.loss = self.operand(loss)
        if name is None:
            self.name = self.loss.name

    def operands(self):
        return [self.loss]

    def evaluate(self, y_true, y_pred, sample_weight=None, mask=None):
        batch = self.inputs(Batch(y_true, y_pred, sample_weight, mask))
        return self.loss.evaluate(*batch)


def changed_copy(loss, changed):
    """`loss`, or a copy of it with other arguments."""
    if not changed:
        return loss
    if type(loss).get_config is not Loss.get_config:  # It knows better.
        return type(loss).from_config({**loss.get_config(), **changed})
    arguments = {name: loss.argument(name) for name in names(type(loss))}
    return type(loss).from_arguments({**arguments, **changed})


def require_agreement(losses):
    """Raise where losses on the same predictions disagree on logits or probabilities."""
    seen = {}
    for loss in losses:
        for part, name, from_logits in logit_uses(loss):
            other = seen.setdefault(part, (name, from_logits))
            if other[1] != from_logits:
                raise ValueError(
                    f"`{other[0]}` takes {_shown(other[1])} but `{name}` takes "
                    f"{_shown(from_logits)}: one output cannot be both logits and "
                    "probabilities. Give both the same `from_logits`, or a loss that has no "
                    "such option a part of its own with `.on(y_pred=...)`."
                )


def _shown(from_logits):
    return f"{'logits' if from_logits else 'probabilities'} (from_logits={from_logits})"


def logit_uses(loss, part=""):
    """`(part of y_pred, name, from_logits)` for each loss that says which it takes."""
    if isinstance(loss, CombinedLoss):
        part += getattr(loss, "selected_part", "")
        for operand in loss.operands():
            yield from logit_uses(operand, part)
        return
    from_logits = logits_of(loss)
    if from_logits is not None:
        yield part, loss.name, from_logits


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
