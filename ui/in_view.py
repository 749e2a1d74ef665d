"""Brings a part of the page into view: on a phone what was asked for appears far below the button that asked."""

from __future__ import annotations

import streamlit as st

_JS = """
export default function ({ data }) {
  // The page is drawn many times; it is moved once for each thing that is asked for.
  if (window.chibiInView === data.turn) return;
  window.chibiInView = data.turn;
  let waits = [0, 50, 150, 400, 700, 1200, 2000], own = false;
  const hands = ["wheel", "touchstart", "keydown", "pointerdown"];
  const leave = () => (waits = []);
  hands.forEach((kind) => addEventListener(kind, leave, { once: true, passive: true }));
  // Again while the page grows: what is not there yet cannot be scrolled to.
  const look = () => {
    const place = document.querySelector(`.st-key-${CSS.escape(data.key)}`);
    const top = place?.getBoundingClientRect().top ?? NaN;
    if (top < 50 || top > window.innerHeight * 0.45 || (own && top > 110)) {
      own = true;
      place.style.scrollMarginTop = "5rem";
      place.scrollIntoView({ block: "start", behavior: "smooth" });
    }
    if (waits.length) setTimeout(look, waits.shift());
    else hands.forEach((kind) => removeEventListener(kind, leave));
  };
  look();
}
"""
_MOVE = st.components.v2.component("chibi_in_view", js=_JS)


def bring_into_view(key: str, turn: str) -> None:
    """Scrolls to a container, unless it can be seen already.

    Args:
        key: the container's.
        turn: another word for each time that it is asked for; while it stays, the page is not moved again.
    """
    with st.container(key=f"in-view-of-{key}"):
        _MOVE(key=f"in-view-{key}", data={"key": key, "turn": f"{key} {turn}"})
