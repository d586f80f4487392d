"""Several processes, killed or not, make the same store, byte for byte."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from stride_train.config import ExperimentConfig, GenerateConfig
from stride_train.errors import GenerationError
from stride_train.generation import work_folder
from stride_train.generation.diffusion import DiffusionSystem
from stride_train.generation.plan import Plan
from stride_train.generation.run import find_request, generate, generate_share
from stride_train.generation.shares import Share, find_share, local_rank
from stride_train.generation.work_folder import WorkFolder

ALL = {"batch_size": 1, "mean": True, "spread": True}
"""Two cases of three pieces: with more than one share some case is in two of them."""


def changed(experiment: ExperimentConfig, **changes) -> ExperimentConfig:
    asked = {**experiment.generate.model_dump(), **changes}
    return experiment.model_copy(update={"generate": GenerateConfig.model_validate(asked)})


def content(store: Path) -> dict[str, object]:
    """Every file of a store, without the time of its creation."""
    files: dict[str, object] = {
        str(path.relative_to(store)): path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file()
    }
    root = json.loads((store / "zarr.json").read_text())
    assert root["attributes"].pop("history").endswith("written by stride-generate")
    return {**files, "zarr.json": root}


def beside(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture(scope="module")
def undisturbed(trained, experiment, tmp_path_factory) -> dict[str, object]:
    """What one process makes without interruption."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return content(generate(trained, changed(experiment, **ALL), folder=folder))


def test_consecutive_parts_hold_every_piece_once():
    plan = Plan(("a", "b", "c"), members=5, batch_size=2)
    assert [(piece.case, list(piece.members)) for piece in plan.pieces[:4]] == [
        (0, [0, 1]),
        (0, [2, 3]),
        (0, [4]),
        (1, [0, 1]),
    ]
    for of in (1, 2, 4, 9, 20):
        parts = [Share(rank, of).part(plan.pieces) for rank in range(of)]
        assert [piece for part in parts for piece in part] == list(plan.pieces)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize(
    ("environment", "share"),
    [
        ({}, Share(0, 1)),
        ({"RANK": "1", "WORLD_SIZE": "4"}, Share(1, 4)),
        ({"SLURM_PROCID": "2", "SLURM_NTASKS": "3"}, Share(2, 3)),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "2"}, Share(1, 2)),
        ({"RANK": "0", "WORLD_SIZE": "2", "SLURM_PROCID": "1", "SLURM_NTASKS": "4"}, Share(0, 2)),
    ],
)
def test_torchrun_and_slurm_give_shares(environment, share):
    assert find_share(None, None, environment) == share
    assert find_share(3, 5, environment) == Share(3, 5), "what the user says goes first"


def test_processes_of_a_machine_are_numbered_for_its_gpus():
    assert local_rank({"LOCAL_RANK": "3"}) == 3 and local_rank({"SLURM_LOCALID": "1"}) == 1 and local_rank({}) == 0


@pytest.mark.parametrize(
    ("numbers", "environment", "sentence"),
    [
        ((2, 2), {}, "no share 2 of 2: .*--rank 0 to --rank 1"),
        ((0, None), {}, "--rank and --of belong together"),
        ((None, None), {"RANK": "one", "WORLD_SIZE": "2"}, "environment of torchrun is not understood: RANK is 'one'"),
    ],
)
def test_shares_that_cannot_be_are_refused(numbers, environment, sentence):
    with pytest.raises(GenerationError, match=sentence):
        find_share(*numbers, environment)


@pytest.mark.parametrize("order", [(1, 0), pytest.param((2, 0, 3, 1), marks=pytest.mark.slow)])
def test_shares_in_any_order_make_the_store_of_one_process(trained, experiment, tmp_path, undisturbed, order):
    request = find_request(trained, changed(experiment, **ALL), "edm", folder=tmp_path)
    for rank in order[:-1]:
        outcome = generate_share(request, Share(rank, len(order)))
        assert not outcome.finished and outcome.missing
    assert not request.path.exists()
    assert generate_share(request, Share(order[-1], len(order))).finished, "the last to end finishes"
    assert content(request.path) == undisturbed
    assert beside(tmp_path) == ["edm.zarr"]


@pytest.mark.slow
def test_the_summaries_of_a_case_in_two_shares_are_right(trained, experiment, tmp_path):
    request = find_request(trained, changed(experiment, **ALL), "edm", folder=tmp_path)
    for rank in range(4):
        generate_share(request, Share(rank, 4))
    tree = xr.open_datatree(request.path, engine="zarr")
    members = tree["ensemble/prcp"].values.astype(np.float64)
    np.testing.assert_allclose(tree["mean/prcp"], members.mean(1), rtol=1e-6)
    np.testing.assert_allclose(tree["spread/prcp"], members.std(1, ddof=1), rtol=1e-5, atol=1e-6)


def test_another_number_of_shares_goes_on_with_what_is_there(trained, experiment, tmp_path, undisturbed, monkeypatch):
    request = find_request(trained, changed(experiment, **ALL), "edm", folder=tmp_path)
    generate_share(request, Share(1, 3))
    drawn, original = [], DiffusionSystem.generate

    def counted(self, time, members=None):
        drawn.append((time, list(members or ())))
        return original(self, time, members)

    monkeypatch.setattr(DiffusionSystem, "generate", counted)
    assert generate_share(request).finished
    assert len(drawn) == 4, "two of the six pieces are there"
    assert content(request.path) == undisturbed


def _in_a_process(work, *arguments) -> int | None:
    """Exit code of a function that runs in a process of its own; negative when a signal ended it."""
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    process.start()
    process.join(timeout=100)
    return process.exitcode


def _killed_at_write(request, share, number):
    """Does a share, but is killed by the operating system in the middle of the n-th file."""
    import zarr.storage._local as local

    original, written = local._atomic_write, []

    def counted(path, mode, exclusive=False):
        written.append(path)
        if len(written) == number:
            path.with_suffix(".0123.partial").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        return original(path, mode, exclusive)

    local._atomic_write = counted
    generate_share(request, share)


@pytest.mark.slow
def test_killed_at_many_moments_and_run_again_equals_the_undisturbed_one(trained, experiment, tmp_path, undisturbed):
    chooser = np.random.default_rng(5)
    request = find_request(trained, changed(experiment, **ALL), "edm", folder=tmp_path)
    work, kills = WorkFolder(request.path, request.fingerprint), 0
    for _ in range(60):
        rank, most = int(chooser.integers(2)), 9 if work.exists else 250  # the layout takes many small files
        number = int(chooser.integers(1, most))
        if _in_a_process(_killed_at_write, request, Share(rank, 2), number) == -signal.SIGKILL:
            kills += 1
        if request.path.exists():
            break
    assert kills >= 5 and request.path.exists()
    generate_share(request)
    assert content(request.path) == undisturbed
    assert beside(tmp_path) == ["edm.zarr"]


@pytest.mark.parametrize("point", ["_replace", pytest.param("clear", marks=pytest.mark.slow)])
def test_killed_while_finishing_leaves_everything_for_the_next(
    trained, experiment, tmp_path, undisturbed, monkeypatch, point
):
    request = find_request(trained, changed(experiment, **ALL), "edm", folder=tmp_path)

    class Killed(BaseException):
        pass

    def killed(self):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(WorkFolder, point, killed)
        with pytest.raises(Killed):
            generate_share(request)
    monkeypatch.setattr(DiffusionSystem, "generate", None)
    assert generate_share(request).finished, "nothing is drawn again"
    assert content(request.path) == undisturbed
    assert beside(tmp_path) == ["edm.zarr"]


def test_only_one_process_finishes(trained, experiment, tmp_path, undisturbed, monkeypatch):
    """While one finishes, another one that finds everything done leaves it alone."""
    request = find_request(trained, changed(experiment, **ALL), "edm", folder=tmp_path)
    original, others = WorkFolder._replace, []

    def meanwhile(self):
        others.append(generate_share(request))
        original(self)

    monkeypatch.setattr(WorkFolder, "_replace", meanwhile)
    assert generate_share(request).finished
    assert [(other.finished, other.missing) for other in others] == [(False, 0)]
    assert content(request.path) == undisturbed


@pytest.mark.slow
def test_without_locks_share_0_finishes(trained, experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(work_folder, "_try_lock", lambda descriptor: None)
    request = find_request(trained, experiment, "edm", folder=tmp_path)
    assert not generate_share(request, Share(0, 2)).finished
    last = generate_share(request, Share(1, 2))
    assert not last.finished and not last.missing
    assert generate_share(request, Share(0, 2)).finished


@pytest.mark.slow
def test_who_lays_the_store_out_second_takes_the_first_one_s(trained, experiment, tmp_path, monkeypatch):
    request = find_request(trained, experiment, "edm", folder=tmp_path)
    original, times = WorkFolder.lay_out, []

    def slowly(self, write):
        if not times:
            times.append("first")
            generate_share(request, Share(1, 2))
            times.append(sorted(path.stat().st_mtime_ns for path in self.folder.rglob("*")))
        original(self, write)

    monkeypatch.setattr(WorkFolder, "lay_out", slowly)
    assert generate_share(request, Share(0, 2)).finished
    assert len(times) == 2 and beside(tmp_path) == ["edm.zarr"]


@pytest.mark.slow
def test_what_another_request_left_behind_goes(trained, experiment, tmp_path):
    one, other = (find_request(trained, changed(experiment, members=n), "edm", folder=tmp_path) for n in (3, 2))
    generate_share(one, Share(0, 2))
    (tmp_path / "edm.zarr.partial").mkdir()
    assert generate_share(other).finished
    assert beside(tmp_path) == ["edm.zarr"]


def test_a_store_that_is_taken_away_is_not_written_to(trained, experiment, tmp_path, monkeypatch):
    request = find_request(trained, experiment, "edm", folder=tmp_path)
    original = DiffusionSystem.generate

    def generate_and_lose(self, time, members=None):
        fields = original(self, time, members)
        for folder in tmp_path.iterdir():
            shutil.rmtree(folder)
        return fields

    monkeypatch.setattr(DiffusionSystem, "generate", generate_and_lose)
    with pytest.raises(GenerationError, match="is gone, another process finished or replaced it: run the same"):
        generate_share(request)
    assert not beside(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("system", ["climatology", "quantile_mapping"])
def test_baselines_are_shared_alike(trained, experiment, tmp_path, system):
    config = changed(experiment, **ALL)
    alone = generate(trained, config, system, folder=tmp_path / "alone")
    request = find_request(trained, config, system, folder=tmp_path / "shared")
    assert not generate_share(request, Share(1, 2)).finished
    assert generate_share(request, Share(0, 2)).finished
    assert content(request.path) == content(alone)


@pytest.mark.slow
def test_torchrun_starts_it(trained, experiment, tmp_path, undisturbed):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    asked = [text for key, value in ALL.items() for text in ("--set", f"generate.{key}={str(value).lower()}")]
    result = subprocess.run(
        [*command, "-m", "stride_train.cli.generate", str(trained.path), "--out", str(tmp_path), *asked],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr
    assert "generating edm, share 1 of 2: done" in result.stderr
    assert result.stdout.split() == ["edm", str(tmp_path / "edm.zarr")]
    assert content(tmp_path / "edm.zarr") == undisturbed
    assert beside(tmp_path) == ["edm.zarr"]
