"""Every error a person can meet, as one tree.

    WorkbenchError
    ├── ConfigError        a setting is unknown, of the wrong type or out of range
    ├── StorageError       a folder cannot be read or written, or the disk is full
    ├── AccountError       an account of a shared server: wrong password, locked, not there
    ├── VaultError         a kept photo cannot be opened: the key is missing, wrong, or the file was altered
    ├── PhotoError         a photo, or a set of photos, cannot be used
    ├── SubjectError       no such subject, or the name is taken
    ├── BackboneError      a base model is missing, broken or of an unknown family
    ├── DatasetError       a data set folder is missing a file or disagrees with its index
    ├── TrainingError      a run cannot start or had to stop
    │   ├── NonFiniteLossError   the loss became NaN or infinite
    │   ├── RunBusyError         another process is training this run
    │   └── ResumeError          a checkpoint cannot be continued with these settings
    ├── AdapterError       an adapter file cannot be read, trusted or used with this base
    ├── IdentityError      likeness cannot be judged: weights or a scorer are missing or broken
    ├── GenerationError    a picture request cannot be carried out
    ├── GalleryError       a picture is not in the gallery
    ├── PackError          a pack cannot be made, or a platform would not take its files
    └── JobError           a job cannot be started, followed or stopped

Each error names the thing, the reason and the way out, in words that someone who does not program understands.
"""

from __future__ import annotations


class WorkbenchError(Exception):
    """An error that is shown to a person as it is, without a traceback.

    Args:
        thing: what it is about: a file's name, a setting, a run.
        reason: what is wrong with it.
        way_out: what the person can do now.
    """

    def __init__(self, thing: str, reason: str, way_out: str) -> None:
        self.thing = thing
        self.reason = reason.rstrip(".")
        self.way_out = way_out.rstrip(".")
        super().__init__(f"{self.thing}: {self.reason}. {self.way_out}.")

    def __reduce__(self) -> tuple[type[WorkbenchError], tuple[str, str, str]]:
        return type(self), (self.thing, self.reason, self.way_out)


class ConfigError(WorkbenchError):
    """A setting is unknown, of the wrong type or out of range."""


class StorageError(WorkbenchError):
    """A folder cannot be read or written, or the disk is full."""


class DamagedIndexError(StorageError):
    """The gallery's index cannot be read any more; the pictures can, and it is made anew from them."""


class AccountError(WorkbenchError):
    """An account of a shared server cannot be used: a wrong password, too many attempts, locked, not there."""


class VaultError(WorkbenchError):
    """A kept photo cannot be opened: the key is missing or wrong, or the file was altered."""


class PhotoError(WorkbenchError):
    """A photo, or a set of photos, cannot be used."""


class SubjectError(WorkbenchError):
    """No such subject, or its name is taken or not allowed."""


class BackboneError(WorkbenchError):
    """A base model is missing, broken or of an unknown family."""


class DatasetError(WorkbenchError):
    """A data set folder is missing a file or disagrees with its index."""


class TrainingError(WorkbenchError):
    """A run cannot start or had to stop."""


class NonFiniteLossError(TrainingError):
    """The loss became NaN or infinite."""


class RunBusyError(TrainingError):
    """Another process is training this run."""


class ResumeError(TrainingError):
    """A checkpoint cannot be continued with these settings."""


class AdapterError(WorkbenchError):
    """An adapter file cannot be read, trusted or used with this base."""


class IdentityError(WorkbenchError):
    """Likeness cannot be judged: the score's weights, or a scorer that was named, are missing or broken."""


class GenerationError(WorkbenchError):
    """A picture request cannot be carried out."""


class GalleryError(WorkbenchError):
    """A picture is not in the gallery."""


class PackError(WorkbenchError):
    """A pack cannot be made, or a platform would not take its files."""


class JobError(WorkbenchError):
    """A job cannot be started, followed or stopped."""
