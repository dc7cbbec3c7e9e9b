"""The command `python -m mlp FOLDER`: what it prints, what it refuses, and how it stops."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.command import main


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty random images with labels that can be learned, in place of MNIST's."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 10
    x = rng.random((784, 60)).astype(np.float32) / 10
    x[labels, np.arange(60)] += 3
    examples = mlp.data.Examples(x[:, :40], labels[:40], x[:, 40:], labels[40:], "invented")
    monkeypatch.setattr("mlp.command.mnist", lambda folder: examples)


def test_each_epoch_has_its_line(images: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["anywhere", "--epochs", "30", "--rate", "0.5", "--hidden", "20", "15", "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 30 and lines[0].startswith("epoch   1   loss ")
    losses = [float(line.split()[3]) for line in lines]
    assert losses[-1] < losses[0] and lines[-1].split()[4] == "accuracy"


def test_options_reach_the_network(images: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def train(net: Any, *_: Any, **options: Any) -> Any:
        seen.update(options, sizes=net.sizes, first=net.parameters[0])
        return iter(())

    monkeypatch.setattr("mlp.command.train", train)
    assert main(["x", "--hidden", "--epochs", "4", "--rate", "0.25", "--seed", "9"]) == 0
    assert seen["sizes"] == (784, 10) and seen["epochs"] == 4 and seen["learning_rate"] == 0.25
    assert seen["rng"] == 9 and seen["first"] == mlp.Network.initialize([784, 10], rng=9).parameters[0]
    assert seen["validation"][0].shape == (784, 20)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "the following arguments are required: FOLDER"),
        (["/nowhere/at/all"], "/nowhere/at/all: expected a folder, got nothing there. Name the folder"),
        (["--hidden", "30", "folder"], "invalid int value: 'folder'"),
        (["x", "--epochs", "many"], "invalid int value: 'many'"),
        (["x", "--speed", "1"], "unrecognized arguments: --speed"),
        (["x", "--seed", "-1"], "--seed: expected an integer from 0 to 2^64 - 1, got -1"),
        (["x", "--hidden", "0"], "sizes[1]: expected a positive integer, got 0. Choose at least 1."),
    ],
)
def test_mistakes_are_answered(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    error = capsys.readouterr().err
    assert caught.value.code == 2 and text in error
    assert "usage: python -m mlp FOLDER" in error and "Traceback" not in error


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["x", "--epochs", "0"], "epochs: expected a positive integer, got 0. Choose at least 1."),
        (["x", "--rate", "nan"], "learning_rate: expected a positive, finite number, got nan. Try 1.0."),
    ],
)
def test_mistakes_that_training_finds(
    images: None, arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2 and text in capsys.readouterr().err


def test_an_interruption_says_what_is_finished(
    images: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step, steps = mlp.training.Run.step, []

    def interrupted(self: Any, chosen: Any) -> float:
        steps.append(1)
        if len(steps) == 3:  # one step an epoch
            raise KeyboardInterrupt
        return step(self, chosen)

    monkeypatch.setattr(mlp.training.Run, "step", interrupted)
    assert main(["x", "--epochs", "5"]) == 130
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and lines[-2:] == ["", "stopped; 2 of 5 epochs are finished"]


def test_an_interruption_while_reading(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(folder: str) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlp.command.mnist", interrupted)
    assert main(["x"]) == 130 and "0 of 10 epochs are finished" in capsys.readouterr().out


def test_divergence_is_told(
    images: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def diverges(self: Any) -> Any:
        raise mlp.Diverged(3, 1, 2)

    monkeypatch.setattr(mlp.training.Run, "train_epoch", diverges)
    assert main(["x"]) == 1
    assert "in epoch 3, batch 1, first in layer 2" in capsys.readouterr().out


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m mlp` in a process of its own."""
    root = Path(mlp.__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-m", "mlp", *arguments], capture_output=True, text=True, cwd=root, check=False
    )


def test_the_module_runs() -> None:
    helped, refused = run("--help"), run("/nowhere/at/all")
    assert helped.returncode == 0 and "the two t10k files alone will do" in helped.stdout
    assert refused.returncode == 2 and "expected a folder" in refused.stderr


@pytest.mark.skipif("MLP_MNIST" not in os.environ, reason="MLP_MNIST names a folder with MNIST's files")
def test_it_learns_mnist() -> None:
    done = run(os.environ["MLP_MNIST"], "--epochs", "5")
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 5 and float(lines[-1].split()[-1]) > 0.9
