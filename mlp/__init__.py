"""A multilayer perceptron in NumPy, written to be read.

In reading order: `arrays` (what everything computes on), `activations`, `losses`, `layers` (one
layer forward and backward), `network` (parameters and the way forward), `backprop` (the loop),
`checks` (is the gradient right?), `curvature` (second derivatives), `training`, `data`, `validation`
(what the package refuses).
"""

from mlp import (
    activations,
    arrays,
    backprop,
    checkpointing,
    checks,
    curvature,
    data,
    layers,
    losses,
    memory,
    network,
    schedules,
    training,
    validation,
)
from mlp.network import Network
from mlp.training import Diverged, Record, accuracy, train

__all__ = [
    "Diverged",
    "Network",
    "Record",
    "accuracy",
    "activations",
    "arrays",
    "backprop",
    "checkpointing",
    "checks",
    "curvature",
    "data",
    "layers",
    "losses",
    "memory",
    "network",
    "schedules",
    "train",
    "training",
    "validation",
]
