#!/bin/bash
# A JVM of 256 MiB whose twelve threads allocate natively: Java's heap is told from what lies in malloc's arenas, and is nobody's
# leak, and so are its classes, its code and what its collector keeps beside the heap; with each of its collectors.
. "$SOURCE_DIR/tests/real/_real.sh" || exit 1
need_command java gdb jq

cat >"$tmp/Fill.java" <<'END'
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.zip.Deflater;

public class Fill {
        static final List<Object> kept = new ArrayList<>();

        static long committed(String pool) {
                long sum = 0;
                for (MemoryPoolMXBean p : ManagementFactory.getMemoryPoolMXBeans())
                        if (p.getName().startsWith(pool))
                                sum += p.getUsage().getCommitted();
                return sum;
        }

        static synchronized void keep(Object o) {
                kept.add(o);
        }

        public static void main(String[] args) throws Exception {
                CountDownLatch filled = new CountDownLatch(12), never = new CountDownLatch(1);
                for (int t = 0; t < 12; t++) {
                        Thread thread = new Thread(() -> {
                                for (int i = 0; i < 60; i++) {
                                        ByteBuffer buffer = ByteBuffer.allocateDirect(40000 + i);
                                        while (buffer.hasRemaining())
                                                buffer.put((byte) 7);
                                        keep(buffer);
                                        Deflater d = new Deflater();
                                        d.setInput(new byte[1000]);
                                        d.deflate(new byte[100]);
                                        keep(d);
                                }
                                filled.countDown();
                                try {
                                        never.await();
                                } catch (InterruptedException e) {
                                }
                        }, "native-" + t);
                        thread.setDaemon(true);
                        thread.start();
                }
                for (int i = 0; i < 20000; i++)
                        keep("customer " + i + " of the shop");
                for (int i = 0; i < 100; i++) {
                        byte[] bytes = new byte[300000];
                        Arrays.fill(bytes, (byte) i);
                        keep(bytes);
                }
                filled.await();
                System.out.println(committed("Metaspace") + " " + committed("Code"));
                System.out.println("ready");
                never.await();
        }
}
END
# A JRE has the compiler too, but not its command.
java -m jdk.compiler/com.sun.tools.javac.Main -d "$tmp" "$tmp/Fill.java" || skip "no Java compiler"
[ -e "$tmp/Fill.class" ] || give_up "the Java program compiles"

check() { # json, views of the heap, bytes of metaspace and of code
        check_explained "$1" 980
        check_allocator "$1" glibc
        check_sound "$1"
        # -Xmx256m, whatever the collector has committed of it, and however often it maps it: there are three views of ZGC's.
        jqe '[.memory.by_kind[] | select(.kind == "java-heap")][0] | .bytes <= 268435456 * $views and .resident > 30000000' "$1" \
                --argjson views "$2"
        # What the JVM says that it has committed for classes and for code; of the latter it does not count its maps.
        jqe '[.memory.by_kind[] | select(.kind == "java-metaspace")][0].bytes - $said | fabs <= 262144' "$1" --argjson said "$3"
        jqe '[.regions[] | select(.kind == "java-code-cache" and .detail == "code cache") | .bytes] | add - $said | fabs <= 262144' \
                "$1" --argjson said "$4"
        # 720 buffers of 40 KB, and as many deflaters of 260 KB.
        jqe '[.memory.by_kind[] | select(.kind == "malloc-used")][0].resident > 28800000' "$1"
        jqe '[.heaps[] | select(.allocator == "glibc")][0].arenas | length > 2' "$1"
        # Twelve threads of ours, and those of the JVM.
        jqe '[.regions[] | select(.kind == "stack" and .resident > 0)] | length > 12' "$1"
        jqe '.verdict.kind | . == "cache-or-live-data" or . == "managed-heap" or . == "healthy"' "$1"
}

for collector in Serial Parallel G1 Z; do
        views=1
        [ "$collector" != Z ] || views=3
        start_program java -Xmx256m "-XX:+Use${collector}GC" -cp "$tmp" Fill
        wait_ready
        read -r metaspace code <"$program_dir/.out"
        scan_json "$tmp/$collector.json" --live "$pid" --summary --regions
        check "$tmp/$collector.json" "$views" "$metaspace" "$code"
        case $collector in
        Z) ;;
        # The card table is a byte for 512, where the heap is committed.
        *) jqe '[.regions[] | select(.detail == "card table" and .owner == "libjvm.so") | .bytes] | add | . > 0 and . <= 532480' \
                "$tmp/$collector.json" ;;
        esac
        if [ "$collector" = G1 ]; then
                take_gcore "$pid" "$tmp/core"
                scan_json "$tmp/core.json" --summary --regions "$tmp/core"
                check "$tmp/core.json" "$views" "$metaspace" "$code"
        fi
        stop_program "$pid"
done
