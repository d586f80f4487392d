import numpy as np
import pytest
from stride_vars.catalogue import Catalogue
from stride_vars.ensemble_variables import spec_from_attrs, summary_attrs, variable_attrs
from stride_vars.errors import StrideError

CATALOGUE = Catalogue.load()


@pytest.mark.parametrize("key", [*CATALOGUE.keys(), "t_850"])
def test_written_and_read_back(key):
    spec = CATALOGUE.get(key)
    assert spec_from_attrs(key, variable_attrs(spec), CATALOGUE) == spec


def test_attributes_are_what_netcdf_can_hold():
    for value in variable_attrs(CATALOGUE.get("prcp")).values():
        assert isinstance(value, (str, float, int, list))
        assert not isinstance(value, bool)


@pytest.mark.parametrize("key", ["prcp", "t2m"])
def test_summaries_of_members_say_how_they_were_made(key):
    attrs = variable_attrs(CATALOGUE.get(key))
    mean, spread = summary_attrs(attrs, "mean"), summary_attrs(attrs, "spread")
    own = attrs.get("cell_methods", "")
    assert mean["cell_methods"] == f"{own} realization: mean".strip()
    assert spread["cell_methods"] == f"{own} realization: standard_deviation".strip()
    assert mean["long_name"] == f"ensemble mean of {attrs['long_name']}"
    assert mean["units"] == spread["units"] == attrs["units"]
    assert spread["is_positive_definite"] == 1
    assert spread.get("units_metadata") == ("temperature: difference" if key == "t2m" else None)
    assert summary_attrs(attrs, "pmm") == attrs


def test_the_files_own_statements_go_before_the_catalogue():
    spec = CATALOGUE.get("prcp").model_copy(update={"wet_threshold": 0.1, "plot_range": (0.0, 99.0)})
    attrs = variable_attrs(spec)
    attrs["plot_range"] = np.array([0.0, 99.0])  # as a file library gives it
    attrs["wet_threshold"] = np.float64(0.1)
    assert spec_from_attrs("prcp", attrs, CATALOGUE) == spec


def test_a_foreign_variable_needs_only_units():
    spec = spec_from_attrs("hail", {"units": "mm", "is_positive_definite": 1, "wet_threshold": 2.0}, CATALOGUE)
    assert (spec.key, spec.long_name, spec.units) == ("hail", "hail", "mm")
    assert (spec.is_positive_definite, spec.wet_threshold, spec.plot_range) == (True, 2.0, None)


def test_a_foreign_name_for_a_known_variable():
    spec = spec_from_attrs("rain", {"units": "mm day-1", "stride_variable": "prcp"}, CATALOGUE)
    assert (spec.key, spec.cmap) == ("prcp", "precip_cmap")


@pytest.mark.parametrize(
    ("attrs", "words"),
    [
        ({}, "a.zarr: variable 'prcp' has no attribute 'units'; add it."),
        ({"units": "m"}, "variable 'prcp' is in 'm', a saved ensemble holds 'prcp' in 'mm day-1'; convert the values"),
        ({"units": "mm day-1", "wet_threshold": "wet"}, "attributes of variable 'prcp': wet_threshold = 'wet'"),
    ],
)
def test_attributes_that_do_not_read(attrs, words):
    with pytest.raises(StrideError, match=words):
        spec_from_attrs("prcp", attrs, CATALOGUE, where="a.zarr")
