"""What training and generation need of a dataset; a project with a dataset of another kind brings its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from stride_vars.regions import Box, Region
from stride_vars.spec import VariableSpec

from stride_data.assembly.channels import ChannelCounts
from stride_data.assembly.coordinates import Coordinates
from stride_data.assembly.fields import FieldSet
from stride_data.config import BoxConfig
from stride_data.regions.domain import Domain
from stride_data.statistics.compute import Progress


@runtime_checkable
class Adapter(Protocol):
    """From a dataset to physical fields, scaled samples and everything a checkpoint must remember.

    ``GriddedAdapter`` documents each member.
    """

    @property
    def target_vars(self) -> tuple[VariableSpec, ...]: ...  # noqa: D102
    @property
    def cond_vars(self) -> tuple[VariableSpec, ...]: ...  # noqa: D102
    @property
    def static_vars(self) -> tuple[VariableSpec, ...]: ...  # noqa: D102
    @property
    def target_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def cond_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def static_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def counts(self) -> ChannelCounts: ...  # noqa: D102
    @property
    def hr_shape(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def lr_shape(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def lr_margins(self) -> tuple[int, int, int, int]: ...  # noqa: D102
    @property
    def temporal_steps(self) -> int: ...  # noqa: D102
    @property
    def lag_hours(self) -> tuple[float, ...]: ...  # noqa: D102
    @property
    def time_feature_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def context_shape(self) -> tuple[int, int] | None: ...  # noqa: D102
    @property
    def context_cell(self) -> tuple[float, float]: ...  # noqa: D102
    @property
    def context_offset(self) -> tuple[float, float]: ...  # noqa: D102
    @property
    def context_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def context_static_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def calendar(self) -> str: ...  # noqa: D102
    @property
    def region(self) -> Region: ...  # noqa: D102
    @property
    def statistics_id(self) -> str | None: ...  # noqa: D102
    @property
    def transforms(self) -> list[dict[str, Any]]: ...  # noqa: D102
    @property
    def domain_info(self) -> dict[str, Any]: ...  # noqa: D102
    @property
    def training_box(self) -> Box: ...  # noqa: D102
    @property
    def splits(self) -> dict[str, tuple[str, ...]]: ...  # noqa: D102
    def times(self, split: str) -> list[str]: ...  # noqa: D102
    def has_target(self, time: str) -> bool: ...  # noqa: D102
    def divide_cache(self, parts: int) -> None: ...  # noqa: D102
    def crop(self, seed: int, epoch: int, index: int) -> Box: ...  # noqa: D102
    def domain(self, asked: BoxConfig | Literal["whole"], where: str = "domain") -> Domain: ...  # noqa: D102
    def fields(self, time: str, box: Box | None = None) -> FieldSet: ...  # noqa: D102
    def sample(self, time: str, *, hr_box: Box | None = None) -> dict[str, Any]: ...  # noqa: D102
    def hr_coords(self, box: Box | None = None) -> Coordinates: ...  # noqa: D102
    def lr_coords(self, box: Box | None = None) -> Coordinates: ...  # noqa: D102
    def forward_target(self, x: Any) -> Any: ...  # noqa: D102
    def inverse_target(self, x: Any) -> Any: ...  # noqa: D102
    def forward_conditioning(self, x: Any) -> Any: ...  # noqa: D102
    def inverse_conditioning(self, x: Any) -> Any: ...  # noqa: D102
    def forward_static(self, x: Any) -> Any: ...  # noqa: D102
    def inverse_static(self, x: Any) -> Any: ...  # noqa: D102
    def wet_thresholds_scaled(self) -> list[float | None]: ...  # noqa: D102
    def load_statistics(self, source: str | Path | Mapping[str, Any]) -> None: ...  # noqa: D102
    def compute_statistics(self, progress: Progress | None = None) -> dict[str, Any]: ...  # noqa: D102
    def write_statistics(self, path: str | Path) -> Path: ...  # noqa: D102
    def metadata(self) -> dict[str, Any]: ...  # noqa: D102
