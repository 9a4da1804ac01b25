"""`draw`: the graph behind a result, as a picture."""
# ruff: noqa: A002 - the argument is called `format` wherever pictures are saved

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from gpugrad._op import TENSORS, node_of
from gpugrad.backends import Array, backend_of
from gpugrad.diagnostics._markup import dot, listing, mermaid, page
from gpugrad.diagnostics._names import Names
from gpugrad.diagnostics._picture import Picture, paint
from gpugrad.diagnostics._quantities import Values
from gpugrad.diagnostics._quantities import gradients as gradients_of
from gpugrad.diagnostics._structure import Arc, Graph, absorb, foldable
from gpugrad.diagnostics._structure import fold as folded
from gpugrad.diagnostics._structure import read as graph_of
from gpugrad.diagnostics._svg import Scene, lay_out, svg
from gpugrad.diagnostics._words import check_choice, clean, words_of
from gpugrad.errors import GradientError, OptionError

__all__ = ["Drawing", "draw"]

_suffixes = {
    ".svg": "svg", ".html": "html", ".htm": "html", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid",
    ".mermaid": "mermaid", ".txt": "text",
}  # fmt: skip
_formats = ("text", "svg", "html", "dot", "mermaid")
_styles = ("auto", "elements", "norms", "shapes", "none")
_few_vertices = 40
_few_elements = 24


class Drawing:
    """A picture of a graph, in any of its forms: `svg`, `html`, `dot`, `mermaid`, `text`; notebooks show it.

    ``str()`` of it is the form that `draw` was asked for, by default the text.
    """

    def __init__(self, picture: Picture, language: str, format: str, shows: tuple[bool, bool], of: str) -> None:
        self._picture = picture
        self._language, self._words = language, words_of(language)
        self._format, self._shows, self._of = format, shows, of

    @cached_property
    def _scene(self) -> Scene:
        return lay_out(self._picture, self._words, *self._shows, self._of)

    @cached_property
    def svg(self) -> str:
        """The picture as an SVG file."""
        return svg(self._scene, self._words["title"])

    @cached_property
    def html(self) -> str:
        """The picture as an HTML page that needs nothing else."""
        return page(self.svg, self._words["title"], self._language)

    @cached_property
    def dot(self) -> str:
        """The picture in Graphviz's language."""
        return dot(self._picture)

    @cached_property
    def mermaid(self) -> str:
        """The picture in Mermaid's language."""
        return mermaid(self._picture)

    @cached_property
    def text(self) -> str:
        """The picture as a list of its values and gradients."""
        return listing(self._picture, self._words)

    def save(self, path: str | Path, format: str | None = None) -> Path:
        """Write the picture to a file, in the format of its suffix if none is named; return the path."""
        target = Path(path)
        written: str = getattr(self, _format_of(target, format))
        target.write_text(written, encoding="utf-8", newline="\n")
        return target

    def __str__(self) -> str:
        return str(getattr(self, self._format))

    def __repr__(self) -> str:
        return f"<Drawing: {len(self._picture.boxes)} boxes, {len(self._picture.wires)} edges>"

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.svg}</div>'


def _format_of(path: Path, format: str | None) -> str:
    if format is not None:
        check_choice("format", format, _formats)
        return format
    found = _suffixes.get(path.suffix.lower())
    if found is None:
        raise OptionError(
            f"cannot tell a format from the name {clean(path.name)!r}: its suffix must be one of "
            f"{', '.join(_suffixes)}, or say format="
        )
    return found


def _seed(loss: Any, gradient: Any) -> Array:
    """Return where the walk back begins: ones, or a gradient that was given, in the walk's convention."""
    backend = backend_of(loss._array)
    with backend.on(loss.device):
        if type(gradient) not in TENSORS:
            return backend.namespace.ones_like(loss._array)
        if gradient.shape != loss.shape:
            raise GradientError(f"draw: the gradient has shape {gradient.shape} and the tensor {loss.shape}")
        array = gradient.detach().to(loss.device).to(loss.dtype)._array
        return backend.namespace.conj(array) if loss.dtype.kind == "c" else array


def _gradients(graph: Graph, loss: Any, asked: Any, arcs: list[Arc]) -> tuple[dict[Any, Array], dict[Any, Array], str]:
    """Return gradients along arcs and in sum, both empty if there are none, and the key of what is noted of them."""
    given = type(asked) in TENSORS
    if not given and asked == "none":
        return {}, {}, ""
    uses = {(arc.call, arc.index) for arc in arcs if arc.call is not None}
    seed = _seed(loss, asked)
    try:
        along, total = gradients_of(graph, seed, uses, {arc.value for arc in arcs})
    except GradientError:
        return {}, {}, "freed"
    complex_ = loss.dtype.kind == "c"
    if given or (loss.size == 1 and not complex_):
        return along, total, ""
    if loss.size == 1:
        return along, total, "of the real part"
    return along, total, "of the sum of the real parts" if complex_ else "of the sum"


def _arrange(graph: Graph, values: str, longest: int, most: int) -> str:
    """Fold what is folded, and return how values are shown: by their elements where all of it is small."""
    count = len(graph.vertices)
    chains = foldable(graph, longest)
    hidden = {vertex for chain in chains for vertex in chain}
    sizes = [_size(graph.forms.get(arc.value)) for v in graph.vertices if v not in hidden for arc in v.inputs]
    small = count - len(hidden) + len(chains) <= _few_vertices and max(sizes, default=0) <= _few_elements
    if not small:
        absorb(graph)
        chains = foldable(graph, longest)
    folded(graph, chains)
    if len(graph.vertices) > most:
        raise OptionError(
            f"draw: the graph has {count} nodes, and {len(graph.vertices)} are left after folding, more than "
            f"max_nodes={most}; draw a tensor nearer to its inputs, or allow more"
        )
    if values == "auto":
        return "elements" if small else "norms"
    return values


def _size(form: Any) -> int:
    size = 1
    for n in form[0] if form is not None else ():
        size *= n
    return size


def _unused_note(unused: list[str], words: dict[str, str]) -> list[str]:
    if not unused:
        return []
    names = [clean(name) for name in unused[:5]]
    if len(unused) > 5:
        names.append(words["and more"].format(count=len(unused) - 5))
    return [words["unused"].format(names=", ".join(names))]


def _check(loss: Any, gradients: Any, chains: Any, max_nodes: Any) -> None:
    if type(loss) not in TENSORS:
        raise TypeError(f"draw takes a tensor that was computed from others, not {type(loss).__name__}")
    if type(gradients) not in TENSORS:
        check_choice("gradients", gradients, ("auto", "none"))
    for name, value, least in (("fold", chains, 3), ("max_nodes", max_nodes, 1)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise OptionError(f"{name} must be a whole number of {least} or more, not {value!r}")


def draw(
    loss: Any,
    *,
    format: str | None = None,
    path: str | Path | None = None,
    values: str = "auto",
    gradients: Any = "auto",
    names: Any = None,
    language: str = "en",
    fold: int = 16,
    max_nodes: int = 400,
) -> Drawing:
    """Return a picture of the graph that `loss` was computed by: values above its edges, gradients below them.

    Nothing is changed: no ``.grad`` is written, no hook runs, and the graph can still be walked by backward.

    `values` says what is shown of arrays: ``"elements"``, ``"norms"`` beside shapes and dtypes, ``"shapes"`` alone,
    ``"none"``; ``"auto"`` takes elements for small graphs of small arrays, norms for others, whose parameters are then
    drawn inside the calls that use them. `gradients` is ``"auto"``, ``"none"``, or dL/d(loss), a tensor of the same
    shape; if it is not given it is one everywhere. Where saved values were freed, gradients are left out and the
    picture says so.

    `names` is a dict of tensors by name, a Module, or pairs such as ``model.named_parameters()``; results may be named
    as well as leaves. `language` is ``"en"`` or ``"zh"``. Of a chain of more than `fold` calls the middle is left out;
    OptionError if more than `max_nodes` nodes remain.

    `path` saves the picture, in `format` or as its suffix says: .svg, .html, .dot, .mmd, .txt.

    >>> import gpugrad
    >>> x, y, z = (gpugrad.tensor(v, requires_grad=True) for v in (-2., 5., -4.))
    >>> print(gpugrad.draw((x + y) * z, names={"x": x, "y": y, "z": z}))
                  value  gradient
    x             -2     -4
    y             5      -4
    z             -4     3
    %3 = + (x, y)  3     -4
    %4 = × (%3, z)  -12  1
    """
    words = words_of(language)
    check_choice("values", values, _styles)
    _check(loss, gradients, fold, max_nodes)
    if format is not None:
        check_choice("format", format, _formats)
    if path is not None:
        _format_of(Path(path), format)  # before the work
    root = node_of(loss)
    if root is None:
        raise GradientError(
            "draw: this tensor has no graph; compute it, outside no_grad(), from tensors made with requires_grad=True"
        )
    graph = graph_of(root, loss.shape, loss.dtype)
    named = Names(names, graph)
    style = _arrange(graph, values, fold, max_nodes)
    notes = _unused_note(named.unused, words)
    arcs = [arc for vertex in graph.vertices for arc in [*vertex.inputs, *vertex.held]]
    known = {**named.arrays, root: loss._array}
    found = Values(graph, known, {arc.value for arc in arcs}) if style in ("elements", "norms") else None
    along, total, note = _gradients(graph, loss, gradients, arcs)
    notes += [words[key] for key in (note, "changed" if found is not None and found.changed else "") if key]
    picture = paint(graph, named, found, along, total, style, words)
    picture.notes = notes
    shows = (style != "none", bool(total))
    drawing = Drawing(picture, language, format or "text", shows, clean(named.of.get(root, "")))
    if path is not None:
        drawing.save(path, format)
    return drawing
