"""The gallery screen: empty, full, searched, selected, and with files that are broken."""

from __future__ import annotations

from collections.abc import Callable

from furnish import furnish_gallery
from PIL import Image
from reading import keys, text_of
from streamlit.testing.v1 import AppTest

from workbench.config import home
from workbench.gallery import Gallery

Open = Callable[[str], AppTest]


def shown(page: AppTest) -> list[str]:
    return [key.removeprefix("star-gallery-") for key in keys(page.button) if key.startswith("star-gallery-")]


def test_empty(screen: Open) -> None:
    assert "No pictures yet" in text_of(screen("gallery"))


def test_pages(screen: Open) -> None:
    furnish_gallery(30)
    page = screen("gallery")
    assert len(shown(page)) == 24 and "1–24 of 30 pictures" in text_of(page)
    next(button for button in page.button if button.label == "Older").click().run()
    assert len(shown(page)) == 6
    page.text_input(key="search").set_value("hoodie").run()
    assert len(shown(page)) == Gallery().count("hoodie") > 0, "a search begins on the first page"


def test_search_star_and_adapter(screen: Open) -> None:
    furnish_gallery(5)
    furnish_gallery(3, adapter="leo")
    page = screen("gallery")
    page.selectbox(key="of").set_value("leo").run()
    assert len(shown(page)) == 3
    page.toggle(key="stars").set_value(True).run()
    assert len(shown(page)) == 1
    page.text_input(key="search").set_value("no such words").run()
    assert "Nothing found" in text_of(page)


def test_star_and_look(screen: Open) -> None:
    names = furnish_gallery(2)
    page = screen("gallery")
    page.button(key=f"star-gallery-{names[0]}").click().run()
    assert Gallery().get(names[0]).starred
    page.button(key=f"look-gallery-{names[0]}").click().run()
    assert "mia × 1" in text_of(page)
    page.button(key="dialog-delete").click().run()
    assert Gallery().get(names[0]), "it asks first"
    page.button(key="dialog-sure").click().run()
    assert shown(page) == [names[1]]


def test_compare_two(screen: Open) -> None:
    names = furnish_gallery(2)
    page = screen("gallery")
    page.toggle(key="selecting").set_value(True).run()
    compare = next(button for button in page.button if button.label == "Compare")
    assert compare.disabled
    for name in names:
        page.checkbox(key=f"pick-{name}").check().run()
    next(button for button in page.button if button.label == "Compare").click().run()
    assert "Shown is what differs" in text_of(page)


def test_delete_several(screen: Open) -> None:
    names = furnish_gallery(3)
    page = screen("gallery")
    page.toggle(key="selecting").set_value(True).run()
    for name in names[:2]:
        page.checkbox(key=f"pick-{name}").check().run()
    page.button(key="delete-chosen").click().run()
    assert Gallery().count() == 3, "it asks first"
    page.button(key="sure").click().run()
    assert [each.id for each in Gallery().search()] == names[2:]


def test_strange_files_in_the_folder(screen: Open) -> None:
    names = furnish_gallery(1)
    Image.new("RGB", (40, 40), "red").save(home() / "gallery" / "holiday.png")
    (home() / "gallery" / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n half")
    page = screen("gallery")
    assert len(shown(page)) == 3 and "No recipe inside" in text_of(page)
    assert page.button(key="again-gallery-holiday").disabled
    page.button(key="look-gallery-half").click().run()
    assert not page.exception
    page.button(key="dialog-delete").click().run()
    page.button(key="dialog-sure").click().run()
    assert set(shown(page)) == {"holiday", *names}
