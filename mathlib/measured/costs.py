"""What the work of a step costs that is not a gradient, measured in turn with that which it is compared with."""

import time
from statistics import median


def seconds(f, block):
    """The processor time of a call, in the mean of some."""
    start = time.process_time()
    for _ in range(block):
        f()
    return (time.process_time() - start) / block


def ratio(f, g, repeats=20, block=20):
    """The median time of f over that of g, to two places; of blocks, because some steps differ from others.

    >>> 1 < ratio(lambda: sum(range(9000)), lambda: sum(range(3000))) < 9
    True
    """
    seconds(f, block)
    seconds(g, block)
    times = [(seconds(f, block), seconds(g, block)) for _ in range(repeats)]
    return round(median(of_f for of_f, _ in times) / median(of_g for _, of_g in times), 2)
