"""Learned rows for numbers of things, and the first layer of a network for tables."""
# ruff: noqa: A002 - PyTorch calls the argument of forward `input`

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpugrad import _ops as ops
from gpugrad._graph import no_grad
from gpugrad._tensor import Tensor
from gpugrad.errors import OptionError, ShapeError
from gpugrad.nn import functional, init
from gpugrad.nn.dropout import Dropout
from gpugrad.nn.functional._embedding import row_for_padding
from gpugrad.nn.lists import ModuleList
from gpugrad.nn.module import Module
from gpugrad.nn.normalization import BatchNorm1d
from gpugrad.nn.parameter import Parameter, new_parameter, size

__all__ = ["Embedding", "TabularInput"]


class Embedding(Module):
    """A learned row for each of `num_embeddings` things: integers (...) make (..., embedding_dim).

    The rows are drawn from the standard normal distribution; the row `padding_idx` is 0 and stays it. `max_norm`,
    `norm_type` and `scale_grad_by_freq` are those of `functional.embedding`.

    >>> import gpugrad
    >>> layer = gpugrad.nn.Embedding(10, 3, padding_idx=0)
    >>> layer(gpugrad.tensor([[0, 9]])).shape, layer(gpugrad.tensor([0])).tolist()
    ((1, 2, 3), [[0.0, 0.0, 0.0]])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if sparse:
            raise OptionError("Embedding: sparse gradients are not supported; leave sparse=False")
        self.num_embeddings = size("num_embeddings", num_embeddings)
        self.embedding_dim = size("embedding_dim", embedding_dim)
        self.padding_idx = row_for_padding(padding_idx, num_embeddings)
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.weight = new_parameter((num_embeddings, embedding_dim), dtype, device)
        self.reset_parameters()

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, **options: Any) -> Embedding:
        """Return a layer with these rows, which are not trained unless ``freeze=False``.

        >>> import gpugrad
        >>> gpugrad.nn.Embedding.from_pretrained(gpugrad.ones((4, 2))).weight.requires_grad
        False
        """
        if embeddings.ndim != 2:
            raise ShapeError(f"from_pretrained: expected rows of shape (rows, features), got {embeddings.shape}")
        rows, features = embeddings.shape
        layer = cls(rows, features, **{**options, "device": embeddings.device, "dtype": embeddings.dtype})
        layer.weight = Parameter(embeddings, requires_grad=not freeze)
        return layer

    def reset_parameters(self) -> None:
        """Draw new rows."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def forward(self, input: Any) -> Any:
        """Return the rows that the integers name."""
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq
        )

    def extra_repr(self) -> str:
        """Return the sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"


class TabularInput(Module):
    """The first layer for tables: every categorical column embedded, numeric ones normalised, all side by side.

    `cardinalities` says how many categories each categorical column has; `embedding_dims` how wide its rows are, by
    default 1.6 * categories ** 0.56 rounded, and at most 600 (a rule of thumb of fastai's). Numeric columns go through
    BatchNorm1d, unless ``normalize=False``; embeddings through Dropout(dropout). What comes out has `out_features`
    columns: the first layer behind it takes as many.

    >>> import gpugrad
    >>> layer = gpugrad.nn.TabularInput([4, 100], numeric_features=3)
    >>> layer.out_features
    27
    >>> layer(gpugrad.tensor([[0, 99], [3, 7]]), gpugrad.randn(2, 3)).shape
    (2, 27)
    """

    def __init__(
        self,
        cardinalities: Sequence[int],
        numeric_features: int = 0,
        embedding_dims: Sequence[int] | None = None,
        dropout: float = 0.0,
        normalize: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if isinstance(cardinalities, int):
            raise TypeError(
                f"TabularInput: cardinalities is {cardinalities}; it must be a list, a number for each column"
            )
        sizes = list(cardinalities)
        if embedding_dims is None:
            embedding_dims = [min(600, round(1.6 * n**0.56)) for n in sizes]
        if len(embedding_dims) != len(sizes):
            raise OptionError(
                f"TabularInput: {len(embedding_dims)} embedding_dims for {len(sizes)} categorical columns"
            )
        if not sizes and not numeric_features:
            raise OptionError("TabularInput: there is no column, neither categorical nor numeric")
        self.numeric_features = numeric_features
        options: dict[str, Any] = {"device": device, "dtype": dtype}
        self.embeddings = ModuleList(Embedding(n, d, **options) for n, d in zip(sizes, embedding_dims, strict=True))
        self.dropout = Dropout(dropout)
        self.norm = BatchNorm1d(numeric_features, **options) if normalize and numeric_features else None
        self.out_features = sum(embedding_dims) + numeric_features

    def forward(self, categorical: Any = None, numeric: Any = None) -> Any:
        """Return (n, out_features) of integers (n, categorical columns) and numbers (n, numeric_features)."""
        for name, value, wanted in (
            ("categorical", categorical, len(self.embeddings)),
            ("numeric", numeric, self.numeric_features),
        ):
            shape = None if value is None else tuple(value.shape)
            if (wanted and shape is None) or (shape is not None and (len(shape) != 2 or shape[1] != wanted)):
                raise ShapeError(f"TabularInput: expected {name} values of shape (n, {wanted}), got {shape}")
        parts = []
        if len(self.embeddings):
            rows = [layer(categorical[:, i]) for i, layer in enumerate(self.embeddings)]
            parts.append(self.dropout(ops.concat(rows, axis=1)))
        if self.numeric_features:
            parts.append(numeric if self.norm is None else self.norm(numeric))
        return parts[0] if len(parts) == 1 else ops.concat(parts, axis=1)
