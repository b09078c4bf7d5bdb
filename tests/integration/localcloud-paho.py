#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""iot-localcloud against the Paho client over WebSocket, and against bare sockets."""

import json
import os
import socket
import sys

sys.dont_write_bytecode = True  # the source tree may be read-only
from localcloud_device import DOWN, UP, Device, frame, mqtt, mqtt_string, raw_connect, websocket
from localcloud_fixture import CLIENT_ID, DEVICE, PRODUCT, WAIT_S, Cloud, login, run

cloud = Device.cloud = Cloud({"session_interval_ms": 50, "action_timeout_ms": 300})


def refused(expected, **kw):
    d = Device(**kw)
    rc, present = d.connect()
    d.c.loop_stop()
    assert rc == expected and not present, (rc, present)


def test_login_paths():
    for path in ("/", "/mqtt"):
        with Device(path=path):
            pass


def test_wrong_path():
    d = Device(path="/elsewhere")
    try:
        d.connect()
    except (mqtt.WebsocketConnectionError, OSError):
        return
    raise AssertionError("accepted")


def test_mqtt_3_1():
    with Device(protocol=mqtt.MQTTv31, method="sha1"):
        pass


def test_login_refused():
    refused(4, secret="AAAA")
    refused(4, expiry=1600000000)
    refused(4, client_id=CLIENT_ID + "x")


def test_wrong_subprotocol():
    s = socket.create_connection(("127.0.0.1", cloud.ports["ws_port"]), WAIT_S)
    s.sendall(b"GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
              b"Sec-WebSocket-Protocol: chat\r\n\r\n")
    answer = s.recv(4096)
    s.close()
    assert b"101" not in answer.split(b"\r\n")[0], answer


def test_report():
    with Device() as d:
        d.subscribe_all()
        r = d.ask("property", {"method": "report", "clientToken": "a", "params": {"brightness": 7}})
        assert r == {"method": "report_reply", "clientToken": "a", "code": 0,
                     "status": "success"}, r
        assert d.ask("property", {"method": "report", "params": {"brightness": 7.5}})["code"] == 406
        assert d.ask("property", {"method": "report", "params": {"x": 1}})["code"] == 403
        assert d.ask("property", {"method": "report", "timestamp": 1, "params": {}})["code"] == 405
        assert d.ask("property", b"\xff{")["code"] == 400
    data = json.loads(cloud.app("AppGetDeviceData")["Data"])
    assert data["brightness"]["Value"] == 7, data


def test_event():
    with Device() as d:
        d.subscribe_all()
        r = d.ask("event", {"method": "event_post", "clientToken": "e", "version": "1.0",
                            "eventId": "status_report", "type": "info",
                            "params": {"status": 0, "message": "\u706f"}})
        assert r["method"] == "event_reply" and r["code"] == 0 and r["data"] == {}, r
    history = cloud.app("AppListEventHistory", EventId="status_report")["EventHistory"]
    assert json.loads(history[0]["Data"])["message"] == "\u706f", history


def test_control():
    with Device() as d:
        d.subscribe_all()
        assert cloud.app("AppControlDeviceData", Data='{"color":2}')["Data"] == ""
        m = d.receive()
        assert m["method"] == "control" and m["params"] == {"color": 2}, m
        d.send("property", {"method": "control_reply", "clientToken": m["clientToken"], "code": 0})
        status = d.ask("property", {"method": "get_status", "clientToken": "s"})
        assert "color" not in status["data"].get("control", {}), status


def test_action():
    def on_action(client, userdata, m):
        call = json.loads(m.payload)
        client.publish(UP % "action", json.dumps({
            "method": "action_reply", "clientToken": call["clientToken"], "code": 0,
            "status": "done", "response": {"user": call["params"]["user"], "state": 1}}), 1)

    with Device() as d:
        d.subscribe_all()
        d.c.message_callback_add(DOWN % "action", on_action)
        r = cloud.app("AppCallDeviceActionSync", ActionId="unlock",
                      InputParams='{"open":1,"user":"me"}')
        assert r["Status"] == "succ", r
        assert json.loads(r["OutputParams"]) == {"user": "me", "state": 1}, r


def test_action_errors():
    args = {"ActionId": "unlock", "InputParams": '{"open":1,"user":"me"}'}
    r = cloud.app("AppCallDeviceActionSync", **args)
    assert r["Error"]["Code"] == "FailedOperation.DeviceOffline", r
    with Device() as d:
        d.subscribe_all()
        r = cloud.app("AppCallDeviceActionSync", **args)
        assert r["Error"]["Code"] == "FailedOperation.Timeout", r
        r = cloud.app("AppCallDeviceActionAsync", **args)
        assert r["Status"] == "Sent" and r["ClientToken"], r


def test_statuses():
    ids = [PRODUCT + "/" + DEVICE]
    with Device():
        assert cloud.app("AppGetDeviceStatuses", DeviceIds=ids)["DeviceStatuses"][0]["Online"] == 1
    mark = cloud.mark()
    if cloud.http("GET", "/state")[1]["devices"][0]["online"]:
        cloud.wait_for(mark - 1, event="disconnect")
    assert cloud.app("AppGetDeviceStatuses", DeviceIds=ids)["DeviceStatuses"][0]["Online"] == 0


def test_permissions():
    with Device() as d:
        assert list(d.subscribe("#", "$thing/down/property/" + PRODUCT + "/other")) == [128, 128]
        assert list(d.subscribe(PRODUCT + "/" + DEVICE + "/control")) == [1]
        d.c.subscribe([(DOWN % "property", 1), (DOWN % "event", 1)])
        assert d.subacks.get(timeout=WAIT_S) == (1, 128)
        mark = cloud.mark()
        d.c.publish(DOWN % "property", "x", 1)
        d.published.get(timeout=WAIT_S)
        cloud.wait_for(mark, event="dropped", reason="may not publish")


def test_own_data():
    topic = PRODUCT + "/" + DEVICE + "/data"
    with Device() as d:
        list(d.subscribe(topic))
        d.c.publish(topic, b"\x00\xff", 1)
        assert d.messages.get(timeout=WAIT_S).payload == b"\x00\xff"


def test_session():
    with Device(clean=True):
        pass
    with Device(clean=False) as d:
        assert not d.present
        d.subscribe_all()
    for level in (1, 2, 3):
        cloud.app("AppControlDeviceData", Data='{"brightness":%d}' % level)
    with Device(clean=False) as d:
        assert d.present
        assert [d.receive()["params"]["brightness"] for i in range(3)] == [1, 2, 3]
    with Device(clean=True) as d:
        assert not d.present


def test_kick():
    with Device() as first:
        mark = cloud.mark()
        with Device(transport="tcp"):
            assert first.gone.get(timeout=WAIT_S) != 0
            cloud.wait_for(mark, event="kicked")


def test_large_messages():
    with Device() as d:
        d.subscribe_all()
        for size in (125, 126, 65535 // 5, 16384):
            head = '{"method":"report","clientToken":"%d","params":{}' % size
            text = head + " " * (size - len(head) - 1) + "}"
            assert d.ask("property", text)["clientToken"] == str(size)
        mark = cloud.mark()
        d.send("property", " " * 16385, 1)
        cloud.wait_for(mark, event="dropped", reason="too long")


def test_keepalive_cut():
    mark = cloud.mark()
    s = raw_connect(1)
    assert s.recv(1) == b""  # silence: cut after 1.5 s
    s.close()
    cloud.wait_for(mark, event="keepalive_timeout")


def test_refusal_arrives():
    """The CONNACK is not lost when more input follows the bad CONNECT."""
    s = socket.create_connection(("127.0.0.1", cloud.ports["tcp_port"]), WAIT_S)
    s.settimeout(WAIT_S)
    s.sendall(b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02no" + b"\xc0\x00" * 100)
    assert s.recv(4) == b"\x20\x02\x00\x02"
    assert s.recv(1) == b""
    s.close()


def test_hostile_bytes():
    for data in (b"\x00" * 64, b"\xff" * 64, b"\x30\xff\xff\xff\x7f" + b"x" * 100, b"GET / HTTP/1.1\r\n",
                 b"\x10\x04\x00\xff\xff\xff"):
        s = socket.create_connection(("127.0.0.1", cloud.ports["tcp_port"]), WAIT_S)
        s.settimeout(WAIT_S)
        s.sendall(data)
        try:
            assert s.recv(1) == b""
        except ConnectionResetError:
            pass
        s.close()
    with Device():
        pass


def test_websocket_fragments():
    user, password = login()
    body = mqtt_string("MQTT") + b"\x04\xc2\0\0" + mqtt_string(CLIENT_ID) + mqtt_string(user) + \
        mqtt_string(password)
    packet = b"\x10" + bytes([len(body) % 128 + 128, len(body) // 128]) + body
    s = websocket()
    s.sendall(frame(2, packet[:1]) + frame(2, packet[1:50], fin=False) +
              frame(0, packet[50:60], fin=False) + frame(0, packet[60:] + b"\xc0\0\xc0"))
    answer = b""
    while len(answer) < 10:
        answer += s.recv(100)
    assert answer == b"\x82\x04\x20\x02\0\0\x82\x02\xd0\0", answer
    s.sendall(frame(2, b"\0"))
    assert s.recv(4) == b"\x82\x02\xd0\0"
    s.close()


def test_websocket_text_frame():
    mark = cloud.mark()
    s = websocket("/mqtt")
    s.sendall(frame(1, b"hello"))
    while s.recv(100):
        pass
    s.close()
    cloud.wait_for(mark, event="violation", reason="not binary")


def test_fault_drop():
    with Device() as d:
        assert cloud.fault(fault="drop", device=PRODUCT + "/" + DEVICE)[0] == 200
        assert d.gone.get(timeout=WAIT_S) != 0


def test_fault_refuse():
    cloud.fault(fault="refuse", code=3, count=1)
    refused(3)
    with Device():
        pass


def test_fault_hold_replies():
    with Device() as d:
        d.subscribe_all()
        cloud.fault(fault="hold_replies", on=True)
        mark = cloud.mark()
        d.send("property", {"method": "report", "clientToken": "held", "params": {}})
        cloud.wait_for(mark, direction="up")
        cloud.app("AppControlDeviceData", Data='{"color":0}')
        assert d.receive()["method"] == "control"  # overtakes the reply
        cloud.fault(fault="hold_replies", on=False)
        assert d.receive()["clientToken"] == "held"


def test_fault_duplicate():
    with Device() as d:
        d.subscribe_all()
        cloud.fault(fault="duplicate", count=1)
        mark = cloud.mark()
        cloud.app("AppControlDeviceData", Data='{"color":1}')
        assert d.receive()["params"] == {"color": 1}
        cloud.wait_for(mark, direction="down", dup=True)


def test_fault_mute():
    with Device() as d:
        d.subscribe_all()
        cloud.fault(fault="mute", on=True)
        mark = cloud.mark()
        d.send("property", {"method": "report", "clientToken": "x", "params": {}}, 1)
        cloud.wait_for(mark, event="fault", reason="muted")
        cloud.fault(fault="mute", on=False)
        assert d.gone.get(timeout=WAIT_S) != 0
        assert d.messages.empty() and d.published.empty()


def test_http_errors():
    assert cloud.http("GET", "/nowhere")[0] == 404
    assert cloud.http("POST", "/nowhere", {})[0] == 404
    assert cloud.http("GET", "/fault")[0] == 405
    assert cloud.http("POST", "/fault", "{", raw=True)[0] == 400
    assert cloud.http("POST", "/fault", {"fault": "refuse", "code": 9, "count": 1})[0] == 400
    assert cloud.http("GET", "/journal?since=x")[0] == 400
    assert cloud.http("POST", "/fault", " " * (1024 * 1024 + 1), raw=True)[0] == 413
    status, answer = cloud.http("POST", "/api/exploreropen/tokenapi", "nonsense", raw=True)
    assert status == 200
    assert answer["Response"]["Error"]["Code"] == "InvalidParameterValue.InvalidJSON", answer


def test_http_keepalive():
    import http.client
    c = http.client.HTTPConnection("127.0.0.1", cloud.ports["http_port"], timeout=WAIT_S)
    for i in range(3):
        c.request("GET", "/state")
        answer = c.getresponse()
        assert answer.status == 200 and "devices" in json.loads(answer.read())
        c.request("POST", "/fault", "[]")
        answer = c.getresponse()
        assert answer.status == 400 and "error" in json.loads(answer.read())
    c.close()


def test_http_leave_early():
    """Readers that go away while they wait are noticed, and cost nothing until then."""
    def descriptors():
        return len(os.listdir("/proc/%d/fd" % cloud.process.pid))

    def cpu_ticks():
        with open("/proc/%d/stat" % cloud.process.pid) as f:
            return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))

    before, ticks = descriptors(), cpu_ticks()
    for i in range(20):
        s = socket.create_connection(("127.0.0.1", cloud.ports["http_port"]), WAIT_S)
        s.sendall(b"GET /journal?since=%d&wait_ms=60000 HTTP/1.1\r\nHost: x\r\n\r\n" %
                  cloud.mark())
        s.close()
    for i in range(5 * WAIT_S):
        if descriptors() <= before:
            break
        cloud.http("GET", "/journal?since=%d&wait_ms=200" % cloud.mark())
    assert descriptors() <= before, descriptors()
    assert cpu_ticks() - ticks < os.sysconf("SC_CLK_TCK") // 4, cpu_ticks() - ticks


def test_signatures():
    login_args = {"Action": "AppGetTokenByWeiXin", "WxOpenID": "me", "NickName": "me",
                  "Avatar": "http://x/y_z"}
    r = cloud.signed(**login_args)
    assert len(r["Data"]["Token"]) == 32 and r["RequestId"] == "r", r
    r = cloud.signed(secret="wrong", **login_args)
    assert r["Error"]["Code"] == "InvalidParameterValue.InvalidSignature", r
    r = cloud.signed(Timestamp=1546315200, **login_args)
    assert r["Error"]["Code"] == "InvalidParameterValue.InvalidTimestamp", r
    r = cloud.signed(AppKey="x", **login_args)
    assert r["Error"]["Code"] == "InvalidParameterValue.InvalidAppKey", r
    r = cloud.app("AppGetDeviceData", AccessToken="x")
    assert r["Error"]["Code"] == "InvalidParameterValue.InvalidAccessToken", r


def clean_stop():
    with Device(clean=False) as d:
        d.subscribe_all()
        status = cloud.stop()
        assert status == 0, (status, cloud.output())


tests = [f for name, f in list(globals().items()) if name.startswith("test_")]
sys.exit(run(tests, clean_stop))
