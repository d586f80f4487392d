from stride_train.training.history import History, draw_history, read_history


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


def test_the_picture_is_drawn_from_the_rows(tmp_path):
    history = History(tmp_path / "history.csv")
    for step in range(1, 30):
        history.append(step=step, images=step, seconds=1.0 * step, edm_loss=1.0 / step)
    draw_history(tmp_path / "history.csv", tmp_path / "history.png", "a title")
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.csv", "history.png"]
