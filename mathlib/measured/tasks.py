"""What a worker of a sweep does: observe what code a run executes, and make a run.

Both come from a module that defines an experiment, whose name is given with the digest of its package's modules: a
worker that has others refuses.
"""

import importlib
import time

from mathlib.measured.digest import executed, tree


class OtherCodeError(RuntimeError):
    """A worker whose modules are not those of the sweep."""


def loaded(name, modules):
    """The experiment of a name, if it is that of the sweep."""
    package = name.partition(".")[0]
    if tree(package) != modules:
        raise OtherCodeError(f"a worker has other modules of {package} than the sweep. Instead: give it the same ones.")
    return importlib.import_module(name)


def observe(name, modules, key, costs):
    """What a run executes; see `executed`."""
    experiment = loaded(name, modules)
    return executed(name.partition(".")[0], experiment.run, key, costs)[1]


def perform(name, modules, key, costs):
    """A run: its outcome as texts by column, its curve, and the seconds of processor time that it took."""
    experiment, start = loaded(name, modules), time.thread_time()
    outcome, curve = experiment.run(key, costs)
    return {column: str(a) for column, a in outcome.items()}, curve, time.thread_time() - start
