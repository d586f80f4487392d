import xarray as xr
from stride_train.experiments import EMBEDDED, find_experiment, load_experiment, offered_experiments


def test_both_experiments_are_offered_by_name():
    assert set(offered_experiments()) == {"era5-1deg-demo", "danra-era5-small"}
    assert find_experiment(EMBEDDED).name == "era5-1deg-demo.yaml"
    assert find_experiment(f"{EMBEDDED}.yaml") == find_experiment(EMBEDDED)


def test_the_embedded_data_lie_beside_the_experiment():
    experiment = load_experiment(EMBEDDED)
    data = xr.open_dataset(f"{experiment.data.root}/era5_1deg_sample.nc")
    assert data.sizes["time"] == 24


def test_every_experiment_is_valid(monkeypatch):
    monkeypatch.setenv("STRIDE_REALDATA", "/anywhere")
    for name in offered_experiments():
        assert load_experiment(name).name == name
