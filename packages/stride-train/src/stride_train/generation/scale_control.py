"""Scale control: members start from the noised low-resolution field (`stride_model.samplers.scale_control`)."""

from __future__ import annotations

from typing import Any

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_vars.errors import nearest

from stride_train.config.generation import StartConfig
from stride_train.errors import GenerationError
from stride_train.upsampled import upsample


class StartFields:
    """The fields that members start from: each target's low-resolution field, upsampled, in scaled units."""

    def __init__(self, config: StartConfig, adapter: Adapter):
        """Finds the LR field of each target.

        Args:
            config: Which fields.
            adapter: Its dynamic fields and transforms.

        Raises:
            GenerationError: If a name is unknown, a target has no LR field, or the field has other units.
        """
        self.adapter, self.sigma = adapter, config.sigma
        targets = dict(zip(adapter.target_names, adapter.target_vars, strict=True))
        offered = dict(zip(adapter.cond_names, adapter.cond_vars, strict=True))
        for name in config.fields:
            if name not in targets:
                raise GenerationError(f"generate.start.fields names '{name}', no target.{nearest(name, targets)}")
        self.channels: list[int] = []
        for name, variable in targets.items():
            wanted = config.fields.get(name)
            if wanted is None:
                wanted = next((given for given, offer in offered.items() if offer.key == variable.key), None)
            if wanted is None:
                raise GenerationError(
                    f"generate.start needs the low-resolution field of '{name}', but data.dynamic holds no "
                    f"'{variable.key}' (it holds {', '.join(offered)}): name one in generate.start.fields, or leave "
                    "out generate.start."
                )
            if wanted not in offered:
                raise GenerationError(
                    f"generate.start.fields names '{wanted}', which data.dynamic lacks.{nearest(wanted, offered)}"
                )
            if offered[wanted].units != variable.units:
                raise GenerationError(
                    f"generate.start takes '{wanted}' ({offered[wanted].units}) for the target '{name}' "
                    f"({variable.units}): name a field in the target's units in generate.start.fields."
                )
            self.channels.append(list(offered).index(wanted))

    @property
    def description(self) -> dict[str, Any]:
        """What members start from, as the saved ensemble records it."""
        names = self.adapter.cond_names
        fields = {
            target: names[channel] for target, channel in zip(self.adapter.target_names, self.channels, strict=True)
        }
        return {"sigma": self.sigma, "fields": fields, "interpolation": "bilinear, cell-centred"}

    def at(self, time: str, dynamic: np.ndarray, hr_shape: tuple[int, int]) -> np.ndarray:
        """The fields of one case.

        Args:
            time: ISO time of the case, for the error's sentence.
            dynamic: [C_dyn, H_lr, W_lr] or [T, C_dyn, H_lr, W_lr] in physical units, margins included.
            hr_shape: Size of the HR box.

        Returns:
            float32 [C_out, H_hr, W_hr], scaled as the targets are.

        Raises:
            GenerationError: If a value has no place in the target's transform.
        """
        fields = upsample(dynamic, self.channels, self.adapter, hr_shape)
        scaled = np.asarray(self.adapter.forward_target(fields), dtype=np.float32)
        if not np.isfinite(scaled).all():
            channel = int(np.argwhere(~np.isfinite(scaled))[0, 0])
            name = self.adapter.cond_names[self.channels[channel]]
            raise GenerationError(
                f"generate.start: values of '{name}' at {time} are outside what the transform of "
                f"'{self.adapter.target_names[channel]}' takes: name another field, or leave out generate.start."
            )
        return scaled
