"""The client of a sweep: hands out tasks, a few at a time, and stores what comes back."""

import contextlib
import math
import queue
import signal
import time
from concurrent.futures import CancelledError

import dask
from distributed import Client, LocalCluster
from distributed.comm import CommClosedError
from tqdm import tqdm

from mathlib.measured import tasks
from mathlib.measured.digest import tree

AHEAD = 4  # tasks that are handed out, for each worker
EXPORT_EVERY = 300  # seconds


class StopError(Exception):
    """Why a sweep ends before all is done."""


@contextlib.contextmanager
def signals():
    """A list to which an interruption is added, in the place of an exception; the second one is Python's own."""
    seen, kinds = [], (signal.SIGINT, signal.SIGTERM)

    def note(number, frame):
        seen.append(number)
        signal.signal(number, signal.default_int_handler)

    before = {kind: signal.signal(kind, note) for kind in kinds}
    try:
        yield seen
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


@contextlib.contextmanager
def connected(address, workers):
    """A client of the scheduler at an address; without one, of a scheduler of its own, with workers of one thread."""
    if address:
        try:
            client = Client(address)
        except (OSError, ValueError) as error:
            raise StopError(f"there is no scheduler at {address} ({error})") from None
        with client:
            yield client
        return
    # A task that only waits on a worker that dies is blamed, too: let none wait there.
    with dask.config.set({"distributed.scheduler.worker-saturation": 1.0}):
        # An interruption from the keyboard goes to all processes; the workers leave it to this one.
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
            )
        finally:
            signal.signal(signal.SIGINT, handler)
        with cluster, Client(cluster) as client:
            yield client


def measure(store, stopped):
    """Measure the costs that are not known, here, while nothing else runs."""
    for problem, what in tqdm(store.experiment.unmeasured(store.costs), desc="costs", unit="cost"):
        if reason := stopped():
            raise StopError(reason)
        store.measured(problem, what, store.experiment.cost(problem, what))


def sweep(store, client, stopped):
    """Make all tasks of a store, until `stopped` gives a reason; returns the errors of those that failed, by task."""
    experiment, results = store.experiment, queue.SimpleQueue()
    modules, costs = tree(store.package), dict(store.costs)
    waiting, out, failed, news, workers = [], {}, {}, True, 1
    counted, exported = -math.inf, time.monotonic()

    def take(future):
        """Store what a task gave."""
        kind, key = task = out.pop(future)
        if future.status == "cancelled":
            raise CommClosedError
        if future.status == "error":
            failed[task] = future.exception()
        elif future.status != "finished":  # its worker has died since
            waiting.append(task)
            return
        elif kind == "observe":
            store.observed(key, future.result())
        else:
            store.performed(key, *future.result())
        if isinstance(failed.get(task), tasks.OtherCodeError):
            raise StopError(str(failed[task]))
        bar.set_description("code" if kind == "observe" else experiment.phase(key), refresh=False)
        bar.update()

    with tqdm(unit="run", smoothing=0.02) as bar:
        try:
            while True:
                if news and not waiting:
                    waiting = [task for task in store.tasks(failed) if task not in out.values() and task not in failed]
                    waiting.reverse()
                    bar.total, news = bar.n + len(waiting) + len(out), False
                if time.monotonic() - counted > 1:
                    workers, counted = max(1, len(client.nthreads())), time.monotonic()
                for _ in range(min(AHEAD * workers - len(out), len(waiting))):
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
                if reason := stopped():
                    raise StopError(reason)
                if client.status != "running":
                    raise CommClosedError
                if time.monotonic() - exported > EXPORT_EVERY:
                    store.export()
                    exported = time.monotonic()
        except (CommClosedError, CancelledError, TimeoutError):
            raise StopError("the scheduler is lost") from None
