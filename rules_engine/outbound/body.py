"""Read the body of an answer up to a limit, whatever it unpacks to."""

from __future__ import annotations

import zlib
from http.client import HTTPResponse, IncompleteRead

_PIECE = 16_384
# Packed data is hardly ever larger than what it unpacks to; endless empty blocks are an attack.
_SLACK = 65_536
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class _Plain:
    whole = True

    def wanted(self, room: int) -> int:
        return min(room, _PIECE)

    def feed(self, data: bytes, room: int) -> bytes:
        return data


class _Packed:
    """Unpacks gzip (also several members in a row) and both readings of deflate."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        self._members = 0
        self.whole = True

    def wanted(self, room: int) -> int:
        return _PIECE

    def feed(self, data: bytes, room: int) -> bytes:
        """Return what ``data`` unpacks to, at most ``room`` bytes; what is left over then is dropped."""
        out = bytearray()
        while data and len(out) < room:
            try:
                out += self._step(data, room - len(out))
            except zlib.error:
                # What follows a complete member and is none itself is padding: all clients pass over it.
                if not (self._members and self.whole):
                    raise
                break
            self.whole = self._stream.eof
            if not self.whole:
                break
            self._members += 1
            data = self._stream.unused_data
            self._stream = zlib.decompressobj(_GZIP_OR_ZLIB)
        return bytes(out)

    def _step(self, data: bytes, room: int) -> bytes:
        try:
            return self._stream.decompress(data, room)
        except zlib.error:
            if self._coding != "deflate" or self._members or not self.whole:
                raise
            # Some servers send deflate without the zlib header that the standard asks for.
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._stream.decompress(data, room)


def read_body(response: HTTPResponse, limit: int) -> tuple[bytes, bool]:
    """Return the unpacked body, at most ``limit`` bytes, and whether something is missing from it.

    Raises IncompleteRead if the connection ended too early. A body that does not unpack counts as cut, not as
    a failed call: the status has arrived, and asking again would do the work at the other end twice.
    """
    coding = (response.getheader("Content-Encoding") or "").strip().lower()
    decoder = _Packed(coding) if coding in ("gzip", "x-gzip", "deflate") else _Plain()
    body, received = bytearray(), 0
    while len(body) <= limit and received <= limit + _SLACK:
        piece = response.read(decoder.wanted(limit + 1 - len(body)))
        if not piece:
            # http.client raises this itself only where it is asked for all of the body at once.
            if response.length:
                raise IncompleteRead(bytes(body), response.length)
            return bytes(body), not decoder.whole
        received += len(piece)
        try:
            body += decoder.feed(piece, limit + 1 - len(body))
        except zlib.error:
            break
    return bytes(body[:limit]), True
