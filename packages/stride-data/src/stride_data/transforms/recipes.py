"""The transforms that are a pointwise function followed by a linear scaling, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stride_vars.spec import VariableSpec

from stride_data.transforms.composed import ComposedTransform
from stride_data.transforms.dry import Dry
from stride_data.transforms.entry import boxcox_lambda
from stride_data.transforms.limits import Exponential, Limits
from stride_data.transforms.linear import MinMax, ZScore
from stride_data.transforms.parameters import take_part
from stride_data.transforms.pointwise import Asinh, BoxCox, Log, PointwiseFunction, Power, Unchanged
from stride_data.transforms.protocol import Requirement

FALLBACK_OFFSET = 0.01
"""Offset, in canonical units, of variables without a wet threshold."""

DEFAULT_EXPONENT = 0.5
FALLBACK_SCALE = 1.0
"""Scale of asinh, in canonical units, of variables without a wet threshold."""


def _offset(options: Mapping[str, Any], spec: VariableSpec) -> float:
    """The offset to add before a logarithm or a Box-Cox power.

    The configuration's; otherwise a hundredth of the wet threshold: small enough to keep drizzle apart from rain, large
    enough that dry cells do not become an outlier that rules the standard deviation.
    """
    if options.get("offset") is not None:
        return float(options["offset"])
    return 0.01 * spec.wet_threshold if spec.wet_threshold else FALLBACK_OFFSET


def _unchanged(options: Mapping[str, Any], spec: VariableSpec) -> Unchanged:
    del options, spec
    return Unchanged()


def _log(options: Mapping[str, Any], spec: VariableSpec) -> Log:
    return Log(_offset(options, spec))


def _boxcox(options: Mapping[str, Any], spec: VariableSpec) -> BoxCox | None:
    exponent = options.get("lambda")
    return None if exponent is None else BoxCox(_offset(options, spec), float(exponent))


def _power(options: Mapping[str, Any], spec: VariableSpec) -> Power:
    del spec
    exponent = options.get("exponent")
    return Power(DEFAULT_EXPONENT if exponent is None else float(exponent))


def _asinh(options: Mapping[str, Any], spec: VariableSpec) -> Asinh:
    """Without a scale in the configuration, the wet threshold is taken, or 1."""
    scale = options.get("scale")
    return Asinh(float(scale) if scale is not None else spec.wet_threshold or FALLBACK_SCALE)


@dataclass(frozen=True)
class ComposedRecipe:
    """Makes the transforms of one name.

    Attributes:
        name: The name in configurations and metadata.
        own_options: Options beside ``dry_below`` and the limits.
        function: Class of the pointwise function.
        choose: The function for given options; None where its parameters are to be estimated.
        scaling: Class of the linear scaling.
        exponential: In which direction the inverse grows exponentially.
    """

    name: str
    own_options: tuple[str, ...]
    function: type[PointwiseFunction]
    choose: Callable[[Mapping[str, Any], VariableSpec], PointwiseFunction | None]
    scaling: type[ZScore] | type[MinMax]
    exponential: Exponential = "no"

    @property
    def options(self) -> tuple[str, ...]:
        """All options."""
        return (*self.own_options, "dry_below", "inverse_floor", "inverse_ceiling")

    def requirement(self, options: Mapping[str, Any], spec: VariableSpec, source: str) -> Requirement:
        """Moments of the function for a z-score, an exponent where none is given."""
        dry_below = Dry.from_options(options, spec, source).dry_below
        function = self.choose(options, spec)
        if function is None:
            return Requirement(dry_below, boxcox_offset=_offset(options, spec))
        # The moments of the values themselves are there in any case.
        own = isinstance(function, Unchanged) and dry_below is None
        return Requirement(dry_below, function if self.scaling.needs_moments(options) and not own else None)

    def from_statistics(
        self,
        entry: Mapping[str, Any],
        *,
        spec: VariableSpec,
        source: str,
        statistics_id: str,
        options: Mapping[str, Any],
    ) -> ComposedTransform:
        """Build from one variable's entry in a statistics file and the configuration's options.

        Raises:
            DataError: If the entry lacks what is needed, or the variable does not vary.
        """
        dry = Dry.from_options(options, spec, source)
        function = self.choose(options, spec)
        name = f"{source}.{spec.key}"
        if function is None:
            offset = _offset(options, spec)
            function = BoxCox(offset, boxcox_lambda(entry, offset, dry.dry_below, name))
        return ComposedTransform(
            name=self.name,
            variable=spec.key,
            source=source,
            statistics_id=statistics_id,
            function=function,
            scaling=self.scaling.from_statistics(entry, function, dry.dry_below, options, name, self.name),
            dry=dry,
            limits=Limits.from_options(options, spec, entry, self.exponential),
        )

    def from_parameters(self, parameters: dict[str, Any]) -> ComposedTransform:
        """Build from metadata without the name."""
        parameters = dict(parameters)
        parts: dict[str, Any] = {
            "function": take_part(self.function, parameters),
            "scaling": take_part(self.scaling, parameters),
            "dry": take_part(Dry, parameters),
            "limits": take_part(Limits, parameters),
        }
        return ComposedTransform(name=self.name, **parameters, **parts)


COMPOSED = (
    ComposedRecipe("zscore", (), Unchanged, _unchanged, ZScore),
    ComposedRecipe("minmax", ("range", "min", "max"), Unchanged, _unchanged, MinMax),
    ComposedRecipe("log_zscore", ("offset",), Log, _log, ZScore, "up"),
    ComposedRecipe("log_minmax", ("offset", "range", "min", "max"), Log, _log, MinMax, "up"),
    ComposedRecipe("boxcox", ("offset", "lambda", "zscore"), BoxCox, _boxcox, ZScore, "up"),
    ComposedRecipe("power", ("exponent", "zscore"), Power, _power, ZScore),
    ComposedRecipe("asinh", ("scale", "zscore"), Asinh, _asinh, ZScore, "both"),
)
