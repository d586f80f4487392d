"""Files on remote stores: one way to every protocol that fsspec knows, and sentences for what goes wrong there."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from stride_data.errors import DataError
from stride_data.storage_options import scrubbed
from stride_data.urls import protocol

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from upath import UPath
    from zarr.storage import FsspecStore

    Location: TypeAlias = Path | UPath

# Files up to this size come in one request; of larger ones only the parts that are needed.
WHOLE_BYTES = 8 * 2**20
_BLOCK_BYTES = 2**20

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "http": "aiohttp", "https": "aiohttp", "gs": "gcsfs", "gcs": "gcsfs"}


def remote_path(url: str, options: Mapping[str, Any]) -> UPath:
    """The path of a URL; nothing is opened.

    Args:
        url: The URL, without credentials.
        options: Expanded options of its file system.

    Raises:
        DataError: If nothing can read its protocol.
    """
    from upath import UPath

    try:
        return UPath(url, **options)
    except Exception as exc:
        raise remote_error(url, exc, options) from None


def is_remote(path: Location) -> bool:
    """Whether a path lies on a remote store."""
    return not isinstance(path, Path)


def file_system(path: UPath) -> AbstractFileSystem:
    """The file system of a path, this process's own: those of another process cannot be used after a fork.

    Raises:
        DataError: If the protocol's package is missing, or it does not take the options.
    """
    import fsspec

    try:
        return fsspec.filesystem(path.protocol, **path.storage_options)
    except Exception as exc:
        raise error_at(path, exc) from None


def remote_glob(path: UPath) -> list[UPath]:
    """Files and folders that a path with wildcards names.

    Raises:
        DataError: If the store cannot be read.
    """
    from upath import UPath

    system = file_system(path)
    try:
        names = system.glob(_name(path))
        return [UPath(system.unstrip_protocol(name), **path.storage_options) for name in map(str, names)]
    except FileNotFoundError:
        return []
    except Exception as exc:
        raise error_at(path, exc) from None


def check_folder(path: UPath) -> None:
    """Refuse a folder or bucket that is not there.

    Raises:
        DataError: If the store has no such folder, or cannot be read.
    """
    try:
        file_system(path).ls(_name(path))
    except DataError:
        raise
    except Exception as exc:
        raise error_at(path, exc) from None


def remote_exists(path: UPath) -> bool:
    """Whether there is a file.

    Raises:
        DataError: If the store cannot be read.
    """
    try:
        file_system(path).info(_name(path))
    except FileNotFoundError:
        return False
    except DataError:
        raise
    except Exception as exc:
        raise error_at(path, exc) from None
    return True


def open_remote(path: UPath, *, whole: bool = False) -> BinaryIO:
    """Open a file for reading at any place.

    Args:
        path: The file.
        whole: Fetch all of it, however large; small files, and those of web servers that hand out no parts, are fetched
            whole in any case.

    Raises:
        DataError: If the file cannot be read.
    """
    system: Any = file_system(path)  # its methods are annotated for text files too
    name = _name(path)
    try:
        if whole:
            return io.BytesIO(system.cat_file(name))
        size = system.info(name).get("size")
        if size is None or size <= WHOLE_BYTES:
            return io.BytesIO(system.cat_file(name))
        try:
            file = system.open(name, "rb", block_size=_BLOCK_BYTES)
            file.seek(size - 1)
            file.read(1)
            file.seek(0)
            return file
        except (ValueError, NotImplementedError, io.UnsupportedOperation):
            return io.BytesIO(system.cat_file(name))
    except Exception as exc:
        raise error_at(path, exc) from None


def zarr_store(path: UPath) -> FsspecStore:
    """A Zarr store for reading.

    Raises:
        DataError: If the protocol's package is missing.
    """
    from zarr.storage import FsspecStore

    file_system(path)  # a missing package or a wrong option is told from here
    return FsspecStore.from_url(str(path), storage_options=dict(path.storage_options), read_only=True)


def error_at(path: UPath, exc: BaseException) -> DataError:
    """One sentence for what a file system raised."""
    return remote_error(str(path), exc, path.storage_options)


def remote_error(url: str, exc: BaseException, options: Mapping[str, Any]) -> DataError:
    """One sentence for what a file system raised; a library's own words are repeated without the options' values.

    Args:
        url: What was asked for.
        exc: What was raised.
        options: Expanded options.
    """
    if isinstance(exc, DataError):
        return exc
    known = _known_problem(url, exc)
    if known is not None:
        return DataError(f"{url}: {known}.")
    return DataError(f"{url}: cannot be read ({reason_of(exc, options)}); check the URL and storage_options.")


def remote_problem(path: Location, exc: BaseException) -> DataError | None:
    """The sentence for an error that lies with the store and not with the file's content; None for any other."""
    known = _known_problem(str(path), exc) if is_remote(path) else None
    return None if known is None else DataError(f"{path}: {known}.")


def reason_of(exc: BaseException, options: Mapping[str, Any]) -> str:
    """A library's own words in one line, without the secrets among the options."""
    text = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
    return scrubbed(text, options)[:120]


def _known_problem(url: str, exc: BaseException) -> str | None:
    chain = _chain(exc)
    names = {type(each).__name__ for each in chain}
    kind = protocol(url) or ""
    status = next((each.status for each in chain if isinstance(getattr(each, "status", None), int)), None)  # type: ignore[attr-defined]
    if any(isinstance(each, ImportError) for each in chain):
        package = _PACKAGES.get(kind, "the package of its protocol")
        return f"reading {kind}:// needs {package}; install it, or stride-data[remote]"
    if any(isinstance(each, PermissionError) for each in chain) or status in (401, 403):
        return "access is forbidden; check the credentials in storage_options"
    if names & {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}:
        return "no credentials were found; give them in storage_options, or anon: true"
    if any(isinstance(each, FileNotFoundError) for each in chain) or status == 404:
        return "there is no such file, folder or bucket; correct data.root or the pattern"
    if names & _UNREACHABLE or any(isinstance(each, ConnectionError | TimeoutError) for each in chain):
        return f"the host cannot be reached ({type(exc).__name__}); check its name and the network"
    if isinstance(exc, ValueError) and "nsupported filesystem" in str(exc):
        return f"'{kind}' is no protocol that is known; use s3, http, https, file or a path"
    return None


_UNREACHABLE = {
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ClientOSError",
    "ConnectionTimeoutError",
    "ConnectTimeoutError",
    "EndpointConnectionError",
    "FSTimeoutError",
    "ReadTimeoutError",
    "ServerDisconnectedError",
    "ServerTimeoutError",
    "gaierror",
}


def _chain(exc: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while exc is not None and exc not in found:
        found.append(exc)
        exc = exc.__cause__ or exc.__context__
    return found


def _name(path: UPath) -> str:
    """The path as its file system knows it."""
    return str(path) if path.protocol in ("http", "https") else path.path
