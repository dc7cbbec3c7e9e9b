"""Accuracy against seconds on MNIST, with scikit-learn and PyTorch beside it."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import mlp

SEEDS = 5
RECIPES: dict[str, dict[str, Any]] = {
    "the origin's, 3 epochs": {"sizes": [30], "epochs": 3, "learning_rate": 1.0, "batch_size": 100},
    "the origin's, 20 epochs": {"sizes": [30], "epochs": 20, "learning_rate": 2.0, "batch_size": 100},
    "wider, relu": {
        "sizes": [256, 128],
        "epochs": 20,
        "learning_rate": 0.1,
        "batch_size": 32,
        "hidden": "relu",
    },
}


def folder() -> Path | None:
    """The reader's folder with MNIST's files, from the variable MLP_MNIST."""
    named = os.environ.get("MLP_MNIST")
    return Path(named) if named and Path(named).is_dir() else None


def mnist() -> dict[str, Any] | None:
    """Mean and spread over seeds after each epoch; epochs are fixed beforehand, and the last one counts."""
    where = folder()
    if where is None:
        print("    MLP_MNIST names no folder with MNIST's files")
        return None
    data = mlp.data.mnist(where)
    y, y_test = (mlp.data.one_hot(labels, 10) for labels in (data.labels_train, data.labels_test))
    found: dict[str, Any] = {}
    for name, recipe in RECIPES.items():
        curves = []
        for seed in range(SEEDS):
            net = mlp.Network.initialize(
                [784, *recipe["sizes"], 10], hidden=recipe.get("hidden", "sigmoid"), rng=seed
            )
            settings = {key: recipe[key] for key in ("epochs", "learning_rate", "batch_size")}
            run = mlp.train(net, data.x_train, y, **settings, rng=seed, validation=(data.x_test, y_test))
            curves.append([(record.seconds, record.accuracy) for record in run])
        seconds = np.cumsum(np.array(curves)[:, :, 0], axis=1)
        accuracy = np.array(curves)[:, :, 1]
        found[name] = {
            "seconds": seconds.mean(axis=0).tolist(),
            "accuracy": accuracy.mean(axis=0).tolist(),
            "spread": accuracy.std(axis=0, ddof=1).tolist(),
        }
        print(f"    {name}: {accuracy[:, -1].mean():.4f} in {seconds[:, -1].mean():.2f} s")
    peers = {"scikit-learn": sklearn(data), "PyTorch": torch(data)}
    return {
        "data": data.description,
        "train": data.x_train.shape[1],
        "seeds": SEEDS,
        "recipes": found,
        "peers": {name: peer for name, peer in peers.items() if peer},
    }


def sklearn(data: mlp.data.Examples) -> dict[str, Any] | None:
    """MLPClassifier with the origin's settings, 20 epochs."""
    try:
        from sklearn.neural_network import MLPClassifier  # noqa: PLC0415
    except ImportError:
        return None
    rows, test = np.ascontiguousarray(data.x_train.T), np.ascontiguousarray(data.x_test.T)
    curves = []
    for seed in range(SEEDS):
        other = MLPClassifier(
            (30,),
            activation="logistic",
            solver="sgd",
            alpha=0.0,
            momentum=0.0,
            batch_size=100,
            learning_rate_init=2.0,
            random_state=seed,
        )
        spent, curve = 0.0, []
        for _ in range(20):
            began = perf_counter()
            other.partial_fit(rows, data.labels_train, classes=np.arange(10))
            spent += perf_counter() - began
            curve.append((spent, float(np.mean(other.predict(test) == data.labels_test))))
        curves.append(curve)
    return summary(curves, "scikit-learn")


def torch(data: mlp.data.Examples) -> dict[str, Any] | None:
    """The same network in PyTorch, eager, 20 epochs."""
    try:
        import torch as th  # noqa: PLC0415
    except ImportError:
        return None
    x, labels = th.from_numpy(np.ascontiguousarray(data.x_train.T)), th.from_numpy(data.labels_train)
    test = th.from_numpy(np.ascontiguousarray(data.x_test.T))
    curves = []
    for seed in range(SEEDS):
        th.manual_seed(seed)
        model = th.nn.Sequential(th.nn.Linear(784, 30), th.nn.Sigmoid(), th.nn.Linear(30, 10))
        loss, optimizer = th.nn.CrossEntropyLoss(), th.optim.SGD(model.parameters(), lr=2.0)
        spent, curve = 0.0, []
        for _ in range(20):
            began = perf_counter()
            for chosen in th.randperm(len(labels)).split(100):
                optimizer.zero_grad()
                loss(model(x[chosen]), labels[chosen]).backward()
                optimizer.step()
            spent += perf_counter() - began
            with th.no_grad():
                guesses = model(test).argmax(dim=1).numpy()
            curve.append((spent, float(np.mean(guesses == data.labels_test))))
        curves.append(curve)
    return summary(curves, "PyTorch")


def summary(curves: list[list[tuple[float, float]]], name: str) -> dict[str, Any]:
    """Means over the seeds of seconds and accuracy."""
    table = np.array(curves)
    print(f"    {name}: {table[:, -1, 1].mean():.4f} in {table[:, -1, 0].mean():.2f} s")
    return {
        "seconds": table[:, :, 0].mean(axis=0).tolist(),
        "accuracy": table[:, :, 1].mean(axis=0).tolist(),
        "spread": table[:, :, 1].std(axis=0, ddof=1).tolist(),
    }
