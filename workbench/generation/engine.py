"""One warm pipeline that draws pictures and changes adapters without opening the base again.

Candidates are drawn one after the other, each from its own seed: a batch is up to twice as fast on some machines, but
its rounding depends on its size, and a picture must be the same alone and among others. What is promised: the same
request on the same machine gives the same pixels, whatever was drawn before and whichever adapters came and went.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.adapters import attach, check_base, detach, file_sha256, find_adapter, read_weights
from workbench.backbones.locate import locate
from workbench.device import drawing_threads, halves_quickly, quick_half, set_threads
from workbench.errors import GenerationError
from workbench.generation.beginning import Beginning, running_steps
from workbench.generation.glimpse import glimpse, is_time_to_look
from workbench.generation.reading import read_request
from workbench.generation.record import RECORD_FORMAT, Picture, begun_from, request_from_record, versions
from workbench.generation.request import LARGEST_SEED, Request
from workbench.generation.watched import look_over, shows_others
from workbench.generation.weights import applied, parse_weights
from workbench.safety import PictureFilter, filters, is_on, refuse

if TYPE_CHECKING:
    from workbench.adapters import Card
    from workbench.backbones import Backbone

WARM_ADAPTERS = 4  # as many as one request may name; more would only hold memory

OnStep = Callable[[int, int, int], object]
OnPicture = Callable[[int, Picture], object]
OnLook = Callable[[int, Any], object]


class _StoppedError(Exception):
    """Leaves the pipeline in the middle of a picture; never seen outside this module."""


class Engine:
    """Draws what requests ask for. Safe to share between threads: they take turns.

    Attributes:
        backbone: the open base.
    """

    def __init__(self, base: str | Path | Backbone, shelf: Path | None = None, starts: Path | None = None) -> None:
        """Opens a base.

        Args:
            base: its name, folder or hub id, or one that is open already and used by nobody else.
            shelf: the folder of adapters; None takes the usual one.
            starts: the folder of pictures to begin from; None takes the usual one.

        Raises:
            BackboneError: the base cannot be opened.
        """
        from workbench.backbones import open_backbone

        self.backbone: Backbone = open_backbone(base) if isinstance(base, str | Path) else base
        self._shelf, self._starts = shelf, starts
        self._weights = sum(weight.numel() for weight in self.backbone.denoiser.parameters())
        self._lock = threading.RLock()
        self._warm: OrderedDict[str, str] = OrderedDict()  # sha256 of the file -> what the pipeline calls it
        self._hashes: dict[tuple[str, int, int], str] = {}
        self.backbone.pipeline.set_progress_bar_config(disable=True)

    def generate(
        self,
        request: Request,
        on_step: OnStep | None = None,
        should_stop: Callable[[], bool] | None = None,
        on_picture: OnPicture | None = None,
        on_look: OnLook | None = None,
    ) -> list[Picture]:
        """Draws the candidates of a request.

        Args:
            on_step: called as (candidate, step, steps) after each sampling step; counts start at 0 and 1.
            should_stop: asked after each step; True ends the work.
            on_picture: called as (candidate, picture) as soon as each is finished.
            on_look: called a few times a picture as (candidate, image so far), see `glimpse.py`.

        Returns:
            The pictures, in the order of their seeds; fewer than asked for when stopped.

        Raises:
            GenerationError: size, memory, or the pictures came out as NaN.
            AdapterError: an adapter is not on the shelf, broken, or of another base.
        """
        with self._lock:
            size = self._size(request.size)
            steps, guidance = request.steps or self.backbone.steps, request.guidance or self.backbone.guidance
            record = self._record(request, size, steps, guidance, self.backbone.guidance_rescale)
            return self._draw(record, request.count, on_step, should_stop, on_picture, on_look)

    def remake(self, record: Mapping[str, Any]) -> Picture:
        """Draws a recorded picture again.

        What is not as it was (another version of the base or of an adapter) is said in the picture's notes.

        Raises:
            GenerationError, AdapterError: see `generate`.
        """
        with self._lock:
            request = request_from_record(record)
            rescale = float(record.get("guidance_rescale", self.backbone.guidance_rescale))
            size, guidance = self._size(request.size), request.guidance or self.backbone.guidance
            fresh = self._record(request, size, request.steps or self.backbone.steps, guidance, rescale)
            for thing, before, now in (
                ("base", record.get("base_fingerprint"), fresh["base_fingerprint"]),
                *(
                    (f"adapter {new['name']}", old.get("sha256"), new["sha256"])
                    for old, new in zip(record.get("adapters", []), fresh["adapters"], strict=False)
                ),
            ):
                if before and before != now:
                    fresh["notes"].append(f"The {thing} is not the one this picture was made with")
            said = {key: record[key] for key in ("said", "label") if record.get(key)}
            return self._draw(fresh | said, 1, None, None, None)[0]

    def _record(self, request: Request, size: int, steps: int, guidance: float, rescale: float) -> dict[str, Any]:
        """Activates the request's adapters and writes down all that decides the picture, but for the seed."""
        said = request.prompt
        others = is_on() and shows_others([name for name, _ in request.adapters], self._shelf)
        refuse([parse_weights(said).text, said], others)
        request, told = read_request(request, self.backbone.id, self._cards(request))
        adapters, notes = self._activate(request)
        # The prompt is what the base was told: that makes the picture again, whatever a later version would read.
        return ({"said": said} if said != request.prompt else {}) | {
            "format": RECORD_FORMAT,
            "prompt": request.prompt,
            "negative": request.negative,
            "seed": request.seed,
            "steps": steps,
            "guidance": guidance,
            "guidance_rescale": rescale,
            "size": size,
            **begun_from(request),
            "adapters": adapters,
            "base": self.backbone.id,
            "base_fingerprint": self.backbone.fingerprint,
            "scheduler": type(self.backbone.pipeline.scheduler).__name__,
            "device": self.backbone.device.type,
            "dtype": self._dtype(),
            "versions": versions(),
            "notes": told + notes + self._cut(request),
        }

    def _draw(
        self,
        record: dict[str, Any],
        count: int,
        on_step: OnStep | None,
        should_stop: Callable[[], bool] | None,
        on_picture: OnPicture | None,
        on_look: OnLook | None = None,
    ) -> list[Picture]:
        pictures: list[Picture] = []
        watching = self._filters()
        if self.backbone.device.type == "cpu":
            set_threads(drawing_threads(self._weights))
        for candidate in range(count):
            own = record | self._candidate(record, candidate)
            steps = running_steps(own)

            def after_step(step: int, latents: Any, candidate: int = candidate, steps: int = steps) -> None:
                if on_step:
                    on_step(candidate, step, steps)
                if on_look and not watching and is_time_to_look(step, steps):
                    on_look(candidate, glimpse(self.backbone, latents, record["size"]))
                if should_stop and should_stop():
                    raise _StoppedError

            if should_stop and should_stop():
                break
            try:
                image = self._draw_one(own, after_step)
            except _StoppedError:
                break
            image, own = look_over(image, own, watching)
            created = datetime.now(UTC).isoformat(timespec="seconds")
            pictures.append(Picture(image, own | {"created": created}))
            if on_picture:
                on_picture(candidate, pictures[-1])
        return pictures

    def _candidate(self, record: Mapping[str, Any], candidate: int) -> dict[str, Any]:
        """What a candidate's record says of its own: the next seed, or of variations the next seed to turn towards."""
        counts = record.get("variation") or record
        seed = (counts["seed"] + candidate) % (LARGEST_SEED + 1)
        return {"variation": record["variation"] | {"seed": seed}} if "variation" in record else {"seed": seed}

    def _draw_one(self, record: Mapping[str, Any], after_step: Callable[[int, Any], None]) -> Any:
        import torch

        pipeline = self.backbone.pipeline
        try:
            beginning = Beginning(self.backbone, record, record["seed"], self._starts)

            def step_end(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
                after_step(step + 1, tensors["latents"])
                return beginning.after_step(step, tensors)

            prompt, negative = parse_weights(record["prompt"]), parse_weights(record["negative"])
            with (
                quick_half(self.backbone.device),
                applied(self.backbone, prompt, negative),
                beginning.arguments() as begun,
            ):
                latents = pipeline(
                    [prompt.text],
                    height=record["size"],
                    width=record["size"],
                    num_inference_steps=record["steps"],
                    output_type="latent",
                    callback_on_step_end=step_end,
                    **begun,
                    **self.backbone.drawing([negative.text], record["guidance"], record["guidance_rescale"]),
                ).images
            # A CPU decodes in full precision: half has too few steps for an even colour
            decoded = self.backbone.decode_drawn(latents, record["size"], record["size"])
        except torch.OutOfMemoryError as error:
            raise GenerationError(
                "The picture", "there is not enough memory for it", "Choose a smaller size, or close other programs"
            ) from error
        if not bool(decoded.isfinite().all()):
            raise GenerationError(
                "The picture",
                f"the base computed NaN in {record['dtype']}, which would be a black picture",
                "Lower the strength of the adapters and the guidance, or open the base in float32",
            )
        return beginning.finish(pipeline.image_processor.postprocess(decoded.float())[0])

    def _filters(self) -> list[PictureFilter]:
        """Filters of what this base draws; a base that was handed over open lies nowhere."""
        return filters(locate(self.backbone.opened_as)[0]) if is_on() and self.backbone.opened_as else []

    def _dtype(self) -> str:
        """The number format of the sampling steps."""
        half = halves_quickly(self.backbone.device)
        return "bfloat16" if half else str(self.backbone.dtype).removeprefix("torch.")

    def _size(self, wanted: int) -> int:
        size = wanted or self.backbone.resolution
        multiple = self.backbone.size_multiple
        if size % multiple:
            near = max(multiple, round(size / multiple) * multiple)
            raise GenerationError(
                "The size", f"{size} px is no multiple of {multiple}, which this base needs", f"Choose {near}"
            )
        return size

    def _cards(self, request: Request) -> list[Card]:
        return [find_adapter(name, self._shelf).card for name, _ in request.adapters]

    def _activate(self, request: Request) -> tuple[list[dict[str, Any]], list[str]]:
        """Puts a request's adapters on the pipeline at their strengths, and takes all others off.

        Returns:
            What the record says of them, and notes.
        """
        pipeline = self.backbone.pipeline
        chosen: list[tuple[str, float]] = []
        entries: list[dict[str, Any]] = []
        notes: list[str] = []
        for name, strength in request.adapters:
            found = find_adapter(name, self._shelf)
            assert found.info is not None  # find_adapter refuses broken ones
            notes += check_base(found.info, self.backbone)
            sha256 = self._sha256(found.path)
            if sha256 not in self._warm:
                attach(pipeline, read_weights(found.path), f"a{sha256[:16]}", found.path.name)
                self._warm[sha256] = f"a{sha256[:16]}"
            self._warm.move_to_end(sha256)
            chosen.append((self._warm[sha256], float(strength)))
            entries.append({"name": found.name, "strength": float(strength), "sha256": sha256})
            trigger = found.card.trigger.split(" ")[0]
            if trigger and strength > 0 and trigger.lower() not in request.prompt.lower():
                notes.append(f"The prompt does not say {trigger!r}, the word {found.name} answers to")
        while len(self._warm) > max(WARM_ADAPTERS, len(chosen)):
            _, oldest = self._warm.popitem(last=False)
            detach(pipeline, oldest)
        if chosen:
            pipeline.enable_lora()
            pipeline.set_adapters([name for name, _ in chosen], [strength for _, strength in chosen])
        else:
            pipeline.disable_lora()
        return entries, notes

    def _sha256(self, path: Path) -> str:
        stat = path.stat()
        key = (str(path), stat.st_mtime_ns, stat.st_size)
        if key not in self._hashes:
            self._hashes[key] = file_sha256(path)
        return self._hashes[key]

    def _cut(self, request: Request) -> list[str]:
        """Notes on prompts that are longer than the text encoder reads."""
        notes = []
        for thing, text in (("prompt", request.prompt), ("negative prompt", request.negative)):
            if lost := self.backbone.unread(parse_weights(text).text):
                notes.append(f"The {thing} is longer than the base reads; it did not see: {lost[:200]}")
        return notes
