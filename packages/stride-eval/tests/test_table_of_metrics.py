"""docs/metrics.md has a row for every public metric, and its sources are those of the docstrings."""

import inspect
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from stride_eval import metrics

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
DOI = re.compile(r"https://doi\.org/(\S+?)(?=[;,.]?(?:\s|$))")


@pytest.fixture(scope="module")
def rows():
    """Public name -> cells of its rows."""
    if not PAGE.is_file():
        pytest.skip("the workspace's documents are not beside the package")
    tables = PAGE.read_text(encoding="utf-8").split("## Tables")[1].split("\nNot used as oracles")[0]
    found = {}
    for line in tables.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            assert len(cells) == 5, line
            for name in re.findall(r"`(\w+)`", cells[0]):
                found.setdefault(name, []).append(cells)
    return found


def test_every_public_name_has_a_row_and_every_row_a_public_name(rows):
    assert set(rows) == set(metrics.__all__)


@pytest.mark.parametrize("name", metrics.__all__)
def test_row(rows, name):
    """An oracle for each, and every source that the docstring gives."""
    for _, definition, source, oracle, deviation in rows[name]:
        assert definition
        assert oracle or name == "MetricError"
        assert oracle or not deviation
        cited = {unquote(doi).rstrip(")") for doi in re.findall(r"\]\(https://doi\.org/(\S+?)\)(?=[;,. |]|$)", source)}
        assert all(doi.startswith("10.") for doi in cited)
    sources = unquote(" ".join(cells[2] for cells in rows[name]))
    if "as above" not in sources:
        _, _, given = (inspect.getdoc(getattr(metrics, name)) or "").partition("Source:")
        missing = [doi for doi in DOI.findall(given) if doi.rstrip(")") not in sources]
        assert not missing
