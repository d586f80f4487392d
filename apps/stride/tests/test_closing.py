from pathlib import Path

from stride_app.closing import closing_lines
from stride_app.stages import ChainResult

SCORES = {
    "systems": {"edm": {"members": 16}, "interpolated": {"members": 1}, "mine": {"members": 1}},
    "dates": ["2001-01-01", "2001-01-02"],
    "scores": {
        "observed": {"prcp": {"wet_fraction": {"value": 0.3, "units": "1"}}},
        "edm": {"prcp": {"crps": {"value": 0.81, "lower": 0.7, "upper": 0.9, "units": "mm day-1"}}},
        "interpolated": {"prcp": {"crps": {"value": 1.25, "lower": 1.1, "upper": 1.4, "units": "mm day-1"}}},
        "mine": {"prcp": {"crps": {"value": 1.5, "lower": None, "upper": None, "units": "mm day-1"}}},
    },
}


def test_a_line_a_system_and_the_report_last():
    lines = closing_lines(ChainResult(Path("/out/report.html"), SCORES, unseen=True))
    assert lines == [
        "",
        "CRPS of prcp [mm day-1], 2 times that training never saw; lower is better",
        "  diffusion model      0.810  [0.700, 0.900]  (16 members)  best",
        "  interpolated LR      1.250  [1.100, 1.400]  (1 member)",
        "  mine                 1.500  (1 member)",
        "",
        "report: /out/report.html",
    ]


def test_long_names_make_the_column_wider():
    scores = {**SCORES, "systems": {**SCORES["systems"], "quantile_mapping_per_pixel": {"members": 1}}}
    scores["scores"] = {**SCORES["scores"], "quantile_mapping_per_pixel": SCORES["scores"]["interpolated"]}
    lines = closing_lines(ChainResult(Path("/out/report.html"), scores, unseen=True))
    assert lines[2].startswith("  diffusion model               0.810  [")
    assert lines[5].startswith("  quantile mapping, per pixel   1.250  [")


def test_scores_of_training_times_are_called_so():
    heading = closing_lines(ChainResult(Path("/out/report.html"), SCORES, unseen=False))[1]
    assert heading.endswith("2 times OF THE TRAINING SPLIT, so no measure of skill; lower is better")
