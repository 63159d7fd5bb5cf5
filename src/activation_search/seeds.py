"""One seed, many independent random streams: split, weights, batch order, noise."""

from hashlib import sha256


def derive(seed: int, *stream: str | int) -> int:
    """A 63-bit seed for one named stream, the same on every machine.

    ``derive(0, "order", 3)`` is the batch order of epoch 3: no stream has a state, so a resumed
    run draws what an unbroken one would, and what one stream draws never shifts another.
    """
    name = "/".join(map(str, (seed, *stream)))
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big") >> 1
