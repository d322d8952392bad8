# SPDX-License-Identifier: Apache-2.0
"""Which module an allocation belongs to, by its stack.

own     the module of the first frame that is neither the runtime's (libc, ld.so, libstdc++, ...) nor that of a function which only
        hands memory to its caller (g_malloc, PyMem_*, ruby_xmalloc, ...)
next    the next other module up the stack, on whose behalf the owner allocated (libgtk, for a GHashTable that libglib made)

A frame is (module, offset, function or None); stacks are innermost first.
"""
import re

RUNTIME = re.compile(r'^(libc\.so\.6|libc-[\d.]+\.so|ld-linux.*|ld-[\d.]+\.so|libstdc\+\+\.so.*|'
                     r'libgcc_s\.so.*|libpthread.*|libdl[.-].*|librt[.-].*|libm\.so\.6|libc\+\+.*|'
                     r'libsupc\+\+.*|linux-vdso.*|alloctrace\.so)$')
WRAPPER = re.compile(r'''^(
  x?(malloc|calloc|realloc|zalloc|memalign|strdup|strndup|memdup|reallocarray|nmalloc|zmalloc|asprintf|vasprintf)
 |x(n?malloc|calloc|n?realloc|zalloc|strdup|strndup|memdup0?|charalloc|mallocz|reallocarray|memdupz|strfmt|asprintf|vasprintf|2n?realloc|palloc)
 |(safe_?|my_|e|ck_?|_x|do_x?|secure_)(malloc|calloc|realloc|strdup|strndup|memdup)
 |g_(try_)?(malloc|malloc0|realloc)(_n)?
 |g_slice_(alloc0?|copy)|g_memdup2?|g_aligned_alloc0?|g_strn?dup|g_strdup_v?printf|g_vasprintf|g_strconcat|g_strdupv|g_strnfill
 |_?PyMem_.*|_?PyObject_(Malloc|Calloc|Realloc|New|NewVar|InitVar|GC_.*)|PyType_GenericAlloc|_?PyType_AllocNoTrack
 |(ruby_|rb_)?x(malloc|calloc|realloc)(2|_body)?|ruby_(xmalloc|xcalloc|xrealloc|xmalloc2|xrealloc2|strdup|mimmalloc)(_body)?
 |rb_(xmalloc_mul_add|xrealloc_mul_add|xcalloc_mul_add|xmalloc_mul_add_mul|alloc_tmp_buffer.*|gc_.*alloc.*)|objspace_x.*
 |CRYPTO_(malloc|zalloc|realloc|calloc|clear_realloc|strdup|strndup|memdup|secure_.*alloc|aligned_alloc)|BUF_(strdup|strndup|memdup)
 |xml(Mem)?(Strn?dup|CharStrn?dup|Malloc|MallocAtomic|Realloc|MallocLoc|ReallocLoc|StrdupLoc)|xmlUTF8Strndup
 |sqlite3_(malloc|realloc)(64)?|sqlite3(Malloc|Realloc|MallocZero|DbMalloc.*|DbRealloc.*|MemMalloc|MemRealloc|DbStrN?Dup|_v?mprintf)
 |Perl_(safesys|my_)(malloc|calloc|realloc)|Perl_savepvn?|Perl_savesharedpvn?
 |ngx_(alloc|calloc|memalign)
 |Acquire(Magick|Quantum|CriticalMagick|CriticalQuantum|Aligned|CriticalAligned|Virtual)Memory|Resize(Magick|Quantum)Memory|AcquireString|CloneString|ConstantString
 |wmem_(alloc0?|realloc|strn?dup|memdup|strconcat|strdup_v?printf)
 |_ZN4llvm15allocate_bufferEmm|_ZN4llvm11safe_mallocEm|_ZN4llvm15SmallVectorBaseI.*(grow_pod|mallocForGrow).*
 |_ZN10QArrayData(8allocate|18reallocateUnaligned).*|qMallocAligned|qReallocAligned
 |uv__?(malloc|calloc|realloc|strdup|strndup)
 |_gcry_x?(malloc|calloc|realloc|strdup)(_secure)?|gcry_x?(malloc|calloc|realloc|strdup)(_secure)?|gpgrt_(malloc|calloc|realloc|strdup)
 |gnutls_(malloc|calloc|realloc|strdup)|_gnutls_(malloc|calloc|reallocf.*)
 |pcre2?_?(malloc|memctl_malloc).*|_pcre2_memctl_malloc_8
 |apr_palloc|apr_pcalloc.*|talloc_.*|_talloc.*
 |(emalloc|ecalloc|erealloc|_e(malloc|calloc|realloc|strdup|strndup).*|_safe_(malloc|realloc|emalloc).*|__zend_(malloc|calloc|realloc))
 |av_(malloc|mallocz|realloc|calloc|strdup)(_array)?|FcStrCopy|gdk_pixbuf_.*alloc
 |_Zn[wa][mj].*|_ZdlPv.*
)$''', re.X)

# How far up the stack a wrapper is looked for.
WRAP_DEPTH = 6
# Pools: wrappers only where they call malloc themselves.
POOLS = re.compile(r'^libwsutil')
LIBFFI = re.compile(r'^libffi\.so')
ANONYMOUS = '[anon]'


def find_hubs(stacks):
    """Static functions that are allocators all the same: malloc's direct caller has no symbol, and at least three other modules
    call it straight (an exported wrapper that jumps to a static helper leaves only the helper on the stack)."""
    callers = {}
    for frames in stacks:
        if len(frames) < 2 or frames[0][2] is not None:
            continue
        module, above = frames[0][0], frames[1][0]
        if above == module or ANONYMOUS in (module, above) or RUNTIME.match(module) or RUNTIME.match(above):
            continue
        callers.setdefault(frames[0][:2], set()).add(above)
    return {frame for frame, modules in callers.items() if len(modules) >= 3}


def _wrappers(frames, hubs):
    """How many of the innermost frames only hand memory on."""
    skip = 0
    for i, (module, offset, function) in enumerate(frames[:WRAP_DEPTH]):
        if RUNTIME.match(module):
            continue
        if function is None and (module, offset) not in hubs:
            # A static function: it counts as a wrapper only if a named wrapper of its module follows.
            if i + 1 < len(frames) and frames[i + 1][0] == module and not POOLS.match(module):
                continue
            break
        if function is not None and not WRAPPER.match(function):
            break
        skip = i + 1
    return skip


def owner_of(frames, hubs):
    """(owner, next module or '-')"""
    skip = _wrappers(frames, hubs)
    owner = None
    for module, _, _ in frames[skip:] + frames[:skip]:
        if RUNTIME.match(module) or module == ANONYMOUS or LIBFFI.match(module):
            continue
        if owner is None:
            owner = module
        elif module != owner:
            return owner, module
    return owner or frames[0][0], '-'
