# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices that are not ours: the Paho client, and bare sockets with the bytes written out."""

import json
import os
import queue
import socket
import struct
import sys

SYSTEM_PYTHON = "/usr/bin/python3"
try:
    import paho.mqtt.client as mqtt
except ImportError:
    # The distribution's package belongs to the distribution's interpreter.
    if os.path.realpath(sys.executable) != os.path.realpath(SYSTEM_PYTHON) and \
            os.access(SYSTEM_PYTHON, os.X_OK):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON] + sys.argv)
    print("SKIP: no paho for Python")
    sys.exit(77)

from localcloud_fixture import CLIENT_ID, DEVICE, PRODUCT, WAIT_S, login

UP = "$thing/up/%s/" + PRODUCT + "/" + DEVICE
DOWN = "$thing/down/%s/" + PRODUCT + "/" + DEVICE


class Device:
    """A Paho client whose news come in queues."""

    cloud = None  # the one that tests talk to

    def __init__(self, clean=True, path="/mqtt", transport="websockets", protocol=mqtt.MQTTv311,
                 **login_args):
        self.acks, self.subacks, self.gone = queue.Queue(), queue.Queue(), queue.Queue()
        self.messages, self.published = queue.Queue(), queue.Queue()
        self.c = mqtt.Client(CLIENT_ID, clean_session=clean, transport=transport,
                             protocol=protocol, reconnect_on_failure=False)
        if transport == "websockets":
            self.c.ws_set_options(path=path)
        self.c.username_pw_set(*login(**login_args))
        self.c.on_connect = lambda c, u, flags, rc: self.acks.put((rc, flags["session present"]))
        self.c.on_subscribe = lambda c, u, mid, granted: self.subacks.put(granted)
        self.c.on_disconnect = lambda c, u, rc: self.gone.put(rc)
        self.c.on_publish = lambda c, u, mid: self.published.put(mid)
        self.c.on_message = lambda c, u, m: self.messages.put(m)
        self.port = self.cloud.ports["ws_port" if transport == "websockets" else "tcp_port"]

    def connect(self):
        self.c.connect("127.0.0.1", self.port, keepalive=30)
        self.c.loop_start()
        return self.acks.get(timeout=WAIT_S)

    def __enter__(self):
        rc, self.present = self.connect()
        assert rc == 0, rc
        return self

    def __exit__(self, *unused):
        self.c.disconnect()
        self.c.loop_stop()

    def subscribe(self, *topics, qos=1):
        for t in topics:
            self.c.subscribe(t, qos)
            yield self.subacks.get(timeout=WAIT_S)[0]

    def subscribe_all(self):
        assert list(self.subscribe(DOWN % "property", DOWN % "event", DOWN % "action")) == [1] * 3

    def send(self, channel, message, qos=0):
        text = message if isinstance(message, (str, bytes)) else json.dumps(message)
        self.c.publish(UP % channel, text, qos)

    def receive(self):
        m = self.messages.get(timeout=WAIT_S)
        return json.loads(m.payload)

    def ask(self, channel, message):
        self.send(channel, message)
        return self.receive()


def mqtt_string(text):
    return struct.pack(">H", len(text)) + text.encode()


def connect_packet(keepalive):
    user, password = login()
    body = mqtt_string("MQTT") + b"\x04\xc2" + struct.pack(">H", keepalive) + \
        mqtt_string(CLIENT_ID) + mqtt_string(user) + mqtt_string(password)
    return b"\x10" + bytes([len(body) % 128 + 128, len(body) // 128]) + body


def raw_connect(keepalive):
    s = socket.create_connection(("127.0.0.1", Device.cloud.ports["tcp_port"]), WAIT_S)
    s.settimeout(WAIT_S)
    packet = connect_packet(keepalive)
    for i in range(len(packet)):  # any split
        s.sendall(packet[i:i + 1])
    assert s.recv(4) == b"\x20\x02\x00\x00"
    return s


def websocket(path="/"):
    s = socket.create_connection(("127.0.0.1", Device.cloud.ports["ws_port"]), WAIT_S)
    s.settimeout(WAIT_S)
    s.sendall(("GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Protocol: mqtt\r\n\r\n" % path).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += s.recv(1)
    # The vendor's C client looks for this spelling, in one segment below 512 bytes.
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head, head
    assert len(head) < 512
    return s


def frame(opcode, data, fin=True):
    """Masked with zeros: a weak mask is not the server's business."""
    size = bytes([len(data) | 0x80]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
    return bytes([opcode | (0x80 if fin else 0)]) + size + b"\0\0\0\0" + data


def websocket_connect():
    s = websocket()
    s.sendall(frame(2, connect_packet(0)))
    assert s.recv(6) == b"\x82\x04\x20\x02\x00\x00"
    return s
