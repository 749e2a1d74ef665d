"""What to add to a set of photos: how many, and how varied in pose, light and place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.photos.measure import Light, Pose
from workbench.photos.verdict import Problem

GOOD_COUNT = 5
# Spread below which photos count as alike: turn in units of Pose, tilt in degrees, light as a share.
_TURN, _TILT, _LEVEL, _SIDE, _PLACE = 0.25, 8.0, 0.1, 0.2, 0.07


def advise(
    lights: Sequence[Light], poses: Sequence[Pose], places: Sequence[NDArray[Any]], most: int
) -> tuple[Problem, ...]:
    """Says what would make the accepted photos a better set.

    Args:
        lights, poses, places: of each accepted photo.
        most: how many photos can be used.
    """
    count = len(poses)
    notes = _on_count(count, most)
    if count >= 2:
        if np.ptp([p.turn for p in poses]) < _TURN and np.ptp([p.tilt for p in poses]) < _TILT:
            way_out = "Add one looking a little to the left and one to the right"
            notes.append(Problem("same_pose", "The head points the same way in all photos", way_out))
        if np.ptp([light.level for light in lights]) < _LEVEL and np.ptp([light.side for light in lights]) < _SIDE:
            way_out = "Add one by a window or outdoors"
            notes.append(Problem("same_light", "All photos have the same light", way_out))
        if _alike(places):
            way_out = "Add one in another place and other clothes, so that these are not learned as yours"
            notes.append(Problem("same_place", "All photos have the same surroundings", way_out))
    if not notes:
        words = f"A good set: {count} photos, varied in pose, light and place"
        notes.append(Problem("good", words, ""))
    return tuple(notes)


def _on_count(count: int, most: int) -> list[Problem]:
    if count == 0:
        way_out = f"Bring 3 to {most} photos of one person, the face sharp and turned to the camera"
        return [Problem("none", "No photo can be used", way_out)]
    if count == 1:
        way_out = "It works; two more from other sides and in other light make it much more alike"
        return [Problem("one", "There is only one photo", way_out)]
    if count < 3:
        return [Problem("few", f"There are {count} photos", "It works; 3 are better, 5 to 10 best")]
    if count < GOOD_COUNT:
        return [Problem("few", f"{count} photos are enough", f"{GOOD_COUNT} to 10 are better still")]
    return []


def _alike(places: Sequence[NDArray[Any]]) -> bool:
    stack = np.stack(places)
    return bool(np.abs(stack - np.median(stack, axis=0)).mean(axis=(1, 2)).max() < _PLACE)
