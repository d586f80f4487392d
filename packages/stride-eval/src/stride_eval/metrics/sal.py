"""SAL: structure, amplitude and location of amounts in a domain, of single fields and of ensembles."""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import check_pair, describe, reduced_dims
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.objects import Connectivity, check_objects, find_objects

Reference = Literal["maximum", "percentile"]
"""What an object's threshold is a part of: the field's maximum (2008), or its 95th percentile (2009)."""

_FEATURES = {
    "amount": "domain mean",
    "centre_y": "centre of mass along rows",
    "centre_x": "centre of mass along columns",
    "scatter": "weighted distance of objects from the centre of mass",
    "volume": "weighted scaled volume of objects",
}


def sal_features(
    field: xr.DataArray,
    *,
    reference: Reference = "maximum",
    factor: float = 1.0 / 15.0,
    floor: float = 0.0,
    spacing: tuple[float, float] = (1.0, 1.0),
    dims: tuple[str, str] = ("y", "x"),
    connectivity: Connectivity = 8,
) -> xr.Dataset:
    """What SAL compares of each field R.

    D = mean of R; x = centre of mass of R. Objects n are connected pixels with R >= R*, R* = factor times the field's
    own maximum, or times the 95th percentile of its values above ``floor``. With R_n the sum over an object and x_n its
    centre of mass: scatter r = sum R_n |x - x_n| / sum R_n; volume V = sum R_n V_n / sum R_n, V_n = R_n / max of the
    object.

    Args:
        field: amounts, none below zero; whatever dimensions it has beside ``dims`` stay.
        reference: what the threshold is a part of.
        factor: which part; 1/15 in both papers.
        floor: values that are not above it do not enter the percentile (0.1 mm in an hour in the paper).
        spacing: distance between rows and between columns.
        dims: the two spatial dimensions.
        connectivity: 8: pixels that touch at a corner belong together; 4: along rows and columns alone.

    Returns:
        ``amount`` (units of the field), ``centre_y``, ``centre_x``, ``scatter`` (units of spacing) and ``volume``
        (pixels). Missing pixels are left out. A field without any amount has amount 0 and NaN for the others; one
        without a valid pixel has NaN alone.

    Raises:
        MetricError: values below zero, an unknown reference, a factor that is not above 0 and below 1.

    Source:
        Wernli et al. (2008), https://doi.org/10.1175/2008MWR2415.1; percentile: Wernli et al.
        (2009), https://doi.org/10.1175/2009WAF2222271.1.
    """
    check_objects(connectivity, 1)
    for name in dims:
        reduced_dims(field, name)
    if reference not in ("maximum", "percentile"):
        raise MetricError(f"there is no reference {reference!r}; choose 'maximum' or 'percentile'")
    if not 0 < factor < 1:
        raise MetricError(f"factor is {factor}; give a number above 0 and below 1 (1/15 in the papers)")
    if not floor >= 0:
        raise MetricError(f"floor is {floor}; give an amount that is not below 0")
    found = xr.apply_ufunc(
        _features,
        field if field.chunks is None else field.chunk(dict.fromkeys(dims, -1)),
        kwargs={
            "reference": reference,
            "factor": factor,
            "floor": floor,
            "spacing": spacing,
            "connectivity": connectivity,
        },
        input_core_dims=[list(dims)],
        output_core_dims=[["feature"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"feature": len(_FEATURES)}},
        keep_attrs=False,
    )
    height, width = (field.sizes[name] * step for name, step in zip(dims, spacing, strict=True))
    diagonal = float(np.hypot(height, width))
    parts = {key: describe(found.isel(feature=index), text) for index, (key, text) in enumerate(_FEATURES.items())}
    return xr.Dataset(parts, attrs={"diagonal": diagonal, "reference": reference, "factor": factor})


def sal_from_features(forecast: xr.Dataset, observed: xr.Dataset) -> xr.Dataset:
    """Structure, amplitude and location of each forecast field against the observed one.

    S = (V_f - V_o) / ((V_f + V_o) / 2): above 0 too wide or too flat, below 0 too small or too peaked. A = (D_f - D_o)
    / ((D_f + D_o) / 2): 1 is three times as much, -1 a third. L = L1 + L2, L1 = |x_f - x_o| / d, L2 = 2 |r_f - r_o| /
    d, d the domain's diagonal from edge to edge.

    Args:
        forecast: from :func:`sal_features`, with the member dimension or without.
        observed: the same of the observation.

    Returns:
        ``structure`` and ``amplitude`` from -2 to 2, ``location`` from 0 to 2 with its parts ``location_1`` and
        ``location_2``. Where one field has no amount, the amplitude is 2 or -2 and the others are NaN; where neither
        has, all are NaN.

    Source:
        Wernli et al. (2008), https://doi.org/10.1175/2008MWR2415.1.
    """
    diagonal = _diagonal(forecast, observed)
    first = _apart(forecast, observed)
    second = 2.0 * abs(forecast["scatter"] - observed["scatter"])
    return _described(
        _relative(forecast["volume"], observed["volume"]),
        _relative(forecast["amount"], observed["amount"]),
        first / diagonal,
        second / diagonal,
    )


def ensemble_sal_from_features(forecast: xr.Dataset, observed: xr.Dataset, *, member_dim: str = "member") -> xr.Dataset:
    """SAL of an ensemble as a whole: means over members are compared, not members.

    eS and eA are S and A of the members' mean volume and mean amount; eL1 is the distance between the mean of the
    members' centres of mass and the observed one, over d; eL2 = 2 CRPS(r of the members, r observed) / d, the CRPS of
    the empirical distribution. Members without any amount count in eA and are left out of the others.

    Args:
        forecast: from :func:`sal_features`, with the member dimension.
        observed: the same of the observation.
        member_dim: the ensemble dimension.

    Returns:
        The variables of :func:`sal_from_features`, without the member dimension; for one member the same numbers.

    Raises:
        MetricError: no member dimension.

    Source:
        Radanovics et al. (2018), https://doi.org/10.1175/WAF-D-17-0162.1.
    """
    if member_dim not in forecast["amount"].dims:
        raise MetricError(f"forecast has no dimension {member_dim!r}; sal_from_features compares single fields")
    diagonal = _diagonal(forecast, observed)
    mean = forecast.mean(member_dim)
    first = _apart(mean, observed)
    scatter = forecast["scatter"]
    error = abs(scatter - observed["scatter"]).mean(member_dim)
    apart = abs(scatter - scatter.rename({member_dim: "_other"})).mean((member_dim, "_other"))
    return _described(
        _relative(mean["volume"], observed["volume"]),
        _relative(mean["amount"], observed["amount"]),
        first / diagonal,
        2.0 * (error - 0.5 * apart) / diagonal,
    )


def sal(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    reference: Reference = "maximum",
    factor: float = 1.0 / 15.0,
    floor: float = 0.0,
    spacing: tuple[float, float] = (1.0, 1.0),
    dims: tuple[str, str] = ("y", "x"),
    member_dim: str = "member",
    connectivity: Connectivity = 8,
) -> xr.Dataset:
    """SAL of every field of a forecast; see :func:`sal_features` and :func:`sal_from_features`.

    Args:
        forecast: ensemble with dimension ``member_dim``, which stays, or a single field (PMM, ensemble mean).
        observed: the observation, on the same points; pixels that are missing in it or in a member are left out.
        reference: as in :func:`sal_features`, and so are the following ones.
        factor: part of the reference that is the objects' threshold.
        floor: values that are not above it do not enter the percentile.
        spacing: distance between rows and between columns.
        dims: the two spatial dimensions.
        member_dim: the ensemble dimension.
        connectivity: 4 or 8.

    Returns:
        ``structure``, ``amplitude``, ``location``, ``location_1`` and ``location_2``.

    Raises:
        MetricError: fields that do not lie on the same points, or values below zero.

    Source:
        Wernli et al. (2008), https://doi.org/10.1175/2008MWR2415.1.
    """
    ensemble = isinstance(forecast, xr.DataArray) and member_dim in forecast.dims
    check_pair(forecast if ensemble else forecast.expand_dims(member_dim), observed, member_dim)
    valid = observed.notnull() & (forecast.notnull().all(member_dim) if ensemble else forecast.notnull())
    fields = [
        sal_features(
            field.where(valid), reference=reference, factor=factor, floor=floor, spacing=spacing, dims=dims,
            connectivity=connectivity,
        )
        for field in (forecast, observed)
    ]  # fmt: skip
    return sal_from_features(*fields)


def _relative(forecast: xr.DataArray, observed: xr.DataArray) -> xr.DataArray:
    """Difference over the mean of both."""
    mean = 0.5 * (forecast + observed)
    return (forecast - observed) / mean.where(mean > 0)


def _apart(forecast: xr.Dataset, observed: xr.Dataset) -> xr.DataArray:
    """Distance between centres of mass."""
    along_y, along_x = (forecast[name] - observed[name] for name in ("centre_y", "centre_x"))
    return (along_y**2 + along_x**2) ** 0.5


def _diagonal(forecast: xr.Dataset, observed: xr.Dataset) -> float:
    if not np.isclose(forecast.attrs["diagonal"], observed.attrs["diagonal"]):
        raise MetricError(
            f"the forecast's domain has a diagonal of {forecast.attrs['diagonal']:g} and the observed one "
            f"{observed.attrs['diagonal']:g}; compare fields of one domain"
        )
    return float(observed.attrs["diagonal"])


def _described(structure: xr.DataArray, amplitude: xr.DataArray, one: xr.DataArray, two: xr.DataArray) -> xr.Dataset:
    return xr.Dataset(
        {
            "structure": describe(structure, "SAL structure", "1"),
            "amplitude": describe(amplitude, "SAL amplitude", "1"),
            "location": describe(one + two, "SAL location", "1"),
            "location_1": describe(one, "SAL location, centre of mass", "1"),
            "location_2": describe(two, "SAL location, scatter of objects", "1"),
        }
    )


def _features(
    fields: np.ndarray,
    *,
    reference: Reference,
    factor: float,
    floor: float,
    spacing: tuple[float, float],
    connectivity: Connectivity,
) -> np.ndarray:
    """[..., y, x] -> [..., feature]; one field at a time."""
    kept = fields.shape[:-2]
    result = np.full((*kept, len(_FEATURES)), np.nan)
    for index in np.ndindex(kept):
        field = fields[index].astype(np.float64)
        valid = ~np.isnan(field)
        if not valid.any():
            continue
        lowest = field[valid].min()
        if lowest < 0:
            raise MetricError(
                f"SAL is for amounts, and a value is {lowest:g}; set small negative values to zero by .clip(min=0), or "
                "score a variable that is an amount"
            )
        result[index] = _of_field(field, valid, reference, factor, floor, spacing, connectivity)
    return result


def _of_field(
    field: np.ndarray,
    valid: np.ndarray,
    reference: Reference,
    factor: float,
    floor: float,
    spacing: tuple[float, float],
    connectivity: Connectivity,
) -> tuple[float, float, float, float, float]:
    filled = np.where(valid, field, 0.0)
    total = filled.sum()
    amount = total / valid.sum()
    if total == 0:
        return amount, np.nan, np.nan, np.nan, np.nan
    rows, columns = (np.arange(size) * step for size, step in zip(field.shape, spacing, strict=True))
    centre = filled.sum(axis=1) @ rows / total, filled.sum(axis=0) @ columns / total
    if reference == "percentile":
        above = filled[filled > floor]
        threshold = factor * np.percentile(above, 95.0) if above.size else np.nan
    else:
        threshold = factor * filled.max()
    found = find_objects(filled, threshold, connectivity=connectivity)
    if not len(found):
        return amount, *centre, np.nan, np.nan
    y, x = np.nonzero(found.labels)
    number, values = found.labels[y, x] - 1, filled[y, x]
    at_y = np.bincount(number, weights=values * rows[y]) / found.total
    at_x = np.bincount(number, weights=values * columns[x]) / found.total
    everything = found.total.sum()
    scatter = found.total @ np.hypot(at_y - centre[0], at_x - centre[1]) / everything
    volume = found.total @ (found.total / found.maximum) / everything
    return amount, *centre, scatter, volume
