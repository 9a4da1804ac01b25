// Runs a kernel: block after block, and in a block warp after warp; each thread is a fiber that stops at a rendezvous.
//
// A warp goes on, from one shuffle or vote to the next, as far as it can without the others of its block: that is as
// far as barriers let it, and so it meets memory as early as it may. Then the next warp does. When none can go on, the
// barrier is released to which everybody has come; if there is none, the block would wait for ever.
// This file is never built with a sanitizer. It tells the sanitizers of the fibers, and of what orders them.

#include "runtime.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <link.h>
#include <sys/mman.h>

#include "fiber.h"

#if defined(CUDA_ON_CPU_ADDRESS)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(CUDA_ON_CPU_THREAD)
#include <sanitizer/tsan_interface.h>
extern "C" {
void __tsan_java_init(unsigned long begin, unsigned long bytes);
void __tsan_java_alloc(unsigned long begin, unsigned long bytes);
}
#endif

namespace cuda_on_cpu {

Index thread_index, block_index, block_size, grid_size;

namespace {

constexpr size_t stack_bytes = 64 << 10, page = 64 << 10;  // as large as pages are anywhere
constexpr unsigned most_threads = 1024, most_shared_bytes = 48 << 10;

enum class State { fresh, ready, at_barrier, at_warp, returned };
enum class Operation { barrier, shuffle, ballot };

struct Thread {
    Fiber fiber;
    State state;
    char* stack;
    Site site;
    // What a warp's operation gets and gives.
    Operation operation;
    unsigned mask, source;
    uint64_t value;
    int predicate;
#if defined(CUDA_ON_CPU_THREAD)
    void* known;  // to ThreadSanitizer as a thread
#endif
};

Thread threads[most_threads];
unsigned count, current;
Fiber scheduler;
const Entry* kernel;
const Launch* now;
void** given;
bool shuffling;
uint64_t random_state;
char* shared;
char message[512];
bool failed;
int arrived, agreed;  // at the last barrier

// For ThreadSanitizer a change of fibers orders nothing: what does, releases a token and acquires it. A rendezvous has
// a token of its own, so that it orders neither another block nor what comes before the next one.
using Token = uint64_t;
Token launched, finished, fenced;
Token* at_barrier;
Token* at_warp[most_threads];  // by the lowest thread of the mask
#if defined(CUDA_ON_CPU_THREAD)
Token* new_token() {
    static Token tokens[1 << 20];
    static unsigned next;
    return &tokens[next++ % (1 << 20)];
}
void acquire(Token* token) { __tsan_acquire(token); }
void release(Token* token) { __tsan_release(token); }
#else
Token* new_token() { return nullptr; }
void acquire(Token*) {}
void release(Token*) {}
#endif

__attribute__((format(printf, 1, 2))) void fail(const char* format, ...) {
    if (failed) return;
    failed = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    release(&finished);  // a thread may have written it, and whoever launched it reads it
}

unsigned random_below(unsigned n) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % n;
}

template <typename T> void arrange(T* items, unsigned n) {
    if (now->order == 0) return;
    if (now->order == 1) return std::reverse(items, items + n);
    for (unsigned i = n; i > 1; --i) std::swap(items[i - 1], items[random_below(i)]);
}

#if defined(CUDA_ON_CPU_ADDRESS)
const void* scheduler_stack;
size_t scheduler_bytes;
#elif defined(CUDA_ON_CPU_THREAD)
void* scheduler_known;
#endif

char* map(size_t bytes) {
    void* area = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED) abort();
    return static_cast<char*>(area);
}

// A page that cannot be touched lies below every stack.
char* new_stack() {
    char* area = map(page + stack_bytes);
    mprotect(area, page, PROT_NONE);
    return area + page;
}

[[maybe_unused]] void free_stack(char* stack) { munmap(stack - page, page + stack_bytes); }

#if defined(CUDA_ON_CPU_THREAD)
// ThreadSanitizer takes the name of a fiber destroyed for the next one, and two threads of one name do not race. So
// they are kept to the end of the launch: as many as it can hold.
constexpr unsigned most_retired = 6000;
void* retired[most_retired];
unsigned retirements;

void retire(void* fiber) {
    void*& place = retired[retirements++ % most_retired];
    if (place) __tsan_destroy_fiber(place);
    place = fiber;
}

void destroy_retired() {
    for (void*& place : retired) {
        if (place) __tsan_destroy_fiber(place);
        place = nullptr;
    }
}
#endif

void leave(bool for_good) {
    Thread& thread = threads[current];
#if defined(CUDA_ON_CPU_ADDRESS)
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake, scheduler_stack, scheduler_bytes);
    change(thread.fiber, scheduler);
    __sanitizer_finish_switch_fiber(fake, &scheduler_stack, &scheduler_bytes);
#else
    (void)for_good;
#if defined(CUDA_ON_CPU_THREAD)
    __tsan_switch_to_fiber(scheduler_known, __tsan_switch_to_fiber_no_sync);
#endif
    change(thread.fiber, scheduler);
#endif
}

void start() {
#if defined(CUDA_ON_CPU_ADDRESS)
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_bytes);
#endif
    acquire(&launched);
    kernel->call(given);
    release(&finished);
    threads[current].state = State::returned;
    leave(true);
}

void resume(unsigned t) {
    Thread& thread = threads[current = t];
    const unsigned x = block_size.x, y = block_size.y;
    thread_index = {t % x, t / x % y, t / x / y};
    if (thread.state == State::fresh) {
        if (!thread.stack) thread.stack = new_stack();
        prepare(thread.fiber, thread.stack, stack_bytes, start);
#if defined(CUDA_ON_CPU_THREAD)
        thread.known = __tsan_create_fiber(0);
#endif
    }
    thread.state = State::ready;
#if defined(CUDA_ON_CPU_ADDRESS)
    void* fake;
    __sanitizer_start_switch_fiber(&fake, thread.stack, stack_bytes);
    change(scheduler, thread.fiber);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
#if defined(CUDA_ON_CPU_THREAD)
    __tsan_switch_to_fiber(thread.known, __tsan_switch_to_fiber_no_sync);
#endif
    change(scheduler, thread.fiber);
#endif
#if defined(CUDA_ON_CPU_THREAD)
    if (thread.state == State::returned) {
        retire(thread.known);
        free_stack(thread.stack);  // and ThreadSanitizer forgets what was in it
        thread.stack = nullptr;
    }
#endif
}

// Wait in an operation of the warp for the others of the mask.
void wait_in_warp(Operation operation, unsigned mask, Site site) {
    Thread& thread = threads[current];
    thread.operation = operation, thread.mask = mask, thread.site = site;
    if (!(mask >> current % 32 & 1)) fail("%s:%d: a thread names a mask that it is not in", site.file, site.line);
    thread.state = State::at_warp;
    leave(false);
}

// The threads of a warp that exist and have not returned, as bits.
unsigned living(unsigned warp) {
    unsigned bits = 0;
    for (unsigned lane = 0; lane < 32 && warp + lane < count; ++lane)
        if (threads[warp + lane].state != State::returned) bits |= 1u << lane;
    return bits;
}

bool same(Site a, Site b) { return a.line == b.line && std::strcmp(a.file, b.file) == 0; }

// Give those who wait together in a warp what they wait for.
void finish_in_warp(unsigned warp, unsigned group) {
    uint64_t values[32];
    unsigned votes = 0;
    at_warp[warp + __builtin_ctz(threads[warp + __builtin_ctz(group)].mask)] = new_token();
    for (unsigned lane = 0; lane < 32; ++lane) {
        values[lane] = ~0ull;  // what a shuffle finds where nobody is: NaN
        if (!(group >> lane & 1)) continue;
        values[lane] = threads[warp + lane].value;
        if (threads[warp + lane].predicate) votes |= 1u << lane;
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
        if (!(group >> lane & 1)) continue;
        Thread& thread = threads[warp + lane];
        thread.value = thread.operation == Operation::ballot ? votes : values[thread.source % 32];
        thread.state = State::ready;
    }
}

bool release_in_warp(unsigned warp) {
    bool any = false;
    const unsigned alive = living(warp);
    for (unsigned lane = 0; lane < 32 && warp + lane < count; ++lane) {
        const Thread& thread = threads[warp + lane];
        if (thread.state != State::at_warp) continue;
        const unsigned group = thread.mask & alive;
        bool together = true;
        for (unsigned other = 0; other < 32 && together; ++other) {
            if (!(group >> other & 1)) continue;
            const Thread& peer = threads[warp + other];
            together = peer.state == State::at_warp && peer.mask == thread.mask &&
                       peer.operation == thread.operation && same(peer.site, thread.site);
        }
        if (together) finish_in_warp(warp, group), any = true;
    }
    return any;
}

// Let each thread of a warp that can go on do so, to its next rendezvous; return whether there was one.
bool run_warp(unsigned warp) {
    unsigned lanes[32], n = 0;
    for (unsigned t = warp; t < warp + 32 && t < count; ++t)
        if (threads[t].state == State::fresh || threads[t].state == State::ready) lanes[n++] = t;
    arrange(lanes, n);
    for (unsigned i = 0; i < n && !failed; ++i) resume(lanes[i]);
    return n > 0 && !failed;
}

bool release_barrier() {
    const Thread* first = nullptr;
    const Thread* other = nullptr;
    unsigned waiting = 0, returned = 0;
    int votes = 0;
    for (unsigned t = 0; t < count; ++t) {
        const Thread& thread = threads[t];
        if (thread.state == State::returned) ++returned;
        if (thread.state != State::at_barrier) continue;
        if (!first) first = &thread;
        else if (!same(thread.site, first->site)) other = &thread;
        ++waiting, votes += thread.predicate;
    }
    if (!waiting || waiting + returned != count) return false;
    if (now->strict && other)
        fail("%s:%d: a barrier in divergent control flow: other threads of the block wait at %s:%d",
             first->site.file, first->site.line, other->site.file, other->site.line);
    else if (now->strict && returned)
        fail("%s:%d: a barrier in divergent control flow: %u of %u threads wait there, the others have returned",
             first->site.file, first->site.line, waiting, count);
    arrived = waiting, agreed = votes;
    at_barrier = new_token();
    for (unsigned t = 0; t < count; ++t)
        if (threads[t].state == State::at_barrier) threads[t].state = State::ready;
    return true;
}

void report_deadlock() {
    const Thread *block = nullptr, *warp = nullptr;
    for (unsigned t = 0; t < count; ++t) {
        if (threads[t].state == State::at_barrier) block = &threads[t];
        if (threads[t].state == State::at_warp) warp = &threads[t];
    }
    if (block)
        fail("%s:%d: a barrier in divergent control flow: other threads of the block wait in their warp at %s:%d, "
             "so none goes on", block->site.file, block->site.line, warp->site.file, warp->site.line);
    else
        fail("%s:%d: threads of the mask %08x do not come to this operation of their warp, so none goes on",
             warp->site.file, warp->site.line, warp->mask);
}

// The static shared memory: the thread-local storage of this program or library.
struct Area {
    char* begin;
    size_t bytes;
};

__thread char in_it;

int find_area(dl_phdr_info* info, size_t, void* found) {
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& header = info->dlpi_phdr[i];
        char* begin = static_cast<char*>(info->dlpi_tls_data);
        if (header.p_type != PT_TLS || !begin || &in_it < begin || &in_it >= begin + header.p_memsz) continue;
        *static_cast<Area*>(found) = {begin, header.p_memsz};
        return 1;
    }
    return 0;
}

[[maybe_unused]] Area static_shared() {
    Area area = {&in_it, 0};
    dl_iterate_phdr(find_area, &area);
    return area;
}

// Shared memory as a block finds it: of no defined contents, and unknown to ThreadSanitizer.
void renew_shared(Area area) {
#if defined(CUDA_ON_CPU_THREAD)
    const size_t begin = reinterpret_cast<size_t>(area.begin) & ~size_t(7);
    const size_t end = (reinterpret_cast<size_t>(area.begin) + area.bytes + 7) & ~size_t(7);
    static bool told;
    if (!told) __tsan_java_init(begin, end - begin);
    told = true;
    __tsan_java_alloc(begin, end - begin);
    if (shared) munmap(shared, most_shared_bytes);
    shared = map(most_shared_bytes);
#elif defined(CUDA_ON_CPU_ADDRESS)
    (void)area;
    std::free(shared);
    if (posix_memalign(reinterpret_cast<void**>(&shared), 256, now->shared_bytes)) abort();
    std::memset(shared, 0xFF, now->shared_bytes);
#else
    std::memset(area.begin, 0xFF, area.bytes);
    if (!shared) shared = map(most_shared_bytes);
    std::memset(shared, 0xFF, most_shared_bytes);
#endif
}

bool all_returned() {
    for (unsigned t = 0; t < count; ++t)
        if (threads[t].state != State::returned) return false;
    return true;
}

void run_block() {
    for (unsigned t = 0; t < count; ++t) {
        char* const stack = threads[t].stack;
        threads[t] = Thread{};
        threads[t].stack = stack;
    }
    at_barrier = new_token();
    for (Token*& token : at_warp) token = new_token();
    release(&launched);
    unsigned warps[most_threads / 32], n = 0;
    for (unsigned warp = 0; warp < count; warp += 32) warps[n++] = warp;
    arrange(warps, n);
    while (!failed && !all_returned()) {
        bool any = false;
        for (unsigned i = 0; i < n; ++i) {
            while (run_warp(warps[i]) || (!failed && release_in_warp(warps[i]))) {
                any = true;
                if (shuffling && random_below(4) == 0) break;
            }
        }
        if (!failed && !any && !release_barrier()) report_deadlock();
    }
}

bool acceptable() {
    const unsigned* grid = now->grid;
    const unsigned* block = now->block;
    const uint64_t size = uint64_t(block[0]) * block[1] * block[2];
    if (!grid[0] || !grid[1] || !grid[2] || grid[0] > 2147483647u || grid[1] > 65535 || grid[2] > 65535)
        fail("a grid of %u x %u x %u blocks cannot be launched", grid[0], grid[1], grid[2]);
    else if (!size || size > most_threads || block[2] > 64)
        fail("a block of %u x %u x %u threads cannot be launched", block[0], block[1], block[2]);
    else if (size > unsigned(kernel->max_threads))
        fail("a block of %u threads cannot be launched: the kernel's launch bounds are %d", unsigned(size),
             kernel->max_threads);
    else if (now->shared_bytes > most_shared_bytes)
        fail("%u bytes of dynamic shared memory cannot be launched: at most %u", now->shared_bytes, most_shared_bytes);
    return !failed;
}

}  // namespace

int barrier(int predicate, int* together, Site site) {
    Thread& thread = threads[current];
    thread.site = site, thread.predicate = predicate, thread.state = State::at_barrier;
    Token* const token = at_barrier;
    release(token);
    leave(false);
    acquire(token);
    *together = arrived;
    return agreed;
}

// Of the warp's operations, only this one orders memory.
void warp_barrier(unsigned mask, Site site) {
    Token* const token = at_warp[current / 32 * 32 + (mask ? __builtin_ctz(mask) : 0)];
    release(token);
    wait_in_warp(Operation::barrier, mask, site);
    acquire(token);
}

uint64_t shuffle(unsigned mask, uint64_t value, unsigned source, Site site) {
    threads[current].value = value, threads[current].source = source;
    wait_in_warp(Operation::shuffle, mask, site);
    return threads[current].value;
}

unsigned ballot(unsigned mask, int predicate, Site site) {
    threads[current].predicate = predicate;
    wait_in_warp(Operation::ballot, mask, site);
    return threads[current].value;
}

unsigned active_mask() { return living(current / 32 * 32); }

void fence() {
    acquire(&fenced);
    release(&fenced);
}

void preempt() {
    if (shuffling) leave(false);
}

void* dynamic_shared() { return shared; }

unsigned dynamic_shared_bytes() { return now->shared_bytes; }

void stop(Site site, const char* why) {
    fail("%s:%d: %s", site.file, site.line, why);
    leave(false);  // for good: the launch has failed
    abort();
}

void misaligned(Site site, size_t address) {
    char why[64];
    snprintf(why, sizeof why, "a misaligned access: the address ends in 0x%02x", unsigned(address % 256));
    stop(site, why);
}

}  // namespace cuda_on_cpu

using namespace cuda_on_cpu;

#if !defined(CUDA_ON_CPU_ADDRESS) && !defined(CUDA_ON_CPU_THREAD)
// g++ calls it, given -fsanitize=alignment, where an address does not suit the type that lies there.
struct Mismatch {
    struct {
        const char* file;
        uint32_t line, column;
    } location;
};

extern "C" void __ubsan_handle_type_mismatch_v1(Mismatch* mismatch, size_t address) {
    misaligned({mismatch->location.file, int(mismatch->location.line)}, address);
}
#endif

const char* cuda_on_cpu_launch(const Entry* entry, const Launch* launch, void** arguments) {
    kernel = entry, now = launch, given = arguments, failed = false;
    shuffling = launch->order > 1;
    random_state = launch->order * 0x9E3779B97F4A7C15ull | 1;
    if (!acceptable()) return message;
    block_size = {launch->block[0], launch->block[1], launch->block[2]};
    grid_size = {launch->grid[0], launch->grid[1], launch->grid[2]};
    count = block_size.x * block_size.y * block_size.z;
#if defined(CUDA_ON_CPU_THREAD)
    scheduler_known = __tsan_get_current_fiber();
#endif
    const Area area = static_shared();
    const uint64_t all = uint64_t(grid_size.x) * grid_size.y * grid_size.z;
    const uint64_t blocks = all - std::min(all, now->first_block);
    uint64_t* order = static_cast<uint64_t*>(std::malloc(blocks * sizeof(uint64_t)));
    for (uint64_t i = 0; i < blocks; ++i) order[i] = now->first_block + i;
    arrange(order, blocks);
    for (uint64_t i = 0; i < blocks && !failed; ++i) {
        const uint64_t b = order[i], x = grid_size.x, y = grid_size.y;
        block_index = {unsigned(b % x), unsigned(b / x % y), unsigned(b / x / y)};
        renew_shared(area);
        run_block();
    }
    std::free(order);
    acquire(&finished);
#if defined(CUDA_ON_CPU_THREAD)
    destroy_retired();
#endif
    if (failed) {  // fibers that stopped half-way are left; so are their stacks
        for (Thread& thread : threads) thread.stack = nullptr;
        return message;
    }
    return nullptr;
}
