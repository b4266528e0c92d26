"""One case per loss and mode, with a reference written from the paper, in loops.

A file per family holds its `CASES` and its `BAD_OPTIONS`: for each option the
values that its losses must refuse. A reference takes NumPy float64 `y_true`,
`y_pred` and returns the values; it uses nothing of the package. What the
targets and predictions are, and which of the shared tests apply, follows from what the
loss declares; see case.py.
"""

from tests.cases import (
    adversarial,
    audio,
    boxes,
    classification,
    combined,
    distillation,
    distributions,
    latent_variables,
    metric_learning,
    paired_views,
    preference,
    ranking,
    registration,
    regression,
    restoration,
    segmentation,
    sequences,
    survival,
    transport,
)

FAMILIES = (
    regression,
    classification,
    segmentation,
    distributions,
    survival,
    latent_variables,
    metric_learning,
    paired_views,
    boxes,
    ranking,
    restoration,
    distillation,
    transport,
    adversarial,
    preference,
    registration,
    audio,
    sequences,
)
CASES = [case for family in (*FAMILIES, combined) for case in family.CASES]
