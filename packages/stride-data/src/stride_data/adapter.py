"""The one declarative adapter that serves every gridded dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from stride_vars.errors import nearest
from stride_vars.regions import Box, Region
from stride_vars.spec import VariableSpec

from stride_data.adapter_protocol import Adapter
from stride_data.assembly.batches import FieldBatch, read_batch
from stride_data.assembly.channels import ChannelCounts
from stride_data.assembly.coordinates import Coordinates, coordinates
from stride_data.assembly.description import describe_data, describe_domain, describe_missing
from stride_data.assembly.fields import FieldReader, FieldSet
from stride_data.assembly.parts import Parts, open_parts
from stride_data.assembly.scaled_batch import scaled_batch
from stride_data.assembly.scaling import Scaling
from stride_data.assembly.time_features import encode_time, feature_names
from stride_data.config import BoxConfig, DataConfig
from stride_data.errors import DataError
from stride_data.field_source import FieldSource
from stride_data.regions.domain import Domain, find_domain
from stride_data.statistics.belonging import check_belongs
from stride_data.statistics.compute import Progress, compute_statistics
from stride_data.statistics.file import read_statistics, write_statistics
from stride_data.statistics.provenance import provenance, required
from stride_data.statistics.schedulers import DEFAULT_SCHEDULER
from stride_data.statistics.training_fields import TrainingFields, small_cache
from stride_data.store.open import require_needs
from stride_data.yaml_config import absolute, expand_env

__all__ = ["Adapter", "ChannelCounts", "FieldSet", "GriddedAdapter"]

TRAIN_SPLIT = "train"
"""Name of the split that statistics are computed on."""


class GriddedAdapter:
    """Files of any gridded dataset as described by a configuration, to fields and samples.

    Arrays are channels first, ``[C, H, W]``, rows and columns in the file's own order. Physical values are in the
    catalogue's canonical units.

    Attributes:
        config: The configuration.
        root: Folder or URL of relative file patterns.
        sources: Scanned sources by name.
        channels: Channels in order.
        geometry: Boxes and alignments.
        lags: Steps of the dynamic fields' stack.
        dropped_times: By split, how many times were left out because their stack has a gap.
    """

    def __init__(self, config: DataConfig, parts: Parts) -> None:
        """Hold opened parts; ``from_config`` makes them."""
        self.config = config
        self.parts = parts
        self.root = parts.root
        self.sources = dict(parts.sources)
        self.channels = parts.channels
        self.geometry = parts.geometry
        self.lags = parts.lags
        self.dropped_times = dict(parts.times.dropped)
        self._splits = dict(parts.times.splits)
        self._reader = FieldReader(
            self.sources, self.channels, self.geometry, self.lags, config.missing_conditioning_of
        )
        self._scaling: Scaling | None = None
        self._statistics: dict[str, Any] | None = None
        self._batch_meta: dict[str, Any] | None = None

    @classmethod
    def from_config(
        cls, config: DataConfig, *, base: str | Path = ".", statistics: str | Path | Mapping[str, Any] | None = None
    ) -> GriddedAdapter:
        """Scan the files, or open the training store, and check that they fit together; no field is read.

        Args:
            config: The configuration.
            base: Folder that relative paths of the configuration refer to.
            statistics: Statistics file or its content; the configuration's own when omitted. Without any, physical
                fields can be read but nothing scaled.

        Raises:
            DataError: If anything a user can cause is wrong.
        """
        parts = open_parts(config, base)
        adapter = cls(config, parts)
        required(parts.channels.all)  # refuses options that do not suit a variable, before any long work
        if parts.store is not None:
            require_needs(adapter, parts.store)
        if statistics is not None:
            adapter.load_statistics(statistics)
        elif config.statistics is not None:
            path = absolute(expand_env(config.statistics, "data.statistics"), base)
            adapter.load_statistics(path)
            if config.statistics_of == "same":
                check_belongs(adapter.statistics or {}, adapter.statistics_provenance(), path)
        return adapter

    def with_sources(self, sources: Mapping[str, FieldSource]) -> GriddedAdapter:
        """The same configuration, boxes and splits on other sources of the same grids and times; nothing scaled."""
        return GriddedAdapter(self.config, replace(self.parts, sources=sources))

    # What there is

    @property
    def target_vars(self) -> tuple[VariableSpec, ...]:
        """Variables of the target channels."""
        return tuple(channel.spec for channel in self.channels.target)

    @property
    def cond_vars(self) -> tuple[VariableSpec, ...]:
        """Variables of the dynamic conditioning channels."""
        return tuple(channel.spec for channel in self.channels.dynamic)

    @property
    def static_vars(self) -> tuple[VariableSpec, ...]:
        """Variables of the static channels."""
        return tuple(channel.spec for channel in self.channels.static)

    @property
    def target_names(self) -> tuple[str, ...]:
        """``source.key`` of the target channels."""
        return tuple(channel.name for channel in self.channels.target)

    @property
    def cond_names(self) -> tuple[str, ...]:
        """``source.key`` of the dynamic conditioning channels."""
        return tuple(channel.name for channel in self.channels.dynamic)

    @property
    def static_names(self) -> tuple[str, ...]:
        """``source.key`` of the static channels."""
        return tuple(channel.name for channel in self.channels.static)

    @property
    def context_names(self) -> tuple[str, ...]:
        """``source.key`` of the context channels."""
        return tuple(channel.name for channel in self.channels.context)

    @property
    def context_static_names(self) -> tuple[str, ...]:
        """``source.key`` of the context channels without time."""
        return tuple(channel.name for channel in self.channels.context_static)

    @property
    def counts(self) -> ChannelCounts:
        """Number of channels of each role."""
        return self.channels.counts

    @property
    def temporal_steps(self) -> int:
        """Length of the dynamic fields' stack."""
        return len(self.lags)

    @property
    def lag_hours(self) -> tuple[float, ...]:
        """Offset in hours of every step of the stack from the target's time."""
        return self.lags.hours

    @property
    def time_feature_names(self) -> tuple[str, ...]:
        """Names of the numbers in ``cond_time``; empty without time features."""
        return feature_names(self.config.time_features)

    @property
    def hr_shape(self) -> tuple[int, int]:
        """Rows and columns of a sample's target."""
        return self.region.hr.shape

    @property
    def lr_shape(self) -> tuple[int, int]:
        """Rows and columns of a sample's dynamic conditioning, margins included."""
        return self.region.lr.shape

    @property
    def context_shape(self) -> tuple[int, int] | None:
        """Rows and columns of a sample's context; None without context."""
        return None if self.region.context is None else self.region.context.shape

    @property
    def context_cell(self) -> tuple[float, float]:
        """Height and width of an HR cell in cells of the context grid; (1, 1) without context."""
        anchored = self.geometry.anchored_context
        return (1.0, 1.0) if anchored is None else anchored.hr_cell

    @property
    def context_offset(self) -> tuple[float, float]:
        """Cells of the context grid from the context's first row and column edge to those of the HR box."""
        anchored = self.geometry.anchored_context
        return (0.0, 0.0) if anchored is None else anchored.offset

    @property
    def region(self) -> Region:
        """The configured boxes; ``lr`` includes the margins, ``context`` counts cells of the context grid."""
        return self.geometry.region

    @property
    def lr_margins(self) -> tuple[int, int, int, int]:
        """LR cells of a sample's LR box beyond its HR box: top, bottom, left, right."""
        return self.geometry.lr_margins

    @property
    def calendar(self) -> str:
        """CF calendar of the times."""
        return self.lags.calendar

    @property
    def splits(self) -> dict[str, tuple[str, ...]]:
        """Times of every split."""
        return dict(self._splits)

    def times(self, split: str) -> list[str]:
        """ISO times of a split, in order.

        Raises:
            DataError: If there is no such split.
        """
        if split not in self._splits:
            raise DataError(f"data.splits has no '{split}'.{nearest(split, self._splits)}")
        return list(self._splits[split])

    def has_target(self, time: str) -> bool:
        """Whether all targets have fields at a time; reads none."""
        return self._reader.has_target(time)

    @property
    def domain_info(self) -> dict[str, Any]:
        """Grids and their relation, JSON-able."""
        return describe_domain(self.geometry)

    # Fields and samples

    def divide_cache(self, parts: int) -> None:
        """Keep only this share of ``cache_gb``: several processes that read side by side then hold it together."""
        for source in self.sources.values():
            source.limit_memory(int(self.config.cache_gb * 1e9 / parts))

    def crop(self, seed: int, epoch: int, index: int) -> Box:
        """HR box of a training sample: drawn in the shuffle region, or the fixed box without one."""
        if self.region.shuffle is None:
            return self.region.hr
        return self.geometry.crops.draw(seed, epoch, index)

    def fields(self, time: str, box: Box | None = None) -> FieldSet:
        """Physical fields of one time.

        Args:
            time: ISO time as ``times`` gives it.
            box: HR box, co-located with LR cells; the region's when omitted.

        Raises:
            DataError: If the time is not there, conditioning is missing, or the box does not fit.
        """
        hr = self.region.hr if box is None else box
        found = self.field_batch([time], [hr])
        target, static, context, context_static = (
            None if part is None else part[0]
            for part in (found.target, found.static, found.context, found.context_static)
        )
        lr, around = found.lr_boxes[0], found.context_boxes[0] if found.context_boxes else None

        def locate() -> Coordinates:
            return {**self.hr_coords(hr), **self.lr_coords(lr), **(self.context_coords(around) if around else {})}

        mask = None if target is None else ~np.isnan(target)
        return FieldSet(target, found.dynamic[0], static, mask, hr, lr, context, context_static, around, locate)

    def field_batch(self, times: Sequence[str], boxes: Sequence[Box]) -> FieldBatch:
        """Physical fields of several samples.

        Args:
            times: ISO time of each sample.
            boxes: HR box of each, co-located with LR cells, all of one size.

        Raises:
            DataError: As ``fields``.
        """
        return read_batch(self._reader, times, boxes)

    def domain(self, asked: BoxConfig | Literal["whole"], where: str = "domain") -> Domain:
        """A domain of boxes of the sample's size, such as is generated by tiles.

        Args:
            asked: A box as ``data.region.hr`` takes it, or "whole" for the largest.
            where: Key of the configuration, for messages.

        Raises:
            DataError: If the box is smaller than a sample's, is not made of whole LR cells, or leaves the grids.
        """
        name = self.channels.target[0].source
        return find_domain(asked, self.geometry, self.sources[name].grid, self.geometry.views[name], where)

    def sample(self, time: str, *, hr_box: Box | None = None) -> dict[str, Any]:
        """One scaled sample: the contract batch without its batch axis, numpy.

        Missing targets are 0 (scaled) where ``mask`` is False.

        Args:
            time: ISO time.
            hr_box: HR box, co-located with LR cells; the region's when omitted.

        Raises:
            DataError: As ``fields``, or if no statistics are loaded.
        """
        batch = self.batch([time], [self.region.hr if hr_box is None else hr_box])
        coord, meta = batch.pop("cond_coord"), batch.pop("meta")
        sample = {key: None if value is None else value[0] for key, value in batch.items()}
        return {**sample, "cond_coord": {key: value[0] for key, value in coord.items()}, "meta": meta}

    def batch(self, times: Sequence[str], boxes: Sequence[Box]) -> dict[str, Any]:
        """Several scaled samples: the contract batch in numpy arrays, but for the loader's seed in ``meta``.

        Missing targets are 0 (scaled) where ``mask`` is False.

        Args:
            times: ISO time of each sample.
            boxes: HR box of each, co-located with LR cells, all of one size.

        Raises:
            DataError: As ``fields``, or if no statistics are loaded.
        """
        features = [self.encode_time(time) for time in times] if self.config.time_features else None
        batch = scaled_batch(self.field_batch(times, boxes), self.scaling, self.geometry, features)
        return {**batch, "meta": {"timestamps": list(times), **self.batch_meta()}}

    def encode_time(self, time: str) -> NDArray[np.float32] | None:
        """The time features of a time, float32 [F]; None when the configuration asks for none."""
        features = self.config.time_features
        return encode_time(time, features, self.calendar) if features else None

    def batch_meta(self) -> dict[str, Any]:
        """The part of a batch's ``meta`` that is the same for every batch."""
        if self._batch_meta is None:
            self._batch_meta = {
                "target_vars": list(self.target_names),
                "cond_vars": list(self.cond_names),
                "static_vars": list(self.static_names),
                "context_vars": list(self.context_names),
                "context_static_vars": list(self.context_static_names),
                "time_features": list(self.time_feature_names),
                "lag_hours": list(self.lags.hours),
                "domain_info": self.domain_info,
                "scaling_info": {
                    "transforms": self.transforms,
                    "statistics_id": self.statistics_id,
                    **describe_missing(self.config, self.sources),
                },
            }
        return self._batch_meta

    def hr_coords(self, box: Box | None = None) -> Coordinates:
        """Coordinates of an HR box (default: the region's): ``y``, ``x`` and, where known, latitude and longitude."""
        return coordinates(self.geometry.hr_grid, self.region.hr if box is None else box)

    def lr_coords(self, box: Box | None = None) -> Coordinates:
        """Coordinates of an LR box (default: the region's): ``lr_y``, ``lr_x`` and, where known, geographic ones."""
        return coordinates(self.geometry.lr_grid, self.region.lr if box is None else box, "lr_")

    def context_coords(self, box: Box | None = None) -> Coordinates:
        """Coordinates of a context box (default: the region's): ``context_y``, ...; empty without context."""
        grid, context = self.geometry.context_grid, self.region.context if box is None else box
        return {} if grid is None or context is None else coordinates(grid, context, "context_")

    # Scaling

    @property
    def scaling(self) -> Scaling:
        """Transforms of all channels.

        Raises:
            DataError: If no statistics are loaded.
        """
        if self._scaling is None:
            raise DataError(
                "no statistics are loaded, so nothing can be scaled; make them with `stride-data stats` and set "
                "data.statistics to the file."
            )
        return self._scaling

    def forward_target(self, x: Any) -> Any:
        """Physical to scaled targets, [..., C, H, W], numpy or torch."""
        return self.scaling.target.forward(x)

    def inverse_target(self, x: Any) -> Any:
        """Scaled to physical targets, [..., C, H, W], numpy or torch."""
        return self.scaling.target.inverse(x)

    def forward_conditioning(self, x: Any) -> Any:
        """Physical to scaled dynamic conditioning, [..., C, H, W], numpy or torch."""
        return self.scaling.dynamic.forward(x)

    def inverse_conditioning(self, x: Any) -> Any:
        """Scaled to physical dynamic conditioning, [..., C, H, W], numpy or torch."""
        return self.scaling.dynamic.inverse(x)

    def forward_static(self, x: Any) -> Any:
        """Physical to scaled static fields, [..., C, H, W], numpy or torch."""
        return self.scaling.static.forward(x)

    def inverse_static(self, x: Any) -> Any:
        """Scaled to physical static fields, [..., C, H, W], numpy or torch."""
        return self.scaling.static.inverse(x)

    def forward_context(self, x: Any) -> Any:
        """Physical to scaled context fields, [..., C, H, W], numpy or torch."""
        return self.scaling.context.forward(x)

    def inverse_context(self, x: Any) -> Any:
        """Scaled to physical context fields, [..., C, H, W], numpy or torch."""
        return self.scaling.context.inverse(x)

    def forward_context_static(self, x: Any) -> Any:
        """Physical to scaled context fields without time, [..., C, H, W], numpy or torch."""
        return self.scaling.context_static.forward(x)

    def inverse_context_static(self, x: Any) -> Any:
        """Scaled to physical context fields without time, [..., C, H, W], numpy or torch."""
        return self.scaling.context_static.inverse(x)

    def wet_thresholds_scaled(self) -> list[float | None]:
        """For each target, its wet threshold in scaled units; None where it has none."""
        return [
            None if spec.wet_threshold is None else float(transform.forward(np.float64(spec.wet_threshold)))
            for spec, transform in zip(self.target_vars, self.scaling.target.transforms, strict=True)
        ]

    @property
    def transforms(self) -> list[dict[str, Any]]:
        """Metadata of every channel's transform, with its role; ``transforms.from_metadata`` rebuilds it."""
        return [] if self._scaling is None else self._scaling.metadata()

    # Statistics

    @property
    def statistics_id(self) -> str | None:
        """Content id of the loaded statistics."""
        return None if self._statistics is None else str(self._statistics["id"])

    @property
    def statistics(self) -> dict[str, Any] | None:
        """Content of the loaded statistics file."""
        return self._statistics

    def load_statistics(self, source: str | Path | Mapping[str, Any]) -> None:
        """Use a statistics file, or its content as kept in a checkpoint.

        Raises:
            DataError: If it is unreadable, or of other variables, sources or units.
        """
        statistics = read_statistics(source)
        where = "statistics" if isinstance(source, Mapping) else str(source)
        self._scaling = Scaling.from_statistics(self.channels, statistics, where)
        self._statistics = statistics
        self._batch_meta = None

    def compute_statistics(
        self, progress: Progress | None = None, *, scheduler: str = DEFAULT_SCHEDULER, workers: int | None = None
    ) -> dict[str, Any]:
        """Statistics of the training split, in the shuffle region if there is one, else in the HR box.

        The same whatever the scheduler and the number of workers.

        Args:
            progress: Called with (times done, all times).
            scheduler: "synchronous", "threads", "processes", or the address of a distributed scheduler
                (``tcp://host:8786``), whose workers must find the same files under the same paths.
            workers: Number of threads or processes; as many as there are cores when omitted.

        Returns:
            Content of a statistics file; ``load_statistics`` takes it.

        Raises:
            DataError: If a file cannot be read, a channel has no value, or the scheduler is wrong or absent.
        """
        hr = self.training_box
        with small_cache(self.sources.values(), int(self.config.cache_gb * 1e9)):
            return compute_statistics(
                self.channels.all,
                self.times(TRAIN_SPLIT),
                TrainingFields(self._reader, hr, self.geometry.lr_box(hr)),
                provenance=self.statistics_provenance(),
                progress=progress,
                scheduler=scheduler,
                workers=workers,
            )

    def write_statistics(self, path: str | Path) -> Path:
        """Write the loaded statistics, computing them first if none are loaded; atomic."""
        if self._statistics is None:
            self.load_statistics(self.compute_statistics())
        assert self._statistics is not None
        return write_statistics(self._statistics, path)

    @property
    def training_box(self) -> Box:
        """The HR cells that training samples can show: all possible crops together, or the fixed box."""
        return self.geometry.training_box

    def statistics_provenance(self) -> dict[str, Any]:
        """Everything that decides what the statistics are; equal provenance means equal statistics."""
        hr = self.training_box
        about = provenance(
            self.config, self.sources, self.times(TRAIN_SPLIT), TRAIN_SPLIT, hr=hr, geometry=self.geometry
        )
        return {**about, "required": required(self.channels.all)}

    def metadata(self) -> dict[str, Any]:
        """Everything a checkpoint needs to use a model without this configuration, JSON-able."""
        return {
            **describe_data(self.config, self.sources, self.channels, self.geometry, self._splits),
            "transforms": self.transforms,
            "statistics": self._statistics,
            "statistics_id": self.statistics_id,
            "versions": {name: version(name) for name in ("stride-data", "stride-vars")},
        }
