"""Batches of a split, the same for the same (seed, epoch) with any number of workers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from stride_vars.errors import StrideError
from torch.utils.data import DataLoader, get_worker_info

from stride_data.adapter_protocol import Adapter
from stride_data.assembly.epoch_batches import EpochBatches
from stride_data.loaders.collate import collate, to_tensors
from stride_data.loaders.dataset import ContractDataset


class _Guarded:
    """The dataset as workers see it: a user's error travels as a value.

    Otherwise torch raises it again with the worker's traceback as its message.
    """

    def __init__(self, dataset: ContractDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitems__(self, indices: list[tuple[int, int]]) -> Any:
        try:
            return self.dataset.batch(indices)
        except StrideError as exc:
            if get_worker_info() is None:
                raise
            return exc


def _collate(read: Any, seed: int) -> Any:
    if isinstance(read, StrideError):
        return read
    return collate(read, seed) if isinstance(read, list) else to_tensors(read, seed)


def _divide_cache(worker: int) -> None:
    info = get_worker_info()
    assert info is not None
    guarded: Any = info.dataset
    guarded.dataset.adapter.divide_cache(info.num_workers)


class ContractLoader:
    """Contract batches of torch tensors; iterating it gives one epoch.

    The batches depend on (seed, epoch, rank) alone, whatever the number of workers. Call ``set_epoch`` before every
    epoch: without it the same epoch comes again.

    Attributes:
        dataset: The samples.
        epoch: The epoch that the next iteration gives.
    """

    def __init__(self, dataset: ContractDataset, batches: EpochBatches, *, num_workers: int) -> None:
        """See ``make_loader``."""
        self.dataset = dataset
        self._batches = batches
        self._loader: DataLoader[Any] = DataLoader(
            _Guarded(dataset),  # type: ignore[arg-type]
            batch_sampler=batches,
            num_workers=num_workers,
            # Workers keep the fields that they have decoded, so they live on from epoch to epoch.
            persistent_workers=num_workers > 0,
            collate_fn=partial(_collate, seed=dataset.seed),
            worker_init_fn=_divide_cache if num_workers > 0 else None,
        )

    @property
    def epoch(self) -> int:
        """The epoch that the next iteration gives."""
        return self._batches.epoch

    def set_epoch(self, epoch: int, *, skip_batches: int = 0) -> None:
        """Choose the epoch that the next iteration gives.

        Args:
            epoch: Number of the epoch.
            skip_batches: Leave out its first batches without reading them: a resumed training goes on within an epoch.
        """
        self._batches.epoch, self._batches.skip = epoch, skip_batches

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self._loader:
            if isinstance(batch, StrideError):
                raise batch
            yield batch


def make_loader(
    adapter: Adapter,
    split: str,
    *,
    batch_size: int,
    seed: int,
    shuffle: bool,
    num_workers: int = 0,
    epoch: int = 0,
    crops_per_field: int = 1,
    drop_last: bool = False,
    rank: int = 0,
    world_size: int = 1,
) -> ContractLoader:
    """Make a loader of contract batches.

    Args:
        adapter: The dataset's adapter, with statistics loaded.
        split: Name of the split.
        batch_size: Samples per batch and process.
        seed: Seed of order and crops.
        shuffle: True for training: random order, and crops drawn in the shuffle region if there is one. False: times in
            order, the region's fixed box.
        num_workers: Processes that read; 0 reads in this one.
        epoch: First epoch.
        crops_per_field: Crops drawn of every time in one epoch, when shuffling.
        drop_last: Leave out a last batch that is not full.
        rank: Number of this process among those that train together, from 0.
        world_size: Number of processes that train together; each takes its share of every batch.

    Raises:
        DataError: If there is no such split.
    """
    dataset = ContractDataset(adapter, split, shuffle=shuffle, seed=seed, crops_per_field=crops_per_field)
    batches = EpochBatches(
        len(dataset),
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        epoch=epoch,
        rank=rank,
        world_size=world_size,
        drop_last=drop_last,
    )
    return ContractLoader(dataset, batches, num_workers=num_workers)
