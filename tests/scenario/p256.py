"""ECDSA with P-256 and SHA-256, from FIPS 186-4, in plain Python. For tests: slow, and not constant in
time."""
import base64
import hashlib
import json
import secrets

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def _double(p):
    x, y, z = p
    if not y:
        return (0, 1, 0)
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    return (x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P,
            ((y + z) ** 2 - gamma - delta) % P)


def _add(p, q):
    if not p[2]:
        return q
    if not q[2]:
        return p
    z1, z2 = p[2] * p[2] % P, q[2] * q[2] % P
    u1, u2 = p[0] * z2 % P, q[0] * z1 % P
    s1, s2 = p[1] * q[2] * z2 % P, q[1] * p[2] * z1 % P
    if u1 == u2:
        return _double(p) if s1 == s2 else (0, 1, 0)
    h, r = (u2 - u1) % P, (s2 - s1) % P
    h2 = h * h % P
    h3, v = h * h2 % P, u1 * h2 % P
    x = (r * r - h3 - 2 * v) % P
    return (x, (r * (v - x) - s1 * h3) % P, h * p[2] * q[2] % P)


def multiply(k, point):
    result, at = (0, 1, 0), (*point, 1)
    while k:
        if k & 1:
            result = _add(result, at)
        at = _double(at)
        k >>= 1
    return result


def affine(p):
    inverse = pow(p[2], -1, P)
    return (p[0] * inverse * inverse % P, p[1] * inverse**3 % P)


def digest(data):
    return int.from_bytes(hashlib.sha256(data).digest(), "big")


class Key:
    def __init__(self, secret=None):
        self.d = secret or secrets.randbelow(N - 1) + 1
        x, y = affine(multiply(self.d, G))
        self.x, self.y = x.to_bytes(32, "big"), y.to_bytes(32, "big")

    def sign(self, data, low=True):
        """r || s; with LOW False the other of the two values of s."""
        e = digest(data)
        while True:
            k = secrets.randbelow(N - 1) + 1
            r = affine(multiply(k, G))[0] % N
            s = pow(k, -1, N) * (e + r * self.d) % N
            if r and s:
                s = min(s, N - s) if low else max(s, N - s)
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def pem(self):
        """PKCS#8."""
        point = b"\x03\x42\x00\x04" + self.x + self.y
        ec = (b"\x30\x6b\x02\x01\x01\x04\x20" + self.d.to_bytes(32, "big") + b"\xa1\x44" + point)
        oids = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
        der = b"\x02\x01\x00" + oids + b"\x04" + bytes([len(ec)]) + ec
        der = b"\x30\x81" + bytes([len(der)]) + der
        text = base64.b64encode(der).decode()
        lines = [text[i:i + 64] for i in range(0, len(text), 64)]
        return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])

    def jwk(self):
        """With its RFC 7638 thumbprint as kid."""
        def b64(b):
            return base64.urlsafe_b64encode(b).rstrip(b"=").decode()

        key = {"crv": "P-256", "kty": "EC", "x": b64(self.x), "y": b64(self.y)}
        text = json.dumps(key, sort_keys=True, separators=(",", ":")).encode()
        return {**key, "alg": "ES256", "use": "sig", "kid": b64(hashlib.sha256(text).digest())}


def verify(x, y, data, signature):
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < N and 0 < s < N):
        return False
    w = pow(s, -1, N)
    q = (int.from_bytes(x, "big"), int.from_bytes(y, "big"))
    point = _add(multiply(digest(data) * w % N, G), multiply(r * w % N, q))
    return bool(point[2]) and affine(point)[0] % N == r
