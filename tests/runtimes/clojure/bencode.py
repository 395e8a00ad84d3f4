"""Bencode as nREPL speaks it: one dict a message, nothing between them."""


def encode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        raw = value.encode()
        return b"%d:%s" % (len(raw), raw)
    pairs = sorted((encode(key), encode(item)) for key, item in value.items())
    return b"d" + b"".join(key + item for key, item in pairs) + b"e"


def take(stream):
    """Reads one message: its bytes as they came, and what they mean."""
    raw = bytearray()

    def read(count):
        chunk = stream.read(count)
        if len(chunk) < count:
            raise EOFError("the server closed the connection")
        raw.extend(chunk)
        return chunk

    value = _take_value(read, read(1))
    return bytes(raw), value


def _take_value(read, first):
    if first == b"i":
        return int(_take_until(read, b"e"))
    if first == b"l":
        return list(_take_items(read))
    if first == b"d":
        items = list(_take_items(read))
        return dict(zip(items[::2], items[1::2]))
    return read(int(first + _take_until(read, b":"))).decode()


def _take_items(read):
    while (first := read(1)) != b"e":
        yield _take_value(read, first)


def _take_until(read, end):
    digits = b""
    while (byte := read(1)) != end:
        digits += byte
    return digits
