// Kernels as they are written every day, in which the tests meet what NVRTC emits for them.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

template <typename T> __device__ __forceinline__ float wide(T x) { return static_cast<float>(x); }
template <> __device__ __forceinline__ float wide<__half>(__half x) { return __half2float(x); }
template <> __device__ __forceinline__ float wide<__nv_bfloat16>(__nv_bfloat16 x) { return __bfloat162float(x); }
template <typename T> __device__ __forceinline__ T narrow(float x) { return x; }
template <> __device__ __forceinline__ __half narrow<__half>(float x) { return __float2half_rn(x); }
template <> __device__ __forceinline__ __nv_bfloat16 narrow<__nv_bfloat16>(float x) { return __float2bfloat16_rn(x); }

// The sum over a block of whole warps, in all of its threads.
__device__ __forceinline__ float sum_over_block(float value) {
    __shared__ float sums[32];
    for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
    __syncthreads();
    float sum = 0;
    for (int i = 0; i < blockDim.x / 32; ++i) sum += sums[i];
    __syncthreads();
    return sum;
}

// A row per block, which stays in dynamic shared memory.
template <typename T> __device__ void layer_norm(const T* x, const T* weight, T* z, int n, float eps) {
    extern __shared__ float row[];
    x += static_cast<long long>(blockIdx.x) * n, z += static_cast<long long>(blockIdx.x) * n;
    float sum = 0, squares = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x) sum += row[i] = wide(x[i]);
    const float mean = sum_over_block(sum) / n;
    for (int i = threadIdx.x; i < n; i += blockDim.x) squares += (row[i] - mean) * (row[i] - mean);
    const float scale = rsqrtf(sum_over_block(squares) / n + eps);
    for (int i = threadIdx.x; i < n; i += blockDim.x) z[i] = narrow<T>((row[i] - mean) * scale * wide(weight[i]));
}
// STORED is a dtype that NumPy has: there is no bfloat16.
#define LAYER_NORM(NAME, T, STORED)                                                                                \
    extern "C" __global__ void __launch_bounds__(256) layer_norm_##NAME(                                           \
        const STORED* x, const STORED* weight, STORED* z, int n, float eps) {                                      \
        layer_norm(reinterpret_cast<const T*>(x), reinterpret_cast<const T*>(weight), reinterpret_cast<T*>(z), n, eps); \
    }
LAYER_NORM(f32, float, float)
LAYER_NORM(f16, __half, __half)
LAYER_NORM(bf16, __nv_bfloat16, unsigned short)

// A row per warp.
extern "C" __global__ void softmax(const float* x, float* z, int n) {
    const int lane = threadIdx.x % 32;
    const long long row = static_cast<long long>(blockIdx.x) * (blockDim.x / 32) + threadIdx.x / 32;
    float largest = -3e38f, sum = 0;
    for (int i = lane; i < n; i += 32) largest = fmaxf(largest, x[row * n + i]);
    for (int offset = 16; offset > 0; offset /= 2) largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, offset));
    for (int i = lane; i < n; i += 32) sum += expf(x[row * n + i] - largest);
    for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
    for (int i = lane; i < n; i += 32) z[row * n + i] = expf(x[row * n + i] - largest) / sum;
}

extern "C" __global__ void adamw(float4* p, const float4* __restrict__ g, float4* m, float4* v, int n, float lr, float b1,
                                 float b2, float eps, float decay) {
    const auto one = [=](float& p, float g, float& m, float& v) {
        m = b1 * m + (1 - b1) * g, v = b2 * v + (1 - b2) * g * g;
        p = p * (1 - lr * decay) - lr * m / (sqrtf(v) + eps);
    };
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        float4 pp = p[i], gg = g[i], mm = m[i], vv = v[i];
        one(pp.x, gg.x, mm.x, vv.x), one(pp.y, gg.y, mm.y, vv.y), one(pp.z, gg.z, mm.z, vv.z), one(pp.w, gg.w, mm.w, vv.w);
        p[i] = pp, m[i] = mm, v[i] = vv;
    }
}

// J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011).
extern "C" __global__ void philox(uint4* z, unsigned key0, unsigned key1, int n) {
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    uint4 c = make_uint4(i, 0, 0, 0);
    for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u)
        c = make_uint4(__umulhi(0xCD9E8D57u, c.z) ^ c.y ^ key0, 0xCD9E8D57u * c.z,
                       __umulhi(0xD2511F53u, c.x) ^ c.w ^ key1, 0xD2511F53u * c.x);
    z[i] = c;
}

__constant__ int steps[8] = {1, -1, 2, -2, 3, -3, 5, -5};
__device__ __noinline__ int collatz(long long n) { return n < 2 ? 0 : 1 + collatz(n % 2 ? 3 * n + 1 : n / 2); }

// A table, calls that call themselves, a switch, and an array that is indexed.
extern "C" __global__ void control(const int* x, int* z, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int found = collatz(x[i]), counts[16];
    for (int k = 0; k < 16; ++k) counts[(x[i] * 3 + k * 5) & 15] = k * x[i];
    switch (x[i] % 9) {
        case 0: found += 7; break;
        case 1: found *= x[i]; break;
        case 2: found ^= 12345; break;
        case 3: found = x[i] / (found + 1); break;
        case 4: found -= x[i] % 7; break;
        case 5: found = min(found, 3); break;
        case 6: found <<= x[i] & 7; break;
        default: found = -found;
    }
    for (int k = 0; k < 16; ++k) found += counts[(k * x[i]) & 15] * steps[k & 7];
    z[i] = found;
}

extern "C" __global__ void warps(unsigned* z) {
    const unsigned i = threadIdx.x, all = ~0u, n = blockDim.x;
    z[i] = __ballot_sync(all, i % 3 == 0);
    z[i + n] = __any_sync(all, i == 40) + 2 * __all_sync(all, i < 40);
    z[i + 2 * n] = __shfl_sync(all, i, 5) + 100 * __shfl_up_sync(all, i, 3) + 10000 * __shfl_down_sync(all, i, 2, 8);
    z[i + 3 * n] = __shfl_xor_sync(all, i, 5, 16) + 100 * __shfl_sync(all, i, i + 1, 4);
    z[i + 4 * n] = __activemask();
    __syncwarp();
    z[i + 5 * n] = __syncthreads_count(i % 5 == 0) + 1000 * __syncthreads_and(i < n) + 10000 * __syncthreads_or(i == n);
    if (i % 2) z[i + 6 * n] = __shfl_sync(0xaaaaaaaau, i, 7);
    else z[i + 6 * n] = __ballot_sync(0x55555555u, i % 4 == 0);
    z[i + 7 * n] = __popc(i) + 64 * __clz(i) + 4096 * __ffs(i);
}

extern "C" __global__ void atomics(int* z, unsigned* u, float* f, double* d, unsigned long long* l) {
    __shared__ float sum;
    __shared__ int count;
    if (threadIdx.x == 0) sum = 0, count = 0;
    __syncthreads();
    atomicAdd(&sum, 0.5f), atomicAdd(&count, 1);
    __syncthreads();
    if (threadIdx.x == 0) f[1] = sum, z[0] = count;
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    atomicAdd(&z[1], 2), atomicSub(&z[2], 3), atomicMax(&z[3], i), atomicMin(&z[4], -i), atomicCAS(&z[5], 0, 7);
    atomicExch(&z[6], 3), atomicOr(&u[0], 1u << i % 8), atomicAnd(&u[1], ~(1u << i % 5)), atomicXor(&u[2], 1u << i % 32);
    atomicInc(&u[3], 9u), atomicDec(&u[4], 9u), atomicMax(&u[5], unsigned(i)), atomicMin(&u[6], unsigned(i + 5));
    atomicAdd(&f[0], 0.25f), atomicAdd(&d[0], 0.125), atomicAdd(&l[0], 1ull << 40), atomicMax(&l[1], 3ull * i);
    l[2 + i] = atomicAdd(&z[7], 0) + (atomicExch(&l[2 + i], 5ull) == 5ull);
}

// The sum of blocks by the one that comes last.
extern "C" __global__ void last_block(const float* x, float* partials, unsigned* tickets, float* z, int n) {
    float value = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) value += x[i];
    value = sum_over_block(value);
    __shared__ bool last;
    if (threadIdx.x == 0) {
        partials[blockIdx.x] = value;
        __threadfence();
        last = atomicInc(tickets, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (!last || threadIdx.x) return;
    __threadfence();
    float sum = 0;
    for (int i = 0; i < gridDim.x; ++i) sum += partials[i];
    *z = sum;
}

// Packs of 16-bit numbers.
extern "C" __global__ void halves(const __half2* x, const __half2* y, __half2* z, int n) {
    const int i = threadIdx.x;
    z[i] = __hadd2(x[i], y[i]), z[i + n] = __hmul2(x[i], y[i]), z[i + 2 * n] = __hsub2(x[i], y[i]);
    z[i + 3 * n] = __halves2half2(__low2half(x[i]) > __high2half(y[i]) ? __low2half(x[i]) : -__high2half(y[i]),
                                  __hsub(__high2half(x[i]), __low2half(y[i])));
    const float2 wide = __half22float2(x[i]);
    z[i + 4 * n] = __floats2half2_rn(wide.x * 1.5f, wide.y + 100.25f);
    z[i + 5 * n] = __halves2half2(__int2half_rn(i * 37 - 999), __float2half_rz(wide.x * 0.3f));
}

// What the mathematics library makes of a call: its tables, slow paths and approximations.
extern "C" __global__ void mathematics(const float* x, float* z, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float a = x[i], b = fabsf(a) + 1e-3f;
    const float found[] = {sinf(a), cosf(a), tanf(a), tanhf(a), expf(a), exp2f(a), expm1f(a), logf(b), log2f(b), log1pf(b),
                           powf(b, 1.7f), sqrtf(b), rsqrtf(b), cbrtf(a), erff(a), erfcf(a), atan2f(a, b), sinhf(a),
                           fmodf(a, 0.7f), hypotf(a, b), floorf(a), ceilf(a), truncf(a), rintf(a), roundf(a)};
    for (int k = 0; k < 25; ++k) z[i + k * n] = found[k];
}

extern "C" __global__ void mathematics_f64(const double* x, double* z, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const double a = x[i], b = fabs(a) + 1e-3;
    const double found[] = {sin(a), cos(a), tanh(a), exp(a), expm1(a), log(b), log1p(b), pow(b, 1.7), sqrt(b), rsqrt(b),
                            cbrt(a), erf(a), erfc(a), atan2(a, b), fmod(a, 0.7), floor(a), rint(a), a / b};
    for (int k = 0; k < 18; ++k) z[i + k * n] = found[k];
}
