#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Resources and files of iot-localcloud: the Paho client, HTTP of Python, its own commands."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

sys.dont_write_bytecode = True  # the source tree may be read-only
from localcloud_device import DOWN, Device
from localcloud_fixture import DEVICE, PRODUCT, WAIT_S, Cloud, run

ID = PRODUCT + "/" + DEVICE
RESOURCE_UP, RESOURCE_DOWN = "$resource/up/service/" + ID, "$resource/down/service/" + ID
data = tempfile.TemporaryDirectory()
KEPT = ["--data-dir", os.path.join(data.name, "kept")]
cloud = Device.cloud = Cloud({"session_interval_ms": 10, "up_rate": 0}, KEPT)
CONTENT = bytes(range(256)) * 4096  # 1 MiB
MD5 = hashlib.md5(CONTENT).hexdigest()
file_name = os.path.join(data.name, "sound.wav")
with open(file_name, "wb") as f:
    f.write(CONTENT)


def command(*args, status=0):
    r = subprocess.run([os.environ.get("IOT_LOCALCLOUD", "./iot-localcloud"), args[0],
                        "--http-port", str(cloud.ports["http_port"])] + list(args[1:]),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT_S)
    assert r.returncode == status, (r.returncode, r.stderr)
    return [json.loads(line) for line in r.stdout.splitlines()]


def http(method, url, body=None, **headers):
    rq = urllib.request.Request(url, body, {k.replace("_", "-"): v for k, v in headers.items()},
                                method=method)
    try:
        with urllib.request.urlopen(rq, timeout=WAIT_S) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        with e:
            return e.code, e.read()


def content_md5(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def device():
    d = Device(clean=False)
    d.__enter__()
    assert list(d.subscribe(RESOURCE_DOWN, DOWN % "service")) == [1, 1]
    return d


def ask(d, **message):
    d.c.publish(RESOURCE_UP, json.dumps(message))
    return d.receive()


def file_ask(d, method, **members):
    d.send("service", dict({"method": method}, **members))


def test_resource_down():
    d = device()
    command("resource", "send", ID, file_name, "faces")
    m = d.receive()
    assert (m["type"], m["name"], m["size"], m["md5sum"]) == ("download", "faces", len(CONTENT),
                                                            MD5), m
    assert http("GET", m["url"]) == (200, CONTENT)
    assert http("GET", m["url"], Range="bytes=1000-") == (206, CONTENT[1000:])
    assert http("GET", m["url"] + "0")[0] == 403  # another expiry than was signed
    progress = {"state": "done", "result_code": 0, "result_msg": ""}
    answer = ask(d, type="report_download_progress", name="faces", progress=progress)
    assert answer == {"type": "report_download_progress_rsp", "result_code": 0,
                      "result_msg": "ok"}, answer
    items = command("resource", "list", ID)
    assert [(i["name"], i["status"]) for i in items] == [("faces", "done")], items
    command("resource", "retry", ID, "faces")
    assert d.receive()["type"] == "download"
    command("resource", "remove", ID, "faces")
    assert command("resource", "list", ID) == []
    assert http("GET", m["url"])[0] == 404
    d.__exit__()


def test_resource_up():
    d = device()
    answer = ask(d, type="create_upload_task", name="log", size=len(CONTENT), md5sum=MD5)
    url = answer["url"]
    assert http("PUT", url, b"other", Content_MD5=content_md5(b"other"))[0] == 400
    assert http("PUT", url, CONTENT, Content_MD5=content_md5(CONTENT))[0] == 200
    progress = {"state": "done", "result_code": 0, "result_msg": "", "percent": 100}
    answer = ask(d, type="report_upload_progress", name="log", progress=progress)
    assert answer["result_code"] == 0, answer
    item = command("resource", "list", ID)[0]
    assert (item["kind"], item["status"], item["md5"]) == ("up", "done", MD5), item
    assert http("GET", item["url"]) == (200, CONTENT)
    command("resource", "remove", ID, "log")
    d.__exit__()


def test_file_both_ways():
    d = device()
    command("file", "send", ID, file_name)
    m = d.receive()
    assert (m["method"], m["resource_name"], m["resource_type"], m["version"], m["file_size"],
            m["md5sum"]) == ("update_resource", "sound.wav", "FILE", "1.0", len(CONTENT), MD5), m
    assert http("GET", m["url"]) == (200, CONTENT)
    file_ask(d, "report_result",
             report={"progress": {"resource_name": "sound.wav", "state": "done",
                                  "result_code": "0", "result_msg": "success"},
                     "version": "1.0"})
    known = {"resource_name": "sound.wav", "version": "1.0", "resource_type": "FILE"}
    file_ask(d, "report_version", report={"resource_list": []})
    assert d.receive()["resource_list"] == [known]

    file_ask(d, "request_url", request_id="12",
             report={"resource_name": "door.jpg", "version": "1", "resource_type": "FILE"})
    m = d.receive()
    assert (m["method"], m["request_id"], m["result_code"]) == ("request_url_resp", "12", 0), m
    assert http("PUT", m["resource_url"], b"picture", Content_MD5=content_md5(b"picture"),
                Content_Type="image/jpeg")[0] == 200
    file_ask(d, "report_post_result",
             report={"progress": {"resource_token": m["resource_token"], "state": "done",
                                  "result_code": "0"}})
    file_ask(d, "report_version", report=known)
    d.receive()  # so the result before it has been worked on
    items = {i["name"]: i for i in command("file", "list", ID) if i["kind"] == "up"}
    assert items["door.jpg"]["status"] == "done", items
    assert http("GET", items["door.jpg"]["url"]) == (200, b"picture")
    d.__exit__()


def test_kept():
    """What --data-dir has, another process knows."""
    global cloud
    before = command("file", "list", ID)
    assert cloud.stop() == 0, cloud.output()
    cloud = Device.cloud = Cloud({"session_interval_ms": 10, "up_rate": 0}, KEPT)
    after = command("file", "list", ID)
    assert len(before) == 3 and len(after) == 3
    for old, new in zip(before, after):
        assert ("url" in old) == ("url" in new)
        if "url" in new:
            assert hashlib.md5(http("GET", new["url"])[1]).hexdigest() == new["md5"]
        assert {k: v for k, v in old.items() if k != "url"} == \
            {k: v for k, v in new.items() if k != "url"}


def test_delete():
    d = device()
    command("file", "delete", ID, "sound.wav")
    m = d.receive()
    assert m == {"method": "del_resource", "resource_name": "sound.wav", "resource_type": "FILE",
                 "version": "1.0"}, m
    file_ask(d, "del_result",
             report={"progress": {"resource_name": "sound.wav", "state": "done",
                                  "result_code": "0", "result_msg": "success"},
                     "version": "1.0"})
    file_ask(d, "report_version", report={"resource_list": []})
    assert d.receive()["resource_list"] == []
    d.__exit__()


def test_mistakes():
    command("resource", "send", "X/y", file_name, status=65)
    command("resource", "retry", ID, "nothing", status=65)
    command("resource", "send", ID, "/nothing/there", status=66)
    command("resource", "sing", ID, status=64)
    command("file", "send", ID, file_name, "n", "12345678901", status=65)
    for path in "/resource", "/device-file":
        for body in [], {}, {"device": ID}, {"device": ID, "name": "n", "op": "sing"}, \
                {"device": ID, "name": "n", "set": 1}:
            assert cloud.http("POST", path, body)[0] == 400, body


def clean_stop():
    status = cloud.stop()
    assert status == 0, (status, cloud.output())
    data.cleanup()


tests = [f for name, f in list(globals().items()) if name.startswith("test_")]
sys.exit(run(tests, clean_stop))
