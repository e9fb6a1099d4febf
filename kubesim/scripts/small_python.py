"""Short Python programs given on a command line (``python3 -c``), read with ``ast`` and worked out as declared steps.

Only what such programs usually do is understood: conditions on the environment, printing, sleeping, exiting, raising.
Whatever else makes the whole program an assumption, as for any program that is not modelled; nothing is guessed half.
Sources: the Python language reference; ``sys.exit`` (a text goes to stderr, status 1), an uncaught exception
ends with 1.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kubesim.scripts.declared import Behaviour, Length, Line, Reaction
from kubesim.units import Duration, seconds

_MODULES: Final = frozenset({"os", "sys", "time"})
_MOST_STATEMENTS: Final = 5_000
_MOST_NUMBER: Final = 10**12
_INTERRUPTED: Final = 130

_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv, ast.Mod: operator.mod,
}  # fmt: skip
_COMPARED: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right, ast.NotIn: lambda left, right: left not in right,
}  # fmt: skip
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "int": int, "str": str, "len": len, "float": float, "bool": bool, "abs": abs, "min": min, "max": max,
    "range": range,
}  # fmt: skip
_RAISED: Final = (TypeError, ValueError, KeyError, ZeroDivisionError, IndexError)


class _NotUnderstood(Exception):
    """The program does something that this module does not know."""


class _Ends(Exception):
    """The program has ended with a status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def python_behaviour(text: str, environment: Mapping[str, str]) -> Behaviour | None:
    """What a program does in this environment, from its start; None where it is not understood."""
    try:
        program = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    run = _Run(dict(environment))
    try:
        run.body(program.body)
        status = 0
    except _Ends as end:
        status = end.status
    except (_NotUnderstood, RecursionError, OverflowError, MemoryError):
        return None
    except _RAISED as error:
        run.raised(type(error).__name__, str(error))
        status = 1
    return Behaviour(
        lasts=Length("fixed", run.elapsed),
        exits=(status,),
        on_signal={"INT": Reaction(Length("fixed", 0), _INTERRUPTED)},
        output=tuple(run.lines),
    )


@dataclass(slots=True)
class _Run:
    """The program's variables, how long it has slept, and what it has printed."""

    environment: dict[str, str]
    elapsed: Duration = 0
    lines: list[Line] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    statements: int = 0

    def body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statements += 1
            if self.statements > _MOST_STATEMENTS:
                raise _NotUnderstood
            self.statement(statement)

    def statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import(names=names) if all(one.name in _MODULES and one.asname is None for one in names):
                pass
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = self.value(value)
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                self.names[name] = self.binary(op, self.name(name), self.value(value))
            case ast.Expr(value=value):
                self.value(value)
            case ast.If(test=test, body=body, orelse=orelse):
                self.body(body if self.value(test) else orelse)
            case ast.While(test=test, body=body, orelse=[]) if not _breaks(body):
                while self.value(test):
                    self.body(body)
            case ast.For(target=ast.Name(id=name), iter=iterable, body=body, orelse=[]) if not _breaks(body):
                for item in self.value(iterable):
                    self.names[name] = item
                    self.body(body)
            case ast.Raise(exc=ast.Call(func=ast.Name(id=name), args=args, keywords=[])):
                self.raises(name, [self.value(one) for one in args])
            case ast.Pass():
                pass
            case _:
                raise _NotUnderstood

    def value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=constant):
                return constant
            case ast.Name(id=name):
                return self.name(name)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(op, self.value(left), self.value(right))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return not self.value(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand)
            case ast.BoolOp(op=op, values=values):
                return self.either(values, until=isinstance(op, ast.Or))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self.compared(left, ops, others)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.value(test) else orelse)
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                return tuple(self.value(item) for item in items)
            case ast.JoinedStr(values=parts):
                return "".join(str(self.formatted(part)) for part in parts)
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id="os"), attr="environ"), slice=key):
                return self.environment[self.value(key)]
            case ast.Call(keywords=[], func=function, args=args):
                return self.call(ast.unparse(function), [self.value(one) for one in args])
            case ast.Call(func=ast.Name(id="print"), args=args, keywords=[ast.keyword(arg="flush")]):
                return self.call("print", [self.value(one) for one in args])
        raise _NotUnderstood

    def name(self, name: str) -> Any:
        if name not in self.names:
            raise _NotUnderstood
        return self.names[name]

    def formatted(self, part: ast.expr) -> Any:
        match part:
            case ast.Constant(value=text):
                return text
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.value(value)
        raise _NotUnderstood

    def binary(self, op: ast.operator, left: Any, right: Any) -> Any:
        """Numbers stay small and texts short: what grows past all use is not worked out."""
        for one in (left, right):
            if isinstance(one, int | float) and abs(one) > _MOST_NUMBER:
                raise _NotUnderstood
        if type(op) not in _BINARY or (isinstance(op, ast.Mult) and not isinstance(left, int | float)):
            raise _NotUnderstood
        if isinstance(op, ast.Mult) and not isinstance(right, int | float):
            raise _NotUnderstood
        return _BINARY[type(op)](left, right)

    def either(self, values: list[ast.expr], *, until: bool) -> Any:
        """``or`` gives the first true value, ``and`` the first false one, else the last."""
        found: Any = None
        for node in values:
            found = self.value(node)
            if bool(found) is until:
                break
        return found

    def compared(self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr]) -> bool:
        first = self.value(left)
        for op, node in zip(ops, others, strict=True):
            second = self.value(node)
            if not _COMPARED[type(op)](first, second):
                return False
            first = second
        return True

    def call(self, function: str, args: list[Any]) -> Any:
        match function, args:
            case "print", _:
                self.lines += [
                    Line(self.elapsed, line, "stdout") for line in " ".join(str(one) for one in args).split("\n")
                ]
            case "time.sleep", [int() | float() as length] if length >= 0:
                self.elapsed += int(length * seconds(1))
            case (("sys.exit" | "exit" | "quit"), ([] | [_])):
                raise _Ends(self.status(args[0] if args else None))
            case (("os.environ.get" | "os.getenv"), ([_] | [_, _])):
                return self.environment.get(*args)
            case _ if function in _FUNCTIONS:
                return _FUNCTIONS[function](*args)
            case _:
                raise _NotUnderstood
        return None

    def status(self, given: Any) -> int:
        """``sys.exit``: nothing is 0, a number is itself as far as a status holds it, a text is an error."""
        if given is None:
            return 0
        if isinstance(given, int):
            return given & 0xFF
        self.lines.append(Line(self.elapsed, str(given), "stderr"))
        return 1

    def raises(self, name: str, args: list[Any]) -> None:
        if name == "SystemExit":
            raise _Ends(self.status(args[0] if args else None))
        if not name.endswith(("Error", "Exception")):
            raise _NotUnderstood
        self.raised(name, " ".join(str(one) for one in args))
        raise _Ends(1)

    def raised(self, name: str, text: str) -> None:
        """The last line of a traceback; the others name places that do not exist here."""
        said = f"{name}: {text}" if text else name
        self.lines.append(Line(self.elapsed, said, "stderr"))


def _breaks(body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Break | ast.Continue) for statement in body for node in ast.walk(statement))
