// Numbers as the kernels read and write them. Put in front of every kernel source by the loader:
// NVRTC finds no headers on a machine without the CUDA toolkit, so halves are made from bits here.

#define EMPTY_LIST (-1)

// How a buffer holds its numbers; loader.py's KINDS has the same codes.
#define KIND_FLOAT 0
#define KIND_HALF 1
#define KIND_BFLOAT 2

typedef unsigned short word16;
typedef unsigned int word32;
typedef unsigned long long word64;

__device__ inline float from_half(word16 bits) {
    word32 sign = (word32)(bits & 0x8000u) << 16, exponent = (bits >> 10) & 31u, rest = bits & 1023u;
    if (exponent == 31u) return __uint_as_float(sign | 0x7f800000u | (rest << 13));
    if (exponent != 0u) return __uint_as_float(sign | ((exponent + 112u) << 23) | (rest << 13));
    float small = (float)rest * 5.9604644775390625e-08f;  // 2^-24: subnormal halves, exactly
    return sign ? -small : small;
}

// Rounded to nearest, ties to even.
__device__ inline word16 to_half(float value) {
    word32 bits = __float_as_uint(value), sign = (bits >> 16) & 0x8000u, size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) return (word16)(sign | 0x7e00u);
    if (size >= 0x477ff000u) return (word16)(sign | 0x7c00u);
    if (size < 0x38800000u) {
        // Below the least normal half: adding 0.5 makes the float's own rounding do the work.
        word32 rounded = __float_as_uint(__uint_as_float(size) + 0.5f) - 0x3f000000u;
        return (word16)(sign | rounded);
    }
    return (word16)(sign | ((size - 0x38000000u + 0xfffu + ((size >> 13) & 1u)) >> 13));
}

__device__ inline word16 to_bfloat(float value) {
    word32 bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (word16)((bits >> 16) | 0x40u);
    return (word16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ inline float read_number(const void *from, long long place, int kind) {
    if (kind == KIND_FLOAT) return ((const float *)from)[place];
    word16 bits = ((const word16 *)from)[place];
    return kind == KIND_HALF ? from_half(bits) : __uint_as_float((word32)bits << 16);
}

__device__ inline void write_number(void *to, long long place, int kind, float value) {
    if (kind == KIND_FLOAT)
        ((float *)to)[place] = value;
    else
        ((word16 *)to)[place] = kind == KIND_HALF ? to_half(value) : to_bfloat(value);
}

__device__ inline float infinity() { return __uint_as_float(0x7f800000u); }

__device__ inline long long this_thread() {
    return (long long)blockIdx.x * blockDim.x + threadIdx.x;
}
