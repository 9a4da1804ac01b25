// CUDA C++ for a host compiler: put in front of a kernel, whose text stays as it is.
//
// Each CUDA thread is a fiber of one host thread, so a barrier, a shuffle and a vote are places where it waits. What is
// not here does not compile, and so cannot be wrong unseen.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <vector_functions.h>
#include <vector_types.h>

#include <cmath>
#include <utility>

#include "device.h"

#undef __global__
#undef __device__
#undef __host__
#undef __constant__
#undef __shared__
#undef __managed__
#undef __forceinline__
#undef __noinline__
#undef __launch_bounds__
#undef __align__
#undef __grid_constant__

// Two attributes that no compiler knows: by them the builder finds the kernels in the preprocessed text.
#define __global__ __attribute__((noinline, cuda_global))
#define __launch_bounds__(...) __attribute__((cuda_launch_bounds(__VA_ARGS__)))
#define __device__
#define __host__
#define __constant__ static
#define __managed__ static
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __grid_constant__

#define __shared__ CUDA_ON_CPU_SHARED

#define threadIdx (::cuda_on_cpu::thread_index)
#define blockIdx (::cuda_on_cpu::block_index)
#define blockDim (::cuda_on_cpu::block_size)
#define gridDim (::cuda_on_cpu::grid_size)
#define warpSize 32

namespace cuda_on_cpu {

template <typename T> constexpr const char* dtype_name() {
    if constexpr (std::is_same_v<T, __half>) return "float16";
    else if constexpr (std::is_same_v<T, __nv_bfloat16>) return "bfloat16";
    else if constexpr (std::is_same_v<T, bool>) return "bool";
    else if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 4 ? "float32" : "float64";
    else if constexpr (std::is_integral_v<T>) {
        constexpr const char* names[2][4] = {{"uint8", "uint16", "uint32", "uint64"},
                                             {"int8", "int16", "int32", "int64"}};
        return names[std::is_signed_v<T>][sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3];
    } else return "";  // of no dtype: a vector, a struct
}

template <typename P> constexpr Parameter parameter() {
    using Pointed = std::remove_pointer_t<P>;
    return {dtype_name<std::remove_cv_t<Pointed>>(), static_cast<int>(sizeof(P)), std::is_pointer_v<P>,
            std::is_const_v<Pointed>};
}

template <auto kernel> struct Caller;
template <typename... P, void (*kernel)(P...)> struct Caller<kernel> {
    static constexpr Parameter parameters[sizeof...(P) + 1] = {parameter<std::remove_cv_t<P>>()..., {}};

    template <size_t... I> static void spread(void** arguments, std::index_sequence<I...>) {
        kernel(*static_cast<std::remove_cv_t<P>*>(arguments[I])...);
    }
    static void call(void** arguments) { spread(arguments, std::index_sequence_for<P...>()); }
    static constexpr Entry entry(const char* name, int max_threads) {
        return {name, call, parameters, static_cast<int>(sizeof...(P)), max_threads};
    }
};

template <typename T> inline T exchange(unsigned mask, T value, unsigned lane, Site site) {
    static_assert(sizeof(T) <= 8, "a shuffle moves at most 8 bytes");
    return bits_as<T>(shuffle(mask, bits_as<uint64_t>(value), lane, site));
}

// Where the shim itself touches memory for a kernel: the line is the kernel's.
template <typename T> inline T& aligned(T* address, Site site) {
    const size_t place = reinterpret_cast<size_t>(address);
    if (__builtin_expect(place % alignof(T) != 0, false)) misaligned(site, place);
    return *address;
}

template <typename T> struct Same { using type = T; };  // T is not deduced from such an argument
template <typename T> using same_t = typename Same<T>::type;

}  // namespace cuda_on_cpu

// The line of the kernel that waits: a default argument is evaluated where the call stands.
#define HERE ::cuda_on_cpu::Site site = {__builtin_FILE(), __builtin_LINE()}

inline int __syncthreads_count(int predicate, HERE) {
    int arrived;
    return ::cuda_on_cpu::barrier(predicate != 0, &arrived, site);
}
inline int __syncthreads_or(int predicate, HERE) { return __syncthreads_count(predicate, site) != 0; }
inline int __syncthreads_and(int predicate, HERE) {
    int arrived;
    return ::cuda_on_cpu::barrier(predicate != 0, &arrived, site) == arrived;
}
inline void __syncthreads(HERE) { __syncthreads_count(0, site); }
inline void __syncwarp(unsigned mask = 0xffffffffu, HERE) { ::cuda_on_cpu::warp_barrier(mask, site); }
inline void __trap(HERE) { ::cuda_on_cpu::stop(site, "the kernel trapped"); }
inline void __threadfence_block() { ::cuda_on_cpu::fence(); }
inline void __threadfence() { ::cuda_on_cpu::fence(); }
inline void __threadfence_system() { ::cuda_on_cpu::fence(); }
inline unsigned __activemask() { return ::cuda_on_cpu::active_mask(); }

template <typename T> inline T __shfl_sync(unsigned mask, T value, int source, int width = 32, HERE) {
    const unsigned first = ::cuda_on_cpu::lane() & ~(width - 1u);
    return ::cuda_on_cpu::exchange(mask, value, first | (source & (width - 1)), site);
}
template <typename T> inline T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, HERE) {
    const unsigned lane = ::cuda_on_cpu::lane(), other = lane ^ bits;
    const bool beyond = (other & ~(width - 1u)) > (lane & ~(width - 1u));
    return ::cuda_on_cpu::exchange(mask, value, beyond ? lane : other % 32, site);
}
template <typename T> inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, HERE) {
    const unsigned lane = ::cuda_on_cpu::lane();
    const bool beyond = (lane & (width - 1u)) + delta >= static_cast<unsigned>(width);
    return ::cuda_on_cpu::exchange(mask, value, beyond ? lane : lane + delta, site);
}
template <typename T> inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, HERE) {
    const unsigned lane = ::cuda_on_cpu::lane();
    const bool beyond = (lane & (width - 1u)) < delta;
    return ::cuda_on_cpu::exchange(mask, value, beyond ? lane : lane - delta, site);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, HERE) {
    return ::cuda_on_cpu::ballot(mask, predicate != 0, site);
}
inline int __any_sync(unsigned mask, int predicate, HERE) {
    return ::cuda_on_cpu::ballot(mask, predicate != 0, site) != 0;
}
inline int __all_sync(unsigned mask, int predicate, HERE) {
    return ::cuda_on_cpu::ballot(mask, predicate == 0, site) == 0;
}

#define ATOMIC(NAME, RESULT)                                                                    \
    template <typename T> inline T NAME(T* address, ::cuda_on_cpu::same_t<T> value, HERE) {     \
        T* const place = &::cuda_on_cpu::aligned(address, site);                                \
        return ::cuda_on_cpu::atomically(place, [&](T old) -> T { return RESULT; });            \
    }
ATOMIC(atomicAdd, old + value)
ATOMIC(atomicSub, old - value)
ATOMIC(atomicExch, value)
ATOMIC(atomicMin, value < old ? value : old)
ATOMIC(atomicMax, old < value ? value : old)
ATOMIC(atomicAnd, old & value)
ATOMIC(atomicOr, old | value)
ATOMIC(atomicXor, old ^ value)
ATOMIC(atomicInc, old >= value ? T(0) : T(old + 1))
ATOMIC(atomicDec, old == 0 || old > value ? value : T(old - 1))
#undef ATOMIC
template <typename T>
inline T atomicCAS(T* address, ::cuda_on_cpu::same_t<T> expected, ::cuda_on_cpu::same_t<T> value, HERE) {
    T* const place = &::cuda_on_cpu::aligned(address, site);
    return ::cuda_on_cpu::atomically(place, [&](T old) -> T { return old == expected ? value : old; });
}

template <typename T> inline T __ldg(const T* address, HERE) { return ::cuda_on_cpu::aligned(address, site); }
template <typename T> inline T __ldcs(const T* address, HERE) { return ::cuda_on_cpu::aligned(address, site); }
template <typename T> inline T __ldcg(const T* address, HERE) { return ::cuda_on_cpu::aligned(address, site); }
template <typename T> inline void __stcs(T* address, ::cuda_on_cpu::same_t<T> value, HERE) {
    ::cuda_on_cpu::aligned(address, site) = value;
}
template <typename T> inline void __stcg(T* address, ::cuda_on_cpu::same_t<T> value, HERE) { __stcs(address, value, site); }
#undef HERE

inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<uint64_t>(a) * b >> 32; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned __int128>(a) * b >> 64;
}
inline int __float_as_int(float x) { return ::cuda_on_cpu::bits_as<int>(x); }
inline unsigned __float_as_uint(float x) { return ::cuda_on_cpu::bits_as<unsigned>(x); }
inline float __int_as_float(int x) { return ::cuda_on_cpu::bits_as<float>(x); }
inline float __uint_as_float(unsigned x) { return ::cuda_on_cpu::bits_as<float>(x); }
inline long long __double_as_longlong(double x) { return ::cuda_on_cpu::bits_as<long long>(x); }
inline double __longlong_as_double(long long x) { return ::cuda_on_cpu::bits_as<double>(x); }

// The host's mathematics. The fast functions are exact here and approximate on a GPU: nothing follows for their error.
#define __expf(x) expf(x)
#define __logf(x) logf(x)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)
#define __powf(x, y) powf(x, y)
inline float __fdividef(float a, float b) { return a / b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline float __frcp_rn(float a) { return 1 / a; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline float __saturatef(float a) { return a > 1 ? 1 : a > 0 ? a : 0; }
inline float rsqrtf(float a) { return static_cast<float>(1 / sqrt(static_cast<double>(a))); }
inline double rsqrt(double a) { return 1 / sqrt(a); }
// Of a number and a NaN, CUDA's min and max return the number.
template <typename A, typename B> inline std::common_type_t<A, B> min(A a, B b) {
    if constexpr (std::is_floating_point_v<std::common_type_t<A, B>>) return std::fmin(a, b);
    else return b < a ? b : a;
}
template <typename A, typename B> inline std::common_type_t<A, B> max(A a, B b) {
    if constexpr (std::is_floating_point_v<std::common_type_t<A, B>>) return std::fmax(a, b);
    else return a < b ? b : a;
}
