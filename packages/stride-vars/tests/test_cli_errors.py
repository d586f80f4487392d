"""The application is a plain callable here: typer is no dependency of this package."""

import errno

import pytest
from stride_vars.cli_errors import run
from stride_vars.errors import StrideError


def application(exception=None, seen=None):
    def app(*, args, standalone_mode):
        assert standalone_mode
        if seen is not None:
            seen.extend(args)
        if exception is not None:
            raise exception

    return app


def outcome(capsys, exception, argv=(), **options):
    with pytest.raises(SystemExit) as caught:
        run(application(exception), argv=argv, **options)
    return caught.value.code, capsys.readouterr().err


def test_success_exits_with_0(capsys):
    assert outcome(capsys, None) == (0, "")


def test_the_applications_own_exit_code_is_kept(capsys):
    assert outcome(capsys, SystemExit(3)) == (3, "")


def test_a_users_error_is_one_line_and_exit_2(capsys):
    assert outcome(capsys, StrideError("a.yaml: no 'data';\n add it.")) == (2, "error: a.yaml: no 'data'; add it.\n")


def test_other_errors_can_be_declared(capsys):
    assert outcome(capsys, ValueError("x"), errors=(StrideError, ValueError)) == (2, "error: x\n")


def test_an_undeclared_error_is_a_defect_and_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run(application(ZeroDivisionError()), argv=[])


def test_debug_raises_the_error_and_is_hidden_from_the_application():
    seen: list[str] = []
    with pytest.raises(StrideError):
        run(application(StrideError("x"), seen), argv=["go", "--debug", "now"])
    assert seen == ["go", "now"]


def test_an_interrupt_exits_with_130(capsys):
    assert outcome(capsys, KeyboardInterrupt()) == (130, "")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space is left"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission is denied"),
        (errno.EPERM, "permission is denied"),
    ],
)
def test_the_file_systems_refusals_name_the_file(capsys, number, words):
    code, text = outcome(capsys, OSError(number, "no", "out/report.html"))
    assert code == 2
    assert text.startswith("error: out/report.html: ")
    assert words in text
    assert text.count("\n") == 1


def test_a_full_disk_without_a_file_name_is_told_too(capsys):
    assert outcome(capsys, OSError(errno.ENOSPC, "no"))[1].startswith("error: writing the output: no space")


def test_another_operating_system_error_is_raised():
    with pytest.raises(OSError, match="busy"):
        run(application(OSError(errno.EBUSY, "busy")), argv=[])


def test_debug_raises_a_file_systems_refusal():
    with pytest.raises(OSError, match="no"):
        run(application(OSError(errno.ENOSPC, "no")), argv=["--debug"])


def test_the_processs_arguments_are_the_default(monkeypatch):
    seen: list[str] = []
    monkeypatch.setattr("sys.argv", ["stride", "demo"])
    with pytest.raises(SystemExit):
        run(application(seen=seen))
    assert seen == ["demo"]
