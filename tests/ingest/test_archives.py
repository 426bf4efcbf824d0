"""Archives and folders, honest and hostile, built on the spot."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import pickle
import socket
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.errors import InputError
from pipeline.stages.ingest import sources
from pipeline.stages.ingest.archives import Archives
from pipeline.stages.ingest.config import ArchivesSource, IngestConfig
from pipeline.stages.ingest.source import Listing, OriginInput, UnusableOrigin, directory_of
from pipeline.swhid import MODE_EXECUTABLE, MODE_FILE, MODE_SYMLINK, content_id

TarMember = tuple[bytes, bytes, dict[str, object]]


def tar(members: Iterable[TarMember], **options: object) -> bytes:
    """A tar of `(name, content, TarInfo attributes)`."""
    out = io.BytesIO()
    with tarfile.open(
        fileobj=out, mode="w", encoding="utf-8", errors="surrogateescape", format=tarfile.PAX_FORMAT
    ) as t:
        for name, data, attributes in members:
            info = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
            info.size = len(data)
            for key, value in attributes.items():
                setattr(info, key, value)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(members: Iterable[tuple[str, bytes, int]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of `(name, content, Unix mode)`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data, mode in members:
            info = zipfile.ZipInfo(name)
            info.filename = name  # the constructor cuts at a NUL
            info.external_attr = mode << 16
            info.create_system = 3
            info.compress_type = method
            z.writestr(info, data)
    return out.getvalue()


def archives(path: Path, **limits: int) -> Archives:
    source = ArchivesSource(path=str(path))
    return Archives(source, IngestConfig.model_validate({"sources": (source,), **limits}))


def listed(path: Path, **limits: int) -> tuple[Listing, dict[bytes, bytes]]:
    """The listing of one input, and what it gave to the sink."""
    source = archives(path, **limits)
    (item,) = source.discover(Path("/"))
    given_to_sink: list[tuple[bytes, bytes]] = []
    listing = source.list(item, lambda blob, data: given_to_sink.append((blob, data)))
    spooled = dict(given_to_sink)
    assert len(spooled) == len(given_to_sink), "a content came twice"
    assert all(content_id(data) == blob for blob, data in given_to_sink)
    assert {e.blob for e in listing.entries} <= set(spooled)
    assert directory_of(listing.entries, listing.refusals) == listing.directory
    assert dict(source.read(item, [e.blob for e in listing.entries])) == {
        e.blob: spooled[e.blob] for e in listing.entries
    }
    return listing, spooled


def made(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def outcomes(listing: Listing) -> dict[bytes, str]:
    """Each path's rule, or "" for an entry."""
    found = [(e.path, "") for e in listing.entries] + [(r.path, r.rule) for r in listing.refusals]
    assert len(dict(found)) == len(found)
    return dict(found)


def refused(path: Path, **limits: int) -> UnusableOrigin:
    source = archives(path, **limits)
    (item,) = source.discover(Path("/"))
    with pytest.raises(UnusableOrigin) as caught:
        source.list(item, lambda blob, data: None)
    assert str(path.parent) not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    return caught.value


PLAIN: list[TarMember] = [
    (b"p-1/a.py", b"a\n", {}),
    (b"p-1/src/b.sh", b"b\n", {"mode": 0o755}),
    (b"p-1/c.py", b"a\n", {}),
]


def _zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("tar", bytes),
        ("tar.gz", gzip.compress),
        ("TGZ", gzip.compress),
        ("crate", gzip.compress),
        ("tar.bz2", bz2.compress),
        ("tar.xz", lzma.compress),
        ("tar.zst", _zstd),
        ("tar.gz", bytes),
    ],
)
def test_every_compression_gives_the_same(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    listing, spooled = listed(made(tmp_path, f"p-1.{suffix}", pack(tar(PLAIN))))
    assert [(e.path, e.mode, e.length) for e in listing.entries] == [
        (b"a.py", MODE_FILE, 2),
        (b"c.py", MODE_FILE, 2),
        (b"src/b.sh", MODE_EXECUTABLE, 2),
    ]
    assert sorted(spooled.values()) == [b"a\n", b"b\n"]
    assert listing.visit_type == "tarball-directory"
    assert listing.messages == (f"no origin was given: it is called local:p-1.{suffix}",)


def test_a_wheel_keeps_its_top_folder_and_a_zip_does_not(tmp_path: Path) -> None:
    data = zipped([("p/a.py", b"a\n", 0o100644), ("p/b.sh", b"b\n", 0o100755)])
    wheel, _ = listed(made(tmp_path, "p-1-py3-none-any.whl", data))
    archive, _ = listed(made(tmp_path, "p-1.zip", data))
    assert [e.path for e in wheel.entries] == [b"p/a.py", b"p/b.sh"]
    assert [(e.path, e.mode) for e in archive.entries] == [(b"a.py", MODE_FILE), (b"b.sh", MODE_EXECUTABLE)]


@pytest.mark.parametrize(
    "names",
    [[b"a", b"p/b"], [b"p/a", b"q/b"], [b"a"], [b"p/a", b"./b"]],
    ids=["file beside", "two", "file", "dot"],
)
def test_only_a_single_common_top_folder_goes(tmp_path: Path, names: list[bytes]) -> None:
    listing, _ = listed(made(tmp_path, "x.tar", tar([(name, b"", {}) for name in names])))
    assert [e.path for e in listing.entries] == sorted(name.removeprefix(b"./") for name in names)


HOSTILE_NAMES = {
    b"../up": "unsafe_path",
    b"a/../../up": "unsafe_path",
    b"/etc/passwd": "unsafe_path",
    b"a//b": "unsafe_path",
    b"a/./b": "unsafe_path",
    b"C:/x": "unsafe_path",
    b"c:x": "unsafe_path",
    b"a\\..\\b": "unsafe_path",
    b"d/" * 2100 + b"x": "unsafe_path",
    b".git/config": "vcs_metadata",
    b"sub/.GIT/hooks/x": "vcs_metadata",
    b"ok": "",
    b"\xff\xfe.py": "",
    "ü".encode(): "",
    b"new\nline": "",
    b"...": "",
    b".gitignore": "",
}


def test_hostile_names_in_tar(tmp_path: Path) -> None:
    members: list[TarMember] = [(name, b"x", {}) for name in HOSTILE_NAMES]
    nul: TarMember = (b"n", b"x", {"pax_headers": {"path": "nul\0name"}})
    listing, spooled = listed(made(tmp_path, "x.tar", tar([*members, nul])))
    assert outcomes(listing) == HOSTILE_NAMES | {b"nul\0name": "unsafe_path"}
    placed = {r.path for r in listing.refusals if r.blob is not None}
    assert placed == {b"C:/x", b"c:x", b"a\\..\\b"}
    assert list(spooled.values()) == [b"x"]


def test_hostile_names_in_zip(tmp_path: Path) -> None:
    ascii_names = {name: rule for name, rule in HOSTILE_NAMES.items() if name.isascii()}
    names = [*(name.decode() for name in ascii_names), "nul\0name"]
    listing, _ = listed(made(tmp_path, "x.zip", zipped([(name, b"x", 0o100644) for name in names])))
    assert outcomes(listing) == ascii_names | {b"nul\0name": "unsafe_path"}


def test_a_refused_name_alone_gives_nothing_to_the_sink(tmp_path: Path) -> None:
    listing, spooled = listed(
        made(
            tmp_path,
            "x.tar",
            tar([(b"../up", b"x", {}), (b"l", b"", {"type": tarfile.LNKTYPE, "linkname": "../up"})]),
        )
    )
    assert outcomes(listing) == {b"../up": "unsafe_path", b"l": "link"}
    assert spooled == {}


def test_zip_names_survive_as_bytes(tmp_path: Path) -> None:
    data = zipped([("\xff.py", b"flagged", 0o100644), ("QQ.py", b"raw", 0o100644)]).replace(b"QQ.py", b"\xff\x81.py")
    listing, _ = listed(made(tmp_path, "x.zip", data))
    assert {e.path for e in listing.entries} == {"\xff.py".encode(), b"\xff\x81.py"}


def test_a_zip_name_that_lies_about_utf_8_refuses_the_archive(tmp_path: Path) -> None:
    data = zipped([("é.py", b"", 0o100644)]).replace("é".encode(), b"\xff\xff")
    assert refused(made(tmp_path, "x.zip", data)).rule == "corrupt_archive"


def test_links_and_special_files_in_tar(tmp_path: Path) -> None:
    members: list[TarMember] = [
        (b"a", b"text", {"mode": 0o755}),
        (b"hard", b"", {"type": tarfile.LNKTYPE, "linkname": "./a"}),
        (b"hard-out", b"", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}),
        (b"soft", b"", {"type": tarfile.SYMTYPE, "linkname": "../../etc/passwd"}),
        (b"loop", b"", {"type": tarfile.SYMTYPE, "linkname": "loop"}),
        (b"fifo", b"", {"type": tarfile.FIFOTYPE}),
        (b"null", b"", {"type": tarfile.CHRTYPE}),
        (b"odd", b"x", {"type": b"Z"}),
        (b"folder", b"", {"type": tarfile.DIRTYPE}),
    ]
    listing, spooled = listed(made(tmp_path, "x.tar", tar(members)))
    assert outcomes(listing) == {
        b"a": "",
        b"hard": "",
        b"hard-out": "link",
        b"soft": "symlink",
        b"loop": "symlink",
        b"fifo": "special_file",
        b"null": "special_file",
        b"odd": "special_file",
    }
    assert [(e.path, e.mode, e.length) for e in listing.entries] == [
        (b"a", MODE_EXECUTABLE, 4),
        (b"hard", MODE_EXECUTABLE, 4),
    ]
    soft = next(r for r in listing.refusals if r.path == b"soft")
    assert (soft.mode, soft.blob) == (MODE_SYMLINK, content_id(b"../../etc/passwd"))
    assert list(spooled.values()) == [b"text"]


def test_a_sparse_member_is_not_unpacked(tmp_path: Path) -> None:
    headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(10**15), "GNU.sparse.numblocks": "1"}
    members: list[TarMember] = [(b"huge", b"x", {"pax_headers": headers}), (b"a", b"a", {})]
    listing, _ = listed(made(tmp_path, "x.tar", tar(members)))
    assert outcomes(listing) == {b"huge": "special_file", b"a": ""}


def test_links_and_special_files_in_zip(tmp_path: Path) -> None:
    members = [
        ("a", b"text", 0),
        ("soft", b"../../etc/passwd", stat.S_IFLNK | 0o777),
        ("fifo", b"", stat.S_IFIFO | 0o644),
        ("folder/", b"", stat.S_IFDIR | 0o755),
        ("smuggled/", b"code", 0),
    ]
    listing, spooled = listed(made(tmp_path, "x.zip", zipped(members)))
    assert outcomes(listing) == {
        b"a": "",
        b"soft": "symlink",
        b"fifo": "special_file",
        b"smuggled/": "unsafe_path",
    }
    assert listing.entries[0].mode == MODE_FILE
    assert next(r.blob for r in listing.refusals if r.rule == "symlink") == content_id(b"../../etc/passwd")
    assert list(spooled.values()) == [b"text"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_with_one_name_the_later_wins(tmp_path: Path) -> None:
    in_tar, _ = listed(made(tmp_path, "x.tar", tar([(b"a", b"1", {}), (b"./a", b"22", {}), (b"a", b"333", {})])))
    in_zip, _ = listed(made(tmp_path, "x.zip", zipped([("a", b"1", 0), ("a", b"22", 0), ("a", b"333", 0)])))
    for listing in (in_tar, in_zip):
        assert [(e.path, e.length) for e in listing.entries] == [(b"a", 3)]
        assert [(r.path, r.rule, r.blob, r.length) for r in listing.refusals] == [
            (b"a", "shadowed", None, 1),
            (b"a", "shadowed", None, 2),
        ]


def test_a_file_in_the_way_of_a_folder_leaves_the_tree(tmp_path: Path) -> None:
    members: list[TarMember] = [
        (b"x/a", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc"}),
        (b"x/a/passwd", b"1", {}),
        (b"x/b/c", b"2", {}),
        (b"x/b", b"3", {}),
        (b"x/d", b"4", {}),
        (b"x/d/../e", b"5", {}),
    ]
    listing, _ = listed(made(tmp_path, "x.tar", tar(members)))
    assert outcomes(listing) == {
        b"a": "name_conflict",
        b"a/passwd": "",
        b"b/c": "",
        b"b": "name_conflict",
        b"d": "",
        b"x/d/../e": "unsafe_path",
    }


def test_a_file_that_is_too_large_is_hashed_but_not_held(tmp_path: Path) -> None:
    data = b"0123456789" * 300_000
    at_limit, over = data[:1000], data
    members: list[TarMember] = [(b"over", over, {}), (b"at", at_limit, {})]
    for path in (
        made(tmp_path, "x.tar", tar(members)),
        made(tmp_path, "x.zip", zipped([("over", over, 0), ("at", at_limit, 0)])),
    ):
        listing, spooled = listed(path, max_file_bytes=1000, max_ratio=1000)
        assert outcomes(listing) == {b"over": "too_large", b"at": ""}
        assert [(r.blob, r.length) for r in listing.refusals] == [(content_id(over), len(over))]
        assert list(spooled.values()) == [at_limit]


def test_a_file_of_200_mb_is_streamed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with (tmp_path / "folder" / "huge").open("wb") as stream:
        stream.truncate(200_000_000)
    tracemalloc.start()
    listing, spooled = listed(tmp_path / "folder")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert outcomes(listing) == {b"huge": "too_large"}
    assert not spooled
    assert peak < 10_000_000


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"max_archive_bytes": 50_000}, "too_large_archive"),
        ({"max_ratio": 20, "max_file_bytes": 1000}, "bomb"),
        ({"max_entries": 2}, "too_many_entries"),
    ],
)
def test_bombs_are_refused_whole(tmp_path: Path, limits: dict[str, int], rule: str) -> None:
    zeros = b"0" * 100_000
    members: list[TarMember] = [(b"a/a", zeros, {}), (b"a/b", zeros, {}), (b"a/c", zeros, {})]
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_bytes(zeros)
    assert refused(made(tmp_path, "x.tar.gz", gzip.compress(tar(members))), **limits).rule == rule
    assert (
        refused(made(tmp_path, "x.zip", zipped([("a", zeros, 0), ("b", zeros, 0), ("c", zeros, 0)])), **limits).rule
        == rule
    )
    if rule != "bomb":
        assert refused(folder, **limits).rule == rule


def test_few_long_names_cannot_imply_folders_without_end(tmp_path: Path) -> None:
    members: list[TarMember] = [(b"%d/" % n + b"d/" * 500 + b"x", b"", {}) for n in range(5)]
    assert refused(made(tmp_path, "x.tar", tar(members)), max_entries=1000).rule == "too_many_entries"


def test_an_archive_in_an_archive_stays_closed(tmp_path: Path) -> None:
    inner = zipped([("x", b"x", 0)])
    listing, spooled = listed(made(tmp_path, "x.zip", zipped([("a/inner.zip", inner, 0), ("b", b"", 0)])))
    assert outcomes(listing) == {b"a/inner.zip": "", b"b": ""}
    assert inner in spooled.values()


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress, _zstd])
def test_truncated_tars_are_refused(tmp_path: Path, pack: Callable[[bytes], bytes], kept: float) -> None:
    without_padding = tar(PLAIN)[: 512 * 7]
    data = pack(without_padding)
    assert refused(made(tmp_path, "x.tar.gz", data[: int(len(data) * kept)])).rule == "corrupt_archive"


def test_a_tar_without_its_end_marker_may_have_lost_members(tmp_path: Path) -> None:
    assert refused(made(tmp_path, "x.tar", tar(PLAIN)[: 512 * 6])).rule == "corrupt_archive"


def test_a_damaged_header_in_mid_archive_is_not_its_end(tmp_path: Path) -> None:
    data = bytearray(tar(PLAIN))
    data[1024 + 150] ^= 1  # in the second member's checksum
    assert refused(made(tmp_path, "x.tar", bytes(data))).rule == "corrupt_archive"


def test_a_header_of_absurd_size_is_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 40
    assert refused(made(tmp_path, "x.tar", info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))).rule == "corrupt_archive"


def test_a_flipped_bit_in_gzip_is_noticed_at_its_end(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(tar(PLAIN)))
    data[-6] ^= 1  # in the check sum
    assert refused(made(tmp_path, "x.tar.gz", bytes(data))).rule == "corrupt_archive"


def test_bytes_after_the_end_marker_are_said_aloud(tmp_path: Path) -> None:
    listing, _ = listed(made(tmp_path, "x.tar", tar(PLAIN) + b"more"))
    assert listing.messages[-1] == "bytes after the end marker of the archive are not read"
    assert len(listing.entries) == 3


@pytest.mark.parametrize("cut", [0, 10, 60, -1, -22, -30])
def test_truncated_zips_are_refused(tmp_path: Path, cut: int) -> None:
    data = zipped([("a", b"some text", 0), ("b", b"more text", 0)])
    assert refused(made(tmp_path, "x.whl", data[:cut])).rule == "corrupt_archive"


def test_a_zip_member_longer_than_it_says_is_refused_alone(tmp_path: Path) -> None:
    whole = zipped([("a", b"some text", 0), ("b", b"more text", 0)])
    for length in (0, 4):
        data = bytearray(whole)
        for at in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
            data[at] = length
        listing, spooled = listed(made(tmp_path, "x.zip", bytes(data)))
        assert outcomes(listing) == {b"a": "unreadable_member", b"b": ""}
        assert list(spooled.values()) == [b"more text"]


def test_a_damaged_member_of_a_zip_is_refused_alone(tmp_path: Path) -> None:
    data = zipped([("a", b"some text", 0), ("b", b"more text", 0)], zipfile.ZIP_STORED)
    listing, _ = listed(made(tmp_path, "x.zip", data.replace(b"some text", b"same text")))
    assert outcomes(listing) == {b"a": "unreadable_member", b"b": ""}
    assert [r.blob for r in listing.refusals] == [None]


def test_encrypted_and_oddly_compressed_members_are_refused_alone(tmp_path: Path) -> None:
    data = bytearray(zipped([("a", b"some text", 0), ("b", b"more text", 0)]))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    listing, _ = listed(made(tmp_path, "x.zip", bytes(data)))
    assert outcomes(listing) == {b"a": "encrypted_member", b"b": ""}
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        listing, _ = listed(made(tmp_path, "y.zip", zipped([("a", b"x", 0)], method)))
        assert outcomes(listing) == {b"a": "unreadable_member"}


@settings(max_examples=100)
@given(st.data())
def test_damage_never_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    name, whole = data.draw(
        st.sampled_from(
            [
                (
                    "x.tar",
                    tar(
                        [
                            *PLAIN,
                            (b"n" * 200, b"x", {}),
                            (b"l", b"", {"type": tarfile.SYMTYPE, "linkname": "a" * 200}),
                        ]
                    ),
                ),
                ("x.tar.gz", gzip.compress(tar(PLAIN), mtime=0)),
                ("x.zip", zipped([("a", b"some text" * 20, 0), ("b/c", b"more text", 0o120777)])),
            ]
        )
    )
    bad = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
    path = made(tmp_path_factory.getbasetemp(), name, bytes(bad))
    try:
        listed(path)
    except UnusableOrigin:
        return


def test_a_plain_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub" / "empty").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_bytes(b"ref: x")
    (folder / "sub" / "a").write_bytes(b"a")
    (folder / "run").write_bytes(b"r")
    (folder / "run").chmod(0o755)
    (folder / "loop").symlink_to("loop")
    (folder / "out").symlink_to("/etc")
    os.mkfifo(folder / "fifo")
    with open(os.fsencode(folder) + b"/\xff\xfe", "wb") as stream:
        stream.write(b"bytes")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(folder / "socket"))
    listing, _ = listed(folder)
    assert outcomes(listing) == {
        b"sub/a": "",
        b"run": "",
        b"\xff\xfe": "",
        b"loop": "symlink",
        b"out": "symlink",
        b"fifo": "special_file",
        b"socket": "special_file",
        b".git/HEAD": "vcs_metadata",
    }
    assert {e.path: e.mode for e in listing.entries}[b"run"] == MODE_EXECUTABLE
    assert listing.visit_type == "directory"


def test_what_may_not_be_read_in_a_folder_is_refused_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    (folder / "closed").mkdir(parents=True)
    (folder / "secret").write_bytes(b"s")
    (folder / "open").write_bytes(b"o")
    really_open, really_scan = os.open, os.scandir

    def no_open(path: bytes, *arguments: int) -> int:
        if path.endswith(b"secret"):
            raise PermissionError(13, "Permission denied")
        return really_open(path, *arguments)

    def no_scan(path: bytes) -> object:
        if path.endswith(b"closed"):
            raise PermissionError(13, "Permission denied")
        return really_scan(path)

    monkeypatch.setattr(os, "open", no_open)
    monkeypatch.setattr(os, "scandir", no_scan)
    listing, _ = listed(folder)
    assert outcomes(listing) == {b"open": "", b"secret": "unreadable_member", b"closed": "unreadable_member"}


def test_an_input_that_changes_after_discovery_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_bytes(b"1")
    archive = made(tmp_path, "x.tar", tar(PLAIN))
    for path, change in ((folder, folder / "a"), (archive, archive)):
        source = archives(path)
        (item,) = source.discover(Path("/"))
        change.write_bytes(b"2")
        with pytest.raises(InputError, match="changed after the run began"):
            source.list(item, lambda blob, data: None)


def test_an_empty_archive_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert refused(tmp_path / "folder").rule == "empty_origin"
    assert refused(made(tmp_path, "x.tar", tar([]))).rule == "empty_origin"
    assert refused(made(tmp_path, "x.zip", zipped([]))).rule == "empty_origin"


def discovered(base: Path, **source: object) -> list[OriginInput]:
    config = IngestConfig.model_validate({"sources": [{"kind": "archives", **source}]})
    (found,) = sources(config, base).values()
    return found.discover(base)


def test_origins_are_named_sorted_and_never_local(tmp_path: Path) -> None:
    made(tmp_path, "six-1.17.0.tar.gz", b"six")
    made(tmp_path, "attrs-25.1.0-py3-none-any.whl", b"attrs")
    found = discovered(tmp_path, path="*-*", origin="pkg:pypi/{name}@{version}")
    assert [(item.origin, Path(item.locator).name) for item in found] == [
        ("pkg:pypi/attrs@25.1.0", "attrs-25.1.0-py3-none-any.whl"),
        ("pkg:pypi/six@1.17.0", "six-1.17.0.tar.gz"),
    ]
    assert found[1].digest == "sha256:" + hashlib.sha256(b"six").hexdigest()
    assert all(str(tmp_path) not in item.origin + item.digest for item in found)


def test_a_table_of_origins_must_name_every_input(tmp_path: Path) -> None:
    made(tmp_path, "a.zip", zipped([("a", b"a", 0)]))
    made(tmp_path, "b.zip", zipped([("b", b"b", 0)]))
    table = made(tmp_path, "origins.csv", b"path,origin,stars\na.zip,pkg:npm/a@1,7\n")
    with pytest.raises(InputError, match=r"expected a row for every input, found none for .*b\.zip"):
        discovered(tmp_path, path="*", origins="origins.csv")
    table.write_bytes(b"path,origin,stars,date\na.zip,pkg:npm/a@1,7,\nb.zip,https://host/b,,2020-01-01\n")
    first, second = discovered(tmp_path, path="*", origins="origins.csv")
    assert (first.origin, first.stars, second.origin, second.date) == (
        "https://host/b",
        None,
        "pkg:npm/a@1",
        None,
    )
    assert (first.date, second.stars) == (1577836800, 7)


def test_two_inputs_with_one_origin_are_an_error(tmp_path: Path) -> None:
    made(tmp_path, "a-1.zip", b"")
    made(tmp_path, "a-1-py3-none-any.whl", b"")
    with pytest.raises(InputError, match=r"two inputs have the origin 'pkg:pypi/a@1': .* and "):
        discovered(tmp_path, path=["*.zip", "*.whl"], origin="pkg:pypi/{name}@{version}")


def test_what_is_no_archive_is_an_error(tmp_path: Path) -> None:
    made(tmp_path, "README.txt", b"")
    with pytest.raises(InputError, match=r"README\.txt: expected a folder or an archive"):
        discovered(tmp_path, path="*")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({}, "Field required"),
        ({"path": ""}, "path is empty"),
        ({"path": []}, "path is empty"),
        ({"path": "*", "origin": "{nam}"}, r"unknown field \{nam\}"),
        ({"path": "*", "origin": ""}, "origin is empty"),
        ({"path": "*", "origin": "{name"}, "expected '}'"),
        ({"path": "*", "origin": "{name}", "origins": "x.csv"}, "either origin"),
        ({"path": "*", "glob": "*"}, "Extra inputs"),
        ({"path": 3}, "valid string"),
    ],
)
def test_a_contradictory_configuration_is_refused(source: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        IngestConfig.model_validate({"sources": [{"kind": "archives", **source}]})
    with pytest.raises(ValidationError, match="does not match any of the expected tags"):
        IngestConfig.model_validate({"sources": [{"kind": "ftp"}]})


def test_a_purl_gives_the_visit_type(tmp_path: Path) -> None:
    path = made(tmp_path, "a-1.zip", zipped([("a", b"a", 0)]))
    source = ArchivesSource(path=str(path), origin="pkg:pypi/{name}@{version}")
    archive = Archives(source, IngestConfig(sources=(source,)))
    (item,) = archive.discover(Path("/"))
    assert archive.list(item, lambda blob, data: None).visit_type == "pypi"
