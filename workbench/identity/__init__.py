"""Does a picture look like this person? What can be said about it offline, and nothing more.

likeness.py      pictures and photos -> similarity, probability, verdict, traits, face distance
network.py, calibration.py   our own score: its net, and what its similarities are worth
scorers.py       stronger models that a person names
traits.py        traits found in pictures
"""

from workbench.identity.likeness import Likeness, Reference, Scorer, likeness, look_at
from workbench.identity.traits import Agreement, checklist, rank_pictures, trait_agreement

__all__ = [
    "Agreement",
    "Likeness",
    "Reference",
    "Scorer",
    "checklist",
    "likeness",
    "look_at",
    "rank_pictures",
    "trait_agreement",
]
