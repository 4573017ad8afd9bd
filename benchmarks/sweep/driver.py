"""The client of a sweep: hands out tasks, a few at a time, and stores what comes back."""

import contextlib
import queue
import signal
import time
from concurrent.futures import CancelledError

from distributed import Client, LocalCluster
from distributed.comm import CommClosedError
from tqdm import tqdm

from mathlib.measured import tasks
from mathlib.measured.digest import tree

AHEAD = 4  # tasks that are handed out, for each worker
EXPORT_EVERY = 300  # seconds


class StopSweepError(Exception):
    """Why a sweep ends before all is done."""


@contextlib.contextmanager
def signals():
    """A function that says whether the user wants to stop; the second time, Python's own answer comes."""
    seen, kinds = [], (signal.SIGINT, signal.SIGTERM)

    def note(number, frame):
        seen.append(number)
        signal.signal(number, signal.default_int_handler)

    before = {kind: signal.signal(kind, note) for kind in kinds}
    try:
        yield lambda: bool(seen)
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


@contextlib.contextmanager
def connected(address, workers):
    """A client of the scheduler at an address; without one, of a scheduler of its own, with workers of one thread."""
    if address:
        with Client(address, timeout=30) as client:
            yield client
        return
    # An interruption from the keyboard goes to all processes; the workers leave it to this one.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        cluster = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)
    finally:
        signal.signal(signal.SIGINT, handler)
    with cluster, Client(cluster) as client:
        yield client


def measure(store, stopped):
    """Measure the costs that are not known, here, while nothing else runs."""
    for problem, what in tqdm(store.experiment.unmeasured(store.costs), desc="costs", unit="cost"):
        if stopped():
            raise StopSweepError("interrupted.")
        store.measured(problem, what, store.experiment.cost(problem, what))


def sweep(store, client, stopped):
    """Make all tasks of a store, or stop; returns the errors of those that could not be made, by task."""
    experiment, results = store.experiment, queue.SimpleQueue()
    modules, costs = tree(store.package), dict(store.costs)
    waiting, out, failed, news, exported = [], {}, {}, True, time.monotonic()

    def take(future):
        """Store what a task gave."""
        kind, key = task = out.pop(future)
        if future.status == "error":
            failed[task] = future.exception()
        elif future.status == "finished" and kind == "observe":
            store.observed(key, future.result())
        elif future.status == "finished":
            store.performed(key, *future.result())
        else:
            raise CommClosedError
        if isinstance(failed.get(task), tasks.OtherCodeError):
            raise StopSweepError(str(failed[task]))
        bar.set_description("code" if kind == "observe" else experiment.phase(key), refresh=False)
        bar.update()

    with tqdm(unit="run", smoothing=0.02) as bar:
        try:
            while True:
                if news and not waiting:
                    waiting = [task for task in store.tasks(failed) if task not in out.values() and task not in failed]
                    waiting.reverse()
                    bar.total, news = bar.n + len(waiting) + len(out), False
                room = AHEAD * max(1, len(client.nthreads())) - len(out)
                for _ in range(min(room, len(waiting))):
                    kind, key = task = waiting.pop()
                    future = client.submit(getattr(tasks, kind), experiment.__name__, modules, key, costs, pure=False)
                    out[future] = task
                    future.add_done_callback(results.put)
                if not out:
                    return failed
                with contextlib.suppress(queue.Empty):
                    take(results.get(timeout=0.2))
                    news = True
                    while True:
                        take(results.get_nowait())
                if stopped():
                    raise StopSweepError("interrupted.")
                if client.status != "running":
                    raise CommClosedError
                if time.monotonic() - exported > EXPORT_EVERY:
                    store.export()
                    exported = time.monotonic()
        except (CommClosedError, CancelledError, TimeoutError):
            raise StopSweepError("the scheduler is lost.") from None
