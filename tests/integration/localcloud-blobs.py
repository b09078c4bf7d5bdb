#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Files of iot-localcloud: ranges, pre-signed URLs, uploads, faults, and what --data-dir keeps."""

import base64
import hashlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlsplit

sys.dont_write_bytecode = True  # the source tree may be read-only
from localcloud_fixture import WAIT_S, Cloud, run

DATA = bytes((i * 31 + i // 256) % 256 for i in range(1_000_003))
directory = tempfile.TemporaryDirectory()
cloud = Cloud(arguments=("--data-dir", os.path.join(directory.name, "data")))


def connection():
    return http.client.HTTPConnection("127.0.0.1", cloud.ports["http_port"], timeout=WAIT_S)


def path_of(url):
    parts = urlsplit(url)
    return parts.path + "?" + parts.query


def url(key, **members):
    status, answer = cloud.http("POST", "/file", dict({"key": key}, **members))
    assert status == 200, answer
    return answer["url"]


def request(method, url, body=None, **headers):
    c = connection()
    try:
        c.request(method, path_of(url), body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = c.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        c.close()


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def put(key, data):
    status, headers, _ = request("PUT", url(key, method="PUT"), data, Content_MD5=md5(data))
    assert status == 200 and headers["ETag"] == '"%s"' % hashlib.md5(data).hexdigest()
    return url(key)


def fault(**members):
    status, answer = cloud.fault(fault="file", **members)
    assert status == 200, answer


def cut_read(target, **headers):
    """What comes before a connection ends early."""
    c = connection()
    try:
        c.request("GET", path_of(target), headers=headers)
        answer = c.getresponse()
        try:
            return answer.status, answer.read()
        except http.client.IncompleteRead as e:
            return answer.status, e.partial
    finally:
        c.close()


def test_whole():
    target = put("a/whole", DATA)
    status, headers, body = request("GET", target)
    assert status == 200 and body == DATA and headers["Content-Length"] == str(len(DATA))
    status, headers, body = request("HEAD", target)
    assert status == 200 and body == b"" and headers["Content-Length"] == str(len(DATA))
    assert headers["Accept-Ranges"] == "bytes"


def test_ranges():
    target, n = put("a/ranges", DATA), len(DATA)
    for text, status, first, last in (
            ("bytes=0-0", 206, 0, 0), ("bytes=0-51199", 206, 0, 51199),
            ("bytes=51200-", 206, 51200, n - 1), ("bytes=%d-%d" % (n - 5, n), 206, n - 5, n - 1),
            ("bytes=-7", 206, n - 7, n - 1), ("bytes=-99999999", 206, 0, n - 1),
            ("bytes=%d-" % n, 416, 0, 0), ("bytes=-0", 416, 0, 0),
            ("bytes=5-4", 200, 0, n - 1), ("bytes=a-b", 200, 0, n - 1),
            ("bytes=0-1,4-5", 200, 0, n - 1), ("bytes=-", 200, 0, n - 1),
            ("bytes=99999999999999999999-", 200, 0, n - 1), ("lines=1-2", 200, 0, n - 1)):
        got, headers, body = request("GET", target, Range=text)
        assert got == status, (text, got)
        if status == 416:
            assert headers["Content-Range"] == "bytes */%d" % n
            continue
        assert body == DATA[first:last + 1], text
        if status == 206:
            assert headers["Content-Range"] == "bytes %d-%d/%d" % (first, last, n)


def test_if_range():
    target = put("a/if", DATA)
    etag = request("HEAD", target)[1]["ETag"]
    assert request("GET", target, Range="bytes=5-9", If_Range=etag)[0] == 206
    assert request("GET", target, Range="bytes=5-9", If_Range='"x"')[0] == 200


def test_keep_alive():
    """As the vendor's C client reads: 50 KiB at a time, and it looks for this spelling."""
    target = put("a/keep", DATA[:200000])
    s = socket.create_connection(("127.0.0.1", cloud.ports["http_port"]), WAIT_S)
    s.settimeout(WAIT_S)
    got = b""
    while len(got) < 200000:
        s.sendall(("GET %s HTTP/1.1\r\nHost: x\r\nRange: bytes=%d-%d\r\n\r\n" % (
            path_of(target), len(got), min(len(got) + 51199, 199999))).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += s.recv(1)
        assert head.startswith(b"HTTP/1.1 206 Partial Content\r\n"), head
        left = int(head.split(b"\r\nContent-Length: ")[1].split(b"\r\n")[0])
        while left > 0:
            piece = s.recv(left)
            assert piece
            got += piece
            left -= len(piece)
    s.close()
    assert got == DATA[:200000]


def test_signature():
    target, key = put("a/sign", DATA), "a/sign"
    put("a/other", DATA)
    last = str((int(target[-1]) + 1) % 10)  # of the time when it expires
    for bad in (target.replace(key, "a/other"), target[:-1] + last, target.replace("sign=", "sign=0"),
                target + "&size=5"):
        status, _, body = request("GET", bad)
        assert status == 403 and b"SignatureDoesNotMatch" in body, (bad, body)
    assert b"not signed" in request("GET", "http://x/files/a/sign?x=1")[2]
    assert request("PUT", target, b"x")[0] == 403  # of another method
    assert request("GET", url(key, method="PUT"))[0] == 403
    assert request("GET", url("a/nothing"))[0] == 404
    for key in ("", "/x", "x/../y", "x//y", "x y", "x" * 201):
        assert cloud.http("POST", "/file", {"key": key})[0] == 400, key


def test_expiry():
    put("a/expiry", DATA)
    target = url("a/expiry", life_s=2)
    assert request("GET", target)[0] == 200
    end = time.monotonic() + WAIT_S
    while request("HEAD", target)[0] == 200 and time.monotonic() < end:
        cloud.http("GET", "/journal?since=%d&wait_ms=300" % (cloud.mark() + 1))
    status, _, body = request("GET", target)
    assert status == 403 and b"Request has expired" in body


def test_upload_refused():
    good = DATA[:5000]
    bad = bytes([good[0] ^ 1]) + good[1:]
    hexa = hashlib.md5(good).hexdigest()
    for target, data, headers, text in (
            (url("u/1", method="PUT"), bad, {"Content_MD5": md5(good)}, b"BadDigest"),
            (url("u/1", method="PUT"), good, {"Content_MD5": "abc"}, b"InvalidDigest"),
            (url("u/1", method="PUT", md5=hexa), bad, {}, b"BadDigest"),
            (url("u/1", method="PUT", md5=hexa), bad, {"Content_MD5": md5(bad)}, b"BadDigest"),
            (url("u/1", method="PUT", size=4999), good, {}, b"EntityTooLarge")):
        status, _, body = request("PUT", target, data, **headers)
        assert status == 400 and text in body, (status, body)
        assert request("GET", url("u/1"))[0] == 404  # none of it is there
    target = url("u/1", method="PUT", md5=hexa, size=5000)
    assert request("PUT", target, good, Content_MD5=md5(good))[0] == 200
    assert request("GET", url("u/1"))[2] == good
    assert request("PUT", target, bad)[0] == 400
    assert request("GET", url("u/1"))[2] == good  # the older one stays


def test_upload_cut():
    s = socket.create_connection(("127.0.0.1", cloud.ports["http_port"]), WAIT_S)
    s.sendall(("PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc" % path_of(
        url("u/cut", method="PUT"))).encode())
    s.close()
    fault(kind="cut", direction="up", bytes=100)
    try:
        request("PUT", url("u/cut", method="PUT"), DATA)
        raise AssertionError("the upload was not cut")
    except OSError:
        pass
    assert request("GET", url("u/cut"))[0] == 404
    fault(kind="status", code=503, direction="up")
    assert request("PUT", url("u/cut", method="PUT"), DATA)[0] == 503
    assert request("PUT", url("u/cut", method="PUT"), DATA)[0] == 200


def test_upload_empty():
    assert request("PUT", url("u/empty", method="PUT"), b"")[0] == 200
    status, _, body = request("GET", url("u/empty"))
    assert status == 200 and body == b""


def test_fault_cut():
    target = put("f/cut", DATA)
    fault(kind="cut", bytes=300000, count=2, key="f/cut")
    assert request("GET", put("f/other", DATA))[2] == DATA
    assert cut_read(target) == (200, DATA[:300000])
    assert cut_read(target, Range="bytes=300000-") == (206, DATA[300000:600000])
    assert cut_read(target, Range="bytes=600000-") == (206, DATA[600000:])


def test_fault_statuses():
    target = put("f/status", DATA)
    for kind, status, text, more in (
            ("expired", 403, b"Request has expired", {}), ("not_found", 404, b"NoSuchKey", {}),
            ("status", 500, b"A fault", {"code": 500}), ("redirect", 302, b"", {})):
        fault(kind=kind, count=2, **more)
        for _ in range(2):
            got, headers, body = request("GET", target)
            assert got == status and text in body, (kind, got, body)
        if kind == "redirect":
            assert headers["Location"] == path_of(target)
        assert request("GET", target)[2] == DATA, kind


def test_fault_bodies():
    target, n = put("f/body", DATA), len(DATA)
    fault(kind="wrong_hash")
    body = request("GET", target)[2]
    assert body[1:] == DATA[1:] and body[0] == DATA[0] ^ 0xff
    fault(kind="wrong_length", bytes=-10)
    status, headers, body = request("GET", target, Range="bytes=5-")
    assert body == DATA[5:-10] and headers["Content-Range"] == "bytes 5-%d/%d" % (n - 11, n - 10)
    fault(kind="wrong_length", bytes=10)
    assert request("GET", target)[2] == DATA + b"\0" * 10
    fault(kind="no_range")
    status, headers, body = request("GET", target, Range="bytes=5-")
    assert status == 200 and body == DATA and "Accept-Ranges" not in headers
    fault(kind="chunked")
    status, headers, body = request("GET", target, Range="bytes=5-")
    assert status == 206 and body == DATA[5:] and headers["Transfer-Encoding"] == "chunked"


def test_fault_endless():
    target = put("f/endless", DATA)
    fault(kind="endless")
    c = connection()
    c.request("GET", path_of(target))
    answer = c.getresponse()
    assert answer.headers["Content-Length"] is None
    assert answer.read(len(DATA)) == DATA
    assert answer.read(5_000_000) == b"\0" * 5_000_000
    c.close()


def test_fault_slow_and_stall():
    target = put("f/slow", DATA)
    fault(kind="slow", bytes=400000)
    start = time.monotonic()
    assert request("GET", target)[2] == DATA
    assert time.monotonic() - start > 2
    fault(kind="stall", bytes=1000)
    c = connection()
    c.request("GET", path_of(target))
    answer = c.getresponse()
    assert answer.read(1000) == DATA[:1000]
    c.sock.settimeout(0.5)
    try:
        raise AssertionError(answer.read(1))
    except OSError:
        pass
    mark = cloud.mark()
    c.close()
    cloud.wait_for(mark, event="download", reason="f/slow: 200, from 0, 1000 of")


def test_curl():
    if not shutil.which("curl"):
        return
    source, target = os.path.join(directory.name, "source"), os.path.join(directory.name, "got")
    with open(source, "wb") as f:
        f.write(DATA * 4)  # large enough for "Expect: 100-continue"
    curl = ["curl", "-sS", "--fail", "-m", str(WAIT_S)]
    subprocess.run(curl + ["-T", source, url("c/curl", method="PUT")], check=True)
    fault(kind="cut", bytes=1500000)
    assert subprocess.run(curl + ["-o", target, url("c/curl")],
                          stderr=subprocess.DEVNULL).returncode == 18
    assert os.path.getsize(target) == 1500000
    before = cloud.http("GET", "/state")[1]["files"]["bytes_sent"]
    subprocess.run(curl + ["-C", "-", "-o", target, url("c/curl")], check=True)
    with open(target, "rb") as f:
        assert f.read() == DATA * 4
    after = cloud.http("GET", "/state")[1]["files"]["bytes_sent"]
    assert after - before == len(DATA) * 4 - 1500000
    fault(kind="redirect", count=1000)
    assert subprocess.run(curl + ["-L", "--max-redirs", "5", url("c/curl")],
                          stderr=subprocess.DEVNULL).returncode == 47
    fault(kind="redirect", count=0)


def test_tool():
    path = os.path.join(directory.name, "tool")
    with open(path, "wb") as f:
        f.write(DATA)
    status, out, err = cloud.tool("blob", "put", path, "t/tool")
    assert status == 0, err
    status, out, err = cloud.tool("blob", "url", "t/tool")
    assert status == 0 and request("GET", out.split('"')[3])[2] == DATA, out
    assert cloud.tool("blob", "put", path, "/x")[0] == 65
    assert cloud.tool("blob", "put", path + "x", "x")[0] == 66
    assert cloud.tool("blob", "get", "x")[0] == 64


def test_data_dir():
    target = put("d/kept", DATA)
    put("d/kept", DATA[:-1])
    put("d/kept", DATA)
    assert cloud.stop() == 0
    cloud.start()
    assert request("GET", target)[2] == DATA  # signed before
    put("d/new", DATA[:10])
    assert request("GET", target)[2] == DATA


def stop():
    assert cloud.stop() == 0, cloud.output()
    left = os.listdir(os.path.join(directory.name, "data"))
    keys = len([name for name in left if name.startswith("blob-")])
    assert len(left) == keys + 1, left  # the index, and nothing of what was refused or replaced
    directory.cleanup()


tests = [f for name, f in list(globals().items()) if name.startswith("test_")]
sys.exit(run(tests, stop))
