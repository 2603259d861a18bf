"""Deterministic CBOR (RFC 8949 4.2.1) of what our messages have, written from the RFC."""


class Tag:
    def __init__(self, number, value):
        self.number, self.value = number, value

    def __eq__(self, other):
        return (self.number, self.value) == (other.number, other.value)


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for size, code in ((1, 24), (2, 25), (4, 26), (8, 27)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | code]) + n.to_bytes(size, "big")
    raise ValueError(n)


def dumps(v):
    if v is False or v is True or v is None:
        return bytes([{False: 0xF4, True: 0xF5, None: 0xF6}[v]])
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, (list, tuple)):
        return head(4, len(v)) + b"".join(dumps(x) for x in v)
    if isinstance(v, dict):
        pairs = sorted((dumps(k), dumps(x)) for k, x in v.items())
        return head(5, len(v)) + b"".join(k + x for k, x in pairs)
    if isinstance(v, Tag):
        return head(6, v.number) + dumps(v.value)
    raise TypeError(type(v))


def item(b, at):
    major, low = b[at] >> 5, b[at] & 31
    at += 1
    n = low
    if low >= 24:
        size = {24: 1, 25: 2, 26: 4, 27: 8}[low]
        n = int.from_bytes(b[at:at + size], "big")
        at += size
    if major == 0:
        return n, at
    if major == 1:
        return -1 - n, at
    if major in (2, 3):
        raw = b[at:at + n]
        assert len(raw) == n, "truncated"
        return (raw if major == 2 else raw.decode()), at + n
    if major == 4:
        out = []
        for _ in range(n):
            v, at = item(b, at)
            out.append(v)
        return out, at
    if major == 5:
        out = {}
        for _ in range(n):
            k, at = item(b, at)
            out[k], at = item(b, at)
        return out, at
    if major == 6:
        v, at = item(b, at)
        return Tag(n, v), at
    return {20: False, 21: True, 22: None}[low], at


def loads(b):
    v, at = item(b, 0)
    assert at == len(b), "trailing bytes"
    return v


def sequence(b):
    at, out = 0, []
    while at < len(b):
        v, at = item(b, at)
        out.append(v)
    return out
