import re

from stride_train import progress as module
from stride_train.progress import progress


def test_plain_lines_tell_the_share_done_and_the_time_left(capsys, monkeypatch):
    clock = iter([0.0, 4.0, 20.0, 30.0, 40.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with progress("drawing") as advance:
        advance(0.1, "too early for a line")
        advance(0.25, "2 of 8 fields")
        advance(0.0)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "drawing ..."
    assert re.fullmatch(r"drawing:  25 % after 20 s, about 60 s left  2 of 8 fields", lines[1])
    assert lines[2].strip() == "drawing:   0 % after 30 s"
    assert lines[3] == "drawing: done in 40.0 s"
