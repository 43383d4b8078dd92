"""A station that Busbar's authors did not write (c104). Reads JSON lines, answers each with one JSON line.

{"do": "tags"}: the tags to read, with the value that each must show after an interrogation.
{"do": "send", "address": n, "value": x, "time": ms}: changes a value and sends it spontaneously.
{"do": "received"}: the commands that came, in order.
{"do": "cut"}: closes all links and opens the port again.
"""

import datetime
import json
import sys

import c104

Type = c104.Type
server = c104.Server(ip="127.0.0.1", port=int(sys.argv[1]), tick_rate_ms=50)
station = server.add_station(common_address=7)
received = []


# Type, address, value object, what must be shown, and its quality.
POINTS = [
    (Type.M_SP_NA_1, 1, c104.SingleInfo(True), True, "good"),
    (Type.M_SP_NA_1, 2, c104.SingleInfo(False), False, "good"),
    (Type.M_SP_NA_1, 3, c104.SingleInfo(True, c104.Quality.Invalid), None, "bad"),
    (Type.M_SP_NA_1, 4, c104.SingleInfo(True, c104.Quality.NonTopical), True, "uncertain"),
    (Type.M_DP_NA_1, 11, c104.DoubleInfo(c104.Double.ON), 2, "good"),
    (Type.M_DP_NA_1, 12, c104.DoubleInfo(c104.Double.OFF), 1, "good"),
    (Type.M_ST_NA_1, 21, c104.StepInfo(c104.Int7(-7), False), -7, "good"),
    (Type.M_BO_NA_1, 31, c104.BinaryInfo(c104.Byte32(0xCAFE0001)), 0xCAFE0001, "good"),
    (Type.M_ME_NA_1, 16385, c104.NormalizedInfo(c104.NormalizedFloat(-0.25)), -0.25, "good"),
    (Type.M_ME_NB_1, 16386, c104.ScaledInfo(c104.Int16(-12345)), -12345, "good"),
    (Type.M_ME_NC_1, 16387, c104.ShortInfo(1234.5625), 1234.5625, "good"),
    (Type.M_ME_NC_1, 16388, c104.ShortInfo(50.02, c104.Quality.Overflow), 50.02, "uncertain"),
    (Type.M_IT_NA_1, 25601, c104.BinaryCounterInfo(1234567, c104.UInt5(3), c104.BinaryCounterQuality()), 1234567, "good"),
]
# With time: sent by themselves.
EVENTS = [(Type.M_SP_TB_1, 101), (Type.M_ME_TF_1, 102)]
# Name in the table, type, address, select before execute.
COMMANDS = [
    ("switch", Type.C_SC_NA_1, 24577, False),
    ("breaker", Type.C_DC_NA_1, 24578, True),
    ("normalized", Type.C_SE_NA_1, 25089, False),
    ("scaled", Type.C_SE_NB_1, 25090, False),
    ("float", Type.C_SE_NC_1, 25091, True),
    ("refused", Type.C_SC_NA_1, 24600, False),
]


def on_receive(point: c104.Point, previous_info: c104.Information, message: c104.IncomingMessage) -> c104.ResponseState:
    value = point.value
    number = {c104.Double.ON: 2, c104.Double.OFF: 1}.get(value)
    received.append({"address": point.io_address, "value": float(value) if number is None else number})
    return c104.ResponseState.FAILURE if point.io_address == 24600 else c104.ResponseState.SUCCESS


points = {}
for kind, address, info, _shown, _quality in POINTS:
    point = station.add_point(io_address=address, type=kind)
    point.info = info
    points[address] = point
for kind, address in EVENTS:
    points[address] = station.add_point(io_address=address, type=kind)
for _name, kind, address, is_select in COMMANDS:
    mode = c104.CommandMode.SELECT_AND_EXECUTE if is_select else c104.CommandMode.DIRECT
    command = station.add_point(io_address=address, type=kind, command_mode=mode)
    command.on_receive(callable=on_receive)
    points[address] = command
server.start()


TYPES = {
    **{"M_SP": "bool", "M_DP": "uint8", "M_ST": "int8", "M_BO": "uint32", "M_ME": "float32", "M_IT": "int32"},
    **{"C_SC": "bool", "C_DC": "bool", "C_SE_NA": "float32", "C_SE_NB": "int16", "C_SE_NC": "float32"},
}


def row(name, form, address, **more):
    return {"id": name, "address": f"{form}:{address}", "type": TYPES[form], **more}


def tags():
    found = []
    for kind, address, _info, shown, quality in POINTS:
        found.append(row(f"p{address}", kind.name[:4], address, expected=shown, quality=quality))
    for kind, address in EVENTS:
        found.append(row(f"p{address}", kind.name[:4], address))
    for name, kind, address, is_select in COMMANDS:
        form = kind.name[:7] if kind.name.startswith("C_SE") else kind.name[:4]
        found.append(row(name, form, address, access="w", writeMode="select" if is_select else "direct"))
    return found


def send(request):
    point = points[request["address"]]
    value = request["value"]
    stamp = datetime.datetime.fromtimestamp(request.get("time", 0) / 1000, tz=datetime.timezone.utc)
    infos = {
        "M_SP_NA_1": lambda: c104.SingleInfo(bool(value)),
        "M_ME_NB_1": lambda: c104.ScaledInfo(c104.Int16(value)),
        "M_SP_TB_1": lambda: c104.SingleInfo(bool(value), recorded_at=stamp),
        "M_ME_TF_1": lambda: c104.ShortInfo(float(value), recorded_at=stamp),
    }
    point.info = infos[point.type.name]()
    return point.transmit(cause=c104.Cot.SPONTANEOUS)


for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "tags":
        answer = tags()
    elif request["do"] == "send":
        answer = send(request)
    elif request["do"] == "cut":
        server.stop()
        server.start()
        answer = True
    else:
        answer = received
    print(json.dumps(answer), flush=True)
