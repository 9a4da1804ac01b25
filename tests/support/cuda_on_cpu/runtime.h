// What the shim, the runtime and the checkers know of each other.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cuda_on_cpu {

struct Index {
    unsigned x, y, z;
};

// Where in a kernel a thread waits.
struct Site {
    const char* file;
    int line;
};

// A parameter of a kernel: the dtype is that of the element, where it is a pointer.
struct Parameter {
    const char* dtype;
    int bytes;
    int pointer;
    int constant;
};

// A kernel. It is called as the CUDA driver calls it: an argument is the address of its value.
struct Entry {
    const char* name;
    void (*call)(void** arguments);
    const Parameter* parameters;
    int count;
    int max_threads;
};

struct Launch {
    unsigned grid[3];
    unsigned block[3];
    unsigned shared_bytes;
    unsigned strict;       // a barrier that some threads of the block do not reach is an error
    uint64_t order;        // of blocks and threads: 0 forward, 1 backward, else the seed of a shuffle
    uint64_t first_block;  // those before it are not run
};

extern Index thread_index, block_index, block_size, grid_size;

// The rendezvous of a block. Each returns when all threads it waits for have come.
int barrier(int predicate, int* arrived, Site site);
void warp_barrier(unsigned mask, Site site);
uint64_t shuffle(unsigned mask, uint64_t value, unsigned source_lane, Site site);
unsigned ballot(unsigned mask, int predicate, Site site);

unsigned active_mask();
void fence();
void preempt();  // another thread may run now
void* dynamic_shared();
unsigned dynamic_shared_bytes();

// The launch fails, and the thread does not go on.
[[noreturn]] void stop(Site site, const char* why);
[[noreturn]] void misaligned(Site site, size_t address);

}  // namespace cuda_on_cpu

#pragma GCC visibility push(default)
extern "C" {
// The kernels of the program, up to one without a name; made from the source.
extern const cuda_on_cpu::Entry cuda_on_cpu_entries[];
// Run a kernel to its end and return null, or else what went wrong.
const char* cuda_on_cpu_launch(const cuda_on_cpu::Entry* entry, const cuda_on_cpu::Launch* launch, void** arguments);
}
#pragma GCC visibility pop
