"""Regions take their fields from those of the whole grid where these are still in memory."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from stride_eval.config import EvalConfig
from stride_eval.regions import Region
from stride_eval.runner import evaluate
from stride_eval.systems import Systems

BOX = np.zeros((8, 6), bool)
BOX[2:6, 1:5] = True
CORNER = BOX.copy()
CORNER[2, 1] = False


@pytest.fixture
def reads(monkeypatch):
    """Values that were read of each group."""
    counted = {}
    read = Systems.read

    def counting(self, group, *args, **kwargs):
        values = read(self, group, *args, **kwargs)
        counted[group] = counted.get(group, 0) + values.size
        return values

    monkeypatch.setattr(Systems, "read", counting)
    return counted


@pytest.mark.parametrize("inside", [BOX, CORNER])
def test_a_part_of_kept_fields_equals_what_is_read(pair, systems_of, reads, inside):
    systems = systems_of(pair, single_fields=("mean", "pmm"))
    (expected,) = systems.restricted_to(inside).blocks("prcp")
    list(systems.blocks("prcp"))
    reads.clear()
    (found,) = systems.restricted_to(inside).blocks("prcp")
    assert not reads
    xr.testing.assert_identical(found.observed, expected.observed)
    assert tuple(found.members) == tuple(expected.members)
    for name in systems.names:
        xr.testing.assert_identical(found.members[name], expected.members[name])


def test_a_part_of_a_part(pair, systems_of, reads):
    systems = systems_of(pair)
    inner = np.zeros((4, 4), bool)
    inner[1:3, 2:] = True
    (expected,) = systems.restricted_to(BOX).restricted_to(inner).blocks("prcp")
    part = systems.restricted_to(BOX)
    list(part.blocks("prcp"))
    reads.clear()
    (found,) = part.restricted_to(inner).blocks("prcp")
    assert not reads
    xr.testing.assert_identical(found.members["model"], expected.members["model"])


def test_a_region_reads_its_own_pixels_where_nothing_is_kept(pair, systems_of, reads):
    systems = systems_of(pair)
    reads.clear()
    list(systems.restricted_to(BOX).blocks("prcp"))
    assert reads == {"ensemble": 4 * (3 + 1) * 16, "target": 4 * 16}
    reads.clear()
    small = replace(systems, block_bytes=1, _kept={})
    list(small.blocks("prcp"))
    assert reads["ensemble"] == 4 * (3 + 1) * 48 and not small._kept


def test_other_processes_get_no_fields(pair, systems_of):
    systems = systems_of(pair)
    list(systems.blocks("prcp"))
    part = systems.restricted_to(BOX)
    list(part.blocks("prcp"))
    alone = pickle.loads(pickle.dumps(part.alone()))
    assert not alone._kept and alone._around is None
    (found,) = alone.blocks("prcp")
    np.testing.assert_array_equal(found.observed, next(part.blocks("prcp")).observed)


@pytest.mark.slow
def test_an_evaluation_reads_the_members_once(pair, tmp_path, reads):
    config = EvalConfig(families=("distributions",), mode="metrics", resamples=100)
    evaluate(pair, config, tmp_path / "whole")
    whole = reads["ensemble"]
    reads.clear()
    regions = config.model_copy(update={"regions": {"box": Region(rows=(2, 6), columns=(1, 5))}})
    both = evaluate(pair, regions, tmp_path / "both")
    assert reads["ensemble"] == whole
    assert not both.reused
    # The whole is finished: a region that is added reads its own pixels alone, apart from a first look at each system.
    reads.clear()
    later = evaluate(pair, regions, tmp_path / "whole")
    check = 2 * 48
    assert reads["ensemble"] == check + 4 * (3 + 1) * 16
    assert later.reused and [row.value for row in later.scores] == [row.value for row in both.scores]
