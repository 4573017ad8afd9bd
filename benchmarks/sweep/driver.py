"""The client of a sweep: hands out tasks, a few at a time, and stores what comes back."""

import asyncio
import contextlib
import queue
import signal
import time
from concurrent.futures import CancelledError
from multiprocessing import resource_tracker

import dask
from dask.utils import parse_timedelta
from distributed import Client, LocalCluster, Security, rpc
from distributed.comm import CommClosedError
from tqdm import tqdm

from mathlib.measured import tasks
from mathlib.measured.digest import tree

AHEAD = 4  # tasks that are handed out, for each worker
EXPORT_EVERY = 300  # seconds
LOOK_EVERY = 5  # seconds, whether it is interrupted
PATIENCE = 60  # seconds, for a scheduler that does not answer


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


async def ask(address):
    """Ask a scheduler who it is; a client would ask without end."""
    timeout = parse_timedelta(dask.config.get("distributed.comm.timeouts.connect"))
    async with rpc(address, connection_args=Security().get_connection_args("client"), timeout=timeout) as there:
        identity = await asyncio.wait_for(there.identity(), timeout)
    if identity["type"] != "Scheduler":
        raise ValueError(f"there is a {identity['type']}")


@contextlib.contextmanager
def connected(address, workers):
    """A client of the scheduler at an address; without one, of a scheduler of its own, with workers of one thread."""
    if address:
        try:
            asyncio.run(ask(address))
            client = Client(address)
        except Exception as error:  # who knows what answers there
            raise StopError(f"there is no scheduler at {address} ({str(error) or type(error).__name__})") from None
        with client:
            yield client
        return
    # A task that only waits on a worker that dies is blamed, too: let none wait there.
    with dask.config.set({"distributed.scheduler.worker-saturation": 1.0}):
        # An interruption from the keyboard goes to all processes. The workers inherit a mask and leave it to this one,
        # which has it when they are started. (This tracker would be started, too, and take the mask away.)
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
            )
        except RuntimeError as error:
            raise StopError(f"the workers do not start ({error})") from None
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        with cluster, Client(cluster) as client:
            yield client


class Workers:
    """How many workers a scheduler has. It is asked once a second, and not waited for."""

    def __init__(self, client):
        self.client, self.n, self.told = client, None, False
        self.ask()

    def ask(self):
        """Ask the scheduler."""
        self.asked, self.since = threads(self.client), time.monotonic()

    def look(self):
        """Take its answer, if there is one."""
        waited = time.monotonic() - self.since
        if self.asked.done():
            if self.n is None or waited > 1:
                self.take(self.asked.result())
                self.ask()
        elif waited > PATIENCE:
            raise TimeoutError

    def take(self, threads):
        """Count the workers; refuse those with more than one thread."""
        for worker, n in threads.items():
            if n > 1:
                raise StopError(f"the worker {worker} has {n} threads. Instead: start workers with --nthreads 1")
        self.n = len(threads)
        if not self.n and not self.told:
            tqdm.write("The scheduler has no workers: this waits for them.")
            self.told = True


def threads(client):
    """The number of threads by worker, in a future."""
    return asyncio.run_coroutine_threadsafe(client.scheduler.ncores(), client.loop.asyncio_loop)


def measure(store, stopped):
    """Measure the costs that are not known, here, while nothing else runs."""
    for problem, what in tqdm(store.experiment.unmeasured(store.costs), desc="costs", unit="cost"):
        if reason := stopped():
            raise StopError(reason)
        store.measured(problem, what, store.experiment.cost(problem, what))


def fetched(future, stopped):
    """What a task gave, from its scheduler, unless `stopped` gives a reason."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return future.result(timeout=LOOK_EVERY)
        except TimeoutError:
            if reason := stopped():
                raise StopError(reason) from None
            if time.monotonic() > end:
                raise


def sweep(store, client, stopped):
    """Make all tasks of a store, until `stopped` gives a reason; returns the errors of those that failed, by task."""
    experiment, results, workers = store.experiment, queue.SimpleQueue(), Workers(client)
    submit, modules, costs = tasks.portable(), tree(store.package), dict(store.costs)
    waiting, out, failed, news = [], {}, {}, True
    exported = time.monotonic()

    def hand_out(task):
        """Have a task made."""
        kind, key = task
        digests = [] if kind == "observe" else [store.data(key)]
        future = client.submit(submit, kind, experiment.__name__, modules, *digests, key, costs, pure=False)
        out[future] = task
        future.add_done_callback(results.put)

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
            names, digests = fetched(future, stopped)
            tasks.compare(store.package, digests)
            store.observed(key, names)
        else:
            store.performed(key, *fetched(future, stopped))
        if isinstance(failed.get(task), tasks.OtherCodeError):
            raise failed[task]
        bar.set_description("code" if kind == "observe" else experiment.phase(key), refresh=False)
        bar.update()

    with tqdm(unit="run", smoothing=0.02) as bar:
        try:
            while True:
                if reason := stopped():
                    raise StopError(reason)
                if news and not waiting:
                    waiting = [task for task in store.tasks(failed) if task not in out.values() and task not in failed]
                    waiting.reverse()
                    bar.total, news = bar.n + len(waiting) + len(out), False
                workers.look()
                if workers.n is not None:  # without any, too: a cluster may start them when there are tasks
                    for _ in range(min(AHEAD * max(1, workers.n) - len(out), len(waiting))):
                        hand_out(waiting.pop())
                if not out and not waiting:
                    return failed
                with contextlib.suppress(queue.Empty):
                    take(results.get(timeout=0.2))
                    news = True
                    while True:
                        take(results.get_nowait())
                if client.status != "running":
                    raise CommClosedError
                if time.monotonic() - exported > EXPORT_EVERY:
                    store.export()
                    exported = time.monotonic()
        except tasks.OtherCodeError as error:
            raise StopError(str(error)) from None
        except (CommClosedError, CancelledError, TimeoutError):
            raise StopError("the scheduler is lost") from None
