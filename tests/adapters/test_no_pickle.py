"""Nothing in the project reads a pickle, or runs code that came with a file: by its source, and while it works."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_adapter import make_adapter

from workbench.config import ROOT

FOLDERS = ("workbench", "recipes", "ui", "examples", "benchmarks", "docs")
FILES = sorted(path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
MODULES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "pickletools"}
# Calls that unpickle or run text, by the end of their dotted names.
CALLS = {"torch.load", "torch.jit.load", "torch.hub.load", "eval", "exec", "yaml.load", "yaml.unsafe_load",
         "yaml.full_load", "pandas.read_pickle", "pd.read_pickle", "__import__"}  # fmt: skip
WRONG = {"allow_pickle": True, "trust_remote_code": True, "weights_only": False, "use_safetensors": False}


def wrong_lines(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import):
            yield from (f"{line}: import {each.name}" for each in node.names if each.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield f"{line}: from {node.module} import"
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in CALLS:
                yield f"{line}: {name}"
            for keyword in node.keywords:
                if keyword.arg in WRONG and getattr(keyword.value, "value", None) is WRONG[keyword.arg]:
                    yield f"{line}: {keyword.arg}={WRONG[keyword.arg]}"


@pytest.mark.parametrize("file", FILES, ids=str)
def test_no_source_reads_pickles(file: Path) -> None:
    assert list(wrong_lines((ROOT / file).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from joblib import load", "torch.load(x)", "np.load(x, allow_pickle=True)", "eval('1')",
     "X.from_pretrained(y, trust_remote_code=True)", "yaml.load(x)", "def f():\n    import dill as d"],
)  # fmt: skip
def test_the_search_finds_them(source: str) -> None:
    assert list(wrong_lines(source))


# Python reports every class or function that an unpickler looks up, of C and of Python code alike; a pickle that can do
# anything has to look something up.
WATCHED = """
import sys
from pathlib import Path

base, adapter, folder = sys.argv[1:4]
found = []
sys.addaudithook(lambda event, values: found.append(values) if event == "pickle.find_class" else None)

import pickle
class Evil:
    def __reduce__(self):
        return (print, ("never",))
try:
    pickle.loads(pickle.dumps(Evil()))
finally:
    assert len(found) == 1, "the watch sees an unpickling"
found.clear()

from workbench import adapters
from workbench.adapters import formats, share
from workbench.adapters.blend import Ingredient, mix_adapters
from workbench.adapters.fuse import fuse_adapters
from workbench.adapters.report import report_adapter
from workbench.backbones import open_backbone
from workbench.errors import AdapterError

backbone = open_backbone(base, device="cpu")
folder = Path(folder)
adapters.import_adapter(Path(adapter), "one")
entry = adapters.find_adapter("one")
report_adapter(entry.path, backbone)
formats.export_adapter(entry.path, "kohya", folder / "k.safetensors", backbone)
formats.import_peft(formats.export_peft(entry.path, folder / "peft"), "two")
share.pack_adapter(entry.path, folder / "one.zip")
share.unpack_adapter(folder / "one.zip", "three")
mix_adapters([Ingredient("one"), Ingredient("two")], "four", backbone=backbone)
fuse_adapters([("four", 1.0)], base, folder / "fused")

# The same bytes under every name that a pickle goes by, and as what it is not.
import io
import torch
torch.save({"lora": Evil()}, folder / "evil.bin")
evil = (folder / "evil.bin").read_bytes()
for name in ("evil.bin", "evil.ckpt", "evil.pt", "evil.pth", "evil.safetensors"):
    (folder / name).write_bytes(evil)
    for look in (lambda path: adapters.import_adapter(path, "evil"), adapters.inspect_adapter, adapters.read_weights):
        try:
            look(folder / name)
        except AdapterError:
            continue
        raise SystemExit(f"{name} was read")
(adapters.find_adapter("one").path.parent / "evil.ckpt").write_bytes(evil)
assert any(each.broken for each in adapters.list_shelf())
print("unpickled:", found)
"""


@pytest.mark.slow
def test_nothing_is_unpickled_on_the_way_of_an_adapter(base: Path, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "mia.safetensors", base)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(base), str(adapter), str(tmp_path)],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().splitlines() == ["never", "unpickled: []"]
