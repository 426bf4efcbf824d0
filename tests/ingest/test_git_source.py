"""The source `git`, on real repositories made by git."""

from __future__ import annotations

import hashlib
import os
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.stages.ingest import git_command
from pipeline.stages.ingest.config import GitSource, IngestConfig
from pipeline.stages.ingest.git import GitRepositories
from pipeline.stages.ingest.source import Listing, OriginInput, UnusableOrigin, directory_of
from pipeline.swhid import MODE_EXECUTABLE, MODE_FILE, MODE_SUBMODULE, MODE_SYMLINK, content_id

TOKEN = "gh" + "p_" + "x" * 36
COMMIT = "01" * 20
HEAD_ONLY = "HEAD only: other branches, tags and the history are not read"


def git(cwd: Path, *arguments: str, given: bytes | None = None) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    who = {"NAME": "A", "EMAIL": "a@example.org", "DATE": "1700000000 +0100"}
    environment |= {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=cwd, input=given, capture_output=True, check=True, env=environment)
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def repository(path: Path, files: dict[str, bytes] | None = None) -> Path:
    """A clone with one commit of `files`."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "trunk")
    for name, data in (files if files is not None else {"a.py": b"a\n", "src/b.py": b"b\n"}).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    if files != {}:
        git(path, "add", "-A")
        git(path, "commit", "-q", "-m", "one")
    return path


def committed(path: Path, lines: Sequence[tuple[str, str, bytes]]) -> str:
    """HEAD becomes a commit of exactly `(mode, id, path)`, whatever they are. Returns its tree."""
    given = b"".join(f"{mode} {target}\t".encode() + name + b"\0" for mode, target, name in lines)
    git(path, "read-tree", "--empty")
    git(path, "update-index", "-z", "--index-info", given=given)
    return pointed_at(path, git(path, "write-tree", "--missing-ok"))


def pointed_at(path: Path, tree: str) -> str:
    git(path, "update-ref", "HEAD", git(path, "commit-tree", "-m", "made", tree))
    return tree


def raw_tree(path: Path, entries: Sequence[tuple[bytes, bytes, str]]) -> str:
    """A tree object of `(mode, name, id)` that git would refuse to make."""
    data = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(target) for mode, name, target in entries)
    return git(path, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", given=data)


def blob(path: Path, data: bytes) -> str:
    return git(path, "hash-object", "-w", "--stdin", given=data)


def source(*paths: Path, **limits: int) -> GitRepositories:
    config = GitSource(paths=tuple(map(str, paths)))
    return GitRepositories(config, IngestConfig.model_validate({"sources": (config,), **limits}))


def nothing(blob: bytes, data: bytes) -> None:
    raise AssertionError("git is lazy")


def listed(path: Path, **limits: int) -> tuple[OriginInput, Listing]:
    found = source(path, **limits)
    (item,) = found.discover(Path("/"))
    listing = found.list(item, nothing)
    assert directory_of(listing.entries, listing.refusals) == listing.directory
    assert listing.revision == item.digest
    assert str(path.parent) not in repr((item.origin, item.digest, listing))
    contents = dict(found.read(item, [e.blob for e in listing.entries]))
    assert all(content_id(data) == blob for blob, data in contents.items())
    assert {e.blob: e.length for e in listing.entries} == {b: len(data) for b, data in contents.items()}
    return item, listing


def refused(path: Path, **limits: int) -> str:
    found = source(path, **limits)
    (item,) = found.discover(Path("/"))
    with pytest.raises(UnusableOrigin) as caught:
        found.list(item, nothing)
    assert str(path.parent) not in str(caught.value)
    return caught.value.rule


def test_a_clone(tmp_path: Path) -> None:
    path = repository(tmp_path / "six")
    git(path, "remote", "add", "origin", f"https://user:{TOKEN}@github.com/o/six.git")
    item, listing = listed(path)
    assert item.origin == "https://github.com/o/six"
    assert item.digest == "swh:1:rev:" + git(path, "rev-parse", "HEAD")
    assert listing.directory.hex() == git(path, "rev-parse", "HEAD^{tree}")
    assert [(e.path, e.mode, e.blob, e.length) for e in listing.entries] == [
        (b"a.py", MODE_FILE, content_id(b"a\n"), 2),
        (b"src/b.py", MODE_FILE, content_id(b"b\n"), 2),
    ]
    assert (listing.branch, listing.revision_date, listing.visit_type) == (
        "refs/heads/trunk",
        1700000000,
        "git",
    )
    assert listing.refusals == ()
    assert listing.messages == (HEAD_ONLY,)
    assert TOKEN not in repr((item, listing))


def test_every_kind_of_entry_counts_for_the_tree(tmp_path: Path) -> None:
    path = repository(tmp_path / "r")
    a, link = blob(path, b"a"), blob(path, b"../../etc/passwd")
    big = blob(path, b"b" * 2000)
    tree = committed(
        path,
        [
            ("100755", a, b"run"),
            ("120000", link, b"link"),
            ("160000", COMMIT, b"sub/module"),
            ("100644", big, b"big"),
            ("100644", COMMIT, b"gone"),
            ("100644", a, b"back\\slash"),
            ("100644", a, b"C:/x"),
            ("100644", a, b'new\nline\t"q"'),
            ("100644", a, b"\xff\xfe"),
        ],
    )
    _, listing = listed(path, max_file_bytes=1999)
    assert listing.directory.hex() == tree
    assert {e.path: e.mode for e in listing.entries} == {
        b"run": MODE_EXECUTABLE,
        b'new\nline\t"q"': MODE_FILE,
        b"\xff\xfe": MODE_FILE,
    }
    assert {r.path: (r.rule, r.mode, r.length) for r in listing.refusals} == {
        b"link": ("symlink", MODE_SYMLINK, 16),
        b"sub/module": ("submodule", MODE_SUBMODULE, None),
        b"big": ("too_large", MODE_FILE, 2000),
        b"gone": ("missing_blob", MODE_FILE, None),
        b"back\\slash": ("unsafe_path", MODE_FILE, 1),
        b"C:/x": ("unsafe_path", MODE_FILE, 1),
    }


def test_a_tree_with_names_that_git_forbids(tmp_path: Path) -> None:
    path = repository(tmp_path / "r")
    a = blob(path, b"a")
    inner = raw_tree(path, [(b"100644", b"config", a)])
    tree = pointed_at(
        path, raw_tree(path, [(b"40000", b"..", inner), (b"40000", b".git", inner), (b"100644", b"ok", a)])
    )
    _, listing = listed(path)
    assert listing.directory.hex() == tree
    assert [e.path for e in listing.entries] == [b"ok"]
    assert {r.path: r.rule for r in listing.refusals} == {
        b"../config": "unsafe_path",
        b".git/config": "vcs_metadata",
    }


def test_old_style_modes_are_said_aloud(tmp_path: Path) -> None:
    path = repository(tmp_path / "r")
    tree = pointed_at(path, raw_tree(path, [(b"100664", b"a", blob(path, b"a"))]))
    _, listing = listed(path)
    assert [(e.path, e.mode) for e in listing.entries] == [(b"a", MODE_FILE)]
    assert listing.directory.hex() != tree
    assert f"the tree of HEAD, swh:1:dir:{tree}, is not in git's canonical form" in listing.messages[-1]


def test_bare_worktree_detached_shallow_and_no_remote(tmp_path: Path) -> None:
    path = repository(tmp_path / "in" / "six")
    (path / "c").write_bytes(b"c")
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "two")
    git(tmp_path, "clone", "-q", "--bare", str(path), "bare/six.git")
    git(path, "worktree", "add", "-q", "--detach", str(tmp_path / "work" / "tree"))
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{path}", "shallow/six")
    tree = git(path, "rev-parse", "HEAD^{tree}")
    root = "swh:1:rev:" + git(path, "rev-list", "--max-parents=0", "HEAD")
    said = {}
    for name in ("in/six", "bare/six.git", "work/tree", "shallow/six", "in/six/.git"):
        item, listing = listed(tmp_path / name)
        assert listing.directory.hex() == tree
        assert listing.root_revision == (None if name.startswith("shallow") else root)
        assert listing.messages[0] == HEAD_ONLY
        assert listing.messages[1] == f"it has no remote with a public name: it is called {item.origin}"
        said[name] = (item.origin, listing.branch, listing.messages[2:])
    trunk = "refs/heads/trunk"
    assert said == {
        "in/six": ("local:six", trunk, ()),
        "bare/six.git": ("local:six", trunk, ("a bare repository",)),
        "work/tree": ("local:tree", None, ("a linked worktree", "HEAD is detached: no branch")),
        "shallow/six": ("local:six", trunk, ("shallow: its history was cut; HEAD is whole",)),
        "in/six/.git": ("local:six", trunk, ("a bare repository",)),
    }


@pytest.mark.parametrize("change", ["modified", "untracked", "staged", "deleted"])
def test_uncommitted_changes_are_said_aloud_and_not_read(tmp_path: Path, change: str) -> None:
    path = repository(tmp_path / "six")
    before = listed(path)[1]
    if change == "deleted":
        (path / "a.py").unlink()
    else:
        (path / ("new.py" if change == "untracked" else "a.py")).write_bytes(b"changed\n")
    if change == "staged":
        git(path, "add", "-A")
    after = listed(path)[1]
    assert after.messages == (*before.messages, "dirty: uncommitted changes are not read")
    assert after.entries == before.entries


def test_the_root_revision_is_that_of_the_line_of_first_parents(tmp_path: Path) -> None:
    path = repository(tmp_path / "six")
    first = git(path, "rev-parse", "HEAD")
    tree = git(path, "rev-parse", "HEAD^{tree}")
    other = git(path, "commit-tree", "-m", "another beginning", tree)
    for parents, root in (((first, other), first), ((other, first), other)):
        merge = git(path, "commit-tree", "-m", "merge", *(a for parent in parents for a in ("-p", parent)), tree)
        git(path, "update-ref", "HEAD", merge)
        assert listed(path)[1].root_revision == f"swh:1:rev:{root}"


def test_bundles(tmp_path: Path) -> None:
    path = repository(tmp_path / "six")
    git(path, "branch", "a-branch-before")
    git(path, "bundle", "create", "-q", str(tmp_path / "whole.bundle"), "--all")
    git(path, "bundle", "create", "-q", str(tmp_path / "branch.bundle"), "trunk")
    for name in ("whole", "branch"):
        item, listing = listed(tmp_path / f"{name}.bundle")
        assert item.origin == f"local:{name}"
        assert listing.directory.hex() == git(path, "rev-parse", "HEAD^{tree}")
        assert listing.messages[-1] == "a bundle"
    assert listing.branch == "refs/heads/trunk"
    (path / "c").write_bytes(b"c")
    git(path, "add", "-A")
    git(path, "commit", "-q", "-m", "two")
    git(path, "bundle", "create", "-q", str(tmp_path / "part.bundle"), "HEAD~1..trunk")
    assert refused(tmp_path / "part.bundle") == "incomplete_bundle"
    whole = (tmp_path / "whole.bundle").read_bytes()
    (tmp_path / "cut.bundle").write_bytes(whole[:-30])
    assert refused(tmp_path / "cut.bundle") == "corrupt_repository"


def test_empty_headless_and_sha256_repositories_are_refused(tmp_path: Path) -> None:
    assert refused(repository(tmp_path / "empty", {})) == "empty_repository"
    headless = repository(tmp_path / "headless")
    git(headless, "symbolic-ref", "HEAD", "refs/heads/nowhere")
    assert refused(headless) == "no_head"
    (tmp_path / "sha256").mkdir()
    git(tmp_path / "sha256", "init", "-q", "--object-format=sha256")
    assert refused(tmp_path / "sha256") == "sha256_repository"


def test_a_commit_of_nothing_has_an_empty_listing(tmp_path: Path) -> None:
    path = repository(tmp_path / "r")
    committed(path, [])
    _, listing = listed(path)
    assert (listing.entries, listing.refusals) == ((), ())
    assert listing.directory.hex() == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def object_file(path: Path, name: str) -> Path:
    return path / ".git" / "objects" / name[:2] / name[2:]


def test_damaged_repositories_are_refused(tmp_path: Path) -> None:
    ref = repository(tmp_path / "ref")
    (ref / ".git" / "refs" / "heads" / "trunk").write_bytes(b"junk\n")
    assert refused(ref) == "corrupt_repository"
    commit = repository(tmp_path / "commit")
    object_file(commit, git(commit, "rev-parse", "HEAD")).unlink()
    assert refused(commit) == "corrupt_repository"
    tree = repository(tmp_path / "tree")
    object_file(tree, git(tree, "rev-parse", "HEAD:src")).unlink()
    assert refused(tree) == "incomplete_repository"
    swapped = repository(tmp_path / "swapped")
    victim = object_file(swapped, git(swapped, "rev-parse", "HEAD:src"))
    other = raw_tree(swapped, [(b"100644", b"evil", blob(swapped, b"evil"))])
    victim.chmod(0o644)
    victim.write_bytes(object_file(swapped, other).read_bytes())
    assert refused(swapped) == "corrupt_repository"


def test_a_damaged_content_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    files = {f"{n}.py": b"%d\n" % n for n in range(6)}
    path = repository(tmp_path / "r", files)
    found = source(path)
    (item,) = found.discover(Path("/"))
    entries = found.list(item, nothing).entries
    ids = [e.blob for e in entries]
    for number, damage in (
        (1, b"junk"),
        (4, zlib.compress(b"blob 2\0") + b"x"),
        (5, zlib.compress(b"blob 2\0wrong")),
    ):
        victim = object_file(path, ids[number].hex())
        victim.chmod(0o644)
        victim.write_bytes(damage)
    missing = hashlib.sha1(b"missing").digest()
    assert [i for i, data in found.read(item, [missing, *ids]) if content_id(data) == i] == [
        ids[0],
        ids[2],
        ids[3],
    ]
    assert list(found.read(item, [])) == []


def test_a_partial_clone_lacks_contents_and_fetches_none(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin", {"a": b"a", "big": b"b" * 5000})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=blob:limit=1k", f"file://{origin}", "partial")
    _, listing = listed(tmp_path / "partial")
    assert [e.path for e in listing.entries] == [b"a"]
    assert [(r.path, r.rule) for r in listing.refusals] == [(b"big", "missing_blob")]
    assert listing.directory.hex() == git(origin, "rev-parse", "HEAD^{tree}")
    git(tmp_path, "clone", "-q", "--no-checkout", "--filter=tree:0", f"file://{origin}", "treeless")
    assert refused(tmp_path / "treeless") == "incomplete_repository"


def test_alternates_are_followed(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin")
    git(tmp_path, "clone", "-q", "--shared", str(origin), "borrower")
    assert len(listed(tmp_path / "borrower")[1].entries) == 2


def test_nothing_that_a_repository_configures_is_run(tmp_path: Path) -> None:
    path = repository(tmp_path / "r")
    witness = tmp_path / "witness"
    program = f"touch {witness}; cat"
    for key in (
        "filter.evil=x.clean",
        "filter.evil=x.smudge",
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
    ):
        git(path, "config", key, program)
    git(path, "config", "filter.evil=x.required", "true")
    (path / ".git" / "info" / "attributes").write_text("* filter=evil=x\n")
    hook = path / ".git" / "hooks" / "post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {witness}\n")
    hook.chmod(0o755)
    os.utime(path / "a.py", (1, 1))
    _, listing = listed(path)
    assert len(listing.entries) == 2
    assert not witness.exists()
    git(path, "status")
    assert witness.exists(), "the trap does not work, so the test shows nothing"


def test_replacements_are_not_followed(tmp_path: Path) -> None:
    path = repository(tmp_path / "r")
    tree = git(path, "rev-parse", "HEAD^{tree}")
    git(path, "replace", content_id(b"a\n").hex(), blob(path, b"other\n"))
    _, listing = listed(path)
    assert listing.directory.hex() == tree


def test_a_git_bomb_is_refused(tmp_path: Path) -> None:
    path = repository(tmp_path / "bomb")
    mode, target = b"100644", blob(path, b"x")
    for _ in range(9):
        target = raw_tree(path, [(mode, b"%d" % n, target) for n in range(10)])
        mode = b"40000"
    pointed_at(path, target)
    assert refused(path, max_entries=1000) == "too_many_entries"


def test_a_head_that_moves_is_an_error(tmp_path: Path) -> None:
    path = repository(tmp_path / "r")
    found = source(path)
    (item,) = found.discover(Path("/"))
    committed(path, [("100644", blob(path, b"x"), b"x")])
    with pytest.raises(InputError, match=r"HEAD moved after the run began: expected swh:1:rev:"):
        found.list(item, nothing)


def test_what_is_no_repository_is_an_error(tmp_path: Path) -> None:
    path = repository(tmp_path / "r")
    with pytest.raises(InputError, match=r"src: expected the top folder of a git clone"):
        source(path / "src").discover(Path("/"))
    with pytest.raises(InputError, match=r"a\.py: expected a git repository or a bundle"):
        source(path / "a.py").discover(Path("/"))
    (tmp_path / "lost").mkdir()
    (tmp_path / "lost" / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(InputError, match=r"lost: expected a repository that git can read"):
        source(tmp_path / "lost").discover(Path("/"))
    git(tmp_path, "clone", "-q", str(path), "other/r")
    with pytest.raises(InputError, match="two inputs have the origin 'local:r'"):
        source(path, tmp_path / "other" / "r").discover(Path("/"))


def test_a_table_names_some_and_the_remote_the_rest(tmp_path: Path) -> None:
    first, second = repository(tmp_path / "first"), repository(tmp_path / "second")
    git(second, "remote", "add", "origin", "git@host:o/second.git")
    table = tmp_path / "origins.csv"
    table.write_text("path,origin,stars\nfirst,https://host/first,5\n")
    config = GitSource(paths=("first", "second"), origins="origins.csv")
    found = GitRepositories(config, IngestConfig(sources=(config,))).discover(tmp_path)
    assert [(i.origin, i.stars, i.locator) for i in found] == [
        ("https://host/first", 5, str(first)),
        ("https://host/o/second", None, str(second)),
    ]


def test_without_git_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = repository(tmp_path / "r")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="the program git was not found"):
        source(path).discover(Path("/"))


def test_the_environment_of_the_caller_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = repository(tmp_path / "r"), repository(tmp_path / "other", {"z": b"z"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    assert [e.path for e in listed(path)[1].entries] == [b"a.py", b"src/b.py"]


def test_an_early_reader_ends_the_command(tmp_path: Path) -> None:
    path = repository(tmp_path / "r", {f"{n}": b"%d" % n * 100_000 for n in range(20)})
    found = source(path)
    (item,) = found.discover(Path("/"))
    reader = found.read(item, [e.blob for e in found.list(item, nothing).entries])
    next(reader)
    reader.close()  # type: ignore[attr-defined]
    with pytest.raises(git_command.GitError, match="not a git repository"):
        git_command.Git(tmp_path).run("rev-parse", "HEAD")
