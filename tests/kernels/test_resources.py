"""What the kernels take is what kernels/resources.json says: a change of it is seen in review, not found on a GPU."""

import kernel_resources
import pytest
from kernel_resources import ARCHITECTURES, recorded, rendered, resources

from gpugrad.cuda import nvrtc, source

AGAIN = "kernels/resources.json is out of date: ./run kernel-resources writes it again"
LOCAL = ("stack", "spill_stores", "spill_loads")

compiles = pytest.mark.skipif(
    not nvrtc.available(), reason="needs the wheels cuda-bindings, nvidia-cuda-nvrtc and nvidia-cuda-runtime"
)
every_kernel = pytest.mark.parametrize("name", source.names())
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


def listed(name: str, architecture: str) -> dict[str, dict[str, int]]:
    """Return what the file says of the kernels in the file `name`, in the form of `resources`."""
    entries = recorded()["kernels"].get(name, {})
    return {entry: taken[architecture] for entry, taken in entries.items() if architecture in taken}


def test_the_file_lists_every_kernel_file_and_architecture_and_no_other() -> None:
    kernels = recorded()["kernels"]
    assert sorted(kernels) == source.names(), AGAIN
    assert {tuple(taken) for entries in kernels.values() for taken in entries.values()} == {tuple(ARCHITECTURES)}, AGAIN


def test_the_file_is_as_the_command_writes_it() -> None:
    assert kernel_resources.FILE.read_bytes().decode().replace("\r\n", "\n") == rendered(recorded()), AGAIN


@compiles
@every_architecture
@every_kernel
def test_the_file_lists_every_entry_its_stack_and_its_spills(name: str, architecture: str) -> None:
    taken, told = resources(name, architecture), listed(name, architecture)
    assert taken.keys() == told.keys(), AGAIN
    for entry in taken:
        assert {key: taken[entry][key] for key in LOCAL} == {key: told[entry][key] for key in LOCAL}, (
            f"{entry}: {AGAIN}"
        )


@compiles
@every_architecture
@every_kernel
def test_the_file_lists_the_registers_of_every_entry(name: str, architecture: str) -> None:
    here, there = kernel_resources.version(), recorded()["nvrtc"]
    if here != there:
        pytest.skip(f"registers depend on the compiler: NVRTC is {here} here, and the file is by {there}")
    taken, told = (
        {entry: row["registers"] for entry, row in rows.items()}
        for rows in (resources(name, architecture), listed(name, architecture))
    )
    assert taken == told, AGAIN
