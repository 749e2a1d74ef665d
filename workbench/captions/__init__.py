"""A caption per photo, and the traits a person can correct.

What should stay editable is named in the caption; what is the person is left to the trigger word.
"""

from workbench.captions.read_as import ReadAs, read_as
from workbench.captions.reader import Reading, read_picture, read_scene, read_traits
from workbench.captions.text import TRAITS, caption, check_traits, subject_phrase

__all__ = [
    "TRAITS",
    "ReadAs",
    "Reading",
    "caption",
    "check_traits",
    "read_as",
    "read_picture",
    "read_scene",
    "read_traits",
    "subject_phrase",
]
