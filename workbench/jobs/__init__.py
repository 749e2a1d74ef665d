"""Lets runs wait for their turn, starts them as processes of their own, follows them, stops them, finds them again.

    queue.py, table.py, order.py     who is to run when: a durable table, shared by everybody
    lanes.py, worker.py              one job at a time on each accelerator, by a process that ends with the line
    kind.py, training.py, pictures.py, kinds.py      what a job can be
    start.py, follow.py              what a person asks for, and sees
    log.py                           what happened, without anything personal
    layout.py, health.py             workspaces of earlier versions; what is broken, and mending it

A job outlives the page that started it. What a run did is read from its run folder, so a refreshed page, a second tab
and the command line see the same:

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
from workbench.jobs.lanes import wake
from workbench.jobs.pictures import keep_table, submit_pictures, words_of, words_of_grid
from workbench.jobs.plan import plan_run
from workbench.jobs.queue import Job
from workbench.jobs.start import ask, cancel, resume, start_training, stop
from workbench.jobs.training import launch_command

__all__ = [
    "Footprint",
    "Job",
    "JobState",
    "ask",
    "cancel",
    "footprint",
    "forget_person",
    "forget_with_receipt",
    "job_state",
    "keep_table",
    "launch_command",
    "list_jobs",
    "output_tail",
    "plan_run",
    "read_metrics",
    "resume",
    "run_folder",
    "start_training",
    "stop",
    "submit_pictures",
    "wake",
    "words_of",
    "words_of_grid",
]
