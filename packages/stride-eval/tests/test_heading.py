import pytest
from stride_eval.plots.heading import heading


@pytest.mark.parametrize(
    ("name", "width", "expected"),
    [
        ("edm", 1.4, "edm"),
        ("quantile_mapping", 2.5, "quantile_mapping"),
        ("quantile_mapping_per_pixel", 1.46, "quantile_\nmapping_per_\npixel"),
        ("my first model", 0.9, "my first\nmodel"),
        ("unbreakableunbreakable", 0.5, "unbreakableunbreakable"),
    ],
)
def test_names_are_broken_where_a_panel_ends(name, width, expected):
    assert heading(name, width, 10) == expected
