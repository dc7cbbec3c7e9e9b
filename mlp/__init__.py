"""A multilayer perceptron in NumPy, written to be read.

In reading order: `arrays` (what everything computes on), `activations`, `losses`, `layers` (one
layer forward and backward), `backprop` (the loop), `network` (parameters and the way forward),
`dropout`, `checks` (is the gradient right?), `curvature` (beyond it), `schedules` (what to keep),
`checkpointing` (schedules on arrays), `memory` (what they hold), `training`, `optimizers`, `files`,
`data`, `command`, `validation` (what the package refuses).
"""

from mlp import (
    activations,
    arrays,
    backprop,
    checkpointing,
    checks,
    curvature,
    data,
    dropout,
    files,
    layers,
    losses,
    memory,
    network,
    optimizers,
    schedules,
    training,
    validation,
)
from mlp.dropout import Dropout
from mlp.files import load, save
from mlp.network import Network
from mlp.training import Diverged, Record, accuracy, train

__all__ = [
    "Diverged",
    "Dropout",
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
    "dropout",
    "files",
    "layers",
    "load",
    "losses",
    "memory",
    "network",
    "optimizers",
    "save",
    "schedules",
    "train",
    "training",
    "validation",
]
