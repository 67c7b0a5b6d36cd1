"""The inbox in a bucket: batches below an S3 prefix stay where they are; notes beside them say what became of each."""

import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

from pipeline.core.errors import DataError, MachineError, ServingError
from pipeline.core.progress import with_progress
from pipeline.core.tables import replacing
from pipeline.intake.archives import ArchiveCaps
from pipeline.intake.inbox import (
    MARKER,
    QUARANTINE,
    TAKEN,
    Arrival,
    ArrivedFile,
    PutAside,
    Settled,
    Waiting,
    batch_of,
    no_such_batch,
)

Item = Mapping[str, Any]
"""What a listing says of one object."""

_CONNECT_SECONDS = 5
_READ_SECONDS = 30
_TRIES = 3
_DOWNLOADS_AT_ONCE = 8
_BLOCK_BYTES = 1 << 20
_CHANGED = 412
_LONGEST_NAME = 255
"""Bytes of a file's name that file systems hold."""
_CONTROL_SIGN = re.compile(r"[\x00-\x1f\x7f]")
_NOTES = (TAKEN, QUARANTINE)
_LOOK_AGAIN_SECONDS = 300.0
_MEDIA_TYPES = {".html": "text/html; charset=utf-8", ".json": "application/json"}


@dataclass(frozen=True)
class _Upload:
    """What a listing says of one batch."""

    arrival: Arrival
    changed: float
    """When an object of it came last, in seconds since 1970."""
    is_marked: bool


class BucketInbox:
    """Batches that lie below an S3 prefix; credentials and endpoint are boto3's own.

    Args:
        address: such as `s3://bucket/inbox/`.
        quiet_seconds: a batch without a marker is complete when no object of it is younger.
        caps: bounds on number and bytes of the objects of a batch.
    """

    def __init__(self, address: str, quiet_seconds: float, caps: ArchiveCaps = ArchiveCaps()) -> None:
        self._address = address
        self._bucket, _, self._prefix = address.removeprefix("s3://").partition("/")
        self._quiet_seconds = quiet_seconds
        self._caps = caps
        self._seen: dict[str, float] = {}
        """When a folder was last found to be settled, in seconds since 1970."""

    def owns(self, source: str) -> bool:
        """See `Inbox`."""
        return source.startswith("s3://")

    def waiting(self, now: float) -> list[Waiting]:
        """See `Inbox`.

        A look costs a request for each batch that nobody has settled. Those that are settled are looked into now and
        then, whether they have changed since.
        """
        items, folders = self._top()
        settled = {key for place in _NOTES if place in folders for key in self._keys(f"{place}/")}
        noted = {key.removeprefix(self._prefix).split("/")[1] for key in settled}
        archives = [self._archive(name, items) for name in items if batch_of(name, is_folder=False)]
        names = [name for name in folders if batch_of(name, is_folder=True)]
        seen = [name for name in names if name in noted and now - self._seen.get(name, -inf) < _LOOK_AGAIN_SECONDS]
        found = []
        for upload in (*archives, *(self._folder(name) for name in names if name not in seen)):
            arrival, changed = upload.arrival, min(upload.changed, now)
            if {self._record(arrival, place) for place in _NOTES} & settled:
                self._seen[arrival.name] = now
            elif upload.is_marked or (arrival.files and now - changed >= self._quiet_seconds):
                found.append(Waiting(arrival.batch, arrival.source, changed))
        return found

    def find(self, source: str) -> Arrival | Settled:
        """See `Inbox`."""
        arrival = self._found(source)
        for place in _NOTES:
            record = self._record(arrival, place)
            if record in self._keys(record.removeprefix(self._prefix)):
                return Settled.of_values(json.loads(self._content(record)))
        return arrival

    def fetch(self, arrival: Arrival, folder: Path) -> Path:
        """See `Inbox`."""
        self._check_sizes(arrival)
        target = folder / _safe(arrival.name, arrival)
        if not arrival.source.endswith("/"):
            self._download(self._prefix + arrival.name, arrival.files[0], target)
            return target
        places = [target / _safe(file.path, arrival) for file in arrival.files]
        if any(parent in set(places) for place in places for parent in place.parents):
            raise _unsafe(arrival, "a name that is a file and a folder")
        target.mkdir(parents=True, exist_ok=True)  # also where there is nothing to fetch
        keys = (f"{self._prefix}{arrival.name}/{file.path}" for file in arrival.files)
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as threads:
            done = threads.map(self._download, keys, arrival.files, places)
            list(with_progress(done, f"fetch {arrival.name}", len(places)))
        return target

    def check_unchanged(self, arrival: Arrival) -> None:
        """See `Inbox`: only objects of the versions that were listed are fetched."""

    def settle_taken(self, arrival: Arrival, answer: Mapping[str, Any]) -> None:
        """See `Inbox`: the objects stay."""
        self._put_record(arrival, TAKEN, Settled(answer=answer))

    def quarantine_place(self, arrival: Arrival, time: str) -> str:
        """See `Inbox`: where the report lies; the objects stay."""
        return f"s3://{self._bucket}/{self._record(arrival, QUARANTINE).removesuffix('.json')}/"

    def settle_quarantined(self, arrival: Arrival, put_aside: PutAside, report: Path) -> None:
        """See `Inbox`."""
        place = put_aside.place.removeprefix(f"s3://{self._bucket}/")
        for file in sorted(report.iterdir()):
            self._put(place + file.name, file.read_bytes())
        self._put_record(arrival, QUARANTINE, Settled(put_aside=put_aside))

    @cached_property
    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        retries = {"total_max_attempts": _TRIES, "mode": "standard"}
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries=retries,
            max_pool_connections=_DOWNLOADS_AT_ONCE,
        )
        return boto3.client("s3", config=config)

    def _found(self, source: str) -> Arrival:
        name = source.removeprefix(self._address).rstrip("/")
        is_plain = source.startswith(self._address) and name and "/" not in name
        if is_plain and batch_of(name, is_folder=False) and not source.endswith("/"):
            items = self._top(name)[0]
            if name in items:
                return self._archive(name, items).arrival
        if is_plain and batch_of(name, is_folder=True):
            upload = self._folder(name)
            if upload.arrival.files or upload.is_marked:
                return upload.arrival
        raise no_such_batch(source, self._address)

    def _top(self, start: str = "") -> tuple[dict[str, Item], list[str]]:
        """Objects directly below the prefix, by name, and names of the folders there; all, or those that start so."""
        items: dict[str, Item] = {}
        folders: list[str] = []
        for page in self._pages(start, Delimiter="/"):
            items |= {item["Key"].removeprefix(self._prefix): item for item in page.get("Contents", ())}
            names = (one["Prefix"].removeprefix(self._prefix) for one in page.get("CommonPrefixes", ()))
            folders += [name.removesuffix("/") for name in names]
        return items, folders

    def _archive(self, name: str, items: Mapping[str, Item]) -> _Upload:
        item, marker = items[name], items.get(f"{name}.{MARKER}")
        files = (ArrivedFile(name, item["Size"], item["ETag"]),)
        arrival = Arrival(name, batch_of(name, is_folder=False) or "", self._address + name, files)
        return _Upload(arrival, max(_time_of(one) for one in (item, marker) if one), marker is not None)

    def _folder(self, name: str) -> _Upload:
        """What lies in a folder, which need not be there."""
        items = [item for page in self._pages(f"{name}/") for item in page.get("Contents", ())]
        named = {item["Key"].removeprefix(f"{self._prefix}{name}/"): item for item in items}
        files = (
            ArrivedFile(path, item["Size"], item["ETag"])
            for path, item in named.items()
            if path != MARKER and not item["Key"].endswith("/")
        )
        arrival = Arrival(name, name, f"{self._address}{name}/", tuple(sorted(files, key=lambda file: file.path)))
        return _Upload(arrival, max(map(_time_of, items), default=0.0), MARKER in named)

    def _keys(self, start: str) -> set[str]:
        return {item["Key"] for page in self._pages(start) for item in page.get("Contents", ())}

    def _pages(self, start: str, **more: str) -> Iterator[Any]:
        """What lies below the prefix and begins so, a thousand objects at a time."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._answering():
            yield from pages.paginate(Bucket=self._bucket, Prefix=self._prefix + start, **more)

    def _record(self, arrival: Arrival, place: str) -> str:
        """Key of the note on an upload; it names the upload, so that a listing alone tells what is settled."""
        return f"{self._prefix}{place}/{arrival.name}/{arrival.fingerprint[:32]}.json"

    def _put_record(self, arrival: Arrival, place: str, settled: Settled) -> None:
        self._put(self._record(arrival, place), json.dumps(settled.as_values(), indent=1).encode())

    def _put(self, key: str, content: bytes) -> None:
        media_type = _MEDIA_TYPES.get(Path(key).suffix, "application/octet-stream")
        with self._answering():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=media_type)

    def _content(self, key: str) -> bytes:
        with self._answering():
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return content

    def _check_sizes(self, arrival: Arrival) -> None:
        num_bytes = sum(file.num_bytes for file in arrival.files)
        if len(arrival.files) > self._caps.max_files or num_bytes > self._caps.max_bytes:
            raise DataError(
                f"{arrival.source} holds {len(arrival.files)} objects of {num_bytes} bytes together",
                expected=f"at most {self._caps.max_files} objects and {self._caps.max_bytes} bytes",
                todo="bring it in as several batches",
            )

    def _download(self, key: str, file: ArrivedFile, place: Path) -> None:
        """Fetch an object of the listed version, unless an earlier attempt did."""
        if place.is_file():
            return
        with self._answering(), replacing(place) as temporary, temporary.open("wb") as stream:
            body = self._client.get_object(Bucket=self._bucket, Key=key, IfMatch=file.version)["Body"]
            for block in body.iter_chunks(_BLOCK_BYTES):
                stream.write(block)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == _CHANGED:
                raise MachineError(
                    f"an object below {self._address} changed while it was fetched",
                    expected="a batch that is complete",
                    todo=f"wait until everything is there; an object `{MARKER}` that comes last says so",
                ) from None
            raise self._away(error) from None
        except BotoCoreError as error:
            raise self._away(error) from None

    def _away(self, error: Exception) -> ServingError:
        return ServingError(
            f"{self._address} does not answer as agreed: {error}",
            expected="an S3 service with this bucket, and the right to list, read and write below the prefix",
            todo="wait if the service is away; else check intake.s3_prefix in params.yaml, AWS_ENDPOINT_URL, "
            "AWS_ACCESS_KEY_ID and what else boto3 reads",
        )


def _time_of(item: Item) -> float:
    seconds: float = item["LastModified"].timestamp()
    return seconds


def _safe(path: str, arrival: Arrival) -> str:
    """The path of an object within its batch, if no file system could take it for something else."""
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in path or _CONTROL_SIGN.search(path):
        raise _unsafe(arrival, f"the key {path!r}")
    if any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise _unsafe(arrival, f"the key {path[:80]!r}...")
    return path


def _unsafe(arrival: Arrival, what: str) -> DataError:
    return DataError(
        f"{arrival.source} holds {what}",
        expected="keys that are plain paths of files: no empty parts, `.`, `..`, `\\` or control signs",
        todo="rename these objects",
    )
