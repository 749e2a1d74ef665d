"""Starts a run as a process of its own, follows it, stops it, and finds it again after a restart.

A job outlives the page that started it. All that is known about it is read from its run folder, so a refreshed
page, a second tab and the command line see the same:

    runs/NAME/request.yaml    the settings asked for                                        written here
    runs/NAME/job.json        the process that was started                                  written here
    runs/NAME/output.txt      what the process printed                                      written here
    runs/NAME/stop            asks the recipe to save and stop                              written here
    runs/NAME/save, preview   ask it to save, to draw a preview, and to go on               written here
    runs/NAME/status.json     heartbeat: state, stage, step, steps, pid, updated, reason    written by the recipe
    runs/NAME/metrics.jsonl   one line a step: step, loss, left, …                          written by the recipe
"""

from __future__ import annotations

from workbench.jobs.follow import JobState, job_state, list_jobs, output_tail, read_metrics, run_folder
from workbench.jobs.forget import Footprint, footprint, forget_person, forget_with_receipt
from workbench.jobs.plan import plan_run
from workbench.jobs.start import Job, ask, launch_command, resume, start_training, stop

__all__ = [
    "Footprint",
    "Job",
    "JobState",
    "ask",
    "footprint",
    "forget_person",
    "forget_with_receipt",
    "job_state",
    "launch_command",
    "list_jobs",
    "output_tail",
    "plan_run",
    "read_metrics",
    "resume",
    "run_folder",
    "start_training",
    "stop",
]
