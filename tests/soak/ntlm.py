"""The client's side of NTLM: NTLMv2 with a MIC, from [MS-NLMP], on the standard library alone."""

import base64
import hashlib
import hmac
import os
import struct

# UNICODE, REQUEST_TARGET, NTLM, ALWAYS_SIGN, EXTENDED_SESSIONSECURITY, TARGET_INFO, 128, 56
FLAGS = 0xA0888205
AV_EOL, AV_FLAGS, AV_TIMESTAMP = 0, 6, 7
MIC_PROVIDED = 2


def md4(data: bytes) -> bytes:
    """RFC 1320; OpenSSL 3 has it no more."""
    mask = 0xFFFFFFFF
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    padded = data + b"\x80" + bytes((55 - len(data)) % 64) + struct.pack("<Q", 8 * len(data))
    rounds = (
        (lambda x, y, z: (x & y) | (~x & z), 0, range(16), (3, 7, 11, 19)),
        (lambda x, y, z: (x & y) | (x & z) | (y & z), 0x5A827999,
         [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15], (3, 5, 9, 13)),
        (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1,
         [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15], (3, 9, 11, 15)),
    )
    for start in range(0, len(padded), 64):
        words = struct.unpack("<16I", padded[start:start + 64])
        a, b, c, d = state
        for function, constant, order, shifts in rounds:
            for step, index in enumerate(order):
                mixed = (a + function(b, c, d) + words[index] + constant) & mask
                shift = shifts[step % 4]
                a, b, c, d = d, ((mixed << shift) | (mixed >> (32 - shift))) & mask, b, c
        state = [(old + new) & mask for old, new in zip(state, (a, b, c, d))]
    return struct.pack("<4I", *state)


def nt_hash(password: str) -> bytes:
    return md4(password.encode("utf-16le"))


def hmac_md5(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.md5).digest()


def negotiate() -> bytes:
    return b"NTLMSSP\0" + struct.pack("<II", 1, FLAGS) + bytes(16)


def av_pairs(target_info: bytes) -> list[tuple[int, bytes]]:
    pairs, at = [], 0
    while True:
        kind, length = struct.unpack_from("<HH", target_info, at)
        if kind == AV_EOL:
            return pairs
        pairs.append((kind, target_info[at + 4:at + 4 + length]))
        at += 4 + length


def authenticate(first: bytes, challenge: bytes, domain: str, user: str, key: bytes) -> bytes:
    """`key` is the NT hash."""
    server_challenge = challenge[24:32]
    length, _, offset = struct.unpack_from("<HHI", challenge, 40)
    pairs = av_pairs(challenge[offset:offset + length])
    time = next((value for kind, value in pairs if kind == AV_TIMESTAMP), None)
    pairs = [pair for pair in pairs if pair[0] != AV_FLAGS]
    if time is not None:
        pairs.append((AV_FLAGS, struct.pack("<I", MIC_PROVIDED)))
    info = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in pairs)
    temp = b"\1\1" + bytes(6) + (time or bytes(8)) + os.urandom(8) + bytes(4) + info + bytes(8)
    owf = hmac_md5(key, (user.upper() + domain).encode("utf-16le"))
    proof = hmac_md5(owf, server_challenge + temp)
    payload = [bytes(24), proof + temp, domain.encode("utf-16le"), user.encode("utf-16le"),
               "SOAK".encode("utf-16le"), b""]
    fields, at = b"", 88
    for part in payload:
        fields += struct.pack("<HHI", len(part), len(part), at)
        at += len(part)
    head = b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", FLAGS) + bytes(8)
    message = head + bytes(16) + b"".join(payload)
    if time is None:
        return message
    mic = hmac_md5(hmac_md5(owf, proof), first + challenge + message)
    return message[:72] + mic + message[88:]


class Logon:
    """The two legs, as values of `Authorization`."""

    def __init__(self, scheme: str, user: "User"):
        self.scheme, self.user = scheme, user
        self.sent = negotiate()

    def first(self) -> str:
        return f"{self.scheme} {base64.b64encode(self.sent).decode()}"

    def second(self, challenge: bytes) -> str:
        user = self.user
        message = authenticate(self.sent, challenge, user.domain, user.name, user.key)
        return f"{self.scheme} {base64.b64encode(message).decode()}"


class User:
    def __init__(self, domain: str, name: str, password: str):
        self.domain, self.name, self.password = domain, name, password
        self.key = nt_hash(password)

    def __str__(self) -> str:
        return f"{self.domain}\\{self.name}"

    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self}:{self.password}".encode()).decode()
