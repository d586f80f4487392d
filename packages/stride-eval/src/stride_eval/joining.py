"""Parts of a result put together: systems side by side, blocks of dates in a row, targets side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr

from stride_eval.provenance import Provenance
from stride_eval.systems import Systems


def join_systems(parts: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """System -> results as one Dataset along ``system``; where sizes differ (ranks) the missing places become NaN."""
    names = xr.DataArray(list(parts), dims="system", name="system")
    return xr.concat(
        list(parts.values()), dim=names, join="outer", data_vars="all", coords="minimal", compat="override"
    )


def join_blocks(blocks: Sequence[xr.Dataset]) -> xr.Dataset:
    """Results of successive dates as one: what has a ``time`` is put in a row, what has none is added up.

    Args:
        blocks: each with the same variables; variables without ``time`` are sums or counts over the block's dates.
    """
    if len(blocks) == 1:
        return blocks[0]
    additive = [name for name, values in blocks[0].data_vars.items() if "time" not in values.dims]
    rows = xr.concat(
        [block.drop_vars(additive) for block in blocks],
        dim="time",
        join="exact",
        data_vars="minimal",
        coords="minimal",
        compat="override",
    )
    return rows.assign({name: sum((block[name] for block in blocks[1:]), blocks[0][name]) for name in additive})


def join_targets(family: str, parts: Mapping[str, xr.Dataset], systems: Systems) -> xr.Dataset:
    """One family's results of all targets as one Dataset with its provenance.

    Args:
        family: name of the family.
        parts: target -> results; where sizes differ between targets (fewer thresholds) the missing places become NaN.
        systems: what was evaluated.
    """
    keys = xr.DataArray(list(parts), dims="target", name="target")
    joined = xr.concat(
        list(parts.values()),
        dim=keys,
        join="outer",
        combine_attrs="drop_conflicts",
        data_vars="all",
        coords="minimal",
        compat="override",
    )
    joined.attrs = Provenance.behind(family, systems).to_attrs()
    return joined
