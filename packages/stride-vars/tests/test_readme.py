import re
from pathlib import Path

from stride_vars.catalogue import Catalogue

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language):
    found = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    assert found
    return found


def test_the_example_runs(capsys):
    for block in blocks("python"):
        exec(block, {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "prcp Precipitation [mm day-1] precip_cmap (0.0, 40.0)"
    assert lines[1] == "Temperature 850 hPa [K]"


def test_the_variables_file_loads(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(blocks("toml")[0])
    catalogue = Catalogue.load(path)
    assert catalogue.resolve("xhail0m").key == "hail"
    assert "theta_500" in catalogue


def test_the_counts_of_the_changelog():
    changelog = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    catalogue = Catalogue.load()
    assert f"{len(catalogue)} variables and {len(catalogue.families())} families" in changelog
