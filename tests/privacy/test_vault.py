"""Photos at rest: unreadable without the key, readable with it, and honest about which is which."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loaded import load_recipe
from PIL import Image, UnidentifiedImageError
from privacy_people import bring, png, restart

from workbench.cli import main
from workbench.config import ROOT, home
from workbench.dataset import build_dataset, load_examples
from workbench.dataset.selfies import gather_selfies
from workbench.errors import DatasetError, VaultError
from workbench.photos import crops, judgements, kept_photos, open_crop
from workbench.photos.scene import photo_words, save_photo_words
from workbench.privacy import is_sealed, keys, lock, private_files, seal, unlock, vault, vault_status
from workbench.privacy.seal import key_file, read_private, unseal, write_private


def test_a_new_workspace_is_encrypted_and_its_photos_can_be_used() -> None:
    subject = bring()
    save_photo_words(subject, {crops(subject)[0].stem: "in the secret garden"})
    files = [path for path in subject.folder.rglob("*") if path.is_file() and path.name != "subject.json"]
    assert {path.parent.name for path in files} == {"photos", "crops", "mia"}
    assert all(is_sealed(path) for path in files)
    for path in subject.folder.rglob("*.png"):
        with pytest.raises(UnidentifiedImageError):
            Image.open(path)
    everything = b"".join(path.read_bytes() for path in files)
    assert b"IHDR" not in everything and b"selfie" not in everything and b"secret garden" not in everything
    restart()
    assert open_crop(crops(subject)[0]).mode == "RGB"
    assert [photo.name for photo in kept_photos(subject)] == ["selfie-1.jpg"]
    assert len(judgements(subject)) == 1 and photo_words(subject)
    assert len(gather_selfies("subject", "mia").crops) == 1


def test_the_key_is_outside_the_workspace_and_for_its_owner_alone() -> None:
    bring()
    [file] = keys.keys_folder().glob("*.key")
    assert home() not in file.parents
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    master = file.read_text().strip().encode()
    assert all(master not in path.read_bytes() for path in home().rglob("*") if path.is_file())
    assert vault().key == "file" and "copied" in vault_status().protection


def test_without_the_key_nothing_opens_and_the_way_out_is_told() -> None:
    subject = bring()
    [file] = keys.keys_folder().glob("*.key")
    kept = file.read_bytes()
    file.unlink()
    restart()
    with pytest.raises(VaultError, match="backup"):
        open_crop(crops(subject)[0])
    file.write_bytes(b"QUJD" * 11)
    with pytest.raises(VaultError):
        open_crop(crops(subject)[0])
    file.write_bytes(kept)
    assert open_crop(crops(subject)[0])


def test_each_person_has_a_key_and_erasing_it_ends_what_is_left_of_them() -> None:
    write_private(home() / "subjects" / "mia" / "photos" / "a.png", png())
    write_private(home() / "subjects" / "leo" / "photos" / "a.png", png())
    left = (home() / "subjects" / "mia" / "photos" / "a.png").read_bytes()
    assert seal.erase_key("mia") == [key_file("mia")]
    with pytest.raises(VaultError, match="gone"):
        unseal(left, "a.png")
    assert read_private(home() / "subjects" / "leo" / "photos" / "a.png") == png()
    with pytest.raises(VaultError):
        read_private(home() / "subjects" / "mia" / "photos" / "a.png")


def test_a_file_in_the_place_of_another_is_refused() -> None:
    folder = home() / "subjects" / "mia" / "photos"
    write_private(folder / "a.png", png("red"))
    write_private(folder / "b.png", png("blue"))
    (folder / "a.png").write_bytes((folder / "b.png").read_bytes())
    with pytest.raises(VaultError, match="altered"):
        read_private(folder / "a.png")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), place=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.integers(0, 300))
def test_any_change_is_seen(content: bytes, place: int, bit: int, cut: int) -> None:
    path = home() / "subjects" / "mia" / "photos" / "a.png"
    write_private(path, content)
    sealed = path.read_bytes()
    assert unseal(sealed, "a.png") == content
    altered = bytearray(sealed)
    # A change in the first eight bytes makes it another kind of file, which is given back as it is.
    place = len(seal.MAGIC) + place % (len(sealed) - len(seal.MAGIC))
    altered[place] ^= 1 << bit
    for wrong in (bytes(altered), sealed[: max(len(seal.MAGIC), len(sealed) - 1 - cut)]):
        with pytest.raises(VaultError):
            unseal(wrong, "a.png")


def test_a_data_set_is_sealed_where_it_shows_the_person() -> None:
    folder = home() / "datasets" / "mia"
    picture, other = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    build_dataset(folder, [(picture, "photo of zkq in her flat")], [(other, "a class picture")], [(other, "an anchor")])
    assert {path.name: is_sealed(path) for path in folder.iterdir()} == {
        "photo-000.png": True, "metadata.jsonl": True, "anchor-000.png": False, "class-000.png": False,
    }  # fmt: skip
    restart()
    assert next(example.text for example in load_examples(folder)) == "photo of zkq in her flat"
    (folder / "photo-000.png").write_bytes((folder / "anchor-000.png").read_bytes())
    with pytest.raises(DatasetError, match="changed"):
        load_examples(folder)


def test_locking_and_unlocking_an_older_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_VAULT", "plain")
    subject = bring()
    before = {path: path.read_bytes() for path in private_files()}
    assert len(before) == 3 and vault_status().plain == 3 and vault_status().mode == "plain"
    monkeypatch.setenv("WORKBENCH_VAULT", "")
    assert vault().mode == "plain", "a workspace from before was changed without being asked"
    latent = home() / "cache" / "latents" / "0.safetensors"
    latent.parent.mkdir(parents=True)
    latent.write_bytes(b"a photo's latent")
    assert lock() == 3 and not latent.exists()
    assert lock() == 0
    assert (vault_status().sealed, vault_status().plain, vault_status().mode) == (3, 0, "encrypted")
    restart()
    assert {path: read_private(path) for path in before} == before
    assert open_crop(crops(subject)[0])
    assert unlock() == 3
    assert {path: path.read_bytes() for path in before} == before
    assert vault_status().mode == "plain" and not list(keys.keys_folder().iterdir()) and not key_file("mia").exists()
    assert lock() == 3


def test_half_locked_workspaces_are_read_and_finished() -> None:
    bring()
    first = next(private_files())
    plain = read_private(first)
    first.write_bytes(plain)
    assert (vault_status().sealed, vault_status().plain) == (2, 1)
    assert lock() == 1 and is_sealed(first) and read_private(first) == plain


def test_a_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "SCRYPT_N", 2**10)
    with pytest.raises(VaultError, match="shorter"):
        lock("passphrase", "mia")
    lock("passphrase", "four words or more")
    subject = bring()
    text = keys.vault_file().read_text()
    assert "four words" not in text and json.loads(text)["key"] == "passphrase"
    restart()
    assert not vault_status().open
    with pytest.raises(VaultError, match="passphrase"):
        open_crop(crops(subject)[0])
    with pytest.raises(VaultError, match="not its key"):
        keys.open_with("four words or less")
    keys.open_with("four words or more")
    assert os.environ[keys.PASSPHRASE] and open_crop(crops(subject)[0])
    monkeypatch.delenv(keys.PASSPHRASE)


def test_a_working_keyring_is_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import keyring
    import keyring.backend

    class InMemory(keyring.backend.KeyringBackend):  # what a desktop's keyring does, without a desktop
        priority = 5.0  # type: ignore[assignment]
        table: dict[tuple[str, str], str] = {}  # noqa: RUF012

        def get_password(self, service: str, username: str) -> str | None:
            return self.table.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            self.table[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del self.table[service, username]

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    try:
        subject = bring()
        assert vault().key == "keyring" and len(InMemory.table) == 1 and not keys.keys_folder().exists()
        restart()
        assert open_crop(crops(subject)[0])
        InMemory.table.clear()
        restart()
        with pytest.raises(VaultError, match="keyring"):
            open_crop(crops(subject)[0])
    finally:
        keyring.set_keyring(before)


def test_many_processes_at_a_new_workspace_make_one_key() -> None:
    script = (
        "import sys; from workbench.config import home; from workbench.privacy import write_private;"
        "write_private(home() / 'subjects' / 'mia' / 'photos' / (sys.argv[1] + '.png'), b'pixels')"
    )
    all_of_them = [subprocess.Popen([sys.executable, "-c", script, str(number)]) for number in range(4)]
    assert [process.wait(60) for process in all_of_them] == [0] * 4
    files = sorted(home().glob("subjects/mia/photos/*.png"))
    assert [read_private(file) for file in files] == [b"pixels"] * 4
    assert len(list(keys.keys_folder().glob("*.key"))) == 1


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bring()
    assert main(["vault", "status"]) == 0
    assert "encrypted" in capsys.readouterr().out
    assert main(["--json", "vault", "unlock", "--yes"]) == 0
    assert json.loads(capsys.readouterr().out)["changed"] == 3
    assert main(["vault"]) == 0
    assert "plain" in capsys.readouterr().out
    assert main(["vault", "lock", "--key", "file"]) == 0
    monkeypatch.setenv(keys.PASSPHRASE, "four words or more")
    assert main(["vault", "lock", "--key", "passphrase"]) == 2
    assert "Unlock it first" in capsys.readouterr().err


def test_copies_of_a_search_are_sealed_and_can_be_learned_from() -> None:
    search = load_recipe("search")
    teach, judge = search.split_photos(ROOT / "examples" / "selfies", home() / "search" / "mia", 0.5)
    files = sorted(teach.iterdir())
    assert files and judge and all(is_sealed(file) for file in files)
    assert sorted(gather_selfies(str(teach), "").names) == [file.name for file in files]
