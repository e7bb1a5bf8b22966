"""Graphs of ONNX, written without its library: a model is few nodes, and the format is a few messages.

The numbers are doubles, and so are whole numbers in them: what is exact in an agent is exact in a program
that runs the graph. Format: onnx.proto of ONNX 1.13 (opset 17), in the encoding of Protocol Buffers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import FloatArray

_IR_VERSION, _OPSET = 8, 17
_DOUBLE, _INT64 = 11, 7
_INTEGER_ATTRIBUTE = 2


class Graph:
    """A graph that grows node by node; each value has a name.

    Args:
        name: of the graph.
        width: columns of its input, ``features``.
    """

    def __init__(self, name: str, width: int) -> None:
        self._name, self._width, self._values = name, width, 0
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, value: FloatArray | npt.NDArray[np.int64] | float) -> str:
        """A value that is part of the model."""
        array = np.asarray(value)
        kind = _INT64 if array.dtype == np.int64 else _DOUBLE
        stored = np.ascontiguousarray(array, dtype="<i8" if kind == _INT64 else "<f8")
        name = self._new()
        dims = b"".join(_number(1, size) for size in array.shape)
        self._constants.append(dims + _number(2, kind) + _text(8, name) + _bytes(9, stored.tobytes()))
        return name

    def node(self, kind: str, *inputs: str, output: str | None = None, **attributes: int) -> str:
        """What an operator makes of values."""
        name = output or self._new()
        told = b"".join(_text(1, value) for value in inputs) + _text(2, name) + _text(4, kind)
        for key, number in attributes.items():
            told += _bytes(5, _text(1, key) + _number(3, number) + _number(20, _INTEGER_ATTRIBUTE))
        self._nodes.append(told)
        return name

    def to_bytes(self, outputs: Mapping[str, tuple[int, int | None]], facts: Mapping[str, str]) -> bytes:
        """The model.

        Args:
            outputs: by name, the kind and the columns of each; without columns it is one number a row.
            facts: about the model, for who reads it.
        """
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _text(2, self._name)
        graph += b"".join(_bytes(5, constant) for constant in self._constants)
        graph += _bytes(11, _described("features", _DOUBLE, self._width))
        graph += b"".join(_bytes(12, _described(name, *form)) for name, form in outputs.items())
        model = _number(1, _IR_VERSION) + _text(2, "holdfast") + _bytes(7, graph)
        model += _bytes(8, _number(2, _OPSET))
        return model + b"".join(
            _bytes(14, _text(1, key) + _text(2, value)) for key, value in sorted(facts.items())
        )

    def _new(self) -> str:
        self._values += 1
        return f"value {self._values}"


DOUBLES, WHOLE = _DOUBLE, _INT64
"""Kinds of outputs."""


def _described(name: str, kind: int, columns: int | None) -> bytes:
    """Of a value: as many rows as are given, and its columns."""
    dims = _bytes(1, _text(2, "rows")) + (b"" if columns is None else _bytes(1, _number(1, columns)))
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims)))


# --- Protocol Buffers: a key of field and wire type, then a number, or a length and bytes ---


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())
