"""Bilinear resampling between two nested, cell-centred grids of any rational ratio."""

import torch
from torch import Tensor, nn


def interpolation_matrix(
    n_out: int, n_in: int, *, cell: float, offset: float = 0.0, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Weights of linear interpolation along one axis between cell-centred grids.

    Both grids start at the same edge when `offset` is 0. Output cell i has its centre at (i + 1/2) * cell, in units
    of input cells; input cell j has its centre at j + 1/2 - offset. Beyond the outermost centres the edge value is
    kept. With cell = n_in / n_out and offset 0 this is `align_corners=False`: no shift between the grids.

    Args:
        n_out: Output cells.
        n_in: Input cells.
        cell: Size of an output cell in input cells.
        offset: Input cells before the edge where the output grid starts (a margin).
        dtype: Of the weights.

    Returns:
        [n_out, n_in], rows sum to one.
    """
    centres = (torch.arange(n_out, dtype=torch.float64) + 0.5) * cell + offset - 0.5  # as a fractional input index
    centres = centres.clamp(0, n_in - 1)
    left = centres.floor().long().clamp(max=max(n_in - 2, 0))
    fraction = centres - left
    weights = torch.zeros(n_out, n_in, dtype=torch.float64)
    rows = torch.arange(n_out)
    weights[rows, left] += 1 - fraction
    weights[rows, (left + 1).clamp(max=n_in - 1)] += fraction
    return weights.to(dtype)


class Resample(nn.Module):
    """Bring LR maps onto one of the UNet's grids.

    Args:
        lr_shape: Rows and columns of the LR maps, margins included.
        lr_per_hr: Size of an HR pixel in LR cells, along rows and columns.
        margins: LR cells before the HR box's first edge, along rows and columns.
        out_shape: Rows and columns of the output grid.
        cell: Side of an output cell in HR pixels.
    """

    rows: Tensor
    columns: Tensor

    def __init__(
        self,
        lr_shape: tuple[int, int],
        lr_per_hr: tuple[float, float],
        margins: tuple[float, float],
        out_shape: tuple[int, int],
        cell: int,
    ) -> None:
        super().__init__()
        axes = zip(("rows", "columns"), out_shape, lr_shape, lr_per_hr, margins, strict=True)
        for name, n_out, n_in, ratio, margin in axes:
            matrix = interpolation_matrix(n_out, n_in, cell=cell * ratio, offset=margin)
            # Not persistent: the same weights serve another domain size under another specification.
            self.register_buffer(name, matrix, persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Resample [B, C, h_lr, w_lr] to [B, C, H, W], the two axes one after the other."""
        rows, columns = self.rows.to(maps.dtype), self.columns.to(maps.dtype)
        return rows @ (maps @ columns.mT)
