#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# iot-localcloud against mosquitto_pub, mosquitto_sub and mosquitto_rr over TCP. The user name and
# password are computed here with openssl, from the vendor's description.
# shellcheck disable=SC2016  # the topics begin with a dollar sign
set -u

for tool in mosquitto_pub mosquitto_sub mosquitto_rr openssl od; do
    if ! command -v "$tool" >/dev/null 2>&1; then
        echo "SKIP: no $tool"
        exit 77
    fi
done

top=$(cd "$(dirname "$0")/../.." && pwd)
cloud=${IOT_LOCALCLOUD:-./iot-localcloud}
wait_s=$((20 * ${IOTD_TEST_TIMEOUT_SCALE:-1}))
dir=$(mktemp -d)
pids=
passed=0
failed=0

finish() {
    for p in $pids; do kill "$p" 2>/dev/null; done
    wait
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' INT TERM

check() { # name, command...
    what=$1
    shift
    if "$@"; then
        echo "PASS $what"
        passed=$((passed + 1))
    else
        echo "FAIL $what"
        failed=$((failed + 1))
        sed 's/^/    /' "$dir/out"
    fi
}

cat >"$dir/config.json" <<END
{"products": [{"product_id": "IOTDLIGHT1", "model": "$top/examples/smart-light.json", "devices": [
    {"device_name": "lamp_001", "secret": "ZGVzay1vbmx5LXNlY3JldA=="},
    {"device_name": "lamp_off", "secret": "ZGVzay1vbmx5LXNlY3JldA==", "enabled": false}]}],
 "apps": [{"app_key": "deskappkey", "app_secret": "desk-only-app-secret"}],
 "limits": {"session_interval_ms": 10}}
END

mkfifo "$dir/ready"
"$cloud" --config "$dir/config.json" --ws-port 0 --tcp-port 0 --http-port 0 \
    >"$dir/ready" 2>"$dir/cloud.log" &
cloud_pid=$!
read -r ready <"$dir/ready" || { cat "$dir/cloud.log"; exit 1; }
tcp_port=$(echo "$ready" | sed 's/.*"tcp_port":\([0-9]*\).*/\1/')
http_port=$(echo "$ready" | sed 's/.*"http_port":\([0-9]*\).*/\1/')
: >"$dir/out"

name=lamp_001
id=IOTDLIGHT1lamp_001
up='$thing/up/property/IOTDLIGHT1/lamp_001'
down='$thing/down/property/IOTDLIGHT1/lamp_001'
up_event='$thing/up/event/IOTDLIGHT1/lamp_001'
down_event='$thing/down/event/IOTDLIGHT1/lamp_001'
key=$(printf %s 'desk-only-secret' | od -An -v -tx1 | tr -d ' \n')

# login ID METHOD EXPIRY KEY: sets $user and $password
login() {
    user="$1;12010126;a1b2c;$3"
    password="$(printf %s "$user" | openssl dgst "-$2" -mac HMAC -macopt "hexkey:$4" |
        sed 's/.* //');hmac$2"
}

# pub ARGS...: one connection with the current login; the exit code of mosquitto_pub
pub() {
    mosquitto_pub -h 127.0.0.1 -p "$tcp_port" -u "$user" -P "$password" "$@" >"$dir/out" 2>&1
}
sub() {
    timeout "$wait_s" mosquitto_sub -h 127.0.0.1 -p "$tcp_port" -i "$id" -u "$user" \
        -P "$password" "$@"
}
# ask UP DOWN PAYLOAD TEXT: publishes and expects TEXT in the answer
ask() {
    timeout "$wait_s" mosquitto_rr -V mqttv311 -h 127.0.0.1 -p "$tcp_port" -i "$id" -u "$user" \
        -P "$password" -t "$1" -e "$2" -m "$3" >"$dir/out" 2>&1 && grep -qF "$4" "$dir/out"
}
app() {
    "$cloud" app --http-port "$http_port" --app-key deskappkey \
        --app-secret desk-only-app-secret "$@" >"$dir/out" 2>&1
}
app_says() { # TEXT, call...
    text=$1
    shift
    app "$@"
    grep -qF "$text" "$dir/out"
}
# mark: what comes later in the journal is new
mark() {
    since=$("$cloud" state --http-port "$http_port" | sed 's/.*"journal_next":\([0-9]*\).*/\1/')
}
# happens TEXT: an entry after the mark holds it, now or soon
happens() {
    "$cloud" journal --http-port "$http_port" --since "$since" --until "$1" \
        --timeout "$wait_s" >"$dir/out" 2>&1
}
# refused CODE ARGS...: CONNACK with that code
refused() {
    code=$1
    shift
    mark
    ! pub -t "$up" -m x "$@" && happens "CONNACK $code for"
}
violates() { # TEXT ARGS...
    text=$1
    shift
    mark
    pub -i "$id" "$@"
    happens "$text"
}

login $id sha256 2147483647 "$key"
check login_hmacsha256 pub -i $id -t "$up" -m x
check bad_password refused 4 -i $id -P "${password%;*}0;hmacsha256"
check wrong_client_id refused 2 -i IOTDLIGHT1nobody
check will refused 5 -i $id --will-topic IOTDLIGHT1/lamp_001/data --will-payload gone
check keepalive_too_long refused 5 -i $id -k 901
login $id sha1 9223372036854775807 "$key"
check login_hmacsha1_19_digits pub -i $id -t "$up" -m x
check mqtt_3_1 pub -V mqttv31 -i $id -t "$up" -m x
login $id sha256 1600000000 "$key"
check expired refused 4 -i $id
login $id sha256 2147483647 "${key}ff"
check wrong_secret refused 4 -i $id
login IOTDLIGHT1lamp_off sha256 2147483647 "$key"
check disabled_device refused 5 -i IOTDLIGHT1lamp_off

login $id sha256 2147483647 "$key"
check retain violates 'retain is not supported' -t "$up" -m x -r
check qos_2 violates 'QoS 2 is not supported' -t "$up" -m x -q 2
check forbidden_publish violates 'may not publish' -t '$thing/up/property/IOTDLIGHT1/lamp_off' \
    -m '{}' -q 1
head -c 16384 /dev/zero | tr '\0' ' ' >"$dir/16k"
check payload_16k violates '"direction":"up"' -t "$up" -f "$dir/16k" -q 1
echo >>"$dir/16k"
check payload_above_16k violates 'payload is too long' -t "$up" -f "$dir/16k" -q 1

forbidden_subscribe() {
    mark
    sub -t '$thing/down/property/IOTDLIGHT1/+' -E >"$dir/out" 2>&1
    happens 'may not subscribe'
}
check forbidden_subscribe forbidden_subscribe

check report ask "$up" "$down" \
    '{"method":"report","clientToken":"t:1#x","params":{"brightness":32,"power_switch":1}}' \
    '{"method":"report_reply","clientToken":"t:1#x","code":0,"status":"success"}'
check report_406 ask "$up" "$down" \
    '{"method":"report","clientToken":"2","params":{"brightness":101}}' '"code":406'
check report_bool ask "$up" "$down" \
    '{"method":"report","clientToken":"2","params":{"power_switch":true}}' '"code":406'
check report_403 ask "$up" "$down" \
    '{"method":"report","clientToken":"2","params":{"volume":1}}' '"code":403'
check report_405 ask "$up" "$down" \
    '{"method":"report","clientToken":"2","timestamp":1600000000,"params":{}}' '"code":405'
check report_400 ask "$up" "$down" '{"method":"report",' '"code":400'
check get_status ask "$up" "$down" '{"method":"get_status","clientToken":"3","type":"report"}' \
    '"data":{"reported":{"brightness":32,"power_switch":1}}'
check event ask "$up_event" "$down_event" \
    '{"method":"event_post","clientToken":"4","version":"1.0","eventId":"low_voltage","type":"alert","params":{"voltage":2.5}}' \
    '"method":"event_reply","clientToken":"4","code":0'
check event_403 ask "$up_event" "$down_event" \
    '{"method":"event_post","clientToken":"4","eventId":"nope","type":"info","params":{}}' \
    '"code":403'
check app_data app_says '{\"brightness\":{\"Value\":32,' AppGetDeviceData \
    ProductId=IOTDLIGHT1 DeviceName=$name
check app_events app_says '"Data":"{\"voltage\":2.5}"' AppListEventHistory \
    ProductId=IOTDLIGHT1 DeviceName=$name

control() {
    mark
    sub -t "$down" -C 1 >"$dir/control" 2>&1 &
    pid=$!
    pids="$pids $pid"
    happens '"event":"subscribe"' || return 1
    app AppControlDeviceData ProductId=IOTDLIGHT1 DeviceName=$name 'Data={"power_switch":0}' ||
        return 1
    wait $pid && cp "$dir/control" "$dir/out" && grep -qF '"method":"control"' "$dir/control" &&
        grep -qF '"params":{"power_switch":0}' "$dir/control"
}
check control control

offline() { # a session takes what comes while nobody is there
    sub -c -q 1 -t "$down" -E >"$dir/out" 2>&1 || return 1
    for i in 1 2; do
        app AppControlDeviceData ProductId=IOTDLIGHT1 DeviceName=$name \
            "Data={\"brightness\":$i}" || return 1
    done
    sub -c -q 1 -t "$down" -C 2 >"$dir/out" 2>&1 || return 1
    head -n 1 "$dir/out" | grep -qF '"params":{"brightness":1}' &&
        tail -n 1 "$dir/out" | grep -qF '"params":{"brightness":2}'
}
check offline_qos_1 offline
check session_present happens 'cleansession:0,clientip:127.0.0.1,transport:tcp,sessionpresent:1'

kick() {
    mark
    sub -t "$down" >"$dir/first" 2>&1 &
    one=$!
    pids="$pids $one"
    happens '"event":"subscribe"' || return 1
    pub -i $id -t "$up" -m x && happens '"event":"kicked"'
    result=$?
    kill $one
    return $result
}
check kick kick

bad_signature() {
    "$cloud" app --http-port "$http_port" --app-key deskappkey --app-secret wrong \
        AppGetDeviceData ProductId=IOTDLIGHT1 DeviceName=$name >"$dir/out" 2>&1
    test $? -eq 1 && grep -qF InvalidParameterValue.InvalidSignature "$dir/out"
}
check app_bad_signature bad_signature
check app_bad_token app_says InvalidParameterValue.InvalidAccessToken AppGetDeviceData \
    AccessToken=x ProductId=IOTDLIGHT1 DeviceName=$name
check app_bad_value app_says '"Code":"InvalidParameterValue"' AppControlDeviceData \
    ProductId=IOTDLIGHT1 DeviceName=$name 'Data={"brightness":101}'
check app_read_only app_says 'cpu_load: is read only' AppControlDeviceData \
    ProductId=IOTDLIGHT1 DeviceName=$name 'Data={"cpu_load":1}'

bad_fault() {
    "$cloud" fault --http-port "$http_port" '{"fault":"x"}' >"$dir/out" 2>&1
    test $? -eq 65 && grep -qF 'unknown fault' "$dir/out"
}
check bad_fault bad_fault

stops() {
    kill -TERM $cloud_pid
    wait $cloud_pid
    result=$?
    cp "$dir/cloud.log" "$dir/out"
    return $result
}
check clean_stop stops

echo "TOTAL $passed passed, $failed failed"
test $failed -eq 0
