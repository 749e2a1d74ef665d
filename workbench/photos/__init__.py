"""Photo intake: open safely, find the face, judge with reasons, crop, keep, forget.

photo.py    a file's bytes -> Photo: limits before decoding, upright, no metadata
faces.py    Photo -> Face: detectors, landmarks, embedding (dlib, loaded on first use)
measure.py  sharpness, light, pose, covered eyes and mouth, fingerprints
judge.py    one photo alone -> Examination
compare.py  the set: copies, strangers (people.py), what to add (advice.py) -> Verdict
folder.py   a folder -> Verdict
crop.py     the head-and-shoulders square
subject.py, vault.py   a person's record, kept photos, and erasing them
"""

from __future__ import annotations

from workbench.photos.compare import MAX_ACCEPTED, judge_photos, judge_set
from workbench.photos.crop import crop_face
from workbench.photos.faces import Face, find_faces
from workbench.photos.folder import check_folder
from workbench.photos.judge import Examination, examine
from workbench.photos.photo import SUFFIXES, Photo, open_photo
from workbench.photos.subject import (
    Subject,
    agreed_scope,
    create_subject,
    list_subjects,
    load_subject,
    save_subject,
    subject_folder,
)
from workbench.photos.vault import add_photos, crops, forget, judgements, kept_photos, open_crop, remove_photo
from workbench.photos.verdict import PROBLEM_CODES, Judgement, Problem, Verdict

__all__ = [
    "MAX_ACCEPTED",
    "PROBLEM_CODES",
    "SUFFIXES",
    "Examination",
    "Face",
    "Judgement",
    "Photo",
    "Problem",
    "Subject",
    "Verdict",
    "add_photos",
    "agreed_scope",
    "check_folder",
    "create_subject",
    "crop_face",
    "crops",
    "examine",
    "find_faces",
    "forget",
    "judge_photos",
    "judge_set",
    "judgements",
    "kept_photos",
    "list_subjects",
    "load_subject",
    "open_crop",
    "open_photo",
    "remove_photo",
    "save_subject",
    "subject_folder",
]
