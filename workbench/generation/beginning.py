"""Where a drawing begins: noise of one seed, turned towards another's, or a picture with noise over it.

This works alike in every family, because it happens around the pipeline: noise and latents in the form the pipeline
takes (`Backbone.noise`, `Backbone.drawn_form`), and the scheduler's own list of noise levels, of which a drawing that
begins from a picture takes the end (SDEdit, arXiv 2108.01073). Under a mask, what is to stay is put back after each
step with the noise of that step (arXiv 2201.09865, §4.1), and at the end pixel by pixel.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageFilter, ImageOps

from workbench.generation.starts import read_start

if TYPE_CHECKING:
    import torch

    from workbench.backbones import Backbone

SEAM = 1 / 128  # of the side: how softly what is drawn anew meets what stays


def slerp(first: torch.Tensor, second: torch.Tensor, share: float) -> torch.Tensor:
    """Spherical interpolation (Shoemake 1985, doi 10.1145/325334.325242).

    Gaussian noise of so many numbers lies near a sphere; on the straight line between two it would lose its strength.

    Args:
        first, second: noise of one shape.
        share: 0 gives exactly the first, 1 exactly the second.
    """
    import torch

    if share in (0, 1):
        return second if share else first
    one, other = first.double().flatten(), second.double().flatten()
    cosine = torch.dot(one, other) / (one.norm() * other.norm())
    angle = torch.arccos(cosine.clamp(-1, 1))
    if float(angle) < 1e-6:
        return first
    mixed = (torch.sin((1 - share) * angle) * one + torch.sin(share * angle) * other) / torch.sin(angle)
    return mixed.view_as(first).to(first.dtype)


def running_steps(record: Mapping[str, Any]) -> int:
    """How many sampling steps are computed: all, or the share that follows the noise a start is given."""
    start = record.get("start")
    return max(1, round(record["steps"] * start["noise"])) if start else int(record["steps"])


class Beginning:
    """The beginning of one drawing.

    Args:
        backbone: the open base.
        record: of the drawing; see `Engine`.
        seed: of the picture.
        folder: of pictures to begin from; None for the usual one.

    Raises:
        GenerationError: the picture to begin from is gone.
    """

    def __init__(self, backbone: Backbone, record: Mapping[str, Any], seed: int, folder: Path | None = None) -> None:
        import torch

        self._backbone, self._record = backbone, record
        self._generator = torch.Generator("cpu").manual_seed(seed)
        self._noise: torch.Tensor | None = None
        self._latents: torch.Tensor | None = None
        self._mask: torch.Tensor | None = None
        self._picture: Image.Image | None = None
        self._stencil: Image.Image | None = None
        variation, start, side = record.get("variation"), record.get("start"), record["size"]
        if variation or start:
            noise = backbone.noise(self._generator, side, side)
            if variation:
                other = torch.Generator("cpu").manual_seed(variation["seed"])
                noise = slerp(noise, backbone.noise(other, side, side), variation["strength"])
            self._noise = backbone.drawn_form(noise)
        if start:
            self._picture = _square(read_start(start["picture"], folder).convert("RGB"), side)
            self._latents = backbone.drawn_form(self._encoded(self._picture)).to(self._noise)
            if start["mask"]:
                # By boxes: sharper ways would leave faint rings beyond a mask's edge.
                self._stencil = _square(read_start(start["mask"], folder).convert("L"), side, Image.Resampling.BOX)
                self._mask = backbone.drawn_form(self._cells(self._stencil)).to(self._noise)

    @contextmanager
    def arguments(self) -> Iterator[dict[str, Any]]:
        """The pipeline's arguments for a beginning; inside the block, its scheduler leaves out the first noise levels.

        A pipeline learns its noise levels only while it runs, after it was given latents. So it is given NaN, and the
        true ones are written into them as soon as the levels are known; a pipeline that had copied them before would
        draw NaN, which the engine tells, and not something that is almost right.
        """
        import torch

        if self._latents is None:
            yield {"generator": self._generator} | ({} if self._noise is None else {"latents": self._noise})
            return
        begin = torch.full_like(self._latents, float("nan"))
        scheduler, usual = self._backbone.pipeline.scheduler, self._backbone.pipeline.scheduler.set_timesteps

        @functools.wraps(usual)
        def set_timesteps(*args: Any, **kwargs: Any) -> None:
            usual(*args, **kwargs)
            skipped = (self._record["steps"] - running_steps(self._record)) * scheduler.order
            scheduler.timesteps = scheduler.timesteps[skipped:]
            if getattr(scheduler, "sigmas", None) is not None:
                scheduler.sigmas = scheduler.sigmas[skipped:]
            # Some pipelines multiply what they are given by this, others have no such thing.
            begin.copy_(self._covered(scheduler.timesteps[0]) / float(getattr(scheduler, "init_noise_sigma", 1.0)))

        scheduler.set_timesteps = set_timesteps
        try:
            yield {"generator": self._generator, "latents": begin}
        finally:
            del scheduler.__dict__["set_timesteps"]

    def after_step(self, step: int, tensors: dict[str, Any]) -> dict[str, Any]:
        """Puts what is to stay back, as noisy as the next step expects it.

        Args:
            step: the step that was just taken, from 0.
            tensors: the pipeline's; `latents` among them.
        """
        if self._mask is None or self._latents is None:
            return tensors
        levels = self._backbone.pipeline.scheduler.timesteps
        stays = self._covered(levels[step + 1]) if step + 1 < len(levels) else self._latents
        drawn = tensors["latents"]
        return tensors | {"latents": (self._mask * drawn + (1 - self._mask) * stays).to(drawn.dtype)}

    def finish(self, image: Image.Image) -> Image.Image:
        """The finished picture: what was not to change is, pixel by pixel, what it was; then it is enlarged."""
        if self._stencil is not None and self._picture is not None:
            soft = self._stencil.filter(ImageFilter.GaussianBlur(max(1.0, image.width * SEAM)))
            # Blurred inwards only: what the mask leaves black stays as it was to the last bit.
            inside = Image.composite(soft, Image.new("L", image.size), self._stencil.point(lambda v: 255 * (v > 0)))
            image = Image.composite(image, self._picture, inside)
        return enlarged(image, int(self._record.get("enlarge", 1)))

    def _covered(self, level: torch.Tensor) -> torch.Tensor:
        """The picture's latents as noisy as at a level of the scheduler."""
        import torch

        scheduler = self._backbone.pipeline.scheduler
        assert self._latents is not None and self._noise is not None
        at = level.reshape(1)
        with torch.no_grad():
            if hasattr(scheduler, "scale_noise"):
                covered: torch.Tensor = scheduler.scale_noise(self._latents, at, self._noise)
            else:
                covered = scheduler.add_noise(self._latents, self._noise, at)
        return covered

    def _encoded(self, picture: Image.Image) -> torch.Tensor:
        import numpy as np
        import torch

        pixels = torch.from_numpy(np.array(picture, dtype=np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        # The mean: without the autoencoder's own noise the same picture always begins the same way.
        return self._backbone.encode_images(pixels)[0]

    def _cells(self, stencil: Image.Image) -> torch.Tensor:
        """A mask (1, c, h/f, w/f): 1 in each cell of which anything is to be drawn anew."""
        import numpy as np
        import torch

        scale = self._backbone.latent_scale
        pixels = torch.from_numpy(np.array(stencil, dtype=np.float32) / 255)[None, None]
        cells = torch.nn.functional.max_pool2d(pixels, scale) > 0.5
        return cells.float().expand(1, self._backbone.latent_channels, -1, -1)


def enlarged(image: Image.Image, factor: int) -> Image.Image:
    """The picture so many times as large, by Lanczos."""
    if factor == 1:
        return image
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.LANCZOS)


def _square(picture: Image.Image, side: int, by: Image.Resampling = Image.Resampling.LANCZOS) -> Image.Image:
    return ImageOps.fit(picture, (side, side), by)
