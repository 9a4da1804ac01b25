"""Runs the array API standard's own test suite against gpugrad; docs/array_api.md says how and what comes out."""
