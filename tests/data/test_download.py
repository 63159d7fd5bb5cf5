"""Downloads from a server of this machine that behaves in every way a server can."""

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from activation_search.data.download import Download, fetch, mirrors
from activation_search.errors import UserError

CONTENT = bytes(range(256)) * 2000


class Server(http.server.BaseHTTPRequestHandler):
    """What the first part of the address says."""

    requests: list[tuple[str, str | None]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.requests.append((self.path, wanted))
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        how = self.path.split("/")[1]
        if how == "missing":
            self.send_error(404)
            return
        if how == "silent":
            time.sleep(1.0)
            return
        if how == "nonsense":
            self.wfile.write(b"no status line\r\n\r\n")
            return
        content = CONTENT[::-1] if how == "altered" else CONTENT
        if how == "ignores_range":
            start = 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if how not in ("endless", "huge"):
            self.send_header("Content-Length", str(len(content) - start))
        if how == "huge":
            self.send_header("Content-Length", str(10**12))
        self.end_headers()
        body = content[start:]
        if how in ("endless", "huge"):
            with suppress(ConnectionError):
                while True:
                    self.wfile.write(body)
            return
        if how == "drips":
            with suppress(ConnectionError):
                for byte in body[:40]:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.05)
            return
        self.wfile.write(body[: len(body) // 2] if how == "breaks" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Server.requests.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "activation_search"


def file(*urls: str) -> Download:
    return Download("set/file.gz", urls, sha256(CONTENT).hexdigest(), 1_000_000)


def test_fetched_once(server: str, cache: Path) -> None:
    download = file(f"{server}/good/file.gz")
    assert fetch(download) == cache / "set" / "file.gz"
    assert fetch(download).read_bytes() == CONTENT
    assert Server.requests == [("/good/file.gz", None)]
    assert not list(cache.rglob("*.part"))


def test_the_first_mirror_that_has_it(server: str, cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    dead = f"http://127.0.0.1:{port}/"
    folders = [dead, f"{server}/missing/", f"{server}/silent/", f"{server}/altered/",
               f"{server}/good/"]  # fmt: skip
    assert fetch(file(*mirrors(folders, "file.gz")), timeout=0.2).read_bytes() == CONTENT
    assert [path for path, _ in Server.requests] == [
        f"/{how}/file.gz" for how in ("missing", "silent", "altered", "good")
    ]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("missing", "Not Found"),
        ("silent", "timed out"),
        ("altered", r"another file than expected \(SHA-256 \w{12}…\)"),
        ("breaks", "ended after 256000 of 512000 bytes"),
        ("nonsense", "no status line"),
        ("endless", "more than the 1,000,000 bytes that are expected"),
        ("huge", "1,000,000,000,000 bytes are offered, at most 1,000,000 expected"),
        ("drips", "slower than 1000 bytes per second"),
    ],
)
def test_why_it_failed(server: str, cache: Path, how: str, reason: str) -> None:
    sentence = f"Cannot download file.gz .*{how}/file.gz: {reason}.* put at {cache}/set/file.gz"
    with pytest.raises(UserError, match=sentence):
        fetch(file(f"{server}/{how}/file.gz"), timeout=0.2)
    assert not (cache / "set" / "file.gz").exists()
    if how in ("endless", "huge"):
        assert not (cache / "set" / "file.gz.part").exists()


@pytest.mark.parametrize("how", ["good", "ignores_range"])
def test_a_broken_download_is_gone_on_with(server: str, cache: Path, how: str) -> None:
    with pytest.raises(UserError, match=r"ended after"):
        fetch(file(f"{server}/breaks/file.gz"))
    assert (cache / "set" / "file.gz.part").stat().st_size == len(CONTENT) // 2
    assert fetch(file(f"{server}/{how}/file.gz")).read_bytes() == CONTENT
    assert Server.requests[-1] == (f"/{how}/file.gz", f"bytes={len(CONTENT) // 2}-")


@pytest.mark.parametrize("left", [b"garbage", bytes(2 * len(CONTENT))])
def test_what_is_gone_on_with_may_be_wrong_itself(server: str, cache: Path, left: bytes) -> None:
    (cache / "set").mkdir(parents=True)
    (cache / "set" / "file.gz.part").write_bytes(left)
    assert fetch(file(f"{server}/good/file.gz")).read_bytes() == CONTENT


def test_whole_but_not_renamed(server: str, cache: Path) -> None:
    (cache / "set").mkdir(parents=True)
    (cache / "set" / "file.gz.part").write_bytes(CONTENT)
    assert fetch(file(f"{server}/good/file.gz")).read_bytes() == CONTENT


def test_several_at_once_fetch_it_once(server: str, cache: Path) -> None:
    download = file(f"{server}/good/file.gz")
    threads = [threading.Thread(target=fetch, args=(download,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Server.requests) == 1


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"Cannot write .*file.gz: Not a directory"):
        fetch(file("http://127.0.0.1/none"))
