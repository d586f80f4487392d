from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from stride_data.assembly.epoch_batches import EpochBatches  # noqa: E402
from stride_data.contract import validate_batch  # noqa: E402
from stride_data.errors import DataError  # noqa: E402
from stride_data.loaders import make_loader  # noqa: E402


def epoch(loader, number):
    loader.set_epoch(number)
    return list(loader)


def same(one, two) -> bool:
    return len(one) == len(two) and all(
        torch.equal(a[key], b[key]) and a["meta"]["timestamps"] == b["meta"]["timestamps"]
        for a, b in zip(one, two, strict=True)
        for key in ("target", "cond_dynamic", "cond_static")
    )


def test_batches_hold_the_contract(build, small_config):
    adapter = build(small_config)
    loader = make_loader(adapter, "train", batch_size=3, seed=5, shuffle=True, crops_per_field=4)
    batches = epoch(loader, 0)
    assert len(batches) == len(loader) == 6
    assert [batch["target"].shape[0] for batch in batches] == [3, 3, 3, 3, 3, 1]
    for batch in batches:
        validate_batch(batch, counts=adapter.counts, hr_shape=adapter.hr_shape, lr_shape=adapter.lr_shape)
        assert batch["mask"] is None
        assert batch["meta"]["seed"] == 5
    times = Counter(time for batch in batches for time in batch["meta"]["timestamps"])
    assert times == dict.fromkeys(adapter.times("train"), 4)
    short = make_loader(adapter, "train", batch_size=3, seed=5, shuffle=True, drop_last=True)
    assert [batch["target"].shape[0] for batch in short] == [3]


def test_a_known_function_arrives_at_its_coordinates(build, small_config, known_field):
    adapter = build(small_config)
    y, x = np.arange(24) * 1000.0, np.arange(36) * 1000.0
    places = set()
    for number in range(4):
        loader = make_loader(adapter, "train", batch_size=2, seed=1, shuffle=True, epoch=number)
        for batch in loader:
            physical = adapter.inverse_target(batch["target"]).numpy()
            coarse = adapter.inverse_conditioning(batch["cond_dynamic"]).numpy()
            for i, time in enumerate(batch["meta"]["timestamps"]):
                day = adapter.sources["fine"].times.index(time)
                bounds = batch["cond_coord"]["hr_bounds"][i].tolist()
                rows = np.flatnonzero((y > bounds[0]) & (y < bounds[1]))
                columns = np.flatnonzero((x > bounds[2]) & (x < bounds[3]))
                expected = known_field(y[rows], x[columns], day)
                np.testing.assert_allclose(physical[i, 0], expected, rtol=1e-5)
                assert batch["cond_coord"]["lr_bounds"][i].tolist() == bounds
                np.testing.assert_allclose(coarse[i, 0], expected.reshape(2, 4, 3, 4).mean(axis=(1, 3)), rtol=1e-5)
                places.add(tuple(bounds))
    assert len(places) > 5


def test_seed_and_epoch_decide_everything(build, small_config):
    adapter = build(small_config)

    def loader(seed=1, **options):
        return make_loader(adapter, "train", batch_size=3, seed=seed, shuffle=True, crops_per_field=3, **options)

    one = loader()
    first, second = epoch(one, 0), epoch(one, 1)
    assert same(first, epoch(loader(), 0))
    assert same(second, list(loader(epoch=1)))
    assert same(first, list(loader()))
    assert not same(first, second)
    assert not same(first, epoch(loader(seed=2), 0))


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker")
@pytest.mark.parametrize("workers", [1, 4])
def test_workers_give_the_same_batches(build, small_config, workers):
    adapter = build(small_config)

    def loader(count):
        return make_loader(adapter, "train", batch_size=3, seed=1, shuffle=True, crops_per_field=3, num_workers=count)

    alone, helped = loader(0), loader(workers)
    for number in (0, 3, 1):
        assert same(epoch(alone, number), epoch(helped, number))


@pytest.mark.parametrize("workers", [0, 2])
def test_two_ranks_share_the_batches_of_one(build, small_config, workers):
    adapter = build(small_config)

    def batches(size, rank, ranks, drop_last=False):
        loader = make_loader(
            adapter,
            "train",
            batch_size=size,
            seed=1,
            shuffle=True,
            crops_per_field=4,
            num_workers=workers if ranks > 1 else 0,
            drop_last=drop_last,
            rank=rank,
            world_size=ranks,
        )
        return epoch(loader, 2)

    whole = batches(6, 0, 1)  # 16 samples: 6, 6 and 4
    parts = batches(3, 0, 2), batches(3, 1, 2)
    for one, *shares in zip(whole, *parts, strict=True):
        for key in ("target", "cond_dynamic", "cond_static"):
            assert torch.equal(one[key], torch.cat([share[key] for share in shares]))
        assert one["meta"]["timestamps"] == [t for share in shares for t in share["meta"]["timestamps"]]
        for key, boxes in one["cond_coord"].items():
            assert torch.equal(boxes, torch.cat([share["cond_coord"][key] for share in shares]))
    assert [len(batch["target"]) for batch in parts[0]] == [3, 3, 2]
    assert [len(batch["target"]) for batch in batches(3, 1, 2, drop_last=True)] == [3, 3]


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(1, 60),
    size=st.integers(1, 7),
    ranks=st.integers(1, 4),
    seed=st.integers(0, 2**32),
    drop_last=st.booleans(),
)
def test_ranks_take_every_sample_once_and_the_same_number_of_steps(length, size, ranks, seed, drop_last):
    loaders = [
        EpochBatches(length, batch_size=size, shuffle=True, seed=seed, rank=r, world_size=ranks, drop_last=drop_last)
        for r in range(ranks)
    ]
    taken = [list(loader) for loader in loaders]
    assert {len(batches) for batches in taken} == {len(loaders[0])}
    seen = [index for batches in taken for batch in batches for _, index in batch]
    assert len(seen) == len(set(seen)) and set(seen) <= set(range(length))
    left = length % (size * ranks)
    assert length - len(seen) == (left if drop_last or left < ranks else 0)
    assert all(batch for batches in taken for batch in batches)


def test_a_rank_outside_the_world_is_refused():
    with pytest.raises(ValueError, match="rank 2 is none of the 2 processes"):
        EpochBatches(4, batch_size=1, shuffle=True, seed=0, rank=2, world_size=2)


def test_without_shuffle_the_fixed_box_comes_in_order(build, small_config):
    adapter = build(small_config)
    loader = make_loader(adapter, "val", batch_size=1, seed=1, shuffle=False, crops_per_field=3)
    batches = list(loader)
    assert [batch["meta"]["timestamps"] for batch in batches] == [[time] for time in adapter.times("val")]
    assert all(batch["cond_coord"]["hr_box"].tolist() == [[8, 12, 8, 12]] for batch in batches)


def test_a_resumed_epoch_goes_on_where_it_was(build, small_config):
    adapter = build(small_config)
    loader = make_loader(adapter, "train", batch_size=3, seed=1, shuffle=True, crops_per_field=3)
    whole = epoch(loader, 2)
    loader.set_epoch(2, skip_batches=3)
    assert same(list(loader), whole[3:])
    assert same(epoch(loader, 2), whole)


def test_statics_and_targets_may_be_absent(build, small_config):
    small_config["static"] = []
    adapter = build(small_config)
    (batch,) = make_loader(adapter, "val", batch_size=2, seed=0, shuffle=False)
    assert batch["cond_static"] is None
    validate_batch(batch, counts=adapter.counts, hr_shape=adapter.hr_shape, lr_shape=adapter.lr_shape)


def test_the_mask_comes_with_missing_targets(build, small_config, small_root, tmp_path):
    import xarray as xr

    for path in (small_root / "hr").glob("*.nc"):
        with xr.open_dataset(path) as data:
            data = data.load()
            data["tp_tot"][:, 8, 12] = np.nan
            data.to_netcdf(tmp_path / path.name)
    small_config["sources"]["fine"]["files"] = str(tmp_path / "tp_tot_{date:%Y%m%d}.nc")
    adapter = build(small_config)
    (batch,) = make_loader(adapter, "val", batch_size=2, seed=0, shuffle=False)
    validate_batch(batch, counts=adapter.counts, hr_shape=adapter.hr_shape, lr_shape=adapter.lr_shape)
    assert batch["mask"].dtype == torch.bool
    assert (~batch["mask"]).sum() == 2
    assert batch["target"].isfinite().all()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_file_is_one_sentence_also_from_a_worker(build, small_config, small_root, tmp_path, workers):
    for path in (small_root / "hr").glob("*.nc"):
        content = path.read_bytes()
        (tmp_path / path.name).write_bytes(content[:2000] if "20020102" in path.name else content)
    small_config["sources"]["fine"]["files"] = str(tmp_path / "tp_tot_{date:%Y%m%d}.nc")
    loader = make_loader(build(small_config), "val", batch_size=1, seed=0, shuffle=False, num_workers=workers)
    with pytest.raises(DataError) as error:
        list(loader)
    assert "tp_tot_20020102.nc: cannot be read" in str(error.value)
    assert "Traceback" not in str(error.value)


def test_torch_and_numpy_scale_alike(build, small_config):
    adapter = build(small_config)
    x = np.random.default_rng(0).uniform(0, 30, (2, 3, 2, 4, 6)).astype(np.float32)
    np.testing.assert_allclose(
        adapter.forward_static(torch.from_numpy(x)).numpy(), adapter.forward_static(x), rtol=1e-6, atol=1e-6
    )
