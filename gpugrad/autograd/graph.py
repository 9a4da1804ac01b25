"""What is done to the graph while it is recorded: hooks on the values that it saves, under PyTorch's names."""

from __future__ import annotations

from gpugrad.autograd.saved_tensors import disable_saved_tensors_hooks, save_on_cpu, saved_tensors_hooks

__all__ = ["disable_saved_tensors_hooks", "save_on_cpu", "saved_tensors_hooks"]
