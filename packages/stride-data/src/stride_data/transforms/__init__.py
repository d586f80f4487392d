"""Named, invertible scalings, each described completely by its metadata."""

from stride_data.transforms.protocol import Requirement, Transform
from stride_data.transforms.registry import build, from_metadata, names, requirement

__all__ = ["Requirement", "Transform", "build", "from_metadata", "names", "requirement"]
