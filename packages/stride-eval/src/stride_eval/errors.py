"""Errors that a user of the evaluation can cause and mend."""

from stride_vars.errors import StrideError


class EvalError(StrideError):
    """A saved ensemble, a configuration or a choice that cannot be evaluated; one sentence: what, where, the mend."""
