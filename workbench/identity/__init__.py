"""Does a picture look like this person? What can be said about it offline, and nothing more."""

from workbench.identity.traits import Agreement, rank_pictures, trait_agreement

__all__ = ["Agreement", "rank_pictures", "trait_agreement"]
