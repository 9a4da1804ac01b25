"""The commands and their options, as cyclopts reads them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from gpugrad.cli.options import BackendName, Sizes, TrainOptions, Whole

__all__ = ["app", "run"]


def _version() -> str:
    from importlib.metadata import version

    return f"gpugrad {version('gpugrad')}"


app = App(
    name="gpugrad",
    help="Train an MLP on NumPy or CuPy. Each command explains itself with --help.",
    version=_version,
    version_flags=["--version"],
)


@app.command
def train(*, options: TrainOptions = TrainOptions()) -> int:  # noqa: B008 - it is frozen
    """Train an MLP classifier, on the embedded handwritten digits unless --data names a file."""
    from gpugrad.cli.train import train

    return train(options)


@app.command
def predict(
    model: Path,
    /,
    *,
    data: Path | None = None,
    held_out: Annotated[bool, Parameter(negative=())] = False,
    backend: BackendName = None,
) -> int:
    """Print the class that a trained model gives each row of a file, one in a line.

    Parameters
    ----------
    model
        A model.safetensors that `gpugrad train` wrote, or its folder.
    data
        A CSV or NPZ file with the model's features. [default: the embedded digits]
    held_out
        Only the rows that training put aside for the test, if the file is the one trained on.
    """
    from gpugrad.cli.predict import predict

    return predict(model, data, held_out, backend)


@app.command
def doctor(*, json: Annotated[bool, Parameter(negative=())] = False) -> int:
    """Look at this machine: Python, NumPy, the driver, CuPy, every device; say what mends what is broken.

    Parameters
    ----------
    json
        Print the same as JSON.
    """
    from gpugrad.cli.doctor import doctor

    return doctor(json)


@app.command
def bench(
    *, hidden: Sizes = (512, 512), batch_size: Whole = 256, steps: Whole = 100, backend: BackendName = None
) -> int:
    """Time training steps of an MLP on random numbers.

    Parameters
    ----------
    hidden
        Sizes of the hidden layers.
    batch_size
        Rows in a batch.
    steps
        Steps in each of five timings.
    """
    from gpugrad.cli.bench import bench

    return bench(hidden, batch_size, steps, backend)


def run(argv: list[str]) -> int:
    """Run a command line and return its exit status; what cannot be understood is said in one line."""
    try:
        status = app(argv, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        command = next((word for word in argv if not word.startswith("-")), "")
        more = f"gpugrad {command} --help" if command in app else "gpugrad --help"
        print(f"gpugrad: {' '.join(str(error).split())} (see {more})", file=sys.stderr)
        return 2
    return status if isinstance(status, int) else 0
