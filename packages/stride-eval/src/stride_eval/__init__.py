"""Saved ensembles to scores, plots and an HTML report; needs no torch.

``from stride_eval import evaluate, EvalConfig`` is all that most programs need; both are imported when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stride_eval.config import EvalConfig
    from stride_eval.errors import EvalError
    from stride_eval.runner import EvaluationResult, evaluate

__all__ = ["EvalConfig", "EvalError", "EvaluationResult", "evaluate"]

_HOMES = {
    "EvalConfig": "stride_eval.config",
    "EvalError": "stride_eval.errors",
    "EvaluationResult": "stride_eval.runner",
    "evaluate": "stride_eval.runner",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
