"""The observed fields of the training split, as members of baselines that repeat what was observed."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_data.assembly.fields import FieldSet
from stride_vars.regions import Box

from stride_train.errors import GenerationError
from stride_train.progress import Advance

_KEPT_BYTES = 2**29
_DATE = len("2001-01-01")


class ObservedTimes:
    """Times of the training split that members can be taken from, with their observed fields in one box.

    A member with a gap would cost every system that pixel, since an evaluation leaves a pixel out for all of them where
    a member is missing. So times that miss a pixel which others observe are left out, unless fewer than two would be
    left: then all are taken, gaps and all. Pixels that are never observed are missing in every member.

    Attributes:
        times: ISO times, in order.
        left_out: How many observed times were left out for their gaps.
        with_gaps: Whether fields have gaps.
    """

    def __init__(
        self,
        adapter: Adapter,
        box: Box | None,
        targets: Sequence[int],
        *,
        advance: Advance,
        look: Callable[[str, FieldSet], None] | None = None,
        kept_bytes: int = _KEPT_BYTES,
    ):
        """Reads every training time once.

        Args:
            adapter: Gives the fields.
            box: HR box; the region's when None.
            targets: Numbers of the targets.
            advance: Told how far the reading is.
            look: Called with each observed time and all its fields.
            kept_bytes: Observed fields that are kept in memory, at most; others are read again when needed.

        Raises:
            GenerationError: If no target value of the training split is observed.
        """
        self._adapter, self._box, self._targets = adapter, box, list(targets)
        self._kept: OrderedDict[str, np.ndarray] = OrderedDict()
        self._free_bytes = kept_bytes
        observed: dict[str, int] = {}
        anywhere: np.ndarray | None = None
        times = adapter.times("train")
        for number, time in enumerate(times, start=1):
            fields = adapter.fields(time, box)
            if fields.target is not None:
                seen = np.isfinite(self._keep(time, fields.target))
                anywhere = seen if anywhere is None else anywhere | seen
                if seen.any():
                    observed[time] = int(seen.sum())
                    if look is not None:
                        look(time, fields)
            advance(number / len(times), f"{number} of {len(times)} times")
        if anywhere is None or not observed:
            names = ", ".join(adapter.target_names[number] for number in self._targets)
            raise GenerationError(f"The training split holds no observed value of {names}: check data.splits.")
        whole = [time for time, count in observed.items() if count == anywhere.sum()]
        self.with_gaps = len(whole) < min(2, len(observed))
        self.times = list(observed) if self.with_gaps else whole
        self.left_out = len(observed) - len(self.times)

    @property
    def description(self) -> dict[str, Any]:
        """Which times members are taken from, as the saved ensemble records it."""
        return {
            "training_times": len(self.times),
            "first": self.times[0],
            "last": self.times[-1],
            "left_out_for_gaps": self.left_out,
            "with_gaps": self.with_gaps,
        }

    def field(self, time: str) -> np.ndarray:
        """The observed fields of a time, float32 [C_out, H_hr, W_hr], NaN where not observed."""
        if time in self._kept:
            self._kept.move_to_end(time)
            return self._kept[time]
        target = self._adapter.fields(time, self._box).target
        assert target is not None, "the time was observed when it was read first"
        return self._keep(time, target)

    def others(self, time: str) -> list[str]:
        """The times that are not of the date of a given one."""
        return [other for other in self.times if other[:_DATE] != time[:_DATE]]

    def ensemble_size(self, asked: int, times: Sequence[str]) -> int:
        """How many members each of some times can have, no more than asked for.

        Raises:
            GenerationError: If there is a time without any.
        """
        on_date = Counter(time[:_DATE] for time in self.times)
        most = len(self.times) - max((on_date[time[:_DATE]] for time in times), default=0)
        if most < 1:
            raise GenerationError(
                "The training split holds no observed time of another date than the one that is generated: generate "
                "another split (generate.split), or widen data.splits.train."
            )
        return min(asked, most)

    def _keep(self, time: str, target: np.ndarray) -> np.ndarray:
        field = np.array(target[self._targets], dtype=np.float32)
        self._kept[time] = field
        self._free_bytes -= field.nbytes
        while self._free_bytes < 0 and len(self._kept) > 1:
            self._free_bytes += self._kept.popitem(last=False)[1].nbytes
        return field
