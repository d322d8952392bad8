# Checks one --json report against INTERFACE.md, as far as it is built. Prints one line for each thing that is
# not as it should be; nothing when all is well. Fields may be added; those named here have to be there, of their type.

def text: type == "string";
def flag: type == "boolean";
def count: type == "number" and . >= 0 and . == floor;
def share: type == "number" and . >= 0 and . <= 1;
def address: text and test("^0x[0-9a-f]+$");
def hex: text and test("^[0-9a-f]+$");
def or_null(f): . == null or f;
def counted: type == "object" and (.count | count) and (.bytes | count);
def bytes: type == "object" and ((keys == ["text"] and (.text | text)) or (keys == ["bytes"] and (.bytes | text)));

# need(name; check): the field is there and passes.
def need(name; check):
        if type != "object" then "not an object where \(name) is expected"
        elif has(name) | not then "\(name) is missing"
        else .[name] as $v
                | if ($v | check) then empty else "\(name) is \($v | tojson | .[0:120])" end
        end;
def within(place; problems): problems | "\(place): \(.)";
# each(name; f): the field is an array, and f finds nothing wrong with its elements.
def each(name; f):
        need(name; type == "array"),
        (if type == "object" and (.[name] | type) == "array"
        then .[name] | to_entries[] | .key as $k | .value | within("\(name)[\($k)]"; f)
        else empty end);

def kinds: ["malloc-used", "malloc-free", "malloc-overhead", "java-heap", "java-metaspace", "java-code-cache", "ruby-heap",
        "python-heap", "beam-carrier", "v8-heap", "go-heap", "stack", "module-code", "module-data", "file", "shared", "vdso",
        "reserved", "anonymous"];
def verdicts: ["leak", "growth", "fragmentation", "retention", "managed-heap", "cache-or-live-data", "healthy", "unknown"];
def evidence_kinds: ["vtable", "function", "data", "rodata-literal", "typeinfo", "thread", "stack", "static-root", "referrer",
        "neighbour", "peer", "runtime-type", "import", "allocation-site"];
def field_kinds: ["pointer:module", "pointer:block", "pointer:self", "pointer:stack", "pointer:memory", "text", "int", "flags",
        "float", "time", "constant", "zero", "mixed"];
def one_of(list): . as $v | list | index([$v]) != null;

def target:
        need("kind"; one_of(["core", "live"])),
        need("pid"; count),
        need("command"; or_null(text)),
        need("exe"; or_null(text)),
        need("arch"; text),
        need("threads"; count),
        (if .complete and .threads == 0 then "no thread" else empty end),
        need("complete"; flag),
        need("consistent"; flag),
        need("warnings"; type == "array" and all(.[]; text)),
        (if .kind == "live" then need("changed"; share), need("sampled_pages"; count) else empty end),
        (if .kind == "live" and .consistent and .changed != 0 then "consistent, and yet changed" else empty end),
        (if .interrupted then need("interrupted"; text), (if .complete then "interrupted, and yet complete" else empty end) else empty end),
        (if .kind == "core" then need("path"; text) else empty end),
        (if .kind == "core" and (.interrupted | not) then need("sha256"; hex and length == 64) else empty end);

def strings:
        each("strings";
                need("template"; bytes),
                need("encoding"; one_of(["ascii", "utf-8", "utf-16le"])),
                need("count"; count and . > 0),
                need("bytes"; count),
                need("distinct"; count),
                (if .distinct > .count then "more distinct texts than texts" else empty end),
                need("missing"; counted),
                need("blocks"; count),
                need("in_use"; count),
                need("free"; count),
                (if .in_use + .free > .count then "more texts in blocks than texts" else empty end),
                need("cluster"; or_null(text)),
                need("library"; or_null(text)),
                need("region"; or_null(one_of(kinds))),
                need("examples"; type == "array" and length > 0 and all(.[]; address))),
        need("strings_found"; counted and (.dropped | counted) and (.error_bytes | count) and (.searched | count) and
                (.mapped_twice | count)),
        (if .strings_found.bytes > .strings_found.searched then "more text than memory" else empty end);

def memory:
        need("mapped"; count),
        need("resident"; count),
        need("anonymous"; count),
        need("unexplained"; count),
        each("by_kind";
                need("kind"; one_of(kinds)),
                need("bytes"; count),
                need("resident"; count),
                need("regions"; count),
                (if .resident > .bytes then "more resident than mapped: \(tojson)" else empty end)),
        (if (.by_kind | map(.bytes) | add) != .mapped then "by_kind does not add up to mapped" else empty end),
        (if (.by_kind | map(.resident) | add) != .resident then "by_kind does not add up to resident" else empty end),
        (if (.by_kind | map(.kind) | unique | length) != (.by_kind | length) then "a kind is told twice" else empty end),
        (if .resident > .mapped then "more resident than mapped" else empty end),
        (if has("swapped") and .resident + .swapped + .absent != .mapped
        then "resident, swapped and absent do not add up to mapped" else empty end),
        (if .anonymous > .resident then "more anonymous than resident" else empty end),
        (if .unexplained > .anonymous then "more unexplained than anonymous" else empty end);

def region:
        need("start"; address), need("end"; address),
        need("perms"; text and test("^[r-][w-][x-][ps]$")),
        need("kind"; one_of(kinds)),
        need("owner"; or_null(text)), need("path"; or_null(text)), need("detail"; or_null(text)),
        need("bytes"; count), need("resident"; count),
        (if .resident + (.swapped // 0) > .bytes then "more resident and swapped than there is" else empty end);

def heap:
        need("allocator"; text),
        need("version"; or_null(text)),
        each("arenas";
                need("address"; address),
                need("main"; flag),
                need("used"; counted),
                need("free"; counted),
                need("cached"; counted),
                need("threads"; type == "array" and all(.[]; count)),
                need("overhead"; counted),
                need("top"; count),
                need("trimmable"; count),
                need("trimmable_resident"; count),
                (if .trimmable_resident > .trimmable then "more to trim than there is" else empty end)),
        # What is recognised but not walked has no numbers.
        (if .walked == false then empty else need("mmapped"; counted),
                each("largest_free"; need("address"; address), need("bytes"; count)) end),
        need("corrupt"; type == "array");

def cluster:
        need("id"; text and test("^c[0-9]+$")),
        need("kind"; one_of(["object", "text", "pattern"])),
        need("what"; text and length > 0),
        need("count"; count and . > 0),
        need("bytes"; count),
        need("resident"; count),
        (if .resident > .bytes then "more resident than bytes" else empty end),
        need("block_size"; type == "object" and (.min | count) and (.max | count) and .min <= .max),
        need("state"; type == "object" and (.in_use | count) and (.free | count)),
        (if .state.in_use + .state.free != .count then "state does not add up to count" else empty end),
        (if .bytes < .count * .block_size.min or .bytes > .count * .block_size.max
        then "bytes do not lie between count times block_size" else empty end),
        need("library"; or_null(text)),
        need("confidence"; share),
        (if .library == null and .confidence != 0 then "confidence without a library" else empty end),
        each("evidence";
                need("kind"; one_of(evidence_kinds)),
                need("offset"; or_null(type == "number" and . == floor)),
                need("module"; or_null(text)),
                need("symbol"; or_null(text)),
                need("share"; share),
                need("weight"; share)),
        (if .library != null and (.evidence | length) == 0 then "a library without evidence" else empty end),
        each("fields";
                need("offset"; count),
                need("kind"; one_of(field_kinds)),
                need("value"; or_null(text)),
                need("share"; share),
                need("to"; or_null(text))),
        (if .kind == "text" then need("template"; bytes) else empty end),
        need("unreferenced"; count),
        (if .unreferenced > .count then "more unreferenced than there are" else empty end),
        # A referrer is a cluster or a root; one that refers from many places in its blocks has a null offset.
        each("referrers";
                (if .root then need("root"; text) else need("cluster"; text) end),
                need("offset"; or_null(count)),
                need("share"; share)),
        need("examples"; type == "array" and length > 0 and all(.[]; address)),
        need("signature"; hex);

def library:
        need("library"; or_null(text)),
        need("build_id"; or_null(hex)),
        need("count"; count),
        need("bytes"; count),
        need("resident"; count),
        need("confidence"; share);

def case_group:
        need("id"; count and . > 0), need("parent"; count), need("level"; count and . > 0),
        (if .parent >= .id then "a group stands before the one that it points at" else empty end),
        need("kind"; one_of(["blocks", "root"])),
        need("cluster"; or_null(text)), need("what"; text), need("library"; or_null(text)),
        need("blocks"; count), need("references"; count and . > 0),
        each("offsets"; need("offset"; count), need("count"; count and . > 0)),
        (if .kind == "blocks" and ([.offsets[].count] | add // 0) + .elsewhere + .unread != .references
        then "offsets do not add up to references" else empty end),
        need("same"; or_null(count)), need("cycle"; flag), need("stale"; flag),
        each("examples"; need("address"; address), need("name"; or_null(text)));

def case:
        need("address"; address), need("what"; text and length > 0), need("gap"; or_null(text)),
        need("region"; or_null(type == "object" and (.kind | one_of(kinds)))),
        need("module"; or_null(type == "object" and (.library | text) and (.offset | address))),
        need("block"; . == null or type == "object"),
        (if .block then .block | within("block";
                need("address"; address), need("usable"; count), need("size"; count),
                need("state"; one_of(["in-use", "free", "cached", "top", "internal"])),
                need("cluster"; or_null(text)), need("library"; or_null(text)), need("confidence"; share),
                need("leak"; one_of(["-", "direct", "indirect", "possible"])),
                (if has("retains") then need("reached"; flag), need("from_root"; flag), need("retains"; counted) else empty end),
                (if .leak != "-" and .from_root then "lost, and yet a root points there" else empty end)) else empty end),
        need("referrers"; type == "object"),
        (.referrers | within("referrers"; need("blocks"; count), need("root_words"; count), each("groups"; case_group))),
        (if has("chains") then each("chains"; need("to"; one_of(["root", "leak-head"])), need("left_out"; count),
                each("links"; need("kind"; one_of(["root", "block"])), need("address"; or_null(address)), need("what"; or_null(text))))
        else empty end),
        (if has("dump") and .dump then .dump | within("dump";
                need("start"; address), need("hex"; hex),
                each("words"; need("offset"; count), need("size"; count and . > 0), need("kind"; one_of(field_kinds + ["gap"]))),
                (if ([.words[].size] | add) * 2 != (.hex | length) then "words do not add up to the bytes" else empty end))
        else empty end);

def hit:
        need("rule"; text),
        need("address"; address),
        need("length"; count and . > 0),
        need("match"; bytes),
        need("redacted"; flag),
        (if .redacted then .secret | within("secret"; need("length"; count), need("class"; text), need("sha256_prefix"; hex)) else empty end),
        need("region"; one_of(kinds)),
        need("block"; or_null(address)),
        need("block_size"; count),
        need("state"; or_null(one_of(["in-use", "free", "cached"]))),
        need("cluster"; or_null(text and test("^c[0-9]+$"))),
        need("library"; or_null(text)),
        need("confidence"; share),
        (if (.block == null) != (.state == null) then "a state of no block, or a block without one" else empty end);

need("schema"; . == 1),
need("version"; text and test("^[0-9]+\\.[0-9]+\\.[0-9]+")),
need("target"; type == "object"), (.target | within("target"; target)),
# Keys are there when their part was asked for; the summary has all of these.
(if has("verdict") or (has("regions") or has("heaps") or has("clusters") or has("libraries") or has("leaks") or has("at") or has("refs") or has("hits") | not)
then ("memory", "heaps", "verdict", "clusters", "libraries") as $key | need($key; . != null) else empty end),
(if has("regions") or has("heaps") then need("memory"; type == "object") else empty end),
(if has("memory") then .memory | within("memory"; memory) else empty end),
(if has("regions") then each("regions"; region) else empty end),
# Only a live process tells what is not in memory.
(if has("memory") and (.memory | has("swapped")) != (.target.kind == "live") then "memory.swapped is there or not, wrongly" else empty end),
(if has("heaps") then each("heaps"; heap) else empty end),
(if has("verdict") then .verdict | within("verdict";
        need("kind"; one_of(verdicts)),
        need("confidence"; share),
        need("summary"; text and length > 0),
        need("reasons"; type == "array" and all(.[]; text)),
        need("cluster"; or_null(text)),
        need("library"; or_null(text))) else empty end),
(if has("clusters") then each("clusters"; cluster),
        (if [.clusters[].resident] != ([.clusters[].resident] | sort | reverse) then "clusters are not ranked by resident bytes" else empty end),
        (if ([.clusters[].id] | unique | length) != (.clusters | length) then "a cluster's id is told twice" else empty end),
        (.verdict.cluster? as $c | if $c != null and all(.clusters[]; .id != $c) then "verdict.cluster \($c) is not there" else empty end)
else empty end),
(if has("libraries") then each("libraries"; library),
        (if [.libraries[].resident] != ([.libraries[].resident] | sort | reverse) then "libraries are not ranked by resident bytes" else empty end)
else empty end),
(if has("leaks") then .leaks | within("leaks";
        (("direct", "indirect", "possible", "stale") as $key
                | need($key; type == "object" and (.count | count) and (.bytes | count))),
        (if .stale.count > .direct.count + .indirect.count then "more stale ones than lost ones" else empty end),
        need("notes"; type == "array" and all(.[]; text)),
        each("clusters";
                need("cluster"; text and test("^c[0-9]+$")),
                need("what"; text and length > 0),
                (("direct", "indirect", "bytes", "possible", "stale", "retained", "retained_resident") as $key | need($key; count)),
                (if .direct + .indirect + .possible == 0 then "a cluster that has lost nothing" else empty end),
                (if .direct == 0 and .retained != 0 then "retained, but by no head" else empty end),
                (if .direct + .indirect == 0 and .bytes != 0 then "bytes of no blocks" else empty end),
                need("library"; or_null(text)),
                need("confidence"; share)),
        (if [.clusters[].retained_resident] != ([.clusters[].retained_resident] | sort | reverse)
        then "leaks are not ranked by what they keep" else empty end)) else empty end),
(if has("strings") then within("strings"; strings) else empty end),
(if has("at") then .at | within("at"; need("chains"; type == "array"), need("dump"; true), (if .block then .block | need("retains"; counted) else empty end), case) else empty end),
(if has("refs") then .refs | within("refs"; need("depth"; count and . > 0), case) else empty end),
(if has("hits") then each("hits"; hit), need("hits_found"; type == "object" and (.count | count) and (.rules | type == "array")),
        (if (.hits | length) > .hits_found.count then "more hits than were counted" else empty end) else empty end),
need("timing"; type == "object"),
(.timing | within("timing";
        need("seconds"; type == "number" and . >= 0),
        need("bytes_read"; count),
        need("peak_memory"; count)))
