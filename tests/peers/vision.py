"""Makes torchvision importable beside a torch that its compiled part was not built for.

torchvision's wheels are built for a torch with CUDA. Beside the one without, the compiled part
does not load; the losses, which are Python, do not need it, but the import registers shapes for
two of its operators, which have to have names.
"""

import torch

for name in ("nms", "qnms"):
    if not hasattr(torch.ops.torchvision, name):
        torch.library.define(
            f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
