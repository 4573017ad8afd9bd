"""What was measured on one machine, once: the tables that `benchmarks/` writes and the book reads.

`table`
    the rows of a table: ``derivatives``, ``optimizers``, ``verdict``, ``bases`` and the others
`facts`
    where, when and how it was measured
`verdict`, `widths`, `curvatures`, `kronecker`, `bases`, `edge`, `target_ratio`
    modules: one run of the experiment of that name, to be made again
``step_sizes``
    a table without a module: the first experiment of the verdict, whose problems were split in another way
`ranking`
    a module: what a table of runs, of many rules on many problems, says of the rules

>>> table("step_sizes")[0]
{'problem': 'quadratic 1e2 0', 'method': 'sgd', 'eta': '1e-05', 'seed': '0', 'loss': '23.23'}
>>> facts("step_sizes")["budgets"]["logistic"]
500
"""

import csv
import gzip
import io
import json
from pathlib import Path

FOLDER = Path(__file__).parent


def table(name):
    """The rows of a table, each a dictionary of texts by column; a long table is compressed."""
    path = FOLDER / f"{name}.csv"
    content = path.read_bytes() if path.exists() else gzip.decompress((FOLDER / f"{name}.csv.gz").read_bytes())
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def facts(name):
    """What is known of a table as a whole: a dictionary."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
