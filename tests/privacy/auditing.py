"""`make audit`: looks every installed package up for known holes, and says how many could be looked up at all.

pip-audit alone ends well when its service knows none of the packages, as behind a mirror; that would be no audit.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

HOLES, NOT_LOOKED_UP = 1, 3
# Builds that no index describes: torch without CUDA, and this package itself.
_OF_NO_INDEX = ("torch", "chibi-workbench")


def main(words: Sequence[str]) -> int:
    """Runs pip-audit and tells what it found; 1 for holes, 3 when packages could not be looked up."""
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner", "off"]
    done = subprocess.run([*command, "--format", "json", *words], capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        print(f"NOT AUDITED: the service cannot be reached. {done.stderr.strip().splitlines()[-1:]}")
        return NOT_LOOKED_UP
    lines, code = verdict(packages)
    print("\n".join(lines))
    return code


def verdict(packages: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """What to say of pip-audit's answer, and the exit code."""
    lines = [
        f"{each['name']} {each['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'nothing yet'}"
        for each in packages
        for hole in each.get("vulns", [])
    ]
    skipped = [each["name"] for each in packages if "skip_reason" in each and each["name"] not in _OF_NO_INDEX]
    known = len(packages) - len([each for each in packages if "skip_reason" in each])
    code = HOLES if lines else 0
    lines.append(f"{known} of {len(packages)} packages were looked up; {len(lines)} known holes.")
    if skipped:
        lines.append(f"NOT AUDITED: the service does not know {len(skipped)}, {', '.join(skipped[:5])} for example.")
        lines.append("Without a network, or behind a mirror without this service, nothing can be said of them.")
        code = code or NOT_LOOKED_UP
    return lines, code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
