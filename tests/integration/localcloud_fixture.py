# SPDX-License-Identifier: GPL-2.0-or-later
"""A private iot-localcloud on free ports, its HTTP side, and the device login; no client library."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import tempfile
import time

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
WAIT_S = 20 * int(os.environ.get("IOTD_TEST_TIMEOUT_SCALE", "1"))
PRODUCT, DEVICE, SECRET = "IOTDLIGHT1", "lamp_001", "ZGVzay1vbmx5LXNlY3JldA=="
CLIENT_ID = PRODUCT + DEVICE
APP_KEY, APP_SECRET = "deskappkey", "desk-only-app-secret"


def login(client_id=CLIENT_ID, secret=SECRET, expiry=2147483647, method="sha256"):
    user = "%s;12010126;a1b2c;%d" % (client_id, expiry)
    token = hmac.new(base64.b64decode(secret), user.encode(), getattr(hashlib, method)).hexdigest()
    return user, "%s;hmac%s" % (token, method)


class Cloud:
    def __init__(self, limits=None, arguments=()):
        self.dir = tempfile.TemporaryDirectory()
        path = os.path.join(self.dir.name, "config.json")
        with open(path, "w") as f:
            json.dump({
                "products": [{
                    "product_id": PRODUCT,
                    "model": os.path.join(TOP, "examples", "smart-light.json"),
                    "devices": [{"device_name": DEVICE, "secret": SECRET}],
                }],
                "apps": [{"app_key": APP_KEY, "app_secret": APP_SECRET}],
                "limits": limits or {},
            }, f)
        self.log = open(os.path.join(self.dir.name, "log"), "w+")
        self.command = [os.environ.get("IOT_LOCALCLOUD", "./iot-localcloud"), "--config", path,
                        "--ws-port", "0", "--tcp-port", "0", "--http-port", "0", *arguments]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log)
        line = self.process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError("iot-localcloud does not start: " + self.output())
        self.ports = json.loads(line)
        self.token = None

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """The exit status."""
        self.process.terminate()
        self.process.stdout.close()
        return self.process.wait(WAIT_S)

    def http(self, method, path, body=None, raw=False):
        c = http.client.HTTPConnection("127.0.0.1", self.ports["http_port"], timeout=WAIT_S)
        try:
            c.request(method, path, body if raw or body is None else json.dumps(body))
            answer = c.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            c.close()

    def signed(self, secret=APP_SECRET, **params):
        params = dict({"AppKey": APP_KEY, "RequestId": "r", "Timestamp": int(time.time()),
                       "Nonce": 7}, **params)
        text = "&".join("%s=%s" % (k.replace("_", "."), params[k]) for k in sorted(params)
                        if params[k] != "")
        mac = hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()
        params["Signature"] = base64.b64encode(mac).decode()
        return self.http("POST", "/api/exploreropen/appapi", params)[1]["Response"]

    def app(self, action, **params):
        if not self.token:
            data = self.signed(Action="AppGetTokenByWeiXin", WxOpenID="me", NickName="me",
                               Avatar="http://x/y_z")
            self.token = data["Data"]["Token"]
        body = dict({"Action": action, "RequestId": "r", "AccessToken": self.token,
                     "ProductId": PRODUCT, "DeviceName": DEVICE}, **params)
        return self.http("POST", "/api/exploreropen/tokenapi", body)[1]["Response"]

    def tool(self, *args):
        """One of the commands of the program, for this cloud: its status and what it prints."""
        p = subprocess.run([self.command[0], args[0], "--http-port", str(self.ports["http_port"]),
                            *args[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=WAIT_S)
        return p.returncode, p.stdout.decode(), p.stderr.decode()

    def fault(self, **request):
        return self.http("POST", "/fault", request)

    def mark(self):
        """What comes later in the journal is new."""
        return self.http("GET", "/state")[1]["journal_next"]

    def wait_for(self, since, **members):
        """The first journal entry from since on that has these members; reason is a part."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            page = self.http("GET", "/journal?since=%d&wait_ms=1000" % since)[1]
            for e in page["entries"]:
                if all(v in e.get(k, "") if k in ("reason", "payload") else e.get(k) == v
                       for k, v in members.items()):
                    return e
            since = page["next"]
        raise AssertionError("the journal never shows %r" % members)


def run(tests, stop):
    """Runs functions, prints the lines that tests/run counts, returns the exit code."""
    passed = failed = 0
    for test in tests + [stop]:
        name = test.__name__.replace("test_", "", 1)
        try:
            test()
            print("PASS " + name)
            passed += 1
        except Exception as e:  # a broken test is a failed test
            print("FAIL %s: %s: %s" % (name, type(e).__name__, e))
            failed += 1
    print("TOTAL %d passed, %d failed" % (passed, failed))
    return 1 if failed else 0
