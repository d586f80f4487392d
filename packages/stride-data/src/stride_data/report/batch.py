"""``stride-data batch``: the first batch of a split, as numbers and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from stride_data.adapter import GriddedAdapter
from stride_data.assembly.epoch_batches import EpochBatches
from stride_data.config import load_data_config
from stride_data.report.check import wide_console
from stride_data.report.progress import progress


def show_batch(
    config: Path,
    overrides: Sequence[str],
    *,
    split: str = "train",
    size: int = 4,
    seed: int = 0,
    plot: Path | None = None,
    console: Console | None = None,
) -> None:
    """Print what the first batch of a split holds, as training would get it.

    Statistics are those that the configuration names, otherwise they are computed now and not kept.

    Args:
        config: YAML file.
        overrides: ``key=value`` texts.
        split: Name of the split.
        size: Samples of the batch.
        seed: Seed of order and crops.
        plot: Picture to draw; None for none.
        console: Where to print; standard output when omitted.

    Raises:
        DataError: If the data or the configuration are wrong, or there is no such split.
    """
    console = console or wide_console()
    adapter = GriddedAdapter.from_config(load_data_config(config, overrides))
    times = adapter.times(split)
    if adapter.statistics is None:
        with progress(console, "statistics, not kept") as report:
            adapter.load_statistics(adapter.compute_statistics(report))
    chosen = next(iter(EpochBatches(len(times), batch_size=min(size, len(times)), shuffle=True, seed=seed)))
    samples = [adapter.sample(times[index], hr_box=adapter.crop(seed, epoch, index)) for epoch, index in chosen]
    console.print(_contents(samples))
    for number, sample in enumerate(samples):
        south, north, west, east = sample["cond_coord"]["hr_bounds"]
        console.print(
            f"sample {number}: {sample['meta']['timestamps'][0]}, HR box y {south:g} to {north:g}, x {west:g} to "
            f"{east:g}",
            soft_wrap=True,
            highlight=False,
        )
    if plot is not None:
        from stride_data.report.plot_batch import plot_batch

        plot_batch(adapter, samples, plot)
        console.print(f"wrote {plot}", highlight=False, soft_wrap=True)


def _contents(samples: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("key", "shape", "type", "min", "mean", "max", "channels"):
        table.add_column(column, overflow="fold")
    meta = samples[0]["meta"]
    channels = {
        "target": meta["target_vars"],
        "cond_dynamic": meta["cond_vars"],
        "cond_static": meta["static_vars"],
        "cond_context_dynamic": meta["context_vars"],
        "cond_context_static": meta["context_static_vars"],
        "cond_time": meta["time_features"],
    }
    for key in samples[0]:
        values = [sample[key] for sample in samples]
        if key in ("cond_coord", "meta") or any(value is None for value in values):
            continue
        array = np.stack(values)
        numbers = ("", "", "") if array.dtype == bool else (array.min(), array.mean(), array.max())
        table.add_row(
            key,
            " x ".join(map(str, array.shape)),
            str(array.dtype),
            *(number if isinstance(number, str) else f"{number:.3g}" for number in numbers),
            ", ".join(channels.get(key, meta.get(f"{key}_vars", ()))),
        )
    return table
