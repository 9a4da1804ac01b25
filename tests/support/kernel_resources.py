"""What every kernel takes on every architecture: compiled here, and written to kernels/resources.json.

``./run kernel-resources`` writes it anew after a kernel, or the compiler, has changed; the difference that git
shows is what the change costs. No GPU is needed.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from gpugrad.cuda import nvrtc, source

__all__ = ["ARCHITECTURES", "FILE", "compiled", "recorded", "rendered", "resources", "table", "version"]

ARCHITECTURES = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"]
FILE = Path(__file__).resolve().parents[2] / "kernels" / "resources.json"


@cache
def compiled(name: str, architecture: str) -> nvrtc.Compiled:
    """Return the kernel file `name` compiled for `architecture`, once per process."""
    return nvrtc.compile_cubin(source.read(name), name, architecture)


def version() -> str:
    """Return the version of NVRTC, such as ``13.0``."""
    return ".".join(map(str, nvrtc.version()))


def resources(name: str, architecture: str) -> dict[str, dict[str, int]]:
    """Return what each entry of the kernel file `name` takes on `architecture`."""
    return {entry: asdict(taken) for entry, taken in compiled(name, architecture).kernels.items()}


def table() -> dict[str, Any]:
    """Compile every kernel for every architecture, and return what the file is to hold: file, entry, architecture."""
    kernels: dict[str, dict[str, dict[str, dict[str, int]]]] = {name: {} for name in source.names()}
    for name, entries in kernels.items():
        for architecture in ARCHITECTURES:
            for entry, taken in resources(name, architecture).items():
                entries.setdefault(entry, {})[architecture] = taken
    return {"nvrtc": version(), "kernels": kernels}


def recorded() -> dict[str, Any]:
    """Return what the file holds."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def rendered(contents: dict[str, Any]) -> str:
    """Return the text of the file: sorted, and one line for an entry on an architecture."""
    files = [
        f"    {json.dumps(name)}: {{\n{_joined([_entry(entry, entries[entry]) for entry in sorted(entries)])}\n    }}"
        for name, entries in sorted(contents["kernels"].items())
    ]
    return f'{{\n  "nvrtc": {json.dumps(contents["nvrtc"])},\n  "kernels": {{\n{_joined(files)}\n  }}\n}}\n'


def _entry(entry: str, taken: dict[str, dict[str, int]]) -> str:
    rows = [
        f"        {json.dumps(architecture)}: {json.dumps(taken[architecture])}"
        for architecture in sorted(taken, key=lambda text: int(text.removeprefix("sm_")))
    ]
    return f"      {json.dumps(entry)}: {{\n{_joined(rows)}\n      }}"


def _joined(parts: list[str]) -> str:
    return ",\n".join(parts)


def main() -> None:
    """Write the file, and say what it holds."""
    if not nvrtc.available():
        raise SystemExit("this needs the wheels cuda-bindings, nvidia-cuda-nvrtc and nvidia-cuda-runtime")
    contents = table()
    FILE.write_text(rendered(contents), encoding="utf-8", newline="\n")
    entries = sum(map(len, contents["kernels"].values()))
    print(f"kernels/{FILE.name}: {entries} kernels on {len(ARCHITECTURES)} architectures, by NVRTC {contents['nvrtc']}")


if __name__ == "__main__":
    main()
