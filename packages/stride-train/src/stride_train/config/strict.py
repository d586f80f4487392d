"""The one setting that every section of an experiment shares."""

from pydantic import ConfigDict

STRICT = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
"""Unknown keys are errors; a config never changes after it was read."""
