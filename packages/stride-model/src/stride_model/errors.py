"""The error that a user of this package can cause."""


class SpecError(ValueError):
    """A model specification, or a tensor that does not fit it; the message is one sentence."""
