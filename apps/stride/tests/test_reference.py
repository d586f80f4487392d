import pytest
from stride_app.stages import run_chain
from stride_train.errors import ExperimentError
from stride_train.experiments import EMBEDDED, load_experiment
from stride_train.run_folder import RunFolder


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("climatology", r"names 'climatology', which this experiment does not make\. Add it to generate\.baselines\."),
        ("interpolate", r"names 'interpolate', which this experiment does not make\. Did you mean 'interpolated'"),
    ],
)
def test_a_reference_that_is_not_made_is_refused_before_the_long_work(tmp_path, reference, sentence):
    experiment = load_experiment(EMBEDDED, [f"evaluate.reference={reference}"])
    with pytest.raises(ExperimentError, match=sentence):
        run_chain(experiment, RunFolder(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
