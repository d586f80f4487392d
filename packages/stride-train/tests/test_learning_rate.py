import pytest
from stride_train.errors import ExperimentError
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training.history import read_history
from stride_train.training.learning_rate import learning_rate_factor
from stride_train.training.run import train


@pytest.mark.parametrize(
    ("step", "fraction", "expected"),
    [(0, 0.0, 0.1), (4, 0.1, 0.5), (9, 0.2, 1.0), (50, 0.5, 1.0), (80, 0.75, 0.5), (99, 1.0, 0.0)],
)
def test_rise_plateau_and_fall(step, fraction, expected):
    assert learning_rate_factor(step, fraction, warmup_steps=9, decay_from=0.5) == pytest.approx(expected)


def test_without_decay_the_rate_stays():
    assert learning_rate_factor(99, 0.99, warmup_steps=0, decay_from=1.0) == 1.0


@pytest.mark.parametrize(
    ("decay", "factors"),
    [
        ("linear", [1.0, 1.0, 0.5, 0.0]),
        # (1 + cos(pi t)) / 2 at t = 0, 1/2, 1 of the fall
        ("cosine", [1.0, 1.0, 0.5, 0.0]),
        ("inverse_sqrt", [1.0, 1.0, (2 / 3) ** 0.5, 0.5**0.5]),
        ("none", [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_the_curves_of_the_fall(decay, factors):
    found = [learning_rate_factor(99, f, warmup_steps=0, decay_from=0.5, decay=decay) for f in (0.0, 0.5, 0.75, 1.0)]
    assert found == pytest.approx(factors)


def test_the_cosine_is_flat_at_both_ends():
    early, late = (learning_rate_factor(0, f, warmup_steps=0, decay_from=0.0, decay="cosine") for f in (0.25, 0.75))
    assert early == pytest.approx(0.5 + 0.5**1.5)  # (1 + cos(pi / 4)) / 2
    assert late == pytest.approx(0.5 - 0.5**1.5)


def test_the_experiment_chooses_the_curve(experiment_file, tmp_path):
    def rates(decay):
        run = RunFolder(tmp_path / decay)
        run.create()
        options = ["train.budget=4steps", "train.decay_from=0.25", "train.warmup_steps=0", "train.log_every=1"]
        options += ["train.learning_rate=1e-3", "train.monitor.cases=0", f"train.decay={decay}"]
        train(load_experiment(experiment_file, options), run, resume=False)
        return [1e3 * float(row["learning_rate"]) for row in read_history(run.history)]

    assert rates("cosine") == pytest.approx([1.0, 1.0, 0.75, 0.25], rel=1e-5)
    assert rates("none") == pytest.approx([1.0] * 4)
    with pytest.raises(ExperimentError, match="inverse_sqrt falls from decay_from on and needs it above 0"):
        load_experiment(experiment_file, ["train.decay=inverse_sqrt", "train.decay_from=0"])
