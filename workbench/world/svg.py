"""The few SVG shapes the chibi drawings are made of, as strings."""

from __future__ import annotations

from workbench.world.palette import RGB, hex_, mix, shade


def outline(fill: RGB) -> RGB:
    """The line colour around a filled shape: a dark, warm relative of the fill rather than black."""
    return mix(shade(fill, 0.34), (58, 36, 48), 0.55)


def path(d: str, fill: RGB | str | None = None, line: RGB | None = None, width: float = 3.0, extra: str = "") -> str:
    """A filled and/or stroked path with round joins; `fill` may also be a `url(#gradient)`."""
    paint = fill if isinstance(fill, str) else hex_(fill) if fill is not None else "none"
    stroke = (
        f' stroke="{hex_(line)}" stroke-width="{width:g}" stroke-linejoin="round" stroke-linecap="round"'
        if line is not None
        else ""
    )
    return f'<path d="{d}" fill="{paint}"{stroke} {extra}/>'


def ellipse(
    cx: float, cy: float, rx: float, ry: float, fill: RGB | str | None, line: RGB | None = None,
    width: float = 3.0, extra: str = "",
) -> str:  # fmt: skip
    """A filled and/or stroked ellipse."""
    paint = fill if isinstance(fill, str) else hex_(fill) if fill is not None else "none"
    stroke = f' stroke="{hex_(line)}" stroke-width="{width:g}"' if line is not None else ""
    return f'<ellipse cx="{cx:.2f}" cy="{cy:.2f}" rx="{rx:.2f}" ry="{ry:.2f}" fill="{paint}"{stroke} {extra}/>'


def rect(x: float, y: float, w: float, h: float, fill: RGB | str, radius: float = 0.0, extra: str = "") -> str:
    """A filled rectangle."""
    paint = fill if isinstance(fill, str) else hex_(fill)
    return f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{radius:g}" fill="{paint}" {extra}/>'


def group(inner: str, transform: str = "", extra: str = "") -> str:
    """A group, moved or turned as one."""
    where = f' transform="{transform}"' if transform else ""
    return f"<g{where} {extra}>{inner}</g>"


def limb(d: str, fill: RGB, width: float) -> str:
    """A thick round-ended stroke with an outline: an arm, a sleeve, a strap."""
    return path(d, None, outline(fill), width + 5.5) + path(d, None, fill, width)
