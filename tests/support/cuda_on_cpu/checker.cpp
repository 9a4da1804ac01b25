// A program that runs the launches written in a file, and writes what became of their arrays into another: the kernels
// under a sanitizer, which then has no Python around it. It ends at the first error.
//
// Each array lies in an allocation of just its size, so that AddressSanitizer guards its end, and begins at the address
// that it had, modulo 256. The order of the fields is that of the functions below, and of checkers.py.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "runtime.h"

// Called by their names: this file has no sanitizer, and so the header's macros for them would do nothing.
#if defined(CUDA_ON_CPU_ADDRESS)
#include <sanitizer/asan_interface.h>
static void poison(const void* begin, size_t bytes) { __asan_poison_memory_region(begin, bytes); }
static void unpoison(const void* begin, size_t bytes) { __asan_unpoison_memory_region(begin, bytes); }
#else
static void poison(const void*, size_t) {}
static void unpoison(const void*, size_t) {}
#endif

using cuda_on_cpu::Launch;

static FILE* input;
static FILE* output;

static void read(void* to, size_t bytes) {
    if (bytes && std::fread(to, bytes, 1, input) != 1) std::abort();
}

static uint64_t number() {
    uint64_t value;
    read(&value, sizeof value);
    return value;
}

struct Region {
    char* allocation;
    size_t before, bytes;
    char* begin() const { return allocation + before; }
};

static Region read_region() {
    Region region;
    region.before = number(), region.bytes = number();
    void* allocation;
    if (posix_memalign(&allocation, 256, region.before + region.bytes)) std::abort();
    region.allocation = static_cast<char*>(allocation);
    std::memset(region.allocation, 0xFF, region.before);
    read(region.begin(), region.bytes);
    poison(region.allocation, region.before);
    return region;
}

static void write_back(const Region& region) {
    std::fwrite(region.begin(), 1, region.bytes, output);
    unpoison(region.allocation, region.before);
    for (size_t i = 0; i < region.before; ++i) {
        if (region.allocation[i] == char(0xFF)) continue;
        std::fprintf(stderr, "cuda_on_cpu: a kernel wrote %zu bytes before an array\n", region.before - i);
        std::exit(3);
    }
    std::free(region.allocation);
}

static void run_one() {
    const auto& entry = cuda_on_cpu_entries[number()];
    Launch launch;
    for (unsigned& extent : launch.grid) extent = number();
    for (unsigned& extent : launch.block) extent = number();
    launch.shared_bytes = number(), launch.strict = number(), launch.order = number(), launch.first_block = number();
    std::vector<Region> regions(number());
    for (Region& region : regions) region = read_region();
    // An argument is a value of at most 8 bytes, or an address: a region's number, and where in it.
    std::vector<uint64_t> values(number());
    std::vector<void*> arguments;
    for (uint64_t& value : values) {
        const uint64_t is_address = number();
        value = number();
        if (is_address) value += reinterpret_cast<uint64_t>(regions[is_address - 1].begin());
        arguments.push_back(&value);
    }
    if (const char* message = cuda_on_cpu_launch(&entry, &launch, arguments.data())) {
        std::fprintf(stderr, "cuda_on_cpu: %s\n", message);
        std::exit(3);
    }
    for (const Region& region : regions) write_back(region);
    std::fflush(output);
}

int main(int, char** files) {
    input = std::fopen(files[1], "rb");
    output = std::fopen(files[2], "wb");
    if (!input || !output) return 4;
    for (uint64_t left = number(); left > 0; --left) {
        run_one();
        std::puts("done");
        std::fflush(stdout);
    }
}
