"""One thread a process; and where STRIDE_REALDATA names the real data, a test that needs them must run."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

# Tests run side by side, a process a core: more threads than cores would only wait for each other.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# The programs that tests start may keep their compiled modules; without them every start compiles anew for seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure() -> None:
    """A folder that is named but not there would let every such test pass by."""
    folder = os.environ.get("STRIDE_REALDATA")
    if folder and not Path(folder).is_dir():
        raise pytest.UsageError(f"STRIDE_REALDATA={folder} is no folder; correct it, or unset it to skip those tests.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a real-data test into a failure where the data are there."""
    report = yield
    needs_data = item.get_closest_marker("realdata") is not None
    if needs_data and os.environ.get("STRIDE_REALDATA") and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"STRIDE_REALDATA is set, yet this real-data test was skipped: {reason}"
    return report
