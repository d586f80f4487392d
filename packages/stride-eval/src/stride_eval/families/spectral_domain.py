"""The part of the grid that spectra are of: a field with a missing pixel has none."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.systems import Systems

SMALLEST_SIDE = 8
"""Pixels that a rectangle beside missing ones needs on each side; a smaller one holds too few scales."""

Box = tuple[slice, slice]


def spectral_box(systems: Systems, key: str) -> Box | None:
    """Rows and columns of the largest rectangle without pixels that are always missing.

    Filling a mask would change the spectrum (its edges put power at small scales, in smooth and in rough fields alike),
    a smaller domain does not. What is missing on single dates alone does not count: those dates have no spectrum.

    Args:
        systems: what is evaluated; the first, middle and last date of the observation and of each first member are
            read.
        key: of the target.

    Returns:
        The whole grid where no pixel is always missing; None where no rectangle has ``SMALLEST_SIDE`` pixels a side.
    """
    count = len(systems.times)
    seen = np.zeros(systems.shape, bool)
    for time in sorted({systems.times[index] for index in (0, count // 2, count - 1)}):
        here = np.ones(systems.shape, bool) if systems.mask is None else systems.mask
        if systems.observer is not None:
            here = here & np.isfinite(systems.read("target", systems.observer, key, (time,)).values[0])
        for name in systems.names:
            if name in systems.single_fields:  # missing where its ensemble is
                continue
            here = here & np.isfinite(systems.read("ensemble", name, key, (time,), first_member=True).values[0])
        seen |= here
    if seen.all() or not seen.any():  # whole, or gaps of these dates alone: nothing is always missing for certain
        return slice(0, systems.shape[0]), slice(0, systems.shape[1])
    return largest_rectangle(seen, smallest=SMALLEST_SIDE)


def largest_rectangle(inside: np.ndarray, *, smallest: int = 1) -> Box | None:
    """The rectangle of the largest area that lies inside; the first one by rows among equals.

    Args:
        inside: bool [y, x].
        smallest: pixels on each side at least.

    Returns:
        Rows and columns; None where there is none.
    """
    best: tuple[int, Box] | None = None
    height = np.zeros(inside.shape[1], int)
    for row, line in enumerate(inside):
        height = np.where(line, height + 1, 0)
        # Columns whose heights still rise, with the column from which each height reaches back.
        rising: list[tuple[int, int]] = []
        for column, now in enumerate([*height.tolist(), 0]):
            start = column
            while rising and rising[-1][1] >= now:
                start, high = rising.pop()
                area = high * (column - start)
                if min(high, column - start) >= smallest and (best is None or area > best[0]):
                    best = area, (slice(row + 1 - high, row + 1), slice(start, column))
            rising.append((start, now))
    return None if best is None else best[1]


def of_target(results: xr.Dataset, key: str) -> xr.Dataset:
    """One target's results, without the wavenumbers that only other targets' domains have."""
    one = results.sel(target=key)
    if "observed_spectrum" not in one:
        return one
    held = one["observed_spectrum"].notnull().any("time").values
    return one.isel(wavenumber=np.flatnonzero(held)) if held.any() else one


def domain_words(one: xr.Dataset, shape: tuple[int, ...]) -> str:
    """What a definition adds about the domain of the spectra; nothing where it is the whole grid."""
    if "spectrum_shape" not in one:
        return ""
    rows, columns = (int(side) for side in one["spectrum_shape"].values)
    if (rows, columns) == tuple(shape):
        return ""
    return (
        f" Spectra need fields without missing pixels and are of the largest such rectangle, {rows} x {columns} of "
        f"{shape[0]} x {shape[1]} pixels."
        if rows
        else f" Not given: pixels are always missing, and no rectangle between them has {SMALLEST_SIDE} x "
        f"{SMALLEST_SIDE}."
    )
