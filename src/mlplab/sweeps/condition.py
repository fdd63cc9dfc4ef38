"""The condition of ``only``: which combinations of a sweep are to run, as an expression over the keys of a config."""

import ast
import json
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Any

from omegaconf import DictConfig, ListConfig
from simpleeval import DEFAULT_OPERATORS, EvalWithCompoundTypes, InvalidExpression

from mlplab.config import CARRYING_OUT, MAKING_UP, TrainConfig
from mlplab.errors import ConfigError
from mlplab.flat_config import is_words
from mlplab.known_keys import known_keys, unknown_key

_TYPED = {"data": "data.name"}  # as people type it: data=digits
_CONSTANTS = {"true": True, "false": False, "null": None}
_KINDS: Mapping[type, str] = {
    bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", NoneType: "null",
}  # fmt: skip
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.USub, ast.UAdd)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_TAKEN = (
    *_ARITHMETIC, *_COMPARISONS, ast.In, ast.NotIn, ast.Not, ast.boolop, ast.BoolOp, ast.UnaryOp, ast.BinOp,
    ast.Compare, ast.Constant, ast.List, ast.Subscript, ast.expr_context,
)  # fmt: skip


class _UnfitError(Exception):
    """Part of an expression is not what a condition takes."""


@dataclass(frozen=True)
class Condition:
    """A condition that the runs of a sweep meet.

    Attributes:
        text: as typed.
        keys: those in it.
        expression: the text, read; a name in it is the whole name of a key.
    """

    text: str
    keys: tuple[str, ...]
    expression: ast.expr

    @classmethod
    def read(cls, text: str) -> "Condition":
        """Return the condition that a text says. Raises ConfigError: it says none, or names an unknown key."""
        reader = _Reader()
        try:
            expression = reader.visit(ast.parse(text.strip(), mode="eval").body)
        except _UnfitError as error:
            raise ConfigError(f"only={text}: {error}") from error
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            said = error.msg if isinstance(error, SyntaxError) else error
            raise ConfigError(
                f"only={text}: cannot be read ({said}); write a comparison, as in only='learning_rate*batch_size<=6.4'"
            ) from error
        return cls(text, tuple(reader.keys), expression)

    def holds(self, settings: TrainConfig | DictConfig) -> bool:
        """Tell whether a run of this config meets the condition; the config may be one that is not checked yet.

        Raises:
            ConfigError: values of different kinds are compared, or the result is not true or false.
        """
        values = {key: _value(settings, key) for key in self.keys}
        evaluator = EvalWithCompoundTypes(_OPERATORS, functions={}, names={**_CONSTANTS, **values})
        try:
            result = evaluator.eval(self.text, self.expression)
        except (_UnfitError, InvalidExpression, ArithmeticError, LookupError, TypeError) as error:
            where = ", ".join(f"{key}={_shown(value)}" for key, value in values.items())
            raise ConfigError(f"only={self.text}: cannot be told for {where}: {error}") from error
        if not isinstance(result, bool):
            raise ConfigError(
                f"only={self.text}: is {_shown(result)}, and not true or false; compare it, as in learning_rate<=0.1"
            )
        return result


class _Reader(ast.NodeTransformer):
    """Puts one name, dots included, in the place of every key; refuses what a condition does not take."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return node if node.id in _CONSTANTS else self._name_of_key(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self._name_of_key(ast.unparse(node))

    def _name_of_key(self, typed: str) -> ast.expr:
        key = _TYPED.get(typed, typed)
        if not _describes_a_run(key):
            raise _UnfitError(f"{key}: is no value that a run computes with; take one, such as learning_rate")
        if key not in known_keys():
            known = [one for one in known_keys() if _describes_a_run(one)]
            raise _UnfitError(f"{unknown_key(key, known)}; a text stands in quotes, as in activation=='relu'")
        if key not in self.keys:
            self.keys.append(key)
        return ast.Name(key, ast.Load())

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, _TAKEN):
            raise _UnfitError(
                f"{ast.unparse(node)}: is not taken; a condition has keys, numbers, texts in quotes, + - * / // % **, "
                "comparisons, in, and, or, not"
            )
        return super().generic_visit(node)


def _describes_a_run(key: str) -> bool:
    return key not in (*CARRYING_OUT, *MAKING_UP, "tags", "tracking", "early_stopping") and not is_words(key)


def _value(settings: TrainConfig | DictConfig, key: str) -> object:
    found: Any = settings
    for name in key.split("."):
        found = None if found is None else getattr(found, name)
    if isinstance(found, StrEnum):
        return str(found)
    return list(found) if isinstance(found, ListConfig) else found


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "something else")


def _shown(value: object) -> str:
    return json.dumps(value, default=repr)  # as Hydra's grammar has it: true, null


def _described(value: object) -> str:
    return "null" if value is None else f"{_kind(value)} ({_shown(value)})"


def _calculating(calculate: Callable[..., object]) -> Callable[..., object]:
    """Return the operation for numbers alone: Python would repeat a text, or count true as 1."""

    def checked(*operands: object) -> object:
        for operand in operands:
            if _kind(operand) != "a number":
                raise _UnfitError(f"it calculates with {_described(operand)}, where a number is needed")
        return calculate(*operands)

    return checked


def _comparing(compare: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
    """Return the comparison for values of one kind: Python would find a text unequal to every number."""

    def checked(left: object, right: object) -> bool:
        is_of_null = compare in (operator.eq, operator.ne) and None in (left, right)
        if _kind(left) != _kind(right) and not is_of_null:
            raise _UnfitError(f"it compares {_described(left)} with {_described(right)}; compare values of one kind")
        return compare(left, right)

    return checked


def _is_in(element: object, elements: object) -> bool:
    if not isinstance(elements, list):
        raise _UnfitError(f"it looks into {_described(elements)}; write a list, as in activation in ['relu','tanh']")
    are_equal = [_comparing(operator.eq)(element, one) for one in elements]  # a fault wherever the unlike one stands
    return any(are_equal)


def _not(value: object) -> bool:
    if not isinstance(value, bool):
        raise _UnfitError(f"it negates {_described(value)}, where true or false is needed")
    return not value


_OPERATORS: dict[type, Callable[..., object]] = {
    **{kind: _calculating(DEFAULT_OPERATORS[kind]) for kind in _ARITHMETIC},
    **{kind: _comparing(DEFAULT_OPERATORS[kind]) for kind in _COMPARISONS},
    ast.In: _is_in,
    ast.NotIn: lambda element, elements: not _is_in(element, elements),
    ast.Not: _not,
}
