"""``stride-data prepare``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from stride_data.adapter import GriddedAdapter
from stride_data.config import load_data_config
from stride_data.report.progress import progress
from stride_data.store.layout import Compression
from stride_data.store.prepare import Prepared, plan_store, prepare_store


def prepare_data(
    config: Path,
    out: Path,
    overrides: Sequence[str],
    *,
    tile: int,
    compression: Compression,
    console: Console | None = None,
) -> Path:
    """Write the training store of a configuration, or what is missing of it.

    Args:
        config: YAML file.
        out: The store.
        overrides: ``key=value`` texts.
        tile: Wished edge length of a tile, in cells.
        compression: Of the tiles.
        console: Where to print; standard output when omitted.

    Returns:
        The store.

    Raises:
        DataError: If the data or the configuration are wrong, or the store cannot be written.
    """
    console = console or Console()
    # The archive is read, also where the configuration names the store that is about to be made.
    data = load_data_config(config, overrides).model_copy(update={"statistics": None, "store": None})
    plan = plan_store(GriddedAdapter.from_config(data), tile=tile, compression=compression)
    size = f"{'' if compression == 'none' else 'at most '}{_bytes(plan.bytes)}"

    def announce(found: Prepared) -> None:
        rest = f"{found.there} are there already" if found.there else "nothing is there yet"
        console.print(f"{out}: {size} in {found.shards} shards; {rest}", highlight=False, soft_wrap=True)

    with progress(console, "shards") as report:
        prepare_store(plan, out, progress=report, announce=announce)
    console.print(f"train from it with --set data.store={out}", highlight=False, soft_wrap=True)
    return out


def _bytes(count: int) -> str:
    return f"{count / 1e9:.3g} GB" if count >= 1e9 else f"{count / 1e6:.3g} MB"
