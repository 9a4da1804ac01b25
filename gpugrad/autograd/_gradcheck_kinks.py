"""The element of smallest norm in a subdifferential, from gradients beside a kink.

Near a kink a function is smooth almost everywhere; the subdifferential is the convex hull of what its gradients there
tend to (Clarke, Optimization and Nonsmooth Analysis, 1983, theorem 2.5.1). The gradients are measured by differences.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gpugrad.autograd._gradcheck_function import Vector

__all__ = ["shortest", "smallest_elements"]

_pairs = 12
_distance = 2.0**-17


def smallest_elements(
    values: Callable[[Vector], Vector], point: Vector, moving: Vector, random: np.random.Generator
) -> Vector:
    """Return, for every value, the smallest element of its subdifferential in the coordinates `moving`.

    The result has a row for each value and a column for each coordinate; NaN where the function is not finite nearby.
    """
    away = random.normal(size=(_pairs, len(moving)))
    gradients = []
    for direction in [*away, *-away]:
        beside = point.copy()
        beside[moving] += _distance * direction * np.maximum(1.0, np.abs(point[moving]))
        gradients.append(_gradient(values, beside, moving))
    hulls = np.stack(gradients)
    return np.stack([shortest(hulls[:, k]) for k in range(hulls.shape[1])])


def _gradient(values: Callable[[Vector], Vector], point: Vector, moving: Vector) -> Vector:
    columns = []
    for k in moving:
        h = 2.0**-26 * max(1.0, abs(point[k]))
        ahead, behind = point.copy(), point.copy()
        ahead[k] += h
        behind[k] -= h
        columns.append((values(ahead) - values(behind)) / (ahead[k] - behind[k]))
    return np.stack(columns, axis=-1)


def shortest(points: Vector) -> Vector:
    """Return the point of the convex hull of `points`, a row each, that is nearest to 0.

    Frank and Wolfe's method with steps away from corners (Guelat and Marcotte, 1986).

    >>> shortest(np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]])).tolist()
    [0.5, 0.5]
    """
    if not np.isfinite(points).all():
        return np.full(points.shape[1], np.nan)
    weights = np.full(len(points), 1.0 / len(points))
    for _ in range(2000):
        here = weights @ points
        along = points @ here
        held = np.where(weights > 0, along, -np.inf)
        toward, away = int(np.argmin(along)), int(np.argmax(held))
        if along[away] - along[toward] <= 1e-12:
            break
        step = points[toward] - points[away]
        most = weights[away]
        length = float(step @ step)
        moved = min(most, -float(here @ step) / length) if length else most
        weights[toward] += moved
        weights[away] = 0.0 if moved == most else weights[away] - moved
    return np.asarray(weights @ points)
