"""Energy score: the CRPS of whole fields."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.arguments import Dims, check_pair, describe, reduced_dims, units_of
from stride_eval.metrics.blocks import BLOCK_VALUES
from stride_eval.metrics.crps import Estimator, pair_divisor
from stride_eval.metrics.errors import MetricError

CANCELLED = 1e-6
"""Squared distances below this share of the squared lengths have lost digits and are taken again from differences."""


def energy_score(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    dims: str | Sequence[Hashable] = ("y", "x"),
    member_dim: str = "member",
    estimator: Estimator = "fair",
    weights: xr.DataArray | None = None,
    dim: Dims = None,
) -> xr.DataArray:
    r"""Energy score of an ensemble of fields, each field one vector.

    .. math:: \frac1M \sum_i \lVert x_i - y \rVert \;-\; \frac{1}{2 K} \sum_i \sum_j \lVert x_i - x_j \rVert

    with K = M(M-1) for ``fair`` and K = M² for ``ecdf``. The norm is the weighted root mean square over the vector,
    :math:`\lVert d \rVert = \sqrt{\sum_p w_p d_p^2 / \sum_p w_p}`, so that the score is in the units of the field and
    comparable between dates of unlike gaps; the Euclidean norm of the definition is √n times that where all weights
    are one. A vector of one value gives the CRPS. All M(M+1)/2 distances come from matrix products over blocks of the
    vector: memory beyond the input is one block and M² numbers.

    Args:
        forecast: ensemble with dimension ``member_dim``.
        observed: the observation, on the same points.
        dims: dimensions that make the vector; ``("variable", "y", "x")`` scores several standardised variables at once.
        member_dim: the ensemble dimension.
        estimator: ``fair`` (undefined for one member), ``ecdf``, or ``auto``: fair, but the distance to the observation
            for one member.
        weights: weight of each point of the vector (area), with some of ``dims``; ``None`` counts all alike.
        dim: further dimensions to average over.

    Returns:
        Score in the units of the field, 0 perfect, over the dimensions that remain. Points where the observation, any
        member or the weight is missing are left out of the vector; nothing left gives NaN.

    Raises:
        MetricError: ``fair`` with one member, an unknown estimator, negative weights, or fields that do not lie on the
            same points.

    Source:
        Gneiting & Raftery (2007), https://doi.org/10.1198/016214506000001437; fair form: Ferro (2014),
        https://doi.org/10.1002/qj.2270.
    """
    members = check_pair(forecast, observed, member_dim)
    divisor = pair_divisor(members, estimator)
    vector = reduced_dims(observed, dims)
    if not vector:
        raise MetricError("dims names no dimension; name those that make the vector, for example dims=('y', 'x')")
    weight = xr.DataArray(np.ones([observed.sizes[name] for name in vector]), dims=vector)
    if weights is not None:
        if not set(weights.dims) <= set(vector) or bool((weights < 0).any()):
            raise MetricError(f"weights must be 0 or more, along {', '.join(map(str, vector))} alone")
        weight = (weight * weights.reset_coords(drop=True)).transpose(*vector)
    whole = dict.fromkeys(vector, -1)
    score = xr.apply_ufunc(
        _scores,
        forecast if forecast.chunks is None else forecast.chunk({**whole, member_dim: -1}),
        observed if observed.chunks is None else observed.chunk(whole),
        kwargs={
            "weight": weight.values.astype(np.float64).ravel(),
            "divisor": divisor,
            "length": len(vector),
        },
        input_core_dims=[[member_dim, *vector], vector],
        dask="parallelized",
        output_dtypes=[np.float64],
        keep_attrs=False,
    )
    return describe(mean(score, dim=dim), "energy score", units_of(observed, forecast))


def _scores(forecast: np.ndarray, observed: np.ndarray, *, weight: np.ndarray, divisor: int, length: int) -> np.ndarray:
    """Forecast [..., M, *vector], observed [..., *vector] -> [...]; ``length`` dimensions make the vector."""
    kept = np.broadcast_shapes(forecast.shape[: -length - 1], observed.shape[:-length])
    forecast = np.broadcast_to(forecast, (*kept, *forecast.shape[-length - 1 :]))
    observed = np.broadcast_to(observed, (*kept, *observed.shape[-length:]))
    score = np.empty(kept)
    for case in np.ndindex(kept):
        members = forecast[case].reshape(forecast.shape[-length - 1], -1)
        score[case] = _score(members, observed[case].ravel(), weight, divisor)
    return score


def _score(members: np.ndarray, observed: np.ndarray, weight: np.ndarray, divisor: int) -> float:
    """Energy score of one case: members [M, n], observed [n], weight [n]."""
    products, total = _products(members, observed, weight)
    if not total > 0:
        return np.nan
    lengths = np.diag(products)
    squares = lengths[:, None] + lengths - 2.0 * products
    first, second = np.nonzero(np.triu(squares <= CANCELLED * (lengths[:, None] + lengths), 1))
    upper = np.triu_indices(len(members), 1)
    if first.size:
        squares[first, second] = _squared_distances(members, observed, weight, first, second)
    distances = np.sqrt(squares[upper] / total)
    return float(np.sqrt(lengths / total).mean() - distances.sum() / divisor)


def _products(members: np.ndarray, observed: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Weighted inner products of the members' deviations from the observation [M, M], and the weights' sum."""
    products, total = np.zeros((len(members), len(members))), 0.0
    for deviation, kept in _deviations(members, observed, weight):
        products += (deviation * kept) @ deviation.T
        total += float(kept.sum())
    return products, total


def _squared_distances(
    members: np.ndarray, observed: np.ndarray, weight: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """The same for the pairs whose members are (nearly) alike, from their differences: equal members give 0."""
    squares = np.zeros(len(first))
    for deviation, kept in _deviations(members, observed, weight):
        for place, (one, other) in enumerate(zip(first, second, strict=True)):
            squares[place] += ((deviation[one] - deviation[other]) ** 2) @ kept
    return squares


def _deviations(
    members: np.ndarray, observed: np.ndarray, weight: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of the vector: members less observation [M, b] in float64 and weights [b]; what is missing weighs 0."""
    step = max(1, BLOCK_VALUES // len(members))
    for start in range(0, observed.size, step):
        here = slice(start, start + step)
        # Distances from the observation, not from zero: temperatures in K would lose digits.
        deviation = np.subtract(members[:, here], observed[here], dtype=np.float64)
        present = np.isfinite(deviation).all(axis=0) & (weight[here] > 0)
        yield deviation[:, present], weight[here][present]
