#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""The commands of ./run for those who expect nox; the environment is the one ./run makes."""

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "none"


@nox.session(default=True)
def test(session: nox.Session) -> None:
    """Run the tests and doctests."""
    session.run("./run", "test", *session.posargs, external=True)


@nox.session(default=True)
def lint(session: nox.Session) -> None:
    """Run the formatter, the linters and the types."""
    session.run("./run", "lint", external=True)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Train an MLP on handwritten digits."""
    session.run("./run", "demo", *session.posargs, external=True)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure gpugrad on this machine."""
    session.run("./run", "bench", *session.posargs, external=True)


if __name__ == "__main__":
    nox.main()
