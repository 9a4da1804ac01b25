"""A block as a decorator: of functions, of generators and of coroutines, which are in the block whenever they run."""

from __future__ import annotations

import types
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager
from functools import partial, wraps
from inspect import isasyncgenfunction, isclass, iscoroutinefunction, isgeneratorfunction
from typing import Any, TypeVar

__all__ = ["within"]

F = TypeVar("F", bound=Callable[..., Any])
Block = Callable[[], AbstractContextManager[Any]]


def within(block: Block, function: F) -> F:
    """Return a function that runs in a block of its own each time it is called.

    A generator or a coroutine is in it in each of its steps, and whoever consumes it, between the steps, is not.
    """
    if isclass(function):
        raise TypeError(f"a mode decorates functions, and {function.__name__} is a class: decorate its methods")
    call: Callable[..., Any]
    if isgeneratorfunction(function):

        def call(*args: Any, **kwargs: Any) -> Any:
            return _steps(block, function(*args, **kwargs))

    elif iscoroutinefunction(function):

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await _awaited(block, function(*args, **kwargs))

    elif isasyncgenfunction(function):

        def call(*args: Any, **kwargs: Any) -> Any:
            return _async_steps(block, function(*args, **kwargs))

    else:

        def call(*args: Any, **kwargs: Any) -> Any:
            with block():
                return function(*args, **kwargs)

    return wraps(function)(call)  # type: ignore[return-value]


def _steps(block: Block, generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator in a block, and its consumer, between the steps, outside."""
    step: Callable[[], Any] = partial(next, generator)
    while True:
        try:
            with block():
                item = step()
        except StopIteration as end:
            return end.value
        try:
            step = partial(generator.send, (yield item))
        except GeneratorExit:
            with block():
                generator.close()
            raise
        except BaseException as error:
            step = partial(generator.throw, error)


@types.coroutine
def _awaited(block: Block, awaitable: Any) -> Generator[Any, Any, Any]:
    """Await something in a block, and let others run, where it waits, outside."""
    return (yield from _steps(block, awaitable.__await__()))


async def _async_steps(block: Block, generator: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    """Run an asynchronous generator in a block, and its consumer outside."""
    step: Callable[[], Any] = generator.__anext__
    while True:
        try:
            item = await _awaited(block, step())
        except StopAsyncIteration:
            return
        try:
            step = partial(generator.asend, (yield item))
        except GeneratorExit:
            await _awaited(block, generator.aclose())
            raise
        except BaseException as error:
            step = partial(generator.athrow, error)
