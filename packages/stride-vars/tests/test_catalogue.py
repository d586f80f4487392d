import re

import pytest
from stride_vars.catalogue import Catalogue
from stride_vars.colours import COLOUR_MAPS
from stride_vars.errors import StrideError

# The names of matplotlib that the catalogue uses; matplotlib itself is no dependency here.
MATPLOTLIB_MAPS = {
    "BrBG", "Blues", "Blues_r", "Greys", "PuOr", "PuOr_r", "RdBu_r", "YlGn", "cividis", "gray", "inferno", "inferno_r",
    "magma_r", "twilight", "viridis",
}  # fmt: skip
LEVELS = (1000, 850, 500, 50, 1)
# One factor of a UDUNITS text: a word, then an exponent.
UNIT_FACTOR = re.compile(r"^[A-Za-z_]+(-?\d)?$")


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue.load()


def every_spec():
    catalogue = Catalogue.load()
    return [*catalogue, *(catalogue.get(f"{family}_{level}") for family in catalogue.families() for level in LEVELS)]


@pytest.mark.parametrize("spec", every_spec(), ids=lambda spec: spec.key)
def test_entry_is_consistent(spec, catalogue):
    assert catalogue.get(spec.key) == spec
    for name in spec.names:
        assert catalogue.resolve(name).key == spec.key
        assert catalogue.resolve(name.upper()).key == spec.key
    for name in (spec.cmap, spec.anomaly_cmap):
        assert name in COLOUR_MAPS or name in MATPLOTLIB_MAPS
    assert spec.units == "1" or all(UNIT_FACTOR.match(factor) for factor in spec.units.split())
    assert spec.transform_default in {"zscore", "log_zscore", "identity"}
    if spec.transform_default == "log_zscore":
        assert spec.is_positive_definite
    if spec.wet_threshold is not None:
        assert spec.is_positive_definite
        assert spec.group == "precipitation"
    if spec.is_positive_definite and spec.plot_range is not None:
        assert spec.plot_range[0] >= 0 or spec.group == "static"
    assert spec.standard_name is None or re.match(r"^[a-z0-9_]+$", spec.standard_name)


def test_no_name_is_given_twice(catalogue):
    owners: dict[str, str] = {}
    for spec in catalogue:
        for name in spec.names:
            assert owners.setdefault(name.lower(), spec.key) == spec.key


def test_precipitation_as_the_project_uses_it(catalogue):
    spec = catalogue.get("prcp")
    assert (spec.data_name, spec.units, spec.cmap) == ("tp", "mm day-1", "precip_cmap")
    assert (spec.transform_default, spec.is_positive_definite, spec.wet_threshold) == ("log_zscore", True, 1.0)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        # ERA5, CMIP, DANRA's daily files, standard name that one variable has
        ("tp", "prcp"), ("pr", "prcp"), ("tp_tot", "prcp"), ("lwe_precipitation_rate", "prcp"),
        ("tas", "t2m"), ("2t", "t2m"), ("2m_temperature", "t2m"), ("2m temperature", "t2m"), ("psl", "msl"),
        ("pres_seasurface", "msl"), ("u10m", "u10"), ("sfcWind", "wspd10"), ("topo", "orog"), ("sftlf", "lsm"),
        ("surface_altitude", "orog"), ("swavr0m", "ssr"),
        # levels, and the heights that look like them
        ("t850", "t_850"), ("T850", "t_850"), ("t_850", "t_850"), ("ta850", "t_850"), ("t_850hPa", "t_850"),
        ("ta-850", "t_850"), ("omega500", "w_500"), ("hus_700", "q_700"), ("u100", "u100m"), ("u_100", "u_100"),
        ("t2", "t2m"), ("o3_500", "o3_500"), ("z_5", "z_5"),
    ],
)  # fmt: skip
def test_resolve(catalogue, name, key):
    assert catalogue.resolve(name).key == key


def test_membership_is_by_key(catalogue):
    assert "prcp" in catalogue
    assert "t_850" in catalogue
    assert "tp" not in catalogue
    assert "t850" not in catalogue
    assert "t_8500" not in catalogue
    assert 3 not in catalogue
    assert len(catalogue) == len(catalogue.keys()) > 50


def test_groups_cover_all(catalogue):
    assert sum(len(catalogue.group(name)) for name in catalogue.groups()) == len(catalogue)
    assert catalogue.group("precipitation")[0].key == "prcp"


def test_a_members_colour_limits_follow_its_level(catalogue):
    assert catalogue.get("t_850").plot_range == (253, 303)
    assert catalogue.get("t_600").plot_range == (239.0, 281.5)  # halfway between 500 and 700 hPa
    assert catalogue.get("t_50").plot_range == (205, 235)
    assert catalogue.get("clwc_850").plot_range is None


def test_a_members_names_carry_its_level(catalogue):
    spec = catalogue.get("w_500")
    assert spec.label == "Vertical velocity 500 hPa [Pa s-1]"
    assert spec.long_name == "Vertical velocity, downward positive at 500 hPa"
    assert spec.data_name == "w500"
    assert "omega_500" in spec.aliases


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "prpc",
            "unknown variable 'prpc'. Did you mean 'prcp'? Add it to a variables file as [variable.prpc] to make it "
            "known.",
        ),
        (
            "sfc_winds",
            "unknown variable 'sfc_winds'. Did you mean 'sfcwind'? Add it to a variables file as [variable.sfc_winds] "
            "to make it known.",
        ),
        ("q#!", "unknown variable 'q#!'. Add it to a variables file as [variable.q#!] to make it known."),
        ("t", "variable 't' stands for every pressure level; name the level in hPa, such as 't_850'."),
    ],
)
def test_unknown(catalogue, name, expected):
    for ask in (catalogue.get, catalogue.resolve):
        with pytest.raises(StrideError) as caught:
            ask(name)
        assert str(caught.value) == expected


def test_a_standard_name_of_several_variables_is_refused(catalogue):
    with pytest.raises(StrideError, match=r"fits several variables \(t2m, tmax, tmin, t_<level>\); give the key"):
        catalogue.resolve("air_temperature")


def test_unknown_group(catalogue):
    with pytest.raises(StrideError, match=r"unknown group of variables 'winds'. Did you mean 'wind'\?"):
        catalogue.group("winds")
