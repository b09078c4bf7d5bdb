#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults and time of iot-localcloud, as the Paho client and bare sockets see them."""

import json
import os
import queue
import socket
import sys
import time

sys.dont_write_bytecode = True  # the source tree may be read-only
from localcloud_device import DOWN, Device, frame, raw_connect, websocket_connect
from localcloud_fixture import DEVICE, PRODUCT, WAIT_S, Cloud, run

ID = PRODUCT + "/" + DEVICE
SYS = "$sys/operation/" + ID
RESULT = "$sys/operation/result/" + ID
cloud = Device.cloud = Cloud({"session_interval_ms": 10, "up_rate": 0})


def fault(name, **members):
    status, answer = cloud.fault(fault=name, **members)
    assert status == 200 and answer == {"ok": True}, answer


def switched():
    state = cloud.http("GET", "/state")[1]
    return state.get("faults"), state["devices"][0].get("faults")


def event(token):
    return {"method": "event_post", "clientToken": token, "eventId": "status_report",
            "type": "info", "params": {"status": 0, "message": token}}


def control(level):
    cloud.app("AppControlDeviceData", Data='{"brightness":%d}' % level)


def read_until_end(s):
    data = b""
    while True:
        try:
            more = s.recv(4096)
        except ConnectionResetError:
            return data
        if not more:
            return data
        data += more


def nothing_comes(s):
    """What was asked after this one is answered before anything of it."""
    s.setblocking(False)
    try:
        raise AssertionError(s.recv(100))
    except BlockingIOError:
        pass
    finally:
        s.settimeout(WAIT_S)


def cpu_ticks():
    with open("/proc/%d/stat" % cloud.process.pid) as f:
        return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))


def test_errors():
    for request in ({"fault": "x"}, {"fault": "delay"}, {"fault": "clock", "offset_ms": "1"},
                    {"fault": "none", "device": "x/y"}):
        status, answer = cloud.fault(**request)
        assert status == 400 and answer["error"], answer


def test_state():
    fault("delay", ms=5, device=ID)
    fault("clock", offset_ms=-1000)
    assert switched() == ({"clock": {"offset_ms": -1000, "login": False}}, {"delay": 5})
    fault("none")
    assert switched() == (None, None)


def test_drop_after_packets():
    with Device() as d:
        d.subscribe_all()
        fault("drop", after_packets=3, direction="up")
        for i in range(3):
            d.send("event", event("p%d" % i))
        assert d.gone.get(timeout=WAIT_S) != 0
    history = cloud.app("AppListEventHistory")["EventHistory"]
    assert len(history) == 3, history  # all three were worked on


def test_drop_after_bytes():
    s = raw_connect(0)
    fault("drop", after_bytes=5, direction="down")
    s.sendall(b"\xc0\0" * 4)
    assert read_until_end(s) == b"\xd0\0\xd0\0\xd0"
    s.close()


def test_half_open():
    s = raw_connect(1)
    mark = cloud.mark()
    fault("half_open", on=True)
    s.sendall(b"\xc0\0")
    ticks, end = cpu_ticks(), time.monotonic() + 2
    while time.monotonic() < end:  # longer than the keep-alive
        cloud.http("GET", "/journal?since=%d&wait_ms=500" % cloud.mark())
    assert cpu_ticks() - ticks < os.sysconf("SC_CLK_TCK") // 4, cpu_ticks() - ticks
    nothing_comes(s)
    sent = 0
    s.settimeout(0)
    try:
        while sent < 64 * 1024 * 1024:
            sent += s.send(b"\xc0\0" * 4096)
    except BlockingIOError:
        pass
    assert sent < 64 * 1024 * 1024  # nobody reads
    cloud.wait_for(mark, event="fault", reason="half-open: nothing")
    s.settimeout(WAIT_S)
    fault("drop")
    read_until_end(s)
    s.close()
    fault("none")
    with Device() as d:
        d.subscribe_all()
        mark = cloud.mark()
        fault("half_open", on=True)
        control(1)
        cloud.wait_for(mark, direction="down")
        d.send("property", {"method": "report", "clientToken": "late", "params": {}})
        assert d.messages.empty()
        fault("half_open", on=False)
        assert d.receive()["method"] == "control"
        assert d.receive()["clientToken"] == "late"


def test_half_open_peer_leaves():
    ticks = cpu_ticks()
    s = raw_connect(0)
    mark = cloud.mark()
    fault("half_open", on=True)
    s.close()
    cloud.http("GET", "/journal?since=%d&wait_ms=1000" % cloud.mark())
    assert cpu_ticks() - ticks < os.sysconf("SC_CLK_TCK") // 4, cpu_ticks() - ticks
    fault("none")
    cloud.wait_for(mark, event="closed")


def test_delay():
    with Device() as d:
        d.subscribe_all()
        fault("delay", ms=300)
        mark, start = cloud.mark(), time.monotonic()
        d.send("property", {"method": "report", "clientToken": "one", "params": {}})
        cloud.wait_for(mark, direction="down")
        control(2)
        assert d.receive()["clientToken"] == "one"
        assert time.monotonic() - start >= 0.29
        assert d.receive()["method"] == "control"
        fault("none")


def read_exactly(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(n - len(data))
        assert more, data
        data += more
    return data


def test_slow():
    s = raw_connect(0)
    fault("slow", ms=60)
    start = time.monotonic()
    s.sendall(b"\xc0\0" * 3)
    assert read_exactly(s, 1) == b"\xd0"
    assert read_exactly(s, 5) == b"\0\xd0\0\xd0\0"
    assert time.monotonic() - start >= 0.25
    fault("none")
    s.close()
    s = websocket_connect()
    fault("slow", ms=60)
    s.sendall(frame(2, b"\xc0\0"))
    assert read_exactly(s, 6) == b"\x82\x01\xd0\x82\x01\0"  # a byte, a frame
    fault("none")
    s.close()


def test_hold_puback():
    with Device() as d:
        d.subscribe_all()
        fault("hold_puback", on=True)
        d.send("event", event("h"), 1)
        assert d.receive()["clientToken"] == "h"  # worked on and answered
        assert d.published.empty()
        fault("hold_puback", on=False)
        d.published.get(timeout=WAIT_S)


def test_wrong_code():
    with Device() as d:
        d.subscribe_all()
        fault("wrong_code", method="event_reply", code=503, count=1)
        assert d.ask("event", event("w"))["code"] == 503
        assert d.ask("event", event("w"))["code"] == 0


def test_garbage_mqtt():
    s = raw_connect(0)
    fault("garbage", hex="f001ff")
    assert s.recv(100) == b"\xf0\x01\xff"
    s.close()
    with Device() as d:
        fault("garbage", device=ID)
        assert d.gone.get(timeout=WAIT_S) != 0


def test_garbage_websocket():
    s = websocket_connect()
    fault("garbage", hex="ff7f00ff", layer="websocket")
    assert s.recv(100) == b"\xff\x7f\x00\xff"
    fault("garbage", hex="f001ff", layer="mqtt")
    assert s.recv(100) == b"\x82\x03\xf0\x01\xff"
    s.close()


def test_oversized():
    s = raw_connect(0)
    fault("oversized")
    head = s.recv(4096)
    assert head[:4] == b"\x30\x81\x80\x10" and head.endswith((DOWN % "property").encode()), head
    s.close()
    s = raw_connect(0)
    fault("oversized", bytes=300000, sent=True)
    got = 0
    while got < 300004:
        got += len(s.recv(65536))
    s.sendall(b"\xc0\0")
    assert s.recv(100) == b"\xd0\0"  # the stream is whole
    s.close()


def test_reorder():
    with Device(clean=True):
        pass
    with Device(clean=False) as d:
        d.subscribe_all()
    for level in (1, 2, 3):
        control(level)
    fault("reorder", count=1)
    with Device(clean=False) as d:
        assert [d.receive()["params"]["brightness"] for i in range(3)] == [3, 2, 1]
    with Device(clean=True):
        pass


def ask_time(d):
    before = time.time()
    d.c.publish(SYS, json.dumps({"type": "get", "resource": ["time"]}))
    m = d.messages.get(timeout=WAIT_S)
    assert m.topic == RESULT, m.topic
    return before * 1000, json.loads(m.payload), time.time() * 1000


def test_time():
    with Device() as d:
        assert list(d.subscribe(RESULT)) == [1]
        before, answer, after = ask_time(d)
        assert set(answer) == {"type", "time", "ntptime1", "ntptime2"}, answer
        assert answer["type"] == "get" and answer["time"] == answer["ntptime2"] // 1000
        assert before - 1 <= answer["ntptime1"] <= answer["ntptime2"] <= after + 1, answer


def test_clock():
    with Device() as d:
        d.subscribe_all()
        assert list(d.subscribe(RESULT)) == [1]
        fault("clock", offset_ms=-90000000)
        before, answer, after = ask_time(d)
        assert before - 1 <= answer["ntptime1"] + 90000000 <= after + 1, answer
        r = d.ask("property", {"method": "report", "timestamp": int(time.time()), "params": {}})
        assert r["code"] == 405, r
        fault("none")
        r = d.ask("property", {"method": "report", "timestamp": int(time.time()), "params": {}})
        assert r["code"] == 0, r


def test_clock_login():
    fault("clock", offset_ms=4000000000000, login=True)
    d = Device()
    assert d.connect()[0] == 4
    d.c.loop_stop()
    fault("none")


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", cloud.ports[port]), WAIT_S).close()
        return True
    except ConnectionRefusedError:
        return False


def test_refuse_tcp():
    with Device() as d:
        d.subscribe_all()
        fault("refuse_tcp", on=True)
        for i in range(3):
            assert not connects("ws_port") and not connects("tcp_port")
        assert switched()[0] == {"refuse_tcp": True}
        r = d.ask("property", {"method": "report", "clientToken": "stays", "params": {}})
        assert r["clientToken"] == "stays"
        ticks = cpu_ticks()
        cloud.http("GET", "/journal?since=%d&wait_ms=1000" % cloud.mark())
        assert cpu_ticks() - ticks < os.sysconf("SC_CLK_TCK") // 4, cpu_ticks() - ticks
        fault("refuse_tcp", on=False)
    for transport in ("websockets", "tcp"):
        with Device(transport=transport):
            pass


def test_refuse_tcp_for_a_while():
    mark = cloud.mark()
    fault("refuse_tcp", ms=300)
    assert not connects("ws_port")
    cloud.wait_for(mark, event="fault", reason="welcome")
    for i in range(20):  # the port is the same, and nothing leaks
        fault("refuse_tcp", on=True)
        fault("refuse_tcp", on=False)
    with Device():
        pass
    assert len(os.listdir("/proc/%d/fd" % cloud.process.pid)) < 32


def test_many_at_once():
    """All of them together break nothing but the connection."""
    with Device() as d:
        d.subscribe_all()
        fault("delay", ms=20)
        fault("hold_puback", on=True)
        fault("hold_replies", on=True)
        fault("duplicate", count=5)
        for i in range(20):
            d.send("event", event("m%d" % i), 1)
            control(i)
        fault("half_open", on=True)
        fault("oversized", bytes=1000, sent=True)
        fault("garbage", bytes=1024)
        fault("slow", ms=1)
        fault("mute", on=True)
        fault("none")
        try:
            while d.gone.empty():
                d.messages.get(timeout=0.2)
        except queue.Empty:
            pass
    with Device(clean=True) as d:
        d.subscribe_all()
        assert d.ask("event", event("alive"))["code"] == 0


def clean_stop():
    fault("refuse_tcp", on=True)
    fault("delay", ms=60000)
    s = socket.create_connection(("127.0.0.1", cloud.ports["http_port"]), WAIT_S)
    status = cloud.stop()
    s.close()
    assert status == 0, (status, cloud.output())


tests = [f for name, f in list(globals().items()) if name.startswith("test_")]
sys.exit(run(tests, clean_stop))
