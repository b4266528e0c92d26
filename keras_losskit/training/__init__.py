"""Where a loss meets a model: terms in the logs, weights that move, inner tensors."""
