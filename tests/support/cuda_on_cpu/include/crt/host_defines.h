// What NVIDIA's vector_types.h wants of a header that its own package, nvidia-cuda-crt, brings: found where that is not
// installed. For a host compiler these words mean nothing.
#pragma once

#define __host__
#define __device__
#define __global__
#define __shared__
#define __constant__
#define __managed__
#define __forceinline__ inline
#define __noinline__
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __builtin_align__(bytes) __align__(bytes)
#define __device_builtin__
#define __cudart_builtin__
#define CUDARTAPI
