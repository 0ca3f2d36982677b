"""The C back end: it writes each operation of `Fixed` as a C expression of ska_fixed.h."""

from __future__ import annotations

import math

from ska_edge.arithmetic.fixedpoint import Table, width
from ska_edge.arithmetic.logarithm import linear_logarithm


class COps:
    """Writes C: every value is an expression; `name` stores a value in a local variable.

    Intervals determine the widths: an operation uses 64 bits if an operand or the result exceeds 32
    bits. Negative constants are in parentheses, so that expressions can be concatenated.
    """

    def __init__(self) -> None:
        self.statements: list[str] = []
        self._names: dict[str, int] = {}
        self._wide: set[str] = set()
        self._narrow: set[str] = set()  # expressions whose interval fits 16 bits
        self._unsigned: set[str] = set()  # expressions that fit 16 bits without a sign
        self._constants: set[str] = set()

    def _bits(self, lo: int, hi: int, *operands: str) -> int:
        return 64 if any(o in self._wide for o in operands) else width(lo, hi)

    def _result(self, expression: str, bits: int, lo: int, hi: int) -> str:
        if bits == 64:
            self._wide.add(expression)
        return self.bounded(expression, lo, hi)

    def _binary(self, operator: str, a: str, b: str, lo: int, hi: int) -> str:
        bits = self._bits(lo, hi, a, b)
        left = f"(int64_t){a}" if bits == 64 and a not in self._wide else a
        return self._result(f"({left} {operator} {b})", bits, lo, hi)

    def bounded(self, expression: str, lo: int, hi: int) -> str:
        """Record the interval of an expression, and return the expression."""
        if stored_type(lo, hi) in ("int8_t", "int16_t"):
            self._narrow.add(expression)
        if lo >= 0 and hi < 1 << 16:
            self._unsigned.add(expression)
        return expression

    def widen(self, expression: str) -> None:
        """Record that an expression has 64 bits."""
        self._wide.add(expression)

    def constant(self, value: int) -> str:
        text = str(value) if value >= 0 else f"({value})"
        self._constants.add(text)
        return self.bounded(text, value, value)

    def add(self, a: str, b: str, lo: int, hi: int) -> str:
        return self._binary("+", a, b, lo, hi)

    def subtract(self, a: str, b: str, lo: int, hi: int) -> str:
        return self._binary("-", a, b, lo, hi)

    def multiply(self, a: str, b: str, lo: int, hi: int) -> str:
        if a in self._constants or b in self._constants:
            return self._binary("*", a, b, lo, hi)  # the compiler optimizes constant factors
        if {a, b} <= self._narrow and not {a, b} & self._wide:
            return self._result(f"ska_product_i16({bare(a)}, {bare(b)})", 32, lo, hi)
        if a in self._narrow and b in self._unsigned and width(lo, hi) == 32:
            return self._result(f"ska_product_u16({bare(a)}, {bare(b)})", 32, lo, hi)
        return self._binary("*", a, b, lo, hi)

    def round_shift(self, a: str, shift: int, lo: int, hi: int) -> str:
        bits = self._bits(lo, hi, a)
        kind = "_spare" if bits == 32 and _has_spare_bits(shift, lo, hi) else ""
        call = f"ska_round_shift{kind}_i{bits}({bare(a)}, {shift})"
        return self._result(call, bits, lo // 2**shift, hi // 2**shift)

    def clip(self, a: str, lo: int, hi: int) -> str:
        bits = 64 if a in self._wide else 32
        if bits == 32 and lo == -hi - 1 and hi & (hi + 1) == 0:
            call = f"ska_saturate_bits_i32({bare(a)}, {hi.bit_length() + 1})"
        else:
            call = f"ska_saturate_i{bits}({bare(a)}, {lo}, {hi})"
            # A value that was clipped to 32 bits gets a type of 32 bits, so that later operations
            # need no 64 bits.
            call = f"(int32_t){call}" if bits == 64 and width(lo, hi) == 32 else call
        return self._result(call, bits if width(lo, hi) == 64 else 32, lo, hi)

    def high_bits(self, a: str, shift: int) -> str:
        kind = "_spare" if a in self._narrow else ""
        return f"ska_high_bits{kind}({bare(a)}, {shift})"

    def low_bits(self, a: str, shift: int) -> str:
        return f"ska_low_bits({bare(a)}, {shift})"

    def square_root(self, a: str, lo: int, hi: int) -> str:
        bits, root = 32 if hi < 1 << 32 else 64, math.isqrt(hi)
        kind = width(0, root)
        call = f"(int{kind}_t)ska_square_root_u{bits}((uint{bits}_t){a})"
        return self._result(call, kind, math.isqrt(lo), root)

    def logarithm(self, a: str, frac: int, lo: int, hi: int) -> str:
        call = f"ska_logarithm_u64((uint64_t){a}, {frac})"
        ends = (linear_logarithm(end, frac) for end in (lo, hi))
        return self._result(call, 32, *ends)

    def lookup(self, table: Table, index: str) -> str:
        call = f"(int32_t)ska_const_i{table.format.bits}(&{table.name}[{bare(index)}])"
        return self.bounded(call, table.format.minimum, table.format.maximum)

    def name(self, a: str, name: str, comment: str, lo: int, hi: int) -> str:
        number = self._names[name] = self._names.get(name, 0) + 1
        unique = name if number == 1 else f"{name}_{number}"
        bits = 64 if a in self._wide and width(lo, hi) == 64 else 32
        cast = "(int32_t)" if a in self._wide and bits == 32 else ""
        self.statements.append(f"/* {comment} */")
        self.statements.append(f"const int{bits}_t {unique} = {cast}{bare(a)};")
        return self._result(unique, bits, lo, hi)

    def type_of(self, expression: str) -> str:
        """Return the C type of an expression."""
        return "int64_t" if expression in self._wide else "int32_t"


def _has_spare_bits(shift: int, lo: int, hi: int) -> bool:
    """Tell whether a shift is 1 to 3 bits short of a multiple of 8, and the value still fits 32
    bits after a left shift by the missing bits.
    """
    missing = -shift % 8
    return 0 < missing <= 3 and width(lo * 2**missing, hi * 2**missing) == 32


def bare(expression: str) -> str:
    """Return the expression without enclosing parentheses."""
    if not (expression.startswith("(") and expression.endswith(")")):
        return expression
    depth = 0
    for position, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if depth == 0 and position < len(expression) - 1:
            return expression
    return expression[1:-1]


def stored_type(lo: int, hi: int) -> str:
    """Return the narrowest standard type for an interval."""
    for bits in (8, 16, 32):
        if -(1 << (bits - 1)) <= lo and hi < 1 << (bits - 1):
            return f"int{bits}_t"
    return "int64_t"


def register_type(lo: int, hi: int) -> str:
    """Return the type of an argument or result: the core's fastest type if 16 bits suffice."""
    if stored_type(lo, hi) in ("int8_t", "int16_t"):
        return "int_fast16_t"
    return f"int{width(lo, hi)}_t"
