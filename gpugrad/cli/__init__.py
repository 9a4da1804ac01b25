"""The command `gpugrad`: train, predict, doctor and bench; what a user did wrong is said in one line."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from gpugrad.errors import BackendUnavailable, DataError, DeviceError, OptionError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 2 for what the user can mend, 130 for Ctrl-C.

    `argv` is what follows the program's name, by default what it was started with.

    >>> main(["train", "--epochs", "2.5"])
    2
    """
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # what cannot be shown is escaped, as on standard error
        from gpugrad.cli.app import run  # cyclopts and rich are imported only when a command is run

        return run(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:
        # The reader of our output, such as head, has left; Python must not notice it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (BackendUnavailable, DataError, DeviceError, OptionError) as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("cyclopts", "rich", "safetensors"):
            raise
        return _fail(f"{error.name} is not installed; mend it with: pip install --upgrade gpugrad")
    except MemoryError as error:
        return _fail(f"out of memory ({error}); make --hidden or --batch-size smaller, or the data")
    except OSError as error:
        return _fail(f"{error.filename or 'a file'}: {error.strerror or error}")


def _fail(message: str, status: int = 2) -> int:
    print(f"gpugrad: {' '.join(message.split())}", file=sys.stderr)
    return status
