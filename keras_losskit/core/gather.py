"""One batch of several replicas: the rows of all of them, and sums over all of them.

Nothing here is our own engine: it is the replica context of `tf.distribute`, or the
process group of `torch.distributed`. On JAX what `keras.distribution` spreads over devices
is computed as one batch already.
"""

import functools

import keras
from keras import ops

from keras_losskit.core.anchors import Anchors
from keras_losskit.core.backend import replicas


def replicas_of(x):
    """The replicas that share the batch of `x`, or `None` where this one is alone."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            return _OfTensorFlow(context)
    if backend == "torch" and x.device.type != "meta":  # There only shapes are asked for.
        import torch.distributed as dist

        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            return _OfTorch(dist.get_rank(), dist.get_world_size())
    return None


def require_no_waiting(layer, loss):
    """Raise where a layer would wait for other replicas.

    Keras keeps the losses that layers add in one list for all replicas of `tf.distribute`,
    and runs another replica while one waits.
    """
    if loss.gathers and replicas() > 1:
        raise ValueError(
            f"{layer}: under `tf.distribute` Keras would mix up the losses of replicas that "
            "wait for each other in a layer, as `gather=True` makes them. Give the loss to "
            "`compile`, or compute it in the `compute_loss` of a model of your own."
        )


def batch_of_all(group, takes, y_true, y_pred, mask, sample_weight, anchors):
    """What a loss is computed from, of all replicas, and which rows are this one's."""
    slopes, plain = {"y_pred": y_pred}, {"mask": mask, "weight": sample_weight}
    if takes.y_true != "unused":
        (slopes if takes.y_true_gradient else plain)["y_true"] = y_true
    slopes, plain, anchors = joined(group, slopes, plain, anchors)
    y_true = slopes.get("y_true", plain.get("y_true", y_true))
    return y_true, slopes["y_pred"], plain["mask"], plain["weight"], anchors


def joined(group, differentiable, others, anchors):
    """The rows of all replicas, by rank, of two structures, and where one's anchors are.

    Gradients flow through the rows of the first structure: what the replicas' losses say of
    a row is added up where the row is from. `None` stays `None`.
    """
    first, second = keras.tree.flatten(differentiable), keras.tree.flatten(others)
    tensors = [x for x in (*first, *second) if x is not None]
    kinds = [keras.backend.standardize_dtype(x.dtype) for x in tensors]
    through = [
        "float" in kind and any(x is y for y in first)
        for x, kind in zip(tensors, kinds, strict=True)
    ]
    sizes = group.sizes(tensors[0])
    with_slopes = iter(
        group.rows([x for x, flows in zip(tensors, through, strict=True) if flows], sizes)
    )
    without = iter(
        group.rows(
            [
                # Engines do not send truth values.
                ops.cast(x, "int32") if kind == "bool" else ops.stop_gradient(x)
                for x, kind, flows in zip(tensors, kinds, through, strict=True)
                if not flows
            ],
            sizes,
        )
    )
    got = iter(
        next(with_slopes) if flows else ops.cast(next(without), kind)
        for kind, flows in zip(kinds, through, strict=True)
    )
    start = group.start(sizes)
    if anchors is None:
        anchors = Anchors(start, ops.shape(tensors[0])[0])
    else:
        anchors = Anchors(start + anchors.start, anchors.count)
    first = [x if x is None else next(got) for x in first]
    second = [x if x is None else next(got) for x in second]
    return (
        keras.tree.pack_sequence_as(differentiable, first),
        keras.tree.pack_sequence_as(others, second),
        anchors,
    )


class _OfTensorFlow:
    def __init__(self, context):
        self.context = context

    def sizes(self, x):
        return self.context.all_gather(ops.reshape(ops.shape(x)[0], (1,)), axis=0)

    def start(self, sizes):
        return ops.sum(sizes[: self.context.replica_id_in_sync_group])

    def rows(self, tensors, sizes):
        # One by one: its gradient wants the tensors of a list to be of one shape.
        return [self.context.all_gather(x, axis=0) for x in tensors]

    def sum(self, x):
        return self.context.all_reduce("SUM", x)


class _OfTorch:
    def __init__(self, rank, count):
        self.rank, self.count = rank, count

    def sizes(self, x):
        import torch

        own = torch.tensor([len(x)], device=x.device)
        return [int(n) for n in _all_rows(own, [1] * self.count)]

    def start(self, sizes):
        return sum(sizes[: self.rank])

    def rows(self, tensors, sizes):
        return _functions()[0].apply(sizes, self.rank, *tensors) if tensors else []

    def sum(self, x):
        return _functions()[1].apply(x)


def _all_rows(x, sizes):
    """The rows of all processes; the engine wants equally many of each."""
    import torch
    import torch.distributed as dist

    most = max(sizes)
    if most == 0:
        return x
    padding = x.new_zeros((most - len(x), *x.shape[1:]))
    x = torch.cat([x, padding]) if len(padding) else x.contiguous()
    parts = [torch.empty_like(x) for _ in sizes]
    dist.all_gather(parts, x)
    return torch.cat([part[:n] for part, n in zip(parts, sizes, strict=True)])


@functools.cache
def _functions():
    import torch
    import torch.distributed as dist

    class Rows(torch.autograd.Function):
        @staticmethod
        def forward(ctx, sizes, rank, *tensors):
            ctx.own = slice(sum(sizes[:rank]), sum(sizes[: rank + 1]))
            return tuple(_all_rows(x, sizes) for x in tensors)

        @staticmethod
        def backward(ctx, *upstream):
            return None, None, *(Sum.apply(up)[ctx.own] for up in upstream)

    class Sum(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            total = x.clone(memory_format=torch.contiguous_format)
            dist.all_reduce(total)
            return total

        @staticmethod
        def backward(ctx, upstream):
            return Sum.apply(upstream)

    return Rows, Sum
