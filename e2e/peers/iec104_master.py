"""A control center that we did not write (c104). Reads commands as JSON lines, answers each with one JSON line.

{"do": "points"}: every object that came, by address: value, quality bits, cause of the last.
{"do": "interrogate"}: general interrogation of station 1, then the points.
{"do": "command", "address": n, "type": "C_SE_NC_1", "value": x}: direct command; "accepted" is what the library says.
"""

import json
import sys
import time

import c104

port = int(sys.argv[1])
host = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
# c104 keeps one type per address: "timed" hears the events, "untimed" the interrogations.
TIMED = {"M_SP_NA_1": "M_SP_TB_1", "M_ME_NB_1": "M_ME_TE_1", "M_ME_NC_1": "M_ME_TF_1", "M_IT_NA_1": "M_IT_TB_1"}
NAMES = TIMED if sys.argv[2] == "timed" else {timed: untimed for untimed, timed in TIMED.items()}
client = c104.Client(tick_rate_ms=50, command_timeout_ms=10000)
connection = client.add_connection(ip=host, port=port, init=c104.Init.INTERROGATION)
station = connection.add_station(common_address=1)


def on_new_point(client: c104.Client, station: c104.Station, io_address: int, point_type: c104.Type) -> None:
    station.add_point(io_address=io_address, type=getattr(c104.Type, NAMES.get(point_type.name, point_type.name)))


def is_open():
    return connection.is_connected and not connection.is_muted


def open_data_transfer():
    """c104 at times connects and then never sends its STARTDT: it is told to begin again."""
    for _ in range(20):
        ends = time.monotonic() + 3
        while time.monotonic() < ends:
            if is_open():
                return
            time.sleep(0.02)
        if connection.is_connected:
            connection.disconnect()
            connection.connect()


client.on_new_point(callable=on_new_point)
client.start()
open_data_transfer()


def points():
    found = []
    for point in station.points:
        value = point.value
        found.append(
            {
                "address": point.io_address,
                "type": point.type.name,
                "value": None if value is None else float(value),
                "good": point.quality is None or point.quality.is_good(),
                "quality": str(point.quality),
                "time": None if point.recorded_at is None else str(point.recorded_at),
            }
        )
    return found


for line in sys.stdin:
    request = json.loads(line)
    if request["do"] == "points":
        answer = {"connected": connection.is_connected, "points": points()}
    elif request["do"] == "interrogate":
        done = connection.interrogation(common_address=1)
        time.sleep(0.2)
        answer = {"connected": connection.is_connected, "done": done, "points": points()}
    else:
        kind = getattr(c104.Type, request["type"])
        point = station.get_point(io_address=request["address"]) or station.add_point(
            io_address=request["address"], type=kind
        )
        point.value = float(request["value"])
        answer = {"accepted": point.transmit(cause=c104.Cot.ACTIVATION)}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
client.stop()
