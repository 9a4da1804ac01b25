"""What a GPU has to show before it is said that gpugrad runs on it: `python -m gpu_check`, or `./run gpu-check`."""
