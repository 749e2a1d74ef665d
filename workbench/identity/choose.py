"""Which checkpoint of a run to take: each preview is scored, and what drew the best one is kept.

The scores of a few pictures are noisy. So an earlier checkpoint wins only when its pictures, compared one by one with
the last ones at the same prompts and seeds, are better by more than the standard error of that difference (the rule of
one standard error; Breiman et al., "Classification and regression trees", 1984, §3.4.3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from workbench.config import atomic_write
from workbench.errors import IdentityError
from workbench.identity.likeness import DOMAINS, Likeness, Reference, Scorer, likeness, look_at
from workbench.identity.traits import trait_agreement
from workbench.training.run import RunFolder

BEST = "best.safetensors"


@dataclass(frozen=True)
class Score:
    """What a preview is worth.

    Args:
        step: after which it was drawn.
        each: of each picture, 0 to 1: how probably it shows the person; by traits where likeness cannot be judged. A
            picture that is not what its prompt asks for, a chibi or a photo, has 0.
        by: `likeness` or `traits`.
        traits: the share of the person's traits that the pictures show, 0 to 1.
        likely: the share of the pictures with the verdict likely; None by traits.
        face: median distance of the faces in its photographic pictures to held-out photos; None where there is none.
    """

    step: int
    each: tuple[float, ...]
    by: str
    traits: float
    likely: float | None = None
    face: float | None = None

    @property
    def mean(self) -> float:
        return float(np.mean(self.each)) if self.each else 0.0


def score_preview(
    step: int, pictures: Sequence[Image.Image], prompts: Sequence[str], reference: Reference | None,
    traits: Mapping[str, Any],
) -> Score:  # fmt: skip
    """Scores the pictures of a preview.

    Args:
        step: after which they were drawn.
        pictures, prompts: what was drawn, and from which words.
        reference: the person; None where there is no scorer.
        traits: the person's, read or corrected.
    """
    agreement = trait_agreement(pictures, traits)
    if reference is None or reference.reason:
        each = [trait_agreement([picture], traits).score for picture in pictures]
        found: list[Likeness] = []
    else:
        found = likeness(pictures, reference)
        each = [one.probability or 0.0 for one in found]
        each = [
            0.0 if (asked := _asked(prompt)) and asked != one.domain else value
            for value, one, prompt in zip(each, found, prompts, strict=True)
        ]
    likely = sum(one.verdict == "likely" for one in found) / len(found) if found else None
    faces = [one.face_distance for one in found if one.face_distance is not None]
    face = round(float(np.median(faces)), 4) if faces else None
    rounded = tuple(round(value, 4) for value in each)
    return Score(step, rounded, "likeness" if found else "traits", agreement.score, likely, face)


def _asked(prompt: str) -> str:
    first = prompt.split(" ", 1)[0].lower().strip(",")
    return first if first in DOMAINS else ""


class Chooser:
    """Scores the previews of a run and keeps the adapter of the best one.

    Attributes:
        scores: so far, by step; those of an earlier attempt included.
        told: why likeness cannot be judged; empty when it can.
    """

    def __init__(
        self,
        run: RunFolder,
        photos: Sequence[Image.Image],
        traits: Mapping[str, Any],
        start: int = 0,
        held_out: int = 0,
        patience: int = 0,
        scorer: Scorer | str = "own",
    ) -> None:
        """
        Args:
            run: whose previews; `metrics.jsonl` gets the scores, `best.safetensors` the best adapter.
            photos: crops of the person.
            traits: the person's.
            start: steps done already; scores of later ones are forgotten.
            held_out: how many of the photos, the last ones, the run does not learn from.
            patience: previews without a better one after which it is time to give up; 0 never gives up.
            scorer: what compares, or its name: see `open_scorer`.
        """
        from workbench.identity.scorers import open_scorer

        self._run, self._traits, self._patience = run, traits, patience
        self.told = ""
        self._reference: Reference | None = None
        learnt, held = photos[: len(photos) - held_out], photos[len(photos) - held_out :]
        try:
            opened = open_scorer(scorer) if isinstance(scorer, str) else scorer
            self._reference = look_at(learnt, traits, held, opened)
            self.told = self._reference.reason
        except IdentityError as error:
            self.told = str(error)
        self.scores = {score.step: score for score in read_scores(run.metrics()) if score.step <= start}

    def look(
        self, step: int, pictures: Sequence[Image.Image], prompts: Sequence[str], state: Mapping[str, Any]
    ) -> Score:
        """Scores a preview, and keeps the adapter when it is the best so far.

        Args:
            step: after which it was drawn.
            pictures, prompts: what was drawn, from which words.
            state: the adapter's tensors at this step.

        Raises:
            StorageError: the score or the adapter cannot be written.
        """
        score = score_preview(step, pictures, prompts, self._reference, self._traits)
        best = self.best
        self.scores[step] = score
        note_score(self._run, score)
        if best is None or score.mean > best.mean:
            _keep(self._run, score.step, state)
        return score

    @property
    def best(self) -> Score | None:
        """The best score so far; the earliest of equal ones."""
        return max(self.scores.values(), key=lambda score: (score.mean, -score.step), default=None)

    @property
    def gives_up(self) -> bool:
        """Whether the last previews were all no better than one before them."""
        best, steps = self.best, sorted(self.scores)
        return bool(self._patience and best and sum(step > best.step for step in steps) >= self._patience)

    def settle(self, adapter: Any, done: int, keep_best: bool = True) -> Choice:
        """Chooses, and puts the chosen state back into the adapter.

        Args:
            adapter: as it is after the last step; an `Attachment`.
            done: the last step.
            keep_best: False takes the last one.
        """
        choice = choose(list(self.scores.values())) if keep_best else Choice(done, "the last one, as was asked")
        if choice.last:
            return replace(choice, step=done)
        state = self.kept(choice.step)
        if state is None:
            return Choice(done, f"the last one, since the adapter after step {choice.step} is gone")
        adapter.load_state(state)
        return choice

    def final(self, pictures: Sequence[Image.Image], prompts: Sequence[str]) -> dict[str, float]:
        """What a finished adapter's pictures are worth, for its card."""
        score = score_preview(0, pictures, prompts, self._reference, self._traits)
        found = {score.by: score.mean, "traits": score.traits, "likely": score.likely, "face_distance": score.face}
        return {name: round(value, 4) for name, value in found.items() if value is not None}

    def kept(self, step: int) -> dict[str, Any] | None:
        """The adapter's tensors of the best preview; None when they are of another step, or gone."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self._run.folder / BEST, "pt") as file:
                if int((file.metadata() or {}).get("step", -1)) != step:
                    return None
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, ValueError):
            return None


@dataclass(frozen=True)
class Choice:
    """The checkpoint to take.

    Args:
        step: whose; 0 when no preview was scored.
        why: in words.
        last: whether it is the last one that was scored.
    """

    step: int
    why: str
    last: bool = True

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def choose(scores: Sequence[Score]) -> Choice:
    """Takes the best checkpoint, or the last one when the difference may be chance; see the top of this file."""
    if not scores:
        return Choice(0, "the last one: there were no previews to compare")
    ordered = sorted(scores, key=lambda score: score.step)
    last = ordered[-1]
    best = max(ordered, key=lambda score: (score.mean, score.step))
    by_likeness, most = last.by == "likeness", f"{last.mean:.2f}"
    if best.step == last.step:
        traits = f"the last one has the best trait agreement, {most}"
        return Choice(last.step, f"the last one has the best likeness, {most}" if by_likeness else traits)
    gain = np.array(best.each) - np.array(last.each) if len(best.each) == len(last.each) else np.array([0.0])
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else float("inf")
    numbers = f"{best.mean:.2f} after step {best.step}, {last.mean:.2f} after step {last.step}"
    # Each sentence whole, since that is how they are translated.
    if best.by != last.by or gain.mean() <= error:
        traits = f"trait agreement was {numbers}: no more than chance, so the last one is taken"
        likeness = f"likeness was {numbers}: no more than chance, so the last one is taken"
        return Choice(last.step, likeness if by_likeness else traits)
    traits = f"trait agreement was {numbers}: a difference larger than its standard error ({error:.2f})"
    likeness = f"likeness was {numbers}: a difference larger than its standard error ({error:.2f})"
    return Choice(best.step, likeness if by_likeness else traits, False)


def note_score(run: RunFolder, score: Score) -> None:
    """Writes a score into the line of its step in `metrics.jsonl`.

    Raises:
        StorageError: it cannot be written.
    """
    name = "likeness" if score.by == "likeness" else "trait_score"
    entry = {name: round(score.mean, 4), "traits": score.traits, "scores": list(score.each)}
    more = {"likely": score.likely, "face_distance": score.face}
    entry |= {key: value for key, value in more.items() if value is not None}
    records = run.metrics()
    for record in records:
        if record.get("step") == score.step:
            record |= entry
    atomic_write(run.folder / "metrics.jsonl", "".join(json.dumps(record) + "\n" for record in records))


def read_scores(records: Iterable[Any]) -> list[Score]:
    """The scores in a run's metrics, in the order of their steps; records that make no sense are passed over."""
    found = []
    for record in records:
        try:
            if "scores" in record:
                by = "likeness" if "likeness" in record else "traits"
                each = tuple(float(value) for value in record["scores"])
                more = record.get("likely"), record.get("face_distance")
                found.append(Score(int(record["step"]), each, by, float(record["traits"]), *more))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return sorted(found, key=lambda score: score.step)


def _keep(run: RunFolder, step: int, state: Mapping[str, Any]) -> None:
    from safetensors.torch import save

    tensors = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state.items()}
    atomic_write(run.folder / BEST, save(tensors, {"step": str(step)}))
