"""Baseline: the climatology of the training split, as an ensemble of its observed fields.

It knows the season, if anything, of the time that it is asked for. Scored by the fair CRPS it is the reference that
forecasts are commonly measured against (Wilks 2019, Statistical Methods in the Atmospheric Sciences, chapter 9).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_data.discovery.times import day_of_year
from stride_vars.regions import Box

from stride_train.baselines.observed_times import ObservedTimes
from stride_train.progress import Advance
from stride_train.seeds import derived_seed

_DAYS_OF_YEAR = 365.25


class Climatology:
    """Members are the observed fields of times of the training split, drawn without replacement.

    Drawn are times within a window of days of the year. Where it holds fewer than there are members, those nearest to
    it in the year follow. No member is of the date that it stands for, should that be in the training split. Which
    times are drawn depends on the seed and the time alone, and more members leave the first ones as they are. All
    targets of a member are of the same time.
    """

    name = "climatology"
    checkpoint_id = ""
    model_spec: dict[str, Any] | None = None

    def __init__(
        self,
        adapter: Adapter,
        box: Box | None = None,
        *,
        members: int,
        window_days: int | None,
        seed: int,
        times: Sequence[str],
        advance: Advance,
        targets: Sequence[int] | None = None,
    ):
        """Finds the times that members can be taken from.

        Args:
            adapter: Gives the training fields.
            box: HR box of the fields; the region's when None.
            members: Ensemble size; as many as there are observed training times where those are fewer.
            window_days: How far from the time's day of the year members are drawn; None draws from the whole year.
            seed: Chooses the members.
            times: The times that are generated.
            advance: Told how far the reading is.
            targets: Numbers of the targets to make; None for all.

        Raises:
            GenerationError: If the training split has no observed value, or none of another date.
        """
        self.observed = ObservedTimes(
            adapter, box, range(len(adapter.target_names)) if targets is None else targets, advance=advance
        )
        self.members = self.observed.ensemble_size(members, times)
        self.window_days, self.seed, self.calendar = window_days, seed, adapter.calendar
        self._season = {time: self._fraction_of_year(time) for time in self.observed.times}
        self.description: dict[str, Any] = {
            "method": "observed fields of training times, drawn at random without replacement",
            "window_days": window_days,
            **self.observed.description,
        }

    def members_of(self, time: str) -> list[str]:
        """The training times whose fields are the members of a time, in their order."""
        others = self.observed.others(time)
        chooser = np.random.default_rng(derived_seed(self.seed, self.name, time))
        drawn = [others[number] for number in chooser.permutation(len(others))]
        if self.window_days is not None:
            # Stable: within the window the order stays random, beyond it the nearest come first.
            window, season = self.window_days, self._fraction_of_year(time)
            drawn.sort(key=lambda other: max(window, days_apart(season, self._season[other])))
        return drawn[: self.members]

    def generate(self, time: str, members: Sequence[int] | None = None) -> np.ndarray:
        """The members [M, C_out, H_hr, W_hr] of one time, or those of these numbers."""
        fields = self.members_of(time)
        numbers = range(self.members) if members is None else members
        return np.stack([self.observed.field(fields[number]) for number in numbers])

    def _fraction_of_year(self, time: str) -> float:
        number, length = day_of_year(time, self.calendar)
        return (number - 1) / length


def days_apart(one: float, other: float) -> float:
    """Days between two places in the year, given as fractions of it, the shorter way round."""
    apart = abs(one - other)
    return _DAYS_OF_YEAR * min(apart, 1 - apart)
