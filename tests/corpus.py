"""A tiny corpus of real archives, made at run time, in which every stage has work."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

MIT = """MIT License

Copyright (c) 2020 {holder}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
GPL_HEADER = """# This program is free software: you can redistribute it and/or modify it under the terms of the
# GNU General Public License as published by the Free Software Foundation, either version 3 of the License, or
# (at your option) any later version.
"""
MAIL = "jane" + ".roe" + "@" + "corp-mail.net"
TOKEN = "ghp" + "_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"


def long_module(name: str, changed: str = "") -> str:
    """Some hundred tokens of Python; two with one name are near-duplicates whatever `changed` adds."""
    lines = [
        f"def {name}_{n}(value, other):\n    total_{n} = value * {n} + other\n    return total_{n}\n" for n in range(40)
    ]
    return "\n".join(lines) + changed


def archives() -> dict[str, bytes]:
    """File name to bytes of each archive."""
    alpha: dict[str, str | bytes] = {
        "LICENSE": MIT.format(holder="Alpha Authors"),
        "PKG-INFO": "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\nLicense: MIT\n",
        "alpha/__init__.py": '"""Alpha."""\n\nfrom alpha.core import alpha_1\n',
        "alpha/core.py": long_module("alpha"),
        "alpha/copy.py": long_module("alpha"),
        "alpha/setup_mail.py": f'AUTHOR = "Jane Roe"\nEMAIL = "{MAIL}"\nTOKEN = "{TOKEN}"\nprint(EMAIL, AUTHOR)\n',
        "alpha/vendor/gpl.py": GPL_HEADER + long_module("gpl"),
        "alpha/static/site.css": (
            "/* Цвета и отступы всех страниц */\nbody { margin: 0; padding: 0; color: #123456; background: white; }\n"
        ).encode("cp1251"),
        "alpha/static/site.js": "export function add(first, second) { return first + second; }\n",
        "include/alpha.hpp": "#pragma once\n#include <vector>\nnamespace alpha { class Thing {}; }\n",
        "data/blob.bin": "\0\1\2\3",
        "docs/latin.txt": b"caf\xe9 au lait\nna\xc3\xafve\n",  # in two encodings
        "docs/utf16.txt": "sixteen bits\n".encode("utf-16"),
    }
    alpha2 = alpha | {
        "PKG-INFO": "Metadata-Version: 2.1\nName: alpha\nVersion: 1.1\nLicense: MIT\n",
        "alpha/core.py": long_module("alpha", "\nVERSION = '1.1'\n"),
    }
    beta = {
        "beta/__init__.py": "from beta.work import beta_1\n",
        "beta/work.py": long_module("beta"),
        "beta-1.0.dist-info/METADATA": (
            "Metadata-Version: 2.4\nName: beta\nVersion: 1.0\nLicense-Expression: MIT OR Apache-2.0\n"
        ),
        "beta-1.0.dist-info/RECORD": "",
        "beta-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\n",
    }
    gamma = {"gamma.py": long_module("gamma"), "README": "no licence at all\n", "stolen.py": GPL_HEADER + "x = 1\n"}
    delta = {"COPYING": "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n", "delta.py": long_module("delta"),
             "alpha_core.py": "import alpha\n\n\ndef only_here(argument):\n    return alpha, argument\n"}  # fmt: skip
    return {
        "alpha-1.0.tar.gz": tar_of("alpha-1.0", alpha),
        "alpha-1.1.tar.gz": tar_of("alpha-1.1", alpha2),
        "beta-1.0-py3-none-any.whl": zip_of(beta),
        "gamma-1.0.tar.gz": tar_of("gamma-1.0", gamma),
        "delta-1.0.tar.gz": tar_of("delta-1.0", delta),
    }


def write_archives(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in archives().items():
        (folder / name).write_bytes(data)


def tar_of(top: str, files: Mapping[str, str | bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo(f"{top}/link.py")
        link.type, link.linkname = tarfile.SYMTYPE, "setup.py"
        archive.addfile(link)
    return gzip.compress(sink.getvalue(), 1, mtime=0)


def zip_of(files: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return sink.getvalue()
