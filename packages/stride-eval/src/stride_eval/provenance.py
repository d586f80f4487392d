"""What results are results of: carried in a Dataset's attributes, so that figures need the Dataset alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.systems import Systems


@dataclass(frozen=True)
class Provenance:
    """Systems, targets and dates behind a family's results.

    Attributes:
        family: name of the family.
        systems: names in the user's order.
        members: system -> number of members.
        dropped: system -> dates left out because they are not common.
        dates: common dates, ISO.
        shape: rows and columns of the grid.
        reference: system that skill is measured against; None when there is one system alone.
        specs: target -> what it is.
        single_fields: name -> the system whose mean or probability matched mean it is.
    """

    family: str
    systems: tuple[str, ...]
    members: Mapping[str, int]
    dropped: Mapping[str, int]
    dates: tuple[str, ...]
    shape: tuple[int, int]
    reference: str | None
    specs: Mapping[str, VariableSpec]
    single_fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def ensembles(self) -> tuple[str, ...]:
        """Systems of two members or more."""
        return tuple(name for name in self.systems if self.members[name] > 1)

    def to_attrs(self) -> dict[str, str]:
        """As one JSON attribute, beside the version that wrote it."""
        plain = asdict(self) | {"specs": {key: spec.model_dump(mode="json") for key, spec in self.specs.items()}}
        return {
            "stride_eval_family": self.family,
            "stride_eval_version": version("stride-eval"),
            "provenance": json.dumps(plain),
        }

    @classmethod
    def behind(cls, family: str, systems: Systems) -> Provenance:
        """Of what a family computed from systems."""
        return cls(
            family=family,
            systems=systems.names,
            members={name: systems.members(name) for name in systems.names},
            dropped=dict(systems.dropped),
            dates=systems.times,
            shape=systems.shape,
            reference=systems.reference,
            specs=dict(systems.specs),
            single_fields={name: ensemble for name, (ensemble, _) in systems.single_fields.items()},
        )

    @classmethod
    def of(cls, results: xr.Dataset) -> Provenance:
        """Read back from a family's results."""
        plain: dict[str, Any] = json.loads(results.attrs["provenance"])
        specs = {key: VariableSpec.model_validate(value) for key, value in plain.pop("specs").items()}
        systems, dates = tuple(plain.pop("systems")), tuple(plain.pop("dates"))
        height, width = plain.pop("shape")
        return cls(**plain, systems=systems, dates=dates, shape=(height, width), specs=specs)
