"""The error that wrong arguments of a metric raise."""

from stride_eval.errors import EvalError


class MetricError(EvalError, ValueError):
    """Arguments that a metric cannot score; one sentence: what, where, the mend."""
