// Arithmetic on floating-point numbers, rounded once in the direction that is asked for, and conversions.
//
// float32 and float64 are the host's. The 16-bit types are computed in float64, whose result is either exact or rounded
// to odd, so that the second rounding is as if there had been no first (S. Boldo, G. Melquiond, "Emulation of a FMA and
// correctly rounded sums", 2008).
#pragma once

#include <cfenv>

#include "types.h"

namespace ptx {

template <typename T> struct Format;
template <> struct Format<f16> { static constexpr int digits = 11, least = -14, most = 15; };
template <> struct Format<bf16> { static constexpr int digits = 8, least = -126, most = 127; };
template <> struct Format<float> { static constexpr int digits = 24, least = -126, most = 127; };

template <unsigned M> double to_integral(double x) {
    if constexpr ((M & directions) == rz) return std::trunc(x);
    else if constexpr ((M & directions) == rm) return std::floor(x);
    else if constexpr ((M & directions) == rp) return std::ceil(x);
    else return std::nearbyint(x);
}

// x rounded to the digits of T, as float64.
template <typename T, unsigned M> double rounded_to(double x) {
    using F = Format<T>;
    if (x == 0 || !std::isfinite(x)) return x;
    int exponent;
    std::frexp(x, &exponent);
    const int last = std::max(exponent - 1, F::least) - (F::digits - 1);
    const double z = std::ldexp(to_integral<M>(std::ldexp(x, -last)), last);
    const double largest = std::ldexp(2 - std::ldexp(1.0, 1 - F::digits), F::most);
    if (std::fabs(z) <= largest) return std::copysign(z, x);
    constexpr unsigned direction = M & directions;
    const bool stays = direction == rz || direction == (x > 0 ? rm : rp);
    return std::copysign(stays ? largest : HUGE_VAL, x);
}

ALWAYS_INLINE double wide(float x) { return x; }
ALWAYS_INLINE double wide(double x) { return x; }
ALWAYS_INLINE double wide(bf16 x) { return bits_as<float>(static_cast<uint32_t>(x.bits) << 16); }
inline double wide(f16 x) {
    const int exponent = x.bits >> 10 & 31, fraction = x.bits & 1023;
    double z;
    if (exponent == 31) z = fraction ? NAN : HUGE_VAL;
    else if (exponent == 0) z = fraction * 0x1p-24;
    else z = bits_as<double>(static_cast<uint64_t>(exponent - 15 + 1023) << 52 | static_cast<uint64_t>(fraction) << 42);
    return x.bits >> 15 ? -z : z;
}

// float64 rounded to T.
template <typename T, unsigned M = rn> T narrow(double x) {
    if constexpr (std::is_same_v<T, double>) return x;
    else if constexpr (std::is_same_v<T, float>) {
        if constexpr ((M & directions) == rn) return static_cast<float>(x);
        else return static_cast<float>(rounded_to<float, M>(x));
    } else if (x != x) return {0x7fff};
    else {
        const double z = rounded_to<T, M>(x);
        if constexpr (std::is_same_v<T, bf16>)
            return {static_cast<uint16_t>(bits_as<uint32_t>(static_cast<float>(z)) >> 16)};
        const uint64_t bits = bits_as<uint64_t>(z);
        const uint16_t sign = bits >> 48 & 0x8000;
        const double size = std::fabs(z);
        if (size > 65504) return {static_cast<uint16_t>(sign | 0x7c00)};
        if (size < 0x1p-14) return {static_cast<uint16_t>(sign | static_cast<uint16_t>(size * 0x1p24))};
        return {static_cast<uint16_t>(sign | ((bits >> 52 & 2047) - 1023 + 15) << 10 | (bits >> 42 & 1023))};
    }
}

// x + y in float64, rounded to odd.
inline double odd_sum(double x, double y) {
    const double z = x + y;
    if (!std::isfinite(z)) return z;
    const double part = z - x, error = (x - (z - part)) + (y - part);
    if (error == 0 || bits_as<uint64_t>(z) & 1) return z;
    return std::nextafter(z, error > 0 ? HUGE_VAL : -HUGE_VAL);
}

// An integer in float64, rounded to odd.
template <typename T> double odd_integer(T x) {
    if constexpr (sizeof(T) < 8) return x;
    const bool negative = x < 0;
    uint64_t size = negative ? -static_cast<uint64_t>(x) : x;
    if (size >> 53) size = (size & ~0xfffull) | ((size & 0xfff) != 0) << 12;
    return negative ? -static_cast<double>(size) : static_cast<double>(size);
}

ALWAYS_INLINE float flushed(float x) { return std::fabs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0f, x) : x; }
ALWAYS_INLINE f16 flushed(f16 x) { return x.bits & 0x7c00 ? x : f16{static_cast<uint16_t>(x.bits & 0x8000)}; }
template <typename T> ALWAYS_INLINE T flushed(T x) { return x; }
template <unsigned M, typename T> ALWAYS_INLINE T flushed_if(T x) {
    if constexpr ((M & ftz) != 0) return flushed(x);
    else return x;
}

// What becomes of a result: no number is saturated to 0.
template <unsigned M, typename T> ALWAYS_INLINE T finished(T z) {
    z = flushed_if<M>(z);
    if constexpr (is_small<T>) return (M & (sat | relu)) ? narrow<T>(finished<M & ~ftz>(wide(z))) : z;
    else if constexpr ((M & sat) != 0) return z > 0 ? (z < 1 ? z : T(1)) : T(0);
    else if constexpr ((M & relu) != 0) return z > 0 || z != z ? z : T(0);
    else return z;
}

// Make the compiler forget what it knows of x, here and not elsewhere.
template <typename T> ALWAYS_INLINE void pin(T& x) { asm volatile("" : "+m"(x)); }

// The host's own direction of rounding is changed for one operation, which the compiler must not move.
template <unsigned M, typename F, typename... T> auto directed(F operation, T... x) {
    if constexpr ((M & directions) == rn) return operation(x...);
    else {
        std::fesetround((M & rz) ? FE_TOWARDZERO : (M & rm) ? FE_DOWNWARD : FE_UPWARD);
        (pin(x), ...);
        auto z = operation(x...);
        pin(z);
        std::fesetround(FE_TONEAREST);
        return z;
    }
}

struct Add {
    template <typename T> static T native(T x, T y) { return x + y; }
    static double small(double x, double y) { return odd_sum(x, y); }
};
struct Subtract {
    template <typename T> static T native(T x, T y) { return x - y; }
    static double small(double x, double y) { return odd_sum(x, -y); }
};
struct Multiply {
    template <typename T> static T native(T x, T y) { return x * y; }
    static double small(double x, double y) { return x * y; }
};
struct MultiplyAdd {
    template <typename T> static T native(T x, T y, T w) { return std::fma(x, y, w); }
    static double small(double x, double y, double w) { return odd_sum(x * y, w); }
};
struct Divide {
    template <typename T> static T native(T x, T y) { return x / y; }
};
struct Root {
    template <typename T> static T native(T x) { return std::sqrt(x); }
};

template <typename Operation, typename T, unsigned M, typename... X> ALWAYS_INLINE T computed(X... x) {
    if constexpr (is_pair<T>)
        return {computed<Operation, element_t<T>, M>(x.low...), computed<Operation, element_t<T>, M>(x.high...)};
    else if constexpr (is_small<T>)
        return finished<M>(narrow<T, M>(Operation::small(wide(flushed_if<M>(x))...)));
    else return finished<M>(directed<M>([](auto... y) { return Operation::template native<T>(y...); }, flushed_if<M>(x)...));
}

template <typename T, unsigned M = 0> ALWAYS_INLINE T fma(T x, T y, T w) { return computed<MultiplyAdd, T, M>(x, y, w); }
template <typename T, unsigned M = 0> ALWAYS_INLINE T root(T x) { return computed<Root, T, M>(x); }
template <typename T, unsigned M = 0> ALWAYS_INLINE T reciprocal(T x) { return computed<Divide, T, M>(T(1), x); }

template <typename T> constexpr T sign_bit = T(1) << (bits_of<T> - 1);
template <typename T> using word_t = std::conditional_t<
    sizeof(T) == 8, uint64_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;

// Signs are bits, those of NaN too.
template <typename T, unsigned M = 0> ALWAYS_INLINE T negative(T x) {
    if constexpr (is_pair<T>) return {negative<element_t<T>, M>(x.low), negative<element_t<T>, M>(x.high)};
    else return bits_as<T>(static_cast<word_t<T>>(bits_as<word_t<T>>(flushed_if<M>(x)) ^ sign_bit<word_t<T>>));
}
template <typename T, unsigned M = 0> ALWAYS_INLINE T magnitude(T x) {
    if constexpr (is_pair<T>) return {magnitude<element_t<T>, M>(x.low), magnitude<element_t<T>, M>(x.high)};
    else return bits_as<T>(static_cast<word_t<T>>(bits_as<word_t<T>>(flushed_if<M>(x)) & ~sign_bit<word_t<T>>));
}
template <typename T> ALWAYS_INLINE T copy_sign(T sign, T size) { return std::copysign(size, sign); }

// Of a number and a NaN it is the number, unless `keep_nan` is asked for; -0 is less than 0.
template <typename T, unsigned M, bool larger> ALWAYS_INLINE T extreme(T x, T y) {
    if constexpr (is_pair<T>)
        return {extreme<element_t<T>, M, larger>(x.low, y.low), extreme<element_t<T>, M, larger>(x.high, y.high)};
    else {
        x = flushed_if<M>(x), y = flushed_if<M>(y);
        const double a = wide(x), b = wide(y);
        if (a != a || b != b) return (M & keep_nan) || (a != a && b != b) ? narrow<T>(NAN) : a != a ? y : x;
        const bool x_is_less = a < b || (a == b && std::signbit(a));
        return x_is_less == larger ? y : x;
    }
}

enum class Compare { eq, ne, lt, le, gt, ge, lo, ls, hi, hs, equ, neu, ltu, leu, gtu, geu, num, nan };

// A comparison with a NaN is false, and true of those that end in u.
template <Compare C, typename T, unsigned M = 0> ALWAYS_INLINE bool compare(T a, T b) {
    if constexpr (is_small<T>) return compare<C, double, M>(wide(a), wide(b));
    else {
        const T x = flushed_if<M>(a), y = flushed_if<M>(b);
        if constexpr (C == Compare::eq) return x == y;
        if constexpr (C == Compare::ne) return x < y || x > y;
        if constexpr (C == Compare::lt || C == Compare::lo) return x < y;
        if constexpr (C == Compare::le || C == Compare::ls) return x <= y;
        if constexpr (C == Compare::gt || C == Compare::hi) return x > y;
        if constexpr (C == Compare::ge || C == Compare::hs) return x >= y;
        if constexpr (C == Compare::equ) return !(x < y || x > y);
        if constexpr (C == Compare::neu) return !(x == y);
        if constexpr (C == Compare::ltu) return !(x >= y);
        if constexpr (C == Compare::leu) return !(x > y);
        if constexpr (C == Compare::gtu) return !(x <= y);
        if constexpr (C == Compare::geu) return !(x < y);
        if constexpr (C == Compare::num) return x == x && y == y;
        if constexpr (C == Compare::nan) return x != x || y != y;
    }
}

enum class Join { first, and_, or_, xor_ };

template <Join J> ALWAYS_INLINE bool joined(bool first, bool second) {
    if constexpr (J == Join::and_) return first && second;
    else if constexpr (J == Join::or_) return first || second;
    else if constexpr (J == Join::xor_) return first != second;
    else return first;
}

// The truth as a number: of an integer type all bits, of a float 1.
template <typename T> ALWAYS_INLINE T truth(bool value) {
    if constexpr (is_integer<T>) return value ? static_cast<T>(~T(0)) : T(0);
    else return narrow<T>(value);
}

template <typename T> ALWAYS_INLINE T truths(bool low, bool high) { return {truth<element_t<T>>(low), truth<element_t<T>>(high)}; }

template <typename T, unsigned M> T to_integer(double x) {
    if (x != x) return sizeof(T) == 8 ? T(uint64_t(1) << 63) : T(0);
    const double z = to_integral<M>(x);
    if (z <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    if (z >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(z);
}

template <typename To, typename From> ALWAYS_INLINE To clamped(From x) {
    using Wide = __int128;
    constexpr Wide least = std::numeric_limits<To>::min(), most = std::numeric_limits<To>::max();
    return static_cast<Wide>(x) < least ? To(least) : static_cast<Wide>(x) > most ? To(most) : static_cast<To>(x);
}

template <typename To, typename From, unsigned M> ALWAYS_INLINE To converted(From x) {
    if constexpr (is_integer<To> && is_integer<From>) {
        if constexpr ((M & sat) != 0) return clamped<To>(x);
        else return static_cast<To>(x);
    } else if constexpr (is_integer<To>) {
        // NaN becomes 0, but with 64 bits on either side the largest power of 2 (PTX ISA, cvt).
        const double y = wide(flushed_if<M>(x));
        if constexpr (std::is_same_v<From, double>) {
            if (y != y) return static_cast<To>(uint64_t(1) << (bits_of<To> - 1));
        }
        return to_integer<To, M>(y);
    } else if constexpr (is_integer<From>) {
        if constexpr (is_small<To>) return finished<M>(narrow<To, M>(odd_integer(x)));
        else return finished<M>(directed<M>([](auto y) { return static_cast<To>(y); }, x));
    } else {
        double y = wide(flushed_if<M>(x));
        if constexpr ((M & integral) != 0) y = to_integral<M>(y);
        return finished<M>(narrow<To, (M & integral) ? rn : M>(y));
    }
}

template <typename T, unsigned M> ALWAYS_INLINE T packed(float high, float low) {
    return {converted<element_t<T>, float, M>(low), converted<element_t<T>, float, M>(high)};
}

enum class Test { finite, infinite, number, notanumber, normal, subnormal };

template <Test what, typename T> ALWAYS_INLINE bool tested(T x) {
    if constexpr (what == Test::finite) return std::isfinite(x);
    if constexpr (what == Test::infinite) return std::isinf(x);
    if constexpr (what == Test::number) return x == x;
    if constexpr (what == Test::notanumber) return x != x;
    if constexpr (what == Test::normal) return std::isnormal(x);
    if constexpr (what == Test::subnormal) return std::fpclassify(x) == FP_SUBNORMAL;
}

}  // namespace ptx
