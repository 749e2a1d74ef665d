"""An adapter put into a repository of the hub, with its model card: the one thing here that leaves this computer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from workbench.adapters.card import Card
from workbench.adapters.file import inspect_adapter
from workbench.adapters.share import bundle
from workbench.errors import AdapterError

STAYS_HERE = "personal"


def why_not_shared(card: Card, agreed: str = "") -> str:
    """Why an adapter should not be given to everyone; empty when nothing speaks against it.

    Args:
        agreed: what the person shown has agreed to, said by whoever shares it now.
    """
    if not card.licence:
        return "its card names no licence"
    if not card.scope and not agreed:
        return "its card does not say what the person shown agreed to"
    if card.scope.split(":")[0].strip() == STAYS_HERE and not agreed:
        return "the person shown agreed to personal use only"
    return ""


def push_adapter(
    path: Path,
    repository: str,
    pictures: Sequence[Path] = (),
    words: str = "",
    agreed: str = "",
    private: bool = True,
    token: str | None = None,
    endpoint: str | None = None,
) -> str:
    """Uploads what `share.bundle` gives, in one commit; the repository is made when there is none.

    Args:
        path: an adapter file.
        repository: `OWNER/NAME`.
        pictures, words: see `pack_adapter`.
        agreed: what the person shown agreed to, when the card does not allow sharing.
        private: whether a new repository is for its owner only.
        token: access token; None takes the one of `hf auth login` or `HF_TOKEN`.
        endpoint: another hub than huggingface.co.

    Returns:
        The commit's address.

    Raises:
        AdapterError: sharing was not agreed to, the repository's name is wrong, the hub refused, or cannot be reached.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", repository):
        raise AdapterError(
            f"Repository {repository!r}", "it is not of the form OWNER/NAME", "For example mia/chibi-mia"
        )
    card = inspect_adapter(path).card or Card(name=path.stem, created="")
    if reason := why_not_shared(card, agreed):
        raise AdapterError(
            path.stem, f"it is not shared: {reason}",
            "Say the licence with --licence and what the person agreed to with --agreed",
        )  # fmt: skip
    files = bundle(path, pictures, agreed or words)

    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    # The base of all that the client's transport raises; which library that is (httpx, httpx2) depends on its version.
    unreachable: tuple[type[Exception], ...] = (OSError,)
    unreachable += tuple(base for base in HfHubHTTPError.__mro__ if base.__name__ == "HTTPError")
    api = HfApi(endpoint=endpoint, token=token)
    try:
        api.create_repo(repository, private=private, exist_ok=True)
        commit = api.create_commit(
            repository,
            [CommitOperationAdd(name, content) for name, content in files.items()],
            commit_message=f"Adapter {path.stem}",
        )
    except (LocalTokenNotFoundError, OfflineModeIsEnabled) as error:
        offline = isinstance(error, OfflineModeIsEnabled)
        raise AdapterError(
            repository,
            "this computer is set to stay offline (HF_HUB_OFFLINE)" if offline else "you are not logged in",
            "Unset HF_HUB_OFFLINE" if offline else "Run `hf auth login`, or set HF_TOKEN",
        ) from None
    except HfHubHTTPError as error:
        code = error.response.status_code if error.response is not None else 0
        if code in (401, 403):
            raise AdapterError(
                repository, "the hub does not let you write there", "Run `hf auth login` with a token that may write"
            ) from None
        raise AdapterError(repository, f"the hub refused ({code}: {str(error)[:160]})", "Try again later") from None
    except unreachable as error:
        raise AdapterError(
            repository, f"the hub cannot be reached ({type(error).__name__})", "Check the connection"
        ) from None
    return str(commit.commit_url)
