from stride_train.training.history import COLUMNS, History, read_history


def test_rows_after_the_resumed_step_are_dropped(tmp_path):
    history = History(tmp_path / "history.csv")
    for step in (2, 4, 6):
        history.append(step=step, images=8 * step, seconds=0.5 * step, edm_loss=1.0 / step, crps=0.1 * step)
    resumed = History(tmp_path / "history.csv", resume_at=4)
    resumed.append(step=6, images=48, seconds=9.0, edm_loss=0.25)
    rows = read_history(tmp_path / "history.csv")
    assert [row["step"] for row in rows] == ["2", "4", "6"]
    assert rows[-1]["edm_loss"] == "0.25"
    assert rows[-1]["crps"] == ""


def test_a_new_history_starts_empty(tmp_path):
    History(tmp_path / "history.csv").append(step=1, images=1, seconds=1.0, edm_loss=1.0)
    History(tmp_path / "history.csv")
    assert read_history(tmp_path / "history.csv") == []


def test_a_file_of_another_version_goes_on(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("step,images,seconds,edm_loss,crps,something_else\r\n2,16,1,0.5,1.25,7\r\n4,32,2,0.4,,\r\n")
    History(path, resume_at=2).append(step=4, images=32, seconds=2.5, crps=1.0, spread_skill=0.9)
    rows = read_history(path)
    assert tuple(rows[0]) == (*COLUMNS, "something_else")
    assert [(row["crps"], row["spread_skill"], row["something_else"]) for row in rows] == [
        ("1.25", "", "7"),
        ("1", "0.9", ""),
    ]


def test_several_targets_have_columns_of_their_own(tmp_path):
    path = tmp_path / "history.csv"
    row = {"crps": 0.5, "crps/a.prcp": 2.0, "spread_skill/a.t2m": 0.75}
    History(path, targets=["a.prcp", "a.t2m"]).append(step=1, images=1, seconds=1.0, **row)
    found = read_history(path)[0]
    assert {name: found[name] for name in row} == {"crps": "0.5", "crps/a.prcp": "2", "spread_skill/a.t2m": "0.75"}
    assert found["bias_percent/a.t2m"] == ""


def test_a_line_that_was_cut_short_is_no_row(tmp_path):
    path = tmp_path / "history.csv"
    history = History(path)
    for step in (12, 14):
        history.append(step=step, images=step, seconds=1.0, edm_loss=1.0)
    path.write_bytes(path.read_bytes()[:-20])  # "1": of step 14
    assert [row["step"] for row in read_history(path)] == ["12"]
    History(path, resume_at=12)
    assert [row["step"] for row in read_history(path)] == ["12"]


def test_loggers_are_told_every_row(tmp_path):
    told = []

    class Listener:
        def log(self, step, values):
            told.append((step, values))

    History(tmp_path / "history.csv", loggers=[Listener()]).append(step=3, images=24, seconds=1.5, edm_loss=0.123456789)
    assert told == [(3, {"images": 24.0, "seconds": 1.5, "edm_loss": 0.123456789})]
