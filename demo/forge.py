"""What somebody who holds a bundle can try: each forgery takes the bytes of a bundle apart, changes one
thing, and puts them together again, with a right end record. Standard library only.

The bundle format is docs/formats.md section 5: a sequence of CBOR arrays.
"""
import hashlib


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * width:
            return bytes([major << 5 | info]) + n.to_bytes(width, "big")
    raise ValueError(n)


def enc(v):
    if v is None:
        return b"\xf6"
    if v is True or v is False:
        return b"\xf5" if v else b"\xf4"
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, (list, tuple)):
        return head(4, len(v)) + b"".join(enc(x) for x in v)
    if isinstance(v, dict):
        return head(5, len(v)) + b"".join(enc(k) + enc(x) for k, x in v.items())
    if isinstance(v, Tag):
        return head(6, v.number) + enc(v.value)
    raise TypeError(type(v))


class Tag:
    def __init__(self, number, value):
        self.number, self.value = number, value


def dec(b, i=0):
    """(value, next offset) of the item at offset I."""
    major, info = b[i] >> 5, b[i] & 31
    i += 1
    n = info
    if info >= 24 and major != 7:
        width = 1 << (info - 24)
        n = int.from_bytes(b[i:i + width], "big")
        i += width
    if major == 0:
        return n, i
    if major == 1:
        return -1 - n, i
    if major == 2:
        return b[i:i + n], i + n
    if major == 3:
        return b[i:i + n].decode(), i + n
    if major == 4:
        out = []
        for _ in range(n):
            v, i = dec(b, i)
            out.append(v)
        return out, i
    if major == 5:
        out = {}
        for _ in range(n):
            k, i = dec(b, i)
            out[k], i = dec(b, i)
        return out, i
    if major == 6:
        v, i = dec(b, i)
        return Tag(n, v), i
    return {20: False, 21: True, 22: None}[info], i


def records(data):
    i, out = 0, []
    while i < len(data):
        v, i = dec(data, i)
        out.append(v)
    return out


def join(recs):
    """The bytes of RECS with an end record that fits them."""
    recs = [r for r in recs if r[0] != 15]
    body = b"".join(enc(r) for r in recs)
    return body + enc([15, len(recs), hashlib.sha256(body).digest()])


def flip(b, i=0, bit=1):
    return b[:i] + bytes([b[i] ^ bit]) + b[i + 1:]


def find(recs, kind):
    return next(i for i, r in enumerate(recs) if r[0] == kind)


def change(data, kind, edit, which=0):
    """DATA with the WHICH-th record of KIND replaced by what EDIT makes of it (None: left out)."""
    recs = records(data)
    at = [i for i, r in enumerate(recs) if r[0] == kind][which]
    new = edit(list(recs[at]))
    recs[at:at + 1] = [] if new is None else [new]
    return join(recs)


def edit_cose(msg, field, edit):
    """A COSE_Sign1 with one of its four fields changed: 0 protected, 2 payload, 3 signature."""
    tag, _ = dec(msg)
    parts = list(tag.value)
    parts[field] = edit(parts[field])
    return enc(Tag(18, parts))


def edit_protected(msg, edit):
    def go(raw):
        m, _ = dec(raw)
        return enc(edit(m))
    return edit_cose(msg, 0, go)


def with_rows(r, edit):
    return r[:4] + [edit(list(r[4]))]


def set_label(m, label, value):
    m = dict(m)
    m[label] = value
    return m


def later_end(contents):
    """A disclosure [salt, value, key] whose value is pushed ten years on."""
    salt, value, key = dec(contents)[0]
    ten_years = 10 * 365 * 86400000
    return enc([salt, (value or 1800000000000) + ten_years, key]) if key in (17, 18, 19) else contents


P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551


def high_s(sig):
    return sig[:32] + (P256_ORDER - int.from_bytes(sig[32:], "big")).to_bytes(32, "big")


def swap(rows):
    rows[0], rows[1] = rows[1], rows[0]
    return rows


def all_forgeries(good, other):
    """(what was tried, bytes) for each forgery of the bundle GOOD; OTHER is a bundle of another device."""
    others = records(other)
    other_item = others[find(others, 5)][1]
    other_statement = others[find(others, 1)]
    statement = records(good)[find(records(good), 1)]
    return [
        ("one digit of one reading is changed",
         change(good, 6, lambda r: with_rows(r, lambda rows: [flip(rows[0], len(rows[0]) // 2)] + rows[1:]))),
        ("two readings change places", change(good, 6, lambda r: with_rows(r, swap))),
        ("a reading is left out", change(good, 6, lambda r: with_rows(r, lambda rows: rows[:-1]))),
        ("a reading is added", change(good, 6, lambda r: with_rows(r, lambda rows: rows + [rows[0]]))),
        ("the readings are passed off as another device's",
         change(good, 5, lambda r: [5, other_item])),
        ("the device's signature is damaged",
         change(good, 5, lambda r: [5, edit_cose(r[1], 3, lambda s: flip(s, 9))])),
        ("the item points to another device's record",
         change(good, 5, lambda r: [5, edit_protected(
             r[1], lambda m: set_label(m, 4, hashlib.sha256(other_statement[1]).digest()[:16]))])),
        ("the claimed time is set back an hour",
         change(good, 5, lambda r: [5, edit_protected(r[1], lambda m: set_label(
             m, -70001, m[-70001][:2] + [m[-70001][2] - 3600000] + m[-70001][3:]))])),
        ("the endorsement is damaged", change(good, 1, lambda r: [1, flip(r[1], len(r[1]) - 5), r[2]])),
        ("the endorsement is exchanged", change(good, 1, lambda r: [1, other_statement[1], r[2]])),
        ("the receipt is another record's",
         change(good, 1, lambda r: [1, r[1], other_statement[2]])),
        ("the receipt's signature is damaged",
         change(good, 1, lambda r: [1, r[1], [edit_cose(r[2][0], 3, lambda s: flip(s, 3))]])),
        ("there is no receipt", change(good, 1, lambda r: [1, r[1], []])),
        ("the endorsement is kept back", change(good, 1, lambda r: None)),
        ("the contract is made ten years longer",
         change(good, 2, lambda r: [2, r[1], [later_end(c) for c in r[2]]])),
        ("the contract is kept back", change(good, 2, lambda r: None)),
        ("something is appended", good + enc([3, b"more"])),
        ("the end is cut off", good[:-20]),
        ("a number is not in its shortest form", b"\x83\x18\x00" + good[2:]),
        ("a field is added where nothing is signed",
         change(good, 5, lambda r: [5, edit_cose(r[1], 1, lambda m: {4: b"attacker"})])),
        ("the signature is put into its other form (high S)",
         change(good, 5, lambda r: [5, edit_cose(r[1], 3, high_s)])),
        ("the algorithm is named 'none'",
         change(good, 5, lambda r: [5, edit_protected(r[1], lambda m: set_label(m, 1, 0))])),
        ("the salts come from another seed",
         change(good, 6, lambda r: r[:2] + [flip(r[2])] + r[3:])),
        ("a ledger receipt stands in for the device's signature",
         change(good, 5, lambda r: [5, statement[2][0]])),
    ]
