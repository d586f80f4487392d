"""Verification metrics on xarray: one function a metric, the same arguments everywhere.

``forecast`` carries the dimension ``member``; ``observed`` does not; everything else is given by keyword. ``dim=None``
keeps every point, ``dim=...`` reduces all dimensions. A point where the observation or any member is missing is left
out. Events are ``>= threshold``.
"""

from stride_eval.metrics.aggregate import mean
from stride_eval.metrics.amount_above import amount_above, wet_day_quantile
from stride_eval.metrics.autocorrelation import autocorrelation
from stride_eval.metrics.bias import bias
from stride_eval.metrics.block_maximum import block_maximum
from stride_eval.metrics.bootstrap import block_bootstrap
from stride_eval.metrics.brier import brier_score, brier_score_from_counts
from stride_eval.metrics.brier_decomposition import brier_decomposition
from stride_eval.metrics.climate_uncertainty import climate_uncertainty, common_classes, equal_groups
from stride_eval.metrics.consistency import consistency_bars
from stride_eval.metrics.corp import corp_decomposition, isotonic_frequency
from stride_eval.metrics.correlation import correlation
from stride_eval.metrics.correlogram import correlogram, correlogram_components, correlogram_from_components
from stride_eval.metrics.cross_correlation import cross_correlation
from stride_eval.metrics.crps import crps_ensemble
from stride_eval.metrics.date_runs import DateRuns, date_runs
from stride_eval.metrics.distance_pairs import DistancePairs, distance_pairs
from stride_eval.metrics.economic_value import largest_economic_value, potential_economic_value, relative_economic_value
from stride_eval.metrics.effective_resolution import effective_resolution, resolved_wavenumber
from stride_eval.metrics.energy_score import energy_score
from stride_eval.metrics.ensemble_moments import ensemble_mean, ensemble_moments
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.exceedance import exceedance
from stride_eval.metrics.exceedance_ratio import exceedance_ratio
from stride_eval.metrics.false_discovery import false_discovery
from stride_eval.metrics.fss import fss, fss_components, fss_from_components
from stride_eval.metrics.fss_useful_scale import fss_useful_scale
from stride_eval.metrics.gev import gev_from_l_moments, gev_return_level
from stride_eval.metrics.gpd import gpd_from_l_moments, gpd_return_level
from stride_eval.metrics.hersbach import hersbach_decomposition
from stride_eval.metrics.histogram import histogram
from stride_eval.metrics.intensity_scale import (
    intensity_scale_components,
    intensity_scale_from_components,
    intensity_scale_skill,
)
from stride_eval.metrics.interval_coverage import interval_coverage, interval_order
from stride_eval.metrics.l_moments import l_moments, l_moments_of_counts
from stride_eval.metrics.log_spectral_distance import log_spectral_distance
from stride_eval.metrics.mae import mae
from stride_eval.metrics.member_counts import member_counts
from stride_eval.metrics.object_matching import match_objects, object_threat_score
from stride_eval.metrics.objects import object_statistics
from stride_eval.metrics.order_statistics import order_statistic_sums
from stride_eval.metrics.perkins import perkins_overlap
from stride_eval.metrics.pit import pit_histogram
from stride_eval.metrics.point_pairs import PointPairs, point_pairs
from stride_eval.metrics.quantile_ratio import quantile_ratio
from stride_eval.metrics.quantiles import pooled_quantiles
from stride_eval.metrics.rank_components import rank_components, rank_convexity, rank_slope
from stride_eval.metrics.rank_histogram import rank_histogram
from stride_eval.metrics.rank_uniformity import rank_uniformity
from stride_eval.metrics.relative_bias import relative_bias
from stride_eval.metrics.reliability import reliability_curve
from stride_eval.metrics.rmse import rmse
from stride_eval.metrics.roc import roc_area, roc_curve
from stride_eval.metrics.running_sum import running_sum, rx_n_day
from stride_eval.metrics.sal import ensemble_sal_from_features, sal, sal_features, sal_from_features
from stride_eval.metrics.skill_score import skill_score
from stride_eval.metrics.spectra import power_spectrum, spectral_ratio
from stride_eval.metrics.spells import spell_lengths
from stride_eval.metrics.spread_skill import spread_skill, spread_skill_binned
from stride_eval.metrics.spread_skill_sums import spread_skill_sums
from stride_eval.metrics.tail_dependence import joint_exceedance, tail_dependence, tail_dependence_from_shares
from stride_eval.metrics.temporal_spectrum import temporal_spectrum
from stride_eval.metrics.threshold_weighted_crps import threshold_weighted_crps
from stride_eval.metrics.together import compute_together
from stride_eval.metrics.transition import transition_probabilities
from stride_eval.metrics.valid import count_valid, mask_to_common, valid_points
from stride_eval.metrics.variogram_score import variogram_score
from stride_eval.metrics.wasserstein import wasserstein
from stride_eval.metrics.wet_day import wet_day_frequency, wet_day_intensity

__all__ = [
    "DateRuns",
    "DistancePairs",
    "MetricError",
    "PointPairs",
    "amount_above",
    "autocorrelation",
    "bias",
    "block_bootstrap",
    "block_maximum",
    "brier_decomposition",
    "brier_score",
    "brier_score_from_counts",
    "climate_uncertainty",
    "common_classes",
    "compute_together",
    "consistency_bars",
    "corp_decomposition",
    "correlation",
    "correlogram",
    "correlogram_components",
    "correlogram_from_components",
    "count_valid",
    "cross_correlation",
    "crps_ensemble",
    "date_runs",
    "distance_pairs",
    "effective_resolution",
    "energy_score",
    "ensemble_mean",
    "ensemble_moments",
    "ensemble_sal_from_features",
    "equal_groups",
    "exceedance",
    "exceedance_ratio",
    "false_discovery",
    "fss",
    "fss_components",
    "fss_from_components",
    "fss_useful_scale",
    "gev_from_l_moments",
    "gev_return_level",
    "gpd_from_l_moments",
    "gpd_return_level",
    "hersbach_decomposition",
    "histogram",
    "intensity_scale_components",
    "intensity_scale_from_components",
    "intensity_scale_skill",
    "interval_coverage",
    "interval_order",
    "isotonic_frequency",
    "joint_exceedance",
    "l_moments",
    "l_moments_of_counts",
    "largest_economic_value",
    "log_spectral_distance",
    "mae",
    "mask_to_common",
    "match_objects",
    "mean",
    "member_counts",
    "object_statistics",
    "object_threat_score",
    "order_statistic_sums",
    "perkins_overlap",
    "pit_histogram",
    "point_pairs",
    "pooled_quantiles",
    "potential_economic_value",
    "power_spectrum",
    "quantile_ratio",
    "rank_components",
    "rank_convexity",
    "rank_histogram",
    "rank_slope",
    "rank_uniformity",
    "relative_bias",
    "relative_economic_value",
    "reliability_curve",
    "resolved_wavenumber",
    "rmse",
    "roc_area",
    "roc_curve",
    "running_sum",
    "rx_n_day",
    "sal",
    "sal_features",
    "sal_from_features",
    "skill_score",
    "spectral_ratio",
    "spell_lengths",
    "spread_skill",
    "spread_skill_binned",
    "spread_skill_sums",
    "tail_dependence",
    "tail_dependence_from_shares",
    "temporal_spectrum",
    "threshold_weighted_crps",
    "transition_probabilities",
    "valid_points",
    "variogram_score",
    "wasserstein",
    "wet_day_frequency",
    "wet_day_intensity",
    "wet_day_quantile",
]
