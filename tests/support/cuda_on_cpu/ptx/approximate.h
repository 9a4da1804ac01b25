// The instructions that a GPU computes approximately: here exact to the last place, or moved as far as a GPU may be.
//
// With a seed, a result is any number within so many units in the last place of the exact one. Which, depends on the
// seed, the instruction and its inputs alone, as it does in hardware, so that equal inputs have equal results. The PTX ISA
// promises 2 units from the correctly rounded result, that is 2.5 from the exact one, or less than that: then it is as
// much as the ISA allows. What the ISA says exactly is not moved: what becomes of 0, of an infinity and of NaN, and a
// result that is 0, infinite or NaN. A move neither changes a sign nor ends at 0 or at infinity; what it leaves subnormal
// is flushed where the instruction says .ftz.
#pragma once

#include "floats.h"

struct Perturbation {
    uint64_t seed;  // 0 for none
    double units;
};

extern "C" __attribute__((visibility("default"))) Perturbation cuda_on_cpu_perturbation;
Perturbation cuda_on_cpu_perturbation;

namespace ptx {

enum class Approximate { exp2, log2, reciprocal, reciprocal_root, root, sine, cosine, tangent, quotient };

ALWAYS_INLINE uint64_t mixed(uint64_t x) {  // of splitmix64
    x += 0x9E3779B97F4A7C15;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
    x = (x ^ x >> 27) * 0x94D049BB133111EB;
    return x ^ x >> 31;
}

template <typename T> double unit_of(T z) {
    const word_t<T> size = bits_as<word_t<T>>(magnitude(z));
    return wide(bits_as<T>(static_cast<word_t<T>>(size + 1))) - wide(bits_as<T>(size));
}

// z, which is the nearest to `exact`, moved as far from it as was asked for, or by `error` if that is more.
template <typename T> T moved(T z, double exact, double error, uint64_t inputs) {
    using Word = word_t<T>;
    const auto [seed, units] = cuda_on_cpu_perturbation;
    const double value = wide(z);
    if (seed == 0 || value == 0 || !std::isfinite(value)) return z;
    const double unit = unit_of(z), most = std::max(units, error / unit), off = (std::fabs(value) - std::fabs(exact)) / unit;
    const int64_t least = std::ceil(-most - off), count = static_cast<int64_t>(std::floor(most - off)) - least + 1;
    const Word sign = bits_as<Word>(z) & sign_bit<Word>;
    const int64_t size = static_cast<Word>(bits_as<Word>(z) ^ sign) + least + static_cast<int64_t>(mixed(seed ^ mixed(inputs)) % count);
    const T there = bits_as<T>(static_cast<Word>(std::max<int64_t>(size, 1) | sign));
    return std::isfinite(wide(there)) ? there : z;
}

template <Approximate A> double exactly(double x) {
    if constexpr (A == Approximate::exp2) return std::exp2(x);
    if constexpr (A == Approximate::log2) return std::log2(x);
    if constexpr (A == Approximate::reciprocal) return 1 / x;
    if constexpr (A == Approximate::reciprocal_root) return 1 / std::sqrt(x);
    if constexpr (A == Approximate::root) return std::sqrt(x);
    if constexpr (A == Approximate::sine) return std::sin(x);
    if constexpr (A == Approximate::cosine) return std::cos(x);
    if constexpr (A == Approximate::tangent) return std::tanh(x);
}

// How far from the truth z a result in float32 may be (PTX ISA, "Floating-Point Instructions").
template <Approximate A> double allowed(double x, double z) {
    if constexpr (A == Approximate::log2) return x > 0.5 && x < 2 ? 0x1p-22 : 0;
    if constexpr (A == Approximate::sine || A == Approximate::cosine) return 0x1.6a09e6p-21;  // 2^-20.5
    if constexpr (A == Approximate::tangent) return std::fabs(z) * 0x1p-11;
    return 0;
}

template <Approximate A, typename T, unsigned M = 0> T approximate(T given) {
    if constexpr (is_pair<T>)
        return {approximate<A, element_t<T>, M>(given.low), approximate<A, element_t<T>, M>(given.high)};
    else {
        const T x = flushed_if<M>(given);
        const double value = wide(x), exact = exactly<A>(value);
        T z = narrow<T>(exact);
        if (value != 0 && std::isfinite(value)) {
            const double error = std::is_same_v<T, float> ? allowed<A>(value, exact) : 0;
            z = moved(z, exact, error, mixed(bits_as<word_t<T>>(x)) + static_cast<uint64_t>(A));
        }
        return flushed_if<M>(z);
    }
}

// From the upper half of a float64, to the upper half of one.
template <Approximate A> double approximate_upper_half(double given) {
    constexpr uint64_t upper = 0xffffffff00000000;
    const double cut = bits_as<double>(bits_as<uint64_t>(given) & upper);
    const double x = std::fabs(cut) < std::numeric_limits<double>::min() ? std::copysign(0.0, cut) : cut;
    double z = exactly<A>(x);
    if (z != z) return z;
    if (x != 0 && std::isfinite(x))
        z = moved(z, z, std::fabs(z) * 0x1p-19, mixed(bits_as<uint64_t>(x)) + static_cast<uint64_t>(A));
    if (std::fabs(z) < std::numeric_limits<double>::min()) return std::copysign(0.0, z);
    return bits_as<double>(bits_as<uint64_t>(z) & upper);
}

// div.full is right for every divisor; div.approx gives 0 where a divisor is beyond 2^126.
template <typename T, bool full, unsigned M = 0> T quotient(T first, T second) {
    const T x = flushed_if<M>(first), y = flushed_if<M>(second);
    if (!full && std::isfinite(y) && std::fabs(y) > 0x1p126f) {
        if (x != x || std::isinf(x)) return NAN;
        return std::copysign(T(0), std::signbit(x) == std::signbit(y) ? T(1) : T(-1));
    }
    T z = x / y;
    if (std::isfinite(y) && x != 0)
        z = moved(z, wide(x) / wide(y), 0, mixed(mixed(bits_as<word_t<T>>(x)) + bits_as<word_t<T>>(y)) + static_cast<uint64_t>(Approximate::quotient));
    return flushed_if<M>(z);
}

}  // namespace ptx
