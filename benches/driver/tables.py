"""Numbers as text."""

from collections.abc import Callable
from math import floor, log10
from statistics import median


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table in which all but the first column are numbers."""
    cells = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def number(value: float) -> str:
    """With three digits that count."""
    digits = 2 - floor(log10(abs(value))) if value else 0
    return f"{value:,.{max(0, digits)}f}"


def time(milliseconds: float) -> str:
    """In the unit that fits."""
    if milliseconds < 1:
        return f"{number(milliseconds * 1e3)} µs"
    return f"{number(milliseconds)} ms" if milliseconds < 1e4 else f"{number(milliseconds / 1e3)} s"


def spread(values: list[float], text: Callable[[float], str] = number) -> str:
    """The median, with the smallest and the largest where there are several."""
    if len(values) == 1:
        return text(values[0])
    return f"{text(median(values))} ({text(min(values))} to {text(max(values))})"
