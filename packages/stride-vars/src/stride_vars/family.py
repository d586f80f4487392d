"""A quantity on pressure levels: one entry of the catalogue that stands for every level."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field, field_validator

from stride_vars.spec import VariableSpec

LOWEST_PRESSURE_HPA = 1
HIGHEST_PRESSURE_HPA = 1100

# "t_850", "T850", "ta-850", "t_850hPa"; a single digit needs its separator, since "t2" means 2 metres.
_MEMBER = re.compile(r"^(?P<name>[a-z]\w*?)(?:_(?P<any>\d{1,4})|(?P<many>\d{2,4}))(?:_?hpa)?$")


class Family(BaseModel):
    """A quantity on pressure levels; ``member`` gives the variable at one of them.

    Attributes:
        key: The family's name; its variable at 850 hPa has the key ``<key>_850``.
        long_name: A description without the level.
        data_name: The name that the field's archives use most; ``key`` when omitted.
        plot_range: Colour limits by level in hPa; between two levels they are interpolated, beyond them held.

    The other attributes are those of ``VariableSpec``.
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
    plot_range: dict[int, tuple[float, float]] = {}
    is_positive_definite: bool = False
    transform_default: str = "zscore"
    group: str = "upper_air"
    cell_methods: str | None = None

    @field_validator("plot_range")
    @classmethod
    def _by_level(cls, value: dict[int, tuple[float, float]]) -> dict[int, tuple[float, float]]:
        return dict(sorted(value.items()))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of the family, its key first."""
        return (self.key, self.data_name or self.key, *self.aliases)

    def member(self, level: int) -> VariableSpec:
        """The variable at one level.

        Args:
            level: Pressure in hPa.
        """
        return VariableSpec(
            key=f"{self.key}_{level}",
            long_name=f"{self.long_name} at {level} hPa",
            display_name=f"{self.display_name or self.long_name} {level} hPa",
            standard_name=self.standard_name,
            data_name=self._joined(level),
            aliases=tuple(f"{name}_{level}" for name in dict.fromkeys(self.names[1:])),
            units=self.units,
            cmap=self.cmap,
            anomaly_cmap=self.anomaly_cmap,
            plot_range=self._range_at(level),
            is_positive_definite=self.is_positive_definite,
            transform_default=self.transform_default,
            group=self.group,
            cell_methods=self.cell_methods,
        )

    def _joined(self, level: int) -> str:
        """The archives' spelling, ``t850``, where ``split_member`` can take it apart again; else with a separator."""
        name = self.data_name or self.key
        joined = f"{name}{level}"
        return joined if split_member(joined.lower()) == (name.lower(), level) else f"{name}_{level}"

    def _range_at(self, level: int) -> tuple[float, float] | None:
        if not self.plot_range:
            return None
        levels = list(self.plot_range)
        above = [known for known in levels if known <= level][-1:] or levels[:1]
        below = [known for known in levels if known >= level][:1] or levels[-1:]
        low, high = self.plot_range[above[0]], self.plot_range[below[0]]
        share = 0.0 if above == below else (level - above[0]) / (below[0] - above[0])
        return (low[0] + share * (high[0] - low[0]), low[1] + share * (high[1] - low[1]))


def split_member(name: str) -> tuple[str, int] | None:
    """Take a level's name apart: ``"t_850"`` to ``("t", 850)``; None when it has no level of the atmosphere.

    Args:
        name: A name in lower case with underscores.
    """
    match = _MEMBER.match(name)
    if match is None:
        return None
    level = int(match["any"] or match["many"])
    return (match["name"], level) if LOWEST_PRESSURE_HPA <= level <= HIGHEST_PRESSURE_HPA else None
