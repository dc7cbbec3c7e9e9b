"""Arrays: what the package computes on, and the arithmetic around it.

A mini-batch of B examples is a matrix with one example in each column. Layer k of a network
with n layers turns the states of layer k - 1 into its own:

    X_0 = X,   Z_k = W_k X_{k-1} + b_k 1^T,   X_k = phi_k(Z_k),   phi_n = identity,

and the loss acts on the logits Z_n. X has shape (d_0, B), W_k (d_k, d_{k-1}), b_k (d_k, 1),
and Delta_k = dL/dZ_k has the shape of Z_k. Kernels write into arrays that they are given, and
serve float32, float64, complex64 and complex128 alike; the public functions accept the two
real types only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


@contextmanager
def kernel_arithmetic() -> Iterator[None]:
    """The floating-point environment in which kernels run; leaving it restores the caller's.

    In the sigmoid, exp(-z) may overflow to infinity, whose reciprocal is the right limit 0: no
    warning. And NumPy gives an operation that broadcasts (the bias, the shift of the softmax) a
    buffer of 8192 elements, hidden from the reader and counted in the peak; 512 are enough.

    >>> with kernel_arithmetic():
    ...     float(np.exp(np.float32(1000)))
    inf
    """
    with np.errstate(over="ignore"):
        np.setbufsize(512)
        yield


def all_finite(a: Array) -> bool:
    """True if no entry of the real array `a` is NaN or infinite, found without a copy of `a`.

    Minimum and maximum let NaN through, and together they catch both infinities; a sum could
    overflow although every entry is finite.

    >>> all_finite(np.array([1.0, 2.0])), all_finite(np.array([1.0, -np.inf]))
    (True, False)
    """
    return bool(np.isfinite(a.min()) and np.isfinite(a.max()))
