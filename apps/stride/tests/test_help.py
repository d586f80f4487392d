import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(arguments):
    code = f"""
import sys
from stride_app.cli import app
try:
    app({arguments!r})
except SystemExit:
    pass
print([name for name in ("torch", "xarray", "matplotlib", "zarr") if name in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip().endswith("[]"), result.stdout
