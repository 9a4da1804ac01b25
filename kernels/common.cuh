// What every kernel here shares: it is put in front of each of them, and reaches any size at any alignment.
//
// An array may begin anywhere (x[1:] is contiguous too), and a 16-byte access at another address faults. So a
// kernel says what to do with one element and with one pack of 16 bytes, and `visit` decides which is due where.
// Plain C++17, no inline assembly, no cooperative groups: the same text can be compiled for a CPU, and tested there.

#include <cuda_fp16.h>

// One entry point per dtype, each named after it: float16, float32, float64.
#define FOR_EACH_DTYPE(DEFINE) \
    DEFINE(f16, __half)        \
    DEFINE(f32, float)         \
    DEFINE(f64, double)

// The type that arithmetic is done in: float16 is only a way to store numbers.
template <typename T> struct Arithmetic { using type = T; };
template <> struct Arithmetic<__half> { using type = float; };
template <typename T> using arithmetic_t = typename Arithmetic<T>::type;

// As many elements as one memory instruction moves.
template <typename T> struct alignas(16) Pack {
    static constexpr int size = 16 / sizeof(T);
    T values[size];
};

template <typename T> __device__ __forceinline__ Pack<T> load(const T* x) {
    return *reinterpret_cast<const Pack<T>*>(x);
}

template <typename T> __device__ __forceinline__ void store(T* z, const Pack<T>& pack) {
    *reinterpret_cast<Pack<T>*>(z) = pack;
}

// Return how many elements stand before the first 16-byte boundary: n where the arrays do not share their boundaries.
template <typename T, typename... Arrays>
__device__ __forceinline__ long long unaligned_head(long long n, const T* first, Arrays... others) {
    const size_t offset = reinterpret_cast<size_t>(first) % 16;
    const bool shared = (... && (reinterpret_cast<size_t>(others) % 16 == offset));
    const long long head = (16 - offset) % 16 / sizeof(T);
    return shared && head < n ? head : n;
}

// Visit each of n elements once, with all threads of the grid, in an order that depends on nothing but the grid, n and
// the alignment: on_pack(i) takes Pack<T>::size elements from i on, aligned in every one of `arrays`; on_element(i) one.
template <typename T, typename OnElement, typename OnPack, typename... Arrays>
__device__ __forceinline__ void visit(
    long long n, OnElement on_element, OnPack on_pack, const T* first, Arrays... others) {
    const long long thread = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    const long long threads = static_cast<long long>(gridDim.x) * blockDim.x;
    constexpr int size = Pack<T>::size;
    const long long head = unaligned_head(n, first, others...);
    const long long tail = head + (n - head) / size * size;
    for (long long i = thread; i < head; i += threads) on_element(i);
    for (long long i = head + thread * size; i < tail; i += threads * size) on_pack(i);
    for (long long i = tail + thread; i < n; i += threads) on_element(i);
}

// z[i] = f(x[i]...), computed in the arithmetic type.
template <typename T, typename F, typename... Inputs>
__device__ __forceinline__ void elementwise(long long n, F f, T* z, Inputs... x) {
    using A = arithmetic_t<T>;
    const auto of_element = [&](auto... values) { return static_cast<T>(f(static_cast<A>(values)...)); };
    const auto of_pack = [&](const auto&... packs) {
        Pack<T> result;
#pragma unroll
        for (int lane = 0; lane < Pack<T>::size; ++lane) result.values[lane] = of_element(packs.values[lane]...);
        return result;
    };
    visit(
        n, [&](auto i) { z[i] = of_element(x[i]...); }, [&](auto i) { store(z + i, of_pack(load(x + i)...)); },
        z, x...);
}

// Return the sum over the warp in its first thread. All 32 threads must call it.
__device__ __forceinline__ double warp_sum(double value) {
#pragma unroll
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffffu, value, offset);
    return value;
}

// Return the sum over the block in its first thread, always added in the same order. All threads of a block of whole
// warps must call it.
__device__ __forceinline__ double block_sum(double value) {
    __shared__ double sums[32];
    const unsigned lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
    value = warp_sum(value);
    if (lane == 0) sums[warp] = value;
    __syncthreads();
    if (warp == 0) value = warp_sum(lane < warps ? sums[lane] : 0.0);
    __syncthreads();  // so that it may be called again
    return value;
}
