"""The C back end: `Fixed` on expressions of C source, with the helpers of ska_fixed.h."""

from __future__ import annotations

from ska_edge.fixedpoint import Table, width


class COps:
    """Every value is a C expression; `name` turns one into a commented local variable.

    Widths follow the intervals: an operation whose operands or result leave 32 bits is done in 64.
    Negative constants are parenthesized, so that expressions can be put side by side.
    """

    def __init__(self) -> None:
        self.statements: list[str] = []
        self._names: dict[str, int] = {}
        self._wide: set[str] = set()

    def _bits(self, lo: int, hi: int, *operands: str) -> int:
        return 64 if any(o in self._wide for o in operands) else width(lo, hi)

    def _result(self, expression: str, bits: int) -> str:
        if bits == 64:
            self._wide.add(expression)
        return expression

    def _binary(self, operator: str, a: str, b: str, lo: int, hi: int) -> str:
        bits = self._bits(lo, hi, a, b)
        left = f"(int64_t){a}" if bits == 64 and a not in self._wide else a
        return self._result(f"({left} {operator} {b})", bits)

    def widen(self, expression: str) -> None:
        """Say that an expression has 64 bits."""
        self._wide.add(expression)

    def constant(self, value: int) -> str:
        return str(value) if value >= 0 else f"({value})"

    def add(self, a: str, b: str, lo: int, hi: int) -> str:
        return self._binary("+", a, b, lo, hi)

    def subtract(self, a: str, b: str, lo: int, hi: int) -> str:
        return self._binary("-", a, b, lo, hi)

    def multiply(self, a: str, b: str, lo: int, hi: int) -> str:
        return self._binary("*", a, b, lo, hi)

    def round_shift(self, a: str, shift: int, lo: int, hi: int) -> str:
        bits = self._bits(lo, hi, a)
        return self._result(f"ska_round_shift_i{bits}({bare(a)}, {shift})", bits)

    def clip(self, a: str, lo: int, hi: int) -> str:
        bits = 64 if a in self._wide else 32
        if bits == 32 and lo == -hi - 1 and hi & (hi + 1) == 0:
            return f"ska_saturate_bits_i32({bare(a)}, {hi.bit_length() + 1})"
        call = f"ska_saturate_i{bits}({bare(a)}, {lo}, {hi})"
        # What was clipped to 32 bits is narrow again: later operations need not be wide.
        return f"(int32_t){call}" if bits == 64 and width(lo, hi) == 32 else call

    def high_bits(self, a: str, shift: int) -> str:
        return f"ska_high_bits({bare(a)}, {shift})"

    def low_bits(self, a: str, shift: int) -> str:
        return f"ska_low_bits({bare(a)}, {shift})"

    def lookup(self, table: Table, index: str) -> str:
        return f"(int32_t)ska_const_i{table.format.bits}(&{table.name}[{bare(index)}])"

    def name(self, a: str, name: str, comment: str, lo: int, hi: int) -> str:
        number = self._names[name] = self._names.get(name, 0) + 1
        unique = name if number == 1 else f"{name}_{number}"
        bits = 64 if a in self._wide and width(lo, hi) == 64 else 32
        cast = "(int32_t)" if a in self._wide and bits == 32 else ""
        self.statements.append(f"/* {comment} */")
        self.statements.append(f"const int{bits}_t {unique} = {cast}{bare(a)};")
        return self._result(unique, bits)

    def type_of(self, expression: str) -> str:
        """C type that an expression has."""
        return "int64_t" if expression in self._wide else "int32_t"


def bare(expression: str) -> str:
    """The expression without the pair of parentheses around the whole of it, if there is one."""
    if not (expression.startswith("(") and expression.endswith(")")):
        return expression
    depth = 0
    for position, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if depth == 0 and position < len(expression) - 1:
            return expression
    return expression[1:-1]


def stored_type(lo: int, hi: int) -> str:
    """The narrowest standard type for an interval."""
    for bits in (8, 16, 32):
        if -(1 << (bits - 1)) <= lo and hi < 1 << (bits - 1):
            return f"int{bits}_t"
    return "int64_t"


def register_type(lo: int, hi: int) -> str:
    """The type in which a value of an interval is computed with."""
    return f"int{width(lo, hi)}_t"
