"""What a variable is: its names, units, colours, plotting range and how it is scaled."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class VariableSpec(BaseModel):
    """Everything the packages agree on about one variable.

    Attributes:
        key: The one name used everywhere in STRIDE, whatever a file calls the variable.
        long_name: A description for people and for the ``long_name`` attribute.
        display_name: The short name on plots; ``long_name`` when omitted.
        standard_name: CF standard name, where one exists for exactly this quantity.
        data_name: The name that the field's archives use most (ERA5's short name); ``key`` when omitted.
        aliases: Other names under which files carry the variable.
        units: Canonical units, in UDUNITS spelling; everything past the adapter is in these.
        cmap: A name from ``stride_vars.colours`` or one of matplotlib's.
        anomaly_cmap: Diverging colour map for differences.
        plot_range: Default colour limits in canonical units; None lets the data decide.
        is_positive_definite: True when a negative value has no meaning.
        transform_default: Name of the scaling used where an experiment states none.
        group: The family of variables it belongs to.
        wet_threshold: From this value on the variable counts as occurring (canonical units); None where the idea has
            no meaning.
        cell_methods: CF cell methods of the canonical quantity, e.g. "time: mean" for a rate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(min_length=1, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    long_name: str = Field(min_length=1)
    display_name: str = ""
    standard_name: str | None = None
    data_name: str = ""
    aliases: tuple[str, ...] = ()
    units: str = Field(min_length=1)
    cmap: str = "viridis"
    anomaly_cmap: str = "RdBu_r"
    plot_range: tuple[float, float] | None = None
    is_positive_definite: bool = False
    transform_default: str = "zscore"
    group: str = "other"
    wet_threshold: float | None = Field(default=None, ge=0)
    cell_methods: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_names(cls, data: Any) -> Any:
        if isinstance(data, dict):
            data = dict(data)
            data["display_name"] = data.get("display_name") or data.get("long_name", "")
            data["data_name"] = data.get("data_name") or data.get("key", "")
        return data

    @field_validator("transform_default")
    @classmethod
    def _underscores(cls, value: str) -> str:
        return value.replace("-", "_")

    @field_validator("units")
    @classmethod
    def _single_spaces(cls, value: str) -> str:
        return " ".join(value.split())

    @field_validator("plot_range")
    @classmethod
    def _ascending(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError(f"the lower limit {value[0]} must lie below the upper limit {value[1]}")
        return value

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of the variable: key, data name, aliases."""
        return tuple(dict.fromkeys((self.key, self.data_name, *self.aliases)))

    @property
    def is_amount(self) -> bool:
        """Whether percentages and square roots of the values tell something, as of precipitation or wind speed.

        Not of temperature in kelvin or of pressure, which are positive too but whose zero lies far below anything that
        occurs: the plotting range says so.
        """
        return self.is_positive_definite and (self.plot_range is None or self.plot_range[0] <= 0.0)

    @property
    def label(self) -> str:
        """The text beside an axis or colour bar, e.g. "Precipitation [mm day-1]"; no brackets without units."""
        return self.display_name if self.units == "1" else f"{self.display_name} [{self.units}]"
