"""Errors that a user of training and generation can cause: one sentence with what, where and the mend."""

from stride_vars.errors import StrideError


class ExperimentError(StrideError):
    """An experiment file, run folder or option that cannot be used."""


class CheckpointError(StrideError):
    """A checkpoint that is missing, cut short, too new or made for something else.

    Attributes:
        cut_short: Whether the file is there and cannot be read.
    """

    def __init__(self, message: str, *, cut_short: bool = False) -> None:
        """Takes the sentence."""
        super().__init__(message)
        self.cut_short = cut_short


class TrainingError(StrideError):
    """Training that cannot go on, such as a loss that is not finite."""


class EndedTogether(StrideError):
    """Of one of several processes: it ends because another one does, which says why."""


class GenerationError(StrideError):
    """An ensemble that cannot be generated or written."""
