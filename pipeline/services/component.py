"""Runs a component of Airflow whose processes end with it: `python -m pipeline.services.component <component> ...`.

Left alone, Airflow's workers and tasks outlive a scheduler or worker that is killed: idle ones wait for ever, and a
training goes on beside its own second try.
"""

import runpy

from pipeline.core.locks import forks_die_with_parent

if __name__ == "__main__":
    forks_die_with_parent()
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
