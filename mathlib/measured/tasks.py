"""What a worker of a sweep does: observe what code a run executes, and make a run.

Both come from a module that defines an experiment. Its name is given with digests, of all modules of its package and of
the data files that the run opens: a worker that has others, on its disk or in its memory, refuses.
"""

import contextlib
import importlib
import threading
import time

from mathlib.measured.digest import digest, executed, tree

found = {}  # the digests of packages, and of data files by package and name, as this process found them first
busy = threading.Lock()


class OtherCodeError(RuntimeError):
    """A worker that would not do what this process does."""


def portable():
    """The function that is sent to a worker: a task by its kind.

    It is made here so that it is sent as code, not by its name: it looks whether the package is there already, and its
    name would have a part of it imported before.
    """

    def task(kind, name, *args):
        import sys

        fresh = name.partition(".")[0] not in sys.modules
        from mathlib.measured import tasks

        with tasks.alone():
            return getattr(tasks, kind)(tasks.loaded(name, args[0], fresh), *args[1:])

    return task


@contextlib.contextmanager
def alone():
    """Refuse a second task at the same time: what is executed and what it costs would be that of both."""
    if not busy.acquire(blocking=False):
        raise OtherCodeError("a worker has more than one thread. Instead: start workers with --nthreads 1.")
    try:
        yield
    finally:
        busy.release()


def loaded(name, modules, fresh):
    """The experiment of a name, if it is that of the sweep; `fresh` says that its package was not imported before."""
    package = name.partition(".")[0]
    if package not in found:
        if not fresh:  # from which files, nobody knows
            raise OtherCodeError(f"a worker imported {package} before the sweep began. Instead: start it anew.")
        found[package] = tree(package)
    if found[package] != modules:
        raise OtherCodeError(f"a worker has other modules of {package} than the sweep. Instead: give it the same ones.")
    return importlib.import_module(name)


def data(package, names):
    """The digests of the data files among names that `executed` lists; an error if they have changed meanwhile."""
    files = [name for name in names if name.startswith(("file ", "data "))]
    digests = {name: digest(package, [name]) for name in files}
    for name, now in digests.items():
        if found.setdefault((package, name), now) != now:
            raise OtherCodeError(f"{name} of {package} changed while a sweep or a worker ran. Instead: start it anew.")
    return digests


def compare(package, digests):
    """Refuse data files that are not those of digests."""
    for name, here in data(package, digests).items():
        if here != digests[name]:
            raise OtherCodeError(f"a worker has another {name} of {package} than the sweep. Instead: give it the same.")


def observe(experiment, key, costs):
    """What a run executes, see `executed`, and the digests of the files that it opens."""
    package = experiment.__name__.partition(".")[0]
    names = executed(package, experiment.run, key, costs)[1]
    return names, data(package, names)


def perform(experiment, digests, key, costs):
    """A run: its outcome as texts by column, its curve, and the seconds of processor time that it took."""
    compare(experiment.__name__.partition(".")[0], digests)
    start = time.thread_time()
    outcome, curve = experiment.run(key, costs)
    return {column: str(a) for column, a in outcome.items()}, curve, time.thread_time() - start
