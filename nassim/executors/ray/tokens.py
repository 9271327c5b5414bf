"""Ray's tokens: finding out whether a cluster asks for one, and giving it the one that this machine has.

A local Ray makes a token, in ~/.ray/auth_token, and from then on `ray start` asks for it on that machine. A driver that
joins such a cluster by its address must give it, and one that gives a token to a cluster that asks for none loses its
workers. So the cluster is asked.
"""

import os
from pathlib import Path

import grpc

from nassim.errors import NassimError

AUTH_MODE = "RAY_AUTH_MODE"
"""The environment variable that says whether Ray asks for tokens: "token" or "disabled"."""
ANSWER_S = 5.0
"""How long a cluster's head may take to answer."""
_METHOD = "/ray.rpc.NodeInfoGcsService/GetClusterId"
_HELP = "https://docs.ray.io/en/latest/ray-security/token-auth.html"


def match_tokens(address: str, *, is_first: bool) -> None:
    """Have this process give a token to a cluster that asks for one, and none to another.

    Where the head's answer says nothing about tokens, everything stays as it is.

    Args:
        address: The cluster's head, host:port.
        is_first: Whether this process has not run any Ray before.

    Raises:
        NassimError: The cluster asks for a token, and this machine has none, or another; or it asks for none, and this
            process has given tokens to another Ray before, and would ask its workers for them.
    """
    refused = _refuses(address, None)
    if refused is None:
        return
    if refused:
        token, origin = _token()
        if token is None:
            raise NassimError(
                f"the Ray at {address} asks for a token, and there is none here: copy the cluster's to "
                f"~/.ray/auth_token, or set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH. See {_HELP}"
            )
        if _refuses(address, token):
            raise NassimError(
                f"the Ray at {address} asks for a token, and refuses the one in {origin}: take the cluster's. See "
                f"{_HELP}"
            )
    _set_mode(address, refused, is_first)


def _refuses(address: str, token: str | None) -> bool | None:
    """Say whether a cluster's head refuses who comes with this token; None where it answers something else."""
    metadata = [] if token is None else [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(address) as channel:
        try:
            channel.unary_unary(_METHOD)(b"", timeout=ANSWER_S, metadata=metadata)
        except grpc.RpcError as error:
            return True if error.code() is grpc.StatusCode.UNAUTHENTICATED else None
    return False


def _token() -> tuple[str | None, str]:
    """Return this machine's token, as Ray finds it, and where it is from."""
    if token := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return token, "RAY_AUTH_TOKEN"
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    try:
        return path.read_text(encoding="utf-8").strip() or None, str(path)
    except OSError:
        return None, str(path)


def _set_mode(address: str, asks: bool, is_first: bool) -> None:
    from ray._raylet import AuthenticationMode, get_authentication_mode  # type: ignore[attr-defined]

    os.environ[AUTH_MODE] = "token" if asks else "disabled"
    if not asks and not is_first and get_authentication_mode() == AuthenticationMode.TOKEN:
        raise NassimError(
            f"the Ray at {address} asks for no tokens, and this process has run one that does, such as a local Ray; "
            "join it from a new process"
        )
    read_mode()


def read_mode() -> None:
    """Have Ray read the mode from the environment again; it did when it was imported."""
    from ray._raylet import Config  # type: ignore[attr-defined]

    Config.initialize("")
