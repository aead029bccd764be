"""Files with tickets, as MIT's library writes them (version 4)."""

import struct


def prolong(path, seconds):
    """Says that its tickets hold for longer. What a ticket itself says only the service can read, but
    MIT's library sends none that is over by what stands beside it."""
    data = bytearray(path.read_bytes())
    place = 0

    def number(form):
        nonlocal place
        (value,) = struct.unpack_from(">" + form, data, place)
        place += struct.calcsize(">" + form)
        return value

    def skip(form):
        nonlocal place
        length = number(form)
        place += length

    def principal():
        # Its type; then realm and components.
        number("I")
        for _ in range(number("I") + 1):
            skip("I")

    assert number("H") == 0x0504
    skip("H")
    principal()
    while place < len(data):
        principal()
        principal()
        # The session key.
        number("H")
        skip("I")
        # Since when it is known, and from when on.
        number("I")
        number("I")
        (end,) = struct.unpack_from(">I", data, place)
        struct.pack_into(">I", data, place, end + seconds)
        # Until when, until when it can be renewed, whether it is of user-to-user, flags.
        place += 4 + 4 + 1 + 4
        for _ in ("addresses", "authorization data"):
            for _ in range(number("I")):
                number("H")
                skip("I")
        # The ticket, and a second one.
        skip("I")
        skip("I")
    path.write_bytes(data)
