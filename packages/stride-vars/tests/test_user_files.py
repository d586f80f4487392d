import pytest
from stride_vars.catalogue import Catalogue
from stride_vars.errors import StrideError


@pytest.fixture
def write(tmp_path):
    def write(text, name="variables.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_new_variable_needs_a_name_and_units(write):
    catalogue = Catalogue.load(write('[variable.hail]\nlong_name = "Hail"\nunits = "mm"\naliases = ["xhail"]'))
    assert catalogue.resolve("XHAIL").key == "hail"
    assert catalogue.get("hail").group == "other"
    assert "prcp" in catalogue


def test_a_new_family(write):
    catalogue = Catalogue.load(write('[family.theta]\nlong_name = "Potential temperature"\nunits = "K"'))
    assert catalogue.resolve("theta850").long_name == "Potential temperature at 850 hPa"


def test_a_known_variable_keeps_what_is_not_stated_and_gains_aliases(write):
    catalogue = Catalogue.load(write('[variable.prcp]\nwet_threshold = 0.1\naliases = ["nedboer"]'))
    spec = catalogue.get("prcp")
    assert spec.wet_threshold == 0.1
    assert spec.units == "mm day-1"
    assert catalogue.resolve("nedboer") == catalogue.resolve("tp") == spec


def test_a_new_long_name_is_shown_too(write):
    assert Catalogue.load(write('[variable.prcp]\nlong_name = "Nedbør"')).get("prcp").label == "Nedbør [mm day-1]"


def test_a_known_family_is_changed(write):
    catalogue = Catalogue.load(write("[family.t.plot_range]\n850 = [260, 290]"))
    assert catalogue.get("t_850").plot_range == (260, 290)
    assert catalogue.get("t_850").units == "K"


def test_the_packaged_catalogue_is_not_touched(write):
    Catalogue.load(write("[variable.prcp]\nwet_threshold = 0.1"))
    assert Catalogue.load().get("prcp").wet_threshold == 1.0


def test_a_users_name_goes_before_the_packaged_one(write):
    hourly = write('[variable.prcp_hourly]\nlong_name = "Hourly precipitation"\nunits = "mm h-1"\ndata_name = "tp"')
    catalogue = Catalogue.load(hourly)
    assert catalogue.resolve("tp").key == "prcp_hourly"
    assert catalogue.resolve("pr").key == "prcp"


def test_later_files_go_before_earlier_ones(write):
    first = write("[variable.prcp]\nwet_threshold = 0.1", "first.toml")
    second = write("[variable.prcp]\nwet_threshold = 0.2", "second.toml")
    assert Catalogue.load(first, second).get("prcp").wet_threshold == 0.2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[variable.prcp]\nunit = "m"', r"\[variable.prcp\]: unknown key 'unit'. Did you mean 'units'\?"),
        ('[variables.prcp]\nunits = "m"', r"unknown key 'variables'. Did you mean 'variable'\?"),
        ('[variable.hail]\nlong_name = "Hail"', r"\[variable.hail\]: key 'units' is missing; add it."),
        ("[variable.prcp]\nplot_range = [3, 1]", "plot_range = .*must lie below"),
        ('[variable.prcp]\naliases = "rain"', "aliases = 'rain': Input should be a valid tuple"),
        ("[variable.prcp", "this is not TOML: .*; correct that line."),
        ('[variable.a]\nlong_name="A"\nunits="1"\naliases=["x"]\n[variable.b]\nlong_name="B"\nunits="1"\naliases=["X"]',
         "'X' is a name of both 'a' and 'b'; take it from one of them."),
        ('[variable.a]\nlong_name="A"\nunits="1"\naliases=["msl"]', "'a' takes the name 'msl', which is the key of"),
        ('[variable.t]\nlong_name="T"\nunits="K"', "'t' is both a variable and a family; rename one of them."),
        ('[family.t]\nlevels = [1]', r"\[family.t\]: unknown key 'levels'."),
    ],
)  # fmt: skip
def test_mistakes_name_the_file_and_the_mend(write, text, words):
    path = write(text)
    with pytest.raises(StrideError, match=words) as caught:
        Catalogue.load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(StrideError, match=r"none.toml: there is no such variables file; check the path."):
        Catalogue.load(tmp_path / "none.toml")


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StrideError, match=r"cannot be read .* must be a TOML text file"):
        Catalogue.load(path)


def test_a_folder(tmp_path):
    with pytest.raises(StrideError, match="cannot be read"):
        Catalogue.load(tmp_path)
