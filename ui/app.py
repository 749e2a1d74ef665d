"""The page of the chibi LoRA workbench: Photos → Train → Create → Packs → Gallery → Adapters.

    streamlit run ui/app.py

Each screen is a file in `ui/screens`, in the order of the flow. What a person makes is on disk, so a refreshed page or
a second tab shows the same; only choices that were not carried out yet live in the session.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # `streamlit run` puts only this file's folder there
    sys.path.insert(0, str(HERE.parent))

from ui import language, privacy, theme  # noqa: E402
from ui.words import telling  # noqa: E402
from workbench.jobs.layout import open_workspace  # noqa: E402
from workbench.language import tr  # noqa: E402

language.begin()
st.set_page_config(page_title=tr("Chibi workbench"), page_icon=theme.icon(), layout="wide")
theme.apply()
SCREENS = [
    st.Page("screens/photos.py", title=tr("Photos"), icon=":material/add_a_photo:", default=True),
    st.Page("screens/train.py", title=tr("Train"), icon=":material/model_training:"),
    st.Page("screens/create.py", title=tr("Create"), icon=":material/auto_awesome:"),
    st.Page("screens/packs.py", title=tr("Packs"), icon=":material/add_reaction:"),
    st.Page("screens/gallery.py", title=tr("Gallery"), icon=":material/photo_library:"),
    st.Page("screens/adapters.py", title=tr("Adapters"), icon=":material/shelves:"),
]
# Reached from a picture, not from the line at the top.
HIDDEN = [st.Page("screens/compare.py", title=tr("Compare"), visibility="hidden")]
page = st.navigation([*SCREENS, *HIDDEN], position="top")
theme.tabs(SCREENS)
theme.account()
language.switch()
with telling():
    open_workspace()
    if privacy.begin():
        page.run()
