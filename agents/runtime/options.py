"""Options of the command line, variables of the environment and keys of a file, all made from the settings.

A flag goes before a variable, a variable before the file, the file before the default. So `spare_rounds` is
``--spare-rounds``, ``HOLDFAST_SPARE_ROUNDS``, or ``spare_rounds = 2`` in a TOML file: the one that is named
with ``--config``, else ``agent.toml`` in the agent's home. What is wrong is one line that names its place.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from agents.core.errors import BadInput
from agents.kit.names import with_addresses
from agents.portfolio.checking import Flag, S, validated
from agents.runtime.settings import EVERYTHING

HOME_FILE = "agent.toml"
ROLE_NAMES = ("data-owner", "cloud-owner", "model-owner")

_PREFIX = "HOLDFAST_"
_CONFIG = "config"
_ROLE = "role"
"""A key of the home's file alone: what `holdfast run` runs."""
_TABLES = "tables"
_NEAR = 0.75  # so alike are a name and what was meant by it
_ELSEWHERE = frozenset({"demo", "deployer", "gas"})  # variables of scripts/deploy.py and of tests

Command = Callable[..., None]
Places = Mapping[str, str]
"""Where settings were given that have no default: a flag, a variable, or a file and its key."""


def takes(kind: type[S], *, places: bool = False) -> Callable[[Command], Command]:
    """Gives a command these settings as its first argument, and their options beside its own.

    Args:
        kind: of settings.
        places: whether its second argument is where each setting was given, as `Places`.

    Raises:
        BadInput: when it is called: a setting is wrong, or there is no such setting; one line that names the
            flag, the variable or the file.
    """

    def give(command: Command) -> Command:
        own = list(signature(command, eval_str=True).parameters.values())[1 + places :]

        @wraps(command)
        def run(context: typer.Context, **given: Any) -> None:
            told = _places(kind, context)
            settings = _settings(kind, context, told)
            own_values = {option.name: given[option.name] for option in own}
            command(*((settings, told) if places else (settings,)), **own_values)

        run.__annotations__ = {}  # typer reads both: what is left of the command's own would be in the way
        run.__signature__ = Signature([_CONTEXT, *_in_order(kind, own)])  # type: ignore[attr-defined]
        return run

    return give


def role_of(home: Path) -> str:
    """Which role the file in a home says that it is of.

    Raises:
        BadInput: there is no such file, or it names no role.
    """
    file = home / HOME_FILE
    role = _toml(file).get(_ROLE)
    if role not in ROLE_NAMES:
        raise BadInput(
            f'{file}: {_ROLE}: write {_ROLE} = "{ROLE_NAMES[0]}", or {", or ".join(ROLE_NAMES[1:])}'
        )
    return str(role)


def role_at(home: Path) -> str | None:
    """The role that the file in a home names; None if it names none, or cannot be read."""
    try:
        role = tomllib.loads((home / HOME_FILE).read_text()).get(_ROLE)
    except (OSError, ValueError):
        return None
    return role if isinstance(role, str) else None


def variable(name: str) -> str:
    """The variable of the environment for a setting."""
    return _PREFIX + name.upper()


# --- options ---


_CONTEXT = Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)


def _in_order(kind: type[S], own: list[Parameter]) -> list[Parameter]:
    """The options of a command: what it needs, what is its own or its settings', what others have too."""
    fields = {name: field for name, field in kind.model_fields.items() if _flag(name, field)}
    common = fields.keys() - kind.__annotations__

    def place(option: Parameter) -> int:
        return 0 if option.default is Parameter.empty else 2 if option.name in common else 1

    options = [_option(name, field) for name, field in fields.items()]
    keywords = [option.replace(kind=Parameter.KEYWORD_ONLY) for option in own]
    return [*sorted(options + keywords, key=place), _config_option()]


def _option(name: str, field: FieldInfo) -> Parameter:
    """A setting's option. Its text is not looked at here: the settings check it."""
    required, default, shown = field.is_required(), field.default, _shown(field.annotation)
    at_home = {"is_eager": True, "callback": _read_file_at_home} if name == "home" else {}
    option = typer.Option(
        _flag(name, field),
        help=field.description,
        envvar=variable(name),
        metavar="<path>" if shown is Path else None,
        parser=lambda text: text,
        **at_home,  # type: ignore[arg-type]
    )
    return Parameter(
        name,
        Parameter.KEYWORD_ONLY,
        default=Parameter.empty if required else None if isinstance(default, BaseModel) else default,
        annotation=Annotated[shown, option],
    )


def _flag(name: str, field: FieldInfo) -> str | None:
    default = Flag(None if _is_table(field) else "--" + name.replace("_", "-"))
    return next((extra for extra in field.metadata if isinstance(extra, Flag)), default).name


def _is_table(field: FieldInfo) -> bool:
    """Whether a setting is a table, which only a file can have."""
    return get_origin(field.annotation) is dict


def _shown(annotation: Any) -> Any:
    """The type that help shows for a setting's."""
    if get_origin(annotation) is tuple:
        return list[str]
    if get_origin(annotation) is Literal:
        return str
    if NoneType in get_args(annotation):
        return _shown(next(kind for kind in get_args(annotation) if kind is not NoneType))
    return Path if issubclass(annotation, BaseModel) else annotation


# --- the file ---


def _config_option() -> Parameter:
    option = typer.Option(
        "--config",
        help=f"TOML file of settings; by default {HOME_FILE} in the home, if it is there.",
        envvar=variable(_CONFIG),
        is_eager=True,
        callback=_read_file,
    )
    return Parameter(_CONFIG, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[Path | None, option])


def _read_file(context: typer.Context, file: Path | None) -> None:
    """Takes what a file says for what is given neither as a flag nor as a variable."""
    if file is None:
        return
    table = _toml(file)
    table.pop(_ROLE, None)
    _refuse_booleans(table, file)
    writable = {name for name, field in _all_fields() if _flag(name, field) or _is_table(field)}
    _refuse_unknown(table, writable, str(file))
    many = {option.name for option in context.command.params if option.multiple}
    context.meta[_CONFIG] = file
    tables = {name for name, field in _all_fields() if _is_table(field)}
    context.meta[_TABLES] = {name: table.pop(name) for name in tables & table.keys()}
    context.default_map = {
        name: [value] if name in many and not isinstance(value, list) else value
        for name, value in table.items()
    }


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as problem:
        raise BadInput(f"settings {file}: {problem.strerror}: name a TOML file of settings") from None
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"settings {file}: {problem}: mend it, or name another TOML file") from None


def _refuse_booleans(table: Mapping[str, Any], file: Path) -> None:
    """Where numbers belong: true would be taken for 1."""
    switches = {name for name, field in _all_fields() if field.annotation is bool}
    for name, value in table.items():
        for inner in _values(value):
            if isinstance(inner, bool) and name not in switches:
                raise BadInput(f"{file}: {name}: {str(inner).lower()} is no value for it: write a number")


def _values(value: object) -> Iterator[object]:
    """All that is in a value of a file, in its tables and lists."""
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    yield value
    for one in inside:
        yield from _values(one)


def _read_file_at_home(context: typer.Context, home: str) -> str:
    file = Path(home) / HOME_FILE
    if context.default_map is None and file.exists():
        _read_file(context, file)
    return home


# --- what was given, and where ---


def _settings(kind: type[S], context: typer.Context, places: Places) -> S:
    settable = [name for name, field in _all_fields() if not _is_table(field)]
    known = {variable(name) for name in [_CONFIG, *_ELSEWHERE, *settable]}
    _refuse_unknown((name for name in os.environ if name.startswith(_PREFIX)), known, "environment")
    values = with_addresses(kind, {name: _value(name, context) for name in places})
    return validated(kind, values, lambda name: places.get(name, name))


def _places(kind: type[S], context: typer.Context) -> Places:
    fields = kind.model_fields.items()
    return {name: place for name, field in fields if (place := _place(name, field, context))}


def _value(name: str, context: typer.Context) -> Any:
    """What was given for a setting."""
    if name in context.meta.get(_TABLES, {}):
        return context.meta[_TABLES][name]
    return context.params.get(name, os.environ.get(variable(name)))


def _place(name: str, field: FieldInfo, context: typer.Context) -> str | None:
    """Where a setting was given: as a flag, as a variable, or as a key of the file."""
    source = context.get_parameter_source(name)
    if name in context.meta.get(_TABLES, {}):
        return f"{context.meta.get(_CONFIG)}: {name}"
    if source is None:  # it has no option
        return variable(name) if variable(name) in os.environ else None
    places = {
        "COMMANDLINE": _flag(name, field),
        "ENVIRONMENT": variable(name),
        "DEFAULT_MAP": f"{context.meta.get(_CONFIG)}: {name}",
    }
    return places.get(source.name)


def _all_fields() -> Iterator[tuple[str, FieldInfo]]:
    for kind in EVERYTHING:
        yield from kind.model_fields.items()


def _refuse_unknown(names: Iterable[str], known: Iterable[str], place: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1, _NEAR)
            todo = f"write {near[0]}" if near else "take it out"
            raise BadInput(f"{place}: no setting is called {name!r}: {todo}")
