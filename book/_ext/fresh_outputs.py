"""No page shows what older code computed.

The outputs of executed notebooks are kept from build to build, and so are the pages. Both depend on more than the
notebook itself: on mathlib with its data, and on the versions of what it runs on. A digest of these is part of the
cache's path, and a configuration value on which every page depends.
"""

import hashlib
import os
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def digest():
    package = [path for path in ROOT.glob("mathlib/**/*.*") if path.suffix != ".pyc"]
    sources = [*sorted(package), ROOT / "requirements.txt"]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def set_cache(app, config):
    config.mathlib_digest = digest()
    caches = Path(app.outdir).parent / ".jupyter_cache"
    config.nb_execution_cache_path = str(caches / config.mathlib_digest)
    for stale in set(caches.glob("*")) - {Path(config.nb_execution_cache_path)}:
        shutil.rmtree(stale)
    os.environ["MATHLIB_SHOW"] = "page"  # for the kernels: figures with all their frames


def setup(app):
    app.add_config_value("mathlib_digest", "", "env")
    app.connect("config-inited", set_cache)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
