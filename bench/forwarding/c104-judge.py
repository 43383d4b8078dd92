"""A control center that we did not write (c104) interrogates once: every value must be the one that was served."""

import json
import sys
import time

import c104

port, points = int(sys.argv[1]), int(sys.argv[2])
FIRST = 100_001
client = c104.Client(tick_rate_ms=100, command_timeout_ms=15_000)
connection = client.add_connection(ip="127.0.0.1", port=port, init=c104.Init.NONE)
station = connection.add_station(common_address=1)
held = [station.add_point(io_address=FIRST + n, type=c104.Type.M_ME_NC_1) for n in range(points)]
client.start()
done, elapsed = False, 0.0
for _ in range(5):
    deadline = time.monotonic() + 5
    # c104 at times connects and then never sends its STARTDT: it is told to begin again.
    while (not connection.is_connected or connection.is_muted) and time.monotonic() < deadline:
        time.sleep(0.05)
    began = time.monotonic()
    done = not connection.is_muted and connection.interrogation(common_address=1)
    elapsed = time.monotonic() - began
    if done:
        break
    connection.disconnect()
    connection.connect()


def is_right(n):
    try:
        return held[n].quality.is_good() and abs(held[n].value - n) <= abs(n) * 1e-6
    except RuntimeError:
        # "Potential Deadlock": c104 is busy with its own points.
        return False


# The confirmation of the termination may come before the last value is taken over.
deadline = time.monotonic() + 20
while (right := sum(1 for n in range(points) if is_right(n))) < points and time.monotonic() < deadline:
    time.sleep(0.2)
print(json.dumps({"done": done, "seconds": round(elapsed, 2), "right": right, "of": points}))
sys.exit(0 if done and right == points else 1)
