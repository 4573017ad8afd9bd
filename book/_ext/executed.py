"""The notebooks are executed several at once, as many as there are cores.

myst-nb executes a notebook when it reads its page, one after the other. Before it reads the first, those whose outputs
are not in its cache are executed here and put there; it finds them all.
"""

import os
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context
from pathlib import Path

import nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from nbclient.exceptions import DeadKernelError
from sphinx.errors import ExtensionError

QUIET = ["--log-level=ERROR"]  # or each kernel warns that its sockets are not encrypted
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def execute(path, timeout):
    """Return the notebook with its outputs, the seconds that took, and what went wrong, or None."""
    notebook = nbformat.read(path, nbformat.NO_CONVERT)
    begun = time.perf_counter()
    # A kernel sends what is printed in pieces, cut by the clock: here they are joined as they were written. (myst-nb's
    # own merging ends each piece with a new line.)
    options = {"cwd": str(path.parent), "timeout": timeout, "allow_errors": False, "extra_arguments": QUIET}
    options["coalesce_streams"] = True
    try:
        error = single_nb_execution(notebook, **options).err
    except DeadKernelError as dead:
        error = dead
    fault = error and f"{path.name}: {COLOUR.sub('', str(error))}"  # with the cell's text and the traceback
    return notebook, time.perf_counter() - begun, fault


def fill_cache(app, env, docnames):
    cache = get_cache(app.config.nb_execution_cache_path)
    try:
        _fill(cache, app, env, docnames)
    finally:
        cache.db.dispose()  # its connections


def _fill(cache, app, env, docnames):
    """Execute what the cache does not hold, say which, and put it there."""
    paths = [Path(env.doc2path(name)) for name in docnames]
    missing = [path for path in paths if path.suffix == ".ipynb" and not _holds(cache, path)]
    # The longest first, so that none is left alone at the end: those with the most figures are the largest.
    missing.sort(key=lambda path: path.stat().st_size, reverse=True)
    faults = []
    for done, (path, notebook, seconds, fault) in enumerate(_run(missing, app.config.nb_execution_timeout), 1):
        print(f"executed {done:2} of {len(missing)}: {path.name}, {seconds:.0f} s", file=sys.stderr, flush=True)
        if fault:
            faults.append(fault)
        else:
            bundle = CacheBundleIn(notebook, str(path), data={"execution_seconds": seconds})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    if faults:
        raise ExtensionError("\n\n".join(["a notebook fails.", *faults]))


def _holds(cache, path):
    try:
        cache.match_cache_notebook(nbformat.read(path, nbformat.NO_CONVERT))
    except KeyError:
        return False
    return True


def _run(paths, timeout):
    """Yield each notebook as it ends. Whatever ends this, a key pressed too, ends the kernels."""
    pool = ProcessPoolExecutor(os.cpu_count(), get_context("spawn"))
    try:
        runs = {pool.submit(execute, path, timeout): path for path in paths}
        for run in as_completed(runs):
            yield runs[run], *run.result()
    except BaseException:
        for process in active_children():  # nbclient makes them deaf to milder signals; a kernel ends with its parent
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def setup(app):
    app.connect("env-before-read-docs", fill_cache)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
