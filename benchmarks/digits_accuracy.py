"""The test accuracy of `gpugrad train` on the embedded digits, over seeds 0 to 9, by the command's own code.

    python benchmarks/digits_accuracy.py [options of gpugrad train]

Every option may be given, --dropout 0.2 for one; --seed, --data and --out have no part in it.
"""

import dataclasses
import sys
import time

from cyclopts import App

from gpugrad.cli.loop import accuracy
from gpugrad.cli.options import TrainOptions
from gpugrad.cli.report import Report
from gpugrad.cli.train import chosen, learn, prepare

SEEDS = range(10)

app = App(help=__doc__)


@app.default
def measure(*, options: TrainOptions = TrainOptions()) -> None:  # noqa: B008 - it is frozen
    """Print the accuracy and the time of each seed, then mean, worst and total."""
    results, start = [], time.perf_counter()
    for seed in SEEDS:
        began = time.perf_counter()
        seeded = dataclasses.replace(options, seed=seed, data=None, out=None)
        with chosen(options.backend):
            problem = prepare(seeded)
            learn(problem, seeded, Report(options.epochs, quiet=True))
            results.append(accuracy(problem.classifier.module, problem.test))
        print(f"seed {seed}: {results[-1]:.4f} in {time.perf_counter() - began:.1f} s", flush=True)
    total = time.perf_counter() - start
    print(f"mean {sum(results) / len(results):.4f}, worst {min(results):.4f}, {total / len(results):.1f} s a seed")


if __name__ == "__main__":
    sys.exit(app())
