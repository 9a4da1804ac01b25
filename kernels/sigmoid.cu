// pairs with gpugrad/_fused/sigmoid.py
//
// z = 1 / (1 + exp(-x)), and its derivative from the output that was kept: gx = g * z * (1 - z).

__device__ __forceinline__ float power_of_two(int n) { return __int_as_float((n + 127) << 23); }

// e^x for x <= 0 by fused multiply-adds alone, whose error is known: that of the ex2 that expf is made of is only
// bounded, and at its bound a sigmoid is off by 6 units in the last place. x = n log(2) + r, and the series of e^r to
// r^7 / 7! (W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980).
__device__ __forceinline__ float exponential(float x) {
    const float bounded = x < -104.0f ? -104.0f : x;  // below, it is 0; a NaN stays one
    const float n = rintf(bounded * 1.44269504f);
    const float r = fmaf(n, 2.12194440e-4f, fmaf(n, -0.693359375f, bounded));
    float z = 1.0f / 5040;
    z = fmaf(z, r, 1.0f / 720);
    z = fmaf(z, r, 1.0f / 120);
    z = fmaf(z, r, 1.0f / 24);
    z = fmaf(z, r, 1.0f / 6);
    z = fmaf(z, r, 0.5f);
    z = fmaf(z * r, r, r) + 1.0f;
    const int whole = n == n ? static_cast<int>(n) : 0, half = whole / 2;  // in two steps, for results below 2^-126
    return z * power_of_two(half) * power_of_two(whole - half);
}
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
