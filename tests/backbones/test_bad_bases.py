"""Bases that cannot be used: each error names the thing, the reason and the way out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import HTTPServer
from pathlib import Path

import pytest
from standing_in import Quiet, serving
from tiny_families import make_tiny, name_it, without

from workbench.backbones import catalogue, open_backbone, own_catalogue
from workbench.backbones.locate import _not_fetched
from workbench.errors import BackboneError


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny("sdxl", tmp_path_factory.mktemp("bases") / "sdxl")


def refusal(name: Path | str) -> str:
    with pytest.raises(BackboneError) as caught:
        open_backbone(name, device="cpu")
    return str(caught.value)


def test_a_base_that_is_not_what_its_name_says(base: Path) -> None:
    told = refusal(name_it(base, "my-sdxl", family="sdxl"))
    assert "my-sdxl: it is called Stable Diffusion XL and is Stable Diffusion 1.x" in told and "bases.yaml" in told


def test_a_folder_that_says_sdxl_and_holds_another_denoiser(base: Path, sdxl: Path, tmp_path: Path) -> None:
    mixed = Path(shutil.copytree(sdxl, tmp_path / "mixed"))
    shutil.rmtree(mixed / "unet")
    shutil.copytree(base / "unet", mixed / "unet")
    told = refusal(mixed)
    assert "says that it is Stable Diffusion XL" in told and "of another kind (Stable Diffusion 1.x)" in told


def test_a_folder_with_a_transformer_of_another_family(tmp_path: Path) -> None:
    flux, z_image = make_tiny("flux", tmp_path / "flux"), make_tiny("z-image", tmp_path / "z")
    shutil.rmtree(flux / "transformer")
    shutil.copytree(z_image / "transformer", flux / "transformer")
    assert "ZImageTransformer2DModel, not FluxTransformer2DModel" in refusal(flux)


def test_an_inpainting_base_is_named(base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "inpaint"))
    config = json.loads((copy / "unet" / "config.json").read_text())
    (copy / "unet" / "config.json").write_text(json.dumps(config | {"in_channels": 9}))
    assert "inpainting" in refusal(copy)


@pytest.mark.parametrize(
    ("part", "words"), [("vae", "autoencoder is missing"), ("text_encoder_2", "text encoder 2 is missing")]
)
def test_a_part_that_is_missing_is_named(sdxl: Path, tmp_path: Path, part: str, words: str) -> None:
    told = refusal(without(sdxl, part, tmp_path / "copy"))
    assert words in told and f"copy {part}/ from another base of the family Stable Diffusion XL" in told


def test_a_base_without_a_network_names_what_would_help(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = hub(monkeypatch, tmp_path, "http://127.0.0.1:9", "sdxl")
    assert "it is not on this machine and cannot be fetched from the hub" in told
    assert "Check the connection" in told and "chibi-mini" in told


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("GatedRepo", 403, "accepted their terms. Accept them at https://huggingface.co/someone/base"),
        ("RepoNotFound", 401, "the hub has no base of this name, or it needs a login"),
        ("EntryNotFound", 404, "there is no diffusers pipeline in it. Add the name of a .safetensors file"),
    ],
)
def test_what_the_hub_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refusing: str, code: str, status: int, words: str
) -> None:
    assert words in hub(monkeypatch, tmp_path, f"{refusing}/{code}/{status}", "someone/base")


@pytest.mark.parametrize("name", ["someone/base/model.ckpt", "someone/base/unet/diffusion_pytorch_model.bin", "x.pt"])
def test_files_of_the_hub_that_can_run_code_are_refused_before_they_are_fetched(name: str) -> None:
    told = refusal(name)
    assert "can run code" in told and "weights_only=True" in told


def test_a_folder_with_weights_that_can_run_code_holds_the_line_that_converts(base: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(base, tmp_path / "old"))
    (copy / "vae" / "diffusion_pytorch_model.safetensors").rename(copy / "vae" / "diffusion_pytorch_model.bin")
    told = refusal(copy)
    assert "there is no safetensors file in vae/" in told and "weights_only=True" in told


def test_a_base_of_the_hub_without_safetensors_says_so() -> None:
    # What diffusers raises after it has read the list of a base's files.
    error = OSError("Could not find the necessary `safetensors` weights in {'unet/x.bin'} (variant=None)")
    told = str(_not_fetched("someone/base", error))
    assert told.startswith("someone/base: its weights are there only in files that can run code")


@pytest.fixture(scope="module")
def refusing() -> Iterator[str]:
    """A hub of our own that refuses everything, as the real one does: /CODE/STATUS/… answers so."""

    class Refusal(Quiet):
        def do_HEAD(self) -> None:
            _, code, status, *_ = self.path.split("/")
            self.send_response(int(status))
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", "no")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD

    with serving(HTTPServer(("127.0.0.1", 0), Refusal)) as address:
        yield address


def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str, name: str) -> str:
    """What is said when a base is asked for; in a process of its own, since the client reads the address once."""
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    code = f"from workbench.backbones import open_backbone; open_backbone({name!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("mine: {source: nowhere}", "mine: nowhere is not there. Correct its source in"),
        ("mine: {words: nice}", "it does not say where the base is"),
        ("mine: {source: a/b, resolutoin: 512}", "Did you mean resolution?"),
        ("mine: {source: a/b, steps: many}", "steps cannot be 'many'. Write it as int"),
        ("mine: {source: a/b, family: sd9}", "there is no family 'sd9'"),
        ("chibi-mini: {source: a/b}", "a base of this name comes with the workbench"),
        ("mine: [", "cannot be read as YAML"),
        ("- mine", "does not list bases by name"),
    ],
)
def test_mistakes_in_a_persons_own_catalogue(content: str, words: str) -> None:
    own_catalogue().parent.mkdir(parents=True, exist_ok=True)
    own_catalogue().write_text(content)
    assert words in refusal("mine")


def test_a_persons_own_base_is_listed_and_opened(base: Path) -> None:
    own_catalogue().parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(base, own_catalogue().parent / "my folder")
    own_catalogue().write_text("mia-base:\n  source: my folder\n  words: Mine.\n  memory: 4\n  guidance: 3.0\n")
    assert catalogue()["mia-base"].words == "Mine." and "chibi-mini" in catalogue()
    backbone = open_backbone("mia-base", device="cpu")
    assert (backbone.id, backbone.guidance, backbone.opened_as) == ("mia-base", 3.0, "mia-base")
