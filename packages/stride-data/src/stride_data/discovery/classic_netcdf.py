"""The length that a classic NetCDF file must have.

The NetCDF library gives zeros, and no error, for what lies beyond the end of a classic file that was cut short. The
header says how long the file must be; its format is in the NetCDF User's Guide, appendix "File Format Specifications".
NetCDF-4 files need no such check: HDF5 refuses to open them.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}


class _Header:
    """Big-endian fields of a classic header; counts are 8 bytes wide in version 5, offsets from version 2 on."""

    def __init__(self, file: BinaryIO, version: int) -> None:
        self.file = file
        self.count_format = ">Q" if version == 5 else ">I"
        self.offset_format = ">I" if version == 1 else ">Q"

    def number(self, form: str) -> int:
        return struct.unpack(form, self.file.read(struct.calcsize(form)))[0]

    def count(self) -> int:
        return self.number(self.count_format)

    def skip_name(self) -> None:
        length = self.count()
        self.file.seek(length + -length % 4, 1)

    def list_length(self) -> int:
        self.number(">I")  # the tag; zero with a count of zero when the list is absent
        return self.count()

    def skip_attributes(self) -> None:
        for _ in range(self.list_length()):
            self.skip_name()
            kind = self.number(">I")
            size = self.count() * _TYPE_SIZES[kind]
            self.file.seek(size + -size % 4, 1)


def is_classic(start: bytes) -> bool:
    """Whether a file that starts like this is a classic NetCDF file (version 1, 2 or 5)."""
    return start[:3] == b"CDF" and start[3:4] in (b"\x01", b"\x02", b"\x05")


def expected_bytes(path: Path) -> int | None:
    """Bytes that a classic NetCDF file must have at least; None if it is no classic file or its header is unusual.

    Args:
        path: Any file.
    """
    with path.open("rb") as file:
        return bytes_by_header(file)


def bytes_by_header(file: BinaryIO) -> int | None:
    """Bytes that an opened classic NetCDF file must have at least; None as ``expected_bytes``.

    Args:
        file: Any file, at its start.
    """
    magic = file.read(4)
    if not is_classic(magic):
        return None
    try:
        return _expected(_Header(file, magic[3]))
    except (struct.error, KeyError):
        return file.tell() + 1  # the header itself is cut short


def _expected(header: _Header) -> int | None:
    records = header.count()
    if records == (1 << (8 * struct.calcsize(header.count_format))) - 1:
        return None  # written as a stream: the number of records is not known
    lengths: list[int] = []
    for _ in range(header.list_length()):
        header.skip_name()
        lengths.append(header.count())
    header.skip_attributes()
    end, record_begin, record_size = 0, 0, 0
    for _ in range(header.list_length()):
        header.skip_name()
        dims = [header.count() for _ in range(header.count())]
        header.skip_attributes()
        cell = _TYPE_SIZES[header.number(">I")]
        header.count()  # vsize, which overflows for large variables: the shape tells
        begin = header.number(header.offset_format)
        size = cell
        for dim in dims:
            size *= lengths[dim] or 1
        if dims and lengths[dims[0]] == 0:
            record_begin = min(record_begin or begin, begin)
            record_size += size
        else:
            end = max(end, begin + size)
    return max(end, record_begin + records * record_size)
