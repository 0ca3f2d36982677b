"""Runs the float trainer in compiled C (`float_native.c`)."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ska_edge.errors import CheckError
from ska_edge.network.float_trainer import FloatRule, FloatTrainer, Reals
from ska_edge.rules.reference import Parameters, initial_parameters

RULES = ("local", "feedback", "code")  # in the order of the enum in C
SOURCE = Path(__file__).with_name("float_native.c")
TEXT = SOURCE.read_text(encoding="utf-8")  # at import: an upgrade may replace the file later

# Trainings that compare a new library with numpy: rule, sizes, batch, first layer that learns,
# margin, rate of the hidden layers, whether these have ReLU, rate of the output layer of a
# regression (0: the training has labels), whether the step is normalized. Both rates are multiples
# of the learning rate.
CHECKED = (
    ("local", (5, 35, 17, 8, 3), 1, 0, 0.0, 0.5, False, 0.0, False),
    ("local", (5, 35, 17, 8, 3), 3, 1, 0.49, 1.0, False, 0.0, False),
    ("local", (5, 35, 17, 8, 3), 2, 0, 0.0, 1.0, True, 0.0, False),
    ("local", (5, 35, 17, 8, 3), 2, 0, 0.0, 1.0, False, 0.25, False),
    ("feedback", (7, 18, 4), 1, 0, 0.49, 1.0, False, 0.0, True),
    ("feedback", (7, 18, 4), 1, 0, 0.0, 0.5, True, 0.0, False),
    ("feedback", (7, 18, 2), 1, 0, 0.0, 0.5, False, 0.25, True),
    ("code", (7, 18, 1, 4), 2, 0, 0.0, 0.25, False, 0.0, False),
)

_INTEGER, _REAL, _POINTER = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


class _Layer(ctypes.Structure):
    _fields_ = (
        ("inputs", _INTEGER),
        ("outputs", _INTEGER),
        ("weight", _POINTER),
        ("bias", _POINTER),
        ("signal", _POINTER),
        ("knowledge", _POINTER),
        ("decision", _POINTER),
        ("delta", _POINTER),
        ("readout_weight", _POINTER),
        ("readout_bias", _POINTER),
        ("missed", _POINTER),
        ("codes", _POINTER),
    )


class _Network(ctypes.Structure):
    _fields_ = (
        ("layers", _INTEGER),
        ("rule", _INTEGER),
        ("first_learned", _INTEGER),
        ("gain", _REAL),
        ("margin", _REAL),
        ("hidden_rate", _REAL),
        ("relu", _INTEGER),
        ("output_rate", _REAL),
        ("normalized", _INTEGER),
        ("sums", _POINTER),
        ("layer", ctypes.POINTER(_Layer)),
    )


class FloatLibrary:
    """The loaded library. ctypes releases the interpreter's lock during every call.

    Raises OSError or AttributeError for a file that is not this library.
    """

    def __init__(self, path: Path) -> None:
        loaded = ctypes.CDLL(str(path))
        self.learn = loaded.ska_float_learn
        self.learn.argtypes = [_POINTER] * 5 + [_INTEGER, _INTEGER, _REAL]
        self.learn.restype = None
        self.knowledge = loaded.ska_float_knowledge
        self.knowledge.argtypes = [_POINTER, _POINTER, _INTEGER, _POINTER]
        self.knowledge.restype = None


class NativeFloatTrainer(FloatTrainer):
    """A `FloatTrainer` that calls the library, with the same bits as numpy."""

    def __init__(
        self, parameters: Parameters, rule: FloatRule, rate: float, library: FloatLibrary
    ) -> None:
        super().__init__(parameters, rule, rate)
        self._library = library
        self._weights = [_transposed(values) for values in parameters.weights]
        self._readouts = [_transposed(values) for values in parameters.readout_weights]
        self._codes = [np.ascontiguousarray(values, dtype=np.float64) for values in rule.codes]
        self._work: list[Reals] = []
        self._batch = 0
        self._network = _Network()

    def learn_many(
        self, x: Reals, labels: NDArray[Any], rows: NDArray[np.int64], batch: int = 1
    ) -> None:
        """See `FloatTrainer.learn_many`."""
        self._fit(batch)
        rows, x = np.ascontiguousarray(rows, dtype=np.int64), _contiguous(x)
        linear = self._rule.linear
        classes = np.ascontiguousarray(rows if linear else labels[rows], dtype=np.int64)
        targets = _contiguous(labels[rows]) if linear else None
        self._library.learn(
            ctypes.addressof(self._network),
            _address(x),
            _address(rows),
            _address(classes),
            None if targets is None else _address(targets),
            len(rows) // batch,
            batch,
            self.rate,
        )
        for stored, values in zip(self._weights, self.parameters.weights, strict=True):
            values[...] = stored.T
        for stored, values in zip(self._readouts, self.parameters.readout_weights, strict=True):
            values[...] = stored.T

    def knowledge(self, x: Reals) -> list[Reals]:
        """See `FloatTrainer.knowledge`."""
        self._fit(max(self._batch, 1))
        x = _contiguous(x)
        found = [np.empty((len(x), len(bias))) for bias in self.parameters.biases]
        places = (ctypes.c_void_p * len(found))(*map(_address, found))
        self._library.knowledge(ctypes.addressof(self._network), _address(x), len(x), places)
        return found

    def _fit(self, batch: int) -> None:
        """Provide the work memory for a batch, and the addresses of all arrays."""
        if batch == self._batch:
            return
        p, rule, hidden = self.parameters, self._rule, len(self._weights) - 1
        classes = len(p.biases[-1])
        layers = (_Layer * len(self._weights))()
        self._work = []
        for index, (layer, weight) in enumerate(zip(layers, self._weights, strict=True)):
            layer.inputs, layer.outputs = weight.shape
            layer.weight, layer.bias = _address(weight), _address(p.biases[index])
            layer.signal = self._room(batch * layer.inputs)
            for name in ("knowledge", "decision", "delta"):
                setattr(layer, name, self._room(batch * layer.outputs))
            if index < len(self._readouts):
                layer.readout_weight = _address(self._readouts[index])
                layer.readout_bias = _address(p.readout_biases[index])
                layer.missed = self._room(batch * classes)
            if self._codes and index < hidden:
                layer.codes = _address(self._codes[index])
        widest = max(classes * batch, *(weight.shape[1] for weight in self._weights))
        self._network = _Network(
            len(layers),
            RULES.index(rule.rule),
            rule.first_learned,
            rule.gain,
            rule.margin,
            rule.hidden_rate,
            int(rule.relu),
            rule.output_rate,
            int(rule.normalized),
            self._room(widest),
            layers,
        )
        self._batch = batch

    def _room(self, count: int) -> int:
        """Allocate work memory for `count` numbers; return its address."""
        self._work.append(np.zeros(count))
        return _address(self._work[-1])


def _transposed(values: Reals) -> Reals:
    return np.array(values.T, dtype=np.float64, order="C")


def _contiguous(values: Reals) -> Reals:
    return np.ascontiguousarray(values, dtype=np.float64)


def _address(array: NDArray[Any]) -> int:
    return array.ctypes.data


def check_float_library(library: FloatLibrary) -> None:
    """Compare a new library with numpy in short trainings; raise CheckError if a bit differs."""
    rng = np.random.default_rng(0)
    for rule, sizes, batch, first, margin, hidden_rate, relu, linear, normalized in CHECKED:
        shapes = [] if rule == "local" else [(sizes[-1], width) for width in sizes[1:-1]]
        codes = [rng.integers(-1, 2, shape).astype(np.float64) for shape in shapes]
        rates = hidden_rate, relu, linear > 0, linear or 1.0, normalized
        known = FloatRule(rule, codes, 0.5, first, margin, *rates)
        x, labels = rng.normal(0, 2, (24, sizes[0])), rng.integers(sizes[-1], size=24)
        truth = rng.normal(0, 1, (24, sizes[-1])) if linear else labels
        parameters = initial_parameters(sizes, rule, 0)
        trainers = (
            FloatTrainer(parameters.copy(), known, 0.25),
            NativeFloatTrainer(parameters.copy(), known, 0.25, library),
        )
        found = []
        for trainer in trainers:
            trainer.learn_many(x, truth, np.arange(24), batch)
            p = trainer.parameters
            tensors = (*p.weights, *p.biases, *p.readout_weights, *p.readout_biases)
            found.append([each.tobytes() for each in (*tensors, *trainer.knowledge(x))])
        if found[0] != found[1]:
            raise CheckError(f"its trainings with the rule {rule} differ from numpy's")
