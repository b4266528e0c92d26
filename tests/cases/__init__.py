"""One case per loss and mode, with a reference written from the paper, in loops.

A file per family holds its `CASES` and its `BAD_OPTIONS`: for each option the
values that its losses must refuse. A reference takes NumPy float64 `y_true`,
`y_pred` and returns the values; it uses nothing of the package. `kind` says
what the targets are: "real", "counts" (predicted by a rate's logarithm),
"binary", "classes" (`y_pred (…, C)`), "map" (`(B, *spatial, C)`), "boxes"
(`(B, …, 4)`), "ranking" (relevance, `(B, L)`), "embeddings", "views", "cosines",
"triplets" (see metric_learning.py), and decides which of the shared tests apply.
"""

from tests.cases import (
    boxes,
    classification,
    combined,
    latent_variables,
    metric_learning,
    paired_views,
    ranking,
    regression,
    segmentation,
)

FAMILIES = (
    regression,
    classification,
    segmentation,
    latent_variables,
    metric_learning,
    paired_views,
    boxes,
    ranking,
)
CASES = [case for family in (*FAMILIES, combined) for case in family.CASES]
