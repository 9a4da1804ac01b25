// What a CUDA thread needs of the runtime, whether its program was made from CUDA C++ (shim.h) or from PTX (ptx/).
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "runtime.h"

// All static shared memory is thread-local storage of the one host thread: an area that the runtime can find and fill
// before every block. AddressSanitizer guards only what is not thread-local.
#if defined(CUDA_ON_CPU_ADDRESS)
#define CUDA_ON_CPU_SHARED static
#else
#define CUDA_ON_CPU_SHARED static __thread
#endif

namespace cuda_on_cpu {

template <typename To, typename From> inline __attribute__((always_inline)) To bits_as(From from) {
    To to{};
    std::memcpy(&to, &from, sizeof(To) < sizeof(From) ? sizeof(To) : sizeof(From));
    return to;
}

inline unsigned thread_in_block() { return thread_index.x + block_size.x * (thread_index.y + block_size.y * thread_index.z); }
inline unsigned lane() { return thread_in_block() % 32; }

// A read, a change and a write that no other thread comes between; ThreadSanitizer sees it as an atomic one.
template <typename T, typename F> inline T atomically(T* address, F change) {
    static_assert(sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);
    using Word = std::conditional_t<sizeof(T) == 8, uint64_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;
    Word* word = reinterpret_cast<Word*>(address);
    preempt();
    Word old = __atomic_load_n(word, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(word, &old, bits_as<Word>(static_cast<T>(change(bits_as<T>(old)))), false,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    return bits_as<T>(old);
}

}  // namespace cuda_on_cpu
