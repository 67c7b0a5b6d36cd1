"""Runs a module as `python -m` does, and ends with its parent: `python -m pipeline.services.child <module> ...`."""

import runpy
import sys

from pipeline.core.locks import die_with_parent

if __name__ == "__main__":
    die_with_parent()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
