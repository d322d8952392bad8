#!/bin/bash
# Real programs watched: a redis that is filled, and one whose keys expire as fast as others come; a Python with an extension that leaks; a JVM
# whose heap goes up and down while native memory grows beneath it. What grows is told, and nothing else is.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command jq

# $1: what is asked about; then options. The summary to $tmp/$1.json.
watch() {
        local name=$1

        shift
        run "$CORESCAN" --live "$pid" --watch 0.25 --json "$@"
        tail -n 1 "$out" >"$tmp/$name.json"
        head -n -1 "$out" >"$tmp/$name.samples"
        jqe '.type == "summary" and .watch.ended == "samples"' "$tmp/$name.json"
        echo "# $name: $(jq -c '[.watch | .shape, .grows, .per_second, .looks, .brief_looks], [.verdict | .kind, .summary]' "$tmp/$name.json" | tr '\n' ' ')"
        echo "# $name: anonymous $(jq -sc '[.[].anonymous / 1048576 | floor]' "$tmp/$name.samples")"
}

watch_redis() {
        local server feeder

        server=$(command -v redis-server || command -v redis-check-rdb) || return 0
        command -v redis-cli >/dev/null || return 0
        # By the name it is run as, redis-check-rdb is the server.
        ln -s "$(readlink -f "$server")" "$tmp/redis-server"
        start_program "$tmp/redis-server" --port 0 --unixsocket "$tmp/socket" --save '' --appendonly no --hz 100
        wait_until 30 redis_is_up || give_up "redis-server starts" "$(cat "$program_dir/.out" "$program_dir/.err")"
        feed 0 &
        feeder=$!
        defer stop_program "$feeder"
        wait_until 60 has_keys 3000
        watch filling --samples 50
        jqe '.watch.grows and .watch.per_second > 100000 and (.verdict.kind == "growth" or .verdict.kind == "leak")' "$tmp/filling.json"
        kill "$feeder"
        ask flushall
        feed 2 &
        feeder=$!
        defer stop_program "$feeder"
        # Until as many go as come. What steps there are yet are of jemalloc, whose slabs and caches fill up, and of keys that expire late where processors are short.
        sleep 20
        watch expiring --samples 70
        jqe '.verdict.kind != "leak" and (.watch.grows == false or .memory.anonymous_growth.resident < 0.15 * .memory.anonymous)' "$tmp/expiring.json"
        stop_program "$pid"
}

ask() {
        redis-cli -s "$tmp/socket" "$@" 2>/dev/null
}

redis_is_up() {
        ask ping | grep -q PONG
}

has_keys() {
        [ "$(ask dbsize)" -ge "$1" ]
}

# Keys by the clock, until somebody ends it; $1: seconds after which they expire.
feed() {
        local expires=${1/#0/} n=0

        while ask eval "for i = 1, 300 do redis.call('set', 'session:' .. ARGV[1] .. ':' .. i, string.rep('user ' .. i .. ' ', 100) $([ -z "$expires" ] ||
                echo ", 'EX', '$expires'")) end return 1" 0 $((++n)) >/dev/null; do
                sleep 0.1
        done
}

watch_python() {
        local python=/usr/bin/python3 include

        [ -x "$python" ] || return 0
        include=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
        [ -e "$include/Python.h" ] || return 0
        cat >"$tmp/leaky.c" <<'END'
#include <Python.h>
struct request {
        const char *method;
        char path[400];
};
static PyObject *handle(PyObject *self, PyObject *arg)
{
        struct request *r = malloc(sizeof(*r));
        (void)self;
        r->method = "GET";
        snprintf(r->path, sizeof(r->path), "/orders/%ld", PyLong_AsLong(arg));
        memset(r->path + 40, 'x', sizeof(r->path) - 41);
        return PyLong_FromLong((long)strlen(r->path));
}
static PyMethodDef methods[] = { { "handle", handle, METH_O, NULL }, { NULL, NULL, 0, NULL } };
static struct PyModuleDef module = { PyModuleDef_HEAD_INIT, "leaky", NULL, -1, methods, NULL, NULL, NULL, NULL };
PyMODINIT_FUNC PyInit_leaky(void)
{
        return PyModule_Create(&module);
}
END
        "$CC" -shared -fPIC -O1 -I"$include" -o "$tmp/leaky.so" "$tmp/leaky.c" || fail "the extension is built"
        # By the clock; and what Python makes and drops itself, besides.
        start_program env PYTHONPATH="$tmp" "$python" -c '
import time, leaky
print("ready", flush=True)
begun, n = time.monotonic(), 0
while True:
    while n < 4000 * (time.monotonic() - begun):
        n += leaky.handle(n) > 0
    dropped = [str(i) * 3 for i in range(2000)]
    time.sleep(0.02)
'
        wait_ready
        watch extension --samples 50
        jqe '.watch | .shape == "linear" and .grows and .per_second > 800000' "$tmp/extension.json"
        jqe '.verdict | .kind == "leak" and .library == "leaky.so"' "$tmp/extension.json"
        jqe '.clusters[0] | .library == "leaky.so" and .block_size.min == 416 and .growth.grows != false' "$tmp/extension.json"
        stop_program "$pid"
}

watch_java() {
        command -v java >/dev/null || return 0
        cat >"$tmp/Saw.java" <<'END'
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/* Each round makes garbage of some megabytes, all dropped at the next collection; and keeps a few direct buffers, which are malloc's. */
public class Saw {
        static final List<Object> kept = new ArrayList<>();
        static volatile Object sink;
        public static void main(String[] args) throws Exception {
                long begun = System.nanoTime(), n = 0;
                System.out.println("ready");
                for (;;) {
                        for (int i = 0; i < 100; i++)
                                sink = new byte[20000];
                        for (; n < (System.nanoTime() - begun) / 1000000; n++) {
                                ByteBuffer b = ByteBuffer.allocateDirect(3000);
                                while (b.hasRemaining())
                                        b.put((byte) n);
                                kept.add(b);
                        }
                        Thread.sleep(10);
                }
        }
}
END
        java -m jdk.compiler/com.sun.tools.javac.Main -d "$tmp" "$tmp/Saw.java" 2>/dev/null || return 0
        start_program java -Xmx96m -Xms96m -XX:+AlwaysPreTouch -XX:+UseSerialGC -cp "$tmp" Saw
        wait_ready
        sleep 5
        watch saw --samples 60
        jqe '.watch.grows and .watch.per_second > 1000000' "$tmp/saw.json"
        jqe '.verdict.kind == "growth" or .verdict.kind == "leak"' "$tmp/saw.json"
        # Beneath: malloc grew, the heap did not.
        jqe '[.memory.by_kind[] | select(.kind == "java-heap")] | length == 1 and all(.[]; .growth.grows != true and .growth.resident < 2000000)' "$tmp/saw.json"
        jqe '[.memory.by_kind[] | select(.kind == "malloc-used")][0].growth.resident > 3000000' "$tmp/saw.json"
        jqe '.clusters[0].growth.resident > 3000000' "$tmp/saw.json"
        stop_program "$pid"
}

start_program sleep 100
run "$CORESCAN" --live "$pid" --json
[ "$status" -eq 2 ] && grep -q "not permitted" "$err" && skip "other processes cannot be read here: $(cat "$err")"
stop_program "$pid"
watch_redis
watch_python
watch_java
[ -n "$(ls "$tmp"/*.samples 2>/dev/null)" ] || skip "neither redis-server nor python3 with its headers nor java is installed"
