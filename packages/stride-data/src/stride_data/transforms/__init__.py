"""Named, invertible scalings, each described completely by its metadata."""

from stride_data.transforms.identity import Identity
from stride_data.transforms.log_zscore import LogZScore
from stride_data.transforms.protocol import Transform
from stride_data.transforms.registry import build, from_metadata, names
from stride_data.transforms.zscore import ZScore

__all__ = ["Identity", "LogZScore", "Transform", "ZScore", "build", "from_metadata", "names"]
