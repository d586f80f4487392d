"""Parts of a result put together: systems side by side, blocks of dates in a row, targets side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from stride_eval.provenance import Provenance
from stride_eval.systems import Systems


def join_systems(parts: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """System -> results as one Dataset along ``system``; where sizes differ (ranks) the missing places become NaN."""
    names = xr.DataArray(list(parts), dims="system", name="system")
    numbered = [_numbered(part) for part in parts.values()]
    return xr.concat(numbered, dim=names, join="outer", data_vars="all", coords="minimal", compat="override")


def _numbered(part: xr.Dataset) -> xr.Dataset:
    """Dimensions without coordinates are counted from 0, so that parts of unlike sizes can be aligned."""
    return part.assign_coords({dim: np.arange(size) for dim, size in part.sizes.items() if dim not in part.coords})


def join_blocks(blocks: Sequence[xr.Dataset]) -> xr.Dataset:
    """Results of successive dates as one: what has a ``time`` is put in a row, what has none is added up.

    Args:
        blocks: each with the same variables; variables without ``time`` are sums or counts over the block's dates.
    """
    if len(blocks) == 1:
        return blocks[0]
    additive = [name for name, values in blocks[0].data_vars.items() if "time" not in values.dims]
    added = xr.Dataset({name: sum((block[name] for block in blocks[1:]), blocks[0][name]) for name in additive})
    rows = [block.drop_vars(additive) for block in blocks]
    if not rows[0].data_vars:
        return added
    joined = xr.concat(rows, dim="time", join="exact", data_vars="minimal", coords="minimal", compat="override")
    return joined.merge(added)


def join_targets(family: str, parts: Mapping[str, xr.Dataset], systems: Systems) -> xr.Dataset:
    """One family's results of all targets as one Dataset with its provenance.

    Args:
        family: name of the family.
        parts: target -> results; where sizes differ between targets (fewer thresholds) the missing places become NaN.
        systems: what was evaluated.
    """
    if not parts:
        return xr.Dataset(attrs=Provenance.behind(family, systems).to_attrs())
    keys = xr.DataArray(list(parts), dims="target", name="target")
    joined = xr.concat(
        [_numbered(part) for part in parts.values()],
        dim=keys,
        join="outer",
        combine_attrs="drop_conflicts",
        data_vars="all",
        coords="minimal",
        compat="override",
    )
    # Joining drops what coordinates say of themselves; the figures need their units and direction.
    joined = joined.assign_coords({axis.name: axis.variable for axis in systems.axes if axis.name in joined.dims})
    joined.attrs = Provenance.behind(family, systems).to_attrs()
    return joined
