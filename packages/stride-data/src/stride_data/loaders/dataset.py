"""Samples of a split by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stride_vars.regions import Box
from torch.utils.data import Dataset

from stride_data.adapter_protocol import Adapter


class ContractDataset(Dataset[dict[str, Any]]):
    """Contract samples (numpy, scaled, without batch axis) of a split.

    With ``shuffle`` the samples are training samples: crops are drawn anew in the shuffle region, if there is one, for
    every (seed, epoch, index). Without, every sample is the region's fixed box. The order of samples is the loader's.

    Attributes:
        adapter: Where samples come from.
        times: ISO times of the split.
        shuffle: Whether crops are drawn.
        seed: Seed of the crops.
        epoch: Epoch of the crops when an index comes without one.
        crops_per_field: Samples per time and epoch.
    """

    def __init__(self, adapter: Adapter, split: str, *, shuffle: bool, seed: int, crops_per_field: int = 1) -> None:
        """Take the times of a split.

        Args:
            adapter: The dataset's adapter, with statistics loaded.
            split: Name of the split.
            shuffle: Whether crops are drawn.
            seed: Seed of the crops.
            crops_per_field: Samples per time and epoch; several pay when there are few times and crops are drawn.
        """
        self.adapter = adapter
        self.times = adapter.times(split)
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        self.crops_per_field = crops_per_field if shuffle else 1

    def __len__(self) -> int:
        return len(self.times) * self.crops_per_field

    def __getitem__(self, index: int | tuple[int, int]) -> dict[str, Any]:
        """The sample of an index, or of (epoch, index)."""
        time, box = self._place(index)
        return self.adapter.sample(time, hr_box=box)

    def batch(self, indices: Sequence[int | tuple[int, int]]) -> dict[str, Any] | list[dict[str, Any]]:
        """The samples of several indices: a batch of arrays where the adapter can read one, else a list of samples."""
        read = getattr(self.adapter, "batch", None)
        if read is None:
            return [self[index] for index in indices]
        times, boxes = zip(*map(self._place, indices), strict=True)
        return read(times, boxes)

    def _place(self, index: int | tuple[int, int]) -> tuple[str, Box]:
        """Time and HR box of a sample."""
        epoch, index = (self.epoch, index) if isinstance(index, int) else index
        if not 0 <= index < len(self):
            raise IndexError(index)
        box = self.adapter.crop(self.seed, epoch, index) if self.shuffle else self.adapter.region.hr
        return self.times[index // self.crops_per_field], box
