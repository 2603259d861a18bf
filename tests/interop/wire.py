"""The formats of docs/formats.md, written a second time: cbor2 and cryptography, nothing of ours."""
import base64
import hashlib

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (decode_dss_signature,
                                                             encode_dss_signature)

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEY_URI = "urn:ietf:params:oauth:ckt:sha-256:"
ITEM, POINTER, TREE_SIZE, BATCH_TIME = -70001, -70002, -70101, -70102


def sha256(data):
    return hashlib.sha256(data).digest()


def dumps(value):
    """Deterministic; the maps of ours have integer keys, for which length-first order is the same."""
    return cbor2.dumps(value, canonical=True)


class Key:
    """A P-256 signing key."""

    def __init__(self, private=None):
        self.private = private or ec.generate_private_key(ec.SECP256R1())
        n = self.private.public_key().public_numbers()
        self.x, self.y = n.x.to_bytes(32, "big"), n.y.to_bytes(32, "big")

    def cose(self):
        return {1: 2, -1: 1, -2: self.x, -3: self.y}

    def thumbprint(self):
        return sha256(dumps(self.cose()))

    def pem(self):
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(self, data):
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")


def verify(cose_key, data, signature):
    """False if SIGNATURE is not by the key in a COSE_Key map."""
    try:
        if cose_key[1] == 2:
            number = ec.EllipticCurvePublicNumbers(int.from_bytes(cose_key[-2], "big"),
                                                   int.from_bytes(cose_key[-3], "big"),
                                                   ec.SECP256R1())
            der = encode_dss_signature(int.from_bytes(signature[:32], "big"),
                                       int.from_bytes(signature[32:], "big"))
            number.public_key().verify(der, data, ec.ECDSA(hashes.SHA256()))
        else:
            ed25519.Ed25519PublicKey.from_public_bytes(cose_key[-2]).verify(signature, data)
        return True
    except InvalidSignature:
        return False


def sig_structure(protected, payload, aad=b""):
    return dumps(["Signature1", protected, aad, payload])


def sign1(key, header, payload, unprotected=None, detached=False):
    protected = dumps({1: -7, **header})
    signature = key.sign(sig_structure(protected, payload))
    return dumps(cbor2.CBORTag(18, [protected, unprotected or {}, None if detached else payload,
                                    signature]))


def open1(message):
    """Protected header, unprotected, payload, what is signed, signature; as claimed, unverified."""
    tag = cbor2.loads(message)
    assert tag.tag == 18
    protected, unprotected, payload, signature = tag.value
    assert dumps(tag) == message, "not deterministic"
    return cbor2.loads(protected), unprotected, payload, sig_structure(protected, payload or b""), \
        signature


def statement(key, typ, iss, sub, iat, payload, **more):
    header = {4: key.thumbprint(), 15: {1: iss, 2: sub, 6: iat}, 16: typ}
    if "x5t" in more:
        header[34] = [-16, more["x5t"]]
    return sign1(key, header, dumps(payload))


def key_uri(thumbprint):
    return KEY_URI + base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()


# ---- RFC 9162, written from section 2.1
def leaf_hash(data):
    return sha256(b"\0" + data)


def node_hash(left, right):
    return sha256(b"\1" + left + right)


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def tree_root(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(tree_root(leaves[:k]), tree_root(leaves[k:]))


def inclusion_path(m, leaves):
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion_path(m, leaves[:k]) + [tree_root(leaves[k:])]
    return inclusion_path(m - k, leaves[k:]) + [tree_root(leaves[:k])]


def root_from_path(leaf, index, size, path):
    if size == 1:
        assert not path
        return leaf
    k = split(size)
    if index < k:
        return node_hash(root_from_path(leaf, index, k, path[:-1]), path[-1])
    return node_hash(path[-1], root_from_path(leaf, index - k, size - k, path[:-1]))


def receipt(key, ledger_id, leaves, index, time_ms):
    header = {4: key.thumbprint(),
              15: {1: ledger_id, 2: "urn:vouch:receipt", 6: time_ms // 1000, TREE_SIZE: len(leaves),
                   BATCH_TIME: time_ms},
              395: 1}
    proof = dumps([len(leaves), index, inclusion_path(index, leaves)])
    return sign1(key, header, tree_root(leaves), {396: {-1: [proof]}}, detached=True)


def receipt_check(message, entry, ledger_key, ledger_id):
    """Asserts that RECEIPT is right for ENTRY."""
    header, unprotected, payload, _, signature = open1(message)
    assert payload is None
    assert header[395] == 1 and header[15][1] == ledger_id and header[4] == ledger_key.thumbprint()
    (proof,) = unprotected[396][-1]
    size, index, path = cbor2.loads(proof)
    assert size == header[15][TREE_SIZE]
    root = root_from_path(leaf_hash(sha256(entry)), index, size, path)
    protected = cbor2.loads(message).value[0]
    assert verify(ledger_key.cose(), sig_structure(protected, root), signature)


# ---- bundles
def records(bundle):
    """The records of a bundle with their encodings."""
    import io

    stream, at, out = io.BytesIO(bundle), 0, []
    while at < len(bundle):
        value = cbor2.load(stream)
        out.append((value, bundle[at:stream.tell()]))
        assert dumps(value) == bundle[at:stream.tell()], "not deterministic"
        at = stream.tell()
    return out


def bundle_check(bundle):
    """Head and end record; returns the values between."""
    recs = records(bundle)
    assert recs[0][0] == [0, "vouch", 1]
    kind, count, digest = recs[-1][0]
    assert kind == 15 and count == len(recs) - 1
    assert digest == sha256(bundle[:-len(recs[-1][1])])
    return [value for value, _ in recs[1:-1]]
