"""Computes several lazy results in one pass over their common inputs."""

from __future__ import annotations

import xarray as xr


def compute_together(*results: xr.DataArray | xr.Dataset) -> tuple[xr.DataArray | xr.Dataset, ...]:
    """Computes results of several metrics at once, so that each chunk of the fields is read once for all of them.

    ``dask.compute`` on Datasets would do the same, but fails where a variable of a Dataset is made from another one of
    its variables (https://github.com/pydata/xarray/issues/11329); arrays handed over one by one do not.

    Args:
        *results: lazy results; those in memory already are handed back as they are.

    Returns:
        The same results in memory, in the same order.
    """
    from dask.base import compute, is_dask_collection

    sets = [result if isinstance(result, xr.Dataset) else result.to_dataset(name="value") for result in results]
    lazy = [
        (index, name)
        for index, dataset in enumerate(sets)
        for name, values in dataset.data_vars.items()
        if is_dask_collection(values.data)
    ]
    computed = compute(*(sets[index][name].data for index, name in lazy))
    for (index, name), values in zip(lazy, computed, strict=True):
        sets[index] = sets[index].assign({name: sets[index][name].copy(data=values)})
    return tuple(
        dataset if isinstance(result, xr.Dataset) else dataset["value"].rename(result.name)
        for dataset, result in zip(sets, results, strict=True)
    )
