import subprocess
import sys

import pytest
import stride_vars


def loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_every_public_name_is_there():
    for name in stride_vars.__all__:
        assert getattr(stride_vars, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'pmm_mean'"):
        _ = stride_vars.pmm_mean


def test_the_package_and_its_command_line_part_load_nothing_heavy():
    assert not {"numpy", "pydantic"} & loaded_after("import stride_vars, stride_vars.cli_errors, stride_vars.errors")


def test_the_catalogue_needs_no_arrays():
    assert "numpy" not in loaded_after("from stride_vars import Catalogue; Catalogue.load()")
