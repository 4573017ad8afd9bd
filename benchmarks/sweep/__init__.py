"""A sweep: all runs of an experiment on workers of dask.distributed, stored by one writer, to be resumed anywhere.

An experiment is a module of a package that the workers have. It says

``COLUMNS``
    the columns of the table: those of a run's key, then "digest", then those of its outcome; the first is the problem
``run(key, costs)``
    a run's outcome by column, and its curve, a list of numbers: the same each time. A key is a tuple of whole numbers
    and words (which do not look like numbers)
``todo(outcomes)``
    the keys that come next, from the outcomes so far (texts by column, by key); none when all is done. Keys of a later
    phase may come only when those before are there
``order(key)``
    where a run stands in the table; a ValueError or a KeyError if the experiment has no such run (any more)
``phase(key)``
    a word for the phase that it belongs to
``brief(key)``
    a run, the quicker the better, that executes the same code; its digest is that of all runs which share it
``others(key)``
    words for other runs: what a dictionary at the level of a module has under them does not count for this one
``unmeasured(costs)``, ``cost(problem, what)``
    the pairs whose cost is to be measured, before the first run, and such a measurement; `costs` has the numbers by
    problem and by what

`store` keeps what is known, `driver` has it made.
"""
