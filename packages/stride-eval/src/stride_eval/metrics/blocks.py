"""Runs numpy kernels over fields in blocks that fit the processor's cache, so that temporaries stay small."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

BLOCK_VALUES = 2**18
"""Values a kernel handles at once (2 MiB of float64): small temporaries, little overhead by Python."""

MemberKernel = Callable[..., tuple[np.ndarray, ...]]
"""``kernel(members [M, n] contiguous, *others [n]) -> tuple of arrays [n]``: whole rows are what numpy is fast at."""


def over_members(
    kernel: MemberKernel,
    forecast: xr.DataArray,
    *others: xr.DataArray,
    member_dim: str,
    dtypes: Sequence[Any] = (np.float64,),
) -> tuple[xr.DataArray, ...]:
    """Applies a kernel to each point's members, block by block; lazily where the input is dask.

    Args:
        kernel: works on ``[M, n]`` members and ``[n]`` others and returns one ``[n]`` array for each of ``dtypes``.
        forecast: with dimension ``member_dim``, which need not be in one chunk.
        *others: arrays without ``member_dim``, broadcast against the points of ``forecast``.
        member_dim: the ensemble dimension.
        dtypes: dtype of each result.

    Returns:
        One array for each of ``dtypes``, without ``member_dim``.
    """
    result = xr.apply_ufunc(
        _in_blocks,
        forecast,
        *others,
        kwargs={"kernel": kernel, "dtypes": tuple(dtypes)},
        input_core_dims=[[member_dim], *([] for _ in others)],
        output_core_dims=[[] for _ in dtypes],
        dask="parallelized",
        output_dtypes=list(dtypes),
        dask_gufunc_kwargs={"allow_rechunk": True},
        keep_attrs=False,
    )
    return result if isinstance(result, tuple) else (result,)


def _in_blocks(
    members: np.ndarray, *others: np.ndarray, kernel: MemberKernel, dtypes: tuple[Any, ...]
) -> np.ndarray | tuple[np.ndarray, ...]:
    """``members`` is a view with the ensemble axis last; only a block of it is ever copied."""
    count = members.shape[-1]
    shape = np.broadcast_shapes(members.shape[:-1], *(other.shape for other in others))
    members = np.broadcast_to(members, (*shape, count))
    others = tuple(np.broadcast_to(other, shape) for other in others)
    results = tuple(np.empty(shape, dtype) for dtype in dtypes)
    for box in boxes(shape, max(1, BLOCK_VALUES // count)):
        block = np.ascontiguousarray(np.moveaxis(members[box], -1, 0)).reshape(count, -1)
        for result, part in zip(results, kernel(block, *(other[box].reshape(-1) for other in others)), strict=True):
            result[box] = np.reshape(part, result[box].shape)
    return results[0] if len(dtypes) == 1 else results


def boxes(shape: Sequence[int], size: int) -> Iterator[tuple[slice, ...]]:
    """Cuts an array of ``shape`` into boxes of about ``size`` points, along its leading axes."""
    if not shape:
        yield ()
        return
    first, *others = shape
    inner = math.prod(others)
    if inner > size:
        for index in range(first):
            for rest in boxes(others, size):
                yield (slice(index, index + 1), *rest)
    else:
        step = max(1, size // max(1, inner))
        for start in range(0, first, step):
            yield (slice(start, start + step), *(slice(None) for _ in others))


def additive(
    kernel: Callable[[np.ndarray], np.ndarray],
    values: xr.DataArray,
    dim: Sequence[Hashable],
    *,
    out_dim: str,
    out_size: int,
) -> xr.DataArray:
    """Sums a kernel's output over pieces of the reduced dimensions: for counts, which add up over chunks.

    Args:
        kernel: takes ``[cells, r]`` values (r of the reduced points) and returns ``[cells, out_size]`` additive
            numbers.
        values: any array; chunks of dask arrays are reduced where they are.
        dim: names of the reduced dimensions, each a dimension of ``values``.
        out_dim: name of the new last dimension.
        out_size: its length.

    Returns:
        float64 array over the kept dimensions and ``out_dim``.
    """
    kept = [name for name in values.dims if name not in dim]
    ordered = values.transpose(*kept, *dim)
    axes = tuple(range(len(kept), ordered.ndim))

    def reduce_block(block: np.ndarray) -> np.ndarray:
        inner = block.shape[len(kept) :]
        flat = block.reshape(math.prod(block.shape[: len(kept)]), math.prod(inner))
        total = np.zeros((len(flat), out_size))
        step = max(1, 4 * BLOCK_VALUES // max(1, len(flat)))
        for start in range(0, flat.shape[1], step):
            total += kernel(flat[:, start : start + step])
        return total.reshape(*block.shape[: len(kept)], *(1 for _ in inner), out_size)

    if ordered.chunks is None:
        data = reduce_block(ordered.values)
    else:
        chunks = (
            *ordered.data.chunks[: len(kept)],
            *((1,) * len(chunk) for chunk in ordered.data.chunks[len(kept) :]),
            (out_size,),
        )
        data = ordered.data.map_blocks(reduce_block, dtype=np.float64, chunks=chunks, new_axis=ordered.ndim)
    coords = {name: coord for name, coord in ordered.coords.items() if set(coord.dims) <= set(kept)}
    return xr.DataArray(data.sum(axis=axes) if axes else data, coords=coords, dims=[*kept, out_dim])


def count_by_code(codes: np.ndarray, size: int) -> np.ndarray:
    """Counts of the codes 0 .. size-1 in each row ``[cells, r] -> [cells, size]``; negative codes are left out."""
    cells = len(codes)
    shifted = codes.astype(np.int64) + np.arange(cells, dtype=np.int64)[:, None] * size
    return np.bincount(shifted[codes >= 0], minlength=cells * size).reshape(cells, size).astype(np.float64)
