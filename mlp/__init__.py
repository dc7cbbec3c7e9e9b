"""A multilayer perceptron in NumPy, written to be read.

In reading order: `arrays` (what everything computes on), `activations`, `losses`, `layers` (one
layer forward and backward), `network` (parameters and the way forward), `backprop` (the loop),
`checks` (is the gradient right?), `training`, `dropout`, `data`, `validation` (what the package refuses).
"""

from mlp import (
    activations,
    arrays,
    backprop,
    checks,
    data,
    dropout,
    layers,
    losses,
    network,
    training,
    validation,
)
from mlp.dropout import Dropout
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
    "checks",
    "data",
    "dropout",
    "layers",
    "losses",
    "network",
    "train",
    "training",
    "validation",
]
