"""Compiling the network's calls, behind a key of the experiment."""

from __future__ import annotations

import importlib.util
import os
import shutil

import torch
from stride_model.precondition import EDMDenoiser

from stride_train.errors import ExperimentError


def compile_network(denoiser: EDMDenoiser, device: torch.device, key: str) -> None:
    """Lets torch.compile translate the network at its first call; weights and their names stay.

    Elementwise work is fused, so that results differ from those of the plain network by rounding.

    Args:
        denoiser: The network; its encoding of the conditioning, once per case, stays plain.
        device: Where it runs.
        key: The key that asked for it, for the message.

    Raises:
        ExperimentError: If what translates for this device is not installed.
    """
    if device.type == "cpu":
        compiler = os.environ.get("CXX")
        found = any(shutil.which(name) for name in ([compiler] if compiler else ["g++", "clang++"]))
        what = "a C++ compiler (g++, clang++ or $CXX)"
    else:
        found, what = importlib.util.find_spec("triton") is not None or device.type != "cuda", "the package triton"
    if not found:
        raise ExperimentError(
            f"{key} needs {what} on this machine, and none was found: install it, or set it to false."
        )
    denoiser.compile()
