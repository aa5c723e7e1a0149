"""Loads an application: imports its module and calls its ``application_setup``."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, TypedDict

from ._addresses import wrongly_unpacked
from ._application import Application
from ._failures import user_traceback
from ._function import Decorated, describe
from ._mistakes import listed
from ._places import defining, raising
from ._results import PICKLE, Serializer
from .errors import WallarooParameterError


class Request(TypedDict):
    """What the engine says of the application to load."""

    app: str  # as the user wrote it: a path that ends in .py, or a module
    args: list[str]  # what application_setup gets


class LoadFailed(Exception):
    """The application cannot be loaded.

    Attributes:
        message: what is wrong and what to do, for the user.
        traceback: a line for each mistake, with its place, and the user's own traceback of what else was raised; or "".
        code: the exit code of the command.
    """

    def __init__(self, message: str, traceback: str = "", code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.traceback = traceback
        self.code = code


def load(request: Request) -> tuple[Application, Serializer]:
    """Import the application under its own name and build it; sys.path[0] and sys.argv become those of a program.

    Returns:
        The application, and its own way to make bytes of objects if it has one, else pickle.

    Raises:
        LoadFailed: for whatever reason. All mistakes that can be known are told together; what else user code raised
            is told with its traceback.
    """
    app, args = request["app"], request["args"]
    sys.argv = [app, *args]
    module: ModuleType | None = None
    try:
        module = _import(app)
        application = _set_up(app, module, args)
    except LoadFailed:
        raise
    except SystemExit as error:
        raise _ended(app, error) from None
    except BaseException as error:  # noqa: BLE001  (told to the user by the engine)
        raise _failed(app, args, module, error) from None
    mistakes = [*_mistakes_of(module)]
    if mistakes:
        raise _cannot_load(app, mistakes)
    return application, _serializer(module)


def _failed(app: str, args: list[str], module: ModuleType | None, error: BaseException) -> LoadFailed:
    """What to tell of an exception: mistakes as such; and what else is wrong with the module, which may be why."""
    mistakes = [*_mistakes_of(module)] if module is not None else []
    told = str(error) if isinstance(error, WallarooParameterError) else wrongly_unpacked(error, args)
    if told is None:
        return _cannot_load(app, mistakes, user_traceback(error))
    if isinstance(error, WallarooParameterError) and error.mistakes:
        return _cannot_load(app, [*mistakes, *error.mistakes])
    return _cannot_load(app, [*mistakes, f"{raising(error)}: {told}"])


def _cannot_load(app: str, mistakes: Iterable[str], lines: str = "") -> LoadFailed:
    told = listed(list(dict.fromkeys(mistakes)))
    return LoadFailed(f"loading {app} failed:", "\n".join(filter(None, [told, lines])))


def _mistakes_of(module: ModuleType) -> Iterator[str]:
    """What is wrong with a module that could be imported: with its decorated functions, also those of others."""
    for value in vars(module).values():
        if isinstance(value, Decorated):
            yield from value.mistakes
    yield from _wrong_serializer(module)


def _serializer(module: ModuleType) -> Serializer:
    """The module's serialize and deserialize, or pickle."""
    serialize, deserialize = _own(module).values()
    return Serializer(serialize, deserialize) if serialize is not None else PICKLE


def _wrong_serializer(module: ModuleType) -> Iterator[str]:
    """A module has both serialize and deserialize, or neither."""
    own = _own(module)
    wrong = {name: each for name, each in own.items() if not callable(each)}
    if not wrong or all(each is None for each in own.values()):
        return
    place = next((_place(each) for each in own.values() if callable(each)), None) or module.__file__
    told = " and ".join(f"{name} is {'missing' if each is None else describe(each)}" for name, each in wrong.items())
    yield (
        f"{place}: {told}; define both serialize(object), which returns bytes, and deserialize(bytes), which returns "
        "the object, or neither"
    )


def _own(module: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name, None) for name in ("serialize", "deserialize")}


def _ended(app: str, error: SystemExit) -> LoadFailed:
    if error.code is None or error.code == 0:
        return LoadFailed("", code=0)
    if isinstance(error.code, int):
        return LoadFailed(f"{app} ended itself with code {error.code} while it was loaded")
    return LoadFailed(f"{app} ended itself while it was loaded: {error.code}")


def _import(app: str) -> ModuleType:
    if app.endswith(".py"):
        # The file's own name, not that of a link to it: under that it can be imported from the folder it lies in.
        path = os.path.realpath(app)
        folder, file = os.path.split(path)
        name = (file if file.endswith(".py") else os.path.basename(app))[: -len(".py")]
    else:
        path, name, folder = "", app, os.getcwd()
    _check_name(app, name)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    return _import_file(name, path) if path else _import_module(name)


def _check_name(app: str, name: str) -> None:
    """An application is imported under its name, so that its pickles load; the name must be free for that."""
    if not name:
        raise LoadFailed(f"{app} is not an application: give a Python file, as in word_count.py, or a module")
    top = name.partition(".")[0]
    if top == "wallaroo" or top in sys.stdlib_module_names:
        owner = "Wallaroo's own package" if top == "wallaroo" else "the standard library"
        raise LoadFailed(f"{app} has the name of the module {top!r} of {owner}: rename it, as in my_{top}.py")


def _import_file(name: str, path: str) -> ModuleType:
    known = sys.modules.get(name)  # in a process of a test, which may have imported it for itself
    if known is not None and os.path.realpath(getattr(known, "__file__", None) or "") == path:
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not os.path.exists(path):
        raise LoadFailed(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise LoadFailed(
                f"there is no module {name} in {os.getcwd()} or on Python's path; a file's name ends in .py"
            ) from None
        raise


def _set_up(app: str, module: ModuleType, args: list[str]) -> Application:
    set_up = getattr(module, "application_setup", None)
    if not callable(set_up):
        raise _wrong(
            app,
            "it has no function application_setup(args): Wallaroo calls it with the command line's arguments and runs "
            "the application that it returns",
        )
    place = _place(set_up) or app
    if not _takes_one(set_up):
        raise _wrong(
            place,
            "application_setup must take one argument, the command line's arguments: "
            'write "def application_setup(args)"',
        )
    application = set_up(list(args))
    if not isinstance(application, Application):
        raise _wrong(
            place,
            f"application_setup returned {describe(application)}, not an application: end it with `return ab.build()`",
        )
    return application


def _wrong(place: str, what: str) -> WallarooParameterError:
    return WallarooParameterError(what, [f"{place}: {what}"])


def _place(function: object) -> str | None:
    defined = defining(function)
    return f"{defined[0]}:{defined[1]}" if defined else None


def _takes_one(set_up: Callable[..., object]) -> bool:
    try:
        inspect.signature(set_up).bind(())
    except TypeError:
        return False
    except ValueError:  # it does not say
        pass
    return True
