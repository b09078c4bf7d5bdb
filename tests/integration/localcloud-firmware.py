#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Firmware of iot-localcloud, with the Paho client as the device: tasks from the order to the end."""

import hashlib
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request

sys.dont_write_bytecode = True  # the source tree may be read-only
from localcloud_device import Device
from localcloud_fixture import DEVICE, PRODUCT, WAIT_S, Cloud, run

ID = PRODUCT + "/" + DEVICE
REPORT, UPDATE = "$ota/report/" + ID, "$ota/update/" + ID
IMAGE = bytes(range(256)) * 1000
directory = tempfile.TemporaryDirectory()
image = os.path.join(directory.name, "image.bin")
with open(image, "wb") as image_file:
    image_file.write(IMAGE)
cloud = Device.cloud = Cloud({"up_rate": 0}, ("--data-dir", os.path.join(directory.name, "data")))


class Machine(Device):
    """Runs a version and takes orders."""

    def __enter__(self):
        super().__enter__()
        assert list(self.subscribe(UPDATE)) == [1]
        return self

    def report(self, version):
        self.c.publish(REPORT, json.dumps({"type": "report_version",
                                           "report": {"version": version}}))
        rsp = self.receive()
        assert rsp["type"] == "report_version_rsp" and rsp["result_code"] == 0, rsp

    def progress(self, version, state, code="0", text="", **members):
        """Returns when it was worked on: what was sent later is answered later."""
        self.c.publish(REPORT, json.dumps({"type": "report_progress", "report": {
            "progress": dict({"state": state, "result_code": code, "result_msg": text}, **members),
            "version": version}}))
        self.c.publish("$sys/operation/" + ID, '{"type":"get","resource":["time"]}')
        assert self.receive()["type"] == "get"

    def order(self):
        message = self.receive()
        assert message["type"] == "update_firmware", message
        return message

    def quiet(self):
        """Nothing waits, and nothing comes before the answer to a question."""
        self.c.publish("$sys/operation/" + ID, '{"type":"get","resource":["time"]}')
        assert self.receive()["type"] == "get"


class Lamp(Machine):
    def __enter__(self):
        super().__enter__()
        assert list(self.subscribe("$sys/operation/result/" + ID)) == [1]
        return self


def desk(path, **request):
    return cloud.http("POST", "/firmware" + path, request)


def done(path, **request):
    status, answer = desk(path, **request)
    assert status == 200, answer
    return answer


def upload(version, *args):
    status, out, err = cloud.tool("firmware", "upload", image, "product=" + PRODUCT,
                                  "version=" + version, *args)
    assert status == 0, (out, err)


def task(version, **members):
    answer = done("/task", product=PRODUCT, version=version, **members)
    return answer["task"]


def state(number):
    tasks = cloud.http("GET", "/firmware")[1]["tasks"]
    states = [t["states"] for t in tasks if t["task"] == number][0]
    assert len(states) == 1, states
    return states[0]


def status():
    answer = cloud.app("AppDescribeFirmwareUpdateStatus")
    return answer["Status"], answer["Percent"], answer["ErrMsg"]


def error(action, **params):
    return cloud.app(action, **params)["Error"]["Code"]


def fetch(url, first=0):
    rq = urllib.request.Request(url, headers={"Range": "bytes=%d-" % first})
    with urllib.request.urlopen(rq, timeout=WAIT_S) as answer:
        return answer.read()


def test_nothing_yet():
    assert error("AppCheckFirmwareUpdate") == "FailedOperation.DeviceInfoOutdated"
    assert error("AppPublishFirmwareUpdateMessage") == "ResourceNotFound.DeviceHasNoFirmware"
    assert error("AppGetDeviceOTAInfo") == "ResourceNotFound.DeviceFirmwareTaskNotExist"
    assert error("AppDescribeFirmware", FirmwareVersion="2") == "ResourceNotFound.FirmwareNotExist"
    assert error("AppDescribeFirmware", ProductID="x", FirmwareVersion="2") == \
        "ResourceNotFound.StudioProductNotExist"


def test_mistakes():
    for path, request, text in (
            ("", {"product": "x", "version": "1"}, "product"),
            ("", {"product": PRODUCT, "version": "1 2"}, "version"),
            ("", {"product": PRODUCT, "version": "x" * 33}, "version"),
            ("", {"product": PRODUCT, "version": "1..2"}, "version"),
            ("", {"product": PRODUCT, "version": "1", "custom": "x" * 1537}, "custom"),
            ("", {"product": PRODUCT, "version": "1", "size": 1073741825}, "size"),
            ("", {"product": PRODUCT, "version": "1", "extra": []}, "extra"),
            ("/task", {"product": PRODUCT, "version": "9"}, "no version 9"),
            ("/task", {"product": PRODUCT, "version": "9", "mode": "x"}, "mode"),
            ("/task", {"product": PRODUCT, "version": "9", "devices": ["x"]}, "no device x"),
            ("/task", {"product": PRODUCT, "version": "9", "silent": True}, "no member"),
            ("/task", {"product": PRODUCT, "version": "9", "timeout_s": 0}, "timeout_s"),
            ("/cancel", {"task": 99}, "task"), ("/remove", {"product": PRODUCT, "version": "9"}, "9")):
        code, answer = desk(path, **request)
        assert code == 400 and text in answer["error"], (request, answer)
    done("", product=PRODUCT, version="9")
    assert "not uploaded" in desk("/task", product=PRODUCT, version="9")[1]["error"]
    done("/remove", product=PRODUCT, version="9")
    assert cloud.tool("firmware", "melt")[0] == 64


def test_cycle():
    upload("1.1.0", "name=Lamp", "description=brighter", 'custom:={"channel":"beta"}',
           'extra:={"later":{"x":[1]}}')
    assert "there already" in desk("", product=PRODUCT, version="1.1.0")[1]["error"]
    assert cloud.tool("firmware", "upload", image, "product=" + PRODUCT, "version=1.1.0")[0] == 65
    with Lamp() as d:
        d.report("1.0.0")
        number = task("1.1.0")
        order = d.order()
        url = order.pop("url")
        assert order == {"type": "update_firmware", "version": "1.1.0", "file_size": len(IMAGE),
                         "md5sum": hashlib.md5(IMAGE).hexdigest(),
                         "user_defined": '{"channel":"beta"}', "later": {"x": [1]}}, order
        assert len(url) <= 1024 and state(number)["state"] == "pushed" and status() == (2, 0, "")
        info = cloud.app("AppGetDeviceOTAInfo")
        assert (info["TargetVersion"], info["UploadVersion"]) == ("1.1.0", "1.0.0")
        check = cloud.app("AppCheckFirmwareUpdate")
        assert (check["CurrentVersion"], check["DstVersion"]) == ("1.0.0", "1.1.0")
        assert fetch(info["FirmwareURL"]) == IMAGE
        d.progress("1.1.0", "downloading", percent="0")
        assert status() == (3, 0, "")
        first = fetch(url)[:100000]
        d.progress("1.1.0", "downloading", percent="39")
        assert status() == (3, 39, "") and state(number)["percent"] == 39
    assert status()[0] == 0  # offline
    with Lamp() as d:  # after a break: the order comes again, the rest is enough
        d.report("1.0.0")
        assert first + fetch(d.order()["url"], len(first)) == IMAGE
        d.progress("1.1.0", "downloading", percent="100")
        assert status() == (20, 100, "")
        d.progress("1.1.0", "burning")
        assert status() == (4, 100, "")
        mark = cloud.mark()
        d.progress("1.1.0", "done")
        cloud.wait_for(mark, event="ota_not_done")  # it does not run the new one yet
        assert state(number)["state"] == "burning"
        d.report("1.1.0")
        assert state(number)["state"] == "succeeded" and status() == (6, 100, "")
        d.progress("1.1.0", "done")
        cloud.wait_for(mark, event="ota_done")
        d.quiet()
    answer = cloud.app("AppDescribeFirmware", ProductID=PRODUCT, FirmwareVersion="1.1.0")
    assert (answer["Name"], answer["Description"], answer["Md5sum"], answer["Version"]) == (
        "Lamp", "brighter", hashlib.md5(IMAGE).hexdigest(), "1.1.0")
    assert cloud.app("AppCheckFirmwareUpdate")["DstVersion"] == ""
    assert error("AppGetDeviceOTAInfo") == "ResourceNotFound.DeviceFirmwareTaskNotExist"


def test_failures():
    upload("1.2.0")
    with Lamp() as d:
        d.report("1.1.0")
        number = task("1.2.0", devices=[DEVICE])
        d.order()
        for code, text in (("-1", "timed out"), ("-2", "no such file"), ("-3", "expired"),
                           ("-4", "MD5"), ("-5", "update failed")):
            d.progress("1.2.0", "fail", code, "time_out")
            job = state(number)
            assert (job["state"], job["code"]) == ("failed", int(code))
            assert text in job["text"] and "time_out" in job["text"], job
            assert status()[0] == 5 and text in status()[2]
            mark = cloud.mark()
            d.progress("1.2.0", "burning")
            cloud.wait_for(mark, event="ota_unexpected", reason="failed")
            d.report("1.1.0")  # a failed one is not sent again by itself
            d.quiet()
            assert done("/retry", task=number)["devices"] == 1
            assert d.order()["version"] == "1.2.0" and state(number)["state"] == "pushed"
        assert done("/cancel", task=number, device=ID)["devices"] == 1
        assert state(number)["text"] == "cancelled" and done("/cancel", task=number)["devices"] == 0
        d.report("1.1.0")
        d.quiet()


def test_judgement():
    with Lamp() as d:
        d.report("1.1.0")
        number = task("1.2.0", timeout_s=3600)
        d.order()
        for members, version, event in (
                ({"state": "melting"}, "1.2.0", "bad_message"),
                ({"state": "downloading"}, "1.2.0", "bad_message"),
                ({"state": "downloading", "percent": "101"}, "1.2.0", "bad_message"),
                ({"state": "downloading", "percent": "1%"}, "1.2.0", "bad_message"),
                ({"state": "downloading", "percent": "1", "code": "-1"}, "1.2.0", "bad_message"),
                ({"state": "fail", "code": "0"}, "1.2.0", "bad_message"),
                ({"state": "fail", "code": None}, "1.2.0", "bad_message"),
                ({"state": "burning", "text": 5}, "1.2.0", "bad_message"),
                ({"state": "burning"}, None, "bad_message"),
                ({"state": "burning"}, "1.3.0", "ota_unexpected")):
            mark = cloud.mark()
            d.progress(version, **members)
            cloud.wait_for(mark, event=event)
            assert state(number)["state"] == "pushed", members
        d.progress("1.2.0", "downloading", code=0, percent=5)  # numbers are taken, too
        assert status() == (3, 5, "")
        mark = cloud.mark()
        d.progress("1.2.0", "fail", "-9", "odd")
        cloud.wait_for(mark, event="bad_message")
        assert state(number)["code"] == -9


def test_confirm():
    with Lamp() as d:
        d.report("1.1.0")
        number = task("1.2.0", confirm=True)
        d.quiet()  # nothing comes before somebody says yes
        assert state(number)["state"] == "confirming" and status()[0] == 8
        assert cloud.app("AppCheckFirmwareUpdate")["DstVersion"] == "1.2.0"
        d.report("1.1.0")
        d.quiet()
    assert error("AppPublishFirmwareUpdateMessage") == "FailedOperation.DeviceOffline"
    with Lamp() as d:
        d.report("1.1.0")
        assert "Error" not in cloud.app("AppPublishFirmwareUpdateMessage")
        assert d.order()["version"] == "1.2.0" and status()[0] == 2
        d.report("1.1.0")  # confirmed once is enough
        d.order()
        d.progress("1.2.0", "fail", "-5", "no")
        cloud.app("AppPublishFirmwareUpdateMessage")  # the user tries again
        d.order()
        assert state(number)["state"] == "pushed"
        d.report("1.2.0")
        assert status()[0] == 6
        assert error("AppPublishFirmwareUpdateMessage") == "ResourceNotFound.DeviceHasNoFirmware"


def test_from_versions():
    upload("2.0.0")
    with Lamp() as d:
        d.report("1.2.0")
        answer = done("/task", product=PRODUCT, version="2.0.0", **{"from": ["1.0.0", "1.1.0"]})
        assert answer["states"] == []  # static: those of now
        d.report("1.1.0")
        d.quiet()
        number = task("2.0.0", **{"from": ["1.0.0", "1.1.0"]})
        d.order()
        newer = task("2.0.0", devices=[DEVICE])
        d.order()
        assert state(number)["text"] == "replaced by task %d" % newer
        done("/cancel", task=newer)


def test_dynamic():
    with Lamp() as d:
        d.report("1.2.0")
        answer = done("/task", product=PRODUCT, version="2.0.0", mode="dynamic",
                      **{"from": ["1.0.5"]})
        assert answer["states"] == []
        d.quiet()
        d.report("1.0.5")  # matches later
        d.order()
        assert state(answer["task"])["from"] == "1.0.5"
        d.report("2.0.0")
        assert state(answer["task"])["state"] == "succeeded"
        d.report("1.0.5")  # once for each device
        d.quiet()


def test_timeout():
    with Lamp() as d:
        d.report("1.2.0")
        mark = cloud.mark()
        number = task("2.0.0", timeout_s=1)
        d.order()
        assert d.order()["version"] == "2.0.0"  # sent again
        cloud.wait_for(mark, event="ota_timeout")
        done("/cancel", task=number)


def test_offline():
    number = task("2.0.0", devices=[DEVICE])
    assert state(number)["state"] == "pending" and status()[0] == 0
    with Lamp(clean=False) as d:
        d.report("1.2.0")
        d.order()
        assert state(number)["state"] == "pushed"


def test_expired_url():
    with Lamp() as d:
        d.report("1.2.0")
        url = d.order()["url"]
        assert cloud.fault(fault="file", kind="expired", key="firmware/")[0] == 200
        try:
            fetch(url)
            raise AssertionError("not expired")
        except urllib.error.HTTPError as e:
            assert e.code == 403
        d.progress("2.0.0", "fail", "-3", "expired")


def test_data_dir():
    with Lamp() as d:
        d.report("1.2.0")
        number = task("2.0.0", mode="dynamic", timeout_s=77)
        d.order()
        d.progress("2.0.0", "downloading", percent="7")
    before = cloud.http("GET", "/firmware")[1]
    assert cloud.stop() == 0
    cloud.start()
    cloud.token = None
    after = cloud.http("GET", "/firmware")[1]
    assert before["firmware"] == after["firmware"]
    assert [t["task"] for t in before["tasks"]] == [t["task"] for t in after["tasks"]]
    kept = [t for t in after["tasks"] if t["task"] == number][0]
    assert (kept["mode"], kept["timeout_s"]) == ("dynamic", 77)
    assert state(number)["state"] == "downloading"
    with Lamp() as d:
        d.report("1.2.0")
        assert fetch(d.order()["url"]) == IMAGE
        d.report("2.0.0")
        assert state(number)["state"] == "succeeded"


def test_firmware_gone():
    with Lamp() as d:
        d.report("1.0.0")
        number = task("2.0.0")
        d.order()
        done("/remove", product=PRODUCT, version="2.0.0")
        d.report("1.0.0")
        d.quiet()
        assert state(number)["text"] == "the firmware is gone"


def stop():
    assert cloud.stop() == 0, cloud.output()
    directory.cleanup()


tests = [f for name, f in list(globals().items()) if name.startswith("test_")]
sys.exit(run(tests, stop))
