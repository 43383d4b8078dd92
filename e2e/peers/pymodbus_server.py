"""A Modbus TCP server that Busbar's authors did not write (pymodbus), filled by Python's own struct module.

Prints one JSON line: the tags to read, with the value that each must show. Every type stands in every byte order.
"""

import asyncio
import json
import struct
import sys

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.server import StartAsyncTcpServer

# Type, struct format, value. The values have different octets in every place, so that a wrong order shows.
NUMBERS = [
    ("int16", "h", -12345),
    ("uint16", "H", 54321),
    ("int32", "i", -1234567890),
    ("uint32", "I", 3735928559),
    ("float32", "f", 1234.5625),
    ("int64", "q", -1234567890123456789),
    ("uint64", "Q", 17216961135462248174),
    ("float64", "d", -98765.4321),
]
ORDERS = ["ABCD", "CDAB", "BADC", "DCBA"]


def ordered(octets, order):
    """ABCD as on the wire; words turned (CDAB), octets in each word turned (BADC), both (DCBA)."""
    words = [octets[i : i + 2] for i in range(0, len(octets), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


def registers(octets):
    return [octets[i] << 8 | octets[i + 1] for i in range(0, len(octets), 2)]


def layout():
    tags, values, at = [], {}, 10
    for kind, form, value in NUMBERS:
        for order in ORDERS:
            words = registers(ordered(struct.pack(">" + form, value), order))
            for offset, word in enumerate(words):
                values[at + offset] = word
            shown = str(value) if kind.endswith("64") and kind != "float64" else value
            tag = {"id": f"{kind}_{order}", "type": kind, "order": order, "expected": shown}
            for area in ("holding", "input"):
                tags.append({**tag, "id": f"{area}_{tag['id']}", "address": f"{area}:{at}"})
            at += len(words) + 1
    text = b"Busbar-7\x00\x00"
    for offset, word in enumerate(registers(text)):
        values[at + offset] = word
    tags.append({"id": "text", "address": f"holding:{at}", "type": "string", "length": 10, "expected": "Busbar-7"})
    at += 8
    values[at] = 0b1010_0110_0000_1000
    tags.append({"id": "bit3", "address": f"holding:{at}.3", "type": "bool", "expected": True})
    tags.append({"id": "bit4", "address": f"holding:{at}.4", "type": "bool", "expected": False})
    tags.append({"id": "bits", "address": f"holding:{at}.9-10", "type": "uint16", "expected": 3})
    tags.append({"id": "coil_on", "address": "coil:7", "type": "bool", "expected": True})
    tags.append({"id": "coil_off", "address": "coil:8", "type": "bool", "expected": False})
    tags.append({"id": "discrete_on", "address": "discrete:7", "type": "bool", "expected": True})
    tags.append({"id": "scaled", "address": "holding:11", "type": "uint16", "scale": 0.1, "expected": None})
    tags.append({"id": "setting", "address": "holding:400", "type": "float32", "order": "CDAB", "access": "rw"})
    tags.append({"id": "switch", "address": "coil:20", "type": "bool", "access": "rw"})
    tags.append({"id": "word", "address": "holding:410", "type": "int16", "access": "rw"})
    return tags, values


async def main():
    tags, values = layout()
    words = [values.get(i, 0) for i in range(500)]
    scaled = next(tag for tag in tags if tag["id"] == "scaled")
    scaled["expected"] = words[11] / 10
    bits = [i == 7 for i in range(100)]
    # A block of pymodbus counts its addresses from one more than the wire.
    device = ModbusDeviceContext(
        di=ModbusSequentialDataBlock(1, list(bits)),
        co=ModbusSequentialDataBlock(1, list(bits)),
        hr=ModbusSequentialDataBlock(1, list(words)),
        ir=ModbusSequentialDataBlock(1, list(words)),
    )
    print(json.dumps(tags), flush=True)
    context = ModbusServerContext(devices=device, single=True)
    await StartAsyncTcpServer(context=context, address=("127.0.0.1", int(sys.argv[1])))


asyncio.run(main())
