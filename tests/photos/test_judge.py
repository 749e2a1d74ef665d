"""One photo: what is accepted, what is refused and for which reason."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from real_photos import PEOPLE, as_photo, faceless, portrait

from workbench.errors import PhotoError
from workbench.photos import PROBLEM_CODES, Judgement, Photo, examine, find_faces
from workbench.photos.measure import eye_darkness, light, mouth_colour, pose, sharpness
from workbench.world.character import sample_character, sample_scene
from workbench.world.portrait import draw_photo


def judge(image: Image.Image) -> Judgement:
    judgement = examine(as_photo(image)).judgement
    for problem in (*judgement.problems, *judgement.warnings):
        assert problem.code in PROBLEM_CODES
        assert problem.words and problem.way_out
    return judgement


def problems(image: Image.Image) -> set[str]:
    return {problem.code for problem in judge(image).problems}


def warnings(image: Image.Image) -> set[str]:
    judgement = judge(image)
    assert judgement.accepted, judgement.problems
    return {warning.code for warning in judgement.warnings}


def side_by_side(left: Image.Image, right: Image.Image) -> Image.Image:
    pair = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), (120, 130, 140))
    pair.paste(left, (0, 0))
    pair.paste(right, (left.width, pair.height - right.height))
    return pair


@pytest.mark.parametrize("person", PEOPLE)
def test_a_real_portrait_is_accepted_without_a_word(person: str) -> None:
    judgement = judge(portrait(person))
    assert judgement.accepted and not judgement.warnings
    assert judgement.face is not None and judgement.face.embedding.shape == (128,)
    assert judgement.face.landmarks.shape == (5, 2)


def test_real_photos_varied_are_accepted(real_sets) -> None:
    assert all(e.judgement.accepted for examined in real_sets.values() for e in examined)


@pytest.mark.parametrize("name", ["cat", "coffee", "brick", "grass", "gravel", "coins"])
def test_pictures_without_a_person_have_no_face(name: str) -> None:
    judgement = judge(faceless()[name])
    assert [problem.code for problem in judgement.problems] == ["no_face"]
    assert judgement.face is None


@pytest.mark.parametrize("size", [(160, 160), (160, 5000), (5000, 161)])
def test_odd_shapes_have_no_face_either(size: tuple[int, int]) -> None:
    assert problems(Image.effect_noise(size, 90)) == {"no_face"}


@pytest.mark.parametrize("size", [256, 512])
def test_drawn_photos_pass_the_same_gate(size: int) -> None:
    drawn = [draw_photo(sample_character(s), sample_scene(s + 500), seed=s, size=size) for s in range(12)]
    accepted = [judge(image).accepted for image in drawn]
    assert sum(accepted) >= 11


def test_an_unreadable_file_is_a_judgement_too() -> None:
    judgement = examine(PhotoError("a.jpg", "the file is empty", "Copy it again")).judgement
    assert not judgement.accepted and judgement.name == "a.jpg" and judgement.photo is None
    assert judgement.problems[0].to_dict() == {
        "code": "unreadable", "words": "The file is empty", "way_out": "Copy it again"
    }  # fmt: skip


@pytest.mark.parametrize("size", [(1, 1), (159, 500), (2, 2000)])
def test_too_small(size: tuple[int, int]) -> None:
    assert problems(portrait("hopper").resize(size)) == {"too_small"}


def test_a_small_face_in_a_large_photo() -> None:
    person = portrait("hopper")
    hall = Image.new("RGB", (700, 600), (150, 150, 155))
    hall.paste(person.resize((92, 108)), (300, 200))
    assert problems(hall) == {"face_too_small"}
    hall.paste(person.resize((170, 199)), (300, 200))
    assert "face_too_small" in warnings(hall)


@pytest.mark.parametrize("person", PEOPLE)
def test_blur_is_refused_and_softness_is_mentioned(person: str, portraits: dict[str, Photo]) -> None:
    image = portrait(person)
    [face, *_] = find_faces(image)
    # Enlarged first, so that the blur is what a lens out of focus makes of a photo with enough pixels.
    large = image.resize((image.width * 3, image.height * 3), Image.Resampling.BICUBIC)
    strong = large.filter(ImageFilter.GaussianBlur(0.05 * face.width * 3))
    assert problems(strong) in ({"blurred"}, {"no_face"})
    assert problems(large.filter(ImageFilter.GaussianBlur(0.035 * face.width * 3))) <= {"blurred"}
    steps = [
        sharpness(image.filter(ImageFilter.GaussianBlur(s * face.width)), face) for s in (0, 0.01, 0.02, 0.03, 0.05)
    ]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] > 0.4 and steps[-1] < 0.17


def test_a_shaken_photo_is_blurred_though_it_is_sharp_one_way(portraits: dict[str, Photo]) -> None:
    image = np.asarray(portraits["astronaut"].image, dtype=np.float32)
    shaken = Image.fromarray(np.mean([np.roll(image, k, axis=1) for k in range(18)], axis=0).astype(np.uint8))
    [face, *_] = find_faces(portraits["astronaut"].image)
    assert sharpness(shaken, face) < 0.17


def test_noise_is_not_sharpness(portraits: dict[str, Photo]) -> None:
    image = portraits["hopper"].image
    [face, *_] = find_faces(image)
    blurred = image.filter(ImageFilter.GaussianBlur(0.05 * face.width))
    noise = np.random.default_rng(0).normal(0, 4, (*image.size[::-1], 3))
    noisy = Image.fromarray(np.clip(np.asarray(blurred) + noise, 0, 255).astype(np.uint8))
    assert sharpness(noisy, face) < 0.25


@pytest.mark.parametrize("person", PEOPLE)
def test_darkness(person: str) -> None:
    assert problems(ImageEnhance.Brightness(portrait(person)).enhance(0.12)) == {"too_dark"}
    assert warnings(ImageEnhance.Brightness(portrait(person)).enhance(0.28)) == {"too_dark"}
    assert "too_dark" not in warnings(ImageEnhance.Brightness(portrait(person)).enhance(0.6))


def test_dark_skin_in_good_light_is_not_darkness() -> None:
    who = next(who for seed in range(200) if (who := sample_character(seed)).skin == "dark")
    scene = sample_scene(1, light="studio light", headwear="none", turn=0.0)
    assert "too_dark" not in warnings(draw_photo(who, scene, size=512))


def test_a_burnt_photo() -> None:
    assert problems(ImageEnhance.Brightness(portrait("hopper")).enhance(2.8)) == {"too_bright"}
    assert "too_bright" in warnings(ImageEnhance.Brightness(portrait("astronaut")).enhance(1.45))


def test_two_people_of_the_same_size_are_refused() -> None:
    left, right = portrait("hopper"), portrait("astronaut").resize((900, 900))
    assert problems(side_by_side(left, right)) == {"several_faces"}


def test_somebody_in_the_background_is_mentioned() -> None:
    front, behind = portrait("hopper").resize((1024, 1200)), portrait("astronaut").resize((760, 760))
    judgement = judge(side_by_side(front, behind))
    assert judgement.accepted
    assert [warning.code for warning in judgement.warnings] == ["several_faces"]
    assert judgement.face is not None and judgement.face.centre[0] < 1024, "the larger one is meant"


@pytest.mark.parametrize("cut", ["left", "chin"])
def test_a_face_over_the_edge(cut: str) -> None:
    image = portrait("hopper").resize((1024, 1200))
    [face, *_] = find_faces(image)
    left, _, _, bottom = face.box
    boxes = {
        "left": (round(left + 0.2 * face.width), 0, 1024, 1200),
        "chin": (0, 0, 1024, round(bottom - 0.2 * face.width)),
    }
    # Cut hard enough, a face is no longer found, which is a refusal as well; never is it accepted.
    found = problems(image.crop(boxes[cut]))
    assert found and found <= {"cut_off", "no_face"}


def test_hair_over_the_edge_is_mentioned() -> None:
    image = portrait("astronaut").resize((1024, 1024))
    [face, *_] = find_faces(image)
    cropped = image.crop((0, round(face.box[1] - 0.05 * face.width), 1024, 1024))
    assert "cut_off" in warnings(cropped)


def with_sunglasses(image: Image.Image, darkness: int) -> Image.Image:
    image = image.copy()
    [face, *_] = find_faces(image)
    draw = ImageDraw.Draw(image)
    for outer, inner in ((0, 1), (2, 3)):
        x, y = face.landmarks[[outer, inner]].mean(axis=0)
        side = face.width * 0.19
        draw.ellipse((x - side, y - 0.75 * side, x + side, y + 0.9 * side), fill=(darkness, darkness, darkness + 3))
    draw.line([tuple(face.landmarks[1]), tuple(face.landmarks[3])], fill=(10, 10, 10), width=round(face.width * 0.04))
    return image


@pytest.mark.parametrize("person", PEOPLE)
def test_sunglasses(person: str) -> None:
    assert problems(with_sunglasses(portrait(person), 18)) == {"sunglasses"}
    assert warnings(with_sunglasses(portrait(person), 75)) == {"sunglasses"}


def test_clear_glasses_are_no_sunglasses(portraits: dict[str, Photo]) -> None:
    image = portraits["hopper"].image  # she wears glasses with a dark upper rim
    assert eye_darkness(image, find_faces(image)[0]) < 0.2


def test_a_mask_is_mentioned_and_a_mouth_is_not(portraits: dict[str, Photo]) -> None:
    image = portraits["hopper"].image.copy()
    [face, *_] = find_faces(image)
    assert mouth_colour(image, face) < 0.5
    (left, _, right, bottom), nose, width = face.box, face.landmarks[4], face.width
    mask = [
        (left + 0.05 * width, nose[1] - 0.08 * width), (nose[0], nose[1] - 0.2 * width),
        (right - 0.05 * width, nose[1] - 0.08 * width), (right - 0.12 * width, bottom),
        (nose[0], bottom + 0.08 * width), (left + 0.12 * width, bottom),
    ]  # fmt: skip
    ImageDraw.Draw(image).polygon(mask, fill=(170, 200, 225))
    assert "covered_mouth" in warnings(image)


def test_pose_follows_the_head(portraits: dict[str, Photo]) -> None:
    image = portraits["astronaut"].image
    straight = pose(find_faces(image)[0])
    turned = pose(find_faces(image.rotate(-10, Image.Resampling.BICUBIC))[0])
    assert turned.tilt - straight.tilt == pytest.approx(10, abs=3)
    mirrored = pose(find_faces(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))[0])
    assert mirrored.tilt == pytest.approx(-straight.tilt, abs=2)
    scenes = {turn: sample_scene(1, turn=turn, tilt=0.0, headwear="none") for turn in (-0.8, 0.8)}
    drawn = {turn: draw_photo(sample_character(3), scene, size=512) for turn, scene in scenes.items()}
    turns = {turn: pose(find_faces(image)[0]).turn for turn, image in drawn.items()}
    assert turns[-0.8] < turns[0.8]


def test_light_from_a_side_is_seen(portraits: dict[str, Photo]) -> None:
    image = portraits["hopper"].image
    [face, *_] = find_faces(image)
    shade = np.linspace(1.0, 0.3, image.width)[None, :, None]
    lit_left = Image.fromarray((np.asarray(image) * shade).astype(np.uint8))
    assert light(lit_left, face).side < light(image, face).side - 0.1


def test_the_verdict_on_a_photo_does_not_depend_on_its_format(portraits: dict[str, Photo]) -> None:
    png, jpeg = portrait("hopper"), as_photo(portrait("hopper"), quality=70)
    first, second = examine(as_photo(png, quality=95)).judgement, examine(jpeg).judgement
    assert first.problems == second.problems and first.warnings == second.warnings
    assert first.sharpness == pytest.approx(second.sharpness, abs=0.05)
