"""What all pictures of a pack have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.generation import Preferences, Request
from workbench.packs.expressions import Expression

# Plain backgrounds to cut from, the best first; one that the clothes do not have is taken.
CUT_FROM = ("green", "blue", "pink", "yellow")
BUILT_IN = "chibi-mini"


@dataclass(frozen=True)
class Recipe:
    """What all pictures of a pack have in common.

    Args:
        adapters: (name on the shelf, strength); the first is the person. Empty draws anyone.
        trigger, class_noun: the first adapter's words for the person.
        base: the base model.
        seed: of every picture, so that the person stays the same from one to the next.
        clothing, clothing_colour: what they wear.
        background: what is cut away; empty takes a plain colour that the clothes do not have.
        person: other words for the person, where no adapter knows them: hair_style, skin and so on.
        negative, steps, guidance, size: as in `Request`.
    """

    adapters: tuple[tuple[str, float], ...] = ()
    trigger: str = ""
    class_noun: str = "person"
    base: str = BUILT_IN
    seed: int = 0
    clothing: str = "hoodie"
    clothing_colour: str = "red"
    background: str = ""
    person: Mapping[str, str] | None = None
    negative: str = ""
    steps: int = 0
    guidance: float = 0.0
    size: int = 0

    def request(self, expression: Expression, seed: int | None = None) -> Request:
        """The request for one expression.

        Args:
            seed: another seed than the pack's, for a picture that is drawn again.

        Raises:
            GenerationError: a word or a number is out of range.
        """
        wishes = {"clothing": self.clothing, "clothing_colour": self.clothing_colour, **(self.person or {})}
        behind = self.background or next(each for each in CUT_FROM if each != self.clothing_colour)
        prompt = Preferences(**(wishes | {"background": behind} | expression.wishes())).prompt(
            self.trigger, self.class_noun or "person"
        )
        return Request(
            prompt=prompt, negative=self.negative, seed=self.seed if seed is None else seed, count=1,
            steps=self.steps, guidance=self.guidance, adapters=self.adapters, size=self.size,
        )  # fmt: skip
