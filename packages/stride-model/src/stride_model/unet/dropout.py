"""Dropout that does not depend on how a batch is divided."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BatchDropout(nn.Dropout):
    """Dropout that drops of some rows of a batch what it would drop of them in the whole batch.

    It draws for the whole batch and takes the rows of its input; all processes have to draw from the same seed.

    Attributes:
        rows: Number of the input's first row, and rows of the whole batch; None where the input is the batch.
    """

    rows: tuple[int, int] | None = None

    def forward(self, input: Tensor) -> Tensor:
        """Map [B, ...] to the same shape."""
        if self.rows is None or not self.training or self.p == 0.0:
            return super().forward(input)
        first, size = self.rows
        # Random numbers are drawn in the order of memory, so that this has to be laid out as the batch would be.
        layout = torch.channels_last if input.is_contiguous(memory_format=torch.channels_last) else None
        ones = torch.ones((size, *input.shape[1:]), dtype=input.dtype, device=input.device)
        kept = F.dropout(ones.contiguous(memory_format=layout) if layout is not None else ones, self.p)
        return input * kept[first : first + input.shape[0]]


@contextmanager
def dropping_rows(module: nn.Module, first: int, size: int) -> Iterator[None]:
    """Within it, the dropout of a module takes its inputs for the rows from `first` on of a batch of `size`."""
    layers = [layer for layer in module.modules() if isinstance(layer, BatchDropout) and layer.p > 0]
    for layer in layers:
        layer.rows = (first, size)
    try:
        yield
    finally:
        for layer in layers:
            layer.rows = None
