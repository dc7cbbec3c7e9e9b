"""The one error of the weave: a writer's mistake, with its place and its remedy."""


class WeaveError(Exception):
    """A mistake on a page.

    Parameters: `path` (the file, relative to the project's root), `line` (1-based), `problem` (what was
    found), `remedy` (what to write instead).
    """

    def __init__(self, path: str, line: int, problem: str, remedy: str) -> None:
        super().__init__(f"{path}:{line}: {problem}. {remedy}.")
