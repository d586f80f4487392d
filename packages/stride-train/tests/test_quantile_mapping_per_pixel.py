import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stride_train.baselines.quantile_mapping import map_quantiles
from stride_train.baselines.quantile_mapping_per_pixel import (
    PixelQuantiles,
    QuantileMappingPerPixel,
    hazen_quantiles,
)
from stride_train.errors import GenerationError

NAN = np.nan


def learnt(source, observed, quantiles=None):
    """Tables of pixels [P] from values [P, N]."""
    source, observed = np.asarray(source, np.float32), np.asarray(observed, np.float32)
    tables = PixelQuantiles.empty(source.shape[:-1], quantiles or source.shape[-1])
    tables.learn((), source, observed)
    return tables


def test_two_days_and_two_pixels_by_hand():
    """The first pixel maps 1 to 10 and 3 to 20; the second maps 0 to 0 and 8 to 2."""
    tables = learnt([[3.0, 1.0], [0.0, 8.0]], [[10.0, 20.0], [2.0, 0.0]])
    for values, expected in {
        (1.0, 0.0): (10.0, 0.0),
        (3.0, 8.0): (20.0, 2.0),
        (2.0, 4.0): (15.0, 1.0),
        (6.0, 16.0): (40.0, 4.0),  # beyond the largest its ratio is kept, 20/3 and 2/8
        (0.5, 0.0): (5.0, 0.0),  # below the smallest its ratio, 10/1
    }.items():
        np.testing.assert_allclose(tables.map(np.array(values), ratio_beyond=True), expected, rtol=1e-6)
    beyond = tables.map(np.array([6.0, 16.0]), ratio_beyond=False)
    np.testing.assert_allclose(beyond, [23.0, 10.0], rtol=1e-6)


def test_dry_days_that_share_ranks_take_the_middle():
    """Drier than observed: three dry days stand for 0, 0.4 and 1 mm; all get half of the most."""
    tables = learnt([[0, 0, 0, 5]], [[0, 0.4, 1, 9]])
    np.testing.assert_allclose(tables.map(np.zeros(1), ratio_beyond=True), 0.5)
    np.testing.assert_allclose(tables.map(np.array([2.5]), ratio_beyond=True), 0.5 * (0.5 + 9))


def test_a_pixel_without_pairs_is_missing_and_single_gaps_do_not_count():
    tables = learnt([[1, 2, 3], [1, 2, 3], [1, NAN, 3]], [[NAN, NAN, NAN], [10, NAN, 30], [10, 20, 30]])
    mapped = tables.map(np.array([2.0, 2.0, 3.0]), ratio_beyond=True)
    np.testing.assert_allclose(mapped, [NAN, 20.0, 30.0], rtol=1e-6)


@pytest.mark.parametrize("quantiles", [3, 10, 25, 40])
def test_quantiles_are_those_of_numpy(quantiles):
    rng = np.random.default_rng(0)
    values = rng.gamma(0.7, 4.0, (6, 25)).astype(np.float32)
    values[2, 4:9] = NAN
    ranks = (np.arange(quantiles) + 0.5) / quantiles
    expected = [np.quantile(row[np.isfinite(row)].astype(float), ranks, method="hazen") for row in values]
    np.testing.assert_allclose(hazen_quantiles(values, quantiles), expected, rtol=1e-5)


@pytest.mark.parametrize("quantiles", [7, 60])
@pytest.mark.parametrize("ratio_beyond", [True, False])
def test_every_pixel_is_mapped_as_the_pooled_mapping_would_map_it(quantiles, ratio_beyond):
    rng = np.random.default_rng(1)
    source, observed = (np.maximum(rng.normal(1, 2, (40, 60)), 0).astype(np.float32) for _ in range(2))
    tables = learnt(source, observed, quantiles)
    values = np.maximum(rng.normal(1, 4, 40), 0 if ratio_beyond else -3).astype(np.float32)
    values[:20] = np.where(rng.random(20) < 0.5, source[:20, 0], 0)
    ranks = (np.arange(quantiles) + 0.5) / quantiles
    expected = []
    for row, other, value in zip(source, observed, values, strict=True):
        pair = [np.quantile(part.astype(float), ranks, method="hazen").astype(np.float32) for part in (row, other)]
        expected.append(map_quantiles(np.array([value]), *pair, ratio_beyond=ratio_beyond)[0])
    np.testing.assert_allclose(tables.map(values, ratio_beyond=ratio_beyond), expected, rtol=1e-5, atol=1e-6)


def test_between_the_ends_it_is_the_inverse_of_one_distribution_after_the_other():
    """Without ties: np.interp on the sorted values, pixel by pixel."""
    rng = np.random.default_rng(3)
    source, observed = rng.normal(280, 5, (30, 50)).astype(np.float32), rng.normal(284, 9, (30, 50)).astype(np.float32)
    values = rng.uniform(source.min(axis=1), source.max(axis=1)).astype(np.float32)
    expected = [np.interp(*triple) for triple in zip(values, np.sort(source), np.sort(observed), strict=True)]
    np.testing.assert_allclose(learnt(source, observed).map(values, ratio_beyond=False), expected, rtol=1e-6)


amounts = arrays(np.float32, (3, 9), elements=st.floats(0.125, 50, width=32), unique=True)


@given(amounts, amounts)
def test_mapping_the_training_values_gives_the_observed_distribution(source, observed):
    tables = learnt(source, observed)
    mapped = np.stack([tables.map(source[:, number], ratio_beyond=True) for number in range(9)], axis=-1)
    np.testing.assert_allclose(np.sort(mapped), np.sort(observed), rtol=1e-6)


dry_or_wet = arrays(np.float32, (2, 8), elements=st.one_of(st.just(0.0), st.floats(0, 40, width=32)))


@given(dry_or_wet, dry_or_wet, arrays(np.float32, (2, 6), elements=st.floats(0, 60, width=32)).map(np.sort))
def test_order_is_kept_within_the_learnt_range_and_nothing_turns_negative(source, observed, values):
    tables = learnt(source, observed)
    mapped = np.stack([tables.map(values[:, number], ratio_beyond=True) for number in range(6)], axis=-1)
    assert np.all(mapped >= 0)
    inside = np.clip(values, source.min(axis=1, keepdims=True), source.max(axis=1, keepdims=True))
    mapped = np.stack([tables.map(inside[:, number], ratio_beyond=True) for number in range(6)], axis=-1)
    assert np.all(np.diff(mapped) >= -1e-5 * (1 + np.abs(mapped[:, :1]) + mapped.max()))


@pytest.fixture
def archive(fields_adapter):
    """Observed is twice the LR field in the upper rows and the LR field less 1, where that leaves something, below."""
    rng = np.random.default_rng(7)
    low = rng.uniform(2, 9, (12, 1, 3, 2)).astype(np.float32)
    days = {}
    for number, field in enumerate(low, start=1):
        fine = np.repeat(np.repeat(field, 2, axis=1), 2, axis=2)
        fine[:, :3] *= 2
        fine[:, 3:] -= 1
        days[f"2001-01-{number:02}T00:00:00"] = fine, field
    return fields_adapter(days)


def test_local_relations_are_learnt(archive, silent):
    system = QuantileMappingPerPixel(archive, quantiles=1000, advance=silent)
    assert system.description["quantiles"] == 12, "no more than there are training times"
    time = archive.times("train")[4]
    mapped = system.generate(time)
    assert mapped.shape == (1, 1, 6, 4) and mapped.dtype == np.float32
    observed = np.stack([archive.days[one][0] for one in archive.times("train")])
    again = np.stack([system.generate(one)[0] for one in archive.times("train")])
    np.testing.assert_allclose(np.sort(again, axis=0), np.sort(observed, axis=0), rtol=1e-5)


def test_blocks_of_rows_change_nothing(archive, silent):
    whole = QuantileMappingPerPixel(archive, quantiles=8, advance=silent)
    read, archive.reads = archive.reads, 0
    blocks = QuantileMappingPerPixel(archive, quantiles=8, advance=silent, block_bytes=2 * 2 * 4 * 12 * 4)
    assert (read, archive.reads) == (12, 36), "two rows at a time, of six"
    for one, other in zip(vars(whole.tables).values(), vars(blocks.tables).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_observed_is_said(fields_adapter, silent):
    days = {f"2001-01-0{number}T00:00:00": (np.full((1, 2, 2), NAN), np.ones((1, 1, 1))) for number in (1, 2)}
    with pytest.raises(GenerationError, match=r"no training value of 'fine\.prcp'"):
        QuantileMappingPerPixel(fields_adapter(days), quantiles=5, advance=silent)
