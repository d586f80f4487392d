"""Which samples make which batch: a function of (seed, epoch) alone, shared out evenly among ranks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


class EpochBatches:
    """The batches of one rank, as lists of (epoch, index).

    The samples of an epoch are put in one order for all ranks. Of every ``batch_size * world_size`` samples each rank
    takes its ``batch_size`` neighbours: the batches of two ranks, put side by side, are those of one rank with twice
    the batch. A last incomplete batch is split as evenly as it can be; when there are fewer samples left than ranks, it
    is left out, so that all ranks take the same number of steps.

    Indices come with their epoch, so that workers that live on draw the crops of the right one.

    Attributes:
        epoch: The epoch that the next iteration gives.
        skip: Batches of it to leave out at its beginning.
    """

    def __init__(
        self,
        length: int,
        *,
        batch_size: int,
        shuffle: bool,
        seed: int,
        epoch: int = 0,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = False,
    ) -> None:
        """Share out samples.

        Args:
            length: Samples of an epoch.
            batch_size: Samples per batch and rank.
            shuffle: Whether an epoch has a random order.
            seed: Seed of the order.
            epoch: First epoch.
            rank: Number of this process, from 0.
            world_size: Number of processes.
            drop_last: Leave out a last batch that is not full.

        Raises:
            ValueError: If the rank is not one of the world's.
        """
        if not 0 <= rank < world_size:
            raise ValueError(f"rank {rank} is none of the {world_size} processes; ranks count from 0")
        self.length, self.batch_size, self.shuffle, self.seed = length, batch_size, shuffle, seed
        self.epoch, self.rank, self.world_size, self.skip = epoch, rank, world_size, 0
        full, rest = divmod(length, batch_size * world_size)
        self.batches = full + (0 if drop_last or rest < world_size else 1)

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        order = np.arange(self.length)
        if self.shuffle:
            # The leading 0 keeps this stream apart from that of the crops, which begins with 1.
            np.random.default_rng((0, self.seed, self.epoch)).shuffle(order)
        together = self.batch_size * self.world_size
        for number in range(self.skip, self.batches):
            shared = order[number * together : (number + 1) * together]
            mine = np.array_split(shared, self.world_size)[self.rank]
            yield [(self.epoch, int(index)) for index in mine]
