// pairs with gpugrad/_fused/clip.py
//
// Clipping by the norm over a list of arrays, in three steps that never ask the host:
//   sum_of_squares         once per array: one partial sum per block
//   norm_and_coefficient   once: all partial sums, in order, become the norm and the clip coefficient
//   scale                  once per array, by the coefficient on the device
// Squares and sums are float64: the square of a float32 of 1e30 or 1e-30 fits, and 1e7 roundings do not add up.

template <typename T>
__device__ __forceinline__ void sum_of_squares(
    const T* __restrict__ x, double* __restrict__ partials, long long n) {
    double sum = 0.0;
    const auto add = [&](T value) {
        const double wide = static_cast<double>(static_cast<arithmetic_t<T>>(value));
        sum += wide * wide;
    };
    const auto add_pack = [&](auto i) {
        const Pack<T> pack = load(x + i);
#pragma unroll
        for (int lane = 0; lane < Pack<T>::size; ++lane) add(pack.values[lane]);
    };
    visit(n, [&](auto i) { add(x[i]); }, add_pack, x);
    sum = block_sum(sum);
    if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

// One block. The coefficient follows from the norm as it is handed out, rounded to T: an infinite one gives 0.
template <typename T>
__device__ __forceinline__ void norm_and_coefficient(
    const double* partials, double max_norm, T* norm, T* coefficient, long long n) {
    double sum = 0.0;
    for (long long i = threadIdx.x; i < n; i += blockDim.x) sum += partials[i];
    sum = block_sum(sum);
    if (threadIdx.x != 0) return;
    const T rounded = static_cast<T>(sqrt(sum));
    const double ratio = max_norm / (static_cast<double>(rounded) + 1e-6);
    *norm = rounded;
    *coefficient = static_cast<T>(ratio > 1.0 ? 1.0 : ratio);  // not fmin, which would turn NaN into 1
}

template <typename T>
__device__ __forceinline__ void scale(T* x, const arithmetic_t<T>* coefficient, long long n) {
    const arithmetic_t<T> factor = *coefficient;
    elementwise(n, [=](arithmetic_t<T> value) { return value * factor; }, x, x);
}

#define PER_ARRAY(SUFFIX, T)                                                                           \
    extern "C" __global__ void __launch_bounds__(256)                                                  \
        sum_of_squares_##SUFFIX(const T* __restrict__ x, double* __restrict__ partials, long long n) { \
        sum_of_squares(x, partials, n);                                                                \
    }                                                                                                  \
    extern "C" __global__ void __launch_bounds__(256)                                                  \
        scale_##SUFFIX(T* x, const arithmetic_t<T>* coefficient, long long n) {                        \
        scale(x, coefficient, n);                                                                      \
    }

#define ONCE(SUFFIX, T)                                                                                \
    extern "C" __global__ void __launch_bounds__(1024) norm_and_coefficient_##SUFFIX(                  \
        const double* partials, double max_norm, T* norm, T* coefficient, long long n) {               \
        norm_and_coefficient(partials, max_norm, norm, coefficient, n);                                \
    }

FOR_EACH_DTYPE(PER_ARRAY)
ONCE(f32, float)
ONCE(f64, double)
