from pathlib import Path

import pytest
import torch
from stride_train.averages.power import PowerAverages, lengths_in
from stride_train.averages.reconstruction import reachable, reconstruct
from stride_train.averages.snapshots import StoredAverages, list_snapshots, save_snapshot
from stride_train.errors import GenerationError
from torch import nn

STEPS, BATCH, SIZE, EVERY = 1600, 4, 400, 100
LENGTHS = (0.05, 0.1)
OTHERS = (0.03, 0.07, 0.15, 0.2)


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """Weights that walk at random: snapshots of two lengths on disk, and what other lengths are when followed."""
    folder = tmp_path_factory.mktemp("snapshots")
    torch.manual_seed(0)
    network = nn.Linear(SIZE, 1, bias=False)
    followed = PowerAverages(network, LENGTHS)
    others = PowerAverages(network, OTHERS)
    halfway = None
    for step in range(1, STEPS + 1):
        with torch.no_grad():
            network.weight += 0.05 * torch.randn(network.weight.shape)
        for averages in (followed, others):
            averages.update(BATCH, BATCH * step)
        if step % EVERY == 0:
            save_snapshot(folder, followed.flat(), step=step, images=BATCH * step, training="walk")
        if step == STEPS // 2:
            halfway = {name: value.clone() for name, value in others.flat().items()}
    return folder, followed, others, halfway, network.weight.detach()


def relative_error(found: torch.Tensor, expected: torch.Tensor, last: torch.Tensor) -> float:
    """Error as a share of how far the average lies from the last weights."""
    return float((found - expected).norm() / (expected - last).norm())


@pytest.mark.parametrize(("length", "error"), [(0.03, 0.06), (0.07, 0.003), (0.15, 0.004), (0.2, 0.01)])
def test_a_length_that_was_not_followed_is_close_to_one_that_was(walk, length, error):
    folder, _, others, _, last = walk
    made = reconstruct(list_snapshots(folder), length, BATCH * STEPS)
    found = made.parameters()["weight"]
    assert relative_error(found, others.tensors[length]["weight"], last) < error
    assert sum(sum(factors) for factors in made.factors) == pytest.approx(1.0, abs=1e-8)


def test_an_earlier_time_is_made_of_what_was_stored_until_then(walk):
    folder, _, _, halfway, last = walk
    made = reconstruct(list_snapshots(folder), 0.07, BATCH * STEPS // 2)
    assert max(one.step for one in made.stored) == STEPS // 2
    assert relative_error(made.parameters()["weight"], halfway["0.07/weight"], last) < 0.005


@pytest.mark.parametrize("length", LENGTHS)
def test_a_stored_average_is_returned_as_it_is(walk, length):
    folder, followed, _, _, _ = walk
    made = reconstruct(list_snapshots(folder), length, BATCH * STEPS)
    assert torch.equal(made.parameters()["weight"], followed.tensors[length]["weight"].half().float())
    assert made.residual == 0 and len(made.stored) == 1


def test_lengths_out_of_reach_say_which_are_not(walk):
    stored = list_snapshots(walk[0])
    low, high = reachable(stored, BATCH * STEPS)
    assert low == pytest.approx(0.022, abs=0.003) and high == pytest.approx(0.26, abs=0.01)
    with pytest.raises(GenerationError, match=r"length 0\.01 .*they miss 36 % of it: choose one from 0\.02\d to 0\.2"):
        reconstruct(stored, 0.01, BATCH * STEPS)
    with pytest.raises(GenerationError, match=r"more train\.snapshots"):
        reconstruct(stored, 0.285, BATCH * STEPS)
    with pytest.raises(GenerationError, match=r"no average of length 0\.5: choose one above 0"):
        reconstruct(stored, 0.5, BATCH * STEPS)


def test_a_length_that_would_magnify_the_rounding_of_snapshots_is_refused():
    stored = [StoredAverages(step, step, LENGTHS, "", dict, Path()) for step in range(1, 201)]
    with pytest.raises(
        GenerationError, match=r"their rounding would be magnified \d\d times: choose one from 0\.02\d to .* raw"
    ):
        reconstruct(stored, 0.01, 200)


def test_a_time_long_after_the_last_snapshot_is_out_of_reach(walk):
    with pytest.raises(GenerationError, match="cannot be made"):
        reconstruct(list_snapshots(walk[0]), 0.05, 2 * BATCH * STEPS)


def test_nothing_stored_says_what_to_do(walk):
    with pytest.raises(GenerationError, match=r"no stored average .* train with train\.power_averages, or"):
        reconstruct([], 0.08, 100)
    with pytest.raises(GenerationError, match="up to image 399"):
        reconstruct(list_snapshots(walk[0]), 0.08, 399)


def test_snapshots_of_different_networks_are_not_mixed(walk, tmp_path):
    def stored(images, names):
        flat = {f"{length}/{name}": torch.ones(2) for length in LENGTHS for name in names}
        return StoredAverages(images, images, lengths_in(list(flat)), "", lambda: flat, tmp_path / f"{images}")

    with pytest.raises(GenerationError, match="holds other averages than"):
        reconstruct([*(stored(i, ["a"]) for i in range(1, 16)), stored(16, ["b"])], 0.08, 16).parameters()
