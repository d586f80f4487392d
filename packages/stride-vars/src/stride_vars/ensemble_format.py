"""The saved ensemble, format version 1: groups, dimensions and root attributes."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stride_vars.config_errors import describe
from stride_vars.errors import StrideError, nearest
from stride_vars.regions import Region

FORMAT_NAME: Literal["stride-ensemble"] = "stride-ensemble"
FORMAT_VERSION: Literal[1] = 1
CONVENTIONS = "CF-1.11"

DIMENSIONS = ("time", "member", "y", "x", "lr_y", "lr_x", "lag")


class GroupLayout(BaseModel):
    """What one group of the file holds.

    Attributes:
        dims: The dimensions that a variable may have, in order; several where the format allows several.
        targets_only: Whether every variable is one of the targets.
        required: Whether the group must be there.
        meaning: What the values are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dims: tuple[tuple[str, ...], ...]
    targets_only: bool
    required: bool
    meaning: str


GROUPS: Mapping[str, GroupLayout] = MappingProxyType(
    {
        "ensemble": GroupLayout(
            dims=(("time", "member", "y", "x"),), targets_only=True, required=True, meaning="generated members"
        ),
        "pmm": GroupLayout(
            dims=(("time", "y", "x"),), targets_only=True, required=False, meaning="probability matched mean"
        ),
        "mean": GroupLayout(dims=(("time", "y", "x"),), targets_only=True, required=False, meaning="ensemble mean"),
        "spread": GroupLayout(
            dims=(("time", "y", "x"),),
            targets_only=True,
            required=False,
            meaning="ensemble standard deviation, divided by members - 1",
        ),
        "target": GroupLayout(
            dims=(("time", "y", "x"),), targets_only=True, required=False, meaning="observed or simulated truth"
        ),
        "conditioning": GroupLayout(
            dims=(("time", "lr_y", "lr_x"), ("time", "lag", "lr_y", "lr_x")),
            targets_only=False,
            required=False,
            meaning="low-resolution dynamic fields the members were generated from",
        ),
        "static": GroupLayout(
            dims=(("y", "x"),), targets_only=False, required=False, meaning="high-resolution static fields"
        ),
    }
)

# Coordinates that may stand among the data variables of a group, beside the dimensions themselves.
_AUXILIARY = {*DIMENSIONS, "latitude", "longitude", "lat", "lon", "lr_latitude", "lr_longitude"}


class EnsembleAttrs(BaseModel):
    """Attributes of the file's root.

    ``to_attrs`` writes nested values as JSON text and leaves out what is None; ``from_attrs`` reads them back. Only
    ``targets`` (and the format's name and version) must be given: that much makes anyone's ensemble readable.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    stride_format: Literal["stride-ensemble"] = FORMAT_NAME
    stride_format_version: Literal[1] = FORMAT_VERSION
    Conventions: str = CONVENTIONS
    targets: tuple[str, ...] = Field(min_length=1)
    title: str | None = None
    experiment: str | None = None
    system: str | None = None
    config: dict[str, Any] | None = None
    model_spec: dict[str, Any] | None = None
    checkpoint_id: str | None = None
    sampler: dict[str, Any] | None = None
    seed: int | None = None
    transforms: list[dict[str, Any]] | None = None
    statistics_id: str | None = None
    region: Region | None = None
    package_versions: dict[str, str] | None = None
    history: str | None = None
    split: str | None = None

    def to_attrs(self) -> dict[str, str | int]:
        """Attributes as any file format can hold them: text and whole numbers."""
        attrs: dict[str, str | int] = {}
        for name, value in self.model_dump(mode="json").items():
            if name in _JSON_ATTRS:
                # None stays visible as "null" only for the model: "made without one" is a statement there.
                if value is not None or name == "model_spec":
                    attrs[name] = json.dumps(value)
            elif value is not None:
                attrs[name] = value
        return attrs

    @classmethod
    def from_attrs(cls, attrs: Mapping[Any, Any], *, where: str = "saved ensemble") -> EnsembleAttrs:
        """Read and check a file's root attributes; attributes of other conventions are ignored.

        Args:
            attrs: The root's attributes as a file library gives them.
            where: The file's name, named first in an error.

        Raises:
            StrideError: If the format is another one, a required attribute is missing or one does not read.
        """
        _check_format(attrs, where)
        values: dict[str, Any] = {}
        for name in cls.model_fields:
            if name not in attrs:
                continue
            value = attrs[name]
            # numpy scalars, which file libraries give for numbers, become Python's own.
            value = value.item() if hasattr(value, "item") else value
            if name in _JSON_ATTRS:
                try:
                    value = json.loads(value)
                except (TypeError, json.JSONDecodeError):
                    example = ", such as '[\"prcp\"]'" if name == "targets" else ""
                    raise StrideError(
                        f"{where}: attribute '{name}' is {value!r}, expected JSON text{example}; rewrite it."
                    ) from None
            values[name] = value
        try:
            return cls.model_validate(values)
        except ValidationError as exc:
            raise StrideError(describe(exc, cls, f"{where}, root attributes")) from exc


_JSON_ATTRS = frozenset({"targets", "config", "model_spec", "sampler", "transforms", "region", "package_versions"})


def validate_layout(
    groups: Mapping[str, Mapping[str, Sequence[str]]],
    attrs: Mapping[Any, Any],
    *,
    need: Sequence[str] = (),
    where: str = "saved ensemble",
) -> None:
    """Check that a file is a saved ensemble of this version.

    Args:
        groups: For each group (with or without a leading slash) its data variables and their dimension names in order.
            Scalars, coordinates and bounds among them are passed over; groups the format does not know are ignored.
        attrs: The root's attributes.
        need: Optional groups that the caller cannot do without, e.g. ``("target",)`` for scores.
        where: The file's name, named first in an error.

    Raises:
        StrideError: Naming the group, the variable, what was expected and what was found.
    """
    targets = EnsembleAttrs.from_attrs(attrs, where=where).targets
    found = {name.strip("/"): variables for name, variables in groups.items() if name.strip("/")}
    for name in found:
        if name not in GROUPS and difflib.get_close_matches(name.lower(), GROUPS, n=1, cutoff=0.75):
            raise StrideError(f"{where}: unknown group '/{name}'.{nearest(name, GROUPS)} Rename it.")
    for name, layout in GROUPS.items():
        if name in found:
            _check_group(name, layout, found[name], targets, where)
            if layout.targets_only and (layout.required or name in need):
                _check_complete(name, found[name], targets, where)
        elif layout.required or name in need:
            raise StrideError(f"{where}: group '/{name}' ({layout.meaning}) is missing; write it with {list(targets)}.")


def _check_format(attrs: Mapping[Any, Any], where: str) -> None:
    name, version = attrs.get("stride_format"), attrs.get("stride_format_version")
    if name != FORMAT_NAME:
        got = "missing" if name is None else repr(name)
        raise StrideError(
            f"{where}: attribute 'stride_format' is {got}, expected '{FORMAT_NAME}'; give the path of a saved ensemble "
            "or set the attribute."
        )
    if version != FORMAT_VERSION:
        got = "missing" if version is None else repr(version)
        raise StrideError(
            f"{where}: attribute 'stride_format_version' is {got}, this release reads version {FORMAT_VERSION}; "
            "use the release that wrote the file or write it anew."
        )


def _check_group(
    name: str, layout: GroupLayout, variables: Mapping[str, Sequence[str]], targets: Sequence[str], where: str
) -> None:
    for variable, dims in variables.items():
        got = tuple(dims)
        if not got or variable in _AUXILIARY or variable.endswith(("_bnds", "_bounds")):
            continue
        if layout.targets_only and variable not in targets:
            raise StrideError(
                f"{where}: '/{name}/{variable}' is none of the targets {list(targets)} of the root attribute; add it "
                "there or leave the variable out."
            )
        if got not in layout.dims:
            expected = " or ".join(f"({', '.join(option)})" for option in layout.dims)
            raise StrideError(
                f"{where}: '/{name}/{variable}' has dimensions ({', '.join(got)}), expected {expected}; rename or "
                "transpose them."
            )


def _check_complete(name: str, variables: Mapping[str, Sequence[str]], targets: Sequence[str], where: str) -> None:
    for target in targets:
        if target not in variables:
            raise StrideError(
                f"{where}: '/{name}/{target}' is missing, the root attribute 'targets' is {list(targets)}; write the "
                f"variable or take it out of the attribute.{nearest(target, variables) if variables else ''}"
            )
