"""The command: `python -m mlp FOLDER` trains a network on MNIST and prints what each epoch brings."""

import argparse
from collections.abc import Sequence

from mlp import validation
from mlp.data import mnist, one_hot
from mlp.network import Network
from mlp.training import Diverged, Run, train


def parser() -> argparse.ArgumentParser:
    """The command's arguments, with what its help says of them."""
    command = argparse.ArgumentParser(
        prog="python -m mlp",
        usage="%(prog)s FOLDER [--epochs N] [--hidden WIDTH ...] [--rate ETA] [--seed S]",
        description="Train a multilayer perceptron on MNIST; print loss and test accuracy of each epoch.",
        epilog="The four files are train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte "
        "and t10k-labels-idx1-ubyte, each as it is or with .gz; the two t10k files alone will do.",
    )
    command.add_argument("folder", metavar="FOLDER", help="the folder with MNIST's files")
    command.add_argument("--epochs", metavar="N", type=int, default=10, help="passes over the images (10)")
    command.add_argument(
        "--hidden", metavar="WIDTH", type=int, nargs="*", default=[30], help="widths of hidden layers (30)"
    )
    command.add_argument("--rate", metavar="ETA", type=float, default=1.0, help="learning rate (1.0)")
    command.add_argument("--seed", metavar="S", type=int, default=0, help="of weights and shuffling (0)")
    return command


def prepare(options: argparse.Namespace) -> Run:
    """Training that has not begun: the images read, the network made, every argument checked."""
    validation.counter("--seed", options.seed)
    net = Network.initialize([784, *options.hidden, 10], rng=options.seed)
    data = mnist(options.folder)
    y, y_test = one_hot(data.labels_train, 10), one_hot(data.labels_test, 10)
    settings = {"epochs": options.epochs, "learning_rate": options.rate, "rng": options.seed}
    return train(net, data.x_train, y, validation=(data.x_test, y_test), **settings)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status: 0, 1 where training diverged, 130 where it was stopped.

    arguments : what follows `python -m mlp`, from the command line if None. A mistake in them
        prints what is wrong and exits with status 2.
    """
    command, run = parser(), None
    options = command.parse_args(arguments)
    try:
        run = prepare(options)
        for record in run:
            line = f"epoch {record.epoch:3}   loss {record.loss:<9.4g} accuracy {record.accuracy:.4f}"
            print(line, flush=True)
    except KeyboardInterrupt:
        print(f"\nstopped; {run.epoch if run else 0} of {options.epochs} epochs are finished")
        return 130
    except Diverged as error:
        print(error)
        return 1
    except (OSError, TypeError, ValueError, MemoryError) as error:
        command.error(str(error))
    return 0
