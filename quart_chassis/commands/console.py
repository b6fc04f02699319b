"""A Python console in which `await` works, in the context of a started application.

The event loop runs while code runs, and rests at the prompt: so Ctrl-C does at the
prompt and in an `await` what it does in Python.
"""

import ast
import asyncio
import code
import importlib
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from contextvars import copy_context
from inspect import iscoroutine
from types import CodeType, FunctionType
from typing import Any, Self

Namespace = dict[str, Any]


class Console(code.InteractiveConsole):
    """A console on what `started` yields, with the names that `at_hand` makes of it."""

    def __init__(
        self,
        started: AbstractAsyncContextManager[Any],
        at_hand: Callable[[Any], Namespace],
    ) -> None:
        super().__init__({"__name__": "__console__", "__doc__": None})
        self.compile.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._started = started
        self._at_hand = at_hand
        # What is started sets context variables, which all code is to see.
        self._context = copy_context()
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.__enter__()
        try:
            yielded = self._runner.run(
                self._started.__aenter__(), context=self._context
            )
        except BaseException:
            self._runner.close()
            raise
        self.locals |= self._at_hand(yielded)
        return self

    def __exit__(self, *raised: object) -> None:
        try:
            ending = self._started.__aexit__(None, None, None)
            self._runner.run(ending, context=self._context)
        finally:
            self._runner.close()

    def run_source(self, source: str, name: str) -> int:
        """Run a program; 1 after an error, whose traceback is printed."""
        self.filename = name
        try:
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            compiled = compile(source, name, "exec", flags)
        except (SyntaxError, ValueError):
            self.showsyntaxerror(name)
            return 1
        return int(self._run(compiled))

    def runcode(self, code: CodeType) -> None:
        """Run what was typed; errors are printed, and SystemExit is raised."""
        self._run(code)

    def interact(self, banner: str | None = None, exitmsg: str | None = None) -> None:
        """As in `code`, with line editing and completion where there is readline."""
        with suppress(ImportError):
            readline = importlib.import_module("readline")
            completer = importlib.import_module("rlcompleter").Completer(self.locals)
            readline.set_completer(completer.complete)
            readline.parse_and_bind("tab: complete")
        super().interact(banner, exitmsg)

    def open_ipython(self) -> None:
        """Ask for code with IPython, on the same loop."""
        # Code without `await` runs outside of the loop, and is to see the same.
        for variable, value in self._context.items():
            variable.set(value)
        application = importlib.import_module("IPython.terminal.ipapp")
        shell = application.TerminalIPythonApp.instance(user_ns=self.locals)
        shell.initialize([])
        shell.shell.loop_runner = self._awaited
        shell.shell.autoawait = True
        shell.start()

    def _awaited(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine, context=copy_context())

    def _run(self, compiled: CodeType) -> bool:
        """Whether it failed; SystemExit and KeyboardInterrupt are raised."""
        error: BaseException | None
        try:
            error = self._runner.run(self._evaluate(compiled), context=self._context)
        except asyncio.CancelledError as cancelled:
            # Not by Ctrl-C, which is a KeyboardInterrupt here.
            error = cancelled
        if isinstance(error, SystemExit):
            raise error
        if error:
            frame = error.__traceback__
            # From the user's own code on.
            while frame and frame.tb_frame.f_code.co_filename != self.filename:
                frame = frame.tb_next
            traceback.print_exception(error.with_traceback(frame), file=sys.stderr)
        return error is not None

    async def _evaluate(self, compiled: CodeType) -> BaseException | None:
        """The error that ended the code; a task must not end with SystemExit."""
        try:
            result = FunctionType(compiled, self.locals)()
            if iscoroutine(result):
                await result
        except (Exception, SystemExit) as error:
            return error
        return None
