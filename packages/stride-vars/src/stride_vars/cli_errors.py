"""Run a command-line application so that a user's error ends in one sentence and exit code 2."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from stride_vars.errors import StrideError

_FILE_SYSTEM_MENDS = {
    errno.ENOSPC: "no space is left on the device: free some space or choose another folder",
    errno.EDQUOT: "the disk quota is used up: free some space or choose another folder",
    errno.EROFS: "the file system is read-only: choose another folder",
    errno.EACCES: "permission is denied: choose another folder or change its permissions",
    errno.EPERM: "permission is denied: choose another folder or change its permissions",
}


def run(
    app: Callable[..., Any],
    *,
    errors: tuple[type[BaseException], ...] = (StrideError,),
    argv: Sequence[str] | None = None,
) -> NoReturn:
    """Call a typer application as a command line and exit.

    ``--debug`` anywhere among the arguments is taken out and makes every error show its traceback.

    Args:
        app: The typer application (any callable that takes ``args`` and ``standalone_mode``).
        errors: Exceptions that a user can cause: printed as ``error: <sentence>`` to stderr, exit code 2.
        argv: Arguments without the program's name; the process's own when omitted.

    Raises:
        SystemExit: Always: 0 after success, 2 after a user's error, 130 when interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        app(args=arguments, standalone_mode=True)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except errors as exc:
        if debug:
            raise
        _fail(str(exc))
    except OSError as exc:
        mend = _FILE_SYSTEM_MENDS.get(exc.errno or 0)
        if debug or mend is None:
            raise
        _fail(f"{exc.filename or 'writing the output'}: {mend}.")
    raise SystemExit(0)


def _fail(message: str) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(2) from None
