"""Batches of a split, the same for the same (seed, epoch) with any number of workers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from stride_vars.errors import StrideError
from torch.utils.data import DataLoader, Sampler, get_worker_info

from stride_data.adapter_protocol import Adapter
from stride_data.loaders.collate import collate
from stride_data.loaders.dataset import ContractDataset


class _EpochSampler(Sampler[tuple[int, int]]):
    """Indices with their epoch, so that workers that live on draw the crops of the right one."""

    def __init__(self, length: int, *, shuffle: bool, seed: int, epoch: int) -> None:
        self.length, self.shuffle, self.seed, self.epoch = length, shuffle, seed, epoch
        self.skip = 0

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.arange(self.length)
        if self.shuffle:
            np.random.default_rng((0, self.seed, self.epoch)).shuffle(order)
        return iter([(self.epoch, int(index)) for index in order[self.skip :]])


class _Guarded:
    """The dataset as workers see it: a user's error travels as a value.

    Otherwise torch raises it again with the worker's traceback as its message.
    """

    def __init__(self, dataset: ContractDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: tuple[int, int]) -> Any:
        try:
            return self.dataset[index]
        except StrideError as exc:
            if get_worker_info() is None:
                raise
            return exc


def _collate(samples: list[Any], seed: int) -> Any:
    failed = next((sample for sample in samples if isinstance(sample, StrideError)), None)
    return failed if failed is not None else collate(samples, seed)


def _divide_cache(worker: int) -> None:
    info = get_worker_info()
    assert info is not None
    guarded: Any = info.dataset
    guarded.dataset.adapter.divide_cache(info.num_workers)


class ContractLoader:
    """Contract batches of torch tensors; iterating it gives one epoch.

    The batches depend on (seed, epoch) alone. Call ``set_epoch`` before every epoch: without it the same epoch comes
    again.

    Attributes:
        dataset: The samples.
        epoch: The epoch that the next iteration gives.
    """

    def __init__(
        self, dataset: ContractDataset, *, batch_size: int, num_workers: int, epoch: int, drop_last: bool
    ) -> None:
        """See ``make_loader``."""
        self.dataset = dataset
        self.batch_size = batch_size
        self._sampler = _EpochSampler(len(dataset), shuffle=dataset.shuffle, seed=dataset.seed, epoch=epoch)
        self._loader: DataLoader[Any] = DataLoader(
            _Guarded(dataset),  # type: ignore[arg-type]
            batch_size=batch_size,
            sampler=self._sampler,
            num_workers=num_workers,
            # Workers keep the fields that they have decoded, so they live on from epoch to epoch.
            persistent_workers=num_workers > 0,
            collate_fn=partial(_collate, seed=dataset.seed),
            worker_init_fn=_divide_cache if num_workers > 0 else None,
            drop_last=drop_last,
        )

    @property
    def epoch(self) -> int:
        """The epoch that the next iteration gives."""
        return self._sampler.epoch

    def set_epoch(self, epoch: int, *, skip_batches: int = 0) -> None:
        """Choose the epoch that the next iteration gives.

        Args:
            epoch: Number of the epoch.
            skip_batches: Leave out its first batches without reading them: a resumed training goes on within an epoch.
        """
        self._sampler.epoch = epoch
        self._sampler.skip = skip_batches * self.batch_size

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
) -> ContractLoader:
    """Make a loader of contract batches.

    Args:
        adapter: The dataset's adapter, with statistics loaded.
        split: Name of the split.
        batch_size: Samples per batch.
        seed: Seed of order and crops.
        shuffle: True for training: random order, and crops drawn in the shuffle region if there is one. False: times in
            order, the region's fixed box.
        num_workers: Processes that read; 0 reads in this one.
        epoch: First epoch.
        crops_per_field: Crops drawn of every time in one epoch, when shuffling.
        drop_last: Leave out a last batch that is not full.

    Raises:
        DataError: If there is no such split.
    """
    dataset = ContractDataset(adapter, split, shuffle=shuffle, seed=seed, crops_per_field=crops_per_field)
    return ContractLoader(dataset, batch_size=batch_size, num_workers=num_workers, epoch=epoch, drop_last=drop_last)
