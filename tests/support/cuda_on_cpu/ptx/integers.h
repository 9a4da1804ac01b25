// Arithmetic on integers, which wraps around, and on bits; and add, multiply and the like for every type.
#pragma once

#include "floats.h"

namespace ptx {

template <typename T> ALWAYS_INLINE T wrapped(unsigned_t<T> x) { return static_cast<T>(x); }

template <typename T, unsigned M = 0> ALWAYS_INLINE T add(T x, T y) {
    if constexpr (!is_integer<T>) return computed<Add, T, M>(x, y);
    else if constexpr ((M & sat) != 0) return clamped<T>(static_cast<__int128>(x) + y);
    else return wrapped<T>(static_cast<unsigned_t<T>>(x) + static_cast<unsigned_t<T>>(y));
}

template <typename T, unsigned M = 0> ALWAYS_INLINE T subtract(T x, T y) {
    if constexpr (!is_integer<T>) return computed<Subtract, T, M>(x, y);
    else if constexpr ((M & sat) != 0) return clamped<T>(static_cast<__int128>(x) - y);
    else return wrapped<T>(static_cast<unsigned_t<T>>(x) - static_cast<unsigned_t<T>>(y));
}

template <typename T, unsigned M = 0> ALWAYS_INLINE T multiply(T x, T y) {
    if constexpr (!is_integer<T>) return computed<Multiply, T, M>(x, y);
    else return static_cast<T>(static_cast<uint64_t>(x) * static_cast<uint64_t>(y));
}

template <typename T> ALWAYS_INLINE T multiply_high(T x, T y) { return static_cast<T>(static_cast<twice_t<T>>(x) * y >> bits_of<T>); }
template <typename T> ALWAYS_INLINE twice_t<T> multiply_wide(T x, T y) { return static_cast<twice_t<T>>(x) * y; }

// What a GPU gives for a division by 0 is not defined; here it is all bits set.
template <typename T, unsigned M = 0> ALWAYS_INLINE T divide(T x, T y) {
    if constexpr (!is_integer<T>) return computed<Divide, T, M>(x, y);
    else if (y == 0) return static_cast<T>(~T(0));
    else return std::is_signed_v<T> && y == T(-1) ? subtract(T(0), x) : static_cast<T>(x / y);
}
template <typename T> ALWAYS_INLINE T remainder(T x, T y) {
    if (y == 0) return static_cast<T>(~T(0));
    return std::is_signed_v<T> && y == T(-1) ? T(0) : static_cast<T>(x % y);
}

template <typename T, unsigned M = 0> ALWAYS_INLINE T smaller(T x, T y) {
    if constexpr (!is_integer<T>) return extreme<T, M, false>(x, y);
    else return (M & relu) && std::is_signed_v<T> && (x < 0 || y < 0) ? T(0) : y < x ? y : x;
}
template <typename T, unsigned M = 0> ALWAYS_INLINE T larger(T x, T y) {
    if constexpr (!is_integer<T>) return extreme<T, M, true>(x, y);
    else return (M & relu) && std::is_signed_v<T> && x < 0 && y < 0 ? T(0) : x < y ? y : x;
}

template <typename T, unsigned M = 0> ALWAYS_INLINE T negated(T x) {
    if constexpr (is_integer<T>) return subtract(T(0), x);
    else return negative<T, M>(x);
}
template <typename T, unsigned M = 0> ALWAYS_INLINE T absolute(T x) {
    if constexpr (is_integer<T>) return x < 0 ? subtract(T(0), x) : x;
    else return magnitude<T, M>(x);
}
template <typename T> ALWAYS_INLINE T difference(T x, T y, T w) { return add(x < y ? subtract(y, x) : subtract(x, y), w); }

ALWAYS_INLINE int32_t low_24(int32_t x) { return x << 8 >> 8; }
ALWAYS_INLINE uint32_t low_24(uint32_t x) { return x & 0xffffff; }
template <typename T> ALWAYS_INLINE T multiply_24(T x, T y) { return multiply(low_24(x), low_24(y)); }
template <typename T> ALWAYS_INLINE T multiply_24_high(T x, T y) {
    return static_cast<T>(static_cast<twice_t<T>>(low_24(x)) * low_24(y) >> 16);
}

// Sums that carry a bit from one instruction to the next.
template <typename T> ALWAYS_INLINE T add_carry(T x, T y, bool in, bool& out) {
    using U = unsigned_t<T>;
    const auto z = static_cast<unsigned __int128>(static_cast<U>(x)) + static_cast<U>(y) + in;
    out = z >> bits_of<T> & 1;
    return static_cast<T>(z);
}
template <typename T> ALWAYS_INLINE T subtract_borrow(T x, T y, bool in, bool& out) {
    using U = unsigned_t<T>;
    const auto z = static_cast<unsigned __int128>(static_cast<U>(x)) - static_cast<U>(y) - in;
    out = z >> bits_of<T> & 1;
    return static_cast<T>(z);
}

// A distance of as many bits as there are, or more, leaves nothing but copies of the sign.
template <typename T> ALWAYS_INLINE T shift_left(T x, uint32_t by) { return by < bits_of<T> ? static_cast<T>(x << by) : T(0); }
template <typename T> ALWAYS_INLINE T shift_right(T x, uint32_t by) {
    return static_cast<T>(by < bits_of<T> ? x >> by : x < 0 ? -1 : 0);
}
template <bool clamp> ALWAYS_INLINE uint32_t distance(uint32_t by) { return clamp ? (by < 32 ? by : 32) : by % 32; }
template <bool clamp> ALWAYS_INLINE uint32_t funnel_left(uint32_t low, uint32_t high, uint32_t by) {
    return ((static_cast<uint64_t>(high) << 32 | low) << distance<clamp>(by)) >> 32;
}
template <bool clamp> ALWAYS_INLINE uint32_t funnel_right(uint32_t low, uint32_t high, uint32_t by) {
    return (static_cast<uint64_t>(high) << 32 | low) >> distance<clamp>(by);
}

template <typename T> ALWAYS_INLINE uint32_t ones(T x) { return __builtin_popcountll(x); }
template <typename T> ALWAYS_INLINE uint32_t leading_zeros(T x) { return x ? __builtin_clzll(x) - (64 - bits_of<T>) : bits_of<T>; }
template <typename T> ALWAYS_INLINE T reversed(T x) {
    T z = 0;
    for (int i = 0; i < bits_of<T>; ++i) z |= (x >> i & 1) << (bits_of<T> - 1 - i);
    return z;
}
// The place of the highest bit that is not a copy of the sign; how far it is from the top; all bits set if there is none.
template <typename T, bool shift_amount> ALWAYS_INLINE uint32_t highest_bit(T x) {
    const auto size = static_cast<unsigned_t<T>>(x < 0 ? ~x : x);
    if (!size) return ~0u;
    const uint32_t before = leading_zeros(size);
    return shift_amount ? before : bits_of<T> - 1 - before;
}
template <typename T> ALWAYS_INLINE T extracted(T x, uint32_t from, uint32_t count) {
    from &= 255, count &= 255;
    const uint32_t last = from + count - 1 < bits_of<T> - 1u ? from + count - 1 : bits_of<T> - 1;
    const T sign = std::is_signed_v<T> && count ? x >> last & 1 : 0;
    T z = sign ? ~T(0) : T(0);
    for (uint32_t i = 0; i < bits_of<T> && i < count; ++i) {
        const T bit = from + i < bits_of<T> ? x >> (from + i) & 1 : sign;
        z = (z & ~(T(1) << i)) | bit << i;
    }
    return z;
}
template <typename T> ALWAYS_INLINE T inserted(T x, T into, uint32_t from, uint32_t count) {
    from &= 255, count &= 255;
    for (uint32_t i = 0; i < count && from + i < bits_of<T>; ++i)
        into = (into & ~(T(1) << (from + i))) | (x >> i & 1) << (from + i);
    return into;
}
ALWAYS_INLINE uint32_t looked_up(uint32_t x, uint32_t y, uint32_t w, uint32_t table) {
    uint32_t z = 0;
    for (int row = 0; row < 8; ++row)
        if (table >> row & 1) z |= (row & 4 ? x : ~x) & (row & 2 ? y : ~y) & (row & 1 ? w : ~w);
    return z;
}

enum class Permute { any, f4e, b4e, rc8, ecl, ecr, rc16 };

// Four of the eight bytes of y and x; which ones, the selector says, or its lowest bits and the mode.
template <Permute P> ALWAYS_INLINE uint32_t permuted(uint32_t x, uint32_t y, uint32_t selector) {
    const uint64_t bytes = static_cast<uint64_t>(y) << 32 | x;
    uint32_t z = 0;
    const int s = selector & 3;
    for (int i = 0; i < 4; ++i) {
        int from = s, sign = 0;
        if constexpr (P == Permute::any) from = selector >> 4 * i & 7, sign = selector >> 4 * i & 8;
        if constexpr (P == Permute::f4e) from = s + i;
        if constexpr (P == Permute::b4e) from = (s - i) & 7;
        if constexpr (P == Permute::ecl) from = i < s ? s : i;
        if constexpr (P == Permute::ecr) from = i < s ? i : s;
        if constexpr (P == Permute::rc16) from = (s & 1) * 2 + i % 2;
        const uint32_t byte = bytes >> 8 * from & 255;
        z |= (sign ? (byte & 128 ? 255u : 0u) : byte) << 8 * i;
    }
    return z;
}

template <typename T, typename U> ALWAYS_INLINE uint32_t dot_4(uint32_t x, uint32_t y, uint32_t sum) {
    using A = std::conditional_t<std::is_signed_v<T>, int8_t, uint8_t>;
    using B = std::conditional_t<std::is_signed_v<U>, int8_t, uint8_t>;
    for (int i = 0; i < 4; ++i) sum += static_cast<int>(static_cast<A>(x >> 8 * i)) * static_cast<B>(y >> 8 * i);
    return sum;
}

}  // namespace ptx
