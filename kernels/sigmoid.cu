// pairs with gpugrad/_fused/sigmoid.py
//
// z = 1 / (1 + exp(-x)), and its derivative from the output that was kept: gx = g * z * (1 - z).

__device__ __forceinline__ float exponential(float x) { return expf(x); }
__device__ __forceinline__ double exponential(double x) { return exp(x); }

// With e = exp(-|x|), which cannot overflow: 1 / (1 + e) for x >= 0, e / (1 + e) for x < 0. A NaN stays a NaN.
struct Sigmoid {
    template <typename A> __device__ __forceinline__ A operator()(A x) const {
        const bool negative = x < A(0);
        const A e = exponential(negative ? x : -x);
        return (negative ? e : A(1)) / (A(1) + e);
    }
};

struct SigmoidBackward {
    template <typename A> __device__ __forceinline__ A operator()(A g, A z) const { return g * z * (A(1) - z); }
};

#define SIGMOID(SUFFIX, T)                                                                      \
    extern "C" __global__ void __launch_bounds__(256)                                           \
        sigmoid_##SUFFIX(const T* __restrict__ x, T* __restrict__ z, long long n) {             \
        elementwise(n, Sigmoid(), z, x);                                                        \
    }                                                                                           \
    extern "C" __global__ void __launch_bounds__(256) sigmoid_backward_##SUFFIX(                \
        const T* __restrict__ g, const T* __restrict__ z, T* __restrict__ gx, long long n) {    \
        elementwise(n, SigmoidBackward(), gx, g, z);                                            \
    }

FOR_EACH_DTYPE(SIGMOID)
