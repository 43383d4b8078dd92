"""A control center that we did not write (c104) interrogates station 1, and says in one JSON line what one address has."""

import json
import sys
import time

import c104

port, address = int(sys.argv[1]), int(sys.argv[2])
client = c104.Client(tick_rate_ms=50, command_timeout_ms=5_000)
connection = client.add_connection(ip="127.0.0.1", port=port, init=c104.Init.NONE)
station = connection.add_station(common_address=1)
point = station.add_point(io_address=address, type=c104.Type.M_ME_NC_1)
client.start()
deadline = time.monotonic() + 30
again = time.monotonic() + 3
found = None
while found is None and time.monotonic() < deadline:
    time.sleep(0.1)
    if connection.is_connected and not connection.is_muted:
        if connection.interrogation(common_address=1) and point.quality.is_good():
            found = point.value
    elif time.monotonic() > again:
        # c104 at times connects and then never sends its STARTDT: it is told to begin again.
        again = time.monotonic() + 3
        connection.disconnect()
        connection.connect()
print(json.dumps({"connected": connection.is_connected, "value": found}))
