"""A configuration that remembers which of its keys were read."""

from __future__ import annotations

from typing import Any

from stride_eval.config import EvalConfig

_WHOLE = {"model_dump", "model_dump_json", "model_copy", "__iter__"}


class RecordedConfig(EvalConfig):
    """An ``EvalConfig`` that tells which keys a family's results depend on, without the family knowing."""

    _read: set[str]

    @classmethod
    def of(cls, config: EvalConfig) -> RecordedConfig:
        """The same values; nothing read yet."""
        recorded = cls.model_construct(**dict(config))
        object.__setattr__(recorded, "_read", set())
        return recorded

    def __getattribute__(self, name: str) -> Any:
        if name in EvalConfig.model_fields or name in _WHOLE:
            read = object.__getattribute__(self, "__dict__").get("_read")
            if read is not None:
                read.update(EvalConfig.model_fields if name in _WHOLE else [name])
        return super().__getattribute__(name)

    def used(self) -> dict[str, Any]:
        """The keys that were read, with their values as JSON knows them."""
        return keys_of(self, tuple(object.__getattribute__(self, "__dict__")["_read"]))


def keys_of(config: EvalConfig, keys: tuple[str, ...]) -> dict[str, Any]:
    """Some keys of a configuration, as JSON knows their values."""
    return EvalConfig.model_dump(config, mode="json", include=set(keys))
