"""From what the adapter counts to the model's spec: the model itself never infers a shape from tensors."""

from __future__ import annotations

from stride_data.adapter_protocol import Adapter
from stride_model.errors import SpecError
from stride_model.spec import ModelSpec
from stride_vars.errors import nearest

from stride_train.config import ModelConfig
from stride_train.errors import ExperimentError
from stride_train.target_scales import TargetScales


def assemble_spec(adapter: Adapter, options: ModelConfig, *, scales: TargetScales) -> ModelSpec:
    """Puts the adapter's counts and shapes and the user's options together.

    Args:
        adapter: Counts channels, knows the shapes of one sample.
        options: The `model` section of the experiment.
        scales: Standard deviations of the scaled targets.

    Raises:
        ExperimentError: If the options do not go together or name an unknown target.
    """
    gated, thresholds = _gates(adapter, options)
    try:
        return ModelSpec(
            in_dynamic_channels=adapter.counts.dynamic,
            in_static_channels=adapter.counts.static,
            out_channels=adapter.counts.target if options.targets_together else 1,
            cond_lr_shape=adapter.lr_shape,
            target_hr_shape=adapter.hr_shape,
            lr_margins=adapter.lr_margins,
            temporal_steps=adapter.temporal_steps,
            use_context_encoder=bool(adapter.counts.context or adapter.counts.context_static),
            in_context_dynamic_channels=adapter.counts.context,
            in_context_static_channels=adapter.counts.context_static,
            context_shape=adapter.context_shape,
            context_cell=adapter.context_cell,
            context_offset=adapter.context_offset,
            film_features=len(adapter.time_feature_names),
            use_film_vars=not options.targets_together,
            film_labels=0 if options.targets_together else adapter.counts.target,
            use_rain_gate=options.use_rain_gate,
            gated_channels=gated,
            gate_thresholds=thresholds,
            sigma_data=scales.sigma_data,
            fine_scale_std=scales.fine_scale_std,
            **options.model_dump(exclude={"use_rain_gate", "gated_targets", "targets_together", "fine_scales"}),
        )
    except SpecError as error:
        raise ExperimentError(f"The model section does not fit the data: {error}") from error


def _gates(adapter: Adapter, options: ModelConfig) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Channels that the RainGate gates, and their wet thresholds in scaled units."""
    if not options.use_rain_gate:
        return (), ()
    names = list(adapter.target_names)
    scaled = adapter.wet_thresholds_scaled()
    wanted = options.gated_targets or tuple(
        name for name, value in zip(names, scaled, strict=True) if value is not None
    )
    channels, thresholds = [], []
    for name in wanted:
        if name not in names:
            raise ExperimentError(f"model.gated_targets names '{name}', which is no target.{nearest(name, names)}")
        value = scaled[names.index(name)]
        if value is None:
            raise ExperimentError(
                f"model.gated_targets names '{name}', whose variable has no wet threshold: give it one in a variables "
                "file."
            )
        channels.append(names.index(name))
        thresholds.append(float(value))
    if not channels:
        raise ExperimentError("model.use_rain_gate is on, but no target has a wet threshold: switch it off.")
    return tuple(channels), tuple(thresholds)
