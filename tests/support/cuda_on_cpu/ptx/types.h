// The types of PTX, and registers: untyped bits, that an instruction reads as what its name says.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "device.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

namespace ptx {

using pred = bool;
using b8 = uint8_t;
using b16 = uint16_t;
using b32 = uint32_t;
using b64 = uint64_t;
using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using s8 = int8_t;
using s16 = int16_t;
using s32 = int32_t;
using s64 = int64_t;
using f32 = float;
using f64 = double;
struct f16 {
    uint16_t bits;
};
struct bf16 {
    uint16_t bits;
};
template <typename T> struct Both {
    T low, high;
};
using f16x2 = Both<f16>;
using bf16x2 = Both<bf16>;
using f32x2 = Both<float>;

template <typename T> constexpr bool is_native = std::is_floating_point_v<T>;
template <typename T> constexpr bool is_small = std::is_same_v<T, f16> || std::is_same_v<T, bf16>;
template <typename T> constexpr bool is_integer = std::is_integral_v<T> && !std::is_same_v<T, bool>;
template <typename T> struct ElementOf { using type = T; };
template <typename T> struct ElementOf<Both<T>> { using type = T; };
template <typename T> using element_t = typename ElementOf<T>::type;
template <typename T> constexpr bool is_pair = !std::is_same_v<T, element_t<T>>;
template <typename T> constexpr int bits_of = 8 * sizeof(T);
template <typename T> using unsigned_t = std::make_unsigned_t<T>;
template <typename T> struct Twice;
template <> struct Twice<int16_t> { using type = int32_t; };
template <> struct Twice<uint16_t> { using type = uint32_t; };
template <> struct Twice<int32_t> { using type = int64_t; };
template <> struct Twice<uint32_t> { using type = uint64_t; };
template <> struct Twice<int64_t> { using type = __int128; };
template <> struct Twice<uint64_t> { using type = unsigned __int128; };
template <typename T> using twice_t = typename Twice<T>::type;

// What an opcode says behind its name, as bits: how to round, and what else becomes of a result.
constexpr unsigned rn = 0, rz = 1, rm = 2, rp = 4, directions = rz | rm | rp, integral = 8, ftz = 16, sat = 32,
                   relu = 64, keep_nan = 128;
constexpr unsigned rni = rn | integral, rzi = rz | integral, rmi = rm | integral, rpi = rp | integral;

using cuda_on_cpu::bits_as;

// What a register, or an immediate number, is to an instruction for T.
template <typename T, typename Register> ALWAYS_INLINE T get(Register value) {
    static_assert(sizeof(T) <= sizeof(Register), "a register narrower than what is read from it");
    if constexpr (std::is_same_v<T, bool>) return value != 0;
    else if constexpr (std::is_integral_v<T>) return static_cast<T>(value);
    else return bits_as<T>(value);
}

// A result narrower than its register is extended, by its sign if it has one.
template <typename Register, typename T> ALWAYS_INLINE void put(Register& target, T value) {
    static_assert(sizeof(T) <= sizeof(Register), "a register narrower than what is written to it");
    static_assert(std::is_same_v<Register, bool> == std::is_same_v<T, bool>, "a predicate is no number");
    if constexpr (std::is_integral_v<T>) target = static_cast<Register>(value);
    else target = bits_as<Register>(value);
}

ALWAYS_INLINE void assign(bool& first, bool& second, bool value_of_first, bool value_of_second) {
    first = value_of_first, second = value_of_second;
}

}  // namespace ptx
