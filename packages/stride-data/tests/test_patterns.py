from pathlib import Path

import pytest
from stride_data.discovery.patterns import find_files
from stride_data.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "with [brackets]"
    for name in (
        "tp_20010203.nc",
        "tp_20010201.nc",
        "tp_2001020x.nc",
        "tp_20011399.nc",
        "other.nc",
        "2001/02/tp_2001-02-03T06.nc",
        "2001/03/tp_2001-02-03T07.nc",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_dates_in_names_sort_the_files(root: Path):
    found = find_files("tp_{date:%Y%m%d}.nc", root, "files")
    assert [(file.path.name, file.stamp) for file in found] == [
        ("tp_20010201.nc", "2001-02-01T00:00:00"),
        ("tp_20010203.nc", "2001-02-03T00:00:00"),
    ]


def test_a_date_that_comes_twice_must_agree(root: Path):
    found = find_files("{date:%Y}/{date:%m}/tp_{date:%Y-%m-%dT%H}.nc", root, "files")
    assert [(file.path.parent.name, file.stamp) for file in found] == [("02", "2001-02-03T06:00:00")]


def test_single_files_globs_and_absolute_paths(root: Path):
    assert [f.path.name for f in find_files("other.nc", root, "files")] == ["other.nc"]
    assert find_files("tp_200102*.nc", root, "files")[0].path.name == "tp_20010201.nc"
    assert len(find_files("**/tp_*T??.nc", root, "files")) == 2
    absolute = str(root / "other.nc")
    assert find_files(absolute, "/nowhere", "files")[0].path == root / "other.nc"


def test_two_files_of_one_date(root: Path):
    with pytest.raises(DataError, match="carry the same date 2001-02-03T00:00:00"):
        find_files("{date:%Y}/*/tp_{date:%Y-%m-%d}T*.nc", root, "files")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("nothing_{date:%Y}.nc", "no file matches"),
        ("absent/tp_{date:%Y}.nc", "absent does not exist"),
        ("tp_{date:%m%d}.nc", "has no year"),
        ("tp_{date:%Y%j}.nc", "'%j' is no part of a date"),
        ("nothing*.nc", "no file matches"),
    ],
)
def test_wrong_patterns(root: Path, pattern: str, expected: str):
    with pytest.raises(DataError) as error:
        find_files(pattern, root, "data.sources.a.files")
    assert expected in str(error.value)
    assert "data.sources.a.files" in str(error.value)


def test_a_missing_root(tmp_path: Path):
    with pytest.raises(DataError, match=r"gone does not exist; correct data\.root"):
        find_files("a_{date:%Y}.nc", tmp_path / "gone", "files")
