"""A multilayer perceptron in NumPy, written to be read.

In reading order: `arrays` (what everything computes on), `activations`, `losses`, `layers` (one
layer forward and backward), `network` (parameters and the way forward), `backprop` (the loop),
`checks` (is the gradient right?), `optimizers`, `training`, `files`, `data`, `validation` (what the
package refuses).
"""

from mlp import (
    activations,
    arrays,
    backprop,
    checks,
    data,
    files,
    layers,
    losses,
    network,
    optimizers,
    training,
    validation,
)
from mlp.files import load, save
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
    "checks",
    "data",
    "files",
    "layers",
    "load",
    "losses",
    "network",
    "optimizers",
    "save",
    "train",
    "training",
    "validation",
]
