"""`python -m gradient_cases` writes the file of cases; with names of functions, only shows those."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from gradient_cases import CONVENTIONS, ROWS, entry

FILE = Path(__file__).resolve().parents[3] / "gpugrad" / "conformance" / "cases.jsonl"


def main(names: list[str]) -> None:
    """Write the file, or print the cases of the functions named."""
    rows = [row for row in ROWS if not names or row.function in names]
    with ProcessPoolExecutor() as pool:
        made = list(pool.map(entry, rows, chunksize=4))
    lines = [
        json.dumps(case, separators=(",", ":"), allow_nan=False) for case in (*made, *([] if names else CONVENTIONS))
    ]
    text = "\n".join(lines) + "\n"
    if names:
        print(text, end="")
    else:
        FILE.write_text(text, encoding="utf-8")
        print(f"{len(lines)} cases, {len(text) // 1000} kB: {FILE}")


if __name__ == "__main__":
    main(sys.argv[1:])
