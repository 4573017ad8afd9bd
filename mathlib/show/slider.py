"""The control of a moving figure: a finite range of values, each with its read-out."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Slider:
    """The positions of one slider, and how any value between them reads. Made by `slider`."""

    label: str
    values: tuple
    value: object
    readouts: tuple
    read: Callable = field(default=str, repr=False, compare=False)

    @property
    def default(self):
        """The index of the starting value."""
        return self.values.index(self.value)

    def __repr__(self):
        first, last = self.readouts[0], self.readouts[-1]
        start = self.readouts[self.default]
        return f"{self.label}: {first} to {last}, {len(self.values)} positions, starts at {start}"


def slider(start, stop, *, step=1, value=None, label=None, unit="", format="{:g}"):
    """Let one argument of an `explorable` take the values start, start + step, ..., stop.

    Parameters
    ----------
    start, stop, step : numbers
        Both ends are positions: stop - start must be a whole multiple of step.
    value : number, optional
        The position shown first; the middle one if not given.
    label : str
        What the reader sees beside the slider.
    unit : str
        Appended to the read-out.
    format : str or callable
        How a value reads: a format string such as ``"{:.2f}"``, or a function from value to text. An integer
        after ``^`` is raised.

    >>> slider(-6, 0, step=2, value=-2, label="step size", format="2^{}")
    step size: 2⁻⁶ to 2⁰, 4 positions, starts at 2⁻²
    >>> slider(0, 0.3, step=0.1, label="angle", unit=" rad").values
    (0.0, 0.1, 0.2, 0.3)
    """
    if not label:
        raise ValueError(f"slider({start}, {stop}) needs a label: write label='step size' or what the value means")
    if step <= 0 or stop <= start:
        raise ValueError(f"slider {label!r} needs start < stop and step > 0; got {start}, {stop} and step={step}")
    intervals = round((stop - start) / step)
    if abs(start + intervals * step - stop) > 1e-9 * max(abs(start), abs(stop)):
        raise ValueError(
            f"slider {label!r}: stop={stop} is not on the grid {start}, {_tidy(start + step)}, ...; "
            f"use stop={_tidy(start + intervals * step)}"
        )
    values = tuple(_tidy(start + i * step) for i in range(intervals + 1))
    if value is None:
        value = values[len(values) // 2]
    if value not in values:
        nearest = min(values, key=lambda v: abs(v - value))
        raise ValueError(f"slider {label!r}: value={value} is not a position; the nearest is {nearest}")
    write = format if callable(format) else format.format

    def read(value):
        return _typeset(write(value) + unit)

    return Slider(label, values, values[values.index(value)], tuple(map(read, values)), read)


def _typeset(text):
    """Give a negative number its minus sign and raise exponents."""
    text = re.sub(r"^-(?=\d)", "−", text)
    return re.sub(r"\^(-?\d+)", lambda m: m[1].translate(SUPERSCRIPTS), text)


def _tidy(value):
    """0.1 + 0.2 as 0.3; integers stay integers."""
    return float(f"{value:.12g}") if isinstance(value, float) else value
