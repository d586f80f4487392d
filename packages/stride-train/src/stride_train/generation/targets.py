"""Which of an experiment's targets are generated."""

from __future__ import annotations

from collections.abc import Sequence

from stride_data.adapter_protocol import Adapter


def chosen_targets(adapter: Adapter, names: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the targets that `generate.targets` names, in the data's order; of all when it names none."""
    return tuple(number for number, name in enumerate(adapter.target_names) if not names or name in names)
