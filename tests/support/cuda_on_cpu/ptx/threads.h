// Memory, and what threads do together: every access is checked for its alignment, and in shared memory for its place.
#pragma once

#include "integers.h"

#if !defined(PTX_SHARED_BYTES)
#error "the translator says how much static shared memory there is"
#endif

namespace ptx {

using cuda_on_cpu::Site;

enum class Space { generic, shared };

// A shared address has 32 bits: from 0 on the static memory, from another place on the dynamic.
constexpr uint32_t dynamic_begin = 1 << 24;
CUDA_ON_CPU_SHARED char static_shared[PTX_SHARED_BYTES + 1] __attribute__((aligned(128)));

inline char* in_shared(uint64_t address, unsigned bytes, Site site) {
    const uint64_t begin = static_cast<uint32_t>(address), end = begin + bytes;
    if (end <= PTX_SHARED_BYTES) return static_shared + begin;
    if (begin >= dynamic_begin && end - dynamic_begin <= cuda_on_cpu::dynamic_shared_bytes())
        return static_cast<char*>(cuda_on_cpu::dynamic_shared()) + (begin - dynamic_begin);
    cuda_on_cpu::stop(site, "an access outside of shared memory");
}

inline uint64_t to_generic(uint64_t address) {
    const uint32_t begin = address;
    if (begin < dynamic_begin) return reinterpret_cast<uint64_t>(static_shared) + begin;
    return reinterpret_cast<uint64_t>(cuda_on_cpu::dynamic_shared()) + (begin - dynamic_begin);
}
inline bool is_shared(uint64_t address) {
    return address - reinterpret_cast<uint64_t>(static_shared) < PTX_SHARED_BYTES ||
           address - reinterpret_cast<uint64_t>(cuda_on_cpu::dynamic_shared()) < cuda_on_cpu::dynamic_shared_bytes();
}
inline uint64_t to_shared(uint64_t address) {
    const uint64_t from_static = address - reinterpret_cast<uint64_t>(static_shared);
    if (from_static <= PTX_SHARED_BYTES) return from_static;
    return dynamic_begin + (address - reinterpret_cast<uint64_t>(cuda_on_cpu::dynamic_shared()));
}

template <Space S, unsigned bytes> ALWAYS_INLINE char* at(uint64_t address, Site site) {
    if (__builtin_expect(address % bytes != 0, false)) cuda_on_cpu::misaligned(site, address);
    if constexpr (S == Space::shared) return in_shared(address, bytes, site);
    else return reinterpret_cast<char*>(address);
}

template <int bytes> using raw_t = std::conditional_t<
    bytes == 8, uint64_t, std::conditional_t<bytes == 4, uint32_t, std::conditional_t<bytes == 2, uint16_t, uint8_t>>>;

template <typename T> ALWAYS_INLINE T load(const char* from, int number) {
    using Raw = raw_t<sizeof(T)>;
    return get<T>(reinterpret_cast<const Raw*>(from)[number]);
}
template <typename T> ALWAYS_INLINE void store(char* to, int number, T value) {
    using Raw = raw_t<sizeof(T)>;
    reinterpret_cast<Raw*>(to)[number] = bits_as<Raw>(value);
}

// In global memory, sums of float32 are flushed (PTX ISA, atom).
struct AtomicAdd {
    template <typename T> static T apply(T old, T value, char* place) {
        if constexpr (std::is_same_v<T, float>) {
            if (!is_shared(reinterpret_cast<uint64_t>(place))) return add<T, ftz>(old, value);
        }
        return add(old, value);
    }
};
#define ATOMIC(NAME, RESULT) \
    struct NAME { template <typename T> static T apply(T old, T value, char*) { return RESULT; } };
ATOMIC(AtomicExchange, value)
ATOMIC(AtomicMin, smaller(old, value))
ATOMIC(AtomicMax, larger(old, value))
ATOMIC(AtomicAnd, old & value)
ATOMIC(AtomicOr, old | value)
ATOMIC(AtomicXor, old ^ value)
ATOMIC(AtomicIncrement, old >= value ? T(0) : T(old + 1))
ATOMIC(AtomicDecrement, old == 0 || old > value ? value : T(old - 1))
#undef ATOMIC

template <typename Operation, typename T> T atomic(char* place, T value) {
    return cuda_on_cpu::atomically(reinterpret_cast<T*>(place), [&](T old) { return Operation::apply(old, value, place); });
}
template <typename T> T compare_and_swap(char* place, T expected, T value) {
    return cuda_on_cpu::atomically(reinterpret_cast<T*>(place), [&](T old) { return old == expected ? value : old; });
}

// The block and the warp

inline uint32_t barrier_count(bool predicate, Site site) {
    int arrived;
    return cuda_on_cpu::barrier(predicate, &arrived, site);
}
inline bool barrier_and(bool predicate, Site site) {
    int arrived;
    return cuda_on_cpu::barrier(predicate, &arrived, site) == arrived;
}
inline bool barrier_or(bool predicate, Site site) { return barrier_count(predicate, site) != 0; }

enum class Shuffle { up, down, bfly, idx };

// PTX ISA, shfl.sync: `bounds` holds the last lane that may be read, and above it the bits that all lanes of a segment share.
template <Shuffle S> uint32_t shuffled(uint32_t value, uint32_t by, uint32_t bounds, uint32_t mask, bool& valid, Site site) {
    const int lane = cuda_on_cpu::lane(), segment = bounds >> 8 & 31, b = by & 31, c = bounds & 31;
    const int least = lane & segment, most = least | (c & ~segment);
    int from;
    if constexpr (S == Shuffle::up) from = lane - b, valid = from >= most;
    if constexpr (S == Shuffle::down) from = lane + b, valid = from <= most;
    if constexpr (S == Shuffle::bfly) from = lane ^ b, valid = from <= most;
    if constexpr (S == Shuffle::idx) from = least | (b & ~segment), valid = from <= most;
    return cuda_on_cpu::shuffle(mask, value, valid ? from : lane, site);
}

inline uint32_t ballot(bool predicate, uint32_t mask, Site site) { return cuda_on_cpu::ballot(mask, predicate, site); }
inline bool vote_any(bool predicate, uint32_t mask, Site site) { return ballot(predicate, mask, site) != 0; }
inline bool vote_all(bool predicate, uint32_t mask, Site site) { return ballot(!predicate, mask, site) == 0; }
inline bool vote_uni(bool predicate, uint32_t mask, Site site) {
    const uint32_t yes = ballot(predicate, mask, site);
    return yes == 0 || yes == (mask & cuda_on_cpu::active_mask());
}

// The values of the lanes of a mask, one after another.
template <typename T, typename F> void gather(T value, uint32_t mask, Site site, F take) {
    mask &= cuda_on_cpu::active_mask();
    for (unsigned lane = 0; lane < 32; ++lane)
        if (mask >> lane & 1) take(lane, get<T>(cuda_on_cpu::shuffle(mask, bits_as<uint64_t>(value), lane, site)));
}

template <typename T> uint32_t match_any(T value, uint32_t mask, Site site) {
    uint32_t equal = 0;
    gather(value, mask, site, [&](unsigned lane, T other) { equal |= static_cast<uint32_t>(other == value) << lane; });
    return equal;
}
template <typename T> uint32_t match_all(T value, uint32_t mask, bool& all, Site site) {
    uint32_t equal = match_any(value, mask, site);
    all = equal == (mask & cuda_on_cpu::active_mask());
    return all ? equal : 0;
}
template <typename Operation, typename T> T reduced(T value, uint32_t mask, Site site) {
    T sum{};
    bool any = false;
    gather(value, mask, site, [&](unsigned, T other) { sum = any ? Operation::apply(sum, other, nullptr) : other, any = true; });
    return sum;
}

}  // namespace ptx
